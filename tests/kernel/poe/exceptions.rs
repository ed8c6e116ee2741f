//! `07_exceptions`, the regressions about failures, and what was seen of exceptions.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use reactor::{CallError, Context, Death, Event, States};
use testkit::logs;

use crate::parts::{Family, deed, fail, panic_text, stay};

const HALF: Duration = Duration::from_millis(500);

/// What `run` panics with.
#[track_caller]
fn run_panics(family: &mut Family) -> String {
    let run = catch_unwind(AssertUnwindSafe(|| family.kernel.run()));
    panic_text(&*run.expect_err("the panic comes out of run"))
}

#[test]
fn t07_exceptions_01_handled() {
    let mut family = Family::new();
    family.member("a", |member, cx| {
        member.at_signal(cx, "DIE", |_, cx, signal| {
            assert_eq!(signal.name(), "DIE");
            let death = signal.payload::<Death>().expect("`DIE` comes with one");
            assert_eq!(death.posted_in.as_deref(), Some("_start"));
            assert_eq!(death.error, "panic: OMG THEY CANCELLED FUTURAMA");
            cx.sig_handled();
        });
        cx.delay("still here", HALF, ());
        cx.yield_("do", deed(|_, _| fail("OMG THEY CANCELLED FUTURAMA")));
    });
    family.run();
    family.assert(["a: _start", "a: DIE", "a: still here", "a: _stop"]);
}

#[test]
fn t07_exceptions_02_not_caught() {
    // There CATCH_EXCEPTIONS is off. Here nobody watches `DIE`: run ends the same way.
    let mut family = Family::new();
    family.member("a", |_, cx| cx.yield_("do", deed(|_, _| fail("death"))));
    assert_eq!(run_panics(&mut family), "death");
    family.assert(["a: _start", "a: _stop"]);
}

#[test]
fn t07_exceptions_03_watched_and_not_handled() {
    let mut family = Family::new();
    family.member("other", |_, cx| cx.delay("never", HALF, ()));
    family.member("a", |member, cx| {
        member.at_signal(cx, "DIE", |_, _, _| {});
        cx.yield_("do", deed(|_, _| fail("death")));
    });
    assert_eq!(run_panics(&mut family), "death");
    family.assert(["other: _start", "a: _start", "a: DIE", "a: _stop", "other: _stop"]);
    assert_eq!(family.kernel.stats().timers, 0);
}

#[test]
fn grinnz_die_in_die() {
    let mut family = Family::new();
    family.member("a", |member, cx| {
        member.at_signal(cx, "DIE", |_, _, signal| {
            let death = signal.payload::<Death>().expect("`DIE` comes with one");
            assert_eq!(death.event.as_deref(), Some("_start"));
            fail("in the DIE handler");
        });
        fail("in _start");
    });
    let text = run_panics(&mut family);
    assert!(text.contains("in _start") && text.contains("in the DIE handler"), "{text}");
}

#[test]
fn leolo_sig_die() {
    // A call has one reply, of one type: POE's list is a vector here.
    const SCALAR: Event<(), u32> = Event::new("scalar");
    const LIST: Event<(), Vec<u32>> = Event::new("list");
    let mut family = Family::new();
    let server = States::new()
        .on_start(|(): &mut (), cx: &mut Context<'_>, ()| stay(cx))
        .on(&SCALAR, |(): &mut (), _: &mut Context<'_>, ()| 42)
        .on(&LIST, |(): &mut (), _: &mut Context<'_>, ()| (1..=17).collect());
    let server = family.kernel.spawn(&server, ());
    family.member("client", move |_, cx| {
        assert_eq!(cx.call(server, &SCALAR, ()), Ok(42));
        assert_eq!(cx.call(server, &LIST, ()), Ok((1..=17).collect()));
        cx.yield_("do", deed(|_, _| fail("exactly this")));
    });
    assert_eq!(run_panics(&mut family), "exactly this");
    assert_eq!(family.kernel.session_count(), 0);
}

#[test]
fn rt19908_merlyn_stop() {
    let mut family = Family::new();
    family.member("a", |member, _| member.at_stop(|_, _| fail("stop\n")));
    assert_eq!(run_panics(&mut family), "stop\n");
    family.assert(["a: _start", "a: _stop"]);
}

#[test]
fn tracing_sane_exit() {
    // There TRACE_DEFAULT and ASSERT_DEFAULT are on. Here: strict, each line logged, all that is measured.
    let (mut family, lines) = logs::capture(|| {
        let mut family = Family::with(|builder| builder.strict().slow_limit(HALF));
        family.kernel.start_timing();
        family.member("a", |_, cx| {
            let mut options = cx.options();
            (options.trace, options.debug) = (true, true);
            cx.set_options(options);
            cx.delay("ring", 2 * HALF, ());
        });
        family.run();
        family
    });
    family.assert(["a: _start", "a: ring", "a: _stop"]);
    assert!(lines.iter().any(|line| line.text.contains("ring from session")), "{lines:?}");
    assert_eq!(family.kernel.stop_timing().len(), 3);
}

#[test]
fn kernel_1_10_a_death_is_told_before_anything_else_is_delivered() {
    // POE queues it, and delivers what was queued before: no work on top of a failure here.
    let mut family = Family::new();
    family.member("a", |_, cx| {
        cx.yield_("do", deed(|_, _| fail("death")));
        cx.yield_("after", ());
    });
    assert_eq!(run_panics(&mut family), "death");
    family.assert(["a: _start", "a: _stop"]);
}

#[test]
fn kernel_1_10_death_in_a_call_is_told_to_the_caller() {
    // F48: to POE's caller it looks like an empty success.
    let mut family = Family::new();
    let inner = family.stays("inner", |_, _| {});
    family.member("outer", move |member, cx| {
        let called: Result<(), _> = cx.call(inner, "do", deed(|_, _| fail("death")));
        assert_eq!(called, Err(CallError::Failed));
        member.tell("goes on");
    });
    assert_eq!(run_panics(&mut family), "death");
    family.assert([
        "inner: _start",
        "outer: _start",
        "outer: goes on",
        "outer: _stop",
        "inner: _stop",
    ]);
}

#[test]
fn kernel_1_10_death_in_start_lets_the_constructor_return() {
    let mut family = Family::new();
    let parent = family.stays("parent", |_, _| {});
    family.act(parent, |member, cx| {
        let child = member.spawn(cx, "child", |_, _| fail("death"));
        member.tell(format_args!("made {}", member.name_of(child)));
    });
    assert_eq!(run_panics(&mut family), "death");
    family.assert([
        "parent: _start",
        "child: _start",
        "parent: made child",
        "parent: create child",
        "child: _stop",
        "parent: lose child",
        "parent: _stop",
    ]);
}

#[test]
fn kernel_1_10_death_in_stop_is_noticed_at_once() {
    // F43: POE notices it behind the next event of whomever.
    let mut family = Family::new();
    family.member("other", |_, cx| cx.delay("never", HALF, ()));
    family.member("a", |member, _| member.at_stop(|_, _| fail("death")));
    assert_eq!(run_panics(&mut family), "death");
    family.assert(["other: _start", "a: _start", "a: _stop", "other: _stop"]);
    assert_eq!(family.kernel.stats().timers, 0);
}

#[test]
fn kernel_1_10_after_a_death_there_can_be_new_sessions_and_another_run() {
    let mut family = Family::new();
    for round in 1..=3 {
        family.member("a", |_, cx| cx.yield_("do", deed(|_, _| fail("death"))));
        assert_eq!(run_panics(&mut family), "death");
        family.assert(["a: _start", "a: _stop"]);
        let heard: Rc<Cell<u32>> = Rc::default();
        let hears = Rc::clone(&heard);
        family.member("b", move |_, cx| {
            cx.delay("do", HALF, deed(move |_, _| hears.set(round)));
        });
        family.run();
        family.assert(["b: _start", "b: _stop"]);
        assert_eq!(heard.get(), round);
    }
}

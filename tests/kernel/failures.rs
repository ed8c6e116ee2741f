//! Panics and errors of handlers, and of everything else that belongs to a session.

use std::error::Error;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use log::Level;
use reactor::{Clock, Context, Kernel, KernelBuilder, OnException, States};
use testkit::logs::{self, Logged};
use testkit::story::{Act, Stage, act};

use crate::parts::{fail, panic_text};

const SECOND: Duration = Duration::from_secs(1);

fn isolated() -> Stage {
    Stage::with(|builder| builder.on_exception(OnException::Isolate))
}

/// What `run` panics with.
#[track_caller]
fn run_panics(stage: &mut Stage) -> String {
    let run = catch_unwind(AssertUnwindSafe(|| stage.kernel.run()));
    panic_text(&*run.expect_err("the panic comes out of run"))
}

/// A session that fails with this error, beside one that does not.
fn fails_with(error: impl Fn() -> Box<dyn Error> + 'static) -> (Kernel, Result<(), io::Error>) {
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    let states = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| cx.delay("fail", SECOND, ()))
        .try_on("fail", move |_: &mut (), _: &mut Context<'_>, ()| Err::<(), _>(error()));
    kernel.spawn(&states, ());
    let beside = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| cx.delay("never", 2 * SECOND, ()));
    kernel.spawn(&beside, ());
    let result = kernel.run();
    (kernel, result)
}

#[test]
fn p22_an_io_error_comes_out_of_run_as_it_is_after_everybody_was_stopped() {
    let (kernel, result) = fails_with(|| io::Error::from(io::ErrorKind::AddrInUse).into());
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    assert_eq!((kernel.session_count(), kernel.stats().timers), (0, 1));
    assert_eq!(kernel.stats().failures, 1);
}

#[test]
fn p22_any_other_error_comes_out_of_run_with_its_text() {
    let (_, result) = fails_with(|| "the tea is cold".into());
    let error = result.unwrap_err();
    assert_eq!((error.kind(), &*error.to_string()), (io::ErrorKind::Other, "the tea is cold"));
}

#[test]
fn p22_a_panic_comes_out_of_run_after_the_stop_of_everybody() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| cx.delay("never", SECOND, ()));
    stage.actor("b", |_, cx| cx.yield_("act", act(|_, _| fail("on purpose"))));
    stage.actor("c", |_, cx| cx.yield_("never", ()));
    assert_eq!(run_panics(&mut stage), "on purpose");
    stage.assert(["c: _stop", "b: _stop", "a: _stop"]);
    stage.assert_empty();
    // And the kernel can be used again.
    stage.actor("d", |_, cx| cx.yield_("hello", ()));
    stage.run();
    stage.assert(["d: hello", "d: _stop"]);
}

#[test]
fn p22_the_first_failure_is_the_one_that_comes_out() {
    let mut stage = Stage::new();
    stage.actor("a", |actor, _| actor.at_stop(|_, _| fail("second")));
    stage.actor("b", |_, cx| cx.yield_("act", act(|_, _| fail("first"))));
    assert_eq!(run_panics(&mut stage), "first");
    assert_eq!(stage.kernel.stats().failures, 2);
    stage.run();
}

#[test]
fn p22_isolated_only_the_one_that_failed_is_stopped_and_its_wheels_are_closed() {
    let mut stage = isolated();
    stage.actor("a", |_, cx| cx.delay("tick", SECOND, ()));
    stage.actor("b", |actor, cx| {
        let event = cx.symbol("never");
        actor.held.push(Box::new(cx.add_wheel(|_| crate::parts::made(event, |_| None))));
        cx.add_wheel(|_| crate::parts::made(event, |_| None)).release();
        cx.delay("never", SECOND, ());
        cx.yield_("act", act(|_, _| fail("on purpose")));
        cx.yield_("never", ());
    });
    assert_eq!(stage.kernel.wheel_count(), 2);
    let (_, lines) = logs::capture_warnings(|| stage.turn());
    stage.assert(["b: _stop"]);
    assert_eq!(stage.kernel.wheel_count(), 0);
    assert_error(&lines, &["is stopped", "its handler of act failed", "panic: on purpose"]);
    stage.run();
    stage.assert(["a: tick", "a: _stop"]);
    assert_eq!(stage.kernel.stats().failures, 1);
}

#[track_caller]
fn assert_error(lines: &[Logged], parts: &[&str]) {
    let [line] = lines else { panic!("one error was expected: {lines:?}") };
    assert_eq!((line.level, &*line.target), (Level::Error, "reactor::sessions"));
    for part in parts {
        assert!(line.text.contains(part), "{part:?} is not in {:?}", line.text);
    }
}

#[test]
fn p22_one_that_fails_in_start_is_stopped_and_its_maker_goes_on() {
    let mut stage = isolated();
    stage.actor("maker", |actor, cx| {
        let child = actor.spawn(cx, "child", |_, _| fail("on purpose"));
        assert!(cx.post(child, "never", ()).is_err(), "it is gone already");
        cx.yield_("hello", ());
    });
    stage.run();
    stage.assert(["child: _stop", "maker: hello", "maker: _stop"]);
}

#[test]
fn p22_a_failure_in_a_start_outside_the_loop_comes_out_of_run() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| cx.yield_("never", ()));
    stage.actor("b", |_, _| fail("on purpose"));
    stage.assert(["b: _stop", "a: _stop"]);
    assert_eq!(run_panics(&mut stage), "on purpose");
    stage.run();
}

#[test]
fn p22_one_that_fails_in_stop_is_gone_all_the_same() {
    let fails: fn(KernelBuilder) -> KernelBuilder = |builder| builder;
    for (choose, isolated) in
        [(fails, false), (|builder| builder.on_exception(OnException::Isolate), true)]
    {
        let mut stage = Stage::with(choose);
        stage.actor("a", |_, cx| cx.delay("tick", SECOND, ()));
        stage.actor("b", |actor, _| {
            actor.at_stop(|_, cx| {
                // What it leaves behind goes with it.
                cx.delay("never", SECOND, ());
                let event = cx.symbol("never");
                cx.add_wheel(|_| crate::parts::made(event, |_| None)).release();
                fail("on purpose");
            });
        });
        if isolated {
            stage.run();
            stage.assert(["b: _stop", "a: tick", "a: _stop"]);
        } else {
            let (text, lines) = logs::capture_warnings(|| run_panics(&mut stage));
            assert_eq!((&*text, &*lines), ("on purpose", &[][..]));
            stage.assert(["b: _stop", "a: _stop"]);
        }
        assert_eq!(stage.kernel.stats().failures, 1);
        stage.run();
    }
}

#[test]
fn p22_a_failure_in_a_nested_call_stops_everybody_when_the_caller_has_returned() {
    let mut stage = Stage::new();
    let inner = stage.actor("inner", |_, _| {});
    let outer = stage.actor("outer", |_, _| {});
    let call = act(move |actor, cx| {
        let called: Result<(), _> = cx.call(inner, "act", act(|_, _| fail("on purpose")));
        actor.tell(format_args!("{called:?}"));
    });
    stage.kernel.post(outer, "act", call).unwrap();
    assert_eq!(run_panics(&mut stage), "on purpose");
    stage.assert(["outer: Err(Failed)", "outer: _stop", "inner: _stop"]);
    stage.run();
}

#[test]
fn p22_a_hundred_sessions_fail_one_after_another_and_the_others_see_nothing_of_it() {
    let mut stage = isolated();
    for number in 0..100 {
        let odd: Act = act(|_, _| fail("on purpose"));
        let act = if number % 2 == 1 { odd } else { act(|_, _| ()) };
        stage.actor(number, move |_, cx| {
            cx.delay_set("act", SECOND * number, act);
            cx.delay_set("tick", 200 * SECOND, ());
        });
    }
    stage.run();
    assert_eq!(stage.kernel.stats().failures, 50);
    let told = stage.story.take();
    assert_eq!(told.iter().filter(|line| line.ends_with(": tick")).count(), 50);
    assert_eq!(told.iter().filter(|line| line.ends_with(": _stop")).count(), 100);
}

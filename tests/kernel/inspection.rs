//! What a kernel tells about itself: what is alive and why, who takes how long, and what is a slip.

use std::time::Duration;

use log::Level;
use reactor::{Clock, Context, Kernel, KernelBuilder, Options, SessionId, Signal, States, Timing};
use testkit::logs;
use testkit::story::{Stage, act};

use crate::parts::made;

const SECOND: Duration = Duration::from_secs(1);

/// Sleeps on a virtual clock, in the handlers `short` and `long`.
struct Sleeper(Clock);

fn sleeper(builder: KernelBuilder) -> (Kernel, SessionId) {
    let clock = Clock::virtual_time();
    let states = States::new()
        .on_start(|_: &mut Sleeper, cx: &mut Context<'_>, ()| cx.delay("never", Duration::MAX, ()))
        .on("short", |sleeper: &mut Sleeper, _: &mut Context<'_>, ()| {
            sleeper.0.advance(Duration::from_micros(3));
        })
        .on("long", |sleeper: &mut Sleeper, _: &mut Context<'_>, ()| {
            sleeper.0.advance(Duration::from_millis(200));
        });
    let mut kernel = builder.clock(clock.clone()).build().unwrap();
    let session = kernel.spawn(&states, Sleeper(clock));
    (kernel, session)
}

#[test]
fn p60_a_handler_over_the_limit_is_one_warning_that_names_session_and_event() {
    let (mut kernel, session) = sleeper(Kernel::builder().slow_limit(Duration::from_millis(100)));
    let (_, lines) = logs::capture_warnings(|| {
        for event in ["short", "long", "short"] {
            kernel.post(session, event, ()).unwrap();
        }
        kernel.run_one_turn(Duration::ZERO).unwrap();
    });
    let [line] = &lines[..] else { panic!("one warning was expected: {lines:?}") };
    for part in [&*format!("session {session}"), "Sleeper", "long", "200ms"] {
        assert!(line.text.contains(part), "{part} is not in {line}");
    }
    assert_eq!(kernel.stats().slow, 1);
    kernel.set_slow_limit(None);
    let (_, lines) = logs::capture_warnings(|| {
        kernel.post(session, "long", ()).unwrap();
        kernel.run_one_turn(Duration::ZERO).unwrap();
    });
    assert_eq!((lines.len(), kernel.stats().slow), (0, 1));
}

#[test]
fn p60_the_lag_is_how_long_the_loop_was_busy_between_two_looks() {
    let (mut kernel, session) = sleeper(Kernel::builder());
    kernel.post(session, "long", ()).unwrap();
    kernel.run_one_turn(Duration::ZERO).unwrap();
    kernel.run_one_turn(Duration::ZERO).unwrap();
    assert_eq!(kernel.stats().lag, Duration::from_millis(200));
    kernel.run_one_turn(Duration::ZERO).unwrap();
    assert_eq!(kernel.stats().lag, Duration::ZERO);
    assert_eq!(kernel.stats().longest_lag, Duration::from_millis(200));
}

#[test]
fn timings_have_count_total_maximum_and_histogram_by_kind_and_event() {
    let (mut kernel, session) = sleeper(Kernel::builder());
    kernel.post(session, "long", ()).unwrap();
    kernel.run_one_turn(Duration::ZERO).unwrap();
    assert!(kernel.timings().is_empty(), "nothing is measured until it is asked for");
    kernel.start_timing();
    for event in ["short", "long", "short", "long", "short"] {
        kernel.post(session, event, ()).unwrap();
    }
    kernel.run_one_turn(Duration::ZERO).unwrap();
    let timings = kernel.stop_timing();
    let [long, short] = &timings[..] else { panic!("two events were timed: {timings:?}") };
    assert_eq!((long.event(), long.count()), ("long", 2));
    assert_eq!((short.event(), short.count()), ("short", 3));
    assert!(long.kind().ends_with("Sleeper"), "{}", long.kind());
    assert_eq!((long.total(), long.max()), (SECOND * 2 / 5, SECOND / 5));
    assert_eq!(short.total(), Duration::from_micros(9));
    // 200 ms are between 2^27 and 2^28 ns, 3 µs between 2^11 and 2^12.
    let filled = |timing: &Timing| {
        let histogram = timing.histogram().iter().enumerate();
        histogram.filter(|(_, count)| **count > 0).map(|(n, count)| (n, *count)).collect::<Vec<_>>()
    };
    assert_eq!((filled(long), filled(short)), (vec![(27, 2)], vec![(11, 3)]));
    assert!(kernel.timings().is_empty());
}

#[test]
fn a_snapshot_has_everybody_with_all_they_have() {
    let mut stage = Stage::new();
    let parent = stage.actor("parent", |actor, cx| {
        cx.alias_set("server").unwrap();
        cx.refcount_increment(cx.session(), "work").unwrap();
        cx.refcount_increment(cx.session(), "work").unwrap();
        cx.sig("MOO", "moo").unwrap();
        let event = cx.symbol("never");
        actor.held.push(Box::new(cx.add_wheel(|_| made(event, |_| None))));
        actor.spawn(cx, "child", |_, cx| {
            cx.delay_set("late", 2 * SECOND, ());
            cx.delay_set("soon", SECOND, ());
        });
    });
    let child = stage.kernel.children(parent)[0];
    stage.turn();
    stage.kernel.post(child, "word", "hello").unwrap();
    stage.kernel.signal(child, "MOO", ()).unwrap();
    let snapshot = stage.kernel.snapshot();
    let [first, second] = &snapshot.sessions[..] else { panic!("two sessions: {snapshot:?}") };
    assert_eq!((first.id, first.parent, first.depth), (parent, SessionId::KERNEL, 0));
    assert_eq!((second.id, second.parent, second.depth), (child, parent, 1));
    assert_eq!(first.aliases, ["server"]);
    assert_eq!(first.tags, [("work".to_owned(), 2)]);
    assert_eq!(first.signals, ["MOO"]);
    assert_eq!((first.wheels.len(), first.wheels[0].holds), (1, true));
    assert!(first.wheels[0].kind.ends_with("Made"), "{}", first.wheels[0].kind);
    let events: Vec<_> = second.timers.iter().map(|timer| (&*timer.event, timer.due)).collect();
    assert_eq!(events, [("soon", snapshot.now + SECOND), ("late", snapshot.now + 2 * SECOND)]);
    let queued: Vec<_> =
        second.queued.iter().map(|one| (&*one.event, one.from, one.payload)).collect();
    assert_eq!(queued, [("word", SessionId::KERNEL, "&str"), ("MOO", SessionId::KERNEL, "signal")]);
    assert_eq!(second.holds, [("queued events", 2), ("timers", 2)]);
    let text = snapshot.to_string();
    for part in ["2 sessions, 1 wheel, 2 timers, 2 queued", "aliases: server", "work (2)", "soon"] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    stage.kernel.stop();
    stage.run();
}

#[test]
fn a_handler_finds_itself_running_in_a_snapshot() {
    let mut stage = Stage::new();
    let a = stage.actor("a", |_, cx| cx.delay("never", SECOND, ()));
    stage.act(a, |actor, cx| {
        let snapshot = cx.kernel().snapshot();
        assert!(snapshot.sessions[0].is_running);
        actor.tell(snapshot.sessions.len());
    });
    stage.assert(["a: 1"]);
    stage.kernel.stop();
    stage.run();
}

/// A kernel in strict mode that runs one session to its end; what `run` fails with.
fn strictly(start: impl Fn(&mut Context<'_>) + 'static) -> Option<String> {
    let states = States::new()
        .on_start(move |_: &mut (), cx: &mut Context<'_>, ()| start(cx))
        .on("number", |_: &mut (), _: &mut Context<'_>, _: u32| {});
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).strict().build().unwrap();
    kernel.spawn(&states, ());
    kernel.run().err().map(|error| error.to_string())
}

/// What a session does in `_start`, and what the failure of that says.
type Slip = (fn(&mut Context<'_>), &'static str);

#[test]
fn p65_strictly_what_is_a_line_in_the_log_otherwise_is_a_failure() {
    assert_eq!(strictly(|cx| cx.yield_("number", 1_u32)), None);
    let slips: [Slip; 4] = [
        (|cx| cx.yield_("nmber", 1_u32), "event nmber"),
        (|cx| cx.yield_("number", "one"), "its handler takes u32, not &str"),
        (|cx| assert!(cx.post("nobody", "number", 1_u32).is_err()), "an alias that nobody has"),
        (|cx| cx.delay("tik", SECOND, ()), "event tik"),
    ];
    for (slip, part) in slips {
        let error = strictly(slip).expect("it is a failure");
        assert!(error.starts_with("strict: ") && error.contains(part), "{error}");
    }
}

#[test]
fn p65_strictly_a_post_to_the_dead_is_the_failure_of_who_posted_it() {
    let mut stage = Stage::with(KernelBuilder::strict);
    let dead = stage.actor("dead", |_, _| {});
    stage.turn();
    let b = stage.actor("b", |_, cx| cx.delay("never", SECOND, ()));
    let slip = act(move |_, cx| assert!(cx.post(dead, "word", ()).is_err()));
    let _called: Result<(), _> = stage.kernel.call(b, "act", slip);
    let error = stage.kernel.run().unwrap_err().to_string();
    assert!(
        error.contains(&format!("from session {b} was posted to a session that is gone")),
        "{error}"
    );
    stage.assert(["dead: _stop", "b: _stop"]);
    // From outside the loop it is the caller's error and nobody's failure.
    assert!(stage.kernel.post(dead, "word", ()).is_err());
    stage.run();
}

#[test]
fn options_are_a_trace_a_warning_and_another() {
    let options = |change: fn(&mut Options)| {
        let mut options = Options::default();
        change(&mut options);
        options
    };
    let (traced, silent) = (options(|one| one.trace = true), options(|one| one.default = false));
    let debug = options(|one| one.debug = true);
    let states = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| cx.delay("never", SECOND, ()))
        .on("word", |_: &mut (), _: &mut Context<'_>, ()| {})
        .on("again", |_: &mut (), cx: &mut Context<'_>, ()| {
            cx.state("word", |_: &mut (), _: &mut Context<'_>, ()| {}).unwrap();
        });
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    let session = kernel.spawn(&states, ());
    let mut lines_of = |options: Options, event: &'static str, level: Level| {
        assert!(kernel.set_options(session, options).is_ok());
        assert_eq!(kernel.options(session), Ok(options));
        let (_, lines) = logs::capture(|| {
            kernel.post(session, event, ()).unwrap();
            kernel.run_one_turn(Duration::ZERO).unwrap();
        });
        lines.into_iter().filter(|line| line.level <= level).count()
    };
    assert_eq!(lines_of(Options::default(), "word", Level::Info), 0);
    assert_eq!(lines_of(traced, "word", Level::Info), 1);
    assert_eq!(lines_of(Options::default(), "nobody", Level::Warn), 1);
    assert_eq!(lines_of(silent, "nobody", Level::Warn), 0);
    assert_eq!(lines_of(Options::default(), "again", Level::Warn), 0);
    assert_eq!(lines_of(debug, "again", Level::Warn), 1);
    kernel.stop();
    kernel.run().unwrap();
    assert!(kernel.set_options(session, traced).is_err(), "it is gone");
}

#[test]
fn a_signal_that_nobody_handles_says_so_as_any_event_does() {
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    let states = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
            cx.sig("MOO", "mo").unwrap();
            cx.signal(SessionId::KERNEL, "MOO", ()).unwrap();
        })
        .on("moo", |_: &mut (), _: &mut Context<'_>, _: Signal| {});
    kernel.spawn(&states, ());
    let (_, lines) = logs::capture_warnings(|| kernel.run().unwrap());
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].text.contains("event mo from the kernel (in _start)"), "{}", lines[0]);
}

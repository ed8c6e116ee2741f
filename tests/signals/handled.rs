//! Terminal signals: everybody stops, unless somebody calls the signal handled.

use std::time::Duration;

use reactor::{Context, Kernel, Signal, States};
use rustix::process::Signal as System;
use testkit::story::{Actor, Stage};

use crate::{Test, raise};

pub const TESTS: &[Test] = &[
    ("a_terminal_signal_stops_everybody_after_all_who_watch_were_told", stops_everybody),
    ("a_terminal_signal_that_one_calls_handled_stops_nobody", handled),
    ("what_handled_one_signal_does_not_handle_the_next", not_the_next),
    ("a_signal_that_is_not_terminal_stops_nobody", not_terminal),
    ("a_handler_that_fails_does_not_keep_the_others_from_being_told", one_fails),
];

const LONG: Duration = Duration::from_secs(3600);

const TERMINAL: [(&str, System); 4] =
    [("HUP", System::HUP), ("INT", System::INT), ("QUIT", System::QUIT), ("TERM", System::TERM)];

fn watch(name: &'static str) -> impl FnOnce(&mut Actor, &mut Context<'_>) {
    move |_, cx| {
        cx.sig(name, name).unwrap();
        cx.delay("end", LONG, ());
    }
}

fn stops_everybody() {
    for (name, signal) in TERMINAL {
        let mut stage = Stage::new();
        stage.actor("a", watch(name));
        stage.actor("b", |_, cx| cx.delay("end", LONG, ()));
        stage.actor("c", watch(name));
        raise(signal);
        stage.run();
        let (c, a) = (format!("c: {name}"), format!("a: {name}"));
        stage.assert([&*c, &*a, "c: _stop", "b: _stop", "a: _stop"]);
        assert_eq!(stage.kernel.stats().timers, 0, "nobody waited for the end");
    }
}

/// A session that handles TERM so many times, and then no more.
fn handles(times: u32) -> (Kernel, reactor::SessionId) {
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on_start(|_: &mut u32, cx: &mut Context<'_>, ()| {
            cx.sig("TERM", "term").unwrap();
            cx.delay("end", LONG, ());
        })
        .on("term", |left: &mut u32, cx: &mut Context<'_>, signal: Signal| {
            assert_eq!(signal.name(), "TERM");
            if *left > 0 {
                *left -= 1;
                cx.sig_handled();
            }
        });
    let session = kernel.spawn(&states, times);
    // It watches too, is told later, and says nothing.
    let silent = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| cx.sig("TERM", "term").unwrap())
        .on("term", |_: &mut (), _: &mut Context<'_>, _: Signal| {});
    kernel.spawn(&silent, ());
    (kernel, session)
}

fn handled() {
    let (mut kernel, session) = handles(1);
    raise(System::TERM);
    kernel.run_one_turn(Duration::ZERO).unwrap();
    kernel.run_one_turn(Duration::ZERO).unwrap();
    assert!(kernel.why_alive(session).is_some());
    kernel.stop();
    kernel.run().unwrap();
}

fn not_the_next() {
    let (mut kernel, session) = handles(2);
    for _ in 0..2 {
        raise(System::TERM);
        kernel.run_one_turn(Duration::ZERO).unwrap();
        assert!(kernel.why_alive(session).is_some());
    }
    raise(System::TERM);
    kernel.run_one_turn(Duration::ZERO).unwrap();
    assert_eq!(kernel.why_alive(session), None);
    kernel.run().unwrap();
}

fn not_terminal() {
    for (name, signal) in [
        ("USR1", System::USR1),
        ("USR2", System::USR2),
        ("ALRM", System::ALARM),
        ("PIPE", System::PIPE),
        ("CHLD", System::CHILD),
        ("WINCH", System::WINCH),
    ] {
        let mut stage = Stage::new();
        let a = stage.actor("a", watch(name));
        raise(signal);
        stage.turn();
        stage.story.assert([&*format!("a: {name}")]);
        assert_eq!(stage.kernel.why_alive(a).as_deref(), Some("1 timer"));
        stage.kernel.stop();
        stage.run();
    }
}

fn one_fails() {
    let mut stage = Stage::with(|builder| builder.on_exception(reactor::OnException::Isolate));
    let a = stage.actor("a", watch("USR1"));
    let failing = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
            cx.sig("USR1", "usr1").unwrap();
            cx.delay("end", LONG, ());
        })
        .try_on("usr1", |_: &mut (), _: &mut Context<'_>, _: Signal| Err::<(), _>("no"));
    let failing = stage.kernel.spawn(&failing, ());
    raise(System::USR1);
    stage.turn();
    stage.assert(["a: USR1"]);
    assert_eq!(stage.kernel.why_alive(failing), None);
    assert!(stage.kernel.why_alive(a).is_some());
    stage.kernel.stop();
    stage.run();
}

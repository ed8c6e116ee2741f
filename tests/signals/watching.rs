//! What a watch delivers, and what cannot be watched.

use std::time::Duration;

use reactor::{Context, Kernel, Signal, SignalError, States};
use rustix::process::Signal as System;
use testkit::story::{Stage, act};

use crate::{Test, raise};

pub const TESTS: &[Test] = &[
    ("usr1_raised_twice_before_it_is_delivered_is_one_event", usr1_twice),
    ("a_signal_that_waits_in_the_queue_is_not_queued_again", waits_in_the_queue),
    ("a_signal_that_comes_while_it_is_delivered_is_another", while_delivered),
    ("the_youngest_watch_is_told_first", youngest_first),
    ("a_watch_set_again_takes_the_place_of_the_first", set_again),
    ("a_watch_does_not_keep_its_session_alive", does_not_keep_alive),
    ("unknown_and_unwatchable_names_are_refused", refused),
    ("one_kernel_after_the_other_watches_the_same_signal", one_after_the_other),
    ("two_kernels_at_once_both_get_the_signal", two_at_once),
    ("p65_a_signal_whose_event_nobody_takes_is_a_warning", nobody_takes),
];

const LONG: Duration = Duration::from_secs(3600);

fn usr1_twice() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        cx.sig("USR1", "usr1").unwrap();
        cx.delay("end", LONG, ());
    });
    raise(System::USR1);
    raise(System::USR1);
    stage.turn();
    stage.assert(["a: usr1"]);
    stage.turn();
    stage.assert([]);
    raise(System::USR1);
    stage.turn();
    stage.assert(["a: usr1"]);
    stage.kernel.stop();
    stage.run();
}

fn waits_in_the_queue() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        cx.sig("USR1", "usr1").unwrap();
        // More than two turns deliver.
        for _ in 0..2_500 {
            cx.yield_("act", act(|_, _| {}));
        }
        cx.delay("end", LONG, ());
    });
    for _ in 0..3 {
        raise(System::USR1);
        stage.turn();
    }
    stage.assert(["a: usr1"]);
    stage.turn();
    stage.assert([]);
    stage.kernel.stop();
    // Nor is it thought to be in a queue that was cleared.
    stage.actor("b", |_, cx| {
        cx.sig("USR1", "usr1").unwrap();
        for _ in 0..1_500 {
            cx.yield_("act", act(|_, _| {}));
        }
    });
    raise(System::USR1);
    stage.turn();
    stage.kernel.stop();
    stage.story.take();
    stage.actor("c", |_, cx| {
        cx.sig("USR1", "usr1").unwrap();
        cx.delay("end", LONG, ());
    });
    raise(System::USR1);
    stage.turn();
    stage.assert(["c: usr1"]);
    stage.kernel.stop();
    stage.run();
}

fn while_delivered() {
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on_start(|_: &mut u32, cx: &mut Context<'_>, ()| {
            cx.sig("USR1", "usr1").unwrap();
            cx.delay("end", LONG, ());
            raise(System::USR1);
        })
        .on("usr1", |count: &mut u32, cx: &mut Context<'_>, signal: Signal| {
            assert_eq!((signal.name(), &*signal.to_string()), ("USR1", "USR1"));
            *count += 1;
            if *count < 5 {
                raise(System::USR1);
            } else {
                cx.stop();
            }
        });
    kernel.spawn(&states, 0);
    kernel.run().unwrap();
    assert_eq!(kernel.stats().timers, 0);
}

fn youngest_first() {
    let mut stage = Stage::new();
    for name in ["a", "b", "c"] {
        stage.actor(name, |actor, cx| {
            actor.held.push(Box::new(()));
            cx.sig("USR1", "usr1").unwrap();
            cx.delay("end", LONG, ());
        });
    }
    raise(System::USR1);
    stage.turn();
    stage.assert(["c: usr1", "b: usr1", "a: usr1"]);
    stage.kernel.stop();
    stage.run();
}

fn set_again() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        cx.sig("USR1", "first").unwrap();
        cx.sig("USR2", "other").unwrap();
        cx.sig("USR1", "second").unwrap();
        cx.delay("end", LONG, ());
    });
    raise(System::USR1);
    stage.turn();
    stage.assert(["a: second"]);
    raise(System::USR2);
    stage.turn();
    stage.assert(["a: other"]);
    stage.kernel.stop();
    stage.run();
}

fn does_not_keep_alive() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| cx.sig("USR1", "usr1").unwrap());
    stage.run();
    stage.assert(["a: _stop"]);
}

fn refused() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        for name in ["KILL", "STOP", "SEGV", "ILL", "FPE"] {
            let refused = cx.sig(name, "never").unwrap_err();
            assert!(matches!(&refused, SignalError::Unwatchable(same) if same == name));
        }
        for name in ["SIGINT", "int", "", "sigint", "INT ", "CLD", "SIGCLD"] {
            let refused = cx.sig(name, "never").unwrap_err();
            assert!(matches!(&refused, SignalError::Misspelt(same) if same == name));
        }
    });
    stage.run();
    assert_eq!(stage.kernel.stats().failures, 0);
}

fn one_after_the_other() {
    for _ in 0..3 {
        two_of_them(false);
    }
}

fn two_at_once() {
    two_of_them(true);
}

fn two_of_them(at_once: bool) {
    let watching = || {
        let mut stage = Stage::new();
        stage.actor("a", |_, cx| {
            cx.sig("USR1", "usr1").unwrap();
            cx.delay("end", LONG, ());
        });
        stage
    };
    let mut one = watching();
    let mut other = if at_once { Some(watching()) } else { None };
    raise(System::USR1);
    for stage in std::iter::once(&mut one).chain(&mut other) {
        stage.turn();
        stage.assert(["a: usr1"]);
        stage.kernel.stop();
        stage.run();
    }
}

fn nobody_takes() {
    let mut kernel = Kernel::new().unwrap();
    let states = States::new().on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
        cx.sig("USR1", "usr1").unwrap();
        cx.delay("end", LONG, ());
    });
    kernel.spawn(&states, ());
    raise(System::USR1);
    let (_, lines) = testkit::logs::capture_warnings(|| {
        kernel.run_one_turn(Duration::ZERO).unwrap();
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].text.contains("event usr1 from the kernel"), "{}", lines[0]);
    kernel.stop();
    kernel.run().unwrap();
}

//! The parts of POE's `ses_session` and `k_signals` that are about signals of the system.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use reactor::{Clock, Context, Kernel, Signal, States};
use rustix::process::Signal as System;

use crate::{Test, raise};

pub const TESTS: &[Test] = &[
    ("ses_session_five_alarms_and_five_pipes", five_of_each),
    ("k_signals_usr1_and_pipe_once_each_and_then_the_end", once_each),
];

const HALF: Duration = Duration::from_millis(500);

fn five_of_each() {
    let heard: Rc<[Cell<u32>; 2]> = Rc::default();
    let hears = Rc::clone(&heard);
    let states = States::new()
        .on_start(|_: &mut u32, cx: &mut Context<'_>, ()| {
            cx.sig("ALRM", "signal").unwrap();
            cx.sig("PIPE", "signal").unwrap();
            cx.delay("raise", HALF, ());
        })
        .on("raise", |raised: &mut u32, cx: &mut Context<'_>, ()| {
            *raised += 1;
            raise(System::ALARM);
            raise(System::PIPE);
            if *raised < 5 {
                cx.delay("raise", HALF, ());
            } else {
                cx.delay("linger", 2 * HALF, ());
            }
        })
        .on("signal", move |raised: &mut u32, _: &mut Context<'_>, signal: Signal| {
            let place = match signal.name() {
                "ALRM" => 0,
                "PIPE" => 1,
                other => panic!("nobody watches {other}"),
            };
            hears[place].set(hears[place].get() + 1);
            assert!(hears[place].get() <= *raised);
        })
        .on("linger", |_: &mut u32, _: &mut Context<'_>, ()| {});
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    kernel.spawn(&states, 0);
    kernel.run().unwrap();
    assert_eq!((heard[0].get(), heard[1].get()), (5, 5));
}

fn once_each() {
    let states = States::new()
        .on_start(|_: &mut Vec<String>, cx: &mut Context<'_>, ()| {
            cx.sig("USR1", "signal").unwrap();
            cx.sig("PIPE", "signal").unwrap();
            cx.delay("long", 100 * HALF, ());
            raise(System::USR1);
            raise(System::PIPE);
        })
        .on("signal", |heard: &mut Vec<String>, cx: &mut Context<'_>, signal: Signal| {
            heard.push(signal.name().to_owned());
            assert!(cx.sig_clear(signal.name()));
            if heard.len() == 2 {
                // Nothing holds the session any more, neither the watches nor the timer.
                cx.alarm_remove_all();
            }
        })
        .on_stop(|heard: &mut Vec<String>, _: &mut Context<'_>, ()| {
            heard.sort();
            assert_eq!(*heard, ["PIPE", "USR1"]);
        });
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    kernel.spawn(&states, Vec::new());
    kernel.run().unwrap();
    assert_eq!(kernel.stats().timers, 0, "nobody waited for the timer");
}

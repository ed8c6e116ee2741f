//! Signals as fast as they come: none is lost, and no timer is early or left out.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use reactor::{Clock, Context, Kernel, Signal, States};
use rustix::process::Signal as System;

use crate::{Test, raise};

pub const TESTS: &[Test] = &[
    ("p68_timers_ring_in_time_while_signals_come_as_fast_as_they_can", p68),
    ("p69_after_the_last_signal_of_any_burst_there_is_an_event", p69),
];

const MS: Duration = Duration::from_millis(1);
const TICKS: u32 = 100;

fn p68() {
    let clock = Clock::system();
    let mut kernel = Kernel::builder().clock(clock.clone()).build().unwrap();
    let signals: Rc<Cell<u64>> = Rc::default();
    let heard = Rc::clone(&signals);
    let states = States::new()
        .on_start(|_: &mut u32, cx: &mut Context<'_>, ()| {
            cx.sig("USR1", "usr1").unwrap();
            let due = cx.now() + MS;
            cx.delay("tick", MS, due);
        })
        .on("usr1", move |_: &mut u32, _: &mut Context<'_>, _: Signal| {
            heard.set(heard.get() + 1);
        })
        .on("tick", move |ticks: &mut u32, cx: &mut Context<'_>, due: Instant| {
            assert!(cx.now() >= due && clock.now() >= due, "early");
            *ticks += 1;
            if *ticks < TICKS {
                let due = cx.now() + MS;
                cx.delay("tick", MS, due);
            }
        });
    kernel.spawn(&states, 0);
    // Not before somebody watches, nor after: the default action would end the process.
    let meanwhile = watching_usr1();
    let over = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&over);
    let storm = thread::spawn(move || {
        let mut raised = 0_u64;
        while !stop.load(Ordering::Relaxed) {
            raise(System::USR1);
            raised += 1;
            thread::yield_now();
        }
        raised
    });
    kernel.run().unwrap();
    over.store(true, Ordering::Relaxed);
    let raised = storm.join().expect("the storm");
    drop(meanwhile);
    assert_eq!(kernel.stats().timers, u64::from(TICKS));
    assert!(signals.get() > 0 && signals.get() <= raised + 1);
}

/// A kernel that does nothing but watch.
fn watching_usr1() -> Kernel {
    let mut kernel = Kernel::new().unwrap();
    let states = States::new().on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
        cx.sig("USR1", "never").unwrap();
    });
    kernel.spawn(&states, ());
    kernel
}

fn p69() {
    const RAISED: u64 = 100_000;
    let (asked, answered) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (question, answer) = (Arc::clone(&asked), Arc::clone(&answered));
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
            cx.sig("USR1", "usr1").unwrap();
            cx.delay("end", Duration::from_secs(3600), ());
        })
        .on("usr1", move |_: &mut (), cx: &mut Context<'_>, _: Signal| {
            // Whatever was raised before this was asked for before this.
            let asked = question.load(Ordering::SeqCst);
            answer.store(asked, Ordering::SeqCst);
            if asked == RAISED {
                cx.stop();
            }
        });
    kernel.spawn(&states, ());
    // The last may come when its event, which an earlier one brought, was delivered already.
    let meanwhile = watching_usr1();
    let bursts = thread::spawn(move || {
        let mut raised = 0;
        let mut length = 1;
        while raised < RAISED {
            for _ in 0..length.min(RAISED - raised) {
                raised += 1;
                asked.store(raised, Ordering::SeqCst);
                raise(System::USR1);
            }
            length = length % 97 + 1;
            // The event after the last of the burst; if it is lost, this waits for ever.
            while answered.load(Ordering::SeqCst) < raised {
                thread::yield_now();
            }
        }
    });
    kernel.run().unwrap();
    bursts.join().expect("every burst was answered");
    drop(meanwhile);
}

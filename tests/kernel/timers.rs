//! Delays: what replaces what, what is removed, and how far they reach.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use reactor::{Clock, Context, Kernel, NoSuchTimer, OnException, States, TimerId};
use testkit::story::{Stage, act};

use crate::parts::fail;

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_delay_replaces_every_timer_of_its_name_however_set() {
    let mut stage = Stage::new();
    let a = stage.actor("a", |_, cx| {
        cx.delay_set("tick", MS, ());
        cx.delay_set("tick", 5 * MS, ());
        cx.delay("tick", 2 * MS, ());
        cx.delay_set("other", 2 * MS, ());
        cx.delay("tick", 3 * MS, ());
    });
    assert_eq!(stage.kernel.why_alive(a).as_deref(), Some("1 queued event, 2 timers"));
    stage.run();
    stage.assert(["a: other", "a: tick", "a: _stop"]);
}

#[test]
fn a_delay_leaves_timers_of_other_sessions_alone() {
    let mut stage = Stage::new();
    let a = stage.actor("a", |_, cx| cx.delay("tick", MS, ()));
    let b = stage.actor("b", |_, cx| cx.delay("tick", 2 * MS, ()));
    stage.act(a, |_, cx| cx.delay("tick", 3 * MS, ()));
    assert_eq!(stage.kernel.why_alive(b).as_deref(), Some("1 queued event, 1 timer"));
    stage.run();
    stage.assert(["b: tick", "b: _stop", "a: tick", "a: _stop"]);
}

#[test]
fn delay_set_adds_a_timer_beside_those_of_its_name() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        cx.delay("tick", MS, ());
        cx.delay_set("tick", 2 * MS, ());
        cx.delay_set("tick", 2 * MS, ());
    });
    stage.run();
    stage.assert(["a: tick", "a: tick", "a: tick", "a: _stop"]);
}

#[test]
fn p38_a_removed_timer_never_rings_even_if_it_is_due_in_this_batch() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        let late = Rc::new(Cell::new(None));
        let victim = Rc::clone(&late);
        cx.delay_set(
            "act",
            MS,
            act(move |actor, cx| {
                let removed = cx.alarm_remove(victim.get().expect("set below"));
                actor.tell(format_args!("removed {}", removed.unwrap().name()));
            }),
        );
        late.set(Some(cx.delay_set("removed", MS, ())));
        cx.delay_set("kept", MS, ());
    });
    stage.run();
    stage.assert(["a: removed removed", "a: kept", "a: _stop"]);
}

#[test]
fn p38_a_timer_set_due_in_this_step_can_be_removed_in_this_step() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        let set = Rc::new(Cell::new(None));
        let (by, to) = (Rc::clone(&set), set);
        cx.yield_("act", act(move |_, cx| by.set(Some(cx.delay_set("never", Duration::ZERO, ())))));
        // In between something is delivered: the kernel has met the timer and holds it back.
        cx.yield_("between", ());
        cx.yield_("act", act(move |_, cx| drop(cx.alarm_remove(to.get().expect("set")).unwrap())));
        cx.yield_("after", ());
    });
    stage.run();
    stage.assert(["a: between", "a: after", "a: _stop"]);
}

#[test]
fn a_timer_is_removed_once_and_not_after_it_rang() {
    let mut stage = Stage::new();
    let seen: Rc<Cell<Option<TimerId>>> = Rc::default();
    let kept = Rc::clone(&seen);
    let a = stage.actor("a", move |_, cx| {
        let timer = cx.delay_set("tick", MS, ());
        cx.delay_set("later", 2 * MS, ());
        kept.set(Some(timer));
        let other = cx.delay_set("gone", MS, ());
        cx.alarm_remove(other).unwrap();
        assert_eq!(cx.alarm_remove(other).unwrap_err(), NoSuchTimer);
    });
    stage.kernel.run_one_turn(MS).unwrap();
    stage.kernel.run_one_turn(MS).unwrap();
    stage.assert(["a: tick"]);
    stage.act(a, move |_, cx| {
        assert_eq!(cx.alarm_remove(seen.get().unwrap()).unwrap_err(), NoSuchTimer);
    });
    stage.run();
    stage.assert(["a: later", "a: _stop"]);
}

#[test]
fn a_timer_of_another_session_is_not_removed() {
    let mut stage = Stage::new();
    let timer: Rc<Cell<Option<TimerId>>> = Rc::default();
    let kept = Rc::clone(&timer);
    stage.actor("a", move |_, cx| kept.set(Some(cx.delay_set("tick", MS, ()))));
    stage.actor("b", move |_, cx| {
        assert_eq!(cx.alarm_remove(timer.get().unwrap()).unwrap_err(), NoSuchTimer);
    });
    stage.run();
    stage.assert(["b: _stop", "a: tick", "a: _stop"]);
}

#[test]
fn a_stale_timer_id_never_means_the_timer_that_has_its_slot_now() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        let mut stale = Vec::new();
        for _ in 0..100 {
            let timer = cx.delay_set("gone", MS, ());
            cx.alarm_remove(timer).unwrap();
            stale.push(timer);
        }
        let alive = cx.delay_set("alive", MS, ());
        assert!(!stale.contains(&alive));
        for timer in stale {
            assert_eq!(cx.alarm_remove(timer).unwrap_err(), NoSuchTimer);
        }
    });
    stage.run();
    stage.assert(["a: alive", "a: _stop"]);
}

#[test]
fn p37_the_longest_delay_is_set_and_removed_without_overflow() {
    let mut stage = Stage::new();
    let a = stage.actor("a", |_, cx| {
        cx.delay("ever", Duration::MAX, ());
        cx.delay_set("ever", Duration::from_secs(u64::MAX), ());
        cx.delay_set("soon", MS, ());
    });
    stage.turn();
    stage.kernel.run_one_turn(MS).unwrap();
    stage.turn();
    stage.assert(["a: soon"]);
    assert_eq!(stage.kernel.why_alive(a).as_deref(), Some("2 timers"));
    // Another second at the end of time changes nothing.
    stage.clock.advance(Duration::MAX);
    stage.clock.advance(Duration::from_secs(1));
    stage.act(a, |_, cx| cx.delay("after the end", Duration::MAX, ()));
    stage.run();
    stage.assert(["a: ever", "a: ever", "a: after the end", "a: _stop"]);
}

#[test]
fn p37_the_system_clock_waits_for_a_timer_that_is_never_due_without_spinning() {
    let mut kernel = Kernel::new().unwrap();
    let states = States::new().on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
        cx.delay("never", Duration::MAX, ());
        cx.delay_set("never", Duration::from_secs(u64::MAX / 2), ());
    });
    kernel.spawn(&states, ());
    kernel.run_one_turn(Duration::ZERO).unwrap();
    let before = kernel.stats().polls;
    kernel.run_one_turn(20 * MS).unwrap();
    assert_eq!(kernel.stats().polls, before + 1);
    assert_eq!(kernel.stats().timers, 0);
    kernel.stop();
    kernel.run().unwrap();
}

#[test]
fn timers_ring_when_they_are_due_and_never_before() {
    let mut stage = Stage::new();
    let clock = stage.clock.clone();
    stage.actor("a", move |_, cx| {
        for wait in [7, 3, 3, 0, 11, 1] {
            let (due, clock) = (cx.now() + wait * MS, clock.clone());
            let check = act(move |_, cx| {
                assert_eq!(cx.now(), due);
                assert_eq!(clock.now(), due);
            });
            cx.delay_set("act", wait * MS, check);
        }
    });
    let before = stage.clock.now();
    stage.run();
    assert_eq!(stage.clock.now() - before, 11 * MS, "time moved as far as the last timer");
}

#[test]
fn setting_and_removing_a_million_timers_leaves_none() {
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    let states = States::new().on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
        let mut timers = Vec::new();
        for round in 0..10_u32 {
            timers.extend((0..100_000_u32).map(|number| {
                let delay = MS * (number.wrapping_mul(2_654_435_761) >> 20) + MS * round;
                cx.delay_set("tick", delay, number)
            }));
            for timer in timers.drain(..) {
                cx.alarm_remove(timer).unwrap();
            }
        }
    });
    let session = kernel.spawn(&states, ());
    assert_eq!(kernel.why_alive(session).as_deref(), Some("1 queued event"));
    kernel.run().unwrap();
    assert_eq!(kernel.stats().timers, 0);
}

#[test]
fn p33_a_timer_of_a_millisecond_is_never_early_and_the_loop_does_not_spin_for_it() {
    const TICKS: u32 = 100;
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on_start(|_: &mut u32, cx: &mut Context<'_>, ()| {
            let due = cx.now() + MS;
            cx.alarm("tick", due, due);
        })
        .on("tick", |ticks: &mut u32, cx: &mut Context<'_>, due: Instant| {
            assert!(Instant::now() >= due && cx.now() >= due, "early");
            *ticks += 1;
            if *ticks < TICKS {
                let due = cx.now() + MS;
                cx.alarm("tick", due, due);
            }
        });
    kernel.spawn(&states, 0);
    kernel.run().unwrap();
    assert_eq!(kernel.stats().timers, u64::from(TICKS));
    assert!(kernel.stats().polls <= u64::from(TICKS) * 11 / 10 + 5, "{:?}", kernel.stats());
}

#[test]
fn p33_a_crowd_of_timers_for_about_one_time_wakes_the_loop_a_few_times() {
    const CROWD: u32 = 2000;
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
            for number in 0..CROWD {
                let due = cx.now() + 50 * MS + number * Duration::from_nanos(1);
                cx.alarm_set("ring", due, due);
            }
        })
        .on("ring", |_: &mut (), cx: &mut Context<'_>, due: Instant| {
            assert!(Instant::now() >= due && cx.now() >= due, "early");
        });
    kernel.spawn(&states, ());
    kernel.run().unwrap();
    assert_eq!(kernel.stats().timers, u64::from(CROWD));
    assert!(kernel.stats().polls < 20, "{:?}", kernel.stats());
}

/// The drop of a payload is the program's code.
#[test]
fn a_payload_that_panics_when_it_is_replaced_fails_its_session_and_nobody_elses_timers() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            fail("a bomb");
        }
    }
    for several in [false, true] {
        let mut stage = Stage::with(|builder| builder.on_exception(OnException::Isolate));
        stage.actor("a", |_, cx| cx.delay("tick", 2 * MS, ()));
        stage.actor("b", move |_, cx| {
            cx.delay("tick", 3 * MS, Bomb);
            if several {
                cx.delay_set("tick", 3 * MS, ());
            }
            cx.delay("other", 4 * MS, ());
            cx.delay("act", MS, act(|_, cx| cx.delay("tick", MS, ())));
        });
        stage.run();
        stage.assert(["b: _stop", "a: tick", "a: _stop"]);
    }
}

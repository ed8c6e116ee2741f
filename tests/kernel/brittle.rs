//! What is dropped with a session, and panics, more than one at a time. (Two panics at once would end the
//! process.)

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use reactor::{Child, Context, States};

use crate::parts::{Brittle, Family, deed, fail, made, stay};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn p22_every_payload_in_the_queue_that_panics_when_everybody_is_stopped_is_a_failure_by_itself() {
    let mut family = Family::isolated();
    let a = family.member("a", |_, cx| {
        for _ in 0..3 {
            cx.yield_("brittle", Brittle);
        }
        cx.signal(cx.session(), "brittle", Brittle).unwrap();
        cx.signal(cx.session(), "brittle", Brittle).unwrap();
    });
    let sound = Rc::new(());
    family.kernel.post(a, "sound", Rc::clone(&sound)).unwrap();
    family.kernel.stop();
    family.assert(["a: _start", "a: _stop"]);
    assert_eq!(family.kernel.stats().failures, 5);
    assert_eq!(Rc::strong_count(&sound), 1, "the others are dropped all the same");
    family.run();
}

#[test]
fn p22_every_timer_that_panics_with_its_session_is_a_failure_by_itself() {
    let mut family = Family::isolated();
    let b = family.stays("b", |_, _| {});
    let a = family.member("a", |_, cx| {
        cx.delay("brittle 1", SECOND, Brittle);
        cx.delay("brittle 2", SECOND, Brittle);
    });
    family.kernel.signal(a, "KILL", ()).unwrap();
    family.turn();
    assert_eq!((family.kernel.has_session(a), family.kernel.has_session(b)), (false, true));
    assert_eq!(family.kernel.stats().failures, 2);
    // When everybody is stopped all timers go together.
    family.act(b, |_, cx| {
        cx.delay("brittle 1", SECOND, Brittle);
        cx.delay("brittle 2", SECOND, Brittle);
    });
    family.kernel.stop();
    assert_eq!(family.kernel.stats().failures, 4);
    family.run();
}

#[test]
fn p22_handlers_that_panic_when_they_are_dropped_stop_nobody_else() {
    let mut family = Family::isolated();
    let b = family.stays("b", |_, _| {});
    let brittle = Rc::new(Brittle);
    let states = States::new().on("never", move |_: &mut (), _: &mut Context<'_>, ()| {
        let _used = &brittle;
    });
    let a = family.kernel.spawn(&states, ());
    drop(states);
    // The session is the last to use its handlers.
    family.turn();
    assert_eq!((family.kernel.has_session(a), family.kernel.has_session(b)), (false, true));
    assert_eq!(family.kernel.stats().failures, 1);
    family.kernel.stop();
    assert!(!family.kernel.has_session(b), "the kernel still knows that no handler is running");
    family.run();
}

#[test]
fn p22_a_handler_that_panics_when_another_takes_its_place_is_a_failure_of_its_session_alone() {
    let mut family = Family::isolated();
    let b = family.stays("b", |_, _| {});
    let states = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
            let brittle = Rc::new(Brittle);
            let handler = move |_: &mut (), _: &mut Context<'_>, ()| {
                let _used = &brittle;
            };
            cx.state("changes", handler).unwrap();
            cx.yield_("change", ());
        })
        .on("change", |_: &mut (), cx: &mut Context<'_>, ()| {
            cx.state("changes", |_: &mut (), _: &mut Context<'_>, ()| {}).unwrap();
            stay(cx);
        });
    let a = family.kernel.spawn(&states, ());
    family.turn();
    assert_eq!((family.kernel.has_session(a), family.kernel.has_session(b)), (false, true));
    assert_eq!(family.kernel.stats().failures, 1);
    family.end();
}

/// It is closed before the next wheel is made.
#[test]
fn p22_a_wheel_that_panics_when_it_is_dropped_leaves_the_handler_alone_that_makes_the_next() {
    let mut family = Family::isolated();
    let b = family.stays("b", |_, _| {});
    let a = family.stays("a", move |member, cx| {
        let symbol = cx.symbol("never");
        drop(cx.add_wheel(|_| made(symbol, |_| None).on_drop(|| fail("on purpose"))));
        drop(cx.add_wheel(|_| made(symbol, |_| None)));
        member.tell("goes on");
    });
    family.assert(["b: _start", "a: _start", "a: goes on", "a: _stop"]);
    assert_eq!((family.kernel.has_session(a), family.kernel.has_session(b)), (false, true));
    assert_eq!((family.kernel.stats().failures, family.kernel.wheel_count()), (1, 0));
    family.end();
}

#[test]
fn p22_an_answer_that_nobody_wants_and_that_panics_when_it_is_dropped_leaves_the_maker_alone() {
    let mut family = Family::isolated();
    // Who detaches itself answers to nobody.
    let detached = States::new().on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
        cx.detach_myself().unwrap();
        stay(cx);
        Brittle
    });
    let a = family.stays("a", move |member, cx| {
        cx.spawn(&detached, ());
        member.tell("goes on");
    });
    family.assert(["a: _start", "a: goes on"]);
    assert!(family.kernel.has_session(a));
    assert_eq!(family.kernel.stats().failures, 1);
    family.end();
}

#[test]
fn p22_an_answer_that_panics_in_the_handler_of_the_parent_is_the_parents_failure() {
    let mut family = Family::isolated();
    let heard: Rc<Cell<u32>> = Rc::default();
    let child = States::new().on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
        stay(cx);
        Brittle
    });
    let hears = Rc::clone(&heard);
    let parent = States::new()
        .on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
            cx.spawn(&child, ());
        })
        .on_child(move |_: &mut (), _: &mut Context<'_>, _: Child| hears.set(hears.get() + 1));
    let parent = family.kernel.spawn(&parent, ());
    assert_eq!(heard.get(), 1);
    assert!(!family.kernel.has_session(parent));
    assert_eq!((family.kernel.session_count(), family.kernel.stats().failures), (1, 1));
    family.end();
}

#[test]
fn p22_a_payload_that_panics_when_its_handler_drops_it_is_a_failure_of_that_handler() {
    let mut family = Family::isolated();
    let a = family.stays("a", |_, _| {});
    let brittle = Brittle;
    let drops = deed(move |_, _| drop(brittle));
    family.kernel.post(a, "do", drops).unwrap();
    family.turn();
    assert!(!family.kernel.has_session(a));
    assert_eq!(family.kernel.stats().failures, 1);
    family.run();
}

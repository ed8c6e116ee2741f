//! What went wrong once, each under the name of what it did.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use reactor::{Bound, Context, Deliver, Handle, Io, Kernel, OnException, Readiness, States, Wheel};
use testkit::logs;
use testkit::story::{Stage, act};

use crate::parts::{Family, Made, deed, fail, made, stay};

const SECOND: Duration = Duration::from_secs(1);

/// They were stopped in the order in which they had come to their parent.
#[test]
fn who_was_adopted_is_stopped_by_a_signal_in_the_order_in_which_it_was_told() {
    let mut family = Family::isolated();
    let top = family.stays("top", |_, _| {});
    family.act(top, |member, cx| {
        member.spawn(cx, "middle", |member, cx| {
            stay(cx);
            member.spawn(cx, "old", |member, cx| {
                stay(cx);
                member.at_signal(cx, "UIDESTROY", |_, _, _| {});
            });
        });
        member.spawn(cx, "young", |member, cx| {
            stay(cx);
            member.at_signal(cx, "UIDESTROY", |_, _, _| {});
        });
    });
    let middle = family.kernel.children(top)[0];
    let failed: Result<(), _> = family.kernel.call(middle, "do", deed(|_, _| fail("on purpose")));
    assert!(failed.is_err());
    assert_eq!(family.children(top), ["young", "old"]);
    family.story.take();
    family.kernel.signal(top, "UIDESTROY", ()).unwrap();
    family.turn();
    family.assert([
        "young: UIDESTROY",
        "old: UIDESTROY",
        "young: _stop",
        "top: lose young",
        "old: _stop",
        "top: lose old",
        "top: _stop",
    ]);
    family.run();
}

/// The parent heard of the child after the next event, if a panic was what failed.
#[test]
fn who_starts_a_child_when_it_is_asked_about_a_death_hears_of_it_before_the_next_event() {
    let mut family = Family::new();
    let parent = family.stays("parent", |member, cx| {
        member.at_signal(cx, "DIE", |member, cx, _| {
            cx.sig_handled();
            member.spawn(cx, "second", |_, cx| stay(cx));
        });
        member.spawn(cx, "first", |_, cx| stay(cx));
    });
    let first = family.kernel.children(parent)[0];
    let bystander = family.stays("bystander", |_, _| {});
    family.turn();
    family.story.take();
    family.kernel.post(first, "do", deed(|_, _| fail("on purpose"))).unwrap();
    family.kernel.post(bystander, "next", ()).unwrap();
    family.turn();
    family.assert(["parent: DIE", "second: _start", "parent: create second", "bystander: next"]);
    family.end();
}

/// It went a hundred rounds, said that sessions start sessions, and left timers and wheels behind.
#[test]
fn asking_in_stop_for_everybodys_end_stops_everybody_once_and_leaves_nothing() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| cx.delay("never", SECOND, ()));
    stage.actor("b", |actor, _| {
        actor.at_stop(|_, cx| {
            cx.stop();
            cx.delay("never", SECOND, ());
            let event = cx.symbol("never");
            cx.add_wheel(|_| made(event, |_| None)).release();
        });
    });
    let (_, lines) = logs::capture_warnings(|| stage.run());
    assert_eq!(lines, []);
    stage.assert(["b: _stop", "a: _stop"]);
}

/// The loop went to sleep and only then looked at what was dropped.
#[test]
fn a_handle_dropped_between_two_turns_closes_its_wheel_before_the_next_wait() {
    let mut stage = Stage::new();
    let kept: Rc<Cell<Option<Handle<Made>>>> = Rc::default();
    let keep = Rc::clone(&kept);
    stage.actor("a", |_, cx| cx.delay("in an hour", 3600 * SECOND, ()));
    stage.actor("b", move |_, cx| {
        let event = cx.symbol("never");
        keep.set(Some(cx.add_wheel(|_| made(event, |_| None))));
    });
    stage.turn();
    let before = stage.clock.now();
    drop(kept.take());
    stage.kernel.run_one_turn(10 * SECOND).unwrap();
    assert_eq!(stage.clock.now(), before, "the turn waited though there was something to do");
    stage.assert(["b: _stop"]);
    stage.kernel.stop();
    stage.run();
}

/// The kernel's time was that of its last turn: a delay rang early by all the time since.
#[test]
fn a_delay_set_from_outside_the_loop_is_not_early() {
    let mut stage = Stage::new();
    stage.clock.advance(100 * SECOND);
    let due = stage.clock.now() + 5 * SECOND;
    let clock = stage.clock.clone();
    let check = act(move |_, cx| {
        assert_eq!(cx.now(), due);
        assert_eq!(clock.now(), due);
    });
    let a = stage.actor("a", move |_, cx| cx.delay("act", 5 * SECOND, check));
    stage.run();
    assert_eq!(stage.kernel.why_alive(a), None);
    assert_eq!(stage.clock.now(), due);
}

/// It was taken for a failure of the session's end, and the session was left alone.
#[test]
fn one_that_fails_in_a_stop_that_somebody_posted_is_stopped() {
    let mut stage = Stage::with(|builder| builder.on_exception(OnException::Isolate));
    let states = States::new()
        .on_start(|_: &mut u32, cx: &mut Context<'_>, ()| cx.delay("never", SECOND, ()))
        .on_stop(|stops: &mut u32, _: &mut Context<'_>, ()| {
            *stops += 1;
            if *stops == 1 {
                fail("on purpose");
            }
        });
    let session = stage.kernel.spawn(&states, 0);
    stage.kernel.post(session, "_stop", ()).unwrap();
    stage.turn();
    assert_eq!(stage.kernel.why_alive(session), None);
    stage.run();
    assert_eq!(stage.kernel.stats().timers, 0);
}

/// The kernel kept the tables of handlers that nobody could use any more.
#[test]
fn handlers_are_dropped_when_their_sessions_and_their_states_are_gone() {
    let mut stage = Stage::new();
    let captured = Rc::new(());
    for round in 0..100 {
        let mine = Rc::clone(&captured);
        let states = States::new().on("never", move |_: &mut (), _: &mut Context<'_>, ()| {
            let _used = &mine;
        });
        stage.kernel.spawn(&states, ());
        if round % 2 == 0 {
            // The table outlives the session.
            stage.kernel.run().unwrap();
            drop(states);
        } else {
            drop(states);
            stage.kernel.run().unwrap();
        }
    }
    let kept = Rc::strong_count(&captured) - 1;
    assert!(kept <= 4, "{kept} tables of 100 are kept");
}

/// Each session that was stopped looked at every timer there was.
#[test]
fn a_hundred_thousand_sessions_with_a_timer_each_are_stopped_while_one_watches() {
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| cx.delay("never", Duration::MAX, ()));
    for _ in 0..100_000 {
        kernel.spawn(&states, ());
    }
    kernel.stop();
    kernel.run().unwrap();
    assert_eq!(kernel.stats().timers, 0);
}

/// The handle went when the event was over, and the wheel only after the next event.
#[test]
fn a_handle_in_a_payload_that_nobody_takes_closes_its_wheel_before_the_next_event() {
    let mut stage = Stage::new();
    stage.actor("a", |actor, cx| {
        let event = cx.symbol("never");
        let inner: Handle<Made> = cx.add_wheel(|_| made(event, |_| None));
        let lost = cx.symbol("lost");
        let next = cx.symbol("act");
        let outer = cx.add_wheel(|io| {
            io.again();
            Sender { plan: vec![Sent::Wheel(inner), Sent::Act], lost, next }
        });
        actor.held.push(Box::new(outer));
    });
    // The actor's `_default` would hold it for a moment: one without it is told.
    stage.turn();
    stage.assert(["a: lost", "a: 1 wheels"]);
    stage.kernel.stop();
    stage.run();
}

/// Two kinds of event, one after the other, in one pull.
enum Sent {
    Wheel(Handle<Made>),
    Act,
}

struct Sender {
    plan: Vec<Sent>,
    lost: reactor::Symbol,
    next: reactor::Symbol,
}

enum Bundle {
    Wheel(Bound<Handle<Made>>, Handle<Made>),
    Count(reactor::SessionId, reactor::Symbol),
}

impl Deliver for Bundle {
    fn deliver(self, kernel: &mut Kernel) {
        match self {
            Self::Wheel(bound, handle) => (bound, handle).deliver(kernel),
            Self::Count(session, symbol) => {
                let wheels = kernel.wheel_count();
                let tell: testkit::story::Act =
                    act(move |actor, _| actor.tell(format_args!("{wheels} wheels")));
                (Bound::new(session, symbol), tell).deliver(kernel);
            }
        }
    }
}

impl Wheel for Sender {
    type Event = Bundle;

    fn ready(&mut self, _: Readiness) {}

    fn next(&mut self, io: &mut Io<'_>) -> Option<Bundle> {
        if self.plan.is_empty() {
            return None;
        }
        Some(match self.plan.remove(0) {
            Sent::Wheel(handle) => Bundle::Wheel(Bound::new(io.session(), self.lost), handle),
            Sent::Act => Bundle::Count(io.session(), self.next),
        })
    }
}

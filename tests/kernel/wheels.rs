//! What a wheel may ask of the kernel, each thing by itself.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use reactor::{Handle, Io, SessionId, Symbol};
use testkit::story::{Actor, Stage};

use crate::parts::{Made, made};

const SECOND: Duration = Duration::from_secs(1);

/// What a test hands to a wheel that is there already.
type Slot<T> = Rc<Cell<T>>;

/// An actor that holds the wheel which `make` makes; its events are told as `name: event`.
fn holder(
    stage: &mut Stage,
    name: &'static str,
    make: impl FnOnce(&mut Io<'_>, Symbol) -> Made + 'static,
) -> SessionId {
    stage.actor(name, |actor, cx| {
        let event = cx.symbol("came");
        let handle = cx.add_wheel(|io| make(io, event));
        actor.held.push(Box::new(handle));
    })
}

fn drop_all(actor: &mut Actor) {
    actor.held.clear();
}

#[test]
fn a_wheel_that_asks_again_is_asked_in_the_next_turn_and_not_in_this() {
    let mut stage = Stage::new();
    let asked: Slot<u32> = Rc::default();
    let count = Rc::clone(&asked);
    let a = holder(&mut stage, "a", move |io, event| {
        io.again();
        io.again();
        made(event, move |io| {
            count.set(count.get() + 1);
            io.again();
            None
        })
    });
    for turn in 1..=5 {
        stage.turn();
        assert_eq!(asked.get(), turn);
    }
    stage.act(a, |actor, _| drop_all(actor));
    stage.run();
    assert_eq!(asked.get(), 5);
}

#[test]
fn a_wheel_that_queues_itself_is_asked_between_the_events_posted_before_and_after() {
    let mut stage = Stage::new();
    stage.actor("a", |actor, cx| {
        let event = cx.symbol("came");
        let mut left = 1..=1;
        cx.yield_("before", ());
        let handle = cx.add_wheel(|io| {
            io.queue();
            io.release_session();
            made(event, move |_| left.next())
        });
        cx.yield_("after", ());
        actor.held.push(Box::new(handle));
    });
    stage.run();
    stage.assert(["a: before", "a: came", "a: after", "a: _stop"]);
}

#[test]
fn a_wheel_in_the_queue_keeps_its_session_alive_until_it_is_asked() {
    let mut stage = Stage::new();
    let a = holder(&mut stage, "a", |io, event| {
        io.release_session();
        io.queue();
        io.queue();
        made(event, |_| None)
    });
    assert_eq!(stage.kernel.why_alive(a).as_deref(), Some("3 queued events"));
    stage.turn();
    stage.assert(["a: _stop"]);
    stage.run();
}

#[test]
fn a_wheel_wakes_at_its_time_once_and_sleeps_when_told() {
    let mut stage = Stage::new();
    let woken: Rc<RefCell<Vec<Duration>>> = Rc::default();
    let seen = Rc::clone(&woken);
    let begin = stage.clock.now();
    holder(&mut stage, "a", move |io, event| {
        io.wake_at(begin + 9 * SECOND);
        // Instead of the first, and earlier.
        io.wake_at(begin + SECOND);
        let mut plan = [3, 4, 2].into_iter();
        made(event, move |io| {
            seen.borrow_mut().push(io.now() - begin);
            match plan.next() {
                Some(seconds) => io.wake_at(begin + seconds * SECOND),
                None => {
                    io.wake_at(begin + 5 * SECOND);
                    io.sleep();
                    io.sleep();
                    io.release_session();
                }
            }
            None
        })
    });
    stage.run();
    // The last plan lay in the past: at once, in the next turn.
    assert_eq!(*woken.borrow(), [SECOND, 3 * SECOND, 4 * SECOND, 4 * SECOND]);
}

#[test]
fn a_wheel_that_is_closed_does_not_wake() {
    let mut stage = Stage::new();
    let a = holder(&mut stage, "a", |io, event| {
        let due = io.now() + SECOND;
        io.wake_at(due);
        io.queue();
        io.again();
        io.mark_dirty();
        made(event, |_| panic!("it is closed")).on_flush(|_| panic!("it is closed"))
    });
    stage.act(a, |actor, cx| {
        drop_all(actor);
        cx.delay("tick", 2 * SECOND, ());
    });
    stage.run();
    stage.assert(["a: tick", "a: _stop"]);
}

#[test]
fn a_wheel_holds_its_session_or_lets_it_go_and_counts_once() {
    let mut stage = Stage::new();
    let does: Slot<u8> = Rc::default();
    let asked = Rc::clone(&does);
    let a = holder(&mut stage, "a", move |io, event| {
        io.again();
        made(event, move |io| {
            match asked.get() {
                0 => {}
                1 => {
                    io.release_session();
                    io.release_session();
                }
                _ => {
                    io.hold_session();
                    io.hold_session();
                }
            }
            io.again();
            None
        })
    });
    stage.act(a, |_, cx| cx.delay("end", SECOND, ()));
    stage.turn();
    let why = |stage: &Stage| stage.kernel.why_alive(a).unwrap();
    assert_eq!(why(&stage), "1 timer, 1 wheel");
    does.set(1);
    stage.turn();
    assert_eq!(why(&stage), "1 timer");
    does.set(2);
    stage.turn();
    assert_eq!(why(&stage), "1 timer, 1 wheel");
    stage.act(a, |actor, _| drop_all(actor));
    assert_eq!(why(&stage), "1 timer");
    stage.run();
}

#[test]
fn a_wheel_that_closes_itself_is_gone_when_the_call_is_over() {
    let mut stage = Stage::new();
    let dropped: Slot<u32> = Rc::default();
    let count = Rc::clone(&dropped);
    let a = holder(&mut stage, "a", move |io, event| {
        io.again();
        let mut left = 1..=3;
        made(event, move |io| {
            io.close();
            left.next()
        })
        .on_drop(move || count.set(count.get() + 1))
    });
    stage.turn();
    stage.assert(["a: came", "a: _stop"]);
    assert_eq!((dropped.get(), stage.kernel.wheel_count()), (1, 0));
    assert_eq!(stage.kernel.why_alive(a), None);
    stage.run();
    assert_eq!(dropped.get(), 1);
}

#[test]
fn a_wheel_that_is_let_go_lives_until_it_closes_itself_or_its_session_stops() {
    let mut stage = Stage::new();
    let dropped: Slot<u32> = Rc::default();
    let count = Rc::clone(&dropped);
    let a = stage.actor("a", move |_, cx| {
        let event = cx.symbol("came");
        let counted = || {
            let count = Rc::clone(&count);
            move || count.set(count.get() + 1)
        };
        let (one, two) = (counted(), counted());
        cx.add_wheel(|_| made(event, |_| None).on_drop(one)).release();
        cx.add_wheel(|io| {
            io.again();
            made(event, |io| {
                io.close();
                None
            })
            .on_drop(two)
        })
        .release();
    });
    stage.turn();
    assert_eq!((dropped.get(), stage.kernel.wheel_count()), (1, 1));
    assert_eq!(stage.kernel.why_alive(a).as_deref(), Some("1 wheel"));
    stage.act(a, |_, cx| cx.stop());
    assert_eq!((dropped.get(), stage.kernel.wheel_count()), (2, 0));
    stage.run();
}

#[test]
fn a_dirty_wheel_is_flushed_once_when_the_handlers_are_done() {
    let mut stage = Stage::new();
    let flushed: Slot<u32> = Rc::default();
    let count = Rc::clone(&flushed);
    let a = stage.actor("a", move |actor, cx| {
        let event = cx.symbol("came");
        let handle: Handle<Made> = cx.add_wheel(|_| {
            let mut left = 1..=1;
            made(event, move |_| left.next()).on_flush(move |_| {
                count.set(count.get() + 1);
                true
            })
        });
        for _ in 0..3 {
            let (_, mut io) = cx.wheel(&handle).expect("just made");
            io.mark_dirty();
        }
        actor.held.push(Box::new(handle));
    });
    assert_eq!(flushed.get(), 0);
    stage.turn();
    assert_eq!(flushed.get(), 1);
    stage.assert(["a: came"]);
    stage.turn();
    assert_eq!(flushed.get(), 1);
    stage.act(a, |actor, _| drop_all(actor));
    stage.run();
}

#[test]
fn a_wheel_that_waits_for_a_descriptor_is_asked_when_one_is_closed_and_once() {
    let mut stage = Stage::new();
    let asked: Slot<u32> = Rc::default();
    let count = Rc::clone(&asked);
    let a = holder(&mut stage, "a", move |io, event| {
        io.wake_on_close();
        io.wake_on_close();
        made(event, move |_| {
            count.set(count.get() + 1);
            None
        })
    });
    let reader = |stage: &mut Stage| {
        stage.actor("b", |actor, cx| {
            let (ours, theirs) = crate::parts::pair();
            let handle = crate::parts::Reader::start(cx, ours, "read", 1);
            actor.held.push(Box::new((handle, theirs)));
        })
    };
    let (b, c) = (reader(&mut stage), reader(&mut stage));
    stage.turn();
    assert_eq!(asked.get(), 0);
    stage.act(b, |actor, _| drop_all(actor));
    stage.turn();
    stage.turn();
    assert_eq!(asked.get(), 1);
    stage.act(c, |actor, _| drop_all(actor));
    stage.turn();
    stage.turn();
    assert_eq!(asked.get(), 1, "it did not ask a second time");
    stage.act(a, |actor, _| drop_all(actor));
    stage.run();
}

#[test]
fn a_handle_of_a_wheel_that_closed_itself_finds_nothing_and_not_the_next_in_its_slot() {
    let mut stage = Stage::new();
    stage.actor("a", |actor, cx| {
        let event = cx.symbol("came");
        let first: Handle<Made> = cx.add_wheel(|_| made(event, |_| None));
        let (_, mut io) = cx.wheel(&first).expect("just made");
        io.close();
        assert!(cx.wheel(&first).is_some(), "until the handler has returned");
        actor.held.push(Box::new(first));
        cx.yield_(
            "act",
            testkit::story::act(move |actor, cx| {
                let first = actor.held.pop().unwrap().downcast::<Handle<Made>>().unwrap();
                assert!(cx.wheel(&first).is_none());
                let second = cx.add_wheel(|_| made(event, |_| None));
                assert!(cx.wheel(&first).is_none());
                // Dropping the stale handle leaves the new wheel alone.
                drop(first);
                actor.held.push(Box::new(second));
                cx.delay("later", SECOND, ());
            }),
        );
    });
    stage.turn();
    assert_eq!(stage.kernel.wheel_count(), 1);
    stage.kernel.run_one_turn(SECOND).unwrap();
    stage.turn();
    stage.assert(["a: later"]);
    assert_eq!(stage.kernel.wheel_count(), 1);
    stage.kernel.stop();
    stage.run();
}

#[test]
fn the_time_of_a_wheel_is_the_time_of_the_turn() {
    let mut stage = Stage::new();
    let seen: Slot<Option<Instant>> = Rc::default();
    let note = Rc::clone(&seen);
    let due = stage.clock.now() + SECOND;
    holder(&mut stage, "a", move |io, event| {
        io.wake_at(due);
        made(event, move |io| {
            note.set(Some(io.now()));
            io.release_session();
            None
        })
    });
    stage.run();
    assert_eq!(seen.get(), Some(due));
}

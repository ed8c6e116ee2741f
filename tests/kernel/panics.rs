//! Panics of what belongs to a session and is not a handler: its wheels, and what is dropped.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use reactor::{
    Bound, Context, Death, Deliver, Handle, Io, Kernel, OnException, Postback, Readiness,
    SessionId, Signal, States, Symbol, Wheel,
};
use testkit::logs;
use testkit::story::{Stage, Story, act};

use crate::parts::{Brittle, Made, Reader, fail, made, pair, panic_text};

const SECOND: Duration = Duration::from_secs(1);

fn isolated() -> Stage {
    Stage::with(|builder| builder.on_exception(OnException::Isolate))
}

/// Runs one that fails beside one that does not, both ways; it is stopped, and the other is not.
#[track_caller]
fn fails_alone(start: impl Fn(&mut testkit::story::Actor, &mut Context<'_>) + Clone + 'static) {
    let mut stage = isolated();
    stage.actor("a", |_, cx| cx.delay("tick", SECOND, ()));
    let (_, lines) = logs::capture_warnings(|| {
        stage.actor("failing", start.clone());
        stage.run();
    });
    let told = stage.story.take();
    assert!(told.ends_with(&["a: tick".into(), "a: _stop".into()]), "{told:?}");
    assert_eq!(told.iter().filter(|line| *line == "failing: _stop").count(), 1, "{told:?}");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].text.contains("on purpose"), "{}", lines[0]);
    assert_eq!(stage.kernel.stats().failures, 1);

    let mut stage = Stage::new();
    stage.actor("a", |_, cx| cx.delay("tick", SECOND, ()));
    stage.actor("failing", start);
    let run = catch_unwind(AssertUnwindSafe(|| stage.kernel.run()));
    assert_eq!(panic_text(&*run.expect_err("it comes out of run")), "on purpose");
    stage.assert_empty();
    let mut told = stage.story.take();
    told.retain(|line| line.ends_with("_stop"));
    told.sort();
    assert_eq!(told, ["a: _stop", "failing: _stop"]);
    stage.run();
}

fn with_wheel(make: impl FnOnce(&mut Io<'_>, Symbol) -> Made + Clone + 'static) {
    fails_alone(move |actor, cx| {
        let event = cx.symbol("came");
        let make = make.clone();
        actor.held.push(Box::new(cx.add_wheel(|io| make(io, event))));
    });
}

#[test]
fn p22_a_wheel_that_panics_in_next_stops_its_session_alone() {
    with_wheel(|io, event| {
        io.again();
        made(event, |_| fail("on purpose"))
    });
    with_wheel(|io, event| {
        let due = io.now() + SECOND / 2;
        io.wake_at(due);
        made(event, |_| fail("on purpose"))
    });
    with_wheel(|io, event| {
        io.queue();
        made(event, |_| fail("on purpose"))
    });
}

#[test]
fn p22_a_wheel_that_panics_in_flush_or_park_stops_its_session_alone() {
    with_wheel(|io, event| {
        io.mark_dirty();
        made(event, |_| None).on_flush(|_| fail("on purpose"))
    });
    with_wheel(|io, event| {
        io.mark_dirty();
        made(event, |_| fail("on purpose")).on_flush(|_| true)
    });
    with_wheel(|io, event| {
        io.again();
        made(event, |_| Some(1)).on_park(|_| fail("on purpose"))
    });
}

#[test]
fn p22_a_wheel_that_panics_while_it_is_made_or_dropped_stops_its_session_alone() {
    with_wheel(|_, _| fail("on purpose"));
    with_wheel(|io, event| {
        io.again();
        made(event, |io| {
            io.close();
            None
        })
        .on_drop(|| fail("on purpose"))
    });
}

/// A session that lives on when it fails, and does `deed` once.
fn survivor(deed: impl FnOnce(&mut Context<'_>) + 'static) -> (Kernel, SessionId) {
    let deed = Cell::new(Some(deed));
    let states = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
            cx.sig("DIE", "died").expect("it can be watched");
            cx.yield_("do", ());
        })
        .on("do", move |_: &mut (), cx: &mut Context<'_>, ()| deed.take().expect("once")(cx))
        .on("died", |_: &mut (), cx: &mut Context<'_>, _: Signal| cx.sig_handled());
    let mut kernel = Kernel::new().expect("a kernel");
    let session = kernel.spawn(&states, ());
    (kernel, session)
}

/// What panics while it is made leaves no wheel, and nothing to live for.
#[track_caller]
fn leaves_nothing(deed: impl FnOnce(&mut Context<'_>) + 'static) {
    let (mut kernel, session) = survivor(deed);
    for _ in 0..5 {
        kernel.run_one_turn(Duration::ZERO).expect("it lives on");
    }
    assert_eq!(kernel.stats().failures, 1);
    assert_eq!((kernel.wheel_count(), kernel.why_alive(session)), (0, None));
}

#[test]
fn p22_a_wheel_that_panics_while_it_is_made_is_not_there_though_its_session_lives_on() {
    leaves_nothing(|cx| {
        let _handle = cx.add_wheel(|_| -> Made { fail("on purpose") });
    });
    leaves_nothing(|cx| {
        let event = cx.symbol("never");
        let old = cx.add_wheel(|_| made(event, |_| None));
        let _new = cx.replace_wheel(old, |_, _| -> Made { fail("on purpose") });
    });
    leaves_nothing(|cx| {
        let event = cx.symbol("never");
        let old = cx.add_wheel(|_| made(event, |_| None));
        let _new = cx.replace_wheel(old, |_, _| -> Reader { fail("on purpose") });
    });
}

#[test]
fn p22_a_wheel_that_panics_while_it_is_made_is_not_blamed_for_what_it_closed() {
    let (_, lines) = logs::capture_warnings(|| {
        leaves_nothing(|cx| {
            let (ours, theirs) = pair();
            let _handle = cx.add_wheel(move |io| -> Made {
                io.watch(&ours).expect("it is watched");
                io.watch_also(&theirs).expect("it is watched");
                drop((ours, theirs));
                fail("on purpose")
            });
        });
    });
    assert!(lines.is_empty(), "{lines:?}");
}

/// Counts its drops, and panics at each.
struct Counted(Rc<Cell<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
        std::panic::resume_unwind(Box::new(if self.0.get() == 1 {
            "the first"
        } else {
            "another"
        }));
    }
}

/// A kernel with two of each kind of what panics when it is dropped, and the handles of its wheels.
fn full_of(dropped: &Rc<Cell<u32>>) -> (Kernel, Rc<RefCell<Vec<Handle<Made>>>>) {
    let counted = {
        let dropped = Rc::clone(dropped);
        move || Counted(Rc::clone(&dropped))
    };
    let held: Rc<RefCell<Vec<Handle<Made>>>> = Rc::default();
    let place = Rc::clone(&held);
    let postbacks: Rc<RefCell<Vec<Postback<(), Counted>>>> = Rc::default();
    let lent = Rc::clone(&postbacks);
    let make = counted.clone();
    let states = States::new().on_start(move |_: &mut Counted, cx: &mut Context<'_>, ()| {
        let event = cx.symbol("never");
        let mut inner = Some(make());
        let wheel = made(event, |_| None).on_drop(move || drop(inner.take()));
        place.borrow_mut().push(cx.add_wheel(|_| wheel));
        cx.delay_add("later", SECOND, make());
        cx.yield_("soon", make());
        assert!(cx.signal(cx.session(), "MOO", make()).is_ok());
        lent.borrow_mut().push(cx.postback("soon", ()));
    });
    let mut kernel = Kernel::new().expect("a kernel");
    kernel.spawn(&states, counted());
    kernel.spawn(&states, counted());
    // Nobody reads that before the kernel is dropped.
    postbacks.take().iter().for_each(|postback| postback.post(counted()));
    (kernel, held)
}

#[test]
fn p22_whatever_panics_when_a_kernel_is_dropped_keeps_nothing_else() {
    let dropped: Rc<Cell<u32>> = Rc::default();
    let (kernel, held) = full_of(&dropped);
    let panic = catch_unwind(AssertUnwindSafe(|| drop(kernel))).expect_err("it is not kept quiet");
    assert_eq!((panic_text(&*panic).as_str(), dropped.get()), ("the first", 12));
    held.take();
}

#[test]
fn p22_a_kernel_that_is_dropped_while_its_thread_panics_drops_everything_too() {
    let dropped: Rc<Cell<u32>> = Rc::default();
    let (kernel, held) = full_of(&dropped);
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let _kernel = kernel;
        fail("the reason")
    }));
    let panic = panic.map(|(): ()| ()).expect_err("it fails");
    assert_eq!((panic_text(&*panic).as_str(), dropped.get()), ("the reason", 12));
    held.take();
}

#[test]
fn p22_a_state_that_panics_when_it_is_dropped_stops_nobody_else() {
    fails_alone(|actor, _| actor.held.push(Box::new(Brittle)));
}

#[test]
fn p22_a_payload_that_panics_when_it_is_dropped_undelivered_stops_nobody_else() {
    // `_default` leaves it.
    fails_alone(|_, cx| cx.yield_("brittle", Brittle));
    // It was set in `_stop`.
    fails_alone(|actor, _| actor.at_stop(|_, cx| cx.delay("brittle", SECOND, Brittle)));
}

#[test]
fn p22_a_payload_that_nobody_takes_and_that_panics_when_it_is_dropped_stops_nobody_else() {
    let mut stage = isolated();
    let deaf = stage.kernel.spawn(&States::new(), ());
    let gone = stage.kernel.spawn(&States::new(), ());
    let a = stage.actor("a", move |_, cx| {
        cx.post(deaf, "nobody", Brittle).unwrap();
        cx.post(gone, "nobody", Brittle).unwrap();
        cx.delay("tick", SECOND, ());
    });
    stage.run();
    stage.assert(["a: tick", "a: _stop"]);
    assert_eq!(stage.kernel.stats().failures, 2);
    assert_eq!(stage.kernel.why_alive(a), None);
}

#[test]
fn p22_payloads_that_panic_when_the_queue_is_cleared_do_not_keep_the_kernel_from_stopping() {
    let mut stage = isolated();
    let a = stage.actor("a", |_, cx| {
        cx.yield_("1", Brittle);
        cx.delay("2", SECOND, ());
    });
    stage.act(a, |_, cx| cx.stop());
    stage.assert(["a: _stop"]);
    stage.run();
    assert_eq!(stage.kernel.stats().failures, 1);
    stage.actor("b", |_, cx| cx.yield_("hello", ()));
    stage.run();
    stage.assert(["b: hello", "b: _stop"]);
}

#[test]
fn p22_what_else_was_ready_or_dirty_in_the_turn_of_a_panic_is_served_all_the_same() {
    let mut stage = isolated();
    let heard: Rc<Cell<u32>> = Rc::default();
    let flushed: Rc<Cell<u32>> = Rc::default();
    type Held = Rc<RefCell<Vec<Box<dyn std::any::Any>>>>;
    let (count, writes) = (Rc::clone(&heard), Rc::clone(&flushed));
    let good = States::new()
        .on_start(move |held: &mut Held, cx: &mut Context<'_>, ()| {
            let (ours, theirs) = pair();
            (&theirs).write_all(b"!").unwrap();
            let reader = Reader::start(cx, ours, "came", 1);
            let (event, writes) = (cx.symbol("never"), Rc::clone(&writes));
            let writer = cx.add_wheel(|io| {
                io.mark_dirty();
                made(event, |_| None).on_flush(move |_| {
                    writes.set(writes.get() + 1);
                    false
                })
            });
            held.borrow_mut().push(Box::new((reader, theirs, writer)));
        })
        .on("came", move |_: &mut Held, _: &mut Context<'_>, _: Vec<u8>| {
            count.set(count.get() + 1);
        });
    for number in 0..20 {
        stage.kernel.spawn(&good, Held::default());
        stage.actor(number, |actor, cx| {
            let event = cx.symbol("never");
            let (ours, theirs) = pair();
            (&theirs).write_all(b"!").unwrap();
            let wheel = cx.add_wheel(|io| {
                io.watch(&ours).unwrap();
                io.mark_dirty();
                made(event, |_| None)
                    .on_ready(|_| fail("on purpose"))
                    .on_flush(|_| fail("on purpose"))
            });
            // Open for longer than the wheel, which is closed when it panics.
            actor.held.push(Box::new((wheel, theirs)));
            actor.held.push(Box::new(ours));
        });
    }
    stage.turn();
    stage.turn();
    assert_eq!((heard.get(), flushed.get()), (20, 20));
    assert_eq!(stage.kernel.stats().failures, 20);
    stage.kernel.stop();
    stage.run();
}

#[test]
fn p22_a_session_that_lost_a_payload_to_a_panic_is_not_kept_alive_by_it() {
    let mut kernel = Kernel::builder().on_exception(OnException::Isolate).build().unwrap();
    // A receiver and a sender, both of which must be gone for `run` to return.
    let deaf = kernel.spawn(&States::new(), ());
    let states = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
        cx.post(deaf, "nobody", Brittle).unwrap();
    });
    kernel.spawn(&states, ());
    kernel.run().unwrap();
    assert_eq!(kernel.session_count(), 0);
}

#[test]
fn p22_an_act_that_fails_after_it_dropped_its_own_wheel_leaves_nothing() {
    let mut stage = isolated();
    stage.actor("a", |actor, cx| {
        let event = cx.symbol("came");
        let handle = cx.add_wheel(|io| {
            io.again();
            made(event, |_| Some(1))
        });
        actor.held.push(Box::new(handle));
        cx.yield_(
            "act",
            act(|actor, _| {
                actor.held.clear();
                fail("on purpose");
            }),
        );
    });
    stage.run();
    assert_eq!(stage.kernel.stats().failures, 1);
}

#[test]
fn p22_a_session_whose_wheel_fails_while_it_runs_itself_is_stopped_when_it_has_returned() {
    let mut stage = isolated();
    let lent: Rc<Cell<Option<Handle<Made>>>> = Rc::default();
    let taken = Rc::clone(&lent);
    let b = stage.actor("b", |_, cx| cx.delay("tick", SECOND, ()));
    let a = stage.actor("a", move |_, cx| {
        let event = cx.symbol("never");
        let brittle = cx.add_wheel(|_| made(event, |_| None).on_drop(|| fail("on purpose")));
        lent.set(Some(brittle));
        cx.delay("never", 2 * SECOND, ());
    });
    stage.act(a, move |actor, cx| {
        // The wheel of the session that runs is closed when the one that it calls has returned.
        let called: Result<(), _> = cx.call(b, "act", act(move |_, _| drop(taken.take())));
        actor.tell(format_args!("{called:?}"));
        cx.yield_("never", ());
    });
    stage.assert(["a: Ok(())", "a: _stop"]);
    stage.run();
    stage.assert(["b: tick", "b: _stop"]);
    assert_eq!(stage.kernel.stats().failures, 1);
}

/// A wheel that panics when it is asked, and then says so, or panics again.
struct Doomed {
    event: Symbol,
    says: fn() -> u32,
}

impl Wheel for Doomed {
    type Event = (Bound<u32>, u32);

    fn ready(&mut self, _: Readiness) {}

    fn next(&mut self, _: &mut Io<'_>) -> Option<Self::Event> {
        fail("on purpose")
    }

    fn panicked(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        Some((Bound::new(io.session(), self.event), (self.says)()))
    }
}

/// A session with such a wheel, under a parent that calls failures handled, or does not. What is told, and how
/// many failures there were.
fn last_words(handled: bool, says: fn() -> u32) -> (Vec<String>, u64) {
    let kernel = Kernel::builder().on_exception(OnException::Isolate).build();
    let (mut kernel, story) = (kernel.expect("a kernel"), Story::default());
    let child = States::new()
        .on_start(
            move |(_, held): &mut (Story, Option<Handle<Doomed>>), cx: &mut Context<'_>, ()| {
                let event = cx.symbol("panicked");
                *held = Some(cx.add_wheel(|io| {
                    io.again();
                    Doomed { event, says }
                }));
            },
        )
        .on("panicked", |(story, held): &mut (Story, _), cx: &mut Context<'_>, word: u32| {
            let held: &Option<Handle<Doomed>> = held;
            let gone = held.as_ref().is_some_and(|handle| cx.wheel(handle).is_none());
            story.tell(format_args!("{word}, gone: {gone}"));
        })
        .on_stop(|(story, _): &mut (Story, _), _: &mut Context<'_>, ()| story.tell("_stop"));
    let parent = States::new()
        .on_start(move |story: &mut Story, cx: &mut Context<'_>, ()| {
            cx.sig("DIE", "died").expect("a name");
            cx.spawn(&child, (story.clone(), None));
        })
        .on("died", move |story: &mut Story, cx: &mut Context<'_>, _: Signal| {
            story.tell("died");
            if handled {
                cx.sig_handled();
            }
        });
    kernel.spawn(&parent, story.clone());
    kernel.run().expect("it runs to its end");
    (story.take(), kernel.stats().failures)
}

#[test]
fn p22_a_wheel_that_panicked_may_tell_so_if_the_failure_is_handled() {
    let told = |lines: &[&str]| lines.iter().map(|line| String::from(*line)).collect::<Vec<_>>();
    assert_eq!(last_words(true, || 7), (told(&["died", "7, gone: true", "_stop"]), 1));
    assert_eq!(last_words(false, || 7), (told(&["died", "_stop"]), 1));
    assert_eq!(last_words(true, || fail("again")), (told(&["died", "died", "_stop"]), 2));
}

/// What tells of [`Betrayed`], and fails at it.
struct Unspeakable;

impl Deliver for Unspeakable {
    fn deliver(self, _: &mut Kernel) {
        fail("unspeakable")
    }
}

/// A wheel that panics when it is asked, and whose news panics again.
struct Betrayed;

impl Wheel for Betrayed {
    type Event = Unspeakable;

    fn ready(&mut self, _: Readiness) {}

    fn next(&mut self, _: &mut Io<'_>) -> Option<Unspeakable> {
        fail("on purpose")
    }

    fn panicked(&mut self, _: &mut Io<'_>) -> Option<Unspeakable> {
        Some(Unspeakable)
    }
}

#[test]
fn p22_what_tells_of_a_wheel_that_panicked_and_panics_is_a_failure_of_the_same_session() {
    let mut stage = isolated();
    let states = States::new().on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
        cx.add_wheel(|io| {
            io.again();
            Betrayed
        })
        .release();
        cx.delay("never", SECOND, ());
    });
    let parent = States::new()
        .on_start(move |_: &mut Story, cx: &mut Context<'_>, ()| {
            cx.sig("DIE", "died").expect("a name");
            cx.spawn(&states, ());
        })
        .on("died", |story: &mut Story, cx: &mut Context<'_>, signal: Signal| {
            let death = signal.payload::<Death>().expect("a death");
            story.tell(format_args!("{} in {}", death.error, death.place));
            cx.sig_handled();
        });
    let story = Story::default();
    stage.kernel.spawn(&parent, story.clone());
    stage.kernel.run_one_turn(Duration::ZERO).expect("a turn");
    let told = ["panic: on purpose in its wheel", "panic: unspeakable in its wheel"];
    assert_eq!((story.take(), stage.kernel.stats().failures), (told.map(String::from).into(), 2));
}

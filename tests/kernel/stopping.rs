//! Stopping everybody: who is told, in which order, and what goes with them.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use reactor::{Context, Kernel, States};
use testkit::story::{Stage, act};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn stop_in_a_handler_tells_everybody_the_youngest_first_when_it_has_returned() {
    let mut stage = Stage::new();
    stage.actor("first", |_, cx| cx.delay("never", SECOND, ()));
    let second = stage.actor("second", |actor, cx| {
        actor.spawn(cx, "child", |_, cx| cx.delay("never", SECOND, ()));
    });
    stage.actor("third", |_, _| {});
    stage
        .kernel
        .post(
            second,
            "act",
            act(|actor, cx| {
                cx.stop();
                actor.tell("still running");
                cx.yield_("never", ());
            }),
        )
        .unwrap();
    stage.run();
    stage.assert([
        "second: still running",
        "third: _stop",
        "child: _stop",
        "second: _stop",
        "first: _stop",
    ]);
    assert_eq!(stage.kernel.stats().timers, 0);
}

#[test]
fn stop_in_a_nested_call_waits_for_the_outermost_handler() {
    let mut stage = Stage::new();
    let inner = stage.actor("inner", |_, _| {});
    let outer = stage.actor("outer", |_, _| {});
    stage.act(outer, move |actor, cx| {
        let stop = act(|actor, cx| {
            cx.stop();
            actor.tell("asked");
        });
        let called: Result<(), _> = cx.call(inner, "act", stop);
        called.unwrap();
        actor.tell("called");
        let called: Result<(), _> = cx.call(inner, "act", act(|actor, _| actor.tell("again")));
        called.unwrap();
    });
    stage.assert(["inner: asked", "outer: called", "inner: again", "outer: _stop", "inner: _stop"]);
    stage.run();
}

#[test]
fn stop_from_outside_stops_at_once_and_without_sessions_does_nothing() {
    let mut stage = Stage::new();
    stage.kernel.stop();
    stage.actor("a", |_, cx| cx.delay("tick", SECOND, ()));
    stage.kernel.stop();
    stage.assert(["a: _stop"]);
    stage.kernel.stop();
    // It is not remembered: who comes later is not stopped.
    stage.actor("b", |_, cx| cx.delay("tick", SECOND, ()));
    stage.run();
    stage.assert(["b: tick", "b: _stop"]);
}

#[test]
fn sessions_started_in_stop_are_started_and_stopped() {
    let mut stage = Stage::new();
    let a = stage.actor("a", |actor, _| {
        actor.at_stop(|actor, cx| {
            actor.spawn(cx, "last", |actor, cx| {
                actor.tell("_start");
                cx.yield_("never", ());
                cx.delay("never", SECOND, ());
            });
        });
    });
    stage.act(a, |_, cx| cx.stop());
    stage.assert(["a: _stop", "last: _start", "last: _stop"]);
    stage.run();
}

#[test]
fn a_session_started_in_the_stop_of_one_that_was_reaped_lives_its_own_life() {
    let mut stage = Stage::new();
    stage.actor("a", |actor, _| {
        actor.at_stop(|actor, cx| {
            actor.spawn(cx, "heir", |_, cx| cx.delay("tick", SECOND, ()));
        });
    });
    stage.run();
    stage.assert(["a: _stop", "heir: tick", "heir: _stop"]);
}

/// A session whose `_stop` starts another of its kind.
struct Phoenix;

fn phoenix() -> States<Phoenix> {
    States::new()
        .on_start(|_: &mut Phoenix, cx: &mut Context<'_>, ()| {
            cx.delay("tick", SECOND, ());
            let event = cx.symbol("never");
            cx.add_wheel(|_| crate::parts::made(event, |_| None)).release();
        })
        .on_stop(|_: &mut Phoenix, cx: &mut Context<'_>, ()| {
            cx.spawn(&phoenix(), Phoenix);
        })
}

#[test]
fn sessions_that_start_sessions_as_they_stop_do_not_keep_the_kernel_from_stopping() {
    let mut stage = Stage::new();
    let states = phoenix();
    let (_, lines) = testkit::logs::capture_warnings(|| {
        stage.kernel.spawn(&states, Phoenix);
        stage.kernel.stop();
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].text.contains("sessions start sessions as they stop"), "{}", lines[0]);
    // Their wheels and their timers went with them: `run` looks.
    stage.assert_empty();
    stage.run();
}

#[test]
fn events_to_and_from_those_who_were_stopped_are_dropped_and_nobody_waits_for_them() {
    let mut stage = Stage::with(|builder| builder.on_exception(reactor::OnException::Isolate));
    let living = stage.actor("living", |_, _| {});
    let failing = stage.actor("failing", move |_, cx| {
        cx.yield_("act", act(|_, _| crate::parts::fail("on purpose")));
        cx.post(living, "from the stopped", ()).unwrap();
    });
    stage.act(living, move |_, cx| cx.post(failing, "to the stopped", ()).unwrap());
    let (_, lines) = testkit::logs::capture_warnings(|| stage.run());
    stage.assert(["failing: _stop", "living: _stop"]);
    assert_eq!(lines.len(), 1, "the failure, and nothing about events: {lines:?}");
}

#[test]
fn a_handler_that_stops_the_kernel_ends_the_deliveries_of_its_turn() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        cx.yield_("1", ());
        cx.yield_("act", act(|_, cx| cx.stop()));
        cx.yield_("2", ());
    });
    stage.run();
    stage.assert(["a: 1", "a: _stop"]);
}

#[test]
fn a_kernel_that_is_dropped_drops_every_state_and_tells_nobody() {
    let told = Rc::new(Cell::new(0));
    let states = States::new()
        .on_start(|_: &mut Rc<Cell<u32>>, cx: &mut Context<'_>, ()| {
            cx.delay("never", Duration::from_secs(3600), ());
        })
        .on("never", |_: &mut Rc<Cell<u32>>, _: &mut Context<'_>, (): ()| ())
        .on_stop(|told: &mut Rc<Cell<u32>>, _: &mut Context<'_>, ()| told.set(told.get() + 1));
    let mut kernel = Kernel::new().unwrap();
    for _ in 0..10 {
        kernel.spawn(&states, Rc::clone(&told));
    }
    assert!(kernel.run_one_turn(Duration::ZERO).unwrap());
    assert_eq!(Rc::strong_count(&told), 11);
    drop(kernel);
    assert_eq!((Rc::strong_count(&told), told.get()), (1, 0));
}

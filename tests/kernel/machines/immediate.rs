//! Transitions that take place as soon as the handler that asks for them has returned.

use std::cell::OnceCell;
use std::rc::Rc;

use reactor::{CallError, Child, Context, Event, Handle, Machine, States};
use testkit::story::Story;

use super::{Rig, anywhere, house, room};
use crate::parts::{Made, made};

const MOVE: Event<&'static str, &'static str> = Event::new("move");

#[test]
fn an_immediate_transition_goes_before_all_that_waits_but_not_into_the_handler() {
    let mut rig = Rig::new(&house().immediate());
    rig.post("knock", ());
    rig.act(|story, cx| {
        cx.yield_("knock", ());
        cx.goto_state_with("attic", "enter", "hall").unwrap();
        assert_eq!(cx.current_state(), Some("hall"));
        story.tell("asked");
    });
    assert_eq!(rig.state(), Some("attic"));
    rig.run();
    rig.assert([
        "asked",
        "hall: leave",
        "attic: enter from hall",
        "attic: knock",
        "attic: knock",
        "_stop",
    ]);
}

#[test]
fn a_call_returns_when_the_machine_that_was_called_has_moved() {
    let moving = room("hall").on(&MOVE, |_: &mut Story, cx: &mut Context<'_>, to| {
        cx.goto_state_with(to, "enter", "hall").unwrap();
        "moving"
    });
    let machine = Machine::starting("hall", moving).state("attic", room("attic"));
    let mut rig = Rig::new(&machine.always(anywhere()).immediate());
    let caller = States::new().on("go", |story: &mut Story, cx: &mut Context<'_>, ()| {
        assert_eq!(cx.call("machine", &MOVE, "attic"), Ok("moving"));
        assert_eq!(cx.current_state(), None, "this is not a machine");
        let machine = cx.alias_resolve("machine").unwrap();
        assert_eq!(cx.kernel().current_state(machine), Some("attic"));
        story.tell("called");
        assert_eq!(cx.call("machine", &MOVE, "hall"), Err(CallError::NoHandler));
    });
    let caller = rig.kernel.spawn(&caller, rig.story.clone());
    rig.kernel.post(caller, "go", ()).unwrap();
    rig.run();
    rig.assert(["hall: leave", "attic: enter from hall", "called", "_stop"]);
}

#[test]
fn what_leave_and_the_entry_event_ask_for_takes_place_after_their_own_transition() {
    let old = States::new().on("leave", |story: &mut Story, cx: &mut Context<'_>, ()| {
        story.tell("old: leave");
        cx.goto_state_with("last", "enter", "old").unwrap();
    });
    let new = room("new").on("hello", |story: &mut Story, cx: &mut Context<'_>, ()| {
        story.tell("new: hello");
        cx.goto_state_with("last", "enter", "new").unwrap();
    });
    let machine = Machine::starting("old", old)
        .state("new", new)
        .state("last", room("last"))
        .always(anywhere())
        .immediate();
    let mut rig = Rig::new(&machine);
    rig.act(|_, cx| {
        cx.goto_state_with("new", "hello", ()).unwrap();
        cx.yield_("knock", ());
    });
    rig.run();
    rig.assert([
        "old: leave",
        "new: hello",
        "new: leave",
        "last: enter from old",
        "last: leave",
        "last: enter from new",
        "last: knock",
        "_stop",
    ]);
}

#[test]
fn transitions_and_notices_come_in_the_order_of_what_brought_them_about() {
    let told = |name: &'static str| {
        room(name).on_child(move |story: &mut Story, _: &mut Context<'_>, _: Child| {
            story.tell(format_args!("{name}: _child"));
        })
    };
    let machine = Machine::starting("old", told("old")).state("new", told("new"));
    let mut rig = Rig::new(&machine.always(anywhere()).immediate());
    rig.act(|_, cx| {
        let child = Machine::starting("born", States::new());
        cx.spawn(&child, ());
        cx.goto_state("new").unwrap();
        cx.spawn(&child, ());
    });
    rig.assert(["old: _child", "old: leave", "new: _child"]);
}

#[test]
fn a_first_transition_in_start_takes_place_before_spawn_returns() {
    let first = States::new().on_start(|_: &mut Story, cx: &mut Context<'_>, ()| {
        cx.goto_state_with("hall", "enter", "first").unwrap();
    });
    let machine = Machine::starting("first", first).state("hall", room("hall")).immediate();
    let mut rig = Rig::new(&machine);
    assert_eq!(rig.state(), Some("hall"));
    rig.assert(["hall: enter from first"]);
    rig.run();
}

#[test]
fn the_next_event_of_a_wheel_is_handled_in_the_new_state() {
    let on = |name: &'static str, next: &'static str| {
        States::new().on("number", move |story: &mut Story, cx: &mut Context<'_>, n: u64| {
            story.tell(format_args!("{name}: {n}"));
            cx.goto_state(next).unwrap();
        })
    };
    let machine = || Machine::starting("even", on("even", "odd")).state("odd", on("odd", "even"));
    for (machine, expected) in [
        (machine(), ["even: 0", "even: 1", "even: 2"]),
        (machine().immediate(), ["even: 0", "odd: 1", "even: 2"]),
    ] {
        let mut rig = Rig::new(&machine.always(anywhere()));
        let kept = Rc::new(OnceCell::new());
        let keeps = Rc::clone(&kept);
        rig.act(move |_, cx| drop(keeps.set(count_to_three(cx))));
        rig.turn();
        rig.assert(expected);
    }
}

/// A wheel that sends three numbers.
fn count_to_three(cx: &mut Context<'_>) -> Handle<Made> {
    let (event, mut numbers) = (cx.symbol("number"), 0..3);
    cx.add_wheel(|io| {
        io.again();
        made(event, move |_| numbers.next())
    })
}

#[test]
fn nothing_comes_of_a_transition_that_stop_asks_for() {
    for machine in [house(), house().immediate()] {
        let always = anywhere().on_stop(|story: &mut Story, cx: &mut Context<'_>, ()| {
            cx.goto_state_with("attic", "enter", "the grave").unwrap();
            story.tell("_stop");
        });
        let mut rig = Rig::new(&machine.always(always));
        rig.run();
        rig.assert(["_stop"]);
    }
}

#[test]
fn a_machine_moves_on_though_the_handler_that_asked_for_it_failed() {
    // As in POE, where it has moved by then.
    let always = anywhere()
        .try_on("fail", |_: &mut Story, cx: &mut Context<'_>, ()| {
            cx.goto_state_with("attic", "enter", "hall").unwrap();
            Err::<(), _>("no")
        })
        .on("died", |story: &mut Story, cx: &mut Context<'_>, _: reactor::Signal| {
            story.tell("died");
            cx.sig_handled();
        });
    let mut rig = Rig::new(&house().always(always).immediate());
    rig.act(|_, cx| cx.sig("DIE", "died").unwrap());
    rig.post("fail", ());
    rig.run();
    rig.assert(["hall: leave", "attic: enter from hall", "died", "_stop"]);
}

#[test]
fn an_endless_chain_of_immediate_transitions_is_not_endlessly_deep() {
    let step = |story: &mut Story, cx: &mut Context<'_>, left: u64| {
        let to = if cx.current_state() == Some("one") { "two" } else { "one" };
        if left > 0 {
            cx.goto_state_with(to, "step", left - 1).unwrap();
        } else {
            story.tell("there");
        }
    };
    let one = || States::new().on("step", step);
    let machine = Machine::starting("one", one()).state("two", one()).always(anywhere());
    let mut rig = Rig::new(&machine.immediate());
    rig.act(|_, cx| cx.goto_state_with("two", "step", 100_000_u64).unwrap());
    rig.assert(["there"]);
    rig.run();
    rig.assert(["_stop"]);
}

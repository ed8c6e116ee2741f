//! Handlers that fail on the way from state to state.

use reactor::{Context, Death, KernelBuilder, Machine, OnException, Signal, States};
use testkit::story::Story;

use super::{Rig, anywhere, room, telling};

type Failed = Result<(), &'static str>;

/// A state whose `leave` and `enter` fail.
fn trap() -> States<Story> {
    room("trap")
        .try_on("leave", |_: &mut Story, _: &mut Context<'_>, ()| Failed::Err("no way out"))
        .try_on("enter", |_: &mut Story, _: &mut Context<'_>, _: &'static str| {
            Failed::Err("no way in")
        })
}

/// Two rooms, a trap, and somebody who handles every death.
fn dungeon(first: &'static str) -> Machine<Story> {
    let first = match first {
        "trap" => Machine::starting(first, trap()),
        _ => Machine::starting(first, room("cell")).state("trap", trap()),
    };
    first.state("yard", room("yard")).always(anywhere().on(
        "died",
        |story: &mut Story, cx: &mut Context<'_>, signal: Signal| {
            let Death { error, place, .. } = signal.payload().expect("a death");
            story.tell(format_args!("died in {place}: {error}"));
            cx.sig_handled();
        },
    ))
}

#[track_caller]
fn survivor(machine: &Machine<Story>) -> Rig {
    let mut rig = Rig::new(machine);
    rig.act(|_, cx| cx.sig("DIE", "died").unwrap());
    rig
}

#[test]
fn a_machine_whose_leave_fails_stays_where_it_is_and_does_not_enter() {
    for machine in [dungeon("trap"), dungeon("trap").immediate()] {
        let mut rig = survivor(&machine);
        rig.act(|_, cx| cx.goto_state_with("yard", "enter", "trap").unwrap());
        rig.turn();
        assert_eq!(rig.state(), Some("trap"));
        rig.post("knock", ());
        rig.run();
        rig.assert(["died in its handler of leave: no way out", "trap: knock", "_stop"]);
    }
}

#[test]
fn a_machine_whose_entry_fails_is_in_the_new_state() {
    let mut rig = survivor(&dungeon("cell"));
    rig.act(|_, cx| cx.goto_state_with("trap", "enter", "cell").unwrap());
    rig.turn();
    assert_eq!(rig.state(), Some("trap"));
    rig.run();
    rig.assert(["cell: leave", "died in its handler of enter: no way in", "_stop"]);
}

#[test]
fn a_return_from_a_call_that_failed_on_its_way_is_a_failure_and_a_later_one_is_refused() {
    let mut rig = survivor(&dungeon("trap"));
    rig.act(|_, cx| {
        cx.call_state("back", "yard").unwrap();
        cx.return_state(1).unwrap();
    });
    rig.turn();
    let said = rig.story.take();
    let [first, second] = &*said else { panic!("two deaths were expected: {said:?}") };
    assert_eq!(first, "died in its handler of leave: no way out");
    assert!(second.contains("no state to return to"), "{second}");
    rig.act(|_, cx| assert!(cx.return_state(2).is_err()));
    rig.run();
    rig.assert(["_stop"]);
}

#[test]
fn a_return_whose_leave_fails_can_be_made_again() {
    let mut rig = survivor(&dungeon("cell"));
    rig.act(|_, cx| {
        cx.call_state("knock", "trap").unwrap();
        cx.return_state(()).unwrap();
    });
    rig.turn();
    assert_eq!(rig.state(), Some("trap"));
    rig.act(|_, cx| {
        cx.return_state(()).unwrap();
        assert!(cx.return_state(()).is_err());
    });
    rig.run();
    rig.assert([
        "cell: leave",
        "died in its handler of leave: no way out",
        "died in its handler of leave: no way out",
        "_stop",
    ]);
}

#[test]
fn a_failure_in_a_transition_that_nobody_handles_is_what_run_ends_with() {
    let mut rig = Rig::new(&dungeon("trap"));
    rig.act(|_, cx| cx.goto_state("yard").unwrap());
    let error = rig.kernel.run().unwrap_err();
    assert_eq!(error.to_string(), "no way out");
    assert_eq!(rig.kernel.session_count(), 0);
    rig.assert(["_stop"]);
}

#[test]
fn a_panic_in_leave_or_entry_is_its_own_and_the_others_go_on() {
    let choose = |builder: KernelBuilder| builder.on_exception(OnException::Isolate);
    let panics = |event| {
        States::new().on(event, |_: &mut Story, _: &mut Context<'_>, ()| -> () {
            crate::parts::fail("on purpose")
        })
    };
    for event in ["leave", "enter"] {
        let machine = || {
            let old = if event == "leave" { panics(event) } else { States::new() };
            let new = if event == "enter" { panics(event) } else { States::new() };
            Machine::starting("old", old).state("new", new).always(anywhere())
        };
        for machine in [machine(), machine().immediate()] {
            let mut rig = Rig::with(&machine, choose);
            let other = States::new().on("say", telling("the other lives"));
            let other = rig.kernel.spawn(&other, rig.story.clone());
            rig.kernel.post(other, "say", ()).unwrap();
            rig.act(|_, cx| cx.goto_state_with("new", "enter", ()).unwrap());
            rig.run();
            assert_eq!(rig.kernel.stats().failures, 1);
            let mut said = rig.story.take();
            said.sort();
            assert_eq!(said, ["_stop", "the other lives"]);
        }
    }
}

#[test]
fn everybody_may_be_stopped_from_within_a_transition() {
    let old = States::new().on("leave", |story: &mut Story, cx: &mut Context<'_>, ()| {
        cx.stop();
        story.tell("leave");
    });
    let machine = Machine::starting("old", old).state("new", room("new")).always(anywhere());
    let mut rig = Rig::new(&machine);
    rig.act(|_, cx| {
        cx.goto_state_with("new", "enter", "old").unwrap();
        cx.yield_("knock", ());
    });
    rig.run();
    rig.assert(["leave", "new: enter from old", "_stop"]);
}

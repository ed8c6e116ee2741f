//! States that call others and are returned to.

use reactor::{Context, Event, Kernel, Machine, States, TransitionError};
use testkit::logs;
use testkit::story::Story;

use super::{Rig, anywhere, house, room};

const BACK: Event<&'static str> = Event::new("back");

/// Rooms that tell what they are returned to with.
fn hotel() -> Machine<Story> {
    let room = |name: &'static str| {
        room(name).on(&BACK, move |story: &mut Story, _: &mut Context<'_>, with| {
            story.tell(format_args!("{name}: back with {with}"));
        })
    };
    Machine::starting("hall", room("hall"))
        .state("stairs", room("stairs"))
        .state("attic", room("attic"))
        .always(anywhere())
}

#[test]
fn a_state_that_was_called_returns_to_the_one_that_called_it() {
    let mut rig = Rig::new(&hotel());
    rig.act(|_, cx| {
        cx.call_state_with(&BACK, "stairs", "enter", "hall").unwrap();
        cx.call_state("back", "attic").unwrap();
        cx.return_state("a lamp").unwrap();
        cx.return_state("a candle").unwrap();
    });
    rig.run();
    rig.assert([
        "hall: leave",
        "stairs: enter from hall",
        "stairs: leave",
        "attic: leave",
        "stairs: back with a lamp",
        "stairs: leave",
        "hall: back with a candle",
        "_stop",
    ]);
}

#[test]
fn the_state_to_return_to_is_the_one_the_machine_is_in_when_the_call_takes_place() {
    let mut rig = Rig::new(&hotel());
    rig.act(|_, cx| {
        cx.goto_state("stairs").unwrap();
        cx.call_state(&BACK, "attic").unwrap();
        cx.goto_state("hall").unwrap(); // does not matter
        cx.return_state("nothing").unwrap();
    });
    rig.run();
    rig.assert([
        "hall: leave",
        "stairs: leave",
        "attic: leave",
        "hall: leave",
        "stairs: back with nothing",
        "_stop",
    ]);
}

#[test]
fn a_return_without_a_call_is_refused_and_gives_the_payload_back() {
    for machine in [hotel(), hotel().immediate()] {
        let mut rig = Rig::new(&machine);
        rig.act(|_, cx| {
            let error = cx.return_state(String::from("precious")).unwrap_err();
            assert_eq!(error.to_string(), "there is no state to return to");
            assert_eq!(error, TransitionError::NothingToReturnTo("precious".to_string()));
            assert_eq!(error.into_payload(), "precious");
            cx.call_state(&BACK, "attic").unwrap();
            cx.return_state("once").unwrap();
            assert_eq!(cx.return_state("twice"), Err(TransitionError::NothingToReturnTo("twice")));
        });
        rig.turn();
        rig.act(|_, cx| assert!(cx.return_state(()).is_err()));
        rig.run();
        rig.assert(["hall: leave", "attic: leave", "hall: back with once", "_stop"]);
    }
}

#[test]
fn a_return_with_another_payload_than_is_taken_is_unhandled_in_the_state_returned_to() {
    let mut rig = Rig::new(&hotel());
    rig.act(|_, cx| {
        cx.call_state(&BACK, "attic").unwrap();
        cx.return_state(7_u8).unwrap();
    });
    let (_, lines) = logs::capture_warnings(|| rig.run());
    let [line] = &*lines else { panic!("one warning was expected: {lines:?}") };
    assert!(line.text.contains("event back") && line.text.contains("takes &str, not u8"), "{line}");
    rig.assert(["hall: leave", "attic: leave", "_stop"]);
}

#[test]
fn a_return_event_that_nobody_handles_is_unhandled_and_the_machine_has_returned() {
    let mut rig = Rig::new(&house());
    rig.act(|_, cx| {
        cx.call_state("nobody's", "attic").unwrap();
        cx.return_state(()).unwrap();
    });
    rig.turn();
    assert_eq!(rig.state(), Some("hall"));
    assert_eq!(rig.kernel.stats().unhandled, 1);
}

#[test]
fn calls_are_as_deep_as_memory_goes_and_never_deep_on_the_stack_of_the_thread() {
    type Depth = (u64, u64);
    let down = |(left, deepest): &mut Depth, cx: &mut Context<'_>, depth: u64| {
        *deepest = depth;
        if *left > 0 {
            *left -= 1;
            cx.call_state_with("up", "below", "down", depth + 1).unwrap();
        } else {
            cx.return_state(depth).unwrap();
        }
    };
    let up = |(left, _): &mut Depth, cx: &mut Context<'_>, depth: u64| {
        if depth > 1 {
            cx.return_state(depth - 1).unwrap();
        } else {
            *left = u64::MAX; // seen by `_stop`
            assert!(cx.return_state(()).is_err(), "everything was returned from");
        }
    };
    let machine = || {
        let table = || States::new().on("down", down).on("up", up);
        let always = States::new()
            .on_start(|_: &mut Depth, cx: &mut Context<'_>, ()| cx.yield_("down", 0_u64))
            .on_stop(|state: &mut Depth, cx: &mut Context<'_>, ()| {
                assert_eq!((*state, cx.current_state()), ((u64::MAX, CALLS), Some("above")));
            });
        Machine::starting("above", table()).state("below", table()).always(always)
    };
    for machine in [machine(), machine().immediate()] {
        let mut kernel = Kernel::new().unwrap();
        kernel.spawn(&machine, (CALLS, 0));
        kernel.run().unwrap();
        assert_eq!(kernel.stats().failures, 0);
    }
}

const CALLS: u64 = 100_000;

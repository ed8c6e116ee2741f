//! Payloads on their way when a machine ends.

use std::cell::Cell;
use std::rc::Rc;

use reactor::{Context, Machine, OnException, States};
use testkit::story::Story;

use super::{Rig, anywhere, house, room};

/// Counts how many of it are gone.
struct Counted(Rc<Cell<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn what_transitions_carry_is_dropped_once_each_when_everybody_is_stopped() {
    let dropped = Rc::new(Cell::new(0));
    let mut rig = Rig::new(&house());
    let given = Rc::clone(&dropped);
    rig.act(move |_, cx| {
        for _ in 0..10 {
            cx.goto_state_with("attic", "never", Counted(Rc::clone(&given))).unwrap();
            cx.call_state_with("never", "hall", "never", Counted(Rc::clone(&given))).unwrap();
            cx.return_state(Counted(Rc::clone(&given))).unwrap();
        }
    });
    assert_eq!(dropped.get(), 0);
    rig.kernel.stop();
    assert_eq!(dropped.get(), 30);
    rig.assert(["_stop"]);
    rig.run();
    assert_eq!(dropped.get(), 30);
}

#[test]
fn what_transitions_carry_is_dropped_when_its_turn_comes_and_the_machine_is_gone() {
    for machine in [house(), house().immediate()] {
        let always = anywhere().try_on("fail", |_: &mut Story, cx: &mut Context<'_>, given| {
            cx.goto_state_with("attic", "never", Counted(given)).unwrap();
            Err::<(), _>("on purpose")
        });
        let dropped = Rc::new(Cell::new(0_u32));
        let mut rig = Rig::with(&machine.always(always), |builder| {
            builder.on_exception(OnException::Isolate)
        });
        rig.post("fail", Rc::clone(&dropped));
        rig.run();
        assert_eq!((dropped.get(), Rc::strong_count(&dropped)), (1, 1));
    }
}

#[test]
fn a_payload_that_nobody_takes_is_dropped_before_the_next_event() {
    for machine in [house(), house().immediate()] {
        let dropped = Rc::new(Cell::new(0));
        let mut rig = Rig::new(&machine.always(anywhere().on(
            "look",
            |_: &mut Story, cx: &mut Context<'_>, dropped: Rc<Cell<u32>>| {
                assert_eq!((dropped.get(), cx.current_state()), (1, Some("attic")));
            },
        )));
        let given = Rc::clone(&dropped);
        rig.act(move |_, cx| {
            cx.goto_state_with("attic", "never", Counted(Rc::clone(&given))).unwrap();
            cx.yield_("look", given);
        });
        rig.run();
        assert_eq!((dropped.get(), rig.kernel.stats().unhandled), (1, 1));
    }
}

#[test]
fn a_payload_of_a_transition_that_fails_is_dropped() {
    let trap = States::new()
        .try_on("leave", |_: &mut Story, _: &mut Context<'_>, ()| Err::<(), _>("no way out"));
    let machine = Machine::starting("trap", trap).state("yard", room("yard")).always(anywhere());
    let dropped = Rc::new(Cell::new(0));
    let given = Counted(Rc::clone(&dropped));
    let mut rig = Rig::new(&machine);
    rig.act(move |_, cx| cx.goto_state_with("yard", "enter", given).unwrap());
    rig.kernel.run().unwrap_err();
    assert_eq!(dropped.get(), 1);
}

#[test]
fn a_payload_that_panics_when_nobody_takes_it_is_a_failure_of_the_machine() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            crate::parts::fail("a bomb");
        }
    }
    for machine in [house(), house().immediate()] {
        let mut rig = Rig::with(&machine, |builder| builder.on_exception(OnException::Isolate));
        // Posted, for an act that panics is the test's own.
        rig.post("act", super::act(|_, cx| cx.goto_state_with("attic", "never", Bomb).unwrap()));
        rig.run();
        assert_eq!(rig.kernel.stats().failures, 1);
        rig.assert(["hall: leave", "_stop"]);
    }
}

#[test]
fn the_handlers_go_with_the_last_machine_and_the_last_who_can_make_one() {
    let dropped = Rc::new(Cell::new(0));
    let holds = |dropped: &Rc<Cell<u32>>| {
        let held = Counted(Rc::clone(dropped));
        States::new().on("any", move |_: &mut Story, _: &mut Context<'_>, ()| {
            assert_eq!(held.0.get(), 0);
        })
    };
    let machine = Machine::starting("hall", holds(&dropped))
        .state("attic", holds(&dropped))
        .always(holds(&dropped));
    let mut rig = Rig::new(&machine);
    rig.run();
    assert_eq!(dropped.get(), 0, "one more can be made");
    let last = rig.kernel.spawn(&machine, Story::default());
    drop(machine);
    rig.kernel.post(last, "any", ()).unwrap();
    rig.turn();
    assert_eq!(dropped.get(), 3);
}

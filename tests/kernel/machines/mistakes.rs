//! What a handler asks for that cannot be done.

use reactor::{Context, Event, Kernel, Machine, SessionId, States, TransitionError};
use testkit::story::Story;

use super::{Rig, house};

const TYPED: Event<String> = Event::new("typed");

#[test]
fn a_state_that_is_not_there_is_refused_and_gives_the_payload_back() {
    let mut rig = Rig::new(&house());
    rig.act(|_, cx| {
        let error = cx.goto_state("cellar").unwrap_err();
        assert_eq!(error, TransitionError::NoSuchState(()));
        assert_eq!(error.to_string(), "the machine has no such state");
        let error = cx.goto_state_with("cellar", &TYPED, "lamp".to_string()).unwrap_err();
        assert_eq!(format!("{error:?}"), "NoSuchState(alloc::string::String)");
        assert_eq!(error.into_payload(), "lamp");
        assert_eq!(cx.call_state(&TYPED, "cellar"), Err(TransitionError::NoSuchState(())));
        let error = cx.call_state_with(&TYPED, "", &TYPED, "lamp".to_string()).unwrap_err();
        assert_eq!(error.into_payload(), "lamp");
        // None of them was made: there is nothing to return from.
        assert_eq!(cx.return_state(7), Err(TransitionError::NothingToReturnTo(7)));
    });
    rig.run();
    rig.assert(["_stop"]);
}

#[test]
fn a_session_that_is_not_a_machine_is_refused_every_transition() {
    let states = States::new().on("act", |asked: &mut u32, cx: &mut Context<'_>, ()| {
        assert_eq!(cx.current_state(), None);
        assert_eq!(cx.goto_state("hall"), Err(TransitionError::NotAMachine(())));
        assert_eq!(cx.goto_state_with("hall", "enter", 1), Err(TransitionError::NotAMachine(1)));
        assert_eq!(cx.call_state("back", "hall"), Err(TransitionError::NotAMachine(())));
        let error = cx.call_state_with("back", "hall", "enter", 2).unwrap_err();
        assert_eq!(error, TransitionError::NotAMachine(2));
        assert_eq!(error.to_string(), "the session is not a machine");
        assert_eq!(cx.return_state(3), Err(TransitionError::NotAMachine(3)));
        *asked += 1;
        *asked
    });
    let mut kernel = Kernel::new().unwrap();
    let session = kernel.spawn(&states, 0);
    assert_eq!(kernel.current_state(session), None);
    assert_eq!(kernel.call(session, "act", ()), Ok(1_u32));
    kernel.run().unwrap();
}

#[test]
fn a_machine_that_is_gone_has_no_state() {
    let mut rig = Rig::new(&house());
    assert_eq!(rig.state(), Some("hall"));
    rig.run();
    assert_eq!(rig.state(), None);
    assert_eq!(rig.kernel.current_state(SessionId::KERNEL), None);
}

#[test]
fn a_machine_of_one_state_without_handlers_starts_and_ends() {
    // Of what POE's `16_nfa_usage` asks, this is what the compiler leaves.
    let mut kernel = Kernel::new().unwrap();
    let machine: Machine<Vec<u8>> = Machine::starting("only", States::default());
    kernel.spawn(&machine, vec![1]);
    let shared = std::rc::Rc::new(Machine::starting(String::from("made"), States::new()));
    let session = kernel.spawn(&shared, Story::default());
    assert_eq!(kernel.current_state(session), Some("made"));
    kernel.run().unwrap();
    assert_eq!((kernel.session_count(), kernel.stats().unhandled), (0, 0));
}

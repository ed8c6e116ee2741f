//! From state to state, behind what waits.

use reactor::{Child, Context, Machine, States};
use testkit::logs;
use testkit::story::Story;

use super::{Act, Rig, anywhere, house, room, telling};

#[test]
fn a_transition_comes_behind_what_waits_and_that_is_handled_in_the_old_state() {
    let mut rig = Rig::new(&house());
    rig.post("knock", ());
    rig.act(|story, cx| {
        cx.yield_("knock", ());
        cx.goto_state_with("attic", "enter", "hall").unwrap();
        cx.yield_("knock", ());
        assert_eq!(cx.current_state(), Some("hall"));
        story.tell("asked");
    });
    assert_eq!(rig.state(), Some("hall"));
    rig.run();
    rig.assert([
        "asked",
        "hall: knock",
        "hall: knock",
        "hall: leave",
        "attic: enter from hall",
        "attic: knock",
        "_stop",
    ]);
}

#[test]
fn a_timer_that_is_due_first_is_handled_in_the_old_state() {
    let mut rig = Rig::new(&house());
    rig.act(|_, cx| {
        cx.delay("knock", std::time::Duration::ZERO, ());
        cx.goto_state("attic").unwrap();
        cx.delay_set("knock", std::time::Duration::ZERO, ());
    });
    rig.run();
    rig.assert(["hall: knock", "hall: leave", "attic: knock", "_stop"]);
}

#[test]
fn a_transition_to_the_same_state_leaves_and_enters_it() {
    let mut rig = Rig::new(&house());
    rig.act(|_, cx| cx.goto_state_with("hall", "enter", "hall").unwrap());
    rig.run();
    rig.assert(["hall: leave", "hall: enter from hall", "_stop"]);
}

#[test]
fn leave_is_of_the_old_state_or_of_every_state_and_default_does_not_hear_it() {
    let silent = States::new().on_default(|story: &mut Story, _: &mut Context<'_>, event| {
        story.tell(format_args!("default: {}", event.name()));
    });
    let machine = Machine::starting("silent", silent).state("hall", room("hall"));
    let mut rig = Rig::new(&machine.always(anywhere()));
    rig.act(|_, cx| cx.goto_state("hall").unwrap());
    rig.act(|_, cx| cx.goto_state("silent").unwrap());
    rig.run();
    rig.assert(["hall: leave", "_stop"]);

    let always = anywhere().on("leave", telling("every state: leave"));
    let mut rig = Rig::new(
        &Machine::starting("bare", States::new()).state("hall", room("hall")).always(always),
    );
    rig.act(|_, cx| cx.goto_state("hall").unwrap());
    rig.act(|_, cx| cx.goto_state("bare").unwrap());
    rig.run();
    rig.assert(["every state: leave", "hall: leave", "_stop"]);
}

#[test]
fn a_posted_event_named_leave_or_as_the_kernels_own_is_an_event_like_any() {
    let states = States::new().on_default(|story: &mut Story, _: &mut Context<'_>, event| {
        story.tell(format_args!("default: {} {}", event.name(), event.payload_type()));
    });
    let mut rig = Rig::new(&Machine::starting("hall", states).always(anywhere()));
    rig.post("leave", ());
    rig.post("_goto_state", 1_u8);
    rig.run();
    rig.assert(["default: leave ()", "default: _goto_state u8", "_stop"]);
}

#[test]
fn leave_is_in_the_old_state_and_the_entry_event_in_the_new_one() {
    let tell = |story: &mut Story, cx: &mut Context<'_>, ()| {
        let (state, event) = (cx.current_state().unwrap(), cx.event());
        story.tell(format_args!("{event} in {state}, asked in {:?}", cx.caller_event()));
        assert_eq!(cx.sender(), cx.session());
    };
    let both = || States::new().on("leave", tell).on("enter", tell);
    let machine = Machine::starting("old", both()).state("new", both()).always(anywhere());
    let mut rig = Rig::new(&machine);
    rig.act(|_, cx| cx.goto_state_with("new", "enter", ()).unwrap());
    rig.run();
    rig.assert([
        r#"leave in old, asked in Some("act")"#,
        r#"enter in new, asked in Some("act")"#,
        "_stop",
    ]);
}

#[test]
fn nothing_comes_between_the_parts_of_a_transition() {
    // What `leave` posts, spawns or ends is told when the machine has entered the new state.
    let old = States::new().on("leave", |story: &mut Story, cx: &mut Context<'_>, ()| {
        cx.yield_("knock", ());
        cx.spawn(&Machine::starting("born", States::<()>::new()), ());
        story.tell("leave");
    });
    let new = room("new").on_child(|story: &mut Story, _: &mut Context<'_>, child: Child| {
        story.tell(format_args!("new: _child {:?}", child.fate()));
    });
    let machine = Machine::starting("old", old).state("new", new).always(anywhere());
    let mut rig = Rig::new(&machine);
    rig.act(|_, cx| cx.goto_state_with("new", "enter", "old").unwrap());
    rig.run();
    rig.assert([
        "leave",
        "new: enter from old",
        "new: _child Create",
        "new: knock",
        "new: _child Lose",
        "_stop",
    ]);
}

#[test]
fn transitions_asked_for_by_leave_and_by_the_entry_event_are_posted_like_any() {
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
        .always(anywhere());
    let mut rig = Rig::new(&machine);
    rig.act(|_, cx| {
        cx.goto_state_with("new", "hello", ()).unwrap();
        cx.yield_("knock", ());
    });
    rig.run();
    rig.assert([
        "old: leave",
        "new: hello",
        "new: knock",
        "new: leave",
        "last: enter from old",
        "last: leave",
        "last: enter from new",
        "_stop",
    ]);
}

#[test]
fn an_entry_event_that_the_new_state_does_not_handle_is_unhandled_and_the_machine_is_there() {
    let mut rig = Rig::new(&house());
    rig.act(|_, cx| {
        cx.goto_state_with("attic", "bell", 7_u8).unwrap();
        cx.goto_state_with("hall", "enter", String::from("nowhere")).unwrap();
    });
    let (_, lines) = logs::capture_warnings(|| rig.run());
    let [first, second] = &*lines else { panic!("two warnings were expected: {lines:?}") };
    assert!(first.text.contains("event bell") && first.text.contains("payload: u8"), "{first}");
    assert!(second.text.contains("takes &str, not alloc::string::String"), "{second}");
    assert_eq!(rig.kernel.stats().unhandled, 2);
    rig.assert(["hall: leave", "attic: leave", "_stop"]);
}

#[test]
fn an_entry_event_that_only_default_takes_shows_its_own_name_and_payload() {
    let new = States::new().on_default(|story: &mut Story, cx: &mut Context<'_>, mut event| {
        assert_eq!(cx.current_state(), Some("new"));
        let payload = event.take::<u8>();
        story.tell(format_args!("{} {payload:?}", event.name()));
    });
    let machine = Machine::starting("old", States::new()).state("new", new).always(anywhere());
    let mut rig = Rig::new(&machine);
    rig.act(|_, cx| cx.goto_state_with("new", "bell", 7_u8).unwrap());
    let (_, lines) = logs::capture_warnings(|| rig.run());
    assert_eq!(lines, []);
    rig.assert(["bell Some(7)", "_stop"]);
}

#[test]
fn a_leave_handler_of_another_payload_is_a_warning_and_the_machine_moves() {
    let old = States::new().on("leave", |_: &mut Story, _: &mut Context<'_>, _: u8| {});
    let machine = Machine::starting("old", old).state("new", room("new")).always(anywhere());
    let mut rig = Rig::new(&machine);
    rig.act(|_, cx| cx.goto_state_with("new", "enter", "old").unwrap());
    let (_, lines) = logs::capture_warnings(|| rig.run());
    let [line] = &*lines else { panic!("one warning was expected: {lines:?}") };
    assert!(line.text.contains("event leave") && line.text.contains("takes u8, not ()"), "{line}");
    rig.assert(["new: enter from old", "_stop"]);
}

#[test]
fn a_transition_on_its_way_keeps_its_machine_alive() {
    let quiet = Machine::starting(
        "old",
        States::new().on("go", |_: &mut Story, cx: &mut Context<'_>, ()| {
            cx.goto_state_with("new", "enter", "old").unwrap();
        }),
    );
    let mut rig = Rig::new(&house());
    let quiet = rig.kernel.spawn(&quiet.state("new", room("new")), rig.story.clone());
    rig.kernel.post(quiet, "go", ()).unwrap();
    rig.turn();
    assert_eq!(rig.kernel.why_alive(quiet).as_deref(), Some("1 queued event"));
    rig.run();
    assert!(!rig.kernel.has_session(quiet));
    rig.assert(["new: enter from old", "_stop"]);
}

#[test]
fn what_is_timed_and_traced_are_the_events_that_a_transition_delivers() {
    let mut rig = Rig::new(&house());
    rig.kernel.start_timing();
    rig.act(|_, cx| {
        let mut options = cx.options();
        options.trace = true;
        cx.set_options(options);
        cx.goto_state_with("attic", "enter", "hall").unwrap();
    });
    let (_, lines) = logs::capture(|| rig.run());
    let traced: Vec<&str> = lines
        .iter()
        .filter(|line| line.level == log::Level::Info)
        .filter_map(|line| line.text.split(": ").nth(1)?.split(' ').next())
        .collect();
    assert_eq!(traced, ["_goto_state", "leave", "enter", "_stop"]);
    let timings = rig.kernel.stop_timing();
    for event in ["_goto_state", "leave", "enter"] {
        let timing = timings.iter().find(|timing| timing.event() == event);
        assert_eq!(timing.map(reactor::Timing::count), Some(1), "{event}");
    }
}

#[test]
fn a_start_event_that_the_new_state_does_not_handle_is_not_for_default() {
    let new = States::new().on_default(|story: &mut Story, _: &mut Context<'_>, event| {
        story.tell(format_args!("default: {}", event.name()));
    });
    let machine = Machine::starting("old", States::new()).state("new", new);
    let mut rig =
        Rig::new(&machine.always(States::new().on("act", |_: &mut Story, cx, act: Act| {
            act(&mut Story::default(), cx);
        })));
    rig.act(|_, cx| {
        cx.goto_state_with("new", "_start", ()).unwrap();
        cx.goto_state_with("new", "other", ()).unwrap();
    });
    rig.run();
    rig.assert(["default: other", "default: _stop"]);
}

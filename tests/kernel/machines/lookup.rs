//! Which handler takes an event.

use log::Level;
use reactor::{Child, Context, Event, Machine, NewParent, States, Unhandled};
use testkit::logs;
use testkit::story::Story;

use super::{Rig, anywhere, house, room, telling};

const MOVE: Event<&'static str> = Event::new("move");

/// A handler that goes to the state it is given.
fn moves(_: &mut Story, cx: &mut Context<'_>, to: &'static str) {
    cx.goto_state(to).unwrap();
}

fn default(name: &'static str) -> impl Fn(&mut Story, &mut Context<'_>, Unhandled<'_>) {
    move |story, cx, event| {
        assert_eq!(cx.event(), event.name());
        story.tell(format_args!("{name}: {} of {}", event.name(), event.payload_type()));
    }
}

#[test]
fn an_event_is_handled_by_the_state_that_the_machine_is_in() {
    let mut rig = Rig::new(&house());
    rig.post("knock", ());
    rig.turn();
    rig.act(|_, cx| cx.goto_state("attic").unwrap());
    rig.turn();
    rig.post("knock", ());
    rig.run();
    rig.assert(["hall: knock", "hall: leave", "attic: knock", "_stop"]);
}

#[test]
fn a_states_own_handler_goes_before_that_of_every_state_and_both_before_any_default() {
    let own = States::new().on("both", telling("own")).on_default(default("own default"));
    let bare = States::new().on("other", telling("bare"));
    let always = anywhere()
        .on(&MOVE, moves)
        .on("both", telling("always"))
        .on("rest", telling("always rest"))
        .on_default(default("always default"));
    let machine = Machine::starting("own", own).state("bare", bare).always(always);
    let mut rig = Rig::new(&machine);
    for _ in 0..2 {
        rig.post("both", ());
        rig.post("rest", ());
        rig.post("unknown", 7_u8);
        rig.post("move", "bare");
        rig.turn();
        rig.turn();
    }
    rig.run();
    rig.assert([
        "own",
        "always rest",
        "own default: unknown of u8",
        "always",
        "always rest",
        "always default: unknown of u8",
        "_stop",
    ]);
}

#[test]
fn a_payload_that_the_first_handler_does_not_take_goes_to_default_and_not_to_the_next_handler() {
    let own = States::new()
        .on("both", |_: &mut Story, _: &mut Context<'_>, _: String| {})
        .on_default(default("default"));
    let machine = Machine::starting("own", own).always(anywhere().on("both", telling("always")));
    let mut rig = Rig::new(&machine);
    rig.post("both", ());
    rig.run();
    rig.assert(["default: both of ()", "_stop"]);
}

#[test]
fn what_nobody_takes_is_one_warning_and_the_machine_lives_on() {
    let mut rig = Rig::new(&house());
    rig.post("bell", 7_u8);
    rig.post("knock", ());
    let (_, lines) = logs::capture_warnings(|| rig.run());
    let [line] = &*lines else { panic!("one warning was expected: {lines:?}") };
    assert_eq!((line.level, &*line.target), (Level::Warn, "reactor::events"));
    assert!(line.text.contains("event bell") && line.text.contains("no handler"), "{line}");
    assert_eq!(rig.kernel.stats().unhandled, 1);
    rig.assert(["hall: knock", "_stop"]);
}

#[test]
fn what_nobody_takes_is_a_failure_in_strict_mode() {
    let mut rig = Rig::with(&house(), reactor::KernelBuilder::strict);
    rig.post("bell", ());
    let error = rig.kernel.run().unwrap_err();
    assert!(error.to_string().contains("event bell"), "{error}");
    rig.assert(["_stop"]);
}

#[test]
fn a_machine_without_handlers_of_child_and_parent_has_children_and_parents() {
    // POE's dies of the first child.
    let mut rig = Rig::new(&house());
    let (_, lines) = logs::capture_warnings(|| {
        rig.act(|_, cx| {
            let child = cx.spawn(&house_without_alias(), Story::default());
            cx.detach_child(child).unwrap();
        });
        rig.run();
    });
    assert_eq!(lines, []);
    rig.assert(["_stop"]);
}

fn house_without_alias() -> Machine<Story> {
    Machine::starting("hall", room("hall"))
}

#[test]
fn the_kernels_own_events_are_handled_by_a_state_or_by_every_state() {
    let tell = |name: &'static str| {
        States::new()
            .on_start(telling(format!("{name}: _start")))
            .on_child(move |story: &mut Story, _: &mut Context<'_>, _: Child| {
                story.tell(format_args!("{name}: _child"));
            })
            .on_parent(move |story: &mut Story, _: &mut Context<'_>, _: NewParent| {
                story.tell(format_args!("{name}: _parent"));
            })
            .on_stop(telling(format!("{name}: _stop")))
    };
    let always = || {
        tell("always").on("moved", |_: &mut Story, cx: &mut Context<'_>, ()| {
            let child = States::new().on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
                cx.yield_("bell", ());
            });
            cx.spawn(&child, ());
            cx.detach_myself().unwrap();
        })
    };
    for start in ["first", "second"] {
        let table = if start == "first" { tell(start) } else { States::new() };
        let machine = Machine::starting(start, table).always(always());
        let story = Story::default();
        let mut kernel = reactor::Kernel::new().unwrap();
        let parent = States::new().on_start(move |story: &mut Story, cx: &mut Context<'_>, ()| {
            let machine = cx.spawn(&machine, story.clone());
            cx.post(machine, "moved", ()).unwrap();
        });
        kernel.spawn(&parent, story.clone());
        let (run, _) = logs::capture_warnings(|| kernel.run());
        run.unwrap();
        let name = if start == "first" { start } else { "always" };
        assert_eq!(
            story.take(),
            ["_start", "_child", "_parent", "_child", "_stop"]
                .map(|event| format!("{name}: {event}"))
        );
    }
}

#[test]
fn a_handler_set_by_a_session_is_of_every_state_behind_their_own() {
    let mut rig = Rig::new(&house());
    rig.act(|_, cx| {
        cx.state("knock", telling("added: knock")).unwrap();
        cx.state("bell", telling("added: bell")).unwrap();
        cx.goto_state("attic").unwrap();
    });
    rig.post("knock", ());
    rig.post("bell", ());
    rig.turn();
    rig.act(|_, cx| {
        cx.state("bell", telling("anew: bell")).unwrap();
        cx.goto_state("hall").unwrap();
    });
    rig.turn();
    rig.post("bell", ());
    rig.turn();
    rig.assert(["hall: leave", "attic: knock", "added: bell", "attic: leave", "anew: bell"]);
    rig.act(|_, cx| cx.state_clear("bell").unwrap());
    rig.post("bell", ());
    let (_, lines) = logs::capture_warnings(|| rig.run());
    assert_eq!(lines.len(), 1, "{lines:?}");
    rig.assert(["_stop"]);
}

#[test]
fn a_handler_set_by_a_session_replaces_that_of_every_state_for_this_session_alone() {
    let always = States::new().on("bell", telling("everybody's")).on(
        "set",
        |_: &mut Story, cx: &mut Context<'_>, ()| {
            cx.state("bell", telling("mine")).unwrap();
        },
    );
    let machine = Machine::starting("hall", States::new()).always(always);
    let mut rig = Rig::new(&machine);
    let other = rig.kernel.spawn(&machine, rig.story.clone());
    rig.post("set", ());
    rig.post("bell", ());
    rig.kernel.post(other, "bell", ()).unwrap();
    rig.run();
    rig.assert(["mine", "everybody's"]);
}

#[test]
fn machines_of_one_kind_each_have_their_own_state() {
    let machine = house();
    let mut rig = Rig::new(&machine);
    let quiet = Machine::starting("hall", room("hall")).state("attic", room("attic"));
    let second = rig.kernel.spawn(&quiet, rig.story.clone());
    let third = rig.kernel.spawn(&quiet, rig.story.clone());
    rig.act(|_, cx| cx.goto_state("attic").unwrap());
    for session in [second, third] {
        rig.kernel.post(session, "knock", ()).unwrap();
    }
    rig.turn();
    assert_eq!(rig.state(), Some("attic"));
    rig.post("knock", ());
    rig.run();
    rig.assert(["hall: leave", "hall: knock", "hall: knock", "attic: knock", "_stop"]);
}

#[test]
fn a_state_named_again_has_the_handlers_it_was_given_last() {
    let machine = house().state("hall", States::new().on("knock", telling("new hall")));
    let mut rig = Rig::new(&machine);
    // Sessions that run keep theirs.
    let machine = machine.state("hall", States::new()).always(States::new());
    rig.post("knock", ());
    rig.run();
    rig.assert(["new hall", "_stop"]);
    assert_eq!(format!("{machine:?}"), r#"Machine(["hall", "attic"])"#);
}

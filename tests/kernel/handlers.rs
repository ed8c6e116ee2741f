//! Handlers that a session sets, replaces and takes away while it runs (POE: `state`).

use std::rc::Rc;
use std::time::Duration;

use reactor::{CallError, Child, Context, Event, SessionId, States, Unhandled};
use testkit::logs;
use testkit::story::Story;

use crate::parts::{Family, stay};

const ASK: Event<u32, u32> = Event::new("ask");

type Page = Rc<Story>;

/// A session that tells what it hears, and sets handlers when it is told to.
fn teller() -> States<Page> {
    States::new()
        .on("first", |page: &mut Page, _: &mut Context<'_>, ()| page.tell("first of its kind"))
        .on("set", |_: &mut Page, cx: &mut Context<'_>, (name, text): (&'static str, &str)| {
            let text = text.to_owned();
            let handler = move |page: &mut Page, _: &mut Context<'_>, ()| page.tell(&text);
            cx.state(name, handler).unwrap();
        })
        .on("clear", |_: &mut Page, cx: &mut Context<'_>, name: &'static str| {
            cx.state_clear(name).unwrap();
        })
        .on_default(|page: &mut Page, _: &mut Context<'_>, event: Unhandled<'_>| {
            page.tell(format_args!("default: {}", event.name()));
        })
}

fn post(family: &mut Family, to: SessionId, name: &'static str) {
    family.kernel.post(to, name, ()).unwrap();
    family.turn();
}

/// Two tellers of one kind, kept alive by a reference.
fn two(family: &mut Family) -> (SessionId, SessionId, Page) {
    let (states, page) = (teller(), Rc::new(family.story.clone()));
    let mut spawn = || {
        let session = family.kernel.spawn(&states, Rc::clone(&page));
        family.kernel.refcount_increment(session, "test").unwrap();
        session
    };
    (spawn(), spawn(), page)
}

#[test]
fn a_handler_is_added_replaced_and_taken_away_for_one_session_of_its_kind() {
    let mut family = Family::new();
    let (one, other, _) = two(&mut family);
    for event in ["new", "first"] {
        family.kernel.post(one, "set", (event, "mine")).unwrap();
        family.turn();
        post(&mut family, one, event);
        post(&mut family, other, event);
    }
    family.assert(["mine", "default: new", "mine", "first of its kind"]);
    for event in ["new", "first"] {
        family.kernel.post(one, "set", (event, "mine again")).unwrap();
        family.turn();
        post(&mut family, one, event);
        family.kernel.post(one, "clear", event).unwrap();
        family.turn();
        post(&mut family, one, event);
        post(&mut family, other, event);
    }
    family.assert([
        "mine again",
        "default: new",
        "default: new",
        "mine again",
        "default: first",
        "first of its kind",
    ]);
    family.end();
}

#[test]
fn a_handler_is_in_effect_when_the_handler_that_set_it_has_returned_and_not_before() {
    let mut family = Family::new();
    let other = family.stays("other", |_, _| {});
    family.story.take();
    let states = States::new()
        .on_start(|page: &mut Page, cx: &mut Context<'_>, ()| {
            let new = |page: &mut Page, _: &mut Context<'_>, ()| page.tell("new");
            // What is posted before is handled by it too.
            cx.yield_("event", ());
            cx.state("event", new).unwrap();
            cx.delay("event", Duration::ZERO, ());
            page.tell("set");
        })
        .on("event", |page: &mut Page, _: &mut Context<'_>, ()| page.tell("old"));
    let session = family.kernel.spawn(&states, Rc::new(family.story.clone()));
    family.turn();
    family.assert(["set", "new", "new"]);
    assert!(!family.kernel.has_session(session) && family.kernel.has_session(other));
    family.end();
}

#[test]
fn the_last_of_what_one_handler_sets_and_takes_away_counts() {
    let mut family = Family::new();
    let states = States::new().on_start(|_: &mut Page, cx: &mut Context<'_>, ()| {
        for text in ["one", "two", "three"] {
            let handler = move |page: &mut Page, _: &mut Context<'_>, ()| page.tell(text);
            cx.state("set last", handler).unwrap();
            cx.state("cleared last", handler).unwrap();
        }
        cx.state_clear("cleared last").unwrap();
        cx.state_clear("never set").unwrap();
        cx.yield_("set last", ());
        cx.yield_("cleared last", ());
    });
    family.kernel.spawn(&states, Rc::new(family.story.clone()));
    let (_, lines) = logs::capture_warnings(|| family.run());
    family.assert(["three"]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].text.contains("event cleared last"), "{}", lines[0]);
}

#[test]
fn a_handler_that_is_set_replies_to_calls_and_its_payload_is_checked() {
    let mut family = Family::new();
    let states = States::new().on_start(|factor: &mut u32, cx: &mut Context<'_>, ()| {
        stay(cx);
        *factor = 3;
        cx.state(&ASK, |factor: &mut u32, _: &mut Context<'_>, number| *factor * number).unwrap();
    });
    let session = family.kernel.spawn(&states, 0);
    assert_eq!(family.kernel.call(session, &ASK, 7), Ok(21));
    let other: Result<u32, _> = family.kernel.call(session, "ask", "seven");
    assert_eq!(other, Err(CallError::OtherPayload));
    let other: Result<String, _> = family.kernel.call(session, "ask", 7_u32);
    assert_eq!(other, Err(CallError::OtherReply));
    family.end();
}

#[test]
fn the_kernels_own_events_can_be_set_while_a_session_runs() {
    let mut family = Family::new();
    let child = States::new();
    let states = States::new()
        .on_start(|_: &mut Page, cx: &mut Context<'_>, ()| {
            let told = |page: &mut Page, _: &mut Context<'_>, child: Child| {
                page.tell(format_args!("{:?}", child.fate()));
            };
            cx.state("_child", told).unwrap();
            cx.state("_stop", |page: &mut Page, _: &mut Context<'_>, ()| page.tell("_stop"))
                .unwrap();
            cx.yield_("spawn", ());
        })
        .on("spawn", move |_: &mut Page, cx: &mut Context<'_>, ()| {
            cx.spawn(&child, ());
        });
    family.kernel.spawn(&states, Rc::new(family.story.clone()));
    family.run();
    family.assert(["Create", "Lose", "_stop"]);
}

#[test]
fn a_handler_set_in_the_last_moment_goes_with_its_session() {
    let mut family = Family::new();
    let captured = Rc::new(());
    let held = Rc::clone(&captured);
    let states = States::new().on_stop(move |_: &mut (), cx: &mut Context<'_>, ()| {
        let held = Rc::clone(&held);
        let handler = move |_: &mut (), _: &mut Context<'_>, ()| {
            let _used = &held;
        };
        cx.state("never", handler).unwrap();
    });
    family.kernel.spawn(&states, ());
    family.run();
    assert_eq!(Rc::strong_count(&captured), 2, "the test's, and that of the handler of `_stop`");
}

#[test]
fn one_that_is_replaced_is_a_warning_if_the_session_wants_to_know() {
    for debug in [false, true] {
        let mut family = Family::new();
        let states = States::new()
            .on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
                let mut options = cx.options();
                options.debug = debug;
                cx.set_options(options);
                cx.state("old", |_: &mut (), _: &mut Context<'_>, ()| {}).unwrap();
                cx.state("new", |_: &mut (), _: &mut Context<'_>, ()| {}).unwrap();
            })
            .on("old", |_: &mut (), _: &mut Context<'_>, ()| {});
        let (_, lines) = logs::capture_warnings(|| {
            family.kernel.spawn(&states, ());
            family.run();
        });
        assert_eq!(lines.len(), usize::from(debug), "{lines:?}");
        assert!(lines.iter().all(|line| line.text.contains("handler of old")), "{lines:?}");
    }
}

//! Parents and children: `17_detach_start`, the sessions and ids of `20_resources`, and the orders of
//! creation, stopping and detaching that were seen.

use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;

use reactor::{Context, SessionId, States};

use crate::parts::{Family, stay};

#[test]
fn t17_detach_start() {
    let mut family = Family::new();
    family.member("Parent", |member, cx| {
        cx.alias_set("parent").unwrap();
        member.spawn(cx, "Child", |_, cx| cx.alias_set("child").unwrap());
        member.spawn(cx, "Detached", |_, cx| {
            cx.detach_myself().unwrap();
            cx.alias_set("detached").unwrap();
        });
    });
    family.run();
    family.assert([
        "Parent: _start",
        "Child: _start",
        "Detached: _start",
        "Detached: from Parent to kernel",
        // There: right after the child's `_start`. Here the parent is running, and is told when it is not.
        "Parent: create Child",
        "Detached: _stop",
        "Child: _stop",
        "Parent: lose Child",
        "Parent: _stop",
    ]);
}

#[test]
fn kernel_1_6_the_order_of_creation() {
    let mut family = Family::new();
    let parent = family.stays("parent", |_, _| {});
    family.story.take();
    family.act(parent, |member, cx| {
        let child = member.spawn(cx, "child", move |member, cx| {
            assert_eq!(cx.sender(), cx.parent(), "its creator");
            assert_eq!(cx.caller_event(), None);
            member.tell(format_args!("child of {}", member.name_of(cx.parent())));
        });
        member.tell("spawned");
        // The new session is held until its maker had the time to give it something.
        assert!(cx.kernel().has_session(child));
        cx.post(child, "work", ()).unwrap();
    });
    family.assert([
        "child: _start",
        "child: child of parent",
        "parent: spawned",
        "parent: create child",
    ]);
    family.turn();
    family.assert(["child: work", "child: _stop", "parent: lose child"]);
    family.end();
}

#[test]
fn kernel_1_6_a_session_without_start_is_made_all_the_same() {
    // POE refuses it with a warning.
    let mut family = Family::new();
    let session = family.kernel.spawn(&States::new(), ());
    assert!(family.kernel.has_session(session));
    family.run();
}

#[test]
fn kernel_1_6_the_order_of_a_forced_stop() {
    let mut family = Family::isolated();
    let top = family.stays("top", |member, cx| {
        member.spawn(cx, "middle", |member, cx| {
            stay(cx);
            for name in ["one", "two"] {
                member.spawn(cx, name, |_, cx| stay(cx));
            }
        });
    });
    let middle = family.kernel.children(top)[0];
    family.story.take();
    let failed: Result<(), _> =
        family.kernel.call(middle, "do", crate::parts::deed(|_, _| crate::parts::fail("stop")));
    assert!(failed.is_err());
    family.assert([
        "top: gain one",
        "one: from middle to top",
        "top: gain two",
        "two: from middle to top",
        "middle: _stop",
        "top: lose middle",
    ]);
    assert_eq!(family.children(top), ["one", "two"]);
    family.end();
}

#[test]
fn kernel_1_6_sessions_created_in_stop_are_handed_on_with_notice() {
    // F42: POE hands them on in silence, and the grandparent loses what it never had.
    let mut family = Family::new();
    let top = family.stays("top", |member, cx| {
        member.spawn(cx, "middle", |member, _| {
            member.at_stop(|member, cx| {
                member.spawn(cx, "late", |_, _| {});
            });
        });
    });
    family.story.take();
    family.turn();
    family.assert([
        "middle: _stop",
        "late: _start",
        "middle: create late",
        "top: gain late",
        "late: from middle to top",
        "top: lose middle",
    ]);
    assert_eq!(family.children(top), ["late"]);
    family.turn();
    family.assert(["late: _stop", "top: lose late"]);
    family.end();
}

#[test]
fn kernel_1_6_detaching_tells_the_parent_and_then_the_child_and_takes_its_children_along() {
    let mut family = Family::new();
    let top = family.stays("top", |member, cx| {
        member.spawn(cx, "child", |member, cx| {
            stay(cx);
            member.spawn(cx, "grandchild", |_, cx| stay(cx));
        });
        member.spawn(cx, "other", |_, cx| stay(cx));
    });
    let ids = family.kernel.children(top);
    let (child, other) = (ids[0], ids[1]);
    family.story.take();
    // By itself: its own handler is running, so it hears it last.
    family.act(child, |member, cx| {
        cx.detach_myself().unwrap();
        member.tell("has detached itself");
    });
    family.assert(["top: lose child", "child: has detached itself", "child: from top to kernel"]);
    // By its parent: that one's handler is running, so it hears it last.
    family.act(top, move |member, cx| {
        cx.detach_child(other).unwrap();
        member.tell("has let it go");
    });
    family.assert(["other: from top to kernel", "top: has let it go", "top: lose other"]);
    assert_eq!(family.children(SessionId::KERNEL), ["top", "child", "other"]);
    assert_eq!(family.children(child), ["grandchild"]);
    assert_eq!(family.children(top), [""; 0]);
    assert_eq!(family.kernel.why_alive(top).as_deref(), Some("1 queued event, 1 timer"));
    family.end();
}

#[test]
fn kernel_1_6_default_takes_child_parent_and_stop() {
    let mut family = Family::new();
    let heard: Rc<Cell<u32>> = Rc::default();
    let hears = Rc::clone(&heard);
    let only_default = States::new().on_default(
        move |names: &mut Vec<String>, cx: &mut Context<'_>, event: reactor::Unhandled<'_>| {
            hears.set(hears.get() + 1);
            names.push(event.name().to_owned());
            match event.name() {
                "begin" => {
                    let child = States::new().on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
                        stay(cx);
                    });
                    cx.spawn(&child, ());
                }
                "leave" => cx.detach_myself().unwrap(),
                "_stop" => {
                    let expected = ["begin", "_child", "leave", "_parent", "ring", "MOO"];
                    assert_eq!(names[..6], expected);
                    assert_eq!(names.last().map(String::as_str), Some("_stop"));
                }
                _ => {}
            }
        },
    );
    let top = family.stays("top", |_, _| {});
    family.act(top, move |_, cx| {
        let session = cx.spawn(&only_default, Vec::new());
        cx.post(session, "begin", ()).unwrap();
        cx.post(session, "leave", ()).unwrap();
        cx.post(session, "ring", ()).unwrap();
        cx.post(session, "MOO", ()).unwrap();
    });
    family.turn();
    assert_eq!(heard.get(), 6);
    family.end();
    assert_eq!(heard.get(), 8, "it lost its child, and was stopped");
}

#[test]
fn t20_resources_sessions() {
    let mut family = Family::new();
    let top = family.stays("top", |_, _| {});
    let kernel = SessionId::KERNEL;
    family.act(top, |member, cx| {
        member.spawn(cx, "one", |_, cx| stay(cx));
        member.spawn(cx, "two", |_, cx| stay(cx));
    });
    let ids = family.kernel.children(top);
    let (one, two) = (ids[0], ids[1]);
    assert_eq!(
        family.kernel.why_alive(top).as_deref(),
        Some("1 queued event, 1 timer, 2 child sessions")
    );
    assert_eq!((family.kernel.parent(one), family.kernel.parent(top)), (Some(top), Some(kernel)));
    assert_eq!(family.kernel.session_count(), 3);
    // A session that moves takes its reference along.
    family.act(one, |_, cx| cx.detach_myself().unwrap());
    assert_eq!(
        family.kernel.why_alive(top).as_deref(),
        Some("1 queued event, 1 timer, 1 child session")
    );
    assert_eq!(
        (family.kernel.parent(one), family.children(kernel)),
        (Some(kernel), vec!["top".into(), "one".into()])
    );
    // One that ends gives it back.
    family.kernel.signal(two, "KILL", ()).unwrap();
    family.turn();
    assert_eq!(family.kernel.why_alive(top).as_deref(), Some("1 timer"));
    assert_eq!((family.kernel.parent(two), family.kernel.session_count()), (None, 2));
    family.end();
}

#[test]
fn t20_resources_sids() {
    // There the first is 1 and they count up. Here a number is used again, with another generation.
    let mut family = Family::new();
    let mut seen = HashSet::new();
    for _ in 0..100 {
        let session = family.member("a", |_, _| {});
        assert!(family.kernel.has_session(session));
        assert!(seen.insert(session), "{session} was given twice");
        family.run();
        assert!(seen.iter().all(|old| !family.kernel.has_session(*old)));
    }
    assert!(!seen.contains(&SessionId::KERNEL));
}

//! `DIE`: who is asked, in which order, and what the answer means.

use std::panic::{AssertUnwindSafe, catch_unwind};

use reactor::{CallError, Context, Death, SessionId};

use crate::parts::{Family, Member, deed, fail, panic_text, stay};

/// Tells a death; calls it handled if it is told to.
fn watch(member: &mut Member, cx: &mut Context<'_>, handles: bool) {
    member.at_signal(cx, "DIE", move |member, cx, signal| {
        let death = signal.payload::<Death>().expect("`DIE` comes with one");
        let who = member.name_of(death.session);
        member.tell(format_args!("{who} failed in {}: {}", death.place, death.error));
        if handles {
            cx.sig_handled();
        }
    });
}

/// A grandparent, a parent, a child and a bystander, of whom the parent fails and one handles it.
fn parent_fails(handler: &'static str) -> (Family, Result<(), String>) {
    let mut family = Family::new();
    family.stays("bystander", move |member, cx| watch(member, cx, handler == "bystander"));
    let grandparent = family.stays("grandparent", move |member, cx| {
        watch(member, cx, handler == "grandparent");
        member.spawn(cx, "parent", move |member, cx| {
            watch(member, cx, handler == "parent");
            stay(cx);
            member.spawn(cx, "child", move |member, cx| {
                watch(member, cx, handler == "child");
                stay(cx);
            });
        });
    });
    let parent = family.kernel.children(grandparent)[0];
    family.kernel.post(parent, "do", deed(|_, _| fail("on purpose"))).unwrap();
    family.story.take();
    let turn = catch_unwind(AssertUnwindSafe(|| family.turn()));
    (family, turn.map_err(|panic| panic_text(&*panic)))
}

#[test]
fn one_of_the_family_that_handles_a_death_saves_everybody() {
    for handler in ["child", "parent", "grandparent"] {
        let (mut family, turn) = parent_fails(handler);
        assert_eq!(turn, Ok(()), "{handler}");
        let died = "parent failed in its handler of do: panic: on purpose";
        family.assert([
            "child: DIE",
            &format!("child: {died}"),
            "parent: DIE",
            &format!("parent: {died}"),
            "grandparent: DIE",
            &format!("grandparent: {died}"),
        ]);
        assert_eq!(family.kernel.session_count(), 4);
        family.end();
    }
}

#[test]
fn a_bystander_is_not_asked_about_a_death_and_cannot_handle_it() {
    let (mut family, turn) = parent_fails("bystander");
    assert_eq!(turn, Err("on purpose".to_owned()));
    let told = family.story.take();
    assert!(!told.contains(&"bystander: DIE".to_owned()), "{told:?}");
    assert_eq!(told.iter().filter(|line| line.ends_with(": _stop")).count(), 4);
    assert_eq!(family.kernel.session_count(), 0);
    family.run();
}

#[test]
fn a_death_says_who_failed_in_what_and_who_sent_it_from_where() {
    let mut family = Family::new();
    let a = family.stays("a", |member, cx| {
        member.at_signal(cx, "DIE", |member, cx, signal| {
            cx.sig_handled();
            let death = signal.payload::<Death>().expect("`DIE` comes with one").clone();
            assert_eq!((&*death.error, death.session), ("panic: on purpose", cx.session()));
            assert_eq!(death.place, "its handler of do");
            assert_eq!(death.event.as_deref(), Some("do"));
            assert_eq!(death.posted_in.as_deref(), Some("do"));
            assert_eq!(cx.sender(), SessionId::KERNEL);
            member.tell(format_args!("sent by {}", member.name_of(death.sender)));
        });
    });
    let b = family.stays("b", |_, _| {});
    family.act(b, move |_, cx| cx.post(a, "do", deed(|_, _| fail("on purpose"))).unwrap());
    family.story.take();
    family.turn();
    family.assert(["a: DIE", "a: sent by b"]);
    family.end();
}

#[test]
fn a_failure_in_a_nested_call_is_told_to_the_caller_and_then_to_who_watches() {
    let mut family = Family::new();
    let inner = family.stays("inner", |member, cx| watch(member, cx, true));
    let outer = family.stays("outer", |_, _| {});
    family.story.take();
    family.act(outer, move |member, cx| {
        let called: Result<(), _> = cx.call(inner, "do", deed(|_, _| fail("on purpose")));
        member.tell(format_args!("{called:?}"));
        let called: Result<(), _> = cx.call(inner, "do", deed(|member, _| member.tell("again")));
        assert_eq!(called, Ok(()));
    });
    family.assert([
        "outer: Err(Failed)",
        "inner: again",
        "inner: DIE",
        "inner: inner failed in its handler of do: panic: on purpose",
    ]);
    assert_eq!(family.kernel.session_count(), 2);
    family.end();
}

#[test]
fn two_failures_under_one_caller_are_two_deaths_in_their_order() {
    let mut family = Family::isolated();
    let a = family.stays("a", |member, cx| watch(member, cx, true));
    let b = family.stays("b", |member, cx| watch(member, cx, false));
    let outer = family.stays("outer", |_, _| {});
    family.story.take();
    family.act(outer, move |member, cx| {
        for session in [b, a] {
            let called: Result<(), _> = cx.call(session, "do", deed(|_, _| fail("on purpose")));
            assert_eq!(called, Err(CallError::Failed));
        }
        member.tell("returns");
    });
    family.assert([
        "outer: returns",
        "b: DIE",
        "b: b failed in its handler of do: panic: on purpose",
        "b: _stop",
        "a: DIE",
        "a: a failed in its handler of do: panic: on purpose",
    ]);
    family.end();
}

/// It was only written down, and the session went on with half a state.
#[test]
fn one_that_fails_while_it_is_asked_about_a_death_is_stopped_too() {
    let mut family = Family::isolated();
    family.stays("other", |_, _| {});
    let parent = family.stays("parent", |member, cx| {
        member.at_signal(cx, "DIE", |_, cx, _| {
            cx.sig_handled();
            fail("the handler of DIE");
        });
        member.spawn(cx, "child", |_, cx| stay(cx));
    });
    let child = family.kernel.children(parent)[0];
    family.story.take();
    let (_, lines) = testkit::logs::capture_warnings(|| {
        let called: Result<(), _> = family.kernel.call(child, "do", deed(|_, _| fail("first")));
        assert_eq!(called, Err(CallError::Failed));
    });
    family.assert(["parent: DIE", "child: _stop", "parent: lose child", "parent: _stop"]);
    assert_eq!(family.kernel.stats().failures, 2);
    let text: String = lines.iter().map(|line| line.text.clone()).collect();
    assert!(text.contains("first") && text.contains("the handler of DIE"), "{text}");
    family.end();
}

#[test]
fn a_handler_of_die_that_fails_comes_out_of_run_behind_what_it_was_asked_about() {
    let mut family = Family::new();
    let a = family.stays("a", |member, cx| {
        member.at_signal(cx, "DIE", |_, cx, _| {
            cx.sig_handled();
            fail("second");
        });
    });
    family.kernel.post(a, "do", deed(|_, _| fail("first"))).unwrap();
    let run = catch_unwind(AssertUnwindSafe(|| family.kernel.run()));
    let text = panic_text(&*run.expect_err("the panic comes out of run"));
    let between = "Additional error thrown in handler for previous error:";
    assert_eq!(text, format!("panic: first\n{between}\npanic: second"));
    family.assert(["a: _start", "a: DIE", "a: _stop"]);
    family.run();
}

#[test]
fn a_parent_hears_of_its_child_before_it_is_asked_about_the_childs_death() {
    let mut family = Family::new();
    let parent = family.stays("parent", |member, cx| watch(member, cx, true));
    family.story.take();
    family.act(parent, |member, cx| {
        member.spawn(cx, "child", |_, cx| {
            stay(cx);
            fail("on purpose");
        });
        member.tell("goes on");
    });
    family.assert([
        "child: _start",
        "parent: goes on",
        "parent: create child",
        "parent: DIE",
        "parent: child failed in its handler of _start: panic: on purpose",
    ]);
    assert_eq!(family.kernel.session_count(), 2);
    family.end();
}

#[test]
fn isolated_an_unhandled_death_ends_the_one_that_failed_and_its_children_go_to_its_parent() {
    let mut family = Family::isolated();
    let grandparent = family.stays("grandparent", |member, cx| {
        watch(member, cx, false);
        member.spawn(cx, "parent", |member, cx| {
            stay(cx);
            member.spawn(cx, "child", |_, cx| stay(cx));
        });
    });
    let parent = family.kernel.children(grandparent)[0];
    family.kernel.post(parent, "do", deed(|_, _| fail("on purpose"))).unwrap();
    family.story.take();
    family.turn();
    family.assert([
        "grandparent: DIE",
        "grandparent: parent failed in its handler of do: panic: on purpose",
        "grandparent: gain child",
        "child: from parent to grandparent",
        "parent: _stop",
        "grandparent: lose parent",
    ]);
    assert_eq!(family.children(grandparent), ["child"]);
    family.end();
}

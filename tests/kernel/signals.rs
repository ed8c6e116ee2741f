//! Signals that sessions send each other: order, payloads, and those who are gone.

use std::rc::Rc;
use std::time::Duration;

use reactor::{NoSuchSession, SessionId, Signal};
use testkit::logs;

use crate::parts::{Family, deed, fail, stay};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_signal_sent_while_one_is_told_comes_behind_what_is_queued() {
    let mut family = Family::new();
    let a = family.stays("a", |member, cx| {
        let mut left = 2;
        member.at_signal(cx, "MOO", move |_, cx, _| {
            if left > 0 {
                left -= 1;
                cx.signal(SessionId::KERNEL, "MOO", ()).unwrap();
                cx.yield_("posted after", ());
            }
        });
    });
    let b = family.stays("b", |member, cx| member.at_signal(cx, "MOO", |_, _, _| {}));
    family.kernel.signal(SessionId::KERNEL, "MOO", ()).unwrap();
    family.kernel.post(b, "posted before", ()).unwrap();
    family.story.take();
    for _ in 0..4 {
        family.turn();
    }
    family.assert([
        "b: MOO",
        "a: MOO",
        "b: posted before",
        "b: MOO",
        "a: MOO",
        "a: posted after",
        "b: MOO",
        "a: MOO",
        "a: posted after",
    ]);
    assert!(family.kernel.has_session(a));
    family.end();
}

#[test]
fn calling_no_signal_handled_means_nothing_to_the_next() {
    let mut family = Family::new();
    let a = family.stays("a", |member, cx| member.at_signal(cx, "TERM", |_, _, _| {}));
    family.act(a, |_, cx| cx.sig_handled());
    family.kernel.signal(a, "TERM", ()).unwrap();
    // In the same turn, before the signal.
    family.kernel.post(a, "do", deed(|_, cx| cx.sig_handled())).unwrap();
    family.turn();
    family.assert(["a: _start", "a: TERM", "a: _stop"]);
    family.run();
}

#[test]
fn a_signal_that_is_watched_no_more_is_not_told_and_does_what_it_does() {
    let mut family = Family::new();
    let a = family.stays("a", |member, cx| {
        member.at_signal(cx, "TERM", |_, cx, _| cx.sig_handled());
    });
    family.story.take();
    family.kernel.signal(a, "TERM", ()).unwrap();
    family.turn();
    family.assert(["a: TERM"]);
    family.act(a, |_, cx| {
        assert!(cx.sig_clear("TERM"));
        assert!(!cx.sig_clear("TERM"), "it is not watched any more");
        assert!(!cx.sig_clear("a name that nobody ever used"));
    });
    family.kernel.signal(a, "TERM", ()).unwrap();
    family.turn();
    family.assert(["a: _stop"]);
    family.run();
}

#[test]
fn a_signal_to_the_dead_comes_back_with_its_payload() {
    let mut family = Family::new();
    let a = family.member("a", |_, _| {});
    family.run();
    let NoSuchSession(payload) = family.kernel.signal(a, "MOO", "payload").unwrap_err();
    assert_eq!(payload, "payload");
    let NoSuchSession(payload) = family.kernel.signal("nobody", "MOO", 7).unwrap_err();
    assert_eq!(payload, 7);
    assert_eq!(family.kernel.session_count(), 0);
}

#[test]
fn the_payload_of_a_signal_is_shared_by_all_who_watch_it_and_dropped_once() {
    let mut family = Family::new();
    let payload = Rc::new("milk");
    for name in ["a", "b", "c"] {
        family.stays(name, |member, cx| {
            member.at_signal(cx, "MOO", |member, _, signal: &Signal| {
                let payload = signal.payload::<Rc<&str>>().expect("it was sent with one");
                // The test's, and one for all of them.
                assert_eq!(Rc::strong_count(payload), 2);
                assert!(signal.payload::<u32>().is_none());
                member.tell(payload);
            });
        });
    }
    family.story.take();
    family.kernel.signal(SessionId::KERNEL, "MOO", Rc::clone(&payload)).unwrap();
    family.turn();
    family.assert(["c: MOO", "c: milk", "b: MOO", "b: milk", "a: MOO", "a: milk"]);
    assert_eq!(Rc::strong_count(&payload), 1);
    family.end();
}

#[test]
fn a_signal_goes_with_its_sender_or_its_receiver_and_so_does_its_payload() {
    let mut family = Family::new();
    let payload = Rc::new(());
    let receiver = family.stays("receiver", |member, cx| {
        member.at_signal(cx, "MOO", |_, _, _| {});
    });
    let (mine, theirs) = (Rc::clone(&payload), Rc::clone(&payload));
    let sender = family.stays("sender", |_, _| {});
    family.story.take();
    family.kernel.signal(sender, "KILL", ()).unwrap();
    family.act(sender, move |_, cx| cx.signal(receiver, "MOO", mine).unwrap());
    assert_eq!(
        family.kernel.why_alive(sender).as_deref(),
        Some("2 queued events, 1 sent event, 1 timer")
    );
    family.turn();
    family.assert(["sender: _stop"]);
    family.kernel.signal(receiver, "KILL", ()).unwrap();
    family.kernel.signal(receiver, "MOO", theirs).unwrap();
    family.turn();
    family.assert(["receiver: _stop"]);
    assert_eq!(Rc::strong_count(&payload), 1);
    family.run();
}

#[test]
fn a_watcher_that_ends_before_its_turn_is_left_out() {
    let mut family = Family::isolated();
    let first = family.stays("first", |member, cx| member.at_signal(cx, "MOO", |_, _, _| {}));
    family.stays("second", move |member, cx| {
        member.at_signal(cx, "MOO", move |_, cx, _| {
            let called: Result<(), _> = cx.call(first, "do", deed(|_, _| fail("on purpose")));
            assert!(called.is_err());
        });
    });
    family.story.take();
    family.kernel.signal(SessionId::KERNEL, "MOO", ()).unwrap();
    family.turn();
    family.assert(["second: MOO", "first: _stop"]);
    family.end();
}

/// Its children had been handed on by then, and lived.
#[test]
fn a_terminal_signal_ends_all_that_it_concerned_though_its_target_failed_when_it_was_told() {
    let mut family = Family::isolated();
    let parent = family.stays("parent", |member, cx| {
        member.at_signal(cx, "TERM", |_, _, _| fail("on purpose"));
        member.spawn(cx, "child", |_, cx| stay(cx));
    });
    let other = family.stays("other", |_, _| {});
    family.story.take();
    family.kernel.signal(parent, "TERM", ()).unwrap();
    family.turn();
    family.assert([
        "parent: TERM",
        "child: from parent to kernel",
        "parent: _stop",
        "child: _stop",
    ]);
    assert_eq!((family.kernel.session_count(), family.kernel.has_session(other)), (1, true));
    family.end();
}

#[test]
fn a_terminal_signal_ends_those_it_concerned_when_it_came_and_not_who_came_meanwhile() {
    let mut family = Family::new();
    let top = family.stays("top", |_, _| {});
    family.act(top, |member, cx| {
        member.spawn(cx, "parent", |member, cx| {
            stay(cx);
            member.at_signal(cx, "TERM", |member, cx, _| {
                member.spawn(cx, "last", |_, cx| cx.delay("cleaned up", SECOND, ()));
                cx.detach_child(cx.children()[0]).unwrap();
            });
            member.spawn(cx, "child", |_, cx| stay(cx));
            cx.signal(cx.session(), "TERM", ()).unwrap();
        });
    });
    family.story.take();
    family.turn();
    // As in POE: the one that was let go while it was told is concerned all the same.
    family.assert([
        "parent: TERM",
        "last: _start",
        "child: from parent to kernel",
        "parent: create last",
        "parent: lose child",
        "child: _stop",
        "top: gain last",
        "last: from parent to top",
        "parent: _stop",
        "top: lose parent",
    ]);
    for _ in 0..3 {
        family.kernel.run_one_turn(SECOND).unwrap();
    }
    family.assert(["last: cleaned up", "last: _stop", "top: lose last"]);
    family.end();
}

/// Everybody was ended by a `ZOMBIE` that nobody could handle.
#[test]
fn idle_sent_to_one_session_that_handles_it_is_no_reason_to_end_the_others() {
    let mut family = Family::new();
    family.member("other", |member, cx| {
        cx.alias_set("other").unwrap();
        member.at_signal(cx, "IDLE", |_, cx, _| {
            cx.sig_handled();
            cx.delay("work", SECOND, ());
        });
    });
    let one = family.member("one", |member, cx| {
        cx.alias_set("one").unwrap();
        member.at_signal(cx, "IDLE", |_, cx, _| cx.sig_handled());
    });
    family.story.take();
    family.kernel.signal(one, "IDLE", ()).unwrap();
    for _ in 0..3 {
        family.kernel.run_one_turn(SECOND).unwrap();
    }
    // The first was sent to one alone, the second by the kernel to all.
    family.assert(["one: IDLE", "one: IDLE", "other: IDLE", "other: work"]);
    family.end();
}

#[test]
fn a_signal_to_a_watch_whose_event_nobody_takes_is_a_warning() {
    let mut family = Family::new();
    let states =
        reactor::States::new().on_start(|(): &mut (), cx: &mut reactor::Context<'_>, ()| {
            cx.sig("MOO", "nobody").unwrap();
            stay(cx);
        });
    let session = family.kernel.spawn(&states, ());
    family.kernel.signal(session, "MOO", ()).unwrap();
    let (_, lines) = logs::capture_warnings(|| family.turn());
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].text.contains("event nobody from the kernel"), "{}", lines[0]);
    family.end();
}

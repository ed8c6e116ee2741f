//! `20_resources`: the state of the caller, external references, events.

use std::rc::Rc;

use reactor::{Callback, Context, NoSuchSession, Postback, RefcountError, States};

use crate::parts::{Family, Member, deed};

#[test]
fn t20_resources_caller_state() {
    #[derive(Default)]
    struct Checks {
        seen: Vec<(String, Option<String>)>,
        postback: Option<Postback<(), ()>>,
        callback: Option<Callback<(), (), ()>>,
    }
    fn check(checks: &mut Checks, cx: &mut Context<'_>) {
        let caller = cx.caller_event().map(str::to_owned);
        checks.seen.push((cx.event().to_owned(), caller));
    }
    let mut family = Family::new();
    let other = family.stays("other", |_, _| {});
    let states = States::new()
        .on_start(|checks: &mut Checks, cx: &mut Context<'_>, ()| {
            cx.post(cx.session(), "check_1", ()).unwrap();
            checks.postback = Some(cx.postback("check_4", ()));
            checks.callback = Some(cx.callback("check_5", ()));
        })
        .on("check_1", |checks: &mut Checks, cx: &mut Context<'_>, ()| {
            check(checks, cx);
            cx.yield_("check_2", ());
        })
        .on("check_2", |checks: &mut Checks, cx: &mut Context<'_>, ()| {
            check(checks, cx);
            // There a call of one's own event. The event that is active stays the same in both.
            checks.postback.take().expect("made in `_start`").post(());
        })
        .on("check_4", move |checks: &mut Checks, cx: &mut Context<'_>, ((), ()): ((), ())| {
            check(checks, cx);
            // A callback to itself is Busy: another session is given it.
            let callback = checks.callback.take().expect("made in `_start`");
            let calls = deed(move |_: &mut Member, cx| callback.call(cx, ()).unwrap());
            cx.post(other, "do", calls).unwrap();
        })
        .on("check_5", |checks: &mut Checks, cx: &mut Context<'_>, ((), ()): ((), ())| {
            check(checks, cx);
        })
        .on_stop(|checks: &mut Checks, _: &mut Context<'_>, ()| {
            let seen: Vec<_> =
                checks.seen.iter().map(|(event, by)| (&**event, by.as_deref())).collect();
            let expected = [
                ("check_1", Some("_start")),
                ("check_2", Some("check_1")),
                ("check_4", Some("check_2")),
                ("check_5", Some("do")),
            ];
            assert_eq!(seen, expected);
        });
    let session = family.kernel.spawn(&states, Checks::default());
    for _ in 0..5 {
        family.turn();
    }
    assert!(!family.kernel.has_session(session), "its `_stop` was reached");
    family.end();
}

#[test]
fn t20_resources_extrefs() {
    let mut family = Family::new();
    let a = family.stays("a", |_, _| {});
    let b = family.stays("b", |_, _| {});
    family.turn();
    let kernel = &mut family.kernel;
    let holds = |kernel: &reactor::Kernel, session| kernel.why_alive(session).expect("it is alive");
    assert_eq!(kernel.refcount_increment(a, "tag-1"), Ok(1));
    assert_eq!(holds(kernel, a), "1 timer, 1 named reference");
    assert_eq!(kernel.refcount_increment(a, "tag-1"), Ok(2));
    assert_eq!(holds(kernel, a), "1 timer, 1 named reference");
    assert_eq!(kernel.refcount_increment(a, "tag-2"), Ok(1));
    assert_eq!(holds(kernel, a), "1 timer, 2 named references");
    // Counted for each session.
    assert_eq!(kernel.refcount_increment(b, "tag-1"), Ok(1));
    assert_eq!(holds(kernel, b), "1 timer, 1 named reference");
    assert_eq!(kernel.refcount_decrement(a, "tag-1"), Ok(1));
    assert_eq!(holds(kernel, a), "1 timer, 2 named references");
    assert_eq!(kernel.refcount_decrement(a, "tag-1"), Ok(0));
    assert_eq!(holds(kernel, a), "1 timer, 1 named reference");
    // POE counts below zero, or dies under assertions.
    assert_eq!(kernel.refcount_decrement(a, "tag-1"), Err(RefcountError::NoSuchTag));
    assert_eq!(kernel.refcount_decrement(a, "unknown"), Err(RefcountError::NoSuchTag));
    assert_eq!(kernel.refcount_decrement(a, "tag-2"), Ok(0));
    assert_eq!(kernel.refcount_decrement(b, "tag-1"), Ok(0));
    assert_eq!((holds(kernel, a), holds(kernel, b)), ("1 timer".into(), "1 timer".into()));
    family.end();
    assert_eq!(family.kernel.refcount_increment(a, "tag-1"), Err(NoSuchSession(())));
}

#[test]
fn t20_resources_extrefs_gc() {
    let mut family = Family::new();
    // Its own reference, taken and given back in `_start`, does not end it before its yielded event.
    family.member("one", |_, cx| {
        let me = cx.session();
        assert_eq!(cx.refcount_increment(me, "short"), Ok(1));
        assert_eq!(cx.refcount_decrement(me, "short"), Ok(0));
        cx.yield_("ran", ());
    });
    family.run();
    family.assert(["one: _start", "one: ran", "one: _stop"]);
    // A bystander that is held by a reference which another's `_stop` drops goes before a third hears IDLE.
    let bystander = family.member("bystander", |_, _| {});
    family.kernel.refcount_increment(bystander, "held").unwrap();
    family.member("holder", move |member, cx| {
        cx.yield_("last", ());
        member.at_stop(move |_, cx| {
            assert_eq!(cx.refcount_decrement(bystander, "held"), Ok(0));
        });
    });
    family.member("third", |member, cx| {
        cx.alias_set("third").unwrap();
        member.at_signal(cx, "IDLE", |_, _, _| {});
    });
    family.story.take();
    family.run();
    family.assert([
        "holder: last",
        "holder: _stop",
        "bystander: _stop",
        "third: IDLE",
        "third: _stop",
    ]);
}

#[test]
fn t20_resources_events() {
    let mut family = Family::new();
    let a = family.stays("a", |_, _| {});
    let b = family.stays("b", |_, _| {});
    family.turn();
    let holds = |family: &Family, session| family.kernel.why_alive(session).expect("it is alive");
    family.act(a, move |_, cx| {
        for _ in 0..3 {
            cx.post(b, "event", ()).unwrap();
        }
        cx.yield_("own", ());
    });
    assert_eq!(holds(&family, a), "1 queued event, 3 sent events, 1 timer");
    assert_eq!(holds(&family, b), "3 queued events, 1 timer");
    family.turn();
    assert_eq!((holds(&family, a), holds(&family, b)), ("1 timer".into(), "1 timer".into()));
    // Nothing is put into the queue for a session that is not there.
    family.kernel.signal(b, "KILL", ()).unwrap();
    family.turn();
    assert_eq!(family.kernel.post(b, "event", 7), Err(NoSuchSession(7)));
    // clear_session: what is on its way to and from a session goes with it.
    let c = family.stays("c", |_, _| {});
    family.kernel.signal(c, "KILL", ()).unwrap();
    let payload = Rc::new(());
    let (to, from) = (Rc::clone(&payload), Rc::clone(&payload));
    family.act(a, move |_, cx| cx.post(c, "event", to).unwrap());
    family.act(c, move |_, cx| cx.post(a, "event", from).unwrap());
    family.story.take();
    family.turn();
    family.assert(["c: _stop"]);
    assert_eq!((holds(&family, a), Rc::strong_count(&payload)), ("1 timer".into(), 1));
    family.end();
}

#[test]
fn a_reference_that_another_session_takes_keeps_it_alive_and_the_kernel_from_being_idle() {
    let mut family = Family::new();
    let held = family.member("held", |_, _| {});
    let holder = family.stays("holder", move |_, cx| {
        assert_eq!(cx.refcount_increment(held, "holder"), Ok(1));
    });
    family.turn();
    family.kernel.signal(holder, "KILL", ()).unwrap();
    family.turn();
    family.turn();
    // The count is the held one's: it does not go with who counted.
    assert_eq!(family.kernel.why_alive(held).as_deref(), Some("1 named reference"));
    assert_eq!(family.kernel.refcount_decrement(held, "holder"), Ok(0));
    family.run();
    family.assert(["held: _start", "holder: _start", "holder: _stop", "held: _stop"]);
}

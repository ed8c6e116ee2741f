//! The order of events, what `post` and `call` do, and who the sender is (POE's kernel, 1.2, 1.3, 1.15).

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use reactor::{CallError, Child, Context, Event, NewParent, Postback, SessionId, Signal, States};

use crate::parts::{Family, Reader, deed, fail, pair, stay};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn kernel_1_2_a_delay_of_zero_lands_between_the_posts_around_it() {
    let mut family = Family::new();
    family.member("a", |_, cx| {
        cx.yield_("y1", ());
        cx.delay("d0", Duration::ZERO, ());
        cx.yield_("y2", ());
    });
    family.run();
    family.assert(["a: _start", "a: y1", "a: d0", "a: y2", "a: _stop"]);
}

#[test]
fn kernel_1_2_timers_of_one_instant_ring_in_the_order_in_which_they_were_set() {
    let mut family = Family::new();
    family.member("a", |_, cx| {
        for name in ["t1", "t2", "t3"] {
            cx.delay_set(name, SECOND, ());
        }
    });
    family.run();
    family.assert(["a: _start", "a: t1", "a: t2", "a: t3", "a: _stop"]);
}

#[test]
fn kernel_1_2_readiness_comes_before_what_was_queued_earlier() {
    let mut family = Family::new();
    let (ours, theirs) = pair();
    (&theirs).write_all(b"!").unwrap();
    let states = States::new()
        .on_start(move |held: &mut Vec<_>, cx: &mut Context<'_>, ()| {
            let ours = ours.try_clone().expect("a descriptor");
            cx.yield_("queued", ());
            held.push(Reader::start(cx, ours, "came", 1));
        })
        .on("came", {
            let story = family.story.clone();
            move |held: &mut Vec<_>, _: &mut Context<'_>, _: Vec<u8>| {
                story.tell("came");
                held.clear();
            }
        })
        .on("queued", {
            let story = family.story.clone();
            move |_: &mut Vec<_>, _: &mut Context<'_>, ()| story.tell("queued")
        });
    family.kernel.spawn(&states, Vec::new());
    family.run();
    family.assert(["came", "queued"]);
    drop(theirs);
}

#[test]
fn kernel_1_2_two_sessions_that_yield_for_ever_do_not_starve_descriptors() {
    let mut family = Family::new();
    for name in ["a", "b"] {
        fn again(cx: &mut Context<'_>) {
            cx.yield_("do", deed(|_, cx| again(cx)));
        }
        family.member(name, |_, cx| again(cx));
    }
    let (ours, theirs) = pair();
    let states = States::new()
        .on_start(move |held: &mut Vec<_>, cx: &mut Context<'_>, ()| {
            let ours = ours.try_clone().expect("a descriptor");
            held.push(Reader::start(cx, ours, "came", 1));
        })
        .on("came", |_: &mut Vec<_>, cx: &mut Context<'_>, _: Vec<u8>| cx.stop());
    family.kernel.spawn(&states, Vec::new());
    family.turn();
    (&theirs).write_all(b"!").unwrap();
    family.run();
    let told = family.story.take();
    assert!(told.contains(&"a: _stop".to_owned()), "{told:?}");
}

#[test]
fn kernel_1_3_a_post_keeps_sender_and_receiver_alive_until_it_is_delivered() {
    let mut family = Family::new();
    let receiver = family.member("receiver", |_, _| {});
    let sender = family.member("sender", move |_, cx| cx.post(receiver, "hello", ()).unwrap());
    let why = |session| family.kernel.why_alive(session).expect("it is alive");
    assert_eq!(
        (&*why(receiver), &*why(sender)),
        ("2 queued events", "1 queued event, 1 sent event")
    );
    family.run();
    family.assert([
        "receiver: _start",
        "sender: _start",
        "receiver: hello",
        "sender: _stop",
        "receiver: _stop",
    ]);
}

#[test]
fn kernel_1_3_what_is_posted_to_or_by_one_that_is_stopped_by_force_is_dropped_in_silence() {
    let mut family = Family::new();
    let living = family.stays("living", |_, _| {});
    let stopped = family.stays("stopped", |_, _| {});
    family.story.take();
    family.kernel.signal(stopped, "KILL", ()).unwrap();
    let payload = Rc::new(());
    let (to, by) = (Rc::clone(&payload), Rc::clone(&payload));
    family.act(stopped, move |_, cx| cx.post(living, "never", by).unwrap());
    family.act(living, move |_, cx| cx.post(stopped, "never", to).unwrap());
    let (_, lines) = testkit::logs::capture_warnings(|| family.turn());
    family.assert(["stopped: _stop"]);
    assert_eq!(lines, []);
    assert_eq!(Rc::strong_count(&payload), 1);
    assert_eq!(family.kernel.why_alive(living).as_deref(), Some("1 timer"));
    family.end();
}

#[test]
fn kernel_1_3_call_says_what_came_of_it() {
    // F40, F48: POE's call resets errno, so a missing handler and a death look like an empty success.
    const DOUBLE: Event<u32, u32> = Event::new("double");
    let mut family = Family::isolated();
    let server = States::new()
        .on_start(|(): &mut (), cx: &mut Context<'_>, ()| stay(cx))
        .on(&DOUBLE, |(): &mut (), _: &mut Context<'_>, number| number * 2)
        .on("fail", |(): &mut (), _: &mut Context<'_>, ()| -> u32 { fail("on purpose") });
    let server = family.kernel.spawn(&server, ());
    family.member("client", move |_, cx| {
        assert_eq!(cx.call(server, &DOUBLE, 21), Ok(42));
        let missing: Result<u32, _> = cx.call(server, "missing", ());
        assert_eq!(missing, Err(CallError::NoHandler));
        let failed: Result<u32, _> = cx.call(server, "fail", ());
        assert_eq!(failed, Err(CallError::Failed));
        // Of itself POE runs the handler as a plain function. Here that is what one calls.
        let own: Result<u32, _> = cx.call(cx.session(), "do", deed(|_, _| {}));
        assert_eq!(own, Err(CallError::Busy));
    });
    family.run();
}

#[test]
fn kernel_1_3_a_post_in_stop_succeeds_and_is_destroyed_with_the_session() {
    let mut family = Family::new();
    let payload = Rc::new(());
    let posted = Rc::clone(&payload);
    let other = family.stays("other", |_, _| {});
    family.member("a", move |member, _| {
        member.at_stop(move |_, cx| {
            assert_eq!(cx.post(cx.session(), "never", Rc::clone(&posted)), Ok(()));
            assert_eq!(cx.post(other, "never", Rc::clone(&posted)), Ok(()));
            cx.delay("never", SECOND, posted);
        });
    });
    family.turn();
    family.turn();
    family.assert(["other: _start", "a: _start", "a: _stop"]);
    assert_eq!(Rc::strong_count(&payload), 1);
    family.end();
}

/// `event by SENDER in CALLER_STATE`.
fn tell(lines: &Rc<RefCell<Vec<String>>>, cx: &Context<'_>, other: SessionId) {
    let who = match cx.sender() {
        SessionId::KERNEL => "kernel",
        sender if sender == cx.session() => "itself",
        sender if sender == other => "other",
        _ => "?",
    };
    let caller = cx.caller_event().unwrap_or("-");
    lines.borrow_mut().push(format!("{} by {who} in {caller}", cx.event()));
}

const LEND: Event<(), Postback<(), ()>> = Event::new("lend");

#[test]
fn kernel_1_15_who_is_the_sender() {
    let mut family = Family::new();
    let other = family.stays("other", |_, _| {});
    let lines: Rc<RefCell<Vec<String>>> = Rc::default();
    let note = {
        let lines = Rc::clone(&lines);
        move |(): &mut (), cx: &mut Context<'_>, ()| tell(&lines, cx, other)
    };
    let (start, signal, child, parent, postback) = (
        Rc::clone(&lines),
        Rc::clone(&lines),
        Rc::clone(&lines),
        Rc::clone(&lines),
        Rc::clone(&lines),
    );
    let little = States::new().on_start(|(): &mut (), cx: &mut Context<'_>, ()| stay(cx));
    let states = States::new()
        .on_start(move |(): &mut (), cx: &mut Context<'_>, ()| {
            tell(&start, cx, other);
            cx.sig("MOO", "signal").unwrap();
            cx.yield_("yielded", ());
            cx.delay("timer", SECOND, ());
        })
        .on("yielded", note.clone())
        .on("posted", note.clone())
        .on("called", note.clone())
        .on("timer", note.clone())
        .on("from outside", note.clone())
        .on("signal", move |(): &mut (), cx: &mut Context<'_>, _: Signal| {
            tell(&signal, cx, other);
        })
        .on("postback", move |(): &mut (), cx: &mut Context<'_>, ((), ()): ((), ())| {
            tell(&postback, cx, other);
        })
        .on(&LEND, |(): &mut (), cx: &mut Context<'_>, ()| cx.postback("postback", ()))
        .on("spawn", move |(): &mut (), cx: &mut Context<'_>, ()| {
            cx.spawn(&little, ());
        })
        .on("leave", |(): &mut (), cx: &mut Context<'_>, ()| cx.detach_myself().unwrap())
        .on_child(move |(): &mut (), cx: &mut Context<'_>, _: Child| tell(&child, cx, other))
        .on_parent(move |(): &mut (), cx: &mut Context<'_>, _: NewParent| {
            tell(&parent, cx, other);
        })
        .on_stop(note);
    family.act(other, move |_, cx| {
        let session = cx.spawn(&states, ());
        cx.post(session, "posted", ()).unwrap();
        let called: Result<(), _> = cx.call(session, "called", ());
        called.unwrap();
        cx.call(session, &LEND, ()).expect("it lends one").post(());
        cx.signal(session, "MOO", ()).unwrap();
        let spawned: Result<(), _> = cx.call(session, "spawn", ());
        spawned.unwrap();
        let left: Result<(), _> = cx.call(session, "leave", ());
        left.unwrap();
    });
    let session = *family.kernel.children(SessionId::KERNEL).last().expect("it has left");
    family.kernel.post(session, "from outside", ()).unwrap();
    family.turn();
    family.kernel.run_one_turn(SECOND).unwrap();
    family.end();
    let expected = [
        "_start by other in -",
        "called by other in do",
        "_child by kernel in -",
        "_parent by kernel in -",
        "yielded by itself in _start",
        "posted by other in do",
        "postback by other in do",
        "signal by kernel in do",
        "from outside by kernel in -",
        // There: the event that was active when it was set.
        "timer by itself in -",
        "_child by kernel in -",
        "_stop by kernel in -",
    ];
    assert_eq!(*lines.borrow(), expected);
}

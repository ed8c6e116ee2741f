//! Postbacks and callbacks: when they arrive, from whom, and what becomes of them when somebody is gone.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use reactor::{CallError, Callback, Context, Event, Kernel, Postback, SessionId, States};
use testkit::story::Story;

use crate::parts::{Family, Member, deed, fail, panic_text, stay};

type Shelf<T> = Rc<Cell<Option<T>>>;

const ASK: Event<(u32, u32), u32> = Event::new("ask");

/// A session that tells who posted what to it, and lends its postback to whoever wants it.
fn listener(story: &Story) -> (States<()>, Shelf<Postback<&'static str, u32>>) {
    let shelf: Shelf<Postback<&'static str, u32>> = Rc::default();
    let (lent, story) = (Rc::clone(&shelf), story.clone());
    let tell = move |cx: &mut Context<'_>, what: String| {
        let caller = cx.caller_event().unwrap_or("nothing").to_owned();
        story.tell(format_args!("{what} by {:?} in {caller}", cx.sender()));
    };
    let told = tell.clone();
    let states = States::new()
        .on_start(move |(): &mut (), cx: &mut Context<'_>, ()| {
            lent.set(Some(cx.postback("came", "made")));
        })
        .on("came", move |(): &mut (), cx: &mut Context<'_>, (made, called): (&str, u32)| {
            tell(cx, format!("{made} {called}"));
        })
        .on("word", move |(): &mut (), cx: &mut Context<'_>, word: &'static str| {
            told(cx, word.to_owned());
        });
    (states, shelf)
}

#[test]
fn a_postback_takes_its_place_among_the_posts_and_timers_of_the_handler_that_calls_it() {
    let mut family = Family::new();
    let story = family.story.clone();
    let states = States::new()
        .on_start(|(): &mut (), cx: &mut Context<'_>, ()| {
            let postback = cx.postback("postback", ());
            cx.yield_("say", "1");
            postback.post("2");
            cx.yield_("say", "3");
            postback.post("4");
            cx.delay_set("say", Duration::ZERO, "5");
            postback.post("6");
            cx.signal(cx.session(), "SAY", "7").unwrap();
            postback.post("8");
            cx.sig("SAY", "signal").unwrap();
        })
        .on("postback", {
            let story = story.clone();
            move |(): &mut (), _: &mut Context<'_>, ((), word): ((), &str)| story.tell(word)
        })
        .on("signal", {
            let story = story.clone();
            move |(): &mut (), _: &mut Context<'_>, signal: reactor::Signal| {
                story.tell(signal.payload::<&str>().expect("it was sent with one"));
            }
        })
        .on("say", move |(): &mut (), _: &mut Context<'_>, word: &'static str| story.tell(word));
    family.kernel.spawn(&states, ());
    family.run();
    family.assert(["1", "2", "3", "4", "5", "6", "7", "8"]);
}

/// What was noted before a session was told something was taken for that session's.
#[test]
fn the_sender_of_a_postback_is_who_called_it_whoever_is_told_something_meanwhile() {
    let mut family = Family::new();
    let (states, shelf) = listener(&family.story);
    family.kernel.spawn(&states, ());
    let postback = shelf.take().expect("made in `_start`");
    let parent = family.stays("parent", |member, cx| {
        member.spawn(cx, "child", |_, cx| stay(cx));
    });
    family.story.take();
    family.act(parent, move |member, cx| {
        postback.post(1);
        cx.detach_child(cx.children()[0]).unwrap();
        postback.post(2);
        member.spawn(cx, "second", |_, _| {});
        postback.post(3);
    });
    family.turn();
    let mut told = family.story.take();
    told.retain(|line| line.starts_with("made"));
    let expected = [1, 2, 3].map(|number| format!("made {number} by {parent:?} in do"));
    assert_eq!(told, expected);
    family.end();
}

/// It was sent in the name of whoever had run last; if that was gone, it was dropped.
#[test]
fn a_postback_called_by_a_state_that_is_dropped_is_the_kernels_and_arrives() {
    struct Last(Postback<&'static str, u32>, u32);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.post(self.1);
        }
    }
    let mut family = Family::new();
    let (states, shelf) = listener(&family.story);
    let lend = |family: &mut Family| {
        family.kernel.spawn(&states, ());
        shelf.take().expect("made in `_start`")
    };
    let (one, two) = (lend(&mut family), lend(&mut family));
    family.member("a", move |member, _| member.held.push(Box::new(Last(one, 1))));
    family.member("b", move |member, _| member.held.push(Box::new(Last(two, 2))));
    family.member("c", |_, cx| cx.yield_("last to run", ()));
    family.story.take();
    family.run();
    let kernel = SessionId::KERNEL;
    let (first, second) =
        (format!("made 2 by {kernel:?} in nothing"), format!("made 1 by {kernel:?} in nothing"));
    family.assert(["c: last to run", "c: _stop", "b: _stop", "a: _stop", &first, &second]);
}

#[test]
fn a_postback_keeps_its_session_alive_until_it_is_dropped_and_a_weak_one_does_not() {
    for weak in [false, true] {
        let mut family = Family::new();
        let (states, shelf) = listener(&family.story);
        let session = family.kernel.spawn(&states, ());
        let strong = shelf.take().expect("made in `_start`");
        let postback = if weak { strong.weaken() } else { strong };
        family.turn();
        assert_eq!(family.kernel.has_session(session), !weak);
        postback.post(7);
        family.turn();
        let told = family.story.take();
        assert_eq!(told.len(), usize::from(!weak), "{told:?}");
        drop(postback);
        family.turn();
        assert!(!family.kernel.has_session(session));
        family.run();
    }
}

#[test]
fn what_was_posted_last_is_delivered_though_the_postback_is_dropped_in_the_same_handler() {
    let mut family = Family::new();
    let (states, shelf) = listener(&family.story);
    let session = family.kernel.spawn(&states, ());
    let postback = shelf.take().expect("made in `_start`");
    let a = family.stays("a", |_, _| {});
    family.turn();
    family.story.take();
    family.act(a, move |_, _| {
        postback.post(1);
        drop(postback);
    });
    assert_eq!(family.kernel.why_alive(session).as_deref(), Some("1 queued event"));
    family.turn();
    family.assert([&format!("made 1 by {a:?} in do")]);
    assert!(!family.kernel.has_session(session));
    family.end();
}

#[test]
fn what_is_posted_to_a_session_that_is_gone_is_dropped_once_and_nothing_happens() {
    let mut family = Family::new();
    let shelf: Shelf<Postback<(), Rc<()>>> = Rc::default();
    let lent = Rc::clone(&shelf);
    let states = States::new().on_start(move |(): &mut (), cx: &mut Context<'_>, ()| {
        lent.set(Some(cx.postback("never", ())));
    });
    let session = family.kernel.spawn(&states, ());
    let postback = shelf.take().expect("made in `_start`");
    let payload = Rc::new(());
    // On its way when its receiver is stopped by force.
    family.kernel.signal(session, "KILL", ()).unwrap();
    postback.post(Rc::clone(&payload));
    family.turn();
    assert!(!family.kernel.has_session(session));
    postback.post(Rc::clone(&payload));
    family.turn();
    assert_eq!(Rc::strong_count(&payload), 1);
    assert_eq!((family.kernel.stats().failures, family.kernel.stats().unhandled), (0, 0));
    drop(postback);
    family.run();
}

/// It was kept for as long as any postback of that kernel was.
#[test]
fn what_was_posted_before_the_kernel_went_is_dropped_with_it_and_nothing_is_kept_after() {
    let shelf: Shelf<Postback<(), Rc<()>>> = Rc::default();
    let lent = Rc::clone(&shelf);
    let states = States::new().on_start(move |(): &mut (), cx: &mut Context<'_>, ()| {
        lent.set(Some(cx.postback("never", ())));
    });
    let mut kernel = Kernel::new().unwrap();
    kernel.spawn(&states, ());
    let postback = shelf.take().expect("made in `_start`");
    let payload = Rc::new(());
    postback.post(Rc::clone(&payload));
    drop(kernel);
    assert_eq!(Rc::strong_count(&payload), 1);
    postback.post(Rc::clone(&payload));
    assert_eq!(Rc::strong_count(&payload), 1);
}

#[test]
fn a_postback_dropped_by_a_session_that_another_calls_frees_its_session_in_the_same_turn() {
    let mut family = Family::new();
    let (states, shelf) = listener(&family.story);
    let session = family.kernel.spawn(&states, ());
    let postback = shelf.take().expect("made in `_start`");
    let holder = family.stays("holder", move |member, _| member.held.push(Box::new(postback)));
    let caller = family.stays("caller", |_, _| {});
    family.turn();
    let drops = deed(move |_, cx| {
        let drops = deed(|member: &mut Member, _| member.held.clear());
        let called: Result<(), _> = cx.call(holder, "do", drops);
        called.unwrap();
    });
    family.kernel.post(caller, "do", drops).unwrap();
    family.turn();
    assert!(!family.kernel.has_session(session));
    family.end();
}

/// Fails when it is cloned.
struct Unique;

impl Clone for Unique {
    fn clone(&self) -> Self {
        fail("no clone")
    }
}

#[test]
fn a_creation_argument_that_fails_to_be_cloned_is_the_failure_of_whoever_calls() {
    let mut family = Family::isolated();
    let shelf: Shelf<Postback<Unique, ()>> = Rc::default();
    let lent = Rc::clone(&shelf);
    let states = States::new().on_start(move |(): &mut (), cx: &mut Context<'_>, ()| {
        lent.set(Some(cx.postback("never", Unique)));
        stay(cx);
    });
    let maker = family.kernel.spawn(&states, ());
    let postback = Rc::new(shelf.take().expect("made in `_start`"));
    let outside = catch_unwind(AssertUnwindSafe(|| postback.post(())));
    assert_eq!(panic_text(&*outside.expect_err("it is not caught")), "no clone");
    let caller = family.stays("caller", |_, _| {});
    family.kernel.post(caller, "do", deed(move |_, _| postback.post(()))).unwrap();
    family.turn();
    assert!(family.kernel.has_session(maker) && !family.kernel.has_session(caller));
    assert_eq!(family.kernel.stats().failures, 1);
    family.end();
}

#[test]
fn a_callback_has_the_reply_of_its_session_or_the_reason_why_there_is_none() {
    let mut family = Family::isolated();
    let shelf: Shelf<Callback<u32, u32, u32>> = Rc::default();
    let lent = Rc::clone(&shelf);
    let states = States::new()
        .on_start(move |(): &mut (), cx: &mut Context<'_>, ()| {
            let callback = cx.callback(&ASK, 100);
            assert_eq!(callback.call(cx, 1), Err(CallError::Busy), "its own session calls it");
            lent.set(Some(callback));
        })
        .on(&ASK, |(): &mut (), _: &mut Context<'_>, (made, called)| {
            if called == 0 {
                fail("on purpose");
            }
            made + called
        });
    let session = family.kernel.spawn(&states, ());
    let callback = shelf.take().expect("made in `_start`");
    let caller = family.stays("caller", |_, _| {});
    family.turn();
    assert_eq!(family.kernel.why_alive(session).as_deref(), Some("1 postback"));
    family.act(caller, move |member, cx| {
        member.tell(format_args!("{:?}", callback.call(cx, 7)));
        member.tell(format_args!("{:?}", callback.call(cx, 0)));
        member.tell(format_args!("{:?}", callback.call(cx, 7)));
    });
    family.assert([
        "caller: _start",
        "caller: Ok(107)",
        "caller: Err(Failed)",
        "caller: Err(NoSuchSession)",
    ]);
    family.end();
}

#[test]
fn a_weak_callback_does_not_keep_its_session_alive() {
    let mut family = Family::new();
    let shelf: Shelf<Callback<u32, u32, u32>> = Rc::default();
    let lent = Rc::clone(&shelf);
    let states = States::new().on_start(move |(): &mut (), cx: &mut Context<'_>, ()| {
        lent.set(Some(cx.callback(&ASK, 100).weaken()));
    });
    let session = family.kernel.spawn(&states, ());
    family.turn();
    assert!(!family.kernel.has_session(session));
    let callback = shelf.take().expect("made in `_start`");
    let caller = family.stays("caller", |_, _| {});
    family.act(caller, move |_, cx| {
        assert_eq!(callback.call(cx, 1), Err(CallError::NoSuchSession));
    });
    family.end();
}

#[test]
fn a_postback_that_exists_keeps_the_kernel_from_being_idle() {
    let mut stage = testkit::story::Stage::new();
    let kept: Rc<Cell<Option<reactor::Postback<(), ()>>>> = Rc::default();
    let keep = Rc::clone(&kept);
    stage.actor("a", move |_, cx| {
        cx.alias_set("a").unwrap();
        keep.set(Some(cx.postback("called", ())));
    });
    for _ in 0..3 {
        stage.turn();
    }
    stage.assert([]);
    drop(kept.take());
    stage.run();
    stage.assert(["a: _stop"]);
}

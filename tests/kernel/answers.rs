//! What `_child` brings of a child's `_start` and `_stop`, and what becomes of it when nobody takes it.

use std::cell::RefCell;
use std::rc::Rc;

use reactor::{Child, Context, Fate, NewParent, SessionId, States};

use crate::parts::{Family, Member, deed, fail, stay};

type Heard = Rc<RefCell<Vec<(Fate, SessionId, Option<u32>, Option<String>)>>>;

/// A parent that writes down what it is told, and spawns children of these when it is told to.
fn parent<S: Clone + 'static>(child: States<S>, state: S) -> States<Heard> {
    States::new()
        .on_start(|_: &mut Heard, cx: &mut Context<'_>, ()| stay(cx))
        .on("spawn", move |_: &mut Heard, cx: &mut Context<'_>, ()| cx.spawn(&child, state.clone()))
        .on_child(|heard: &mut Heard, cx: &mut Context<'_>, mut child: Child| {
            assert_eq!(cx.sender(), SessionId::KERNEL);
            let number = child.take::<u32>();
            let text = child.take::<String>();
            assert!(child.take::<u32>().is_none(), "it is taken once");
            heard.borrow_mut().push((child.fate(), child.session(), number, text));
        })
}

#[test]
fn a_parent_takes_what_start_and_stop_returned_each_of_its_own_type() {
    let mut family = Family::new();
    let child = States::new()
        .on_start(|_: &mut u32, _: &mut Context<'_>, ()| 7_u32)
        .on_stop(|state: &mut u32, _: &mut Context<'_>, ()| format!("left {state}"));
    let heard = Heard::default();
    let parent = family.kernel.spawn(&parent(child, 42_u32), Rc::clone(&heard));
    let child: SessionId = family.kernel.call(parent, "spawn", ()).unwrap();
    assert_eq!(heard.take(), [(Fate::Create, child, Some(7), None)]);
    family.turn();
    assert_eq!(heard.take(), [(Fate::Lose, child, None, Some("left 42".into()))]);
    family.end();
}

#[test]
fn one_without_handlers_or_that_is_let_go_brings_nothing() {
    let mut family = Family::new();
    let silent = States::new().on("stay", |(): &mut (), cx: &mut Context<'_>, ()| stay(cx));
    let heard = Heard::default();
    let parent = family.kernel.spawn(&parent(silent, ()), Rc::clone(&heard));
    let child: SessionId = family.kernel.call(parent, "spawn", ()).unwrap();
    family.turn();
    assert_eq!(heard.take(), [(Fate::Create, child, None, None), (Fate::Lose, child, None, None)]);
    family.end();

    let detached = States::new()
        .on_start(|(): &mut (), cx: &mut Context<'_>, ()| {
            stay(cx);
            7_u32
        })
        .on("leave", |(): &mut (), cx: &mut Context<'_>, ()| cx.detach_myself().unwrap())
        .on_stop(|(): &mut (), _: &mut Context<'_>, ()| "nobody hears this".to_owned());
    let heard = Heard::default();
    let parent = family.kernel.spawn(&self::parent(detached, ()), Rc::clone(&heard));
    let child: SessionId = family.kernel.call(parent, "spawn", ()).unwrap();
    let left: Result<(), _> = family.kernel.call(child, "leave", ());
    left.unwrap();
    family.end();
    assert_eq!(
        heard.take(),
        [(Fate::Create, child, Some(7), None), (Fate::Lose, child, None, None)]
    );
}

#[test]
fn one_that_fails_in_start_or_stop_brings_nothing() {
    let mut family = Family::isolated();
    let start = States::new()
        .on_start(|(): &mut (), _: &mut Context<'_>, ()| -> u32 { fail("in start") })
        .on_stop(|(): &mut (), _: &mut Context<'_>, ()| 8_u32);
    let stop = States::new()
        .on_start(|(): &mut (), _: &mut Context<'_>, ()| 7_u32)
        .on_stop(|(): &mut (), _: &mut Context<'_>, ()| -> u32 { fail("in stop") });
    for (child, created, lost) in [(start, None, Some(8)), (stop, Some(7), None)] {
        let heard = Heard::default();
        let parent = family.kernel.spawn(&parent(child, ()), Rc::clone(&heard));
        let child: SessionId = family.kernel.call(parent, "spawn", ()).unwrap();
        family.turn();
        assert_eq!(
            heard.take(),
            [(Fate::Create, child, created, None), (Fate::Lose, child, lost, None)]
        );
    }
    assert_eq!(family.kernel.stats().failures, 2);
    family.end();
}

#[test]
fn a_try_handler_answers_with_what_it_returns_and_not_with_its_result() {
    let mut family = Family::new();
    let child = States::new()
        .try_on("_start", |(): &mut (), _: &mut Context<'_>, ()| Ok::<_, std::io::Error>(7_u32));
    let heard = Heard::default();
    let parent = family.kernel.spawn(&parent(child, ()), Rc::clone(&heard));
    let child: SessionId = family.kernel.call(parent, "spawn", ()).unwrap();
    assert_eq!(heard.take(), [(Fate::Create, child, Some(7), None)]);
    family.end();
}

/// Spawns one whose answer is counted, and then does this.
fn counted(
    family: &mut Family,
    then: impl FnOnce(&mut Member, &mut Context<'_>) + 'static,
) -> (SessionId, Rc<()>) {
    let answer = Rc::new(());
    let given = Rc::clone(&answer);
    let child =
        States::new().on_start(move |given: &mut Option<Rc<()>>, cx: &mut Context<'_>, ()| {
            stay(cx);
            given.take().expect("it starts once")
        });
    let parent = family.stays("parent", |_, _| {});
    family.story.take();
    let spawns = deed(move |member, cx| {
        cx.spawn(&child, Some(given));
        then(member, cx);
    });
    family.kernel.post(parent, "do", spawns).unwrap();
    (parent, answer)
}

#[test]
fn a_notice_that_waits_for_one_that_fails_is_dropped_with_it() {
    let mut family = Family::isolated();
    let (parent, answer) = counted(&mut family, |_, _| fail("on purpose"));
    family.turn();
    // Its handler returned by failing: it was stopped before it was told of the child.
    assert!(!family.kernel.has_session(parent));
    assert_eq!(Rc::strong_count(&answer), 1);
    assert_eq!(family.children(SessionId::KERNEL).len(), 1, "the child lives on");
    family.end();
}

#[test]
fn a_notice_that_waits_is_told_before_everybody_stops() {
    let mut family = Family::new();
    let (_, answer) = counted(&mut family, |member, cx| {
        cx.stop();
        member.tell("asked");
    });
    family.turn();
    family.assert([
        "parent: asked",
        "parent: create kernel",
        "parent: lose kernel",
        "parent: _stop",
    ]);
    assert_eq!(Rc::strong_count(&answer), 1);
    family.run();
}

#[test]
fn an_answer_that_the_parent_leaves_is_dropped_with_the_notice() {
    let mut family = Family::new();
    let (_, answer) = counted(&mut family, |_, _| {});
    family.turn();
    family.assert(["parent: create kernel"]);
    assert_eq!(Rc::strong_count(&answer), 1);
    family.end();
}

#[test]
fn one_that_moves_is_told_who_was_its_parent_and_who_is() {
    let mut family = Family::isolated();
    let heard: Rc<RefCell<Vec<NewParent>>> = Rc::default();
    let hears = Rc::clone(&heard);
    let leaf = States::new()
        .on_start(|(): &mut (), cx: &mut Context<'_>, ()| stay(cx))
        .on("leave", |(): &mut (), cx: &mut Context<'_>, ()| cx.detach_myself().unwrap())
        .on_parent(move |(): &mut (), cx: &mut Context<'_>, change: NewParent| {
            assert_eq!((cx.sender(), cx.parent()), (SessionId::KERNEL, change.new));
            hears.borrow_mut().push(change);
        });
    let top = family.stays("top", |member, cx| {
        member.spawn(cx, "middle", move |_, cx| {
            stay(cx);
            cx.spawn(&leaf, ());
        });
    });
    let middle = family.kernel.children(top)[0];
    let leaf = family.kernel.children(middle)[0];
    family.kernel.post(middle, "do", deed(|_, _| fail("on purpose"))).unwrap();
    family.turn();
    let left: Result<(), _> = family.kernel.call(leaf, "leave", ());
    left.unwrap();
    let kernel = SessionId::KERNEL;
    assert_eq!(
        heard.take(),
        [NewParent { old: middle, new: top }, NewParent { old: top, new: kernel }]
    );
    family.end();
}

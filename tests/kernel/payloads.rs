//! What events carry: it arrives as it was sent, or is dropped.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use reactor::{Clock, Context, Kernel, NoSuchSession, States, Unhandled};
use testkit::story::Stage;

/// Counts how often it is dropped.
struct Counted(Rc<Cell<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

fn kernel() -> Kernel {
    Kernel::builder().clock(Clock::virtual_time()).build().unwrap()
}

#[test]
fn payloads_of_every_size_arrive_as_they_were_sent_by_post_delay_and_call() {
    type Seen = Rc<RefCell<Vec<String>>>;
    fn note<T: std::fmt::Debug>(seen: &mut Seen, _: &mut Context<'_>, payload: T) {
        seen.borrow_mut().push(format!("{payload:?}"));
    }
    let states = States::new()
        .on("unit", note::<()>)
        .on("u64", note::<u64>)
        .on("u32", note::<u32>)
        .on("i64", note::<i64>)
        .on("usize", note::<usize>)
        .on("u8", note::<u8>)
        .on("string", note::<String>)
        .on("option", note::<Option<u64>>)
        .on("big", note::<Box<[u64; 3]>>);
    let states = states.on_start(|_: &mut Seen, cx: &mut Context<'_>, ()| {
        cx.yield_("unit", ());
        cx.yield_("u64", u64::MAX);
        cx.yield_("u32", u32::MAX);
        cx.yield_("i64", i64::MIN);
        cx.yield_("usize", usize::MAX);
        cx.yield_("u8", 7_u8);
        cx.yield_("string", "text".to_string());
        cx.yield_("option", None::<u64>);
        cx.delay("option", Duration::from_secs(1), Some(1_u64));
        cx.delay_set("u64", Duration::from_secs(2), 2_u64);
        cx.delay_set("big", Duration::from_secs(3), Box::new([1_u64, 2, 3]));
    });
    let seen = Seen::default();
    let mut kernel = kernel();
    let session = kernel.spawn(&states, Rc::clone(&seen));
    let called: Result<(), _> = kernel.call(session, "string", "called".to_string());
    called.unwrap();
    kernel.run().unwrap();
    assert_eq!(
        *seen.borrow(),
        [
            "\"called\"",
            "()",
            "18446744073709551615",
            "4294967295",
            "-9223372036854775808",
            "18446744073709551615",
            "7",
            "\"text\"",
            "None",
            "Some(1)",
            "2",
            "[1, 2, 3]",
        ]
    );
}

#[test]
fn a_payload_that_is_not_delivered_is_dropped_once() {
    let dropped: Rc<Cell<u32>> = Rc::default();
    let mut stage = Stage::new();
    let counter = Rc::clone(&dropped);
    let a = stage.actor("a", move |_, cx| {
        let counted = || Counted(Rc::clone(&counter));
        cx.yield_("posted", counted());
        cx.delay("replaced", Duration::from_secs(1), counted());
        cx.delay("replaced", Duration::from_secs(1), counted());
        let removed = cx.delay_set("removed", Duration::from_secs(1), counted());
        cx.alarm_remove(removed).unwrap();
    });
    assert_eq!(dropped.get(), 2, "the replaced and the removed");
    stage.act(a, |_, cx| cx.stop());
    assert_eq!(dropped.get(), 4, "the posted and the one that would have rung");
    stage.run();
    stage.assert(["a: _stop"]);
    assert_eq!(dropped.get(), 4);
}

#[test]
fn a_payload_that_default_leaves_or_nobody_takes_is_dropped_once() {
    let dropped: Rc<Cell<u32>> = Rc::default();
    let mut stage = Stage::new();
    let counter = Rc::clone(&dropped);
    stage.actor("a", move |_, cx| cx.yield_("left by _default", Counted(counter)));
    let counter = Rc::clone(&dropped);
    let deaf = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
        cx.yield_("nobody", Counted(Rc::clone(&counter)));
    });
    stage.kernel.spawn(&deaf, ());
    stage.run();
    assert_eq!(dropped.get(), 2);
}

#[test]
fn default_takes_a_payload_once_whatever_its_type() {
    type Taken = Rc<RefCell<Vec<(&'static str, Option<u64>, Option<u64>, bool, bool)>>>;
    let states = States::new()
        .on_start(|_: &mut Taken, cx: &mut Context<'_>, ()| {
            cx.yield_("number", 7_u64);
            cx.yield_("text", String::from("7"));
        })
        .on_stop(|_: &mut Taken, _: &mut Context<'_>, ()| {})
        .on_default(|taken: &mut Taken, _: &mut Context<'_>, mut unhandled: Unhandled<'_>| {
            let (first, second) = (unhandled.take(), unhandled.take());
            let texts = (unhandled.take::<String>(), unhandled.take::<String>());
            let texts = (texts.0.is_some(), texts.1.is_some());
            let payload = unhandled.payload_type();
            taken.borrow_mut().push((payload, first, second, texts.0, texts.1));
        });
    let taken = Taken::default();
    let mut kernel = kernel();
    kernel.spawn(&states, Rc::clone(&taken));
    kernel.run().unwrap();
    let text = std::any::type_name::<String>();
    let expected = [("u64", Some(7), None, false, false), (text, None, None, true, false)];
    assert_eq!(taken.take(), expected);
}

#[test]
fn what_is_posted_to_the_dead_comes_back() {
    let mut stage = Stage::new();
    let dead = stage.actor("dead", |_, _| {});
    stage.run();
    stage.actor("living", move |actor, cx| {
        let refused = cx.post(dead, "hello", "precious".to_string());
        assert_eq!(refused, Err(NoSuchSession("precious".to_string())));
        actor.tell("has it back");
    });
    assert_eq!(stage.kernel.post(dead, "hello", 7_u64), Err(NoSuchSession(7)));
    stage.run();
    stage.assert(["dead: _stop", "living: has it back", "living: _stop"]);
}

#[test]
fn a_session_that_has_a_dead_ones_slot_does_not_get_its_events() {
    let mut stage = Stage::new();
    let dead = stage.actor("dead", |_, _| {});
    stage.run();
    let heir = stage.actor("heir", |_, _| {});
    assert_ne!(dead, heir);
    assert_eq!(stage.kernel.post(dead, "hello", ()), Err(NoSuchSession(())));
    assert_eq!(stage.kernel.why_alive(dead), None);
    stage.run();
    stage.assert(["dead: _stop", "heir: _stop"]);
}

//! Events that nobody takes: said once, with everything that helps to find the mistake.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use log::Level;
use reactor::{Clock, Context, Kernel, States, Unhandled};
use testkit::logs::{self, Logged};

struct Shop;

fn kernel() -> Kernel {
    Kernel::builder().clock(Clock::virtual_time()).build().unwrap()
}

fn shop() -> States<Shop> {
    States::new().on("order", |_: &mut Shop, _: &mut Context<'_>, _: String| {})
}

#[track_caller]
fn assert_says(lines: &[Logged], parts: &[&str]) {
    let [line] = lines else { panic!("one warning was expected: {lines:?}") };
    assert_eq!((line.level, &*line.target), (Level::Warn, "reactor::events"));
    for part in parts {
        assert!(line.text.contains(part), "{part:?} is not in {:?}", line.text);
    }
}

#[test]
fn p65_a_misspelt_event_is_one_warning_that_names_session_event_sender_and_reason() {
    let mut kernel = kernel();
    let shop = kernel.spawn(&shop(), Shop);
    let client = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
        cx.post(shop, "ordre", "tea".to_string()).unwrap();
    });
    let client = kernel.spawn(&client, ());
    let (_, lines) = logs::capture_warnings(|| kernel.run().unwrap());
    let (shop, client) = (format!("session {shop} "), format!("from session {client} (in _start)"));
    assert_says(&lines, &["event ordre", &client, &shop, "Shop", "no handler", "String"]);
    assert_eq!(kernel.stats().unhandled, 1);
}

/// `_start`, `_stop` and the others are set by `on` as well as by methods of their own.
#[test]
fn p65_a_handler_that_on_sets_for_default_is_a_warning_as_soon_as_it_is_set() {
    let set = || shop().on("_default", |_: &mut Shop, _: &mut Context<'_>, _: Unhandled<'_>| {});
    let (_, lines) = logs::capture_warnings(|| drop(set()));
    assert_says(&lines, &["_default", "on_default"]);
    let (_, lines) = logs::capture_warnings(|| {
        drop(shop().on_default(|_: &mut Shop, _: &mut Context<'_>, _: Unhandled<'_>| {}));
    });
    assert_eq!(lines, []);
}

#[test]
fn p65_a_payload_of_another_type_is_one_warning_that_names_both_types() {
    let mut kernel = kernel();
    let shop = kernel.spawn(&shop(), Shop);
    kernel.post(shop, "order", 7_u16).unwrap();
    let (_, lines) = logs::capture_warnings(|| kernel.run().unwrap());
    let shop = format!("session {shop} ");
    assert_says(&lines, &["event order", "from the kernel", &shop, "takes", "String", "not u16"]);
}

#[test]
fn p65_a_timer_that_nobody_takes_is_a_warning_too() {
    let mut kernel = kernel();
    let states = States::new().on_start(|_: &mut Shop, cx: &mut Context<'_>, ()| {
        cx.delay("tik", Duration::from_secs(1), ());
    });
    let shop = kernel.spawn(&states, Shop);
    let (_, lines) = logs::capture_warnings(|| kernel.run().unwrap());
    assert_says(
        &lines,
        &["event tik", &format!("from session {shop} to session {shop}"), "no handler"],
    );
}

#[test]
fn p65_a_start_or_stop_handler_of_a_wrong_payload_is_not_passed_over_in_silence() {
    for name in ["_start", "_stop"] {
        let mut kernel = kernel();
        let states = States::new().on(name, |_: &mut Shop, _: &mut Context<'_>, _: String| {});
        let (_, lines) = logs::capture_warnings(|| {
            kernel.spawn(&states, Shop);
            kernel.run().unwrap();
        });
        assert_says(&lines, &[name, "takes alloc::string::String, not ()"]);
    }
}

#[test]
fn p65_what_default_takes_is_not_warned_of() {
    type Taken = Rc<RefCell<Vec<String>>>;
    let states = States::new()
        .on("order", |_: &mut Taken, _: &mut Context<'_>, _: u8| {})
        .on_default(|taken: &mut Taken, cx: &mut Context<'_>, mut event: Unhandled<'_>| {
            assert_eq!(event.name(), cx.event());
            let kind = event.payload_type().rsplit("::").next().unwrap_or_default();
            assert_eq!(event.take::<u8>(), None, "not what it is");
            let payload = event.take::<String>();
            assert_eq!(event.take::<String>(), None, "taken already");
            taken.borrow_mut().push(format!("{} {kind} {payload:?}", event.name()));
        });
    let taken = Taken::default();
    let mut kernel = kernel();
    let session = kernel.spawn(&states, Rc::clone(&taken));
    kernel.post(session, "ordre", "tea".to_string()).unwrap();
    kernel.post(session, "order", "tea".to_string()).unwrap();
    kernel.post(session, "order", 1_u8).unwrap();
    kernel.post(session, "unit", ()).unwrap();
    let (_, lines) = logs::capture_warnings(|| kernel.run().unwrap());
    assert_eq!(lines, []);
    assert_eq!(kernel.stats().unhandled, 0);
    assert_eq!(
        *taken.borrow(),
        [
            "ordre String Some(\"tea\")",
            "order String Some(\"tea\")",
            "unit () None",
            "_stop () None",
        ]
    );
}

#[test]
fn setting_a_name_again_replaces_its_handler_and_leaves_sessions_alone_that_run() {
    type Heard = Rc<RefCell<Vec<&'static str>>>;
    let heard = Heard::default();
    let states = States::new().on("say", |heard: &mut Heard, _: &mut Context<'_>, ()| {
        heard.borrow_mut().push("first");
    });
    let mut kernel = kernel();
    let old = kernel.spawn(&states, Rc::clone(&heard));
    let states = states.on("say", |heard: &mut Heard, _: &mut Context<'_>, ()| {
        heard.borrow_mut().push("second");
    });
    let new = kernel.spawn(&states, Rc::clone(&heard));
    kernel.post(new, "say", ()).unwrap();
    kernel.post(old, "say", ()).unwrap();
    kernel.run().unwrap();
    assert_eq!(*heard.borrow(), ["second", "first"]);
}

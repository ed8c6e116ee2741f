//! What a post from another thread is like when it arrives.

use std::cell::Cell;
use std::rc::Rc;
use std::thread;

use reactor::{Context, Event, Kernel, Remote, SessionId, States};
use testkit::logs;
use testkit::story::Stage;

use crate::parts::{real_stage, stay, told};

const TYPED: Event<(u32, String)> = Event::new("typed");

fn is_shared<T: Clone + Send + Sync + 'static>(_: &T) {}

#[test]
fn a_handle_is_cloned_sent_and_shared() {
    let mut kernel = Kernel::new().unwrap();
    let remote = kernel.remote().unwrap();
    is_shared::<Remote>(&remote);
    let session = kernel.spawn(&States::<()>::new(), ());
    let posts = [&remote, &remote.clone()].map(|remote| remote.post(session, "posted", ()));
    assert_eq!(posts, [Ok(()), Ok(())]);
}

#[test]
fn typed_and_bare_names_arrive_with_their_payload_from_the_kernel() {
    let heard = Rc::new(Cell::new(0));
    let (typed, bare) = (Rc::clone(&heard), Rc::clone(&heard));
    let states = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| stay(cx))
        .on(&TYPED, move |_: &mut (), cx: &mut Context<'_>, (n, text): (u32, String)| {
            assert_eq!((n, text.as_str()), (7, "seven"));
            assert_eq!((cx.sender(), cx.event()), (SessionId::KERNEL, "typed"));
            typed.set(typed.get() + 1);
        })
        .on("bare", move |_: &mut (), cx: &mut Context<'_>, last: bool| {
            assert_eq!(cx.sender(), SessionId::KERNEL);
            bare.set(bare.get() + 1);
            if last {
                cx.stop();
            }
        });
    let mut kernel = Kernel::new().unwrap();
    let session = kernel.spawn(&states, ());
    let remote = kernel.remote().unwrap();
    let thread = thread::spawn(move || {
        remote.post(session, &TYPED, (7, "seven".to_owned())).unwrap();
        remote.post(session, "bare", false).unwrap();
        remote.post_blocking(session, "ba".to_owned() + "re", true).unwrap();
    });
    kernel.run().unwrap();
    thread.join().unwrap();
    assert_eq!(heard.get(), 3);
}

#[test]
fn it_takes_its_place_in_the_one_order_when_the_loop_takes_it() {
    let mut stage = real_stage();
    let a = stage.actor("a", |_, cx| stay(cx));
    stage.turn();
    let remote = stage.kernel.remote().unwrap();
    remote.post(a, "remote 1", ()).unwrap();
    stage.kernel.post(a, "local 1", ()).unwrap();
    remote.post(a, "remote 2", ()).unwrap();
    stage.turn();
    // What was posted here before the turn began comes first, and nothing waits for another turn.
    stage.assert(["a: local 1", "a: remote 1", "a: remote 2"]);
    stage.kernel.stop();
}

#[test]
fn a_payload_that_the_handler_does_not_take_is_reported_like_any_other() {
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| stay(cx))
        .on("count", |_: &mut (), _: &mut Context<'_>, _: u64| ());
    let session = kernel.spawn(&states, ());
    let remote = kernel.remote().unwrap();
    remote.post(session, "count", "text").unwrap();
    let (_, lines) = logs::capture_warnings(|| {
        while kernel.stats().unhandled == 0 {
            kernel.run_one_turn(std::time::Duration::MAX).unwrap();
        }
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].text.contains("takes u64, not &str"), "{}", lines[0]);
    kernel.stop();
}

#[test]
fn a_post_to_a_session_that_is_gone_is_dropped_and_said_at_debug() {
    let mut stage = Stage::new();
    let gone = stage.actor("gone", |_, _| ());
    stage.run();
    stage.assert(["gone: _stop"]);
    let remote = stage.kernel.remote().unwrap();
    let thread = thread::spawn(move || {
        remote.post(gone, "late", 1_u64).unwrap();
        remote.post(SessionId::KERNEL, "to nobody", ()).unwrap();
    });
    thread.join().unwrap();
    let (_, lines) = logs::capture(|| stage.turn());
    let late: Vec<_> = lines.iter().filter(|line| line.text.contains("is dropped")).collect();
    assert_eq!(late.len(), 2, "{lines:?}");
    assert!(late.iter().all(|line| line.level == log::Level::Debug), "{late:?}");
    assert!(late[0].text.contains("late"), "{}", late[0]);
    assert_eq!(stage.kernel.stats().unhandled, 0);
    assert_eq!(stage.kernel.stats().failures, 0);
}

#[test]
fn a_handler_gives_a_handle_to_a_thread_that_answers() {
    let mut stage = real_stage();
    stage.actor("a", |_, cx| {
        stay(cx);
        let (remote, me) = (cx.remote().unwrap(), cx.session());
        thread::spawn(move || remote.post(me, "answer", ()));
    });
    assert_eq!(told(&mut stage), ["a: answer"]);
    stage.kernel.stop();
    stage.assert(["a: _stop"]);
}

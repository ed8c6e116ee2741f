//! Senders that go, kernels that go, and what becomes of payloads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use reactor::{Context, Kernel, OnException, RemoteError, SessionId, States};
use testkit::story::Stage;

use crate::parts::{Counted, Drops, fail, panic_text, real_stage, stay, told};

/// A kernel with a session that takes what is counted, and one that does not know it.
fn takers() -> (Kernel, SessionId, SessionId) {
    let taker = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| stay(cx))
        .on("take", |_: &mut (), _: &mut Context<'_>, counted: Counted| drop(counted))
        .on("stop", |_: &mut (), cx: &mut Context<'_>, _: Counted| cx.stop());
    let other = States::new().on_start(|_: &mut (), cx: &mut Context<'_>, ()| stay(cx));
    let mut kernel = Kernel::new().unwrap();
    let (taker, other) = (kernel.spawn(&taker, ()), kernel.spawn(&other, ()));
    kernel.run_one_turn(Duration::ZERO).unwrap();
    (kernel, taker, other)
}

#[test]
fn p47_senders_that_are_silent_or_gone_cost_no_wake_up() {
    for keep in [true, false] {
        let mut kernel = Kernel::new().unwrap();
        let states = States::new()
            .on_start(|_: &mut u32, cx: &mut Context<'_>, ()| stay(cx))
            .on("never", |_: &mut u32, _: &mut Context<'_>, (): ()| ())
            .on("post", |posts: &mut u32, cx: &mut Context<'_>, (): ()| {
                *posts += 1;
                if *posts == 20 {
                    cx.delay("never", Duration::from_millis(50), ());
                }
            });
        let session = kernel.spawn(&states, 0);
        let remote = kernel.remote().unwrap();
        let threads: Vec<_> = (0..20)
            .map(|_| {
                let remote = remote.clone();
                thread::spawn(move || remote.post(session, "post", ()))
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), Ok(()));
        }
        let kept = keep.then_some(remote);
        kernel.run().unwrap();
        let stats = kernel.stats();
        assert_eq!(stats.timers, 1);
        assert!(stats.polls <= 6, "{} polls in which nothing happened", stats.polls);
        // All who posted before the loop looked woke it once; so does the end of the last handle.
        assert_eq!(stats.notices, 1);
        drop(kept);
    }
}

#[test]
fn posts_that_the_loop_has_not_looked_at_ask_the_system_once() {
    let (mut kernel, taker, _) = takers();
    let (remote, drops) = (kernel.remote().unwrap(), Drops::default());
    for round in 1..=10 {
        for _ in 0..100 {
            remote.post(taker, "take", drops.one()).unwrap();
        }
        kernel.run_one_turn(Duration::MAX).unwrap();
        assert_eq!(kernel.stats().notices, round);
        assert_eq!(drops.count(), 100 * usize::try_from(round).unwrap());
    }
    kernel.run_one_turn(Duration::ZERO).unwrap();
    assert_eq!(kernel.stats().notices, 10);
    kernel.stop();
}

#[test]
fn a_handle_keeps_no_session_and_no_run() {
    let mut stage = real_stage();
    stage.actor("a", |_, _| ());
    let remote = stage.kernel.remote().unwrap();
    stage.run();
    stage.assert(["a: _stop"]);
    drop(remote);
}

#[test]
fn a_handle_of_one_run_posts_to_the_next() {
    let mut stage = real_stage();
    let remote = stage.kernel.remote().unwrap();
    for _ in 0..3 {
        let a = stage.actor("a", |_, cx| stay(cx));
        let remote = remote.clone();
        let thread = thread::spawn(move || remote.post(a, "posted", ()));
        assert_eq!(thread.join().unwrap(), Ok(()));
        assert_eq!(told(&mut stage), ["a: posted"]);
        stage.kernel.stop();
        stage.run();
        stage.assert(["a: _stop"]);
    }
}

#[test]
fn a_post_to_a_kernel_that_is_gone_gives_the_payload_back() {
    let (mut kernel, taker, _) = takers();
    let remote = kernel.remote().unwrap();
    drop(kernel);
    let text = || "unharmed".to_owned();
    assert_eq!(remote.post(taker, "take", text()), Err(RemoteError::Closed(text())));
    assert_eq!(remote.clone().post_blocking(taker, "take", 1), Err(RemoteError::Closed(1)));
}

#[test]
fn a_thread_that_waits_for_room_is_told_when_the_kernel_goes() {
    let (mut kernel, taker, _) = takers();
    let remote = kernel.remote().unwrap();
    while remote.post(taker, "nobody", ()).is_ok() {}
    let (begun, begins) = channel();
    let thread = thread::spawn(move || {
        begun.send(()).unwrap();
        remote.post_blocking(taker, "nobody", 17)
    });
    begins.recv().unwrap();
    drop(kernel);
    assert_eq!(thread.join().unwrap(), Err(RemoteError::Closed(17)));
}

#[test]
fn a_payload_is_dropped_once_whatever_becomes_of_it() {
    let (mut kernel, taker, other) = takers();
    let (remote, drops) = (kernel.remote().unwrap(), Drops::default());
    let gone = SessionId::KERNEL;
    for (count, (to, event)) in
        [(taker, "take"), (taker, "unknown"), (other, "take"), (gone, "take")]
            .into_iter()
            .enumerate()
    {
        let (from, payload) = (remote.clone(), drops.one());
        thread::spawn(move || from.post(to, event, payload)).join().unwrap().unwrap();
        assert_eq!(drops.count(), count, "it is in the queue");
        kernel.run_one_turn(Duration::ZERO).unwrap();
        assert_eq!(drops.count(), count + 1, "{event} to {to}");
    }
    // Of those taken in, the second is never delivered, because of the first.
    remote.post(taker, "stop", drops.one()).unwrap();
    remote.post(taker, "take", drops.one()).unwrap();
    kernel.run().unwrap();
    assert_eq!(drops.count(), 6);
    // Refused because the queue is full, left in it, and refused because the kernel is gone.
    while remote.post(taker, "take", ()).is_ok() {}
    let refused = remote.post(taker, "take", drops.one()).expect_err("it is full");
    assert!(matches!(refused, RemoteError::Full(_)));
    assert_eq!(drops.count(), 6);
    drop(refused);
    assert_eq!(drops.count(), 7);
    kernel.run_one_turn(Duration::ZERO).unwrap();
    remote.post(taker, "take", drops.one()).unwrap();
    drop(kernel);
    assert_eq!(drops.count(), 8);
    let refused = remote.post(taker, "take", drops.one()).expect_err("it is gone");
    assert!(matches!(refused, RemoteError::Closed(_)));
    drop(refused);
    assert_eq!(drops.count(), 9);
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            fail("on purpose");
        }
    }
}

#[test]
fn p22_a_payload_that_panics_when_nobody_takes_it_leaves_the_others_alone() {
    let mut stage = Stage::with(|builder| builder.on_exception(OnException::Isolate));
    let a = stage.actor("a", |_, cx| stay(cx));
    let remote = stage.kernel.remote().unwrap();
    remote.post(SessionId::KERNEL, "late", Bomb).unwrap();
    remote.post(a, "heard", ()).unwrap();
    stage.turn();
    stage.assert(["a: heard"]);
    assert_eq!(stage.kernel.stats().failures, 1);
    stage.kernel.stop();
    stage.run();
}

#[test]
fn a_payload_that_panics_when_nobody_takes_it_comes_out_of_run() {
    let mut stage = real_stage();
    let a = stage.actor("a", |_, cx| stay(cx));
    let remote = stage.kernel.remote().unwrap();
    remote.post(SessionId::KERNEL, "late", Bomb).unwrap();
    remote.post(a, "never", ()).unwrap();
    let run = catch_unwind(AssertUnwindSafe(|| stage.kernel.run()));
    assert_eq!(panic_text(&*run.expect_err("it comes out of run")), "on purpose");
    stage.assert(["a: _stop"]);
    // The kernel is of use, and so is the handle.
    let b = stage.actor("b", |_, cx| stay(cx));
    remote.post(b, "heard", ()).unwrap();
    assert_eq!(told(&mut stage), ["b: heard"]);
    stage.kernel.stop();
    stage.run();
}

//! What the end of a program and a fork ask about other threads.

use std::cell::Cell;
use std::io;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::poller::Poller;
use crate::{Context, JobError, Kernel, States};

/// Counts what it is told.
fn counter() -> States<u32> {
    States::new()
        .on_start(|_: &mut u32, cx: &mut Context<'_>, ()| {
            cx.delay("end", Duration::from_secs(3600), ());
        })
        .on("count", |count: &mut u32, _: &mut Context<'_>, more: u32| *count += more)
        .on("is", |count: &mut u32, _: &mut Context<'_>, (): ()| *count)
}

#[test]
fn a_kernel_is_reachable_while_a_handle_exists_and_wakes_when_the_last_is_gone() -> io::Result<()> {
    let mut kernel = Kernel::new()?;
    kernel.spawn(&counter(), 0);
    assert!(!kernel.desk.inbox.is_reachable());
    let remote = kernel.remote()?;
    let other = remote.clone();
    drop(remote);
    assert!(kernel.desk.inbox.is_reachable());
    std::thread::spawn(move || drop(other)).join().expect("no panic");
    assert!(!kernel.desk.inbox.is_reachable());
    kernel.run_one_turn(Duration::MAX)?;
    assert_eq!(kernel.stats().notices, 1);
    drop(kernel.remote()?);
    Ok(())
}

#[test]
fn after_a_rebuild_old_handles_wake_the_new_poller_and_what_was_queued_is_forgotten()
-> io::Result<()> {
    let mut kernel = Kernel::new()?;
    let session = kernel.spawn(&counter(), 0);
    let remote = kernel.remote()?;
    for generation in 0..3_u32 {
        remote.post(session, "count", 100_u32).expect("room");
        // As in a forked child: what wakes the parent is still open, and must not be used.
        let parents = std::mem::replace(&mut kernel.desk.poller, Poller::new()?);
        let bell = kernel.desk.doorbell.twin(&kernel.desk.poller)?;
        kernel.forget_threads(bell);
        remote.post(session, "count", 1_u32).expect("room");
        kernel.run_one_turn(Duration::MAX)?;
        assert_eq!(kernel.call(session, "is", ()), Ok(generation + 1));
        drop(parents);
    }
    Ok(())
}

#[test]
fn a_rebuild_does_not_lose_the_result_of_a_job_that_was_done_before() -> io::Result<()> {
    let mut kernel = Kernel::new()?;
    let (done, wait) = channel();
    let states = States::new()
        .on_start(move |_: &mut u32, cx: &mut Context<'_>, ()| {
            let done = done.clone();
            let job = move || done.send(()).expect("the test waits");
            cx.run_blocking(job, "done").expect("a thread").release();
        })
        .on("done", |_: &mut u32, cx: &mut Context<'_>, _: Result<(), JobError>| cx.stop());
    assert_eq!(kernel.desk.pool.threads_running(), 0);
    kernel.spawn(&states, 0);
    assert_eq!(kernel.desk.pool.threads_running(), 1);
    wait.recv().expect("it is done");
    // Its thread reports to the old poller, which is not asked what it heard.
    kernel.desk.poller.wait(None)?;
    assert!(kernel.desk.poller.has_events());
    kernel.desk.poller = Poller::new()?;
    let bell = kernel.desk.doorbell.twin(&kernel.desk.poller)?;
    kernel.forget_threads(bell);
    kernel.run()
}

#[test]
fn workers_without_a_job_are_dismissed_at_once_and_others_are_not() -> io::Result<()> {
    let mut kernel = Kernel::new()?;
    let (open, gate) = channel::<()>();
    let gate = Cell::new(Some(gate));
    let states = States::new()
        .on_start(move |_: &mut u32, cx: &mut Context<'_>, ()| {
            let gate = gate.take().expect("started once");
            cx.run_blocking(move || gate.recv().is_ok(), "opened").expect("a thread").release();
            cx.run_blocking(|| (), "done").expect("a thread").release();
        })
        .on("done", |done: &mut u32, _: &mut Context<'_>, _: Result<(), JobError>| *done += 1)
        .on("opened", |done: &mut u32, _: &mut Context<'_>, opened: Result<bool, JobError>| {
            assert_eq!((*done, opened), (1, Ok(true)));
        });
    kernel.spawn(&states, 0);
    kernel.dismiss_idle_workers();
    assert_eq!(kernel.desk.pool.threads_running(), 2);
    while kernel.stats().direct == 0 {
        kernel.run_one_turn(Duration::MAX)?;
    }
    kernel.dismiss_idle_workers();
    assert_eq!(kernel.desk.pool.threads_running(), 1);
    open.send(()).expect("the job waits");
    kernel.run()?;
    kernel.dismiss_idle_workers();
    assert_eq!(kernel.desk.pool.threads_running(), 0);
    Ok(())
}

//! How many threads there are, in what order they are given jobs, and when they end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use reactor::{Clock, Context, JobError, Kernel, States};
use testkit::story::Stage;

use crate::parts::{real_stage, stay, told};

/// A kernel whose session has run `jobs` jobs, and the most that ran at once.
fn most_at_once(jobs: u32, workers: Option<usize>) -> usize {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let states = States::new()
        .on_start(move |left: &mut u32, cx: &mut Context<'_>, ()| {
            for _ in 0..*left {
                let (running, most) = (Arc::clone(&running), Arc::clone(&most));
                let job = move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                };
                cx.run_blocking(job, "done").unwrap().release();
            }
        })
        .on("done", |left: &mut u32, _: &mut Context<'_>, result: Result<(), JobError>| {
            assert_eq!(result, Ok(()));
            *left -= 1;
        })
        .on_stop(|left: &mut u32, _: &mut Context<'_>, ()| assert_eq!(*left, 0));
    let mut builder = Kernel::builder();
    if let Some(workers) = workers {
        builder = builder.workers(workers);
    }
    let mut kernel = builder.build().unwrap();
    kernel.spawn(&states, jobs);
    kernel.run().unwrap();
    assert_eq!(kernel.stats().direct, u64::from(jobs));
    seen.load(Ordering::SeqCst)
}

#[test]
fn more_jobs_than_workers_are_all_done_by_no_more_workers_than_there_may_be() {
    assert!(most_at_once(1_000, None) <= 4);
    assert_eq!(most_at_once(1_000, Some(1)), 1);
    assert_eq!(most_at_once(100, Some(0)), 1, "one is the least");
    assert!(most_at_once(1_000, Some(16)) <= 16);
}

#[test]
fn as_many_jobs_run_side_by_side_as_there_are_workers() {
    for workers in [1, 2, 4, 7] {
        let mut stage = Stage::with(|builder| builder.clock(Clock::system()).workers(workers));
        // Each job waits for all of them.
        let all = Arc::new(std::sync::Barrier::new(workers));
        let total = 3 * workers;
        stage.actor("a", move |_, cx| {
            for _ in 0..total {
                let all = Arc::clone(&all);
                cx.run_blocking(move || all.wait().is_leader(), "done").unwrap().release();
            }
        });
        stage.run();
        let lines = stage.story.take();
        assert_eq!(lines.len(), total + 1, "{lines:?}");
    }
}

#[test]
fn jobs_begin_in_the_order_they_were_given() {
    let (begin, begun) = channel();
    let mut stage = Stage::with(|builder| builder.clock(Clock::system()).workers(1));
    for session in 0..2_u32 {
        let begin = begin.clone();
        stage.actor("a", move |_, cx| {
            for n in 0..100 {
                let begin = begin.clone();
                let job = move || begin.send(session * 100 + n).unwrap();
                cx.run_blocking(job, "done").unwrap().release();
            }
        });
    }
    drop(begin);
    stage.run();
    let order: Vec<u32> = begun.iter().collect();
    assert_eq!(order, (0..200).collect::<Vec<_>>());
}

/// Tells when its thread ends.
struct Farewell(Sender<()>);

impl Drop for Farewell {
    fn drop(&mut self) {
        // The test may be over.
        let _heard = self.0.send(());
    }
}

thread_local! {
    static FAREWELL: std::cell::RefCell<Option<Farewell>> = const { std::cell::RefCell::new(None) };
}

/// A job that makes its thread tell when it ends.
fn job_of_a_mortal() -> (impl FnOnce() + Send + 'static, Receiver<()>) {
    let (tell, end) = channel();
    (move || FAREWELL.set(Some(Farewell(tell))), end)
}

#[test]
fn a_worker_without_jobs_ends_without_waking_the_loop_and_another_takes_its_place() {
    let mut stage = real_stage();
    let a = stage.actor("a", |_, cx| stay(cx));
    for _ in 0..2 {
        let (job, end) = job_of_a_mortal();
        stage.act(a, move |_, cx| cx.run_blocking(job, "done").unwrap().release());
        assert_eq!(told(&mut stage), ["a: done"]);
        let before = stage.kernel.stats();
        end.recv().unwrap();
        stage.turn();
        let after = stage.kernel.stats();
        assert_eq!((after.notices, after.polls), (before.notices, before.polls + 1));
    }
    stage.kernel.stop();
}

#[test]
fn a_worker_that_was_not_heard_yet_does_not_end() {
    let mut stage = Stage::with(|builder| builder.clock(Clock::system()).workers(1));
    let a = stage.actor("a", |_, cx| stay(cx));
    let (job, end) = job_of_a_mortal();
    stage.act(a, move |_, cx| {
        cx.run_blocking(job, "first").unwrap().release();
        cx.run_blocking(|| (), "second").unwrap().release();
        // Longer than a worker waits for a job.
        let silence = end.recv_timeout(Duration::from_millis(1_500));
        assert_eq!(silence, Err(RecvTimeoutError::Timeout));
    });
    assert_eq!(told(&mut stage), ["a: first"]);
    assert_eq!(told(&mut stage), ["a: second"]);
    stage.kernel.stop();
}

#[test]
fn workers_end_with_their_kernel() {
    let mut stage = real_stage();
    let (job, end) = job_of_a_mortal();
    let a = stage.actor("a", |_, cx| stay(cx));
    stage.act(a, move |_, cx| cx.run_blocking(job, "done").unwrap().release());
    assert_eq!(told(&mut stage), ["a: done"]);
    let clock = stage.clock.clone();
    drop(stage);
    end.recv().unwrap();
    drop(clock);
}

#[test]
fn kernels_on_several_threads_have_workers_of_their_own() {
    let threads: Vec<_> = (0..4).map(|_| thread::spawn(|| most_at_once(500, Some(2)))).collect();
    for thread in threads {
        assert!(thread.join().unwrap() <= 2);
    }
}

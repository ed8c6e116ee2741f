//! One thread that runs jobs, as the kernel's thread sees it.
//!
//! Owns the way to the thread and what both know of its state. Promises that a thread whose state says
//! that it has a job, or will be given one, is there. A thread that nobody needs ends by itself, without
//! waking the loop; so do all of them when their kernel is gone.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};

use super::job::{Run, Task, Waiters};
use crate::bell::Bell;
use crate::config::WORKER_PATIENCE;
use crate::sys::may_fail;

pub(super) struct Worker {
    jobs: Sender<Run>,
    state: Arc<AtomicU8>,
    /// Who waits for the job that it has.
    busy: Option<Rc<Waiters>>,
    thread: JoinHandle<()>,
}

/// The thread does what is in italics, the kernel the rest:
///
/// ```text
/// BUSY --*it is done*--> DONE --another job--> BUSY
///                        DONE --no other-----> IDLE --claimed-------> BUSY
///                                              IDLE --*had patience*--> GONE
/// ```
///
/// Only IDLE can be left by both, so both leave it by an exchange that one of them wins.
const BUSY: u8 = 0;
const DONE: u8 = 1;
const IDLE: u8 = 2;
const GONE: u8 = 3;

impl Worker {
    /// A new thread, claimed already.
    pub(super) fn start(bell: Arc<Bell>) -> io::Result<Self> {
        may_fail!(Thread);
        let (jobs, receiver) = channel();
        let state = Arc::new(AtomicU8::new(BUSY));
        let shared = Arc::clone(&state);
        let thread = Builder::new()
            .name("wheelhouse-worker".into())
            .spawn(move || work(&receiver, &shared, &bell))?;
        Ok(Self { jobs, state, busy: None, thread })
    }

    /// Gives a job to a worker that is claimed, or has just ended another.
    pub(super) fn hand(&mut self, task: Task) {
        #[cfg(feature = "faults")]
        let task = task.passing(crate::faults::share());
        self.state.store(BUSY, Ordering::Release);
        self.busy = Some(task.waiters);
        self.jobs.send(task.run).expect("a thread that may be given a job is there");
    }

    /// Who waited for the job that is done, once.
    pub(super) fn take_done(&mut self) -> Option<Rc<Waiters>> {
        if self.state.load(Ordering::Acquire) == DONE { self.busy.take() } else { None }
    }

    /// There is no other job: it may leave.
    pub(super) fn rest(&self) {
        self.state.store(IDLE, Ordering::Release);
    }

    pub(super) const fn is_busy(&self) -> bool {
        self.busy.is_some()
    }

    /// Keeps an idle worker from leaving; says whether it has not left already.
    pub(super) fn claim(&self) -> bool {
        leave_idle(&self.state, BUSY)
    }

    /// Ends a worker that has no job.
    pub(super) fn dismiss(self) {
        drop(self.jobs);
        if self.thread.join().is_err() {
            log::error!(target: "reactor::events", "a worker panicked as it ended");
        }
    }

    #[cfg(test)]
    pub(super) fn is_running(&self) -> bool {
        !self.thread.is_finished()
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Worker(busy: {})", self.is_busy())
    }
}

/// What the thread does.
fn work(jobs: &Receiver<Run>, state: &AtomicU8, bell: &Bell) {
    loop {
        match jobs.recv_timeout(WORKER_PATIENCE) {
            Ok(run) => {
                quietly(run);
                state.store(DONE, Ordering::Release);
                bell.ring();
            }
            Err(RecvTimeoutError::Timeout) => {
                // Unless it is idle, the loop has not seen yet that it is, or a job is on its way.
                if leave_idle(state, GONE) {
                    return;
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn leave_idle(state: &AtomicU8, to: u8) -> bool {
    state.compare_exchange(IDLE, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
}

/// Runs a job whose own panics are seen to. What is dropped after it may panic too, and nobody waits
/// for that: not even what such a panic leaves behind ends the thread.
fn quietly(run: Run) {
    let mut panic = catch_unwind(AssertUnwindSafe(run)).err();
    while let Some(left) = panic {
        panic = catch_unwind(AssertUnwindSafe(|| drop(left))).err();
    }
}

//! Closures that may block, run off the loop.
//!
//! Owns the threads and the jobs that wait for one. Promises that jobs begin in the order they came, that
//! one that is abandoned before it began never begins, and that a job waits only while every thread there
//! may be has one. Never waits for a thread. A job's result goes through a channel of its own (`job.rs`);
//! the loop learns of it by the bell (`bell.rs`), and asks the wheels that wait for it.

mod job;
mod worker;

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use crate::bell::Bell;
use crate::config::MOST_JOBS;
use crate::ids::WheelId;
pub use job::{Blocking, Job, JobError, JobRefused};
use job::{Task, Waiters};
use worker::Worker;

#[derive(Debug)]
pub(crate) struct Pool {
    workers: Vec<Worker>,
    most: usize,
    waiting: Rc<Waiting>,
}

impl Pool {
    pub(crate) fn new(most: usize) -> Self {
        Self { workers: Vec::new(), most, waiting: Rc::default() }
    }

    /// Runs a job as soon as there is a thread for it.
    pub(crate) fn start<R, F>(&mut self, bell: &Arc<Bell>, job: F) -> Result<Job<R>, JobRefused<F>>
    where
        R: Send + 'static,
        F: FnOnce() -> R + Send + 'static,
    {
        let worker = match self.find_worker(bell) {
            Ok(None) if self.waiting.len() >= MOST_JOBS => return Err(JobRefused::Full(job)),
            Ok(worker) => worker,
            Err(error) => return Err(JobRefused::System(job, error)),
        };
        let (task, job) = Job::new(job, &self.waiting);
        self.waiting.push(task);
        if let Some(index) = worker
            && let Some(first) = self.waiting.pop()
        {
            self.workers[index].hand(first);
        }
        Ok(job)
    }

    /// Runs a job here and now.
    #[cfg(feature = "simulation")]
    pub(crate) fn run_at_once<R, F>(&self, job: F) -> Job<R>
    where
        R: Send + 'static,
        F: FnOnce() -> R + Send + 'static,
    {
        let (task, job) = Job::new(job, &self.waiting);
        (task.run)();
        // Nobody waits yet: who will, is asked at once.
        task.waiters.take();
        job
    }

    /// A worker that has nothing to do and cannot leave any more, if there may be one.
    ///
    /// Without one, every worker has a job: who has ended it takes the next.
    fn find_worker(&mut self, bell: &Arc<Bell>) -> io::Result<Option<usize>> {
        let mut index = 0;
        while let Some(worker) = self.workers.get(index) {
            if worker.is_busy() {
                index += 1;
            } else if worker.claim() {
                return Ok(Some(index));
            } else {
                // It has left.
                self.workers.swap_remove(index);
            }
        }
        if index == self.most {
            return Ok(None);
        }
        match Worker::start(Arc::clone(bell)) {
            Ok(worker) => self.workers.push(worker),
            Err(error) if index == 0 => return Err(error),
            Err(error) => {
                log::debug!(target: "reactor::events", "{index} workers must do: {error}");
                return Ok(None);
            }
        }
        Ok(Some(index))
    }

    /// The wheels to be asked because a job is done. Who did it gets the next.
    pub(crate) fn collect(&mut self) -> Vec<WheelId> {
        let mut wheels = Vec::new();
        for worker in &mut self.workers {
            let Some(waiters) = worker.take_done() else { continue };
            wheels.extend(waiters.take());
            match self.waiting.pop() {
                Some(task) => worker.hand(task),
                None => worker.rest(),
            }
        }
        wheels
    }

    /// Ends the threads that have no job, and waits until they are gone, which takes no longer than it
    /// takes a thread to end.
    pub(crate) fn dismiss_idle(&mut self) {
        self.workers.extract_if(.., |worker| !worker.is_busy()).for_each(Worker::dismiss);
    }

    /// How many threads run jobs or wait for one.
    #[cfg(test)]
    pub(crate) fn threads_running(&self) -> usize {
        self.workers.iter().filter(|worker| worker.is_running()).count()
    }
}

/// Jobs that have not begun, in the order they came. Shared with their handles, who may withdraw them.
#[derive(Default)]
struct Waiting {
    tasks: Cell<VecDeque<Task>>,
}

impl Waiting {
    fn push(&self, task: Task) {
        self.change(|tasks| tasks.push_back(task));
    }

    fn pop(&self) -> Option<Task> {
        self.change(VecDeque::pop_front)
    }

    fn len(&self) -> usize {
        self.change(|tasks| tasks.len())
    }

    /// Takes out the task that these wait for, if it waits itself.
    fn withdraw(&self, waiters: &Rc<Waiters>) -> Option<Task> {
        self.change(|tasks| {
            let place = tasks.iter().position(|task| task.is_of(waiters))?;
            tasks.remove(place)
        })
    }

    /// None of what is done here drops a task, so no code but ours runs while they are taken out.
    fn change<R>(&self, change: impl FnOnce(&mut VecDeque<Task>) -> R) -> R {
        let mut tasks = self.tasks.take();
        let result = change(&mut tasks);
        self.tasks.set(tasks);
        result
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Waiting({})", self.len())
    }
}

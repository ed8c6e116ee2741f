//! One job: its closure on the way to a thread, and its result on the way back.
//!
//! A [`Job`] is held by whoever wants the result. Dropping it abandons the job.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::Waiting;
use crate::event::Bound;
use crate::ids::WheelId;
use crate::io::Io;
use crate::kernel::panic_message;
use crate::name::Symbol;
use crate::wheel::{Readiness, Wheel};

/// A closure that runs on another thread, and the place where its result arrives. For wheels; sessions
/// use [`Context::run_blocking`](crate::Context::run_blocking).
///
/// Made by [`Io::run_blocking`]. When the job is done the wheel's `next` is called, which
/// [takes](Self::take) the result. Dropping it abandons the job: one that waits for a thread never
/// begins; one that has begun runs to its end, and what it returns is dropped on its thread.
///
/// Several wheels may wait for one job, behind an [`Rc`]: see [`tell`](Self::tell).
pub struct Job<R> {
    result: Receiver<Result<R, JobError>>,
    waiters: Rc<Waiters>,
    waiting: Rc<Waiting>,
}

impl<R: Send + 'static> Job<R> {
    pub(super) fn new<F>(job: F, waiting: &Rc<Waiting>) -> (Task, Self)
    where
        F: FnOnce() -> R + Send + 'static,
    {
        let (sender, result) = sync_channel(1);
        let waiters = Rc::<Waiters>::default();
        let task = Task { run: Box::new(|| run(job, sender)), waiters: Rc::clone(&waiters) };
        (task, Self { result, waiters, waiting: Rc::clone(waiting) })
    }
}

impl<R> Job<R> {
    /// The result, once, when the job is done.
    #[must_use]
    pub fn take(&self) -> Option<Result<R, JobError>> {
        self.result.try_recv().ok()
    }

    /// Asks for [`Wheel::next`] to be called when the job is done, or soon if it is, for this wheel too.
    pub fn tell(&self, io: &mut Io<'_>) {
        if !self.waiters.add(io.id()) {
            io.again();
        }
    }
}

impl<R> Drop for Job<R> {
    fn drop(&mut self) {
        drop(self.waiting.withdraw(&self.waiters));
    }
}

impl<R> fmt::Debug for Job<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job({})", std::any::type_name::<R>())
    }
}

/// Runs the job and sends what came of it. If nobody wants it any more, it is dropped here.
fn run<R>(job: impl FnOnce() -> R, sender: SyncSender<Result<R, JobError>>) {
    let (result, panic) = match catch_unwind(AssertUnwindSafe(job)) {
        Ok(value) => (Ok(value), None),
        Err(panic) => (Err(JobError::Panicked(panic_message(&*panic).to_owned())), Some(panic)),
    };
    drop(sender.try_send(result));
    // Last, because it may panic once more.
    drop(panic);
}

/// Why a job has no result.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum JobError {
    /// The closure panicked, with this text.
    Panicked(String),
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(text) => write!(f, "the job panicked: {text}"),
        }
    }
}

impl Error for JobError {}

/// Why a job was not taken. Holds its closure.
pub enum JobRefused<F> {
    /// 1,024 jobs wait already: those that block have more to do than they can.
    Full(F),
    /// The system has no thread to give, or no descriptor to wake the loop with.
    System(F, io::Error),
}

impl<F> fmt::Display for JobRefused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("too many jobs wait for a thread"),
            Self::System(_, error) => write!(f, "no thread for a job: {error}"),
        }
    }
}

impl<F> fmt::Debug for JobRefused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("Full"),
            Self::System(_, error) => write!(f, "System({error:?})"),
        }
    }
}

impl<F> Error for JobRefused<F> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Full(_) => None,
            Self::System(_, error) => Some(error),
        }
    }
}

/// The wheel that a session holds of a job: tells the result and closes itself.
///
/// Made by [`Context::run_blocking`](crate::Context::run_blocking).
#[derive(Debug)]
pub struct Blocking<R> {
    job: Job<R>,
    event: Symbol,
}

impl<R> Blocking<R> {
    pub(crate) fn new(job: Job<R>, event: Symbol, io: &mut Io<'_>) -> Self {
        job.tell(io);
        Self { job, event }
    }
}

impl<R: Send + 'static> Wheel for Blocking<R> {
    type Event = (Bound<Result<R, JobError>>, Result<R, JobError>);

    fn ready(&mut self, _: Readiness) {}

    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        let result = self.job.take()?;
        io.close();
        io.that_is_all();
        Some((Bound::new(io.session(), self.event), result))
    }
}

/// A job as the pool sees it.
pub(super) struct Task {
    pub(super) run: Run,
    pub(super) waiters: Rc<Waiters>,
}

/// Runs a job and sends its result.
pub(super) type Run = Box<dyn FnOnce() + Send>;

impl Task {
    /// The same, passing the door that the thread passes which asked for it.
    #[cfg(feature = "faults")]
    pub(super) fn passing(self, share: crate::faults::Share) -> Self {
        let Self { run, waiters } = self;
        let run = move || {
            share.adopt();
            run();
        };
        Self { run: Box::new(run), waiters }
    }

    pub(super) fn is_of(&self, waiters: &Rc<Waiters>) -> bool {
        Rc::ptr_eq(&self.waiters, waiters)
    }
}

/// The wheels to be asked when a job is done.
pub(super) struct Waiters {
    /// `None` when it is done.
    wheels: Cell<Option<Vec<WheelId>>>,
}

impl Waiters {
    /// Says whether the job is still to be done.
    fn add(&self, wheel: WheelId) -> bool {
        let mut wheels = self.wheels.take();
        if let Some(wheels) = &mut wheels {
            wheels.push(wheel);
        }
        let pending = wheels.is_some();
        self.wheels.set(wheels);
        pending
    }

    pub(super) fn take(&self) -> Vec<WheelId> {
        self.wheels.take().unwrap_or_default()
    }
}

impl Default for Waiters {
    fn default() -> Self {
        Self { wheels: Cell::new(Some(Vec::new())) }
    }
}

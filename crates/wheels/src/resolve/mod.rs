//! What the system knows of names, asked off the loop.
//!
//! A [`Lookup`] asks one [`Question`] on the kernel's worker pool: a [`Query`] for the addresses of a
//! host or the port of a service, a [`Protocol`] for its number. It owns one wheel's wait for the answer
//! and promises that the loop never waits, that a question which many wheels of a kernel have at the
//! same time is asked once, that an answer is not kept for who asks later, and that a question nobody
//! waits for any more is not asked if it was not yet. It sets no timer, because a wheel has but one:
//! whoever holds a lookup has itself woken at its [`deadline`](Lookup::deadline).
//!
//! ```text
//! Lookup::start(question, timeout, io) -> Result<Lookup<Q>, Failed>    fails if nobody is asked
//! lookup.answer(io) -> Option<Result<Q::Answer, Failed>>               from the wheel's `next`
//! lookup.deadline() -> Option<Instant>                                 for `Io::wake_at`
//! ```
//!
//! getaddrinfo(3) cannot be interrupted. One that hangs keeps its thread, abandoned or not, until the
//! system gives up: with glibc's settings 10 s for each server. A kernel has four threads unless
//! [`workers`](reactor::KernelBuilder::workers) says otherwise. While all of them hang, other lookups
//! and jobs wait for one, and time out meanwhile.

mod failed;
mod pending;
mod protocol;
mod query;

use std::hash::Hash;
use std::rc::Rc;
use std::time::{Duration, Instant};

use reactor::Io;

use crate::failure::Operation;
use crate::sys::errno;
pub(crate) use failed::Failed;
use pending::{Pending, Shared};
pub use protocol::Protocol;
pub(crate) use query::Query;

/// Something that only the system knows, and may take its time to tell.
pub(crate) trait Question: Clone + Eq + Hash + Send + 'static {
    type Answer: Clone + Send + 'static;

    /// The call that fails when there is no answer.
    fn operation(&self) -> Operation;

    /// Refuses what has no answer, without asking.
    fn check(&self) -> Result<(), Failed>;

    /// Asks the system. Blocks.
    fn ask(&self) -> Result<Self::Answer, Failed>;
}

/// A question on its way. Dropping it abandons it.
#[derive(Debug)]
pub(crate) struct Lookup<Q: Question> {
    shared: Rc<Shared<Q>>,
    timeout: Duration,
    /// Absent if it is beyond all time.
    deadline: Option<Instant>,
}

impl<Q: Question> Lookup<Q> {
    /// Asks, or waits with those who have asked. The wheel is called when the answer is there.
    pub(crate) fn start(question: Q, timeout: Duration, io: &mut Io<'_>) -> Result<Self, Failed> {
        question.check()?;
        let pending = Rc::clone(io.shared_value::<Rc<Pending<Q>>>());
        let shared = pending.join(question, io)?;
        Ok(Self { shared, timeout, deadline: io.now().checked_add(timeout) })
    }

    /// The answer, or that it took too long; `None` while neither is so.
    pub(crate) fn answer(&self, io: &Io<'_>) -> Option<Result<Q::Answer, Failed>> {
        let answer = self.shared.answer();
        answer.or_else(|| self.is_late(io.now()).then(|| Err(self.timed_out())))
    }

    /// When it has taken too long.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn is_late(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    fn timed_out(&self) -> Failed {
        let text = format!("no answer within {:?}", self.timeout);
        Failed::new(self.shared.operation(), errno::TIMEDOUT, text)
    }
}

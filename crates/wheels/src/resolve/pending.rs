//! The questions of one kernel that have no answer yet.
//!
//! Owns a list of who asks what, so that nothing is asked twice at a time. A question stands in it from
//! when it is asked until its answer is there or nobody waits for it any more: no answer is ever given to
//! somebody who asked after it came.

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::fmt;
use std::rc::{Rc, Weak};

use reactor::{Io, Job, JobRefused};

use super::{Failed, Question};
use crate::failure::{Operation, describe};
use crate::sys::eai;

/// One for each kernel and type of question.
pub(super) struct Pending<Q: Question> {
    asked: Cell<HashMap<Q, Weak<Shared<Q>>>>,
}

/// What those who wait for one answer have in common.
pub(super) struct Shared<Q: Question> {
    question: Q,
    job: Job<Result<Q::Answer, Failed>>,
    answer: OnceCell<Result<Q::Answer, Failed>>,
    pending: Rc<Pending<Q>>,
}

impl<Q: Question> Pending<Q> {
    /// Asks, unless somebody has.
    pub(super) fn join(
        self: Rc<Self>,
        question: Q,
        io: &mut Io<'_>,
    ) -> Result<Rc<Shared<Q>>, Failed> {
        let shared = self.change(|asked| asked.get(&question).and_then(Weak::upgrade));
        if let Some(shared) = shared {
            shared.job.tell(io);
            return Ok(shared);
        }
        let asked = question.clone();
        let job = io
            .run_blocking(move || asked.ask())
            .map_err(|refused| busy(question.operation(), &refused))?;
        let pending = Rc::clone(&self);
        let shared = Rc::new(Shared { question, job, answer: OnceCell::new(), pending });
        let entry = (shared.question.clone(), Rc::downgrade(&shared));
        self.change(|asked| asked.insert(entry.0, entry.1));
        Ok(shared)
    }

    /// Nothing that is done here runs any code but the questions' own comparison.
    fn change<R>(&self, change: impl FnOnce(&mut HashMap<Q, Weak<Shared<Q>>>) -> R) -> R {
        let mut asked = self.asked.take();
        let result = change(&mut asked);
        self.asked.set(asked);
        result
    }
}

impl<Q: Question> Shared<Q> {
    /// The answer, if it is there. Who hears it first takes the question off the list.
    pub(super) fn answer(&self) -> Option<Result<Q::Answer, Failed>> {
        if self.answer.get().is_none()
            && let Some(result) = self.job.take()
        {
            self.leave();
            // The job has panicked: a module of the system's name service, or the wrapper of its call.
            let panicked = |error| {
                let text = format!("{error}");
                Err(Failed::new(self.question.operation(), eai::FAIL, text))
            };
            return Some(self.answer.get_or_init(|| result.unwrap_or_else(panicked)).clone());
        }
        self.answer.get().cloned()
    }

    pub(super) fn operation(&self) -> Operation {
        self.question.operation()
    }

    fn leave(&self) {
        self.pending.change(|asked| asked.remove(&self.question));
    }
}

impl<Q: Question> Drop for Shared<Q> {
    fn drop(&mut self) {
        // With an answer it has left, and the question may have been asked anew.
        if self.answer.get().is_none() {
            self.leave();
        }
    }
}

/// The pool takes no more, or has no thread.
fn busy<F>(operation: Operation, refused: &JobRefused<F>) -> Failed {
    match refused {
        JobRefused::Full(_) => Failed::new(operation, eai::AGAIN, refused.to_string()),
        JobRefused::System(_, error) => {
            Failed::new(operation, error.raw_os_error().unwrap_or(eai::AGAIN), describe(error))
        }
    }
}

impl<Q: Question> Default for Pending<Q> {
    fn default() -> Self {
        Self { asked: Cell::default() }
    }
}

impl<Q: Question> fmt::Debug for Pending<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pending({})", self.change(|asked| asked.len()))
    }
}

impl<Q: Question> fmt::Debug for Shared<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared(answered: {})", self.answer.get().is_some())
    }
}

//! What becomes of a panic or an error.
//!
//! A handler's is its session's failure, and so is that of other code that belongs to a session: its
//! wheels, and what it drops. Nothing of the kind unwinds through the loop, which would leave ledgers,
//! lists and notices half seen to.
//!
//! A failure is a death first (POE: the signal `DIE`): the session that failed, its ancestors and its
//! descendants may call it handled, and all live on. What an unhandled one does is the program's choice:
//! `OnException`.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use super::{Exception, Kernel, Letter};
use crate::config::OnException;
use crate::ids::{SessionId, WheelId};
use crate::signal::Death;

impl Kernel {
    /// A handler failed.
    #[cold]
    pub(super) fn fail(&mut self, letter: Letter, exception: Exception) {
        let event = self.names.text(letter.symbol()).to_owned();
        let death = Death {
            error: exception.to_string(),
            place: format!("its handler of {event}"),
            session: letter.to,
            sender: letter.from,
            event: Some(event),
            posted_in: letter.caller().map(|caller| self.names.text(caller).to_owned()),
        };
        self.die(death, exception);
    }

    /// Code failed that belongs to a session and is not one of its handlers.
    #[cold]
    fn fail_in(&mut self, session: SessionId, place: &str, exception: Exception) {
        let death = Death {
            error: exception.to_string(),
            place: place.to_owned(),
            session,
            sender: session,
            event: None,
            posted_in: None,
        };
        self.die(death, exception);
    }

    /// Runs what may run a handler. A handler's panic is seen to; then there is no result.
    #[inline]
    pub(super) fn guard_handler<R>(&mut self, run: impl FnOnce(&mut Self) -> R) -> Option<R> {
        match catch_unwind(AssertUnwindSafe(|| run(self))) {
            Ok(result) => Some(result),
            Err(panic) => {
                // Not a handler's, so it is the kernel's own: an assertion that did not hold.
                let Some(letter) = self.crashed.take() else { resume_unwind(panic) };
                self.fail(letter, Exception::Panic(panic));
                self.tidy();
                None
            }
        }
    }

    /// Runs code that belongs to a session and is not one of its handlers.
    #[inline]
    pub(super) fn guard(&mut self, session: SessionId, place: &str, run: impl FnOnce(&mut Self)) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(self))) {
            self.fail_in(session, place, Exception::Panic(panic));
            self.tidy();
        }
    }

    /// Drops what belongs to a session, one after the other: each may panic for itself.
    pub(super) fn drop_each<T>(
        &mut self,
        session: SessionId,
        place: &str,
        things: impl IntoIterator<Item = T>,
    ) {
        let mut things = things.into_iter();
        let mut left = true;
        while left {
            self.guard(session, place, |_| {
                things.by_ref().for_each(drop);
                left = false;
            });
        }
    }

    /// Runs a wheel's code, and the handlers of its events. A wheel that panics is closed: it may be half
    /// changed. One whose event's handler panicked goes on in the next turn.
    #[inline]
    pub(super) fn guard_wheel(&mut self, id: WheelId, run: impl FnOnce(&mut Self)) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(self))) {
            self.wheel_panicked(id, panic);
        }
    }

    #[cold]
    fn wheel_panicked(&mut self, id: WheelId, panic: Box<dyn Any + Send>) {
        self.clear_seat();
        let panic = Exception::Panic(panic);
        if let Some(letter) = self.crashed.take() {
            self.guard_wheel(id, |kernel| kernel.park_wheel(id));
            self.fail(letter, panic);
        } else {
            let session = self.wheels.meta(id).map_or(SessionId::KERNEL, |meta| meta.session);
            let cell = self.wheels.get(id).map(Rc::clone);
            let tells = AssertUnwindSafe(|| cell.and_then(|cell| cell.panicked(self)));
            let news = catch_unwind(tells);
            self.close_wheel(id);
            self.fail_in(session, "its wheel", panic);
            // Who may call it handled is asked before. If nobody does, there may be nobody to tell.
            self.tidy();
            let told = news.and_then(|news| {
                let tell = || news.into_iter().for_each(|tell| tell(self));
                catch_unwind(AssertUnwindSafe(tell))
            });
            if let Err(again) = told {
                self.clear_seat();
                let again = Exception::Panic(again);
                match self.crashed.take() {
                    Some(letter) => self.fail(letter, again),
                    None => self.fail_in(session, "its wheel", again),
                }
            }
        }
        self.tidy();
    }

    /// A session failed: whoever watches `DIE` is asked as soon as no handler runs.
    #[cold]
    fn die(&mut self, death: Death, exception: Exception) {
        self.stats.failures += 1;
        if let Some(further) = &mut self.dying {
            further.text.push_str(FURTHER);
            further.text.push_str(&death.error);
            further.sessions.push(death.session);
            return;
        }
        let ending = self.sessions.get(death.session).is_none_or(|slot| slot.phase.is_last());
        if ending || self.stopping || !self.signals.is_watched(Death::SIGNAL) {
            self.unhandled(&death, exception);
        } else {
            self.deaths.push_back((death, exception));
            self.desk.chores = true;
        }
    }

    /// Asks those concerned whether they handle the next death.
    pub(super) fn deliver_death(&mut self) {
        let Some((death, exception)) = self.deaths.pop_front() else { return };
        log::debug!(target: "reactor::sessions", "session {}: {} failed: {exception}", death.session, death.place);
        self.dying = Some(Further::default());
        let handled = self.tell_death(death.clone());
        let further = self.dying.take().unwrap_or_default();
        if !further.sessions.is_empty() {
            self.unhandled(&death, exception.with(&further.text));
            match self.on_exception {
                OnException::Stop => {}
                OnException::Isolate => {
                    further.sessions.into_iter().for_each(|session| self.end_failed(session));
                }
            }
        } else if !handled {
            self.unhandled(&death, exception);
        }
    }

    fn unhandled(&mut self, death: &Death, exception: Exception) {
        let Death { session, place, .. } = death;
        match self.on_exception {
            OnException::Stop => {
                log::debug!(target: "reactor::sessions", "session {session}: {place} failed: {exception}");
                // The first failure is the cause; what fails on the way down is not.
                self.failure.get_or_insert(exception);
                self.ask_stop();
            }
            OnException::Isolate => {
                log::error!(
                    target: "reactor::sessions",
                    "session {session} is stopped: {place} failed: {exception}"
                );
                self.end_failed(*session);
            }
        }
    }
}

/// What failed while those were asked who watch `DIE`.
#[derive(Debug, Default)]
pub(super) struct Further {
    text: String,
    sessions: Vec<SessionId>,
}

/// What stands between a failure and that of a handler of `DIE` (the words are POE's).
const FURTHER: &str = "\nAdditional error thrown in handler for previous error:\n";

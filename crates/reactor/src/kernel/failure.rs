//! What becomes of a panic or an error.
//!
//! A handler's is its session's failure, and so is that of other code that belongs to a session: its
//! wheels, and what it drops. Nothing of the kind unwinds through the loop, which would leave ledgers,
//! lists and notices half seen to. What a failure does is the program's choice: `OnException`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Exception, Kernel};
use crate::config::OnException;
use crate::ids::{SessionId, WheelId};
use crate::name::Symbol;

impl Kernel {
    /// A handler failed.
    #[cold]
    pub(super) fn fail(&mut self, session: SessionId, symbol: Symbol, exception: Exception) {
        let place = format!("its handler of {}", self.names.text(symbol));
        self.fail_in(session, &place, exception);
    }

    /// Runs code that belongs to a session and is not one of its handlers.
    #[inline]
    pub(super) fn guard(&mut self, session: SessionId, place: &str, run: impl FnOnce(&mut Self)) {
        let depth = self.depth;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(self))) {
            self.depth = depth;
            self.fail_in(session, place, Exception::Panic(panic));
            self.stop_if_asked();
        }
    }

    /// Runs a wheel's code. A wheel that panics is closed: it may be half changed.
    #[inline]
    pub(super) fn guard_wheel(&mut self, id: WheelId, run: impl FnOnce(&mut Self)) {
        let depth = self.depth;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(self))) {
            self.depth = depth;
            let session = self.wheels.get(id.0).map(|slot| slot.meta.session);
            self.close_wheel(id);
            self.fail_in(
                session.unwrap_or(SessionId::KERNEL),
                "its wheel",
                Exception::Panic(panic),
            );
            self.tidy();
            self.stop_if_asked();
        }
    }

    #[cold]
    fn fail_in(&mut self, session: SessionId, place: &str, exception: Exception) {
        self.stats.failures += 1;
        let what = match &exception {
            Exception::Error(error) => error.to_string(),
            Exception::Panic(panic) => format!("panic: {}", panic_message(&**panic)),
        };
        match self.on_exception {
            OnException::Stop => {
                log::debug!(target: "reactor::sessions", "session {session}: {place} failed: {what}");
                self.stopping = true;
                // The first failure is the cause; what fails on the way down is not.
                self.failure.get_or_insert(exception);
            }
            OnException::Isolate => {
                log::error!(
                    target: "reactor::sessions",
                    "session {session} is stopped: {place} failed: {what}"
                );
                // Further up the stack of calls it may be in the middle of something.
                if self.sessions.is_running(session) {
                    self.sessions.doom(session);
                } else {
                    self.stop_session(session);
                }
            }
        }
    }
}

pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(not text)")
}

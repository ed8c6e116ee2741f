//! The session that was told the last event of a wheel, kept at hand for the next one.
//!
//! The wheels that the system names one after the other belong to the same session as a rule. It stays out of
//! its slot until somebody else is told something, something is to be done between two events, or all that
//! were named are served; a wheel that is pulled for another reason leaves nobody here. Promises that nobody
//! looks for a session in its slot while it sits here: whoever tells anybody anything by another way, and
//! whoever looks at sessions while no handler runs, sends it back first. (A snapshot, which a wheel's own
//! `Deliver` may take between two events, asks who sits here.)

use super::Kernel;
use crate::ids::SessionId;
use crate::session::AnySession;

/// Empty while a handler runs.
pub(super) struct Seat {
    session: SessionId,
    body: Option<Box<dyn AnySession>>,
}

impl Seat {
    pub(super) const fn new() -> Self {
        Self { session: SessionId::KERNEL, body: None }
    }

    /// The session, if it sits here.
    #[inline(always)]
    pub(super) fn take(&mut self, session: SessionId) -> Option<Box<dyn AnySession>> {
        if self.session == session { self.body.take() } else { None }
    }

    /// Whether the session sits here: it is out of its slot, and does not run.
    pub(super) fn has(&self, session: SessionId) -> bool {
        self.session == session && self.body.is_some()
    }

    /// Seats a session. Nobody else sits here.
    #[inline(always)]
    pub(super) fn put(&mut self, session: SessionId, body: Box<dyn AnySession>) {
        debug_assert!(self.body.is_none(), "it was sent back, or is this one");
        self.session = session;
        if self.body.is_none() {
            self.body = Some(body);
        }
    }
}

impl Kernel {
    /// Sends whoever sits there back to its slot.
    #[inline(always)]
    pub(super) fn clear_seat(&mut self) {
        if self.seat.body.is_some() {
            self.send_back();
        }
    }

    #[inline(never)]
    fn send_back(&mut self) {
        if let Some(body) = self.seat.body.take() {
            self.sessions.put_back(self.seat.session, body);
        }
    }
}

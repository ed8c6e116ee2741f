//! Sessions' timers, and the ledger's share in them.

use std::time::Duration;

use super::Kernel;
use crate::error::NoSuchTimer;
use crate::ids::{SessionId, TimerId};
use crate::name::Symbol;
use crate::session::Hold;
use crate::timers::Ring;

impl Kernel {
    #[inline]
    pub(crate) fn set_timer(&mut self, session: SessionId, delay: Duration, ring: Ring) -> TimerId {
        self.read_posts();
        self.sessions.add(session, Hold::Timer);
        let stamp = self.desk.stamp(self.desk.now.after(delay));
        self.desk.timers.set(stamp, session, ring)
    }

    pub(crate) fn remove_timer(
        &mut self,
        session: SessionId,
        timer: TimerId,
    ) -> Result<(), NoSuchTimer> {
        if self.desk.timers.owner(timer) != Some(session) {
            return Err(NoSuchTimer);
        }
        // A wheel's timer has an id that only the wheel's notes know, so this is a session's.
        self.desk.timers.remove(timer).ok_or(NoSuchTimer)?;
        self.sessions.release(session, Hold::Timer);
        Ok(())
    }

    pub(crate) fn remove_timers_named(&mut self, session: SessionId, symbol: Symbol) {
        while let Some(timer) = self.desk.timers.named(session, symbol) {
            self.desk.timers.remove(timer);
            self.sessions.release(session, Hold::Timer);
        }
    }
}

//! What time it is to a wheel, and its one alarm.

use std::time::Instant;

use super::Io;
use crate::timers::Ring;

impl Io<'_> {
    /// The time of this turn.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.desk.clock.instant(self.desk.now)
    }

    /// Asks for [`Wheel::next`](crate::Wheel::next) to be called at a time, instead of what was asked
    /// before. Never early; once.
    pub fn wake_at(&mut self, time: Instant) {
        let stamp = self.desk.stamp(self.desk.clock.moment_of(time));
        match self.meta.alarm {
            Some(alarm) if self.desk.timers.reset(alarm, stamp) => {}
            Some(_) | None => {
                let ring = Ring::Wheel(self.id);
                self.meta.alarm = Some(self.desk.timers.set(stamp, self.meta.session, ring));
            }
        }
    }

    /// Whether what [`wake_at`](Self::wake_at) asked for is still to come.
    #[must_use]
    #[inline]
    pub const fn is_waiting(&self) -> bool {
        self.meta.alarm.is_some()
    }

    /// Takes back what [`wake_at`](Self::wake_at) asked for.
    pub fn sleep(&mut self) {
        if let Some(alarm) = self.meta.alarm.take() {
            self.desk.timers.remove(alarm);
        }
    }
}

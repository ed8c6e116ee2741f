//! What time it is to a wheel, and its one alarm.

use std::time::{Duration, Instant};

use super::Io;
use crate::clock::Moment;

impl Io<'_> {
    /// The time of this turn.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.desk.clock.instant(self.desk.now)
    }

    /// How long the clock of the kernel has run, as of this turn: the same as [`now`](Self::now), for who notes many
    /// times and compares them among each other.
    #[must_use]
    #[inline]
    pub fn uptime(&self) -> Duration {
        self.desk.now.since(Moment::ZERO)
    }

    /// Asks for [`Wheel::next`](crate::Wheel::next) to be called at a time, instead of what was asked
    /// before. Never early; once.
    pub fn wake_at(&mut self, time: Instant) {
        let stamp = self.desk.stamp(self.desk.clock.moment_of(time));
        self.desk.timers.set_alarm(self.id.0.slot(), stamp);
        self.meta.alarm = true;
    }

    /// Whether what [`wake_at`](Self::wake_at) asked for is still to come.
    #[must_use]
    #[inline]
    pub const fn is_waiting(&self) -> bool {
        self.meta.alarm
    }

    /// The time that [`wake_at`](Self::wake_at) asked for, if it is still to come.
    #[must_use]
    pub fn alarm(&self) -> Option<Instant> {
        let due = self.meta.alarm.then(|| self.desk.timers.alarm(self.id.0.slot()))??;
        Some(self.desk.clock.instant(due))
    }

    /// Takes back what [`wake_at`](Self::wake_at) asked for.
    pub fn sleep(&mut self) {
        self.desk.sleep(self.id, self.meta);
    }
}

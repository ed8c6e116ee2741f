//! By how much a timer is moved.

use std::time::{Duration, SystemTime};

use crate::clock::Moment;

/// By how much [`Context::alarm_adjust`](crate::Context::alarm_adjust) moves a timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Adjust {
    /// It rings so much later.
    Later(Duration),
    /// It rings so much earlier: at once, if that is past.
    Earlier(Duration),
}

impl Adjust {
    pub(crate) const fn is_nothing(self) -> bool {
        match self {
            Self::Later(by) | Self::Earlier(by) => by.is_zero(),
        }
    }

    pub(crate) fn applied_to(self, due: Moment) -> Moment {
        match self {
            Self::Later(by) => due.after(by),
            Self::Earlier(by) => due.before(by),
        }
    }

    /// None if no wall clock can show that.
    pub(crate) fn applied_to_wall(self, time: SystemTime) -> Option<SystemTime> {
        match self {
            Self::Later(by) => time.checked_add(by),
            Self::Earlier(by) => time.checked_sub(by),
        }
    }
}

//! What the other parts of a stream ask about its input.

use super::{Inbound, Phase};

impl Inbound {
    /// Whether there is more to tell before long: it stopped because others are to be served.
    pub(in crate::read_write) fn is_flowing(&self) -> bool {
        self.phase == Phase::Flowing && self.readable && !self.is_paused()
    }

    /// Whether nothing is in the way of input: no pause, no end, nothing put aside.
    #[inline(always)]
    pub(in crate::read_write) fn is_plain(&self) -> bool {
        (self.phase == Phase::Flowing) & (self.paused == 0) & self.kept.is_none()
    }

    /// Whether neither its end nor an error has come, nor a shutdown.
    #[inline]
    pub(in crate::read_write) fn is_open(&self) -> bool {
        self.phase == Phase::Flowing
    }

    /// Whether there may be more to read.
    #[inline]
    pub(in crate::read_write) const fn is_readable(&self) -> bool {
        self.readable
    }

    /// Whether bytes have come since this was asked last.
    #[inline]
    pub(in crate::read_write) const fn has_moved(&mut self) -> bool {
        let moved = self.moved;
        self.moved = false;
        moved
    }

    /// How many bytes have come in all.
    pub(in crate::read_write) const fn received(&self) -> u64 {
        self.received
    }

    /// Whether a record is unfinished. To be asked when all that was read is parked.
    pub(in crate::read_write) fn is_unfinished(&self) -> bool {
        self.kept.is_some()
    }

    pub(in crate::read_write) const fn is_paused(&self) -> bool {
        self.paused != 0
    }

    /// Whether nothing is read any more.
    pub(in crate::read_write) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::Deaf)
    }

    /// Whether nothing will come any more.
    #[inline]
    pub(in crate::read_write) fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::Deaf | Phase::Stuck)
    }
}

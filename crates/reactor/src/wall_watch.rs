//! How the wall clock stands to the monotonic one, and word of its being stepped.
//!
//! Between two steps the distance of the two clocks does not change: they are slewed together. So they are
//! read once, and again after a step; equal times on the wall then are equal times in the order. Owns the
//! system's notice of steps, from the first timer on that is set by the wall clock. A virtual clock needs
//! none: it is asked. Never moves a timer: `kernel/timers.rs` does.

use std::io;

use crate::clock::{Clock, Reading};
use crate::poller::Poller;
use crate::sys::StepNotice;
use crate::token;

#[derive(Debug, Default)]
pub(crate) struct WallWatch {
    notice: Option<StepNotice>,
    reading: Option<Reading>,
    /// A virtual clock's steps, as of the last look.
    steps: u64,
}

impl WallWatch {
    /// How the clocks stand. From now on the poller tells of a step.
    pub(crate) fn reading(&mut self, clock: &Clock, poller: &Poller) -> Reading {
        if clock.is_virtual() {
            return clock.reading();
        }
        if self.notice.is_none() {
            // In this order no step goes unnoticed.
            self.open(poller);
            self.reading = None;
        }
        *self.reading.get_or_insert_with(|| clock.reading())
    }

    /// The wall clock was stepped, or may have been: looks how the clocks stand.
    pub(crate) fn look_again(&mut self, clock: &Clock) -> Reading {
        if let Some(notice) = &self.notice {
            notice.clear();
        }
        *self.reading.insert(clock.reading())
    }

    /// Whether a virtual clock was stepped since the last call.
    pub(crate) fn was_stepped(&mut self, clock: &Clock) -> bool {
        std::mem::replace(&mut self.steps, clock.wall_steps()) != clock.wall_steps()
    }

    /// Makes the notice of a child that is about to be forked, if there is one here.
    pub(crate) fn twin(&self, poller: &Poller) -> io::Result<Option<StepNotice>> {
        self.notice.as_ref().map(|_| polled(poller)).transpose()
    }

    /// This is the child: the other notice is its parent's.
    pub(crate) fn become_twin(&mut self, twin: Option<StepNotice>) {
        self.notice = twin;
    }

    fn open(&mut self, poller: &Poller) {
        match polled(poller) {
            Ok(notice) => self.notice = Some(notice),
            // Tried again with the next such timer. Until then a step forward makes them late; a step
            // back does no harm, because they look at the clock before they ring.
            Err(error) => log::warn!(
                target: "reactor::timers",
                "a step of the wall clock will go unnoticed: {error}"
            ),
        }
    }
}

fn polled(poller: &Poller) -> io::Result<StepNotice> {
    let notice = StepNotice::new()?;
    poller.watch(notice.fd(), token::CLOCK)?;
    Ok(notice)
}

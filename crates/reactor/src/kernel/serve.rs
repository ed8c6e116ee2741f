//! A wheel's share of a turn: it is told what it is ready for, pulled, and flushed.
//!
//! Owns nothing. Promises that no borrow of a wheel lasts while a handler runs: a wheel is looked up anew
//! after each event, because the handler may have dropped it, or put another in its place. `serve` and
//! `pull_many` are made once for each type of wheel, so that events do not leave their types, and a wheel
//! gives them to whoever knows only its number.

use super::Kernel;
use crate::config::EVENT_BUDGET;
use crate::further::WatchId;
use crate::ids::WheelId;
use crate::io::Io;
use crate::wheel::{Deliver, Readiness, Wheel};

/// Tells a wheel of one type what it is ready for, pulls and flushes.
pub(crate) type Serve = fn(&mut Kernel, WheelId, Readiness);

/// Pulls events out of a wheel of one type and delivers them, at most so many.
pub(crate) type PullMany = fn(&mut Kernel, WheelId, &mut u32) -> Pulled;

/// Why pulling ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pulled {
    /// There is nothing more to tell.
    All,
    /// It was as much as may be.
    Enough,
    /// The wheel is gone, or another has its place.
    Changed,
}

impl Kernel {
    /// Serves a wheel that the system says is ready.
    #[inline]
    pub(super) fn ready_wheel(&mut self, id: WheelId, readiness: Readiness) {
        self.guard_wheel(id, |kernel| {
            // `serve` looks whether it is still the same one.
            let Some(slot) = kernel.wheels.at(id.0.slot()) else { return };
            let serve = slot.wheel.serve();
            serve(kernel, id, readiness);
        });
        if !self.desk.dirty.is_empty() {
            self.flush();
        }
    }

    /// The way of nearly every event: the wheel is found once before its handler runs, and once after.
    pub(crate) fn serve<W: Wheel>(&mut self, id: WheelId, readiness: Readiness) {
        let Some((wheel, mut io)) = self.wheel_mut::<W>(id) else { return };
        wheel.ready(readiness);
        // One that stands in the list of those still ready has its share when its turn comes.
        if io.meta.again {
            return;
        }
        io.desk.begin_share(id);
        let event = wheel.next(&mut io);
        let is_last = io.all_told;
        match event {
            None => self.tidy(),
            Some(event) => {
                event.deliver(self);
                if !is_last {
                    self.pull_on(id, Self::pull_many::<W>, EVENT_BUDGET - 1);
                }
            }
        }
        self.flush_own::<W>(id);
    }

    /// Writes what the wheel has to write that was just pulled: as a rule it is the only one that has.
    #[inline(always)]
    fn flush_own<W: Wheel>(&mut self, id: WheelId) {
        if self.desk.dirty[..] != [id] {
            return;
        }
        self.desk.dirty.clear();
        let Some((wheel, mut io)) = self.wheel_mut::<W>(id) else { return self.flush_wheel(id) };
        io.meta.dirty = false;
        if wheel.flush(&mut io) {
            self.pump(id);
        }
        self.tidy();
    }

    /// Pulls events out of a wheel until it has no more to tell, or has had its share of the turn.
    fn pump(&mut self, id: WheelId) {
        let Some(slot) = self.wheels.get(id.0) else { return };
        let pull_many = slot.wheel.pull_many();
        self.desk.begin_share(id);
        self.pull_on(id, pull_many, EVENT_BUDGET);
    }

    /// Goes on pulling. What a handler puts in the place of the wheel has the rest of the same share.
    #[inline(never)]
    fn pull_on(&mut self, id: WheelId, pull_many: PullMany, mut most: u32) {
        let mut pulled = pull_many(self, id, &mut most);
        while pulled == Pulled::Changed {
            let Some(slot) = self.wheels.get(id.0) else { return };
            let pull_many = slot.wheel.pull_many();
            pulled = pull_many(self, id, &mut most);
        }
        if pulled == Pulled::Enough {
            self.park_wheel(id);
            self.tidy();
        }
    }

    pub(crate) fn pull_many<W: Wheel>(&mut self, id: WheelId, most: &mut u32) -> Pulled {
        while *most > 0 {
            let Some((wheel, mut io)) = self.wheel_mut::<W>(id) else { return Pulled::Changed };
            *most -= 1;
            let event = wheel.next(&mut io);
            let is_last = io.all_told;
            let Some(event) = event else {
                self.tidy();
                return Pulled::All;
            };
            event.deliver(self);
            if is_last {
                return Pulled::All;
            }
        }
        Pulled::Enough
    }

    /// Tells a wheel what a further descriptor is ready for, and pulls.
    pub(super) fn ready_further(&mut self, watch: &WatchId, readiness: Readiness) {
        // Nobody, if it was unwatched since the system was asked.
        let Some(id) = self.desk.further.wheel_of(watch) else { return };
        self.guard_wheel(id, |kernel| {
            let Some(slot) = kernel.wheels.get_mut(id.0) else { return };
            slot.wheel.ready_also(watch, readiness);
            if !slot.meta.again {
                kernel.pump(id);
            }
        });
        self.flush();
        self.clear_seat();
    }

    /// Pulls from a wheel that asked for it.
    pub(super) fn pull_wheel(&mut self, id: WheelId) {
        self.guard_wheel(id, |kernel| kernel.pump(id));
        self.flush();
        self.clear_seat();
    }

    /// Takes what a wheel has in the shared buffer to the wheel, which is asked again in the next turn.
    pub(super) fn park_wheel(&mut self, id: WheelId) {
        let Some(slot) = self.wheels.get_mut(id.0) else { return };
        let mut io = Io::new(id, &mut slot.meta, &mut self.desk);
        slot.wheel.park(&mut io);
        io.again();
    }

    /// Writes what wheels have to write. One that is written to meanwhile waits for the next time.
    pub(super) fn flush(&mut self) {
        let dirty = self.desk.dirty.len();
        if dirty == 0 {
            return;
        }
        for place in 0..dirty {
            let Some(id) = self.desk.dirty.get(place).copied() else { break };
            self.guard_wheel(id, |kernel| kernel.flush_wheel(id));
        }
        if self.desk.dirty.len() == dirty {
            self.desk.dirty.clear();
        } else {
            self.desk.dirty.drain(..dirty.min(self.desk.dirty.len()));
        }
        self.tidy();
        self.clear_seat();
    }

    fn flush_wheel(&mut self, id: WheelId) {
        let Some(slot) = self.wheels.get_mut(id.0) else { return };
        slot.meta.dirty = false;
        if slot.wheel.flush(&mut Io::new(id, &mut slot.meta, &mut self.desk)) {
            self.pump(id);
        }
    }
}

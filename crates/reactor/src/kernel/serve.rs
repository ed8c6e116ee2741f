//! A wheel's share of a turn: it is told what it is ready for, pulled, and flushed.
//!
//! Owns nothing. Promises that no borrow of a wheel lasts while a handler runs: its cell is opened anew
//! after each event, because the handler may have dropped the wheel, or put another in its place. `serve` and
//! `pull_many` are made once for each type of wheel, so that events do not leave their types.

use std::rc::Rc;

use super::Kernel;
use crate::config::EVENT_BUDGET;
use crate::further::WatchId;
use crate::ids::WheelId;
use crate::wheel::{Deliver, Readiness, Wheel};
use crate::wheel_table::WheelCell;

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
        let Some(cell) = self.wheels.get(id).map(Rc::clone) else { return };
        self.guard_wheel(id, |kernel| cell.serve(kernel, readiness));
        if !self.desk.dirty.is_empty() {
            self.flush();
        }
    }

    /// The way of nearly every event: nobody looks for the wheel, before its handler runs or after.
    pub(crate) fn serve<W: Wheel>(&mut self, cell: &WheelCell<W>, readiness: Readiness) {
        let Some((wheel, mut io)) = self.open(cell) else { return };
        wheel.ready(readiness);
        // One that stands in the list of those still ready has its share when its turn comes.
        if io.meta.again {
            return;
        }
        io.desk.begin_share(cell.id());
        let event = wheel.next(&mut io);
        let is_last = io.all_told;
        match event {
            None => self.tidy(),
            Some(event) => {
                event.deliver(self);
                if !is_last {
                    self.pull_on(cell.id(), EVENT_BUDGET - 1);
                }
            }
        }
        self.flush_own(cell);
    }

    /// Writes what the wheel has to write that was just pulled: as a rule it is the only one that has.
    #[inline(always)]
    fn flush_own<W: Wheel>(&mut self, cell: &WheelCell<W>) {
        if self.desk.dirty.len() != 1 {
            return;
        }
        let Some((wheel, mut io)) = self.open(cell) else { return };
        // Who is dirty stands in the list: alone.
        if !std::mem::take(&mut io.meta.dirty) {
            return;
        }
        io.desk.dirty.clear();
        if wheel.flush(&mut io) {
            self.pump(cell.id());
        }
        self.tidy();
    }

    /// Pulls events out of a wheel until it has no more to tell, or has had its share of the turn.
    fn pump(&mut self, id: WheelId) {
        self.desk.begin_share(id);
        self.pull_on(id, EVENT_BUDGET);
    }

    /// Goes on pulling. What a handler puts in the place of the wheel has the rest of the same share.
    #[inline(never)]
    fn pull_on(&mut self, id: WheelId, mut most: u32) {
        let mut next = self.wheels.get(id).map(Rc::clone);
        while let Some(cell) = next.take() {
            match cell.pull_many(self, &mut most) {
                Pulled::All => {}
                Pulled::Enough => {
                    self.park_wheel(id);
                    self.tidy();
                }
                Pulled::Changed => {
                    let now = self.wheels.get(id).filter(|now| !Rc::ptr_eq(now, &cell));
                    next = now.map(Rc::clone);
                }
            }
        }
    }

    pub(crate) fn pull_many<W: Wheel>(&mut self, cell: &WheelCell<W>, most: &mut u32) -> Pulled {
        while *most > 0 {
            let Some((wheel, mut io)) = self.open(cell) else { return Pulled::Changed };
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
            let Some(cell) = kernel.wheels.get(id).map(Rc::clone) else { return };
            cell.ready_also(kernel, watch, readiness);
            if !kernel.wheels.meta_in(&*cell).again {
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
        let Some(cell) = self.wheels.get(id).map(Rc::clone) else { return };
        cell.park(self);
        self.ask_again(id);
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
        let Some(cell) = self.wheels.get(id).map(Rc::clone) else { return };
        self.wheels.meta_in(&*cell).dirty = false;
        if cell.flush(self) {
            self.pump(id);
        }
    }
}

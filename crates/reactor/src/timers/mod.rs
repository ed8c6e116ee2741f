//! Alarms and delays, soonest first.
//!
//! Owns every timer that is set, a session's and a wheel's. Of a wheel's, which is its alarm, it keeps no more
//! than when it rings: a connection with limits of time has one. Promises to hand them out by due time,
//! equals in the order they were set, and never one that was removed. Setting one, moving one and
//! removing one cost the same whether ten wait or a million. Never reads a clock, never runs a handler.
//! `kernel/turn.rs` says when a due timer becomes an event.

mod adjust;
mod dues;
mod names;
mod order;
mod removed;
mod room;
mod run;
mod wall;
mod wheel;

use std::hint::black_box;
use std::time::SystemTime;

use crate::arena::{Arena, Key};
use crate::clock::Moment;
use crate::ids::{SessionId, TimerId};
use crate::name::Symbol;
use crate::payload::{Payload, Plain};
use crate::queue::Stamp;
pub use adjust::Adjust;
use dues::{Item, OF_WHEEL};
use names::Names;
use order::Order;
pub use removed::Removed;
use wall::WallTimes;

#[derive(Debug)]
pub(crate) struct Timers {
    timers: Arena<Timer>,
    /// By the slots of `timers`, as are the names and the wall times; and by the slots of wheels.
    order: Order,
    names: Names,
    wall: WallTimes,
}

/// A session's timer.
#[derive(Debug)]
#[repr(C)] // in this order: who has looked at the session has the processor fetch the rest
pub(crate) struct Timer {
    pub(crate) payload: Payload,
    pub(crate) symbol: Symbol,
    pub(crate) session: SessionId,
}

/// What rings.
#[derive(Debug)]
pub(crate) enum Ring {
    Timer(Timer),
    /// The alarm of the wheel in this slot.
    Alarm(u32),
}

impl Timer {
    /// Leaves the name and the session behind, and nothing else.
    #[inline(always)]
    fn take(&mut self) -> Self {
        let Self { symbol, session, .. } = *self;
        Self {
            payload: std::mem::replace(&mut self.payload, Payload::Plain(Plain::Unit)),
            symbol,
            session,
        }
    }
}

impl Timers {
    pub(crate) fn new() -> Self {
        Self {
            timers: Arena::new(),
            order: Order::new(),
            names: Names::new(),
            wall: WallTimes::default(),
        }
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, stamp: Stamp, timer: Timer) -> TimerId {
        let Timer { session, symbol, .. } = timer;
        let key = self.timers.insert(timer);
        self.names.link(session, symbol, key.slot());
        self.order.insert(key.slot(), stamp);
        TimerId(key)
    }

    /// Sets the alarm of the wheel in this slot, or moves it if it is set.
    pub(crate) fn set_alarm(&mut self, wheel: u32, stamp: Stamp) {
        let slot = wheel | OF_WHEEL;
        if self.order.stamp(slot).is_some() {
            self.order.reset(slot, stamp);
        } else {
            self.order.insert(slot, stamp);
        }
    }

    /// When the alarm of the wheel in this slot rings, if it is set.
    pub(crate) fn alarm(&self, wheel: u32) -> Option<Moment> {
        self.order.stamp(wheel | OF_WHEEL).map(|stamp| stamp.due)
    }

    /// Takes the alarm of the wheel in this slot out, if it is set.
    pub(crate) fn remove_alarm(&mut self, wheel: u32) {
        self.order.remove_alarm(wheel);
    }

    /// Takes a timer out, whether it is due or not. It will not ring.
    pub(crate) fn remove(&mut self, id: TimerId) -> Option<(Stamp, Timer)> {
        self.remove_if(id, |_| true)
    }

    /// Takes a timer out if this session has set it.
    #[inline(always)]
    pub(crate) fn remove_of(&mut self, session: SessionId, id: TimerId) -> Option<(Stamp, Timer)> {
        self.remove_if(id, |timer| timer.session == session)
    }

    /// Moves a timer to another time, behind its equals. It does not follow the wall clock any more.
    #[inline]
    pub(crate) fn reset(&mut self, id: TimerId, stamp: Stamp) -> bool {
        let there = self.timers.get(id.0).is_some();
        if there {
            self.wall.forget(id.0.slot());
            self.order.reset(id.0.slot(), stamp);
        }
        there
    }

    /// Makes another timer of the same name out of one: with another time, payload and id, but without
    /// taking anything out or putting it in. Gives the old payload back.
    #[inline]
    pub(crate) fn renew(
        &mut self,
        id: TimerId,
        stamp: Stamp,
        payload: Payload,
    ) -> Option<(TimerId, Payload)> {
        let old = std::mem::replace(&mut self.timers.get_mut(id.0)?.payload, payload);
        self.reset(id, stamp);
        self.timers.renew(id.0).map(|key| (TimerId(key), old))
    }

    /// The timer of this name that the session set last, if there is one.
    #[inline]
    pub(crate) fn newest(&self, session: SessionId, symbol: Symbol) -> Option<TimerId> {
        let slot = self.names.newest(session, symbol)?;
        self.timers.key_of(slot).map(TimerId)
    }

    /// The timer of the same name that the session set before this one, if there is one.
    #[inline]
    pub(crate) fn older(&self, id: TimerId) -> Option<TimerId> {
        let slot = self.names.older(id.0.slot())?;
        self.timers.key_of(slot).map(TimerId)
    }

    /// Whether the session set another timer of the same name before this one.
    #[inline]
    pub(crate) fn has_older(&self, id: TimerId) -> bool {
        self.names.older(id.0.slot()).is_some()
    }

    pub(crate) fn get(&self, id: TimerId) -> Option<&Timer> {
        self.timers.get(id.0)
    }

    /// Where a timer stands in the order of everything.
    pub(crate) fn stamp(&self, id: TimerId) -> Option<Stamp> {
        self.timers.get(id.0).and_then(|_| self.order.stamp(id.0.slot()))
    }

    /// Takes out every timer of a session, in no order. A wheel's timer goes with the wheel.
    pub(crate) fn remove_session(&mut self, session: SessionId) -> Vec<(Stamp, Timer)> {
        let slots = self.names.of_session(session).into_iter();
        let keys = slots.filter_map(|slot| self.timers.key_of(slot)).collect();
        self.remove_each(keys)
    }

    /// Takes out the timers of all sessions, in no order.
    pub(crate) fn remove_all(&mut self) -> Vec<(Stamp, Timer)> {
        self.remove_each(self.timers.iter().map(|(key, _)| key).collect())
    }

    /// Has a timer follow the wall clock from now on: it is for that time.
    pub(crate) fn follow_wall(&mut self, id: TimerId, time: SystemTime) {
        if self.timers.get(id.0).is_some() {
            self.wall.follow(id.0.slot(), time);
        }
    }

    /// The wall time that a timer is for, if it follows the wall clock.
    pub(crate) fn wall_time(&self, id: TimerId) -> Option<SystemTime> {
        self.timers.get(id.0).and_then(|_| self.wall.time(id.0.slot()))
    }

    /// Whether a timer follows the wall clock.
    #[inline]
    pub(crate) fn have_wall_times(&self) -> bool {
        !self.wall.is_empty()
    }

    /// Moves each timer that follows the wall clock to where `due` now says that its time is. Equals stay
    /// in the order in which they were set.
    pub(crate) fn reset_wall_times(&mut self, due: impl Fn(SystemTime) -> Moment) {
        for (slot, time) in self.wall.iter() {
            if let Some(Stamp { sequence, .. }) = self.order.stamp(slot) {
                self.order.reset(slot, Stamp { due: due(time), sequence });
            }
        }
    }

    /// The next timer to ring, of those due by `now` and set before `limit`.
    #[inline(always)]
    pub(crate) fn peek_due(&mut self, now: Moment, limit: u64) -> Option<Stamp> {
        let Self { order, timers, names, .. } = self;
        order.peek_due(now, limit, |slot| {
            black_box(timers.at(slot).map(|timer| timer.session));
            names.read_ahead(slot);
        })
    }

    /// The timer that `peek_due` just promised, to be removed or moved. `None` if it is an alarm.
    pub(crate) fn first(&mut self) -> Option<TimerId> {
        self.order.first().and_then(|item| self.timers.key_of(item.slot)).map(TimerId)
    }

    /// Takes out what `peek_due` just promised.
    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<Ring> {
        let Item { slot, .. } = self.order.pop()?;
        if slot & OF_WHEEL != 0 {
            return Some(Ring::Alarm(slot & !OF_WHEEL));
        }
        let key = self.timers.key_of(slot);
        debug_assert!(key.is_some(), "a slot in the order is a timer that is set");
        let Self { timers, names, wall, .. } = self;
        timers.remove_with(key?, |timer| {
            names.unlink(timer.session, timer.symbol, slot);
            wall.forget(slot);
            Some(Ring::Timer(timer.take()))
        })
    }

    /// Puts back what `peek_due` held, when the step that delivers is over.
    #[inline]
    pub(crate) fn release_held(&mut self) {
        self.order.release_held();
    }

    /// When the soonest timer is due. Looks through all that are due at about that time, and those that were
    /// and are not any more.
    pub(crate) fn next_due(&self) -> Option<Moment> {
        self.order.next_due()
    }

    /// A time before which no timer is due, at which it is worth looking again. It is the soonest's due
    /// time as a rule, and costs little to know. It may be that of a timer which was removed or moved, but
    /// not after [`settle`](Self::settle).
    #[inline]
    pub(crate) fn next_look(&self) -> Option<Moment> {
        self.order.next_look()
    }

    /// Sees to it that nobody wakes up for a timer that is gone.
    #[inline]
    pub(crate) fn settle(&mut self) {
        self.order.settle();
    }

    /// How many timers are set, with the alarms of wheels.
    pub(crate) const fn len(&self) -> usize {
        self.order.len()
    }

    /// The timers of all sessions, each with its due time, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Timer, Moment)> {
        self.timers
            .iter()
            .filter_map(|(key, timer)| self.order.stamp(key.slot()).map(|stamp| (timer, stamp.due)))
    }

    #[inline(always)]
    fn remove_if(
        &mut self,
        TimerId(key): TimerId,
        is_meant: impl FnOnce(&Timer) -> bool,
    ) -> Option<(Stamp, Timer)> {
        let Self { timers, order, names, wall } = self;
        timers.remove_with(key, |timer| {
            if !is_meant(timer) {
                return None;
            }
            names.unlink(timer.session, timer.symbol, key.slot());
            wall.forget(key.slot());
            let stamp = order.remove(key.slot());
            debug_assert!(stamp.is_some(), "a timer that is set stands in the order");
            Some((stamp?, timer.take()))
        })
    }

    fn remove_each(&mut self, keys: Vec<Key>) -> Vec<(Stamp, Timer)> {
        keys.into_iter().filter_map(|key| self.remove(TimerId(key))).collect()
    }
}

#[cfg(test)]
mod tests;

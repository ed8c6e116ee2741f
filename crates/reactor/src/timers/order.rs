//! The one order of all timers: due time, then who was set first.
//!
//! Owns who stands where: what is due soon exactly sorted, in a run and a heap for those who come late; the
//! rest in a wheel, roughly. When the run and the heap are empty, the wheel's next tick becomes the run:
//! so both stay small, and in the processor's nearest cache, even when a million are overdue. Promises
//! exact order, and that a timer that was removed is gone. Never reads a clock, does not know what a
//! timer does.

use super::heap::Heap;
use super::places::{Item, Place, Places, short, trim};
use super::run::Run;
use super::wheel::Wheel;
use crate::clock::Moment;
use crate::queue::Stamp;

#[derive(Debug)]
pub(super) struct Order {
    /// With `late`, everything that is due by the wheel's horizon, but for what is held.
    run: Run,
    late: Heap,
    wheel: Wheel,
    /// Due, but set after the step that delivers began: kept aside until it ends.
    held: Vec<Item>,
    places: Places,
}

impl Order {
    pub(super) fn new() -> Self {
        Self {
            run: Run::default(),
            late: Heap::default(),
            wheel: Wheel::new(),
            held: Vec::new(),
            places: Places::default(),
        }
    }

    /// Enters a slot, which must not stand here already.
    #[inline]
    pub(super) fn insert(&mut self, slot: u32, stamp: Stamp) {
        self.places.admit(slot);
        debug_assert_eq!(self.places.get(slot), Place::Nowhere, "a timer stands in the order once");
        self.put(Item { stamp, slot });
    }

    /// Takes a slot out, wherever it stands.
    #[inline]
    pub(super) fn remove(&mut self, slot: u32) -> Option<Stamp> {
        match self.places.take(slot) {
            Place::Nowhere => None,
            Place::Run(place) => Some(self.run.remove(place)),
            Place::Late(place) => Some(self.late.remove(place, &mut self.places)),
            Place::Bucket(bucket, place) => {
                Some(self.wheel.remove(bucket, place, &mut self.places))
            }
            Place::Held(place) => {
                let gone = self.held.swap_remove(place as usize);
                if let Some(moved) = self.held.get(place as usize) {
                    self.places.put(moved.slot, Place::Held(place));
                }
                Some(gone.stamp)
            }
        }
    }

    /// Moves a slot that stands here to another time.
    #[inline]
    pub(super) fn reset(&mut self, slot: u32, stamp: Stamp) {
        // An idle timeout that is set anew with every packet mostly stays where it is.
        if let Place::Bucket(bucket, place) = self.places.get(slot)
            && self.wheel.bucket_for(stamp.due) == Some(bucket)
        {
            self.wheel.restamp(bucket, place, stamp);
            return;
        }
        if self.remove(slot).is_some() {
            self.put(Item { stamp, slot });
        }
    }

    /// The place in the order of a slot, if it stands here.
    pub(super) fn stamp(&self, slot: u32) -> Option<Stamp> {
        match self.places.get(slot) {
            Place::Nowhere => None,
            Place::Run(place) => Some(self.run.stamp(place)),
            Place::Late(place) => Some(self.late.stamp(place)),
            Place::Bucket(bucket, place) => Some(self.wheel.stamp(bucket, place)),
            Place::Held(place) => Some(self.held[place as usize].stamp),
        }
    }

    /// The first of those due by `now` and set before `limit`.
    ///
    /// Hands the next few to `read_ahead` before they are promised one by one.
    #[inline]
    pub(super) fn peek_due(
        &mut self,
        now: Moment,
        limit: u64,
        mut read_ahead: impl FnMut(&[Item]),
    ) -> Option<Stamp> {
        loop {
            let stamp = self.first().or_else(|| self.refill(now))?.stamp;
            if stamp.due > now {
                return None;
            }
            read_ahead(self.run.read_ahead());
            if stamp.sequence < limit {
                return Some(stamp);
            }
            self.hold_first();
        }
    }

    /// What `peek_due` just promised.
    #[inline]
    pub(super) fn first(&self) -> Option<Item> {
        match (self.run.first(), self.late.first()) {
            (Some(next), Some(late)) if late.stamp < next.stamp => Some(late),
            (Some(next), _) => Some(next),
            (None, late) => late,
        }
    }

    /// Takes out what `peek_due` just promised.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Item> {
        match (self.run.first(), self.late.first()) {
            (Some(next), Some(late)) if late.stamp < next.stamp => self.late.pop(&mut self.places),
            (Some(_), _) => self.run.pop(&mut self.places),
            (None, _) => self.late.pop(&mut self.places),
        }
    }

    /// Puts back what `peek_due` held, when the step that delivers is over.
    #[inline]
    pub(super) fn release_held(&mut self) {
        while let Some(item) = self.held.pop() {
            self.put(item);
        }
        trim(&mut self.held);
    }

    /// When the soonest is due. Looks through a bucket.
    pub(super) fn next_due(&self) -> Option<Moment> {
        let held = self.held.iter().map(|item| item.stamp.due).min();
        let next = self.first().map(|first| first.stamp.due).or_else(|| self.wheel.soonest());
        held.into_iter().chain(next).min()
    }

    /// A time before which nothing is due, at which it is worth looking again.
    #[inline]
    pub(super) fn next_look(&self) -> Option<Moment> {
        match self.first() {
            Some(first) => Some(first.stamp.due),
            None => self.wheel.nothing_before(),
        }
    }

    /// Places for timers, taken or not.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.run.capacity() + self.late.capacity() + self.wheel.capacity() + self.held.capacity()
    }

    #[inline]
    fn put(&mut self, item: Item) {
        match self.wheel.bucket_for(item.stamp.due) {
            Some(bucket) => self.wheel.push(bucket, item, &mut self.places),
            None => self.late.push(item, &mut self.places),
        }
    }

    /// Makes the next tick of the wheel that is not empty the run, if it begins by `now`, and says what
    /// is first in it.
    fn refill(&mut self, now: Moment) -> Option<Item> {
        let tick = self.wheel.take_tick(now, &mut self.places)?;
        let room = self.run.begin(tick, &mut self.places);
        self.wheel.keep(room);
        self.run.first()
    }

    #[cold]
    fn hold_first(&mut self) {
        if let Some(item) = self.pop() {
            self.places.put(item.slot, Place::Held(short(self.held.len())));
            self.held.push(item);
        }
    }
}

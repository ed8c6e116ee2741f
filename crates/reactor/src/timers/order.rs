//! The one order of all timers: due time, then who was set first.
//!
//! Owns who stands where: what is due soon in a heap, exactly sorted, the rest in a wheel, roughly. The
//! heap is filled from the wheel when it is empty, a millisecond's worth at a time, so it stays small and
//! in the processor's nearest cache even when a million are overdue. Promises exact order, and that a
//! timer that was removed is gone. Never reads a clock, does not know what a timer does.

use super::heap::Heap;
use super::places::{Item, Place, Places, short, trim};
use super::wheel::Wheel;
use crate::clock::Moment;
use crate::queue::Stamp;

#[derive(Debug)]
pub(super) struct Order {
    /// Everything that is due by the wheel's horizon, but for what is held.
    near: Heap,
    wheel: Wheel,
    /// Due, but set after the step that delivers began: kept aside until it ends.
    held: Vec<Item>,
    places: Places,
}

impl Order {
    pub(super) fn new() -> Self {
        Self {
            near: Heap::default(),
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
            Place::Near(place) => Some(self.near.remove(place, &mut self.places)),
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
        if let Place::Bucket(bucket, place) = self.places.get(slot) {
            if self.wheel.bucket_for(stamp.due) == Some(bucket) {
                self.wheel.restamp(bucket, place, stamp);
                return;
            }
        }
        if self.remove(slot).is_some() {
            self.put(Item { stamp, slot });
        }
    }

    /// The place in the order of a slot, if it stands here.
    pub(super) fn stamp(&self, slot: u32) -> Option<Stamp> {
        match self.places.get(slot) {
            Place::Nowhere => None,
            Place::Near(place) => Some(self.near.stamp(place)),
            Place::Bucket(bucket, place) => Some(self.wheel.stamp(bucket, place)),
            Place::Held(place) => Some(self.held[place as usize].stamp),
        }
    }

    /// The first of those due by `now` and set before `limit`.
    #[inline]
    pub(super) fn peek_due(&mut self, now: Moment, limit: u64) -> Option<Stamp> {
        loop {
            let Some(Item { stamp: first, .. }) = self.near.first() else {
                let near = |item, places: &mut Places| self.near.push(item, places);
                if !self.wheel.open(now, &mut self.places, near) {
                    return None;
                }
                continue;
            };
            if first.due > now {
                return None;
            }
            if first.sequence < limit {
                return Some(first);
            }
            self.hold_first();
        }
    }

    /// The slot that `peek_due` just promised.
    pub(super) fn first(&self) -> Option<u32> {
        self.near.first().map(|item| item.slot)
    }

    /// Takes out the slot that `peek_due` just promised.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<u32> {
        self.near.pop(&mut self.places).map(|item| item.slot)
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
        let near = self.near.first().map(|first| first.stamp.due).or_else(|| self.wheel.soonest());
        held.into_iter().chain(near).min()
    }

    /// A time before which nothing is due, at which it is worth looking again.
    #[inline]
    pub(super) fn next_look(&self) -> Option<Moment> {
        match self.near.first() {
            Some(first) => Some(first.stamp.due),
            None => self.wheel.nothing_before(),
        }
    }

    #[inline]
    fn put(&mut self, item: Item) {
        match self.wheel.bucket_for(item.stamp.due) {
            Some(bucket) => self.wheel.push(bucket, item, &mut self.places),
            None => self.near.push(item, &mut self.places),
        }
    }

    #[cold]
    fn hold_first(&mut self) {
        if let Some(item) = self.near.pop(&mut self.places) {
            self.places.put(item.slot, Place::Held(short(self.held.len())));
            self.held.push(item);
        }
    }
}

//! Where each timer stands.
//!
//! Owns one short note for every slot of the table of timers, and for every slot of the table of wheels,
//! which have an alarm each: so one that is removed or moved is found without a search. The notes lie side
//! by side, eight bytes each, because they are read and written in no order at all: what is next to them
//! should be other notes. Never knows what stands there.

use crate::queue::Stamp;

/// A timer in the order: its slot in the table, or that of its wheel [marked](OF_WHEEL), and when it is
/// due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) stamp: Stamp,
    pub(super) slot: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Nowhere,
    /// In the run of what is due next.
    Run(u32),
    /// In the heap of what was set too late for the run.
    Late(u32),
    /// In a bucket of the wheel.
    Bucket(u16, u32),
    /// Held back until the step that delivers is over.
    Held(u32),
}

/// Marks the slot of a wheel, whose alarm stands in the same order. No table has so many slots.
pub(super) const OF_WHEEL: u32 = 1 << 31;

#[derive(Debug, Default)]
pub(super) struct Places {
    timers: Vec<Place>,
    wheels: Vec<Place>,
}

impl Places {
    /// Makes room for a slot.
    pub(super) fn admit(&mut self, slot: u32) {
        let (places, index) = self.of_mut(slot);
        if places.len() <= index {
            places.resize(index + 1, Place::Nowhere);
        }
    }

    #[inline]
    pub(super) fn put(&mut self, slot: u32, place: Place) {
        let (places, index) = self.of_mut(slot);
        places[index] = place;
    }

    /// Where a slot stands, which stands nowhere from now on.
    #[inline]
    pub(super) fn take(&mut self, slot: u32) -> Place {
        let (places, index) = self.of_mut(slot);
        let place = places.get_mut(index);
        place.map_or(Place::Nowhere, |place| std::mem::replace(place, Place::Nowhere))
    }

    #[inline]
    pub(super) fn get(&self, slot: u32) -> Place {
        let places = if slot & OF_WHEEL == 0 { &self.timers } else { &self.wheels };
        places.get((slot & !OF_WHEEL) as usize).copied().unwrap_or(Place::Nowhere)
    }

    #[inline]
    fn of_mut(&mut self, slot: u32) -> (&mut Vec<Place>, usize) {
        let places = if slot & OF_WHEEL == 0 { &mut self.timers } else { &mut self.wheels };
        (places, (slot & !OF_WHEEL) as usize)
    }
}

/// An index as a note keeps it.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "no more items than slots, which are u32")]
pub(super) const fn short(index: usize) -> u32 {
    index as u32
}

/// Gives memory back that a burst left behind: no list keeps more than four times what is in it, unless
/// that is little.
#[inline]
pub(super) fn trim<T>(list: &mut Vec<T>) {
    if list.capacity() > KEPT && list.len() < list.capacity() / 4 {
        list.shrink_to(KEPT.max(list.len() * 2));
    }
}

/// Places that a list keeps though it is empty: filling it again then allocates nothing.
pub(super) const KEPT: usize = 64;

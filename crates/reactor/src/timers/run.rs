//! What is due next, exactly sorted.
//!
//! Owns the items of one tick of the wheel, the soonest last, where taking it out costs nothing. One that is
//! removed from the middle leaves a gap, so that nobody else moves. Nothing is ever added to a run: who
//! comes late goes to the heap beside it.

use std::cmp::Reverse;

use super::places::{Item, Place, Places, short, trim};
use crate::queue::Stamp;

#[derive(Debug, Default)]
pub(super) struct Run {
    /// Invariant: the last is no gap.
    items: Vec<Item>,
    /// From here on, items were read ahead.
    warm: usize,
}

impl Run {
    /// Begins a new run, when the last is over, and gives back its room.
    pub(super) fn begin(&mut self, items: Vec<Item>, places: &mut Places) -> Vec<Item> {
        debug_assert!(self.items.is_empty(), "a run is over before the next begins");
        let room = std::mem::replace(&mut self.items, items);
        self.items.sort_unstable_by_key(|item| Reverse(item.stamp.as_number()));
        for (index, item) in self.items.iter().enumerate() {
            places.put(item.slot, Place::Run(short(index)));
        }
        self.warm = self.items.len();
        room
    }

    #[inline]
    pub(super) fn first(&self) -> Option<Item> {
        self.items.last().copied()
    }

    #[inline]
    pub(super) fn pop(&mut self, places: &mut Places) -> Option<Item> {
        let first = self.items.pop()?;
        places.put(first.slot, Place::Nowhere);
        self.close_gaps();
        Some(first)
    }

    /// Takes out what stands at `place`, which is in the run.
    pub(super) fn remove(&mut self, place: u32) -> Stamp {
        let item = &mut self.items[place as usize];
        item.slot = GAP;
        let stamp = item.stamp;
        self.close_gaps();
        stamp
    }

    pub(super) fn stamp(&self, place: u32) -> Stamp {
        self.items[place as usize].stamp
    }

    /// The next few items, each handed out once, for whoever wants to see what they are about before they
    /// are taken out one by one. There may be gaps among them.
    #[inline]
    pub(super) fn read_ahead(&mut self) -> &[Item] {
        if self.items.len() > self.warm {
            return &[];
        }
        self.warm = self.items.len().saturating_sub(AHEAD);
        &self.items[self.warm..]
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.items.capacity()
    }

    fn close_gaps(&mut self) {
        while self.items.pop_if(|last| last.slot == GAP).is_some() {}
        if self.items.is_empty() {
            trim(&mut self.items);
        }
    }
}

/// What stands where an item was removed.
const GAP: u32 = u32::MAX;

/// Items to read ahead: few enough for the processor's first cache.
const AHEAD: usize = 64;

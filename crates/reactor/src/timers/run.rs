//! What is due next, exactly sorted.
//!
//! Owns the items of one tick of the wheel, the soonest last, where taking it out costs nothing. Nothing is
//! ever added to a run: who comes late goes to the heap beside it.

use std::cmp::Reverse;

use super::dues::Item;
use super::room::{trim, trim_well};

#[derive(Debug, Default)]
pub(super) struct Run {
    items: Vec<Item>,
    /// From here on, items were read ahead.
    warm: usize,
}

impl Run {
    /// Begins a new run, when the last is over, and gives back its room.
    pub(super) fn begin(&mut self, items: Vec<Item>) -> Vec<Item> {
        debug_assert!(self.items.is_empty(), "a run is over before the next begins");
        let room = std::mem::replace(&mut self.items, items);
        self.items.sort_unstable_by_key(|item| Reverse(item.stamp.as_number()));
        self.warm = self.items.len();
        room
    }

    #[inline]
    pub(super) fn first(&self) -> Option<Item> {
        self.items.last().copied()
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Item> {
        let first = self.items.pop();
        if self.items.is_empty() {
            trim(&mut self.items);
        }
        first
    }

    /// Whether the next items were not read ahead.
    #[inline]
    pub(super) const fn is_cold(&self) -> bool {
        self.items.len() <= self.warm && self.warm > 0
    }

    /// The next few items, each handed out once, for whoever wants to see what they are about before they
    /// are taken out one by one.
    pub(super) fn read_ahead(&mut self) -> &[Item] {
        self.warm = self.items.len().saturating_sub(AHEAD);
        &self.items[self.warm..]
    }

    pub(super) fn retain(&mut self, keep: impl FnMut(&Item) -> bool) {
        self.items.retain(keep);
        self.warm = self.items.len();
        trim_well(&mut self.items);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Item> {
        self.items.iter()
    }

    pub(super) const fn len(&self) -> usize {
        self.items.len()
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.items.capacity()
    }
}

/// Items to read ahead: few enough for the processor's first cache.
const AHEAD: usize = 64;

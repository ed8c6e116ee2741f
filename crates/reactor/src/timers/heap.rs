//! The soonest of a few, with removal from the middle.
//!
//! A heap of four children to a node over [`Stamp`]s, which notes where each of its items stands, so
//! that any of them can be removed in O(log n). Never reads a clock, does not know what a timer is.
//! Four children, because a level costs a cache miss and comparing four costs nothing.

use super::places::{Item, Place, Places, short, trim};
use crate::queue::Stamp;

#[derive(Debug, Default)]
pub(super) struct Heap {
    items: Vec<Item>,
}

impl Heap {
    pub(super) fn push(&mut self, item: Item, places: &mut Places) {
        self.items.push(item);
        self.rise(self.items.len() - 1, places);
    }

    pub(super) fn pop(&mut self, places: &mut Places) -> Option<Item> {
        let first = *self.items.first()?;
        places.put(first.slot, Place::Nowhere);
        self.remove(0, places);
        Some(first)
    }

    /// Takes out what stands at `place`, which is in the heap.
    pub(super) fn remove(&mut self, place: u32, places: &mut Places) -> Stamp {
        let place = place as usize;
        let gone = self.items.swap_remove(place);
        if place < self.items.len() {
            // The last item took the place: it may belong further down, or further up.
            let place = self.sink(place, places);
            self.rise(place, places);
        }
        trim(&mut self.items);
        gone.stamp
    }

    pub(super) fn stamp(&self, place: u32) -> Stamp {
        self.items[place as usize].stamp
    }

    #[inline]
    pub(super) fn first(&self) -> Option<Item> {
        self.items.first().copied()
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.items.capacity()
    }

    fn rise(&mut self, mut place: usize, places: &mut Places) {
        let item = self.items[place];
        while place > 0 {
            let parent = (place - 1) / CHILDREN;
            if self.items[parent].stamp <= item.stamp {
                break;
            }
            self.put(place, self.items[parent], places);
            place = parent;
        }
        self.put(place, item, places);
    }

    fn sink(&mut self, mut place: usize, places: &mut Places) -> usize {
        let item = self.items[place];
        loop {
            let first = place * CHILDREN + 1;
            let children = first..self.items.len().min(first + CHILDREN);
            let Some(least) = children.min_by_key(|child| self.items[*child].stamp) else { break };
            if item.stamp <= self.items[least].stamp {
                break;
            }
            self.put(place, self.items[least], places);
            place = least;
        }
        self.put(place, item, places);
        place
    }

    fn put(&mut self, place: usize, item: Item, places: &mut Places) {
        self.items[place] = item;
        places.put(item.slot, Place::Late(short(place)));
    }
}

const CHILDREN: usize = 4;

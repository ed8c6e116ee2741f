//! The soonest of many, with removal from the middle.
//!
//! A heap of four children to a node over [`Stamp`]s, which knows where each of its slots stands, so
//! that any of them can be removed or moved in O(log n). Never reads a clock, does not know what a
//! timer is. Four children, because a level costs a cache miss and comparing four costs nothing.

use crate::queue::Stamp;

#[derive(Debug, Default)]
pub(crate) struct Heap {
    nodes: Vec<Node>,
    /// Where in `nodes` each slot stands, `ABSENT` if it does not.
    places: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    stamp: Stamp,
    slot: u32,
}

impl Heap {
    pub(crate) fn push(&mut self, slot: u32, stamp: Stamp) {
        if self.places.len() <= slot as usize {
            self.places.resize(slot as usize + 1, ABSENT);
        }
        debug_assert!(!self.contains(slot), "a slot stands in the heap once");
        self.nodes.push(Node { stamp, slot });
        self.rise(self.nodes.len() - 1);
    }

    pub(crate) fn pop(&mut self) -> Option<(u32, Stamp)> {
        let first = *self.nodes.first()?;
        self.remove_at(0);
        Some((first.slot, first.stamp))
    }

    /// Takes a slot out, wherever it stands; says whether it was there.
    pub(crate) fn remove(&mut self, slot: u32) -> bool {
        let there = self.contains(slot);
        if there {
            self.remove_at(self.places[slot as usize] as usize);
        }
        there
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<(u32, Stamp)> {
        self.nodes.first().map(|first| (first.slot, first.stamp))
    }

    pub(crate) fn contains(&self, slot: u32) -> bool {
        self.places.get(slot as usize).is_some_and(|place| *place != ABSENT)
    }

    fn remove_at(&mut self, place: usize) {
        let gone = self.nodes.swap_remove(place);
        self.places[gone.slot as usize] = ABSENT;
        if place < self.nodes.len() {
            // The last node took the place: it may belong further down, or further up.
            let place = self.sink(place);
            self.rise(place);
        }
    }

    fn rise(&mut self, mut place: usize) {
        let node = self.nodes[place];
        while place > 0 {
            let parent = (place - 1) / CHILDREN;
            if self.nodes[parent].stamp <= node.stamp {
                break;
            }
            self.put(place, self.nodes[parent]);
            place = parent;
        }
        self.put(place, node);
    }

    fn sink(&mut self, mut place: usize) -> usize {
        let node = self.nodes[place];
        loop {
            let first = place * CHILDREN + 1;
            let children = first..self.nodes.len().min(first + CHILDREN);
            let Some(least) = children.min_by_key(|child| self.nodes[*child].stamp) else { break };
            if node.stamp <= self.nodes[least].stamp {
                break;
            }
            self.put(place, self.nodes[least]);
            place = least;
        }
        self.put(place, node);
        place
    }

    #[expect(clippy::cast_possible_truncation, reason = "no more nodes than slots, which are u32")]
    fn put(&mut self, place: usize, node: Node) {
        self.nodes[place] = node;
        self.places[node.slot as usize] = place as u32;
    }
}

const CHILDREN: usize = 4;
const ABSENT: u32 = u32::MAX;

#[cfg(test)]
mod tests;

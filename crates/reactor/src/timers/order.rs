//! The one order of all timers: due time, then who was set first.
//!
//! Owns who stands where: what is due soon exactly sorted, in a run and a heap for those who come late; the
//! rest in a wheel, roughly. When the run and the heap are empty, the wheel's next tick becomes the run:
//! so both stay small, and in the processor's nearest cache, even when a million are overdue. Promises
//! exact order, that a timer that was removed is gone, and that between two turns there are at most twice as
//! many items as timers, but for some hundreds. Never reads a clock, does not know what a timer does.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

use super::dues::{Dues, Item, OF_WHEEL};
use super::room::{KEPT, trim};
use super::run::Run;
use super::wheel::{Glance, Wheel, tick};
use crate::clock::Moment;
use crate::queue::Stamp;

#[derive(Debug)]
pub(super) struct Order {
    dues: Dues,
    /// With `late`, everything that is looked at by the wheel's horizon, but for what is held.
    run: Run,
    late: BinaryHeap<Reverse<Item>>,
    wheel: Wheel,
    /// Due, but set after the step that delivers began: kept aside until it ends.
    held: Vec<Item>,
    /// The bucket that something was put into last, and for which slot.
    latest: (u16, u32),
    /// How many are to be removed before it is [tidied](Self::tidy).
    until_tidy: u32,
}

impl Order {
    pub(super) fn new() -> Self {
        Self {
            dues: Dues::default(),
            run: Run::default(),
            late: BinaryHeap::with_capacity(KEPT),
            wheel: Wheel::new(),
            held: Vec::new(),
            latest: (0, u32::MAX),
            until_tidy: TOLERATED,
        }
    }

    /// Enters a slot, which must not stand here already.
    #[inline(always)]
    pub(super) fn insert(&mut self, slot: u32, stamp: Stamp) {
        let item = self.dues.set(slot, stamp);
        self.put(item);
    }

    /// Takes a slot out, wherever it stands.
    #[inline(always)]
    pub(super) fn remove(&mut self, slot: u32) -> Option<Stamp> {
        let stamp = self.dues.remove(slot)?;
        self.note_removed(slot);
        Some(stamp)
    }

    /// Takes the alarm of a wheel out, wherever it stands.
    pub(super) fn remove_alarm(&mut self, wheel: u32) {
        if self.dues.remove_alarm(wheel).is_some() {
            self.note_removed(wheel | OF_WHEEL);
        }
    }

    #[inline(always)]
    fn note_removed(&mut self, slot: u32) {
        // What is set and removed at once leaves nothing behind.
        if slot == self.latest.1 {
            self.wheel.trim(self.latest.0, |item| !self.dues.stands(item));
        }
        self.until_tidy -= 1;
        if self.until_tidy == 0 {
            self.tidy();
        }
    }

    /// Moves a slot that stands here to another time.
    #[inline]
    pub(super) fn reset(&mut self, slot: u32, stamp: Stamp) {
        if let Some(item) = self.dues.reset(slot, stamp) {
            self.put(item);
            self.bury();
        }
    }

    /// The place in the order of a slot, if it stands here.
    #[inline]
    pub(super) fn stamp(&self, slot: u32) -> Option<Stamp> {
        self.dues.stamp(slot)
    }

    /// The first of those due by `now` and set before `limit`.
    ///
    /// Hands the slots of the next few to `look` before they are promised one by one.
    #[inline(always)]
    pub(super) fn peek_due(
        &mut self,
        now: Moment,
        limit: u64,
        look: impl Fn(u32),
    ) -> Option<Stamp> {
        loop {
            if self.run.is_cold() {
                self.read_ahead(&look);
            }
            match self.first() {
                None if self.refill(now) => {}
                None => return None,
                Some(Item { stamp, .. }) if stamp.due > now => return None,
                Some(Item { stamp, .. }) if stamp.sequence < limit => return Some(stamp),
                Some(_) => self.hold_first(),
            }
        }
    }

    /// What `peek_due` just promised.
    #[inline(always)]
    pub(super) fn first(&mut self) -> Option<Item> {
        loop {
            let item = self.nearest()?;
            if self.dues.is_due(&item) {
                return Some(item);
            }
            self.pass_over(item);
        }
    }

    /// Takes out what `peek_due` just promised.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<Item> {
        let item = self.take_nearest()?;
        self.dues.clear(item.slot);
        Some(item)
    }

    /// Puts back what `peek_due` held, when the step that delivers is over.
    #[inline]
    pub(super) fn release_held(&mut self) {
        while let Some(item) = self.held.pop() {
            self.put_successor(item);
        }
        trim(&mut self.held);
    }

    /// When the soonest is due. Looks through what stands before it, and beside it.
    pub(super) fn next_due(&self) -> Option<Moment> {
        let late = self.late.iter().map(|Reverse(item)| item);
        let near = self.run.iter().chain(late).chain(&self.held);
        let mut soonest = near.filter_map(|item| self.dues.due(item)).min();
        for (begin, items) in self.wheel.buckets() {
            if soonest.is_some_and(|due| tick(due) < begin) {
                break;
            }
            let here = items.iter().filter_map(|item| self.dues.due(item)).min();
            soonest = soonest.into_iter().chain(here).min();
        }
        soonest
    }

    /// A time before which nothing is due, at which it is worth looking again. Too soon, if what is looked
    /// at first was removed or moved; not if this is [settled](Self::settle).
    #[inline]
    pub(super) fn next_look(&self) -> Option<Moment> {
        if self.dues.len() == 0 {
            return None; // what stands here is dead
        }
        if let Some(item) = self.nearest() {
            return Some(item.stamp.due);
        }
        match self.wheel.glance()? {
            Glance::First(item, ..) => Some(item.stamp.due),
            Glance::NoneBefore(time) => Some(time),
        }
    }

    /// Has something stand first that is worth to be looked at. Who rings is not asked whether most of those
    /// left are dead: that is asked here, before a wait.
    #[inline]
    pub(super) fn settle(&mut self) {
        self.bury();
        while self.first().is_none() {
            let gone = self.wheel.trim_first(|item| !self.dues.stands(item));
            match self.wheel.glance() {
                Some(Glance::First(item, bucket, place)) if !self.dues.is_due(&item) => {
                    self.wheel.remove(bucket, place);
                    self.put_successor(item);
                }
                // Another bucket is the first now, or there is less in it.
                Some(Glance::NoneBefore(_)) if gone > 0 => {}
                Some(_) | None => return,
            }
        }
    }

    /// How many stand here.
    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.dues.len()
    }

    /// Places for items, taken or not.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.run.capacity() + self.late.capacity() + self.wheel.capacity() + self.held.capacity()
    }

    #[inline]
    fn put(&mut self, item: Item) {
        match self.wheel.bucket_for(item.stamp.due) {
            Some(bucket) => {
                self.latest = (bucket, item.slot);
                self.wheel.push(bucket, item);
            }
            None => self.late.push(Reverse(item)),
        }
    }

    fn put_successor(&mut self, item: Item) {
        if let Some(item) = self.dues.successor(item) {
            self.put(item);
        }
    }

    /// What is looked at first of what is near.
    #[inline(always)]
    fn nearest(&self) -> Option<Item> {
        match (self.run.first(), self.late.peek()) {
            (Some(next), Some(Reverse(late))) if late.stamp < next.stamp => Some(*late),
            (Some(next), _) => Some(next),
            (None, late) => late.map(|Reverse(late)| *late),
        }
    }

    /// Takes out what `nearest` just gave.
    #[inline(always)]
    fn take_nearest(&mut self) -> Option<Item> {
        match self.late.peek() {
            None => self.run.pop(),
            // Equals there are where the wall clock was stepped back: what was left behind then, and its heir.
            Some(Reverse(late))
                if self.run.first().is_some_and(|next| next.stamp <= late.stamp) =>
            {
                self.run.pop()
            }
            Some(_) => self.pop_late(),
        }
    }

    /// What is looked at first is not due then.
    #[inline(never)]
    fn pass_over(&mut self, item: Item) {
        self.take_nearest();
        self.put_successor(item);
    }

    /// Looks at the next few items. Of a crowd, each that rings lies where nobody looked for long. Looked
    /// at together, the processor fetches many at a time; one by one, each is waited for.
    #[inline(never)]
    fn read_ahead(&mut self, look: impl Fn(u32)) {
        for item in self.run.read_ahead() {
            black_box(self.dues.is_due(item));
            look(item.slot);
        }
    }

    fn pop_late(&mut self) -> Option<Item> {
        let Reverse(late) = self.late.pop()?;
        if self.late.capacity() > KEPT && self.late.len() < self.late.capacity() / 4 {
            self.late.shrink_to(KEPT.max(self.late.len() * 2));
        }
        Some(late)
    }

    /// Makes the next tick of the wheel that is not empty the run, if it begins by `now`; says whether there
    /// was one.
    #[inline(never)]
    fn refill(&mut self, now: Moment) -> bool {
        let Some(tick) = self.wheel.take_tick(now) else { return false };
        let room = self.run.begin(tick);
        self.wheel.keep(room);
        true
    }

    #[cold]
    fn hold_first(&mut self) {
        let first = self.take_nearest();
        self.held.extend(first);
    }

    /// Some were removed since this was done last. What is set for a short while is mostly removed before
    /// others come behind it: so the dead who stand last in a bucket go first.
    #[inline(never)]
    fn tidy(&mut self) {
        self.until_tidy = TOLERATED;
        self.wheel.trim_each(|item| !self.dues.stands(item));
        self.bury();
    }

    /// If most of all items are dead, they go: each has paid for one that goes and one that stays.
    #[inline]
    fn bury(&mut self) {
        if self.items() >= 2 * self.dues.len() + KEPT {
            self.sweep();
        }
    }

    /// How many items there are, the dead ones included.
    #[inline]
    pub(super) fn items(&self) -> usize {
        self.run.len() + self.late.len() + self.wheel.len() + self.held.len()
    }

    #[cold]
    fn sweep(&mut self) {
        let Self { dues, run, late, wheel, held, .. } = self;
        let stands = |item: &Item| dues.stands(item);
        run.retain(stands);
        late.retain(|Reverse(item)| stands(item));
        late.shrink_to(KEPT.max(late.len()));
        wheel.retain(stands);
        held.retain(stands);
    }
}

/// So many are removed before anybody looks for the dead.
const TOLERATED: u32 = 256;

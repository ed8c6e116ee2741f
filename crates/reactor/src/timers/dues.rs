//! When each timer is due, and what its item in the order is worth.
//!
//! Owns a note for every slot of the table of timers, and for every slot of the table of wheels, which
//! have an alarm each. A timer that is removed, or moved to a later time, leaves its item where it stands,
//! and that is all it costs: when the item's turn comes, the note says what is to become of it. So an idle
//! timeout that is set anew with every packet writes its note, and touches nothing else. Never knows where
//! an item stands.

use super::wheel::tick;
use crate::clock::Moment;
use crate::queue::Stamp;

/// What stands in the order for a slot of the table of timers, or of that of wheels if it is
/// [marked](OF_WHEEL).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Item {
    /// When it is looked at. Its timer is due then, or later.
    pub(super) stamp: Stamp,
    pub(super) slot: u32,
    mark: Mark,
}

/// Marks the slot of a wheel, whose alarm stands in the same order. No table has so many slots.
pub(super) const OF_WHEEL: u32 = 1 << 31;

#[derive(Debug, Default)]
pub(super) struct Dues {
    timers: Notes,
    wheels: Notes,
    /// How many are set.
    len: usize,
}

/// The marks lie apart from the times: who rings is asked for its mark alone, in no order at all, and those
/// of a crowd fit in the processor's cache.
#[derive(Debug, Default)]
struct Notes {
    marks: Vec<Mark>,
    times: Vec<Time>,
}

/// Which item stands for a slot, and how: it bears the same mark, unless its timer was moved.
///
/// The number of the slot's items so far, times four, and two flags. A dead item is gone long before its
/// number comes again: little more than half of all are dead.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Mark(u32);

#[derive(Clone, Copy, Debug)]
struct Time {
    stamp: Stamp,
    /// The tick that the item stands in.
    tick: ShortTick,
}

/// A tick. The last is for all that do not fit, from 52 days on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct ShortTick(u32);

impl Dues {
    /// Sets a slot, which must not be set already, and makes the item for it.
    #[inline]
    pub(super) fn set(&mut self, slot: u32, stamp: Stamp) -> Item {
        let (notes, index) = self.of_mut(slot);
        if notes.marks.len() <= index {
            notes.grow(index + 1);
        }
        debug_assert!(!notes.marks[index].is_set(), "a timer stands in the order once");
        let item = notes.stand(index, Item { stamp, slot, mark: Mark::NEW });
        self.len += 1;
        item
    }

    /// Moves a slot that is set. If what stands for it would come too late, here is another item.
    #[inline]
    pub(super) fn reset(&mut self, slot: u32, stamp: Stamp) -> Option<Item> {
        let (notes, index) = self.of_mut(slot);
        let mark = notes.marks.get_mut(index).filter(|mark| mark.is_set())?;
        let time = notes.times.get_mut(index)?;
        if stamp < time.stamp && ShortTick::of(stamp.due) <= time.tick {
            return Some(notes.stand(index, Item { stamp, slot, mark: Mark::NEW }));
        }
        time.stamp = stamp;
        *mark = mark.moved();
        None
    }

    /// Clears a slot of the table of timers, if it is set.
    #[inline]
    pub(super) fn remove(&mut self, slot: u32) -> Option<Stamp> {
        let stamp = self.timers.remove(slot as usize)?;
        self.len -= 1;
        Some(stamp)
    }

    /// Clears a slot of the table of wheels, if it is set.
    pub(super) fn remove_alarm(&mut self, wheel: u32) -> Option<Stamp> {
        let stamp = self.wheels.remove(wheel as usize)?;
        self.len -= 1;
        Some(stamp)
    }

    /// Clears a slot of which nobody needs to know when it was due.
    #[inline]
    pub(super) fn clear(&mut self, slot: u32) {
        let (notes, index) = self.of_mut(slot);
        if let Some(mark) = notes.marks.get_mut(index).filter(|mark| mark.is_set()) {
            *mark = mark.unset();
            self.len -= 1;
        }
    }

    /// When a slot is due, if it is set.
    #[inline]
    pub(super) fn stamp(&self, slot: u32) -> Option<Stamp> {
        let (notes, index) = self.of(slot);
        notes.marks.get(index).filter(|mark| mark.is_set())?;
        notes.times.get(index).map(|time| time.stamp)
    }

    /// Whether an item stands for a timer that is due then, or later.
    #[inline]
    pub(super) fn stands(&self, item: &Item) -> bool {
        let (notes, index) = self.of(item.slot);
        notes.marks.get(index).is_some_and(|mark| mark.is_of(item))
    }

    /// Whether the timer of an item is due at just that time.
    #[inline]
    pub(super) fn is_due(&self, item: &Item) -> bool {
        let (notes, index) = self.of(item.slot);
        notes.marks.get(index) == Some(&item.mark)
    }

    /// When the timer is due that an item stands for; `None` if it stands for nothing.
    pub(super) fn due(&self, item: &Item) -> Option<Moment> {
        if self.stands(item) { self.stamp(item.slot).map(|stamp| stamp.due) } else { None }
    }

    /// What is to stand in an item's place when its turn has come: itself, if its timer is due at just that
    /// time; another where its timer belongs, if that was moved; nothing, if it stood for nothing.
    pub(super) fn successor(&mut self, item: Item) -> Option<Item> {
        if self.is_due(&item) {
            return Some(item);
        }
        let stamp = self.stamp(item.slot).filter(|_| self.stands(&item))?;
        let (notes, index) = self.of_mut(item.slot);
        Some(notes.stand(index, Item { stamp, ..item }))
    }

    /// How many are set.
    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    const fn of(&self, slot: u32) -> (&Notes, usize) {
        let notes = if slot & OF_WHEEL == 0 { &self.timers } else { &self.wheels };
        (notes, (slot & !OF_WHEEL) as usize)
    }

    #[inline]
    const fn of_mut(&mut self, slot: u32) -> (&mut Notes, usize) {
        let notes = if slot & OF_WHEEL == 0 { &mut self.timers } else { &mut self.wheels };
        (notes, (slot & !OF_WHEEL) as usize)
    }
}

impl Notes {
    /// Has an item stand for a slot from now on.
    #[inline]
    fn stand(&mut self, index: usize, item: Item) -> Item {
        let mark = self.marks[index].next();
        self.marks[index] = mark;
        self.times[index] = Time { stamp: item.stamp, tick: ShortTick::of(item.stamp.due) };
        Item { mark, ..item }
    }

    /// Has nothing stand for a slot any more.
    #[inline]
    fn remove(&mut self, index: usize) -> Option<Stamp> {
        let mark = self.marks.get_mut(index).filter(|mark| mark.is_set())?;
        *mark = mark.unset();
        self.times.get(index).map(|time| time.stamp)
    }

    #[cold]
    fn grow(&mut self, len: usize) {
        self.marks.resize(len, Mark::NEW);
        self.times.resize(len, Time::NONE);
    }
}

impl Mark {
    const NEW: Self = Self(0);

    /// Of another item, which stands for a timer that is due then.
    #[inline]
    const fn next(self) -> Self {
        Self((self.0 | MOVED | SET).wrapping_add(1) | SET)
    }

    /// Of the same item, whose timer is due later.
    #[inline]
    const fn moved(self) -> Self {
        Self(self.0 | MOVED)
    }

    #[inline]
    const fn unset(self) -> Self {
        Self(self.0 & !SET)
    }

    #[inline]
    const fn is_set(self) -> bool {
        self.0 & SET != 0
    }

    /// Whether it is an item's, whose timer may have been moved.
    #[inline]
    const fn is_of(self, item: &Item) -> bool {
        self.0 & !MOVED == item.mark.0
    }
}

/// Something stands for the slot.
const SET: u32 = 1;

/// Its timer is due later than the item is looked at.
const MOVED: u32 = 2;

impl Time {
    const NONE: Self = Self { stamp: Stamp { due: Moment::ZERO, sequence: 0 }, tick: ShortTick(0) };
}

impl ShortTick {
    #[inline]
    fn of(due: Moment) -> Self {
        Self(u32::try_from(tick(due)).unwrap_or(u32::MAX))
    }
}

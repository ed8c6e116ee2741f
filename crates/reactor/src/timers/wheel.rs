//! What is due later, sorted roughly.
//!
//! Owns the timers beyond the horizon, which is a tick of about a millisecond, in buckets: 64 of one tick, 64
//! of 64 ticks, and so on, eight levels of them, which reach to the end of time. A timer goes to the level
//! where its tick first differs from the horizon's. Putting one in touches its bucket and nothing else.
//! Promises to hand out a bucket before any timer in it is due, and the buckets in the order of their
//! ticks. Never sorts inside a bucket: who takes one does.
//!
//! After Varghese and Lauck, *Hashed and Hierarchical Timing Wheels* (1987).

use super::dues::Item;
use super::room::{KEPT, trim, trim_well};
use crate::clock::Moment;

#[derive(Debug)]
pub(super) struct Wheel {
    /// The tick that was reached. What is due in it, or before, is not in the wheel.
    horizon: u64,
    /// Which buckets of each level are not empty. Invariant: each of them is of a greater index than the
    /// horizon has on its level, and shares the horizon's indices on all levels above.
    occupied: [u64; LEVELS],
    buckets: Vec<Vec<Item>>,
    /// Room that buckets left when they became empty, for the next to be used: a timer that is moved from
    /// one to the other allocates nothing.
    spare: Vec<Vec<Item>>,
    /// The items in all buckets.
    len: usize,
}

/// What a short look at the wheel says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Glance {
    /// This item is looked at first; it stands in a bucket at a place.
    First(Item, u16, usize),
    /// There are too many to look through, and none of them before this time.
    NoneBefore(Moment),
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self {
            horizon: 0,
            occupied: [0; LEVELS],
            buckets: vec![Vec::new(); LEVELS * FAN],
            spare: Vec::new(),
            len: 0,
        }
    }

    /// The bucket for what is due then; none if that is not beyond the horizon.
    #[inline]
    pub(super) const fn bucket_for(&self, due: Moment) -> Option<u16> {
        let tick = tick(due);
        if tick <= self.horizon {
            return None;
        }
        let level = (tick ^ self.horizon).ilog2() / BITS;
        Some(bucket_at(level, (tick >> (level * BITS)) % FAN as u64))
    }

    #[inline]
    pub(super) fn push(&mut self, bucket: u16, item: Item) {
        let items = &mut self.buckets[bucket as usize];
        if items.is_empty() {
            *items = self.spare.pop().unwrap_or_default();
            self.occupied[bucket as usize / FAN] |= 1 << (bucket as usize % FAN);
        }
        items.push(item);
        self.len += 1;
    }

    /// Takes out what stands in a bucket at `place`, which is there.
    pub(super) fn remove(&mut self, bucket: u16, place: usize) {
        self.buckets[bucket as usize].swap_remove(place);
        self.len -= 1;
        self.empty(bucket);
    }

    /// Takes out the last items of each bucket that are `dead`.
    pub(super) fn trim_each(&mut self, dead: impl Fn(&Item) -> bool) {
        for (level, occupied) in (0..).zip(self.occupied) {
            for index in ones(occupied) {
                self.trim(bucket_at(level, index), &dead);
            }
        }
    }

    /// Takes out the last items that are `dead` of those which are looked at first, and says how many.
    pub(super) fn trim_first(&mut self, dead: impl Fn(&Item) -> bool) -> usize {
        self.first().map_or(0, |(bucket, _)| self.trim(bucket, dead))
    }

    /// Takes out the last items of a bucket that are `dead`, and says how many.
    #[inline]
    pub(super) fn trim(&mut self, bucket: u16, dead: impl Fn(&Item) -> bool) -> usize {
        let items = &mut self.buckets[bucket as usize];
        let gone = items.iter().rev().take_while(|item| dead(item)).count();
        if gone > 0 {
            items.truncate(items.len() - gone);
            self.len -= gone;
            self.empty(bucket);
        }
        gone
    }

    /// Keeps those items alone that are to be kept.
    pub(super) fn retain(&mut self, keep: impl Fn(&Item) -> bool) {
        let buckets: Vec<u16> = self.in_order().map(|(bucket, _)| bucket).collect();
        for bucket in buckets {
            let items = &mut self.buckets[bucket as usize];
            let before = items.len();
            items.retain(&keep);
            trim_well(items);
            self.len -= before - items.len();
            self.empty(bucket);
        }
    }

    /// Takes out the first bucket of one tick, if the tick begins by `now`, and moves the horizon to it.
    /// Coarser buckets on the way to it are spread over finer ones. If nothing begins by `now`, the
    /// horizon moves to `now`.
    pub(super) fn take_tick(&mut self, now: Moment) -> Option<Vec<Item>> {
        let now = tick(now);
        while let Some((bucket, begin)) = self.first().filter(|(_, begin)| *begin <= now) {
            self.horizon = begin;
            let mut items = self.take(bucket);
            if usize::from(bucket) < FAN {
                return Some(items);
            }
            // What is due in the bucket's first tick is not beyond the horizon, and taken out next.
            let first = bucket_at(0, begin % FAN as u64);
            for item in items.drain(..) {
                let finer = self.bucket_for(item.stamp.due).unwrap_or(first);
                self.push(finer, item);
            }
            self.keep(items);
        }
        self.horizon = self.horizon.max(now);
        None
    }

    /// Keeps the room of an empty bucket, if it is not much.
    pub(super) fn keep(&mut self, room: Vec<Item>) {
        if room.capacity() > 0 && room.capacity() <= KEPT && self.spare.len() < MOST_SPARE {
            self.spare.push(room);
        }
    }

    /// What is looked at first. Exact while few are looked at about that time; else the beginning of their
    /// bucket: looking at many costs more than to wake up once too often for them.
    #[inline]
    pub(super) fn glance(&self) -> Option<Glance> {
        let (bucket, begin) = self.first()?;
        let items = &self.buckets[bucket as usize];
        if items.len() > FEW {
            let begin = i64::try_from(begin << TICK).unwrap_or(i64::MAX);
            return Some(Glance::NoneBefore(Moment::from_nanos(begin)));
        }
        let (place, first) = items.iter().enumerate().min_by_key(|(_, item)| item.stamp)?;
        Some(Glance::First(*first, bucket, place))
    }

    /// The items of each bucket that is not empty, soonest first, and the tick in which it begins.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (u64, &[Item])> {
        self.in_order().map(|(bucket, begin)| (begin, &self.buckets[bucket as usize][..]))
    }

    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.buckets.iter().chain(&self.spare).map(Vec::capacity).sum()
    }

    /// The first bucket that is not empty, and the tick in which it begins.
    #[inline]
    fn first(&self) -> Option<(u16, u64)> {
        // Three times in each turn, of which most have no timer to wait for.
        if self.len == 0 { None } else { self.in_order().next() }
    }

    /// The buckets that are not empty, soonest first, and the tick in which each begins.
    #[inline]
    fn in_order(&self) -> impl Iterator<Item = (u16, u64)> {
        (0..).zip(self.occupied).flat_map(|(level, occupied)| {
            let (width, shift) = (level * BITS, (level + 1) * BITS);
            let around = self.horizon >> shift << shift;
            ones(occupied).map(move |index| (bucket_at(level, index), around | index << width))
        })
    }

    /// Keeps note of a bucket if it has become empty.
    #[inline]
    fn empty(&mut self, bucket: u16) {
        let items = &mut self.buckets[bucket as usize];
        if items.is_empty() {
            let room = self.take(bucket);
            self.keep(room);
        } else {
            trim(items);
        }
    }

    /// Takes a bucket out.
    fn take(&mut self, bucket: u16) -> Vec<Item> {
        self.occupied[bucket as usize / FAN] &= !(1 << (bucket as usize % FAN));
        let items = std::mem::take(&mut self.buckets[bucket as usize]);
        self.len -= items.len();
        items
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "there are 512 buckets")]
const fn bucket_at(level: u32, index: u64) -> u16 {
    (level as u64 * FAN as u64 + index) as u16
}

/// The places of the ones in a word, the lowest first.
#[inline]
fn ones(mut word: u64) -> impl Iterator<Item = u64> {
    std::iter::from_fn(move || {
        let place = (word != 0).then(|| word.trailing_zeros());
        word &= word.wrapping_sub(1);
        place.map(u64::from)
    })
}

/// The tick that a moment lies in; the first if it lies before time.
#[inline]
pub(super) const fn tick(moment: Moment) -> u64 {
    let nanos = moment.as_nanos();
    if nanos < 0 { 0 } else { nanos.cast_unsigned() >> TICK }
}

/// A tick has 2^20 nanoseconds: as fine as the system's wait, and a shift to find.
const TICK: u32 = 20;

/// Buckets to a level, as many as a word has bits.
const FAN: usize = 1 << BITS;
const BITS: u32 = 6;

/// Ticks have 43 bits: eight levels of six.
const LEVELS: usize = 8;

/// Empty buckets' room that is kept: as many as are in use on a busy level.
const MOST_SPARE: usize = FAN;

/// So many items are looked through for the soonest: some 30 ns.
const FEW: usize = 64;

//! What is due later, sorted roughly.
//!
//! Owns the timers beyond the horizon, which is a tick of about a millisecond, in buckets: 64 of one tick, 64
//! of 64 ticks, and so on, eight levels of them, which reach to the end of time. A timer goes to the level
//! where its tick first differs from the horizon's. Setting, moving and removing one touch its bucket
//! and nothing else. Promises to hand out a bucket before any timer in it is due, and the buckets in the
//! order of their ticks. Never sorts inside a bucket: who takes one does.
//!
//! After Varghese and Lauck, *Hashed and Hierarchical Timing Wheels* (1987).

use super::places::{Item, KEPT, Place, Places, short, trim};
use crate::clock::Moment;
use crate::queue::Stamp;

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
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self {
            horizon: 0,
            occupied: [0; LEVELS],
            buckets: vec![Vec::new(); LEVELS * FAN],
            spare: Vec::new(),
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
    pub(super) fn push(&mut self, bucket: u16, item: Item, places: &mut Places) {
        let items = &mut self.buckets[bucket as usize];
        if items.is_empty() {
            *items = self.spare.pop().unwrap_or_default();
            self.occupied[bucket as usize / FAN] |= 1 << (bucket as usize % FAN);
        }
        places.put(item.slot, Place::Bucket(bucket, short(items.len())));
        items.push(item);
    }

    /// Takes out what stands in a bucket at `place`, which is there.
    #[inline]
    pub(super) fn remove(&mut self, bucket: u16, place: u32, places: &mut Places) -> Stamp {
        let items = &mut self.buckets[bucket as usize];
        let gone = items.swap_remove(place as usize);
        trim(items);
        match items.get(place as usize) {
            Some(moved) => places.put(moved.slot, Place::Bucket(bucket, place)),
            None if items.is_empty() => {
                let room = self.take(bucket);
                self.keep(room);
            }
            None => {}
        }
        gone.stamp
    }

    #[inline]
    pub(super) fn stamp(&self, bucket: u16, place: u32) -> Stamp {
        self.buckets[bucket as usize][place as usize].stamp
    }

    /// Gives what stands in a bucket at `place` another stamp, of the same bucket.
    #[inline]
    pub(super) fn restamp(&mut self, bucket: u16, place: u32, stamp: Stamp) {
        self.buckets[bucket as usize][place as usize].stamp = stamp;
    }

    /// Takes out the first bucket of one tick, if the tick begins by `now`, and moves the horizon to it.
    /// Coarser buckets on the way to it are spread over finer ones. If nothing begins by `now`, the
    /// horizon moves to `now`.
    pub(super) fn take_tick(&mut self, now: Moment, places: &mut Places) -> Option<Vec<Item>> {
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
                self.push(finer, item, places);
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

    /// When the soonest in the wheel is due.
    pub(super) fn soonest(&self) -> Option<Moment> {
        let (bucket, _) = self.first()?;
        self.buckets[bucket as usize].iter().map(|item| item.stamp.due).min()
    }

    /// A time by which nothing in the wheel is due yet, and soon after which something is. Exact while
    /// few are due at about that time; else the beginning of their bucket: looking at many costs more
    /// than to wake up once too often for them.
    #[inline]
    pub(super) fn nothing_before(&self) -> Option<Moment> {
        let (bucket, begin) = self.first()?;
        if self.buckets[bucket as usize].len() <= FEW {
            return self.soonest();
        }
        Some(Moment::from_nanos(i64::try_from(begin << TICK).unwrap_or(i64::MAX)))
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.buckets.iter().chain(&self.spare).map(Vec::capacity).sum()
    }

    /// The first bucket that is not empty, and the tick in which it begins.
    #[inline]
    fn first(&self) -> Option<(u16, u64)> {
        let (level, occupied) = (0..).zip(self.occupied).find(|(_, occupied)| *occupied != 0)?;
        let index = u64::from(occupied.trailing_zeros());
        let (width, shift) = (level * BITS, (level + 1) * BITS);
        let begin = self.horizon >> shift << shift | index << width;
        Some((bucket_at(level, index), begin))
    }

    /// Takes a bucket out.
    fn take(&mut self, bucket: u16) -> Vec<Item> {
        self.occupied[bucket as usize / FAN] &= !(1 << (bucket as usize % FAN));
        std::mem::take(&mut self.buckets[bucket as usize])
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "there are 512 buckets")]
const fn bucket_at(level: u32, index: u64) -> u16 {
    (level as u64 * FAN as u64 + index) as u16
}

/// The tick that a moment lies in; the first if it lies before time.
#[inline]
const fn tick(moment: Moment) -> u64 {
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

//! Posted events, first in, first out.
//!
//! Owns what was posted and not delivered yet. Promises the order of posting; each entry carries the
//! [`Stamp`] that places it among the timers. Never looks inside a payload.
//! `kernel/turn.rs` merges this queue with the timers.

use std::collections::VecDeque;

use crate::clock::Moment;
use crate::ids::{SessionId, WheelId};
use crate::name::Symbol;
use crate::payload::Payload;

/// A place in the one order of everything that waits: when it is due, then who came first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Stamp {
    pub(crate) due: Moment,
    pub(crate) sequence: u64,
}

impl Stamp {
    /// A number of the same order, for those who compare many: it takes no branch.
    #[inline]
    pub(crate) const fn as_number(self) -> u128 {
        // A negative due time comes before the others when its sign is turned.
        let due = self.due.as_nanos().cast_unsigned() ^ (1 << 63);
        (due as u128) << 64 | self.sequence as u128
    }
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) stamp: Stamp,
    pub(crate) to: SessionId,
    pub(crate) from: SessionId,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    Event {
        symbol: Symbol,
        payload: Payload,
    },
    /// A wheel that asked to be heard in its turn.
    Wheel(WheelId),
    /// Holds a new session until its maker has had the chance to give it something to live for.
    Born,
    /// A signal of the system, by number.
    Signal(i32),
}

/// `Stamp`s grow from front to back: time does not run backwards, and sequence numbers count up.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    entries: VecDeque<Entry>,
}

impl Queue {
    #[inline]
    pub(crate) fn push(&mut self, entry: Entry) {
        debug_assert!(
            self.entries.back().is_none_or(|last| last.stamp < entry.stamp),
            "posted events are stamped in order"
        );
        self.entries.push_back(entry);
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Entry> {
        self.entries.pop_front()
    }

    #[inline]
    pub(crate) fn front(&self) -> Option<Stamp> {
        self.entries.front().map(|entry| entry.stamp)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes everything out.
    pub(crate) fn take(&mut self) -> VecDeque<Entry> {
        std::mem::take(&mut self.entries)
    }
}

//! Posted events, first in, first out.
//!
//! Owns what was posted and not delivered yet. Promises the order of posting; each entry carries the
//! [`Stamp`] that places it among the timers. Never looks inside a payload.
//! `kernel/turn.rs` merges this queue with the timers.

use std::any::Any;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::clock::Moment;
use crate::ids::{SessionId, WheelId};
use crate::kernel::EventNames;
use crate::payload::{Content, Payload, Plain};

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

/// Something in the queue. Plain words: it is built where it will stand. What needs more than a word is
/// in a list of its own, in the same order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) stamp: Stamp,
    pub(crate) to: SessionId,
    pub(crate) from: SessionId,
    /// The event's name or the signal's, and the event that was being handled when it was sent.
    pub(crate) names: EventNames,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// An event with a plain payload.
    Plain(Plain),
    /// An event whose payload is the next in the list.
    Boxed,
    /// A wheel that asked to be heard in its turn.
    Wheel(WheelId),
    /// Holds a new session until its maker has had the chance to give it something to live for.
    Born,
    /// A signal of the system, by number.
    System(i32),
    /// A child process, to be looked at: it may have exited before it was watched.
    Child(u32),
    /// A signal that somebody sent, whose payload is the next in the list.
    Signal,
}

/// `Stamp`s grow from front to back: time does not run backwards, and sequence numbers count up.
#[derive(Default)]
pub(crate) struct Queue {
    /// Those that are being delivered, up to `next` already.
    front: Vec<Entry>,
    next: usize,
    /// Those that came since. They have their turn when there is nothing left of the others.
    back: Vec<Entry>,
    /// The payloads of [`What::Boxed`].
    boxed: VecDeque<Box<dyn Content>>,
    /// The payloads of [`What::Signal`].
    signals: VecDeque<Option<Rc<dyn Any>>>,
}

/// What was in the queue: the payloads of events, and those of signals.
pub(crate) type Payloads = (VecDeque<Box<dyn Content>>, VecDeque<Option<Rc<dyn Any>>>);

impl Queue {
    #[inline(always)]
    pub(crate) fn push(&mut self, entry: Entry) {
        debug_assert!(
            self.waiting().next_back().is_none_or(|last| last.stamp < entry.stamp),
            "posted events are stamped in order"
        );
        self.back.push(entry);
    }

    /// Whether there is room for one more.
    #[inline(always)]
    pub(crate) const fn has_room(&self) -> bool {
        self.back.len() != self.back.capacity()
    }

    /// Makes room for one more, and for as many again.
    pub(crate) fn make_room(&mut self) {
        self.back.reserve(1);
    }

    /// Keeps a payload for the entry that is pushed next.
    #[inline(always)]
    pub(crate) fn keep(&mut self, payload: Payload) -> What {
        match payload {
            Payload::Plain(plain) => What::Plain(plain),
            Payload::Boxed(content) => {
                self.boxed.push_back(content);
                What::Boxed
            }
        }
    }

    /// Keeps a signal's payload for the entry that is pushed next.
    pub(crate) fn keep_signal(&mut self, payload: Option<Rc<dyn Any>>) -> What {
        self.signals.push_back(payload);
        What::Signal
    }

    /// Takes the first out, to be looked at where it stands.
    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<&Entry> {
        if self.next >= self.front.len() {
            self.turn_over();
        }
        let entry = self.front.get(self.next)?;
        self.next += 1;
        Some(entry)
    }

    /// Those that came since are next. The room that a burst left behind is given back.
    #[inline(never)]
    fn turn_over(&mut self) {
        self.front.clear();
        self.next = 0;
        std::mem::swap(&mut self.front, &mut self.back);
        let (needed, Self { back, boxed, signals, .. }) = (self.front.len(), self);
        if is_wide(back.capacity(), needed) {
            back.shrink_to(KEPT.max(needed * 2));
        }
        if is_wide(boxed.capacity(), boxed.len()) {
            boxed.shrink_to(KEPT.max(boxed.len() * 2));
        }
        if is_wide(signals.capacity(), signals.len()) {
            signals.shrink_to(KEPT.max(signals.len() * 2));
        }
    }

    /// If nothing waits, maybe nothing comes for long: the room that a burst left behind is given back.
    #[inline]
    pub(crate) fn rest(&mut self) {
        if self.front.capacity().max(self.back.capacity()) > KEPT && self.is_empty() {
            // Each list once.
            self.turn_over();
            self.turn_over();
        }
    }

    /// The payload of the boxed event that was popped last.
    pub(crate) fn take_boxed(&mut self) -> Option<Box<dyn Content>> {
        self.boxed.pop_front()
    }

    /// The payload of the signal that was popped last.
    pub(crate) fn take_signal(&mut self) -> Option<Rc<dyn Any>> {
        self.signals.pop_front().flatten()
    }

    #[inline]
    pub(crate) fn front(&self) -> Option<Stamp> {
        self.waiting().next().map(|entry| entry.stamp)
    }

    pub(crate) fn len(&self) -> usize {
        self.front.len() - self.next + self.back.len()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.next >= self.front.len() && self.back.is_empty()
    }

    /// What waits, with the type of its payload.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Entry, &'static str)> {
        let mut boxed = self.boxed.iter();
        self.waiting().map(move |entry| {
            let payload = match entry.what {
                What::Boxed => boxed.next().map_or("?", |content| content.content_name()),
                What::Plain(plain) => plain.name(),
                What::Signal => "signal",
                What::Wheel(_) | What::Born | What::System(_) | What::Child(_) => "()",
            };
            (entry, payload)
        })
    }

    #[inline]
    fn waiting(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.front[self.next..].iter().chain(&self.back)
    }

    /// Takes everything out.
    pub(crate) fn take(&mut self) -> Payloads {
        let Self { boxed, signals, .. } = std::mem::take(self);
        (boxed, signals)
    }
}

/// Whether a list has much more room than it needs.
const fn is_wide(capacity: usize, needed: usize) -> bool {
    capacity > KEPT && needed < capacity / 4
}

/// Entries that there is room for though nothing waits.
const KEPT: usize = 1024;

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Queue({})", self.len())
    }
}

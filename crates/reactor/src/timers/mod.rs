//! Alarms and delays, soonest first.
//!
//! Owns every timer that is set, a session's and a wheel's. Promises to hand them out by due time,
//! equals in the order they were set, and never one that was removed. Never reads a clock, never runs
//! a handler. `kernel/turn.rs` says when a due timer becomes an event.

mod heap;

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use crate::arena::{Arena, Key};
use crate::clock::Moment;
use crate::ids::{SessionId, TimerId, WheelId};
use crate::name::Symbol;
use crate::payload::Payload;
use crate::queue::Stamp;
use heap::Heap;

#[derive(Debug)]
pub(crate) struct Timers {
    timers: Arena<Timer>,
    heap: Heap,
    /// The timer set last of each name, the head of a list through [`Timer::older`].
    by_name: HashMap<(SessionId, Symbol), Key, FxBuildHasher>,
    /// Due, but set after the step that delivers began: out of the heap until it ends.
    held: Vec<(Key, Stamp)>,
}

#[derive(Debug)]
pub(crate) struct Timer {
    pub(crate) session: SessionId,
    pub(crate) what: Ring,
    newer: Option<Key>,
    older: Option<Key>,
}

/// What happens when a timer is due.
#[derive(Debug)]
pub(crate) enum Ring {
    Event { symbol: Symbol, payload: Payload },
    Wheel(WheelId),
}

impl Timers {
    pub(crate) fn new() -> Self {
        Self {
            timers: Arena::new(),
            heap: Heap::default(),
            by_name: HashMap::default(),
            held: Vec::new(),
        }
    }

    pub(crate) fn set(&mut self, stamp: Stamp, session: SessionId, what: Ring) -> TimerId {
        let name = what.symbol();
        let key = self.timers.insert(Timer { session, what, newer: None, older: None });
        if let Some(symbol) = name {
            let older = self.by_name.insert((session, symbol), key);
            self.link(Some(key), older);
        }
        self.heap.push(key.slot(), stamp);
        TimerId(key)
    }

    /// Takes a timer out, whether it is due or not. It will not ring.
    pub(crate) fn remove(&mut self, id: TimerId) -> Option<Timer> {
        let timer = self.timers.remove(id.0)?;
        // Not in the heap if it is held: the key in `held` is stale now.
        self.heap.remove(id.0.slot());
        self.unlink(&timer);
        Some(timer)
    }

    /// Moves a timer to another time, behind its equals.
    pub(crate) fn reset(&mut self, id: TimerId, stamp: Stamp) -> bool {
        if self.timers.get(id.0).is_none() {
            return false;
        }
        if self.heap.remove(id.0.slot()) {
            self.heap.push(id.0.slot(), stamp);
        } else if let Some(held) = self.held.iter_mut().find(|(key, _)| *key == id.0) {
            held.1 = stamp;
        }
        true
    }

    /// The last timer of this name that the session set, if there is one.
    pub(crate) fn named(&self, session: SessionId, symbol: Symbol) -> Option<TimerId> {
        self.by_name.get(&(session, symbol)).map(|key| TimerId(*key))
    }

    /// Whose timer it is, if it is set.
    pub(crate) fn owner(&self, id: TimerId) -> Option<SessionId> {
        self.timers.get(id.0).map(|timer| timer.session)
    }

    /// Takes out every timer of a session.
    pub(crate) fn remove_session(&mut self, session: SessionId) -> Vec<Timer> {
        self.remove_which(|timer| timer.session == session)
    }

    /// Takes out every timer.
    pub(crate) fn remove_all(&mut self) -> Vec<Timer> {
        self.remove_which(|_| true)
    }

    /// When the next timer to ring is due, of those due by `now` and set before `limit`.
    #[inline]
    pub(crate) fn peek_due(&mut self, now: Moment, limit: u64) -> Option<Stamp> {
        loop {
            let (slot, stamp) = self.heap.peek()?;
            if stamp.due > now {
                return None;
            }
            if stamp.sequence < limit {
                return Some(stamp);
            }
            self.heap.pop();
            if let Some(key) = self.timers.key_of(slot) {
                self.held.push((key, stamp));
            }
        }
    }

    /// Takes out the timer that `peek_due` just promised.
    pub(crate) fn pop(&mut self) -> Option<Timer> {
        let (slot, _) = self.heap.pop()?;
        let timer = self.timers.key_of(slot).and_then(|key| self.timers.remove(key));
        debug_assert!(timer.is_some(), "a slot in the heap is a timer that is set");
        let timer = timer?;
        self.unlink(&timer);
        Some(timer)
    }

    /// Puts back what `peek_due` held, when the step that delivers is over.
    #[inline]
    pub(crate) fn release_held(&mut self) {
        while let Some((key, stamp)) = self.held.pop() {
            if self.timers.get(key).is_some() {
                self.heap.push(key.slot(), stamp);
            }
        }
    }

    /// When the soonest timer is due.
    #[inline]
    pub(crate) fn next_due(&self) -> Option<Moment> {
        self.heap.peek().map(|(_, stamp)| stamp.due)
    }

    /// The sessions' timers: whose, which event, when. In no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SessionId, Symbol, Moment)> {
        [].into_iter()
    }

    pub(crate) const fn len(&self) -> usize {
        self.timers.len()
    }

    fn remove_which(&mut self, which: impl Fn(&Timer) -> bool) -> Vec<Timer> {
        let found = self.timers.iter().filter(|(_, timer)| which(timer)).map(|(key, _)| key);
        let keys: Vec<Key> = found.collect();
        keys.into_iter().filter_map(|key| self.remove(TimerId(key))).collect()
    }

    fn link(&mut self, newer: Option<Key>, older: Option<Key>) {
        if let Some(timer) = newer.and_then(|key| self.timers.get_mut(key)) {
            timer.older = older;
        }
        if let Some(timer) = older.and_then(|key| self.timers.get_mut(key)) {
            timer.newer = newer;
        }
    }

    fn unlink(&mut self, timer: &Timer) {
        let Some(symbol) = timer.what.symbol() else { return };
        self.link(timer.newer, timer.older);
        if timer.newer.is_some() {
            return;
        }
        match timer.older {
            Some(older) => self.by_name.insert((timer.session, symbol), older),
            None => self.by_name.remove(&(timer.session, symbol)),
        };
    }
}

impl Ring {
    const fn symbol(&self) -> Option<Symbol> {
        match self {
            Self::Event { symbol, .. } => Some(*symbol),
            Self::Wheel(_) => None,
        }
    }
}

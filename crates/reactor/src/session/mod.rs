//! Sessions: what they are made of, and the table of them.
//!
//! Owns every session's ledger, and its state, which is taken out while one of its handlers runs, and stays out
//! between two events of its wheels (`kernel/seat.rs`).
//! Promises that a session whose ledger becomes empty is marked. Never runs a handler:
//! `kernel/dispatch.rs` does, and `kernel/reap.rs` ends what is marked.

mod handlers;
mod kinds;
mod ledger;
mod machine;
mod options;
mod reply;
mod states;
mod tree;

use std::collections::VecDeque;

use crate::arena::Arena;
use crate::ids::SessionId;
pub use handlers::Handlers;
pub(crate) use kinds::{Hears, Kinds};
pub(crate) use ledger::{Hold, Ledger};
pub use machine::Machine;
pub(crate) use machine::{Control, Step, Transition};
pub use options::Options;
pub(crate) use reply::Reply;
pub use states::States;
pub(crate) use states::{AnySession, Handled, Handler, Refusal, erase};

pub(crate) struct Slot {
    /// The session, but for the time that one of its handlers runs, or that it is kept at hand for the next event.
    pub(crate) body: Option<Box<dyn AnySession>>,
    pub(crate) ledger: Ledger,
    pub(crate) phase: Phase,
    /// Which of the kernel's own events it wants to hear.
    pub(crate) hears: Hears,
    pub(crate) options: Options,
    /// Which state it is in, if it is a machine.
    pub(crate) control: Option<Box<Control>>,
    /// `_start` is being delivered: its parent does not know of it yet.
    pub(crate) starting: bool,
    /// Wheels that it made and that are not closed, whether they keep it alive or not.
    pub(crate) wheels: u32,
    pub(crate) parent: SessionId,
    links: tree::Links,
    pub(crate) kind: usize,
    /// Where it stands in the order of everything: younger is greater.
    pub(crate) birth: u64,
}

/// living --ledger empties--> marked --looked at--> living, or ending --`_stop` told--> ended, for good
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    Living,
    /// Stands in the list of the marked.
    Marked,
    /// `_stop` is being delivered.
    Ending,
    /// It has had its `_stop`, and nobody reaches it any more: it is about to be gone.
    Ended,
}

impl Phase {
    pub(crate) const fn is_last(self) -> bool {
        match self {
            Self::Living | Self::Marked => false,
            Self::Ending | Self::Ended => true,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Sessions {
    slots: Arena<Slot>,
    /// Sessions whose ledgers became empty: looked at once more, then stopped. Each stands here once.
    marked: Vec<SessionId>,
    /// Sessions that failed and are stopped as soon as none of their handlers is running.
    doomed: VecDeque<SessionId>,
    /// The last to come of those without a parent.
    youngest: Option<SessionId>,
    /// Entries of all ledgers that mean that something can still happen without the queue or a timer.
    expecting: usize,
}

/// What a new session is made of.
pub(crate) struct Newborn {
    pub(crate) body: Box<dyn AnySession>,
    pub(crate) kind: usize,
    pub(crate) hears: Hears,
    pub(crate) control: Option<Box<Control>>,
    pub(crate) birth: u64,
}

impl Sessions {
    pub(crate) const fn new() -> Self {
        Self {
            slots: Arena::new(),
            marked: Vec::new(),
            doomed: VecDeque::new(),
            youngest: None,
            expecting: 0,
        }
    }

    pub(crate) fn insert(&mut self, newborn: Newborn, parent: SessionId) -> SessionId {
        let Newborn { body, kind, hears, control, birth } = newborn;
        let id = SessionId(self.slots.insert(Slot {
            body: Some(body),
            ledger: Ledger::default(),
            phase: Phase::Living,
            hears,
            options: Options::default(),
            control,
            starting: true,
            wheels: 0,
            parent,
            links: tree::Links::default(),
            kind,
            birth,
        }));
        self.link(id, parent);
        self.add(parent, Hold::Child);
        id
    }

    pub(crate) fn remove(&mut self, id: SessionId) -> Option<Slot> {
        let slot = self.slots.remove(id.0)?;
        self.expecting -= slot.ledger.expecting();
        Some(slot)
    }

    /// Whether something can still come to a session that is neither queued nor timed.
    pub(crate) const fn expects(&self) -> bool {
        self.expecting > 0
    }

    /// Enters a reason for the session to live.
    #[inline]
    pub(crate) fn add(&mut self, id: SessionId, hold: Hold) {
        if let Some(slot) = self.slots.get_mut(id.0) {
            slot.ledger.add(hold);
            self.expecting += usize::from(hold.expects());
        }
    }

    /// Enters an event on its way: it holds the receiver, and the sender if that is another. Says whether
    /// the receiver is there.
    #[inline(always)]
    pub(crate) fn add_post(&mut self, to: SessionId, from: SessionId) -> bool {
        let Some(slot) = self.slots.get_mut(to.0) else { return false };
        slot.ledger.add(Hold::Queued);
        if from != to {
            self.add(from, Hold::Sent);
        }
        true
    }

    /// Crosses out a reason for the session to live.
    #[inline]
    pub(crate) fn release(&mut self, id: SessionId, hold: Hold) {
        let Some(slot) = self.slots.get_mut(id.0) else { return };
        slot.ledger.remove(hold);
        let empty = slot.ledger.is_empty();
        self.expecting -= usize::from(hold.expects());
        if empty {
            self.mark(id);
        }
    }

    /// Puts a session back whose handler has run. What held it for that is crossed out already.
    #[inline(always)]
    pub(crate) fn put_back(&mut self, id: SessionId, body: Box<dyn AnySession>) {
        let Some(slot) = self.slots.get_mut(id.0) else {
            debug_assert!(false, "a session is not removed while its handler runs");
            return;
        };
        debug_assert!(slot.body.is_none(), "it was taken out");
        if slot.body.is_none() {
            slot.body = Some(body);
        }
        if slot.ledger.is_empty() {
            self.mark(id);
        }
    }

    /// Takes a session out for good: it has had its `_stop`.
    pub(crate) fn end(&mut self, id: SessionId) -> Option<Box<dyn AnySession>> {
        let slot = self.slots.get_mut(id.0)?;
        slot.phase = Phase::Ended;
        slot.body.take()
    }

    /// A session's ledger is empty.
    fn mark(&mut self, id: SessionId) {
        let Some(slot) = self.slots.get_mut(id.0) else { return };
        if slot.phase == Phase::Living {
            slot.phase = Phase::Marked;
            self.marked.push(id);
        }
    }

    /// The session marked last whose ledger is still empty.
    #[inline]
    pub(crate) fn pop_marked(&mut self) -> Option<SessionId> {
        while let Some(id) = self.marked.pop() {
            let Some(slot) = self.slots.get_mut(id.0) else { continue };
            if slot.phase == Phase::Marked {
                slot.phase = Phase::Living;
            }
            if slot.ledger.is_empty() {
                return Some(id);
            }
        }
        None
    }

    /// Whether a session is to be looked at when the turn ends.
    #[inline]
    pub(crate) const fn has_marked(&self) -> bool {
        !self.marked.is_empty()
    }

    /// Notes that a session is to be stopped, whatever its ledger says.
    pub(crate) fn doom(&mut self, id: SessionId) {
        self.doomed.push_back(id);
    }

    pub(crate) fn has_doomed(&self) -> bool {
        !self.doomed.is_empty()
    }

    /// The first to fail of those that are not running.
    pub(crate) fn pop_doomed(&mut self) -> Option<SessionId> {
        let place = self.doomed.iter().position(|id| !self.is_running(*id))?;
        self.doomed.remove(place)
    }

    /// Whether one of the session's handlers is running. Nobody is at hand for the next event when this is asked.
    pub(crate) fn is_running(&self, id: SessionId) -> bool {
        self.get(id).is_some_and(|slot| slot.body.is_none())
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: SessionId) -> Option<&mut Slot> {
        self.slots.get_mut(id.0)
    }

    pub(crate) fn get(&self, id: SessionId) -> Option<&Slot> {
        self.slots.get(id.0)
    }

    #[inline]
    pub(crate) fn contains(&self, id: SessionId) -> bool {
        self.slots.get(id.0).is_some()
    }

    pub(crate) const fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (SessionId, &Slot)> {
        self.slots.iter().map(|(key, slot)| (SessionId(key), slot))
    }

    pub(crate) fn ids(&self) -> Vec<SessionId> {
        self.slots.iter().map(|(key, _)| SessionId(key)).collect()
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("kind", &self.body.as_ref().map_or("(running)", |body| body.kind()))
            .field("parent", &self.parent)
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

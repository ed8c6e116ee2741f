//! Which timers a session has set under which name.
//!
//! Owns a list of timers for each name that a session has timers of, and a list of such names for each
//! session. Promises that a name's timers and a session's are found without a look at anybody else's,
//! and that nothing is kept for a name without timers. The links lie apart from the timers, side by
//! side: those of a crowd of timers fit in the processor's cache, the timers do not.

use std::collections::HashMap;
use std::hint::black_box;

use rustc_hash::FxBuildHasher;

use crate::ids::SessionId;
use crate::name::Symbol;

#[derive(Debug)]
pub(super) struct Names {
    /// Each holds at least one timer.
    names: HashMap<(SessionId, Symbol), Name, FxBuildHasher>,
    /// A name of the session in each slot of the table of sessions: the head of a list through
    /// [`Name::older`].
    sessions: Vec<Option<(SessionId, Symbol)>>,
    /// By the slots of timers.
    links: Vec<Link>,
}

#[derive(Debug)]
struct Name {
    /// The timer set last, the head of a list through [`Link::older`].
    newest: u32,
    /// Between those of its session.
    newer: Option<Symbol>,
    older: Option<Symbol>,
}

/// A timer between those of its name.
#[derive(Clone, Copy, Debug)]
struct Link {
    newer: u32,
    older: u32,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { names: HashMap::default(), sessions: Vec::new(), links: Vec::new() }
    }

    /// Enters a timer.
    #[inline]
    pub(super) fn link(&mut self, session: SessionId, symbol: Symbol, slot: u32) {
        if self.links.len() <= slot as usize {
            self.links.resize(slot as usize + 1, Link { newer: NONE, older: NONE });
        }
        let Some(name) = self.names.get_mut(&(session, symbol)) else {
            self.links[slot as usize] = Link { newer: NONE, older: NONE };
            self.begin_name(session, symbol, slot);
            return;
        };
        let older = std::mem::replace(&mut name.newest, slot);
        self.links[slot as usize] = Link { newer: NONE, older };
        self.links[older as usize].newer = slot;
    }

    /// Crosses out a timer.
    #[inline(always)]
    pub(super) fn unlink(&mut self, session: SessionId, symbol: Symbol, slot: u32) {
        let Link { newer, older } = self.links[slot as usize];
        if let Some(link) = self.links.get_mut(older as usize) {
            link.newer = newer;
        }
        match self.links.get_mut(newer as usize) {
            Some(link) => link.older = older,
            None => self.begin_with(session, symbol, older),
        }
    }

    /// The timer of this name that the session set last.
    #[inline]
    pub(super) fn newest(&self, session: SessionId, symbol: Symbol) -> Option<u32> {
        self.names.get(&(session, symbol)).map(|name| name.newest)
    }

    /// The timer of the same name that was set before this one.
    #[inline]
    pub(super) fn older(&self, slot: u32) -> Option<u32> {
        Some(self.links.get(slot as usize)?.older).filter(|older| *older != NONE)
    }

    /// Looks at what `unlink` will need.
    #[inline]
    pub(super) fn read_ahead(&self, slot: u32) {
        let Some(link) = self.links.get(slot as usize) else { return };
        black_box(self.links.get(link.newer as usize).map(|link| link.newer));
        black_box(self.links.get(link.older as usize).map(|link| link.older));
    }

    /// Every timer of a session.
    pub(super) fn of_session(&self, session: SessionId) -> Vec<u32> {
        let mut slots = Vec::new();
        let mut next = self.first_name(session);
        while let Some(name) = next.and_then(|symbol| self.names.get(&(session, symbol))) {
            slots.extend(std::iter::successors(Some(name.newest), |slot| self.older(*slot)));
            next = name.older;
        }
        slots
    }

    /// The newest of a name is gone: this one is now, if there is one.
    #[inline(never)]
    fn begin_with(&mut self, session: SessionId, symbol: Symbol, older: u32) {
        if older == NONE {
            self.end_name(session, symbol);
        } else if let Some(name) = self.names.get_mut(&(session, symbol)) {
            name.newest = older;
        }
    }

    fn begin_name(&mut self, session: SessionId, symbol: Symbol, slot: u32) {
        let older = self.first_name(session);
        if let Some(older) = older.and_then(|older| self.names.get_mut(&(session, older))) {
            older.newer = Some(symbol);
        }
        self.names.insert((session, symbol), Name { newest: slot, newer: None, older });
        let place = session.0.slot() as usize;
        if self.sessions.len() <= place {
            self.sessions.resize(place + 1, None);
        }
        self.sessions[place] = Some((session, symbol));
    }

    fn end_name(&mut self, session: SessionId, symbol: Symbol) {
        let Some(Name { newer, older, .. }) = self.names.remove(&(session, symbol)) else { return };
        if let Some(older) = older.and_then(|older| self.names.get_mut(&(session, older))) {
            older.newer = newer;
        }
        if let Some(newer) = newer.and_then(|newer| self.names.get_mut(&(session, newer))) {
            newer.older = older;
            return;
        }
        // The head may be another session's by now: when all are stopped, timers outlive their sessions
        // for a while.
        let head = self.sessions.get_mut(session.0.slot() as usize);
        if let Some(head) = head.filter(|head| **head == Some((session, symbol))) {
            *head = older.map(|older| (session, older));
        }
    }

    fn first_name(&self, session: SessionId) -> Option<Symbol> {
        let first = *self.sessions.get(session.0.slot() as usize)?;
        first.filter(|(whose, _)| *whose == session).map(|(_, symbol)| symbol)
    }
}

/// No timer has this slot.
const NONE: u32 = u32::MAX;

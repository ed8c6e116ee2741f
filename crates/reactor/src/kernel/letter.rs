//! Who is told what by whom.

use crate::ids::SessionId;
use crate::name::Symbol;

/// What a handler is called for.
///
/// Written to the kernel before each handler runs, piece by piece and each piece in one word: what is
/// written in halves and read as a whole must wait for the halves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Letter {
    pub(crate) to: SessionId,
    pub(crate) from: SessionId,
    pub(crate) names: Names,
}

/// An event, and the event that its sender was handling when it sent this one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names(u64);

impl Letter {
    /// What is done from outside the loop, as if the kernel itself were handling an event.
    pub(crate) const OUTSIDE: Self =
        Self { to: SessionId::KERNEL, from: SessionId::KERNEL, names: Names::NONE };

    pub(crate) const fn new(to: SessionId, from: SessionId, symbol: Symbol) -> Self {
        Self { to, from, names: Names::one(symbol) }
    }

    #[inline(always)]
    pub(crate) const fn write(&mut self, to: SessionId, from: SessionId, names: Names) {
        self.to = to;
        self.from = from;
        self.names = names;
    }

    /// What whoever handles this sends to somebody.
    #[inline(always)]
    pub(crate) const fn next(&self, to: SessionId, symbol: Symbol) -> Self {
        Self { to, from: self.to, names: self.names_of_next(symbol) }
    }

    #[inline(always)]
    pub(crate) const fn names_of_next(&self, symbol: Symbol) -> Names {
        self.names.next(symbol)
    }

    #[inline(always)]
    pub(crate) const fn symbol(&self) -> Symbol {
        self.names.event()
    }

    pub(crate) const fn caller(&self) -> Option<Symbol> {
        self.names.caller()
    }
}

impl Names {
    /// Of what has no name.
    pub(crate) const NONE: Self = Self(0);

    #[inline(always)]
    pub(crate) const fn one(event: Symbol) -> Self {
        Self(event.to_word() as u64)
    }

    /// Those of what is sent in this event.
    #[inline(always)]
    const fn next(self, event: Symbol) -> Self {
        Self(event.to_word() as u64 | self.0 << 32)
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the lower half of the word")]
    pub(crate) const fn event(self) -> Symbol {
        match Symbol::from_word(self.0 as u32) {
            Some(symbol) => symbol,
            None => Symbol::DEFAULT,
        }
    }

    /// Another event, sent in the same one.
    pub(crate) const fn renamed(self, event: Symbol) -> Self {
        Self(event.to_word() as u64 | self.0 >> 32 << 32)
    }

    const fn caller(self) -> Option<Symbol> {
        Symbol::from_word((self.0 >> 32) as u32)
    }
}

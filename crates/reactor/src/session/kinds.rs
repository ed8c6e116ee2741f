//! The kinds of session that a kernel knows.
//!
//! Owns, for each table of handlers that sessions were made of, the same table by the numbers of this
//! kernel, so that a delivery is an index and not a search. Promises that a table is numbered once, and
//! let go when neither a session nor a [`States`](super::States) or [`Machine`](super::Machine) uses it any
//! more.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use rustc_hash::FxBuildHasher;

use crate::name::{Names, Symbol};

/// The kinds of session that a kernel has numbered, by the address of their tables.
#[derive(Default)]
pub(crate) struct Kinds {
    by_address: HashMap<usize, Kind, FxBuildHasher>,
    /// How many there may be before it is worth looking for those that nobody uses.
    most: usize,
}

/// The handlers of a kind of session, by name.
pub(super) trait Tables: 'static {
    type State: 'static;
    type Numbered: 'static;

    /// The handlers by the numbers of one kernel.
    fn number(&self, names: &mut Names) -> Self::Numbered;

    fn hears(&self, names: &mut Names) -> Hears;
}

struct Kind {
    /// The [`Tables::Numbered`] of the table.
    numbered: Box<dyn Any>,
    /// Keeps the table, so that no other comes to stand at its address.
    table: Rc<dyn Any>,
    state: TypeId,
    name: &'static str,
    hears: Hears,
    sessions: usize,
}

/// Which of the kernel's own events a session takes: the others need not be offered.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Hears(u8);

impl Kinds {
    /// A session of this kind comes: gives the key of its kind, what it hears, and its handlers.
    pub(super) fn enter<T: Tables>(
        &mut self,
        table: &Rc<T>,
        names: &mut Names,
    ) -> (usize, Hears, &T::Numbered) {
        let key = Rc::as_ptr(table).addr();
        if self.by_address.len() > self.most {
            self.by_address.retain(|_, kind| kind.is_used());
            self.most = self.by_address.len() * 2;
        }
        let kind = self.by_address.entry(key).or_insert_with(|| Kind {
            numbered: Box::new(table.number(names)),
            table: Rc::<T>::clone(table),
            state: TypeId::of::<T::State>(),
            name: std::any::type_name::<T::State>(),
            hears: table.hears(names),
            sessions: 0,
        });
        kind.sessions += 1;
        let numbered = kind.numbered.downcast_ref();
        let numbered = numbered.expect("a table's address is its own, and so is its type");
        (key, kind.hears, numbered)
    }

    /// A session of this kind is gone. The kind goes with its last session and its last user.
    pub(crate) fn leave(&mut self, key: usize) {
        let Some(kind) = self.by_address.get_mut(&key) else { return };
        kind.sessions -= 1;
        if !kind.is_used() {
            self.by_address.remove(&key);
        }
    }

    /// The name of the state's type, for people.
    pub(crate) fn name(&self, key: usize) -> &'static str {
        self.by_address.get(&key).map_or("?", |kind| kind.name)
    }

    /// Whether the state of this kind's sessions is an `S`.
    pub(crate) fn has_state<S: 'static>(&self, key: usize) -> bool {
        self.by_address.get(&key).is_some_and(|kind| kind.state == TypeId::of::<S>())
    }
}

impl Kind {
    /// Whether a session is of it, or its table can still make one.
    fn is_used(&self) -> bool {
        self.sessions > 0 || Rc::strong_count(&self.table) > 1
    }
}

impl Hears {
    /// The same and this event, if it is one of the kernel's own.
    pub(crate) fn with(self, symbol: Symbol) -> Self {
        let place = OWN.iter().position(|own| *own == symbol);
        Self(self.0 | place.map_or(0, |place| 1 << place))
    }

    /// What either of two tables hears.
    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What a session without handlers hears that has a `_default`: all but `_start`.
    pub(crate) fn all_but_start() -> Self {
        OWN.iter().skip(1).fold(Self::default(), |hears, own| hears.with(*own))
    }

    pub(crate) const fn start(self) -> bool {
        self.0 & 1 != 0
    }

    pub(crate) const fn stop(self) -> bool {
        self.0 & 2 != 0
    }

    pub(crate) const fn child(self) -> bool {
        self.0 & 4 != 0
    }

    pub(crate) const fn parent(self) -> bool {
        self.0 & 8 != 0
    }
}

/// In the order of the bits of `Hears`.
const OWN: [Symbol; 4] = [Symbol::START, Symbol::STOP, Symbol::CHILD, Symbol::PARENT];

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kinds({})", self.by_address.len())
    }
}

//! What a session holds of a wheel.
//!
//! A [`Handle`] is the wheel's id and a share in the list of the dropped. Dropping it closes the wheel
//! before the next event is delivered to anyone; that is all it can do by itself. The kernel reads the
//! list whenever a handler has returned.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use crate::ids::WheelId;

/// A wheel of type `W`, held. Dropping it closes the wheel and takes its undelivered events with it
/// (POE: `delete $heap->{wheel}`).
///
/// Got from [`Context::add_wheel`](crate::Context::add_wheel); [`Context::wheel`](crate::Context::wheel)
/// borrows what it stands for.
pub struct Handle<W> {
    id: WheelId,
    dropped: Rc<Dropped>,
    wheel: PhantomData<fn() -> W>,
}

impl<W> Handle<W> {
    pub(crate) const fn new(id: WheelId, dropped: Rc<Dropped>) -> Self {
        Self { id, dropped, wheel: PhantomData }
    }

    /// The wheel's id, as its events carry it.
    #[must_use]
    #[inline]
    pub const fn id(&self) -> WheelId {
        self.id
    }

    /// Whether the handle's list of the dropped, of which each kernel has one, is this.
    #[inline]
    pub(crate) fn is_in(&self, dropped: &Rc<Dropped>) -> bool {
        Rc::ptr_eq(&self.dropped, dropped)
    }

    /// Lets go of the wheel without closing it: it lives until it closes itself
    /// ([`Io::close`](crate::Io::close)), or its session stops.
    pub fn release(mut self) {
        self.id = RELEASED;
    }
}

impl<W> Drop for Handle<W> {
    fn drop(&mut self) {
        if self.id != RELEASED {
            self.dropped.push(self.id);
        }
    }
}

impl<W> fmt::Debug for Handle<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.id)
    }
}

const RELEASED: WheelId = WheelId(crate::arena::Key::reserved());

/// The wheels whose handles were dropped and that are not closed yet.
#[derive(Default)]
pub(crate) struct Dropped {
    any: Cell<bool>,
    list: Cell<Vec<WheelId>>,
}

impl Dropped {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        !self.any.get()
    }

    pub(crate) fn push(&self, id: WheelId) {
        let mut list = self.list.take();
        list.push(id);
        self.list.set(list);
        self.any.set(true);
    }

    pub(crate) fn pop(&self) -> Option<WheelId> {
        let mut list = self.list.take();
        let id = list.pop();
        self.any.set(!list.is_empty());
        self.list.set(list);
        id
    }
}

impl fmt::Debug for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dropped(any: {})", self.any.get())
    }
}

//! What a session holds of a wheel.
//!
//! A [`Handle`] is the wheel's id and a share in the kernel's outbox (`outbox.rs`). Dropping it closes the
//! wheel before the next event is delivered to anyone; that is all it can do by itself.

use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use crate::ids::WheelId;
use crate::outbox::Outbox;
use crate::weak_handle::WeakHandle;

/// A wheel of type `W`, held. Dropping it closes the wheel and takes its undelivered events with it
/// (POE: `delete $heap->{wheel}`).
///
/// Got from [`Context::add_wheel`](crate::Context::add_wheel); [`Context::wheel`](crate::Context::wheel)
/// borrows what it stands for.
pub struct Handle<W> {
    id: WheelId,
    outbox: Rc<Outbox>,
    wheel: PhantomData<fn() -> W>,
}

impl<W> Handle<W> {
    pub(crate) const fn new(id: WheelId, outbox: Rc<Outbox>) -> Self {
        Self { id, outbox, wheel: PhantomData }
    }

    /// The wheel's id, as its events carry it.
    #[must_use]
    #[inline]
    pub const fn id(&self) -> WheelId {
        self.id
    }

    /// What another wheel may keep of this one: it does not close it when it is dropped.
    #[must_use]
    pub fn downgrade(&self) -> WeakHandle<W> {
        WeakHandle::new(self.id, Rc::clone(&self.outbox))
    }

    /// Whether the handle's outbox, of which each kernel has one, is this.
    #[inline]
    pub(crate) fn writes_to(&self, outbox: &Rc<Outbox>) -> bool {
        Rc::ptr_eq(&self.outbox, outbox)
    }

    /// The wheel has become one of another type.
    pub(crate) fn of_other_type<V>(mut self) -> Handle<V> {
        let id = std::mem::replace(&mut self.id, RELEASED);
        Handle { id, outbox: Rc::clone(&self.outbox), wheel: PhantomData }
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
            self.outbox.drop_wheel(self.id);
        }
    }
}

impl<W> fmt::Debug for Handle<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.id)
    }
}

const RELEASED: WheelId = WheelId(crate::arena::Key::reserved());

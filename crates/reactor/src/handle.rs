//! What a session holds of a wheel.
//!
//! A [`Handle`] is a share in the cell that the wheel is in (`wheel_table.rs`), which the kernel alone opens.
//! Dropping it closes the wheel before the next event is delivered to anyone, and before another wheel is made;
//! that is all it can do by itself.

use std::fmt;
use std::rc::Rc;

use crate::ids::WheelId;
use crate::weak_handle::WeakHandle;
use crate::wheel_table::WheelCell;

/// A wheel of type `W`, held. Dropping it closes the wheel and takes its undelivered events with it
/// (POE: `delete $heap->{wheel}`).
///
/// Got from [`Context::add_wheel`](crate::Context::add_wheel); [`Context::wheel`](crate::Context::wheel)
/// borrows what it stands for.
pub struct Handle<W> {
    /// Absent when the wheel was let go of.
    cell: Option<Rc<WheelCell<W>>>,
}

impl<W> Handle<W> {
    pub(crate) const fn new(cell: Rc<WheelCell<W>>) -> Self {
        Self { cell: Some(cell) }
    }

    /// The wheel's id, as its events carry it.
    #[must_use]
    #[inline]
    pub fn id(&self) -> WheelId {
        self.cell().id()
    }

    /// What another wheel may keep of this one: it does not close it when it is dropped.
    #[must_use]
    pub fn downgrade(&self) -> WeakHandle<W> {
        WeakHandle::new(Rc::clone(self.cell()))
    }

    /// Lets go of the wheel without closing it: it lives until it closes itself
    /// ([`Io::close`](crate::Io::close)), or its session stops.
    pub fn release(mut self) {
        self.cell = None;
    }

    #[inline]
    pub(crate) fn cell(&self) -> &Rc<WheelCell<W>> {
        self.cell.as_ref().expect("only who consumes the handle lets go")
    }
}

impl<W> Drop for Handle<W> {
    fn drop(&mut self) {
        if let Some(cell) = &self.cell {
            cell.outbox().drop_wheel(cell.id());
        }
    }
}

impl<W> fmt::Debug for Handle<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.id())
    }
}

//! The table of wheels: adding, finding, changing, closing. `serve.rs` has what is done with one that is ready.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use super::Kernel;
use crate::handle::Handle;
use crate::ids::{SessionId, WheelId};
use crate::io::Io;
use crate::session::Hold;
use crate::weak_handle::WeakHandle;
use crate::wheel::Wheel;
use crate::wheel_table::{AnyWheelCell, Place, WheelCell, same_type};

impl Kernel {
    pub(crate) fn add_wheel<W: Wheel>(
        &mut self,
        session: SessionId,
        make: impl FnOnce(&mut Io<'_>) -> W,
    ) -> Handle<W> {
        // What was dropped may have the port, the path or the descriptor that the new one is to have.
        self.close_dropped();
        if let Some(slot) = self.sessions.get_mut(session) {
            slot.wheels += 1;
            self.sessions.add(session, Hold::Wheel);
        }
        let cell = self.wheels.insert(session, &self.outbox);
        let handle = self.put_wheel(cell, make);
        self.settle();
        log::trace!(
            target: "reactor::wheels",
            "wheel {} ({}) of {} is made", handle.id(), std::any::type_name::<W>(), session.who()
        );
        handle
    }

    /// Makes a wheel in an empty cell of the table. One that panics then is closed at once: what it watched
    /// is closed already, and its number may be the next one's.
    fn put_wheel<W: Wheel>(
        &mut self,
        cell: Rc<WheelCell<W>>,
        make: impl FnOnce(&mut Io<'_>) -> W,
    ) -> Handle<W> {
        let Place { meta, wheel } = self.wheels.open(&cell);
        let mut io = Io::new(cell.id(), meta, &mut self.desk);
        match catch_unwind(AssertUnwindSafe(|| make(&mut io))) {
            Ok(made) => *wheel = Some(made),
            Err(panic) => {
                self.desk.forget_closed(cell.id(), self.wheels.meta_in(&*cell));
                self.close_wheel(cell.id());
                self.wake_starving();
                resume_unwind(panic);
            }
        }
        Handle::new(cell)
    }

    /// The wheel in a cell of this kernel and what it may ask of the kernel, if it is still there.
    #[inline(always)]
    pub(crate) fn open<'a, W: Wheel>(
        &'a mut self,
        cell: &'a WheelCell<W>,
    ) -> Option<(&'a mut W, Io<'a>)> {
        let Place { meta, wheel } = self.wheels.open(cell);
        Some((wheel.as_mut()?, Io::new(cell.id(), meta, &mut self.desk)))
    }

    /// The wheel in a cell, which may be another kernel's.
    #[inline(always)]
    fn open_own<'a, W: Wheel>(&'a mut self, cell: &'a WheelCell<W>) -> Option<(&'a mut W, Io<'a>)> {
        if cell.is_of(&self.outbox) { self.open(cell) } else { None }
    }

    /// The wheel that a handle stands for, if it is still there.
    #[inline(always)]
    pub(crate) fn wheel_of<'a, W: Wheel>(
        &'a mut self,
        handle: &'a Handle<W>,
    ) -> Option<(&'a mut W, Io<'a>)> {
        self.open_own(handle.cell())
    }

    /// Borrows a wheel that another wheel knows, and what it may ask of the kernel. `None` if it is closed,
    /// another kernel's, or one of another type [took its place](crate::Context::replace_wheel): then for good,
    /// though one of this type may follow.
    ///
    /// For a wheel's event that is not for its session but for another wheel: see [`WeakHandle`]. If that one may
    /// panic, [`with_wheel`](Self::with_wheel) sees to it.
    #[inline]
    pub fn wheel<'a, W: Wheel>(
        &'a mut self,
        handle: &'a WeakHandle<W>,
    ) -> Option<(&'a mut W, Io<'a>)> {
        self.open_own(handle.cell())
    }

    /// Runs `with` with a wheel that another wheel knows, as the kernel runs a wheel's code: a panic is the
    /// failure of the session that made that one, which is closed, and not of the wheel whose event it is.
    /// `None` then, or if [`wheel`](Self::wheel) has none.
    pub fn with_wheel<W: Wheel, R>(
        &mut self,
        handle: &WeakHandle<W>,
        with: impl FnOnce(&mut W, &mut Io<'_>) -> R,
    ) -> Option<R> {
        let mut result = None;
        self.guard_wheel(handle.id(), |kernel| {
            result = kernel.wheel(handle).map(|(wheel, mut io)| with(wheel, &mut io));
        });
        result
    }

    /// Closes the wheels whose handles were dropped.
    pub(super) fn close_dropped(&mut self) {
        for id in self.outbox.take_dropped() {
            self.close_wheel(id);
        }
    }

    pub(super) fn close_wheel(&mut self, id: WheelId) {
        let Some((cell, watched)) = self.remove_wheel(id) else { return };
        let session = self.wheels.meta_in(&*cell).session;
        // Closes the descriptor, which the poller has forgotten by now.
        self.guard(session, "the drop of its wheel", |kernel| kernel.wheels.empty(&*cell));
        if watched {
            self.wake_starving();
        }
    }

    /// Takes a wheel out of the kernel, which forgets what it watched.
    pub(crate) fn take_wheel<W: Wheel>(&mut self, handle: Handle<W>) -> Option<W> {
        self.wheel_of(&handle)?;
        self.remove_wheel(handle.id())?;
        let wheel = self.wheels.open(handle.cell()).wheel.take();
        handle.release();
        wheel
    }

    /// Puts another wheel in the place of one, with all that the kernel notes about it.
    pub(crate) fn replace_wheel<W: Wheel, V: Wheel>(
        &mut self,
        handle: Handle<W>,
        make: impl FnOnce(W, &mut Io<'_>) -> V,
    ) -> Handle<V> {
        let own = handle.cell().is_of(&self.outbox);
        let old = if own { self.wheels.open(handle.cell()).wheel.take() } else { None };
        let Some(old) = old else {
            // Another kernel's wheel closes there, as its handle is dropped here.
            let id = if own { handle.id() } else { WheelId::NONE };
            return Handle::new(self.wheels.empty_cell(id, &self.outbox));
        };
        // Whoever knows the wheel finds the new one, if it is of the same type.
        let same = same_type(handle.cell());
        let cell = same.unwrap_or_else(|| self.wheels.replace(handle.cell()));
        handle.release();
        self.put_wheel(cell, |io| make(old, io))
    }

    /// Takes a wheel out of the table and the ledgers; says whether it watched a descriptor.
    fn remove_wheel(&mut self, id: WheelId) -> Option<(Rc<dyn AnyWheelCell>, bool)> {
        let cell = self.wheels.remove(id)?;
        let session = self.wheels.meta_in(&*cell).session;
        log::trace!(target: "reactor::wheels", "wheel {id} of {} closes", session.who());
        self.settle();
        let meta = self.wheels.meta_in(&*cell);
        let watched = self.desk.clear(id, meta);
        if meta.alive {
            self.sessions.release(session, Hold::Wheel);
        }
        if let Some(session) = self.sessions.get_mut(session) {
            session.wheels -= 1;
        }
        Some((cell, watched))
    }

    /// A descriptor became free: whoever waited for one is asked again.
    pub(super) fn wake_starving(&mut self) {
        while let Some(id) = self.desk.take_starving() {
            self.ask_again(id);
        }
    }

    /// Pulls from a wheel in the next turn, if it is there then.
    pub(super) fn ask_again(&mut self, id: WheelId) {
        if let Some(meta) = self.wheels.meta_mut(id) {
            self.desk.ask_again(id, meta);
        }
    }
}

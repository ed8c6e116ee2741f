//! The table of wheels: adding, finding, changing, closing. `serve.rs` has what is done with one that is ready.

use std::any::Any;
use std::rc::Rc;

use super::Kernel;
use crate::desk::WheelSlot;
use crate::handle::Handle;
use crate::ids::{SessionId, WheelId};
use crate::io::Io;
use crate::session::Hold;
use crate::weak_handle::WeakHandle;
use crate::wheel::Wheel;

impl Kernel {
    pub(crate) fn add_wheel<W: Wheel>(
        &mut self,
        session: SessionId,
        make: impl FnOnce(&mut Io<'_>) -> W,
    ) -> Handle<W> {
        if let Some(slot) = self.sessions.get_mut(session) {
            slot.wheels += 1;
            self.sessions.add(session, Hold::Wheel);
        }
        let id = WheelId(self.wheels.insert(WheelSlot::new(session)));
        let slot = self.wheels.get_mut(id.0).expect("inserted the line before");
        let wheel = make(&mut Io::new(id, &mut slot.meta, &mut self.desk));
        slot.wheel = Box::new(wheel);
        self.settle();
        log::trace!(
            target: "reactor::wheels",
            "wheel {id} ({}) of {} is made", std::any::type_name::<W>(), session.who()
        );
        Handle::new(id, Rc::clone(&self.outbox))
    }

    /// A wheel and what it may ask of the kernel, if it is still there.
    #[inline]
    pub(crate) fn wheel_mut<W: Wheel>(&mut self, id: WheelId) -> Option<(&mut W, Io<'_>)> {
        let slot = self.wheels.get_mut(id.0)?;
        let wheel: &mut dyn Any = &mut *slot.wheel;
        Some((wheel.downcast_mut()?, Io::new(id, &mut slot.meta, &mut self.desk)))
    }

    /// The wheel that a handle stands for, if it is still there. The same id may name another wheel in
    /// another kernel.
    #[inline]
    pub(crate) fn wheel_of<W: Wheel>(&mut self, handle: &Handle<W>) -> Option<(&mut W, Io<'_>)> {
        if handle.writes_to(&self.outbox) { self.wheel_mut(handle.id()) } else { None }
    }

    /// Borrows a wheel that another wheel knows, and what it may ask of the kernel. `None` if it is closed,
    /// of another type now, or another kernel's.
    ///
    /// For a wheel's event that is not for its session but for another wheel: see [`WeakHandle`].
    #[inline]
    pub fn wheel<W: Wheel>(&mut self, handle: &WeakHandle<W>) -> Option<(&mut W, Io<'_>)> {
        if handle.writes_to(&self.outbox) { self.wheel_mut(handle.id()) } else { None }
    }

    pub(super) fn close_wheel(&mut self, id: WheelId) {
        let Some((slot, watched)) = self.remove_wheel(id) else { return };
        // Closes the descriptor, which the poller has forgotten by now.
        self.guard(slot.meta.session, "the drop of its wheel", |_| drop(slot.wheel));
        if watched {
            self.wake_starving();
        }
    }

    /// Takes a wheel out of the kernel, which forgets what it watched.
    pub(crate) fn take_wheel<W: Wheel>(&mut self, handle: Handle<W>) -> Option<W> {
        self.wheel_of(&handle)?;
        let (mut slot, _) = self.remove_wheel(handle.id())?;
        handle.release();
        slot.take()
    }

    /// Puts another wheel in the place of one, with all that the kernel notes about it.
    pub(crate) fn replace_wheel<W: Wheel, V: Wheel>(
        &mut self,
        handle: Handle<W>,
        make: impl FnOnce(W, &mut Io<'_>) -> V,
    ) -> Handle<V> {
        let id = handle.id();
        let there = self.wheel_of(&handle).is_some();
        if let Some(slot) = self.wheels.get_mut(id.0).filter(|_| there) {
            let old = slot.take().expect("the wheel was found by its type the line before");
            let new = make(old, &mut Io::new(id, &mut slot.meta, &mut self.desk));
            slot.wheel = Box::new(new);
        }
        handle.of_other_type()
    }

    /// Takes a wheel out of the table and the ledgers; says whether it watched a descriptor.
    fn remove_wheel(&mut self, id: WheelId) -> Option<(WheelSlot, bool)> {
        let mut slot = self.wheels.remove(id.0)?;
        log::trace!(target: "reactor::wheels", "wheel {id} of {} closes", slot.meta.session.who());
        self.settle();
        let watched = self.desk.clear(id, &mut slot.meta);
        let session = slot.meta.session;
        if slot.meta.alive {
            self.sessions.release(session, Hold::Wheel);
        }
        if let Some(session) = self.sessions.get_mut(session) {
            session.wheels -= 1;
        }
        Some((slot, watched))
    }

    /// A descriptor became free: whoever waited for one is asked again.
    pub(super) fn wake_starving(&mut self) {
        while let Some(id) = self.desk.take_starving() {
            self.ask_again(id);
        }
    }

    /// Pulls from a wheel in the next turn, if it is there then.
    pub(super) fn ask_again(&mut self, id: WheelId) {
        if let Some(slot) = self.wheels.get_mut(id.0) {
            self.desk.ask_again(id, &mut slot.meta);
        }
    }
}

//! The table of wheels: adding, pulling, flushing, closing.

use std::any::Any;
use std::rc::Rc;

use super::Kernel;
use crate::config::EVENT_BUDGET;
use crate::desk::WheelSlot;
use crate::further::WatchId;
use crate::handle::Handle;
use crate::ids::{SessionId, WheelId};
use crate::io::Io;
use crate::session::Hold;
use crate::weak_handle::WeakHandle;
use crate::wheel::{Deliver, Pull, Readiness, Wheel};

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
        let wheel = make(&mut Io { id, meta: &mut slot.meta, desk: &mut self.desk });
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
        Some((wheel.downcast_mut()?, Io { id, meta: &mut slot.meta, desk: &mut self.desk }))
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

    /// Pulls one event out of a wheel and delivers it; says whether there may be another.
    pub(crate) fn pull<W: Wheel>(&mut self, id: WheelId) -> bool {
        let Some((wheel, mut io)) = self.wheel_mut::<W>(id) else {
            return self.pull_successor(id);
        };
        let Some(event) = wheel.next(&mut io) else {
            self.tidy();
            return false;
        };
        event.deliver(self);
        !self.desk.all_told
    }

    /// As `pull`, of a wheel that a handler put in the place of the one that is pulled. It has the rest of
    /// the same share.
    #[cold]
    fn pull_successor(&mut self, id: WheelId) -> bool {
        let Some(slot) = self.wheels.get(id.0) else { return false };
        let pull = slot.wheel.pull();
        self.desk.all_told = false;
        pull(self, id)
    }

    /// Pulls events out of a wheel until it has no more to tell, or has had its share of the turn. It is
    /// looked up anew for each: the last handler may have dropped it.
    #[inline(always)]
    fn pump(&mut self, id: WheelId, pull: Pull) {
        self.desk.begin_share(id);
        if pull(self, id) {
            self.pump_on(id, pull);
        }
    }

    #[inline(never)]
    fn pump_on(&mut self, id: WheelId, pull: Pull) {
        for _ in 1..EVENT_BUDGET {
            if !pull(self, id) {
                return;
            }
        }
        self.park_wheel(id);
        self.tidy();
    }

    /// Tells a wheel what it is ready for, and pulls.
    #[inline]
    pub(super) fn ready_wheel(&mut self, id: WheelId, readiness: Readiness) {
        self.guard_wheel(id, |kernel| {
            let Some(slot) = kernel.wheels.get_mut(id.0) else { return };
            let pull = slot.wheel.ready(readiness);
            // One that stands in the list of those still ready has its share when its turn comes.
            if !slot.meta.again {
                kernel.pump(id, pull);
                kernel.flush_own(id);
            }
        });
        if !self.desk.dirty.is_empty() {
            self.flush();
        }
    }

    /// Tells a wheel what a further descriptor is ready for, and pulls.
    pub(super) fn ready_further(&mut self, watch: &WatchId, readiness: Readiness) {
        // Nobody, if it was unwatched since the system was asked.
        let Some(id) = self.desk.further.wheel_of(watch) else { return };
        self.guard_wheel(id, |kernel| {
            let Some(slot) = kernel.wheels.get_mut(id.0) else { return };
            let pull = slot.wheel.ready_also(watch, readiness);
            if !slot.meta.again {
                kernel.pump(id, pull);
            }
        });
        self.flush();
    }

    /// Pulls from a wheel that asked for it.
    pub(super) fn pull_wheel(&mut self, id: WheelId) {
        let Some(slot) = self.wheels.get_mut(id.0) else { return };
        let pull = slot.wheel.pull();
        self.guard_wheel(id, |kernel| kernel.pump(id, pull));
        self.flush();
    }

    /// Takes what a wheel has in the shared buffer to the wheel, which is asked again in the next turn.
    pub(super) fn park_wheel(&mut self, id: WheelId) {
        let Some(slot) = self.wheels.get_mut(id.0) else { return };
        let mut io = Io { id, meta: &mut slot.meta, desk: &mut self.desk };
        slot.wheel.park(&mut io);
        io.again();
    }

    /// Writes what wheels have to write. One that is written to meanwhile waits for the next time.
    pub(super) fn flush(&mut self) {
        let dirty = self.desk.dirty.len();
        if dirty == 0 {
            return;
        }
        for place in 0..dirty {
            let Some(id) = self.desk.dirty.get(place).copied() else { break };
            self.guard_wheel(id, |kernel| kernel.flush_wheel(id));
        }
        if self.desk.dirty.len() == dirty {
            self.desk.dirty.clear();
        } else {
            self.desk.dirty.drain(..dirty.min(self.desk.dirty.len()));
        }
        self.tidy();
    }

    /// Writes what the wheel has to write that was just pulled: as a rule it is the only one that has.
    #[inline(always)]
    fn flush_own(&mut self, id: WheelId) {
        if self.desk.dirty[..] == [id] {
            self.desk.dirty.clear();
            self.flush_wheel(id);
            self.tidy();
        }
    }

    #[inline]
    fn flush_wheel(&mut self, id: WheelId) {
        let Some(slot) = self.wheels.get_mut(id.0) else { return };
        slot.meta.dirty = false;
        if slot.wheel.flush(&mut Io { id, meta: &mut slot.meta, desk: &mut self.desk }) {
            let pull = slot.wheel.pull();
            self.pump(id, pull);
        }
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
            let new = make(old, &mut Io { id, meta: &mut slot.meta, desk: &mut self.desk });
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

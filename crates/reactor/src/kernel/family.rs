//! Parents and children: who is told when, and who moves to whom.
//!
//! A notice goes to its session at once; if one of the session's handlers is running, it waits until that
//! has returned and is then told before anything else.

use std::any::Any;

use super::{Kernel, Letter, Notice};
use crate::error::DetachError;
use crate::family::{Child, Fate, NewParent};
use crate::ids::SessionId;
use crate::name::Symbol;
use crate::session::Hold;

impl Kernel {
    /// Tells a session something now, or as soon as its running handler has returned.
    pub(super) fn notify<T: 'static>(&mut self, letter: Letter, payload: T) {
        if self.sessions.is_running(letter.to) {
            self.late.push_back(Notice { letter, parcel: Box::new(Some(payload)) });
            self.desk.chores = true;
        } else {
            self.tell(letter, &mut Some(payload), None);
        }
    }

    pub(super) fn notify_child(&mut self, parent: SessionId, child: Child) {
        if self.sessions.get(parent).is_some_and(|parent| parent.hears.child()) {
            self.notify(Letter::new(parent, SessionId::KERNEL, Symbol::CHILD), child);
        }
    }

    fn notify_parent(&mut self, child: SessionId, change: NewParent) {
        if self.sessions.get(child).is_some_and(|child| child.hears.parent()) {
            self.notify(Letter::new(child, SessionId::KERNEL, Symbol::PARENT), change);
        }
    }

    /// Tells what waited for running handlers and need not wait any more.
    pub(super) fn tell_late(&mut self) {
        while let Some(place) =
            self.late.iter().position(|notice| !self.sessions.is_running(notice.letter.to))
        {
            let Some(Notice { letter, mut parcel }) = self.late.remove(place) else { return };
            self.tell(letter, &mut *parcel, None);
            self.guard(letter.to, "the drop of an event's payload", |_| drop(parcel));
        }
    }

    /// A new session has had its `_start`: its parent is told, whoever that is by now.
    pub(super) fn announce(&mut self, id: SessionId, answer: Option<Box<dyn Any>>) {
        if let Some(parent) = self.sessions.parent(id) {
            self.notify_child(parent, Child::new(Fate::Create, id, answer));
        }
    }

    /// The children of a session that ends go to its parent.
    pub(super) fn bequeath(&mut self, id: SessionId) {
        let Some(heir) = self.sessions.parent(id) else { return };
        for child in self.sessions.children(id) {
            self.notify_child(heir, Child::new(Fate::Gain, child, None));
            self.notify_parent(child, NewParent { old: id, new: heir });
            // Who detached itself when it was told is nobody's.
            if self.sessions.parent(child) == Some(id) {
                self.adopt(child, heir);
            }
        }
    }

    /// Those that a session has started since its children were bequeathed: nobody was told of them.
    pub(super) fn bequeath_untold(&mut self, id: SessionId) {
        let Some(heir) = self.sessions.parent(id) else { return };
        for child in self.sessions.children(id) {
            self.adopt(child, heir);
        }
    }

    pub(crate) fn detach_myself(&mut self, id: SessionId) -> Result<(), DetachError> {
        let Some(slot) = self.sessions.get(id) else { return Err(DetachError::NoSuchSession) };
        if slot.parent == SessionId::KERNEL {
            return Err(DetachError::NoParent);
        }
        let (old, starting) = (slot.parent, slot.starting);
        // Its parent has not heard of it yet.
        if !starting {
            self.notify_child(old, Child::new(Fate::Lose, id, None));
        }
        self.detach(id, old);
        Ok(())
    }

    pub(crate) fn detach_child(
        &mut self,
        parent: SessionId,
        child: SessionId,
    ) -> Result<(), DetachError> {
        match self.sessions.parent(child) {
            None => Err(DetachError::NoSuchSession),
            Some(other) if other != parent => Err(DetachError::NotAChild),
            Some(_) => {
                self.notify_child(parent, Child::new(Fate::Lose, child, None));
                self.detach(child, parent);
                Ok(())
            }
        }
    }

    /// Makes a session nobody's child, unless that was done by whoever was told that it is lost.
    fn detach(&mut self, id: SessionId, old: SessionId) {
        if self.sessions.parent(id) == Some(old) {
            self.notify_parent(id, NewParent { old, new: SessionId::KERNEL });
            self.adopt(id, SessionId::KERNEL);
        }
    }

    fn adopt(&mut self, child: SessionId, parent: SessionId) {
        let Some(old) = self.sessions.parent(child) else { return };
        // Whoever was told of it may have ended it, or be gone.
        let parent = if self.sessions.contains(parent) { parent } else { SessionId::KERNEL };
        self.sessions.move_to(child, parent);
        self.sessions.add(parent, Hold::Child);
        self.sessions.release(old, Hold::Child);
    }
}

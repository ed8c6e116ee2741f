//! Parents and children: who is told when, and who moves to whom.
//!
//! A notice goes to its session at once; if one of the session's handlers is running, it waits until that
//! has returned and is then told before anything else.

use std::any::Any;

use super::spawn::ANSWER;
use super::{Kernel, Letter, Notice, Waiting};
use crate::error::DetachError;
use crate::family::{Child, Fate, NewParent};
use crate::ids::SessionId;
use crate::name::Symbol;
use crate::payload::{Parcel, Payload};
use crate::session::{Hold, Slot};

impl Kernel {
    /// Tells a session something now, or as soon as its running handler has returned, after what waits for
    /// that already.
    fn notify<T: 'static>(&mut self, letter: Letter, payload: T) {
        let waits = self.late.iter().any(|waiting| waiting.session == letter.to);
        if waits || self.sessions.is_running(letter.to) {
            self.tell_later(Notice { letter, payload: Payload::new(payload) });
        } else {
            self.tell(letter, &mut Parcel::of(&mut Some(payload)), None);
        }
    }

    /// Keeps a notice until its session's running handler has returned.
    pub(super) fn tell_later(&mut self, notice: Notice) {
        let session = notice.letter.to;
        self.desk.chores = true;
        match self.late.iter_mut().find(|waiting| waiting.session == session) {
            Some(waiting) => waiting.notices.push_back(notice),
            None => self.late.push(Waiting { session, notices: [notice].into() }),
        }
    }

    pub(super) fn notify_child(&mut self, parent: SessionId, child: Child) {
        if self.sessions.get(parent).is_some_and(|parent| parent.hears.child()) {
            self.notify(Letter::new(parent, SessionId::KERNEL, Symbol::CHILD), child);
        } else {
            let session = child.session();
            self.guard(session, ANSWER, |_| drop(child));
        }
    }

    fn notify_parent(&mut self, child: SessionId, change: NewParent) {
        // It may have moved on already, because of what its new parent was told: then it knows of that.
        let concerned = |child: &Slot| child.hears.parent() && child.parent == change.new;
        if self.sessions.get(child).is_some_and(concerned) {
            self.notify(Letter::new(child, SessionId::KERNEL, Symbol::PARENT), change);
        }
    }

    /// Tells what waited for running handlers and need not wait any more.
    pub(super) fn tell_late(&mut self) {
        while let Some(place) =
            self.late.iter().position(|waiting| !self.sessions.is_running(waiting.session))
        {
            let Some(notice) = self.late[place].notices.pop_front() else {
                self.late.remove(place);
                continue;
            };
            let Notice { letter, mut payload } = notice;
            self.tell(letter, &mut payload.parcel(), None);
            self.guard(letter.to, "the drop of an event's payload", |_| drop(payload));
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
        for child in self.sessions.children(id) {
            // Whoever was told of the one before may have ended this one, or itself.
            let Some(heir) = self.sessions.parent(id) else { return };
            if self.sessions.parent(child) == Some(id) {
                self.adopt(child, heir);
                self.notify_child(heir, Child::new(Fate::Gain, child, None));
                self.notify_parent(child, NewParent { old: id, new: heir });
            }
        }
    }

    pub(crate) fn detach_myself(&mut self, id: SessionId) -> Result<(), DetachError> {
        let Some(slot) = self.sessions.get(id) else { return Err(DetachError::NoSuchSession) };
        if slot.parent == SessionId::KERNEL {
            return Err(DetachError::NoParent);
        }
        let (old, starting) = (slot.parent, slot.starting);
        self.adopt(id, SessionId::KERNEL);
        // While it starts its parent has not heard of it yet.
        if !starting {
            self.notify_child(old, Child::new(Fate::Lose, id, None));
        }
        self.notify_parent(id, NewParent { old, new: SessionId::KERNEL });
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
                self.adopt(child, SessionId::KERNEL);
                self.notify_child(parent, Child::new(Fate::Lose, child, None));
                self.notify_parent(child, NewParent { old: parent, new: SessionId::KERNEL });
                Ok(())
            }
        }
    }

    /// Gives a session another parent. It moves first and is spoken of then, so that whoever is told and
    /// asks for more finds it where it is said to be.
    fn adopt(&mut self, child: SessionId, parent: SessionId) {
        let Some(old) = self.sessions.parent(child) else { return };
        self.sessions.move_to(child, parent);
        self.sessions.add(parent, Hold::Child);
        self.sessions.release(old, Hold::Child);
    }
}

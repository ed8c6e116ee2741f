//! Who is whose child.
//!
//! Owns nothing: the links are in the sessions' slots, so that a session that comes or goes allocates
//! nothing and looks for nobody. Promises that every session stands in exactly one list, its parent's or
//! that of those without one, the last to come first. Never tells anybody: `kernel/family.rs` does.

use super::Sessions;
use crate::ids::SessionId;

/// A session's place among its brothers and sisters, and its own children.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Links {
    /// The child that came last.
    youngest: Option<SessionId>,
    younger: Option<SessionId>,
    older: Option<SessionId>,
}

impl Sessions {
    /// Puts a new session into its parent's list.
    pub(super) fn link(&mut self, id: SessionId, parent: SessionId) {
        let older = self.first_of(parent).replace(id);
        if let Some(slot) = older.and_then(|older| self.get_mut(older)) {
            slot.links.younger = Some(id);
        }
        if let Some(slot) = self.get_mut(id) {
            slot.parent = parent;
            slot.links.older = older;
            slot.links.younger = None;
        }
    }

    /// Takes a session out of its parent's list.
    pub(crate) fn unlink(&mut self, id: SessionId) {
        let Some(slot) = self.get(id) else { return };
        let (parent, Links { younger, older, .. }) = (slot.parent, slot.links);
        if let Some(slot) = older.and_then(|older| self.get_mut(older)) {
            slot.links.younger = younger;
        }
        match younger.and_then(|younger| self.get_mut(younger)) {
            Some(slot) => slot.links.older = older,
            None => *self.first_of(parent) = older,
        }
    }

    /// Gives a session another parent.
    pub(crate) fn move_to(&mut self, id: SessionId, parent: SessionId) {
        self.unlink(id);
        self.link(id, parent);
    }

    pub(crate) fn parent(&self, id: SessionId) -> Option<SessionId> {
        self.get(id).map(|slot| slot.parent)
    }

    /// A session's children as they came to it; the kernel's are those without a parent.
    pub(crate) fn children(&self, id: SessionId) -> Vec<SessionId> {
        let mut next = match self.get(id) {
            Some(slot) => slot.links.youngest,
            None if id == SessionId::KERNEL => self.youngest,
            None => None,
        };
        let mut children = Vec::new();
        while let Some(child) = next {
            children.push(child);
            next = self.get(child).and_then(|slot| slot.links.older);
        }
        children.reverse();
        children
    }

    pub(crate) fn has_children(&self, id: SessionId) -> bool {
        self.get(id).is_some_and(|slot| slot.links.youngest.is_some())
    }

    /// A session and all that descend from it, each generation after the one before.
    pub(crate) fn family(&self, id: SessionId) -> Vec<SessionId> {
        let mut family = vec![id];
        let mut looked_at = 0;
        while let Some(next) = family.get(looked_at).copied() {
            family.extend(self.children(next));
            looked_at += 1;
        }
        family
    }

    /// All sessions, each followed by those that descend from it.
    pub(crate) fn pedigree(&self) -> Vec<SessionId> {
        let mut pedigree = Vec::new();
        let mut next = self.children(SessionId::KERNEL);
        next.reverse();
        while let Some(id) = next.pop() {
            pedigree.push(id);
            next.extend(self.children(id).into_iter().rev());
        }
        pedigree
    }

    /// A session's parent, its parent's parent, and so on, without the kernel.
    pub(crate) fn ancestors(&self, id: SessionId) -> impl Iterator<Item = SessionId> {
        let parent = |id: &SessionId| self.parent(*id).filter(|id| *id != SessionId::KERNEL);
        std::iter::successors(parent(&id), parent)
    }

    /// When a session and its ancestors were born, the first of them first: the order of generations.
    pub(crate) fn lineage(&self, id: SessionId) -> Vec<u64> {
        let births = std::iter::once(id).chain(self.ancestors(id));
        let mut births: Vec<u64> =
            births.filter_map(|id| self.get(id)).map(|slot| slot.birth).collect();
        births.reverse();
        births
    }

    fn first_of(&mut self, parent: SessionId) -> &mut Option<SessionId> {
        match self.slots.get_mut(parent.0) {
            Some(slot) => &mut slot.links.youngest,
            None => &mut self.youngest,
        }
    }
}

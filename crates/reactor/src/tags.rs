//! Named references: who holds a session alive, counted under a name.
//!
//! Owns the counts. Promises that a name whose count is zero is forgotten. Never looks at a ledger:
//! `kernel/names.rs` enters a name there when its count leaves zero, and crosses it out when it is back.

use std::collections::HashMap;
use std::rc::Rc;

use crate::ids::SessionId;

#[derive(Debug, Default)]
pub(crate) struct Tags {
    counts: HashMap<SessionId, HashMap<Rc<str>, u32>>,
}

impl Tags {
    /// Counts one more; gives the new count.
    pub(crate) fn increment(&mut self, session: SessionId, tag: &str) -> u32 {
        let tags = self.counts.entry(session).or_default();
        if let Some(count) = tags.get_mut(tag) {
            *count = count.saturating_add(1);
            return *count;
        }
        tags.insert(tag.into(), 1);
        1
    }

    /// Counts one less; gives the new count, or `None` if it was zero.
    pub(crate) fn decrement(&mut self, session: SessionId, tag: &str) -> Option<u32> {
        let tags = self.counts.get_mut(&session)?;
        let count = tags.get_mut(tag)?;
        *count -= 1;
        let left = *count;
        if left == 0 {
            tags.remove(tag);
            if tags.is_empty() {
                self.counts.remove(&session);
            }
        }
        Some(left)
    }

    /// A session's names and counts, in no order.
    pub(crate) fn of(&self, session: SessionId) -> impl Iterator<Item = (&str, u32)> {
        self.counts.get(&session).into_iter().flatten().map(|(tag, count)| (&**tag, *count))
    }

    /// A session is gone.
    pub(crate) fn forget(&mut self, session: SessionId) {
        self.counts.remove(&session);
    }
}

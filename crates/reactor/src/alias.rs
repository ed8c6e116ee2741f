//! Names of sessions.
//!
//! Owns which alias stands for which session, both ways. Promises that an alias stands for one session at
//! a time. Never looks at a ledger: `kernel/names.rs` enters an alias there.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::error::AliasError;
use crate::ids::SessionId;

#[derive(Debug, Default)]
pub(crate) struct Aliases {
    by_name: HashMap<Rc<str>, SessionId>,
    by_session: HashMap<SessionId, BTreeSet<Rc<str>>>,
}

impl Aliases {
    /// Gives a session an alias; says whether it is new to it.
    pub(crate) fn set(&mut self, session: SessionId, name: &str) -> Result<bool, AliasError> {
        match self.by_name.get(name) {
            Some(other) if *other == session => Ok(false),
            Some(other) => Err(AliasError::InUse(*other)),
            None => {
                let name: Rc<str> = name.into();
                self.by_name.insert(Rc::clone(&name), session);
                self.by_session.entry(session).or_default().insert(name);
                Ok(true)
            }
        }
    }

    pub(crate) fn remove(&mut self, session: SessionId, name: &str) -> Result<(), AliasError> {
        match self.by_name.get(name) {
            None => return Err(AliasError::NoSuchAlias),
            Some(other) if *other != session => return Err(AliasError::NotYours(*other)),
            Some(_) => {}
        }
        self.by_name.remove(name);
        if let Some(names) = self.by_session.get_mut(&session) {
            names.remove(name);
            if names.is_empty() {
                self.by_session.remove(&session);
            }
        }
        Ok(())
    }

    pub(crate) fn find(&self, name: &str) -> Option<SessionId> {
        self.by_name.get(name).copied()
    }

    /// A session's aliases, sorted.
    pub(crate) fn of(&self, session: SessionId) -> impl Iterator<Item = &str> {
        self.by_session.get(&session).into_iter().flatten().map(|name| &**name)
    }

    /// A session is gone.
    pub(crate) fn forget(&mut self, session: SessionId) {
        for name in self.by_session.remove(&session).into_iter().flatten() {
            self.by_name.remove(&name);
        }
    }
}

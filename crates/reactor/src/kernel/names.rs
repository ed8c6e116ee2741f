//! Aliases and named references, and what they mean to the ledgers.

use super::Kernel;
use crate::error::{AliasError, NoSuchSession, RefcountError};
use crate::ids::SessionId;
use crate::session::Hold;

impl Kernel {
    /// Gives a session an alias (POE: `alias_set`, with the kernel as the session when it is called from
    /// outside). Setting it again changes nothing.
    ///
    /// An alias keeps its session alive while others have work: see
    /// [`Context::alias_set`](crate::Context::alias_set). [`SessionId::KERNEL`] may have aliases too.
    ///
    /// # Errors
    ///
    /// Another session has it, or the session is gone.
    pub fn alias_set(&mut self, session: SessionId, name: &str) -> Result<(), AliasError> {
        if session != SessionId::KERNEL && !self.sessions.contains(session) {
            return Err(AliasError::NoSuchSession);
        }
        if self.aliases.set(session, name)? {
            log::trace!(target: "reactor::refs", "{} is {name}", session.who());
            self.sessions.add(session, Hold::Alias);
        }
        Ok(())
    }

    /// Takes an alias from a session (POE: `alias_remove`). What was posted by it arrives all the same.
    ///
    /// # Errors
    ///
    /// Nobody has it, or another session.
    pub fn alias_remove(&mut self, session: SessionId, name: &str) -> Result<(), AliasError> {
        self.aliases.remove(session, name)?;
        log::trace!(target: "reactor::refs", "{} is {name} no more", session.who());
        self.sessions.release(session, Hold::Alias);
        Ok(())
    }

    /// The session that an alias stands for (POE: `alias_resolve`).
    #[must_use]
    pub fn alias_resolve(&self, name: &str) -> Option<SessionId> {
        self.aliases.find(name)
    }

    /// A session's aliases, sorted (POE: `alias_list`).
    ///
    /// # Errors
    ///
    /// The session is gone.
    pub fn alias_list(&self, session: SessionId) -> Result<Vec<String>, NoSuchSession> {
        if session != SessionId::KERNEL && !self.sessions.contains(session) {
            return Err(NoSuchSession(()));
        }
        Ok(self.aliases.of(session).map(str::to_owned).collect())
    }

    /// Holds a session alive under a name, once more; gives the new count
    /// (POE: `refcount_increment`).
    ///
    /// Each name with a count keeps the session alive, and keeps the kernel from being idle. Names are
    /// each session's own; anybody may count.
    ///
    /// # Errors
    ///
    /// The session is gone.
    pub fn refcount_increment(
        &mut self,
        session: SessionId,
        tag: &str,
    ) -> Result<u32, NoSuchSession> {
        if !self.sessions.contains(session) {
            return Err(NoSuchSession(()));
        }
        let count = self.tags.increment(session, tag);
        log::trace!(target: "reactor::refs", "{} is held {count} times for {tag}", session.who());
        if count == 1 {
            self.sessions.add(session, Hold::Tag);
        }
        Ok(count)
    }

    /// Takes back one [`refcount_increment`](Self::refcount_increment); gives the new count
    /// (POE: `refcount_decrement`).
    ///
    /// # Errors
    ///
    /// The session is gone, or the name has no count. (POE counts below zero.)
    pub fn refcount_decrement(
        &mut self,
        session: SessionId,
        tag: &str,
    ) -> Result<u32, RefcountError> {
        if !self.sessions.contains(session) {
            return Err(RefcountError::NoSuchSession);
        }
        let count = self.tags.decrement(session, tag).ok_or(RefcountError::NoSuchTag)?;
        log::trace!(target: "reactor::refs", "{} is held {count} times for {tag}", session.who());
        if count == 0 {
            self.sessions.release(session, Hold::Tag);
        }
        Ok(count)
    }
}

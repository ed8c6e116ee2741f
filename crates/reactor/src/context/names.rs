//! Aliases and named references, as a handler asks for them.

use super::Context;
use crate::error::{AliasError, NoSuchSession, RefcountError};
use crate::ids::SessionId;

impl Context<'_> {
    /// Gives this session an alias, besides those it has (POE: `alias_set`). Setting it again changes
    /// nothing.
    ///
    /// A session can be posted to by an alias instead of its id. An alias keeps its session alive while others
    /// have work: when nothing but aliases holds the sessions that are left, the kernel is idle and
    /// sends `IDLE`, which ends them unless somebody calls it handled.
    ///
    /// ```
    /// use reactor::{Context, Kernel, States};
    ///
    /// let server = States::new()
    ///     .on_start(|_: &mut u32, cx: &mut Context<'_>, ()| cx.alias_set("server").unwrap())
    ///     .on("hello", |greeted: &mut u32, _: &mut Context<'_>, ()| *greeted += 1)
    ///     .on_stop(|greeted: &mut u32, _: &mut Context<'_>, ()| assert_eq!(*greeted, 1));
    /// let client = States::new()
    ///     .on_start(|_: &mut (), cx: &mut Context<'_>, ()| cx.post("server", "hello", ()).unwrap());
    /// let mut kernel = Kernel::new()?;
    /// kernel.spawn(&server, 0);
    /// kernel.spawn(&client, ());
    /// kernel.run()?; // ends: the server is idle
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Errors
    ///
    /// Another session has it.
    pub fn alias_set(&mut self, name: &str) -> Result<(), AliasError> {
        self.kernel.alias_set(self.session(), name)
    }

    /// Takes an alias from this session (POE: `alias_remove`). What was posted by it arrives all the same.
    ///
    /// # Errors
    ///
    /// Nobody has it, or another session.
    pub fn alias_remove(&mut self, name: &str) -> Result<(), AliasError> {
        self.kernel.alias_remove(self.session(), name)
    }

    /// The session that an alias stands for (POE: `alias_resolve`).
    #[must_use]
    pub fn alias_resolve(&self, name: &str) -> Option<SessionId> {
        self.kernel.alias_resolve(name)
    }

    /// This session's aliases, sorted (POE: `alias_list`). Another's are
    /// [`Kernel::alias_list`](crate::Kernel::alias_list).
    #[must_use]
    pub fn alias_list(&self) -> Vec<String> {
        self.kernel.alias_list(self.session()).unwrap_or_default()
    }

    /// Holds a session alive under a name, once more; gives the new count (POE: `refcount_increment`).
    ///
    /// See [`Kernel::refcount_increment`](crate::Kernel::refcount_increment).
    ///
    /// # Errors
    ///
    /// The session is gone.
    pub fn refcount_increment(
        &mut self,
        session: SessionId,
        tag: &str,
    ) -> Result<u32, NoSuchSession> {
        self.kernel.refcount_increment(session, tag)
    }

    /// Takes back one [`refcount_increment`](Self::refcount_increment); gives the new count
    /// (POE: `refcount_decrement`).
    ///
    /// # Errors
    ///
    /// The session is gone, or the name has no count.
    pub fn refcount_decrement(
        &mut self,
        session: SessionId,
        tag: &str,
    ) -> Result<u32, RefcountError> {
        self.kernel.refcount_decrement(session, tag)
    }
}

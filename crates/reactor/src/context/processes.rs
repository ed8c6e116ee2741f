//! Processes, as a handler starts and watches them.

use super::Context;
use crate::event::EventName;
use crate::kernel::{ForkError, Forked};
use crate::signal::child::{ChildError, Exited};

impl Context<'_> {
    /// Watches a child process: `event` is delivered when it has exited, also if it has already (POE:
    /// `sig_child`). Instead of the event that this session watched it with before.
    ///
    /// One event for each watch, through the queue. The watch keeps the session alive until then. The
    /// kernel takes the child's status, so nobody else is to wait for it; whoever does leaves
    /// [`Exited::status`] empty. Children that are not watched are never waited for. Several sessions
    /// may watch one child, and each is told.
    ///
    /// Not delivered when the session is stopped before. A child that nobody watches any more is not
    /// waited for: when it exits it stays a zombie until its parent ends, or waits for it.
    ///
    /// Costs a descriptor for each child. Where the system has none to give, `SIGCHLD` tells instead,
    /// and costs a system call for each such child when any child exits.
    ///
    /// ```
    /// use std::process::Command;
    /// use reactor::{Context, Exited, Kernel, States};
    ///
    /// let states = States::new()
    ///     .try_on("_start", |_: &mut (), cx: &mut Context<'_>, ()| {
    ///         let child = Command::new("true").spawn()?;
    ///         cx.sig_child(child.id(), "ended")?;
    ///         Ok::<_, Box<dyn std::error::Error>>(())
    ///     })
    ///     .on("ended", |_: &mut (), _: &mut Context<'_>, child: Exited| {
    ///         assert!(child.status.is_some_and(|status| status.success()));
    ///     });
    /// let mut kernel = Kernel::new()?;
    /// kernel.spawn(&states, ());
    /// kernel.run()?;
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Errors
    ///
    /// See [`ChildError`].
    pub fn sig_child(&mut self, pid: u32, event: impl EventName<Exited>) -> Result<(), ChildError> {
        let symbol = self.kernel.symbol(event.into_name());
        self.kernel.watch_child(self.session(), pid, symbol)
    }

    /// Ends this session's watch of a child process (POE: `sig_child` without an event); says whether
    /// there was one. An event that is queued already is delivered.
    pub fn sig_child_clear(&mut self, pid: u32) -> bool {
        self.kernel.unwatch_child(self.session(), pid)
    }

    /// Makes a second process, a copy of this one, and goes on in both: see [`Kernel::fork`].
    ///
    /// The handler returns in both, and so does [`Kernel::run`] at last.
    ///
    /// # Errors
    ///
    /// See [`ForkError`].
    ///
    /// [`Kernel::fork`]: crate::Kernel::fork
    /// [`Kernel::run`]: crate::Kernel::run
    pub fn fork(&mut self) -> Result<Forked, ForkError> {
        self.kernel.fork()
    }

    /// Names this kernel among all of them: see [`Kernel::id`](crate::Kernel::id).
    #[must_use]
    pub fn kernel_id(&self) -> String {
        self.kernel.id()
    }
}

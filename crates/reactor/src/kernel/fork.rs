//! Two kernels of one.
//!
//! A poll, its registrations and the pipe of signals belong to the open files and not to the process:
//! a child that went on with its copies would steal its parent's notices, and change what its parent
//! watches. So the child has its own. They are made before the fork, in the parent, because there a
//! failure is an error like another: nothing has changed and there is no child that cannot poll. After
//! the fork the child takes them and closes the parent's, and the parent closes the child's; the child
//! makes no call on what it inherited but close(2).

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use super::Kernel;
use super::id::KernelId;
use crate::bell::Bell;
use crate::poller::Poller;
use crate::signal::source;
use crate::sys::StepNotice;
use crate::sys::fork::{Quiet, Refused, Side, fork};

/// Which of the two processes goes on here, after [`Kernel::fork`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Forked {
    /// The one that forked.
    Parent {
        /// The number of the other.
        child: u32,
    },
    /// The new one.
    Child,
}

/// Why there is no second process. Nothing has changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ForkError {
    /// The process has so many threads. A child would have their locks and not them.
    Threads(usize),
    /// The system refused: too many processes, too many open descriptors, no memory, or no `/proc` to
    /// count threads in.
    System(io::Error),
}

/// What the child polls instead of what it inherits.
struct Twin {
    poller: Poller,
    signals: source::Twin,
    bell: Option<Arc<Bell>>,
    clock: Option<StepNotice>,
}

impl Kernel {
    /// Makes a second process, a copy of this one, and goes on in both (POE: `fork` and `has_forked`).
    ///
    /// May be called in a handler, by [`Context::fork`](crate::Context::fork), and outside of the loop.
    /// The child has all that the parent has: its sessions, their timers, what is queued, and every
    /// descriptor, watched as in the parent by a poll of its own. So two processes have each socket: it
    /// is for the sessions to decide who uses which, and to drop in the child the wheels that are the
    /// parent's business. Dropping a wheel closes the child's copy; the connection stays the parent's.
    /// (Ending one in order does not: that tells the peer.)
    ///
    /// Three things are the parent's alone: its child processes, whose watches are
    /// forgotten in the child; signals that came before and are not queued yet; and its [`id`](Self::id).
    ///
    /// What the program has outside of the kernel is copied as it is. Output that the standard library
    /// still buffers is written by both: flush before. Locked files, temporary files that are deleted on
    /// drop, and the like, belong to two processes now.
    ///
    /// Costs one system call for each watched descriptor, in the parent, beside the fork itself; and for
    /// a moment three descriptors, and one for each watched signal.
    ///
    /// ```
    /// use reactor::{Context, Exited, Forked, Kernel, States};
    ///
    /// let states = States::new()
    ///     .try_on("_start", |_: &mut (), cx: &mut Context<'_>, ()| {
    ///         match cx.fork()? {
    ///             Forked::Parent { child } => cx.sig_child(child, "ended")?,
    ///             Forked::Child => {} // nothing to do: the session ends, and `run` returns
    ///         }
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
    /// See [`ForkError`]. In the parent alone: there is no child then.
    pub fn fork(&mut self) -> Result<Forked, ForkError> {
        self.dismiss_idle_workers();
        let twin = self.twin().map_err(ForkError::System)?;
        // A signal that came to the child before it has its own pipe would be written into the parent's.
        let quiet = Quiet::begin();
        Ok(match fork(&quiet)? {
            Side::Parent { child } => Forked::Parent { child },
            Side::Child => {
                self.become_child(twin);
                Forked::Child
            }
        })
    }

    /// All that can fail.
    fn twin(&self) -> io::Result<Twin> {
        let poller = Poller::new()?;
        for (id, _, meta) in self.wheels.iter() {
            if let Some(fd) = meta.watched() {
                poller.watch(fd, id.token())?;
            }
        }
        for (watch, fd) in self.desk.further.iter() {
            poller.watch(fd, watch.token())?;
        }
        let signals = self.signals.source.twin(&poller)?;
        let bell = self.desk.doorbell.twin(&poller)?;
        let clock = self.desk.wall_watch.twin(&poller)?;
        Ok(Twin { poller, signals, bell, clock })
    }

    fn become_child(&mut self, twin: Twin) {
        self.desk.poller = twin.poller;
        self.signals.source.become_twin(twin.signals);
        self.desk.wall_watch.become_twin(twin.clock);
        self.forget_all_children();
        self.forget_threads(twin.bell);
        self.id = KernelId::new();
    }
}

impl From<Refused> for ForkError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Threads(count) => Self::Threads(count),
            Refused::System(error) => Self::System(error),
        }
    }
}

impl fmt::Display for ForkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threads(count) => write!(f, "cannot fork: the process has {count} threads"),
            Self::System(error) => write!(f, "cannot fork: {error}"),
        }
    }
}

impl Error for ForkError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::System(error) => Some(error),
            Self::Threads(_) => None,
        }
    }
}

//! Child processes that somebody waits for.
//!
//! Owns who watches which child, and what tells that it has exited: a descriptor for each child where
//! the system offers one, else `SIGCHLD`. Promises to ask the system for the children that are watched
//! and for no other. Never tells a session anything: `kernel/children.rs` does.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitStatus;

use rustix::process::Pid;

use crate::ids::SessionId;
use crate::name::Symbol;
use crate::sys::process;

/// What a watch of a child process delivers (POE: `ARG1` and `ARG2` of a `CHLD` handler).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exited {
    /// The process's number, as [`std::process::Child::id`] has it.
    pub pid: u32,
    /// How it ended. `None` if somebody else has taken its status: code that waits for every child, or
    /// a process that ignores `SIGCHLD`.
    pub status: Option<ExitStatus>,
}

/// Why a child process cannot be watched.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChildError {
    /// No child of this process has the number, or its status was taken already.
    NotAChild,
    /// The system refused: descriptors ran out before the first child was watched, say.
    System(io::Error),
}

impl fmt::Display for ChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAChild => f.write_str("not a child of this process"),
            Self::System(error) => write!(f, "cannot watch a child process: {error}"),
        }
    }
}

impl Error for ChildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::System(error) => Some(error),
            Self::NotAChild => None,
        }
    }
}

/// The children that are watched, by number.
///
/// A number names one process as long as nobody takes the child's status, and we do not while it stands here.
#[derive(Debug, Default)]
pub(crate) struct Children {
    by_number: BTreeMap<u32, Child>,
}

/// One child. Invariant: somebody watches it.
#[derive(Debug)]
pub(crate) struct Child {
    told_by: ToldBy,
    watches: Vec<Watch>,
}

/// What tells that a child has exited.
#[derive(Debug)]
pub(crate) enum ToldBy {
    /// A descriptor of its own, polled.
    Descriptor(OwnedFd),
    /// `SIGCHLD`, which does not say whose.
    Signal(Pid),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    pub(crate) session: SessionId,
    pub(crate) symbol: Symbol,
}

impl Children {
    pub(crate) fn insert(&mut self, number: u32, told_by: ToldBy) {
        self.by_number.insert(number, Child { told_by, watches: Vec::new() });
    }

    pub(crate) fn contains(&self, number: u32) -> bool {
        self.by_number.contains_key(&number)
    }

    /// Watches for a session, instead of what it watched the child with before; says whether it did not.
    pub(crate) fn watch(&mut self, number: u32, watch: Watch) -> bool {
        let Some(child) = self.by_number.get_mut(&number) else { return false };
        match child.watches.iter_mut().find(|old| old.session == watch.session) {
            Some(old) => {
                *old = watch;
                false
            }
            None => {
                child.watches.push(watch);
                true
            }
        }
    }

    /// Ends a session's watch of a child; says whether there was one.
    pub(crate) fn unwatch(&mut self, number: u32, session: SessionId) -> bool {
        let Some(child) = self.by_number.get_mut(&number) else { return false };
        let before = child.watches.len();
        child.watches.retain(|watch| watch.session != session);
        child.watches.len() < before
    }

    /// The children that a session watches.
    pub(crate) fn of_session(&self, session: SessionId) -> Vec<u32> {
        let has = |child: &Child| child.watches.iter().any(|watch| watch.session == session);
        self.by_number.iter().filter(|(_, child)| has(child)).map(|(number, _)| *number).collect()
    }

    /// The children that `SIGCHLD` tells of.
    pub(crate) fn told_by_signal(&self) -> Vec<u32> {
        let by_signal = |child: &Child| matches!(child.told_by, ToldBy::Signal(_));
        self.by_number.iter().filter(|(_, child)| by_signal(child)).map(|(n, _)| *n).collect()
    }

    /// Takes out a child that nobody watches any more.
    pub(crate) fn take_unwatched(&mut self, number: u32) -> Option<Child> {
        let child = self.by_number.get(&number)?;
        if child.watches.is_empty() { self.by_number.remove(&number) } else { None }
    }

    pub(crate) fn remove(&mut self, number: u32) -> Option<Child> {
        self.by_number.remove(&number)
    }

    pub(crate) fn take(&mut self) -> Vec<Child> {
        std::mem::take(&mut self.by_number).into_values().collect()
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Child> {
        self.by_number.get(&number)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_number.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }
}

impl Child {
    /// The process, to be waited for.
    pub(crate) fn process(&self) -> process::Child<'_> {
        self.told_by.process()
    }

    pub(crate) const fn told_by(&self) -> &ToldBy {
        &self.told_by
    }

    pub(crate) fn watches(&self) -> &[Watch] {
        &self.watches
    }
}

impl ToldBy {
    pub(crate) fn process(&self) -> process::Child<'_> {
        match self {
            Self::Descriptor(fd) => process::Child::Descriptor(fd.as_fd()),
            Self::Signal(pid) => process::Child::Number(*pid),
        }
    }
}

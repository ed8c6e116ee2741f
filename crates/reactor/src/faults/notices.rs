//! Notices of the poller that are late, or needless.
//!
//! Owns what a poller watches, by its token, since something was asked for. Promises that a notice that is withheld is told by the next
//! wait, anew and as things are by then: an edge that is lost for ever nobody can survive.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::event::{EventfdFlags, eventfd};

use super::plan::Plan;
use super::{is_asked, with};

#[derive(Default)]
pub(crate) struct Notices {
    watched: Cell<BTreeMap<Token, RawFd>>,
    withheld: Vec<Token>,
    /// Of all calls that promised an edge, those that were made good.
    stirred: u64,
}

impl Notices {
    pub(crate) fn watch(&self, fd: RawFd, token: Token) {
        if is_asked() {
            self.change(|watched| watched.insert(token, fd));
        }
    }

    pub(crate) fn forget(&self, fd: RawFd) {
        self.change(|watched| watched.retain(|_, its| *its != fd));
    }

    /// Whether a notice is not to be told in this turn.
    pub(crate) fn withhold(&mut self, token: Token) -> bool {
        if !is_asked() {
            return false;
        }
        // One that was late is told, or it would be for ever.
        let is_late = with(Plan::is_late) && !self.withheld.contains(&token);
        self.withheld.retain(|its| *its != token);
        if is_late {
            self.withheld.push(token);
        }
        is_late
    }

    /// A wait begins. What this returns is to be kept until it is over.
    pub(crate) fn prepare(&mut self, registry: &Registry) -> Vec<OwnedFd> {
        if !is_asked() {
            return Vec::new();
        }
        let watched = self.change(|watched| watched.clone());
        let (stirred, is_needless) = with(|plan| (plan.stirred(), plan.is_needless()));
        if stirred != self.stirred {
            self.stirred = stirred;
            watched.iter().for_each(|(token, fd)| tell_anew(registry, *fd, *token));
        }
        let mut bells = Vec::new();
        for token in &self.withheld {
            match watched.get(token) {
                Some(fd) => tell_anew(registry, *fd, *token),
                None => bells.extend(ring(registry, *token)),
            }
        }
        if is_needless {
            bells.extend(watched.keys().filter_map(|token| ring(registry, *token)));
        }
        bells
    }

    fn change<R>(&self, change: impl FnOnce(&mut BTreeMap<Token, RawFd>) -> R) -> R {
        let mut watched = self.watched.take();
        let result = change(&mut watched);
        self.watched.set(watched);
        result
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").field("withheld", &self.withheld).finish_non_exhaustive()
    }
}

/// Has the system say again what a descriptor is ready for, if it is ready.
fn tell_anew(registry: &Registry, fd: RawFd, token: Token) {
    let interest = Interest::READABLE | Interest::WRITABLE | Interest::PRIORITY;
    if let Err(error) = registry.reregister(&mut SourceFd(&fd), token, interest) {
        log::debug!(target: "reactor::events", "descriptor {fd} is not told anew: {error}");
    }
}

/// What the system tells as ready under this token, for reading and for writing, whatever it stands for.
fn ring(registry: &Registry, token: Token) -> Option<OwnedFd> {
    let bell = eventfd(1, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok()?;
    let interest = Interest::READABLE | Interest::WRITABLE;
    registry.register(&mut SourceFd(&bell.as_raw_fd()), token, interest).ok()?;
    Some(bell)
}

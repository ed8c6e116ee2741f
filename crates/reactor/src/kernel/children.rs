//! Child processes: from the system's notice to those who wait for them.
//!
//! A child is known from the first [`Context::sig_child`](crate::Context::sig_child) for it until it is
//! told or given up. While one is known the kernel has `SIGCHLD` too, though most children tell by a
//! descriptor of their own: when descriptors run out, as they do with a thousand children, the signal
//! tells of the rest, and to take it over then would need a descriptor. No child is waited for that
//! nobody asked about: its status is somebody else's.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::rc::Rc;

use mio::Interest;
use mio::unix::SourceFd;
use rustix::io::Errno;
use rustix::process::Pid;
use signal_hook::consts::SIGCHLD;

use super::{EventNames, Kernel};
use crate::ids::SessionId;
use crate::name::Symbol;
use crate::payload::Payload;
use crate::queue::What;
use crate::session::Hold;
use crate::signal::child::{Child, ChildError, Exited, ToldBy, Watch};
use crate::sys::process;
use crate::token;

impl Kernel {
    pub(crate) fn watch_child(
        &mut self,
        session: SessionId,
        number: u32,
        symbol: Symbol,
    ) -> Result<(), ChildError> {
        if !self.children.contains(number) {
            self.take_child_on(number)?;
        }
        if self.children.watch(number, Watch { session, symbol }) {
            self.sessions.add(session, Hold::Process);
        }
        Ok(())
    }

    /// Ends a session's watch of a child; says whether there was one.
    pub(crate) fn unwatch_child(&mut self, session: SessionId, number: u32) -> bool {
        let watched = self.children.unwatch(number, session);
        if watched {
            self.sessions.release(session, Hold::Process);
            if let Some(child) = self.children.take_unwatched(number) {
                self.let_child_go(child);
            }
        }
        watched
    }

    /// A session is going, and its watches with it.
    pub(super) fn forget_children_of(&mut self, session: SessionId) {
        let ledger = self.sessions.get(session).map(|slot| &slot.ledger);
        if ledger.is_none_or(|ledger| ledger.count(Hold::Process) == 0) {
            return;
        }
        for number in self.children.of_session(session) {
            self.unwatch_child(session, number);
        }
    }

    /// This is the child of a fork, and has no children. The descriptors are closed and no more: their
    /// registrations are the parent's.
    pub(super) fn forget_all_children(&mut self) {
        if self.children.is_empty() {
            return;
        }
        for child in self.children.take() {
            for watch in child.watches() {
                self.sessions.release(watch.session, Hold::Process);
            }
        }
        self.signals.source.remove(SIGCHLD);
    }

    /// A signal came: if it is the one that tells of children, they are looked at.
    pub(super) fn look_at_children_for(&mut self, signal: i32) {
        if signal == SIGCHLD {
            for number in self.children.told_by_signal() {
                self.look_at_child(number);
            }
        }
    }

    /// Takes a child's status if it has exited, and tells those who watch it. Anybody may say that a
    /// child is to be looked at, even one that is not watched any more.
    pub(super) fn look_at_child(&mut self, number: u32) {
        let Some(child) = self.children.get(number) else { return };
        let status = match process::reap(child.process()) {
            Ok(None) => return,
            Ok(status) => status,
            Err(error) => {
                log::debug!(target: "reactor::signals", "the status of process {number}: {error}");
                None
            }
        };
        let Some(child) = self.children.remove(number) else { return };
        let exited = Exited { pid: number, status };
        for watch in child.watches() {
            self.tell_exit(*watch, exited);
        }
        self.let_child_go(child);
        self.signal_child_reaped(exited);
    }

    /// A child was reaped, and those who watch it have been told.
    fn signal_child_reaped(&mut self, exited: Exited) {
        log::debug!(target: "reactor::signals", "{exited:?}, {} more watched", self.children.len());
        let name = self.symbol("CHLD".into());
        if self.signals.is_watched(name) {
            self.signal_everybody(name, Some(Rc::new(exited)));
        }
    }

    fn tell_exit(&mut self, watch: Watch, exited: Exited) {
        let Watch { session, symbol } = watch;
        self.sessions.add(session, Hold::Queued);
        let what = self.desk.queue.keep(Payload::new(exited));
        self.desk.post(session, SessionId::KERNEL, EventNames::one(symbol), what);
        self.sessions.release(session, Hold::Process);
    }

    fn take_child_on(&mut self, number: u32) -> Result<(), ChildError> {
        let pid =
            i32::try_from(number).ok().and_then(Pid::from_raw).ok_or(ChildError::NotAChild)?;
        process::has_exited(process::Child::Number(pid)).map_err(child_error)?;
        if self.children.is_empty() {
            self.signals.source.add(&self.desk.poller, SIGCHLD).map_err(ChildError::System)?;
        }
        let told_by = match self.poll_child(pid, number) {
            Ok(fd) => ToldBy::Descriptor(fd),
            Err(error) => {
                log::debug!(target: "reactor::signals", "process {number} is told by CHLD: {error}");
                // The signal may have come already.
                self.desk.post_own(SessionId::KERNEL, SessionId::KERNEL, What::Child(number));
                ToldBy::Signal(pid)
            }
        };
        self.children.insert(number, told_by);
        Ok(())
    }

    /// A descriptor that tells when the child exits, at once if it has; polled.
    fn poll_child(&self, pid: Pid, number: u32) -> io::Result<OwnedFd> {
        let fd = process::open(pid)?;
        // Systems had such descriptors before one could wait for them.
        process::has_exited(process::Child::Descriptor(fd.as_fd()))?;
        let (number_of_fd, token) = (fd.as_raw_fd(), token::child(number));
        self.desk.poller.watch_source(&mut SourceFd(&number_of_fd), token, Interest::READABLE)?;
        Ok(fd)
    }

    fn let_child_go(&mut self, child: Child) {
        match child.told_by() {
            ToldBy::Descriptor(fd) => {
                if let Err(error) = self.desk.poller.forget(fd.as_raw_fd()) {
                    log::error!(target: "reactor::signals", "{fd:?} was not polled: {error}");
                }
            }
            ToldBy::Signal(_) => {}
        }
        drop(child);
        self.wake_starving();
        if self.children.is_empty() {
            self.signals.source.remove(SIGCHLD);
        }
    }
}

fn child_error(error: io::Error) -> ChildError {
    if error.raw_os_error() == Some(Errno::CHILD.raw_os_error()) {
        ChildError::NotAChild
    } else {
        ChildError::System(error)
    }
}

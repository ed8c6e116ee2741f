//! The wait for readiness.
//!
//! Owns the system's poll and its buffer of notices. Promises that an interrupted wait is a short one
//! and not an error, and that the buffer grows when it was too small for all that was ready. Nothing
//! else names mio's `Poll`.

#[cfg(feature = "simulation")]
use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::time::Duration;

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};

#[cfg(feature = "simulation")]
use crate::simulation::Simulated;
use crate::sys::may_fail;

#[derive(Debug)]
pub(crate) struct Poller {
    poll: Poll,
    /// Absent while the notices are worked through.
    events: Option<Events>,
    capacity: usize,
    /// The last wait filled the buffer.
    more: bool,
    #[cfg(feature = "faults")]
    notices: crate::faults::Notices,
    #[cfg(feature = "simulation")]
    pub(crate) simulated: Simulated,
    /// How much the system watches, in a simulated kernel too.
    #[cfg(feature = "simulation")]
    watched: Cell<usize>,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        may_fail!(EpollCreate);
        let events = Some(Events::with_capacity(FEWEST_EVENTS));
        Ok(Self {
            poll: Poll::new()?,
            events,
            capacity: FEWEST_EVENTS,
            more: false,
            #[cfg(feature = "faults")]
            notices: crate::faults::Notices::default(),
            #[cfg(feature = "simulation")]
            simulated: Simulated::default(),
            #[cfg(feature = "simulation")]
            watched: Cell::new(0),
        })
    }

    /// Waits until something is ready, at most `timeout`; for ever if there is none.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        #[cfg(feature = "simulation")]
        if self.simulated.is_on() {
            self.simulated.ask();
            if self.watched.get() == 0 || self.simulated.has_notices() {
                return Ok(());
            }
        }
        self.wait_for_system(timeout)
    }

    fn wait_for_system(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.more = false;
        let timeout = timeout.map(|timeout| timeout.min(LONGEST_WAIT));
        let mut waited = self.poll(timeout);
        // Who would not wait at all wants to know what is ready, and moves a virtual clock if nothing is.
        while timeout == Some(Duration::ZERO) && is_interrupted(&waited) {
            waited = self.poll(timeout);
        }
        match waited {
            // A signal handler ran. Whoever waits for a timer computes the rest anew.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.events.iter_mut().for_each(Events::clear);
                Ok(())
            }
            result => result,
        }
    }

    /// Whether the descriptors are simulated, and the system's signals and threads left out.
    #[cfg(feature = "simulation")]
    pub(crate) const fn is_simulated(&self) -> bool {
        self.simulated.is_on()
    }

    fn poll(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        may_fail!(EpollWait);
        #[cfg(feature = "faults")]
        let _bells = self.notices.prepare(self.poll.registry());
        let events = self.events.get_or_insert_with(|| Events::with_capacity(self.capacity));
        self.poll.poll(events, timeout)
    }

    /// Hands the notices out, to be given back by [`return_events`](Self::return_events).
    pub(crate) fn take_events(&mut self) -> Option<Events> {
        self.events.take_if(|events| !events.is_empty())
    }

    pub(crate) fn has_events(&self) -> bool {
        #[cfg(feature = "simulation")]
        if self.simulated.has_notices() {
            return true;
        }
        self.events.as_ref().is_some_and(|events| !events.is_empty())
    }

    /// Whether more may be ready than the last wait had room to tell.
    pub(crate) const fn has_more(&self) -> bool {
        self.more
    }

    pub(crate) fn return_events(&mut self, mut events: Events) {
        self.more = events.iter().count() >= self.capacity;
        if self.more && self.capacity < MOST_EVENTS {
            // Next time there is room for it.
            self.capacity *= 2;
            self.events = Some(Events::with_capacity(self.capacity));
            return;
        }
        events.clear();
        self.events = Some(events);
    }

    /// Whether a test wants this notice to come a turn later.
    #[cfg(feature = "faults")]
    pub(crate) fn withholds(&mut self, token: Token) -> bool {
        self.notices.withhold(token)
    }

    /// Watches a descriptor for everything, edge-triggered, until it is [forgotten](Self::forget).
    pub(crate) fn watch(&self, fd: RawFd, token: Token) -> io::Result<()> {
        #[cfg(feature = "simulation")]
        if self.simulated.watch(fd, token.0) {
            return Ok(());
        }
        let interest = Interest::READABLE | Interest::WRITABLE | Interest::PRIORITY;
        self.watch_source(&mut SourceFd(&fd), token, interest)?;
        #[cfg(feature = "faults")]
        self.notices.watch(fd, token);
        Ok(())
    }

    pub(crate) fn watch_source(
        &self,
        source: &mut impl Source,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        may_fail!(EpollAdd);
        self.poll.registry().register(source, token, interest)?;
        #[cfg(feature = "simulation")]
        self.watched.set(self.watched.get() + 1);
        Ok(())
    }

    /// What makes `token` ready from another thread. One at most for a poller.
    pub(crate) fn waker(&self, token: Token) -> io::Result<Waker> {
        may_fail!(EventFd);
        #[cfg(feature = "simulation")]
        self.watched.set(self.watched.get() + 1);
        Waker::new(self.poll.registry(), token)
    }

    pub(crate) fn forget(&self, fd: RawFd) -> io::Result<()> {
        #[cfg(feature = "faults")]
        self.notices.forget(fd);
        may_fail!(EpollRemove);
        #[cfg(feature = "simulation")]
        if self.simulated.forget(fd) {
            return Ok(());
        }
        // Whether the system still knows it or it was closed.
        #[cfg(feature = "simulation")]
        self.watched.set(self.watched.get() - 1);
        self.poll.registry().deregister(&mut SourceFd(&fd))
    }
}

impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.poll.registry().as_fd()
    }
}

fn is_interrupted(waited: &io::Result<()>) -> bool {
    waited.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted)
}

/// Where the buffer begins, and where it ends growing: what a process of the usual limits can have.
const FEWEST_EVENTS: usize = 1024;
const MOST_EVENTS: usize = 16 * 1024;

/// A wait is cut into pieces of this length, because systems count milliseconds in an `int`.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

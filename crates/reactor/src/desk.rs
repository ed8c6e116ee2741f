//! What wheels share, and what the kernel notes about each.
//!
//! Owns the poller, the timers, the queue, one read buffer, and the lists of wheels
//! that are still ready or have something to write. Never knows a session's state: that is why it can be
//! borrowed, with a wheel, beside the sessions. `io.rs` is what a wheel sees of it.

use std::collections::VecDeque;
use std::io;
use std::os::fd::RawFd;

use crate::arena::Key;
use crate::bell::Doorbell;
use crate::clock::{Clock, Moment};
use crate::config::READ_BUDGET;
use crate::further::{Further, WatchId};
use crate::ids::{SessionId, WheelId};
use crate::kernel::EventNames;
use crate::poller::Poller;
use crate::pool::{Job, JobRefused, Pool};
use crate::queue::{self, Queue, Stamp, What};
use crate::remote::Inbox;
use crate::session::Hold;
use crate::shared_buffer::SharedBuffer;
use crate::shared_values::SharedValues;
use crate::timers::Timers;
use crate::wall_watch::WallWatch;

/// What the kernel notes about a wheel.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "memberships of four lists, each by itself")]
pub(crate) struct Meta {
    pub(crate) session: SessionId,
    /// The descriptor that is watched, or `UNWATCHED`.
    pub(crate) fd: RawFd,
    /// Whether it stands in the list of those still ready: once at most.
    pub(crate) again: bool,
    /// Whether it stands in the list of those with something to write: once at most.
    pub(crate) dirty: bool,
    /// Whether its session's ledger has it.
    pub(crate) alive: bool,
    /// Whether its alarm is set.
    pub(crate) alarm: bool,
}

impl Meta {
    pub(crate) const fn new(session: SessionId) -> Self {
        Self { session, fd: UNWATCHED, again: false, dirty: false, alive: true, alarm: false }
    }

    /// The descriptor that is watched.
    pub(crate) fn watched(&self) -> Option<RawFd> {
        Some(self.fd).filter(|fd| *fd != UNWATCHED)
    }

    /// The wheel's alarm rang: it is not set any more.
    pub(crate) const fn rang(&mut self) {
        self.alarm = false;
    }
}

const UNWATCHED: RawFd = -1;

// Every idle connection has one.
const _: () = assert!(size_of::<Meta>() == 16);

/// What a wheel wants changed in its session's ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry {
    Made(SessionId, Hold),
    CrossedOut(SessionId, Hold),
}

/// What wheels share. The part of the kernel that is borrowed beside a wheel.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) poller: Poller,
    /// What wheels watch beside their first descriptor.
    pub(crate) further: Further,
    pub(crate) clock: Clock,
    /// The time of this turn.
    pub(crate) now: Moment,
    pub(crate) timers: Timers,
    pub(crate) wall_watch: WallWatch,
    pub(crate) queue: Queue,
    /// Counts everything that is put in order. What is stamped from now on is not below it.
    pub(crate) sequence: u64,
    /// Wheels that are still ready though the system will not say so again.
    pub(crate) again: VecDeque<WheelId>,
    /// Wheels with something to write.
    pub(crate) dirty: Vec<WheelId>,
    /// Wheels that closed themselves and are not closed yet.
    pub(crate) closing: Vec<WheelId>,
    /// Wheels that wait for a descriptor to become free.
    pub(crate) starving: Vec<WheelId>,
    /// Something is to be done before the next event: see `kernel/chores.rs`.
    pub(crate) chores: bool,
    /// What is not in the sessions' ledgers yet.
    pub(crate) holds: Vec<Entry>,
    pub(crate) shared: SharedBuffer,
    /// Whose share of the turn it is, or was last: what the shared buffer holds is this wheel's.
    pub(crate) sharing: WheelId,
    pub(crate) values: SharedValues,
    /// What wheels use for the time of one call; as long as the longest that was asked for.
    pub(crate) scratch: Vec<u8>,
    pub(crate) read_left: usize,
    pub(crate) doorbell: Doorbell,
    pub(crate) inbox: Inbox,
    pub(crate) pool: Pool,
}

impl Desk {
    pub(crate) fn new(clock: Clock, workers: usize) -> io::Result<Self> {
        Ok(Self {
            poller: Poller::new()?,
            further: Further::default(),
            now: clock.moment(),
            clock,
            timers: Timers::new(),
            wall_watch: WallWatch::default(),
            queue: Queue::default(),
            sequence: 0,
            again: VecDeque::new(),
            dirty: Vec::new(),
            closing: Vec::new(),
            starving: Vec::new(),
            chores: false,
            holds: Vec::new(),
            shared: SharedBuffer::new(),
            sharing: WheelId(Key::reserved()),
            values: SharedValues::default(),
            scratch: Vec::new(),
            read_left: READ_BUDGET,
            doorbell: Doorbell::default(),
            inbox: Inbox::default(),
            pool: Pool::new(workers),
        })
    }

    #[inline]
    pub(crate) const fn stamp(&mut self, due: Moment) -> Stamp {
        self.sequence += 1;
        Stamp { due, sequence: self.sequence }
    }

    #[inline(always)]
    pub(crate) fn post(&mut self, to: SessionId, from: SessionId, names: EventNames, what: What) {
        let stamp = self.stamp(self.now);
        self.queue.push(queue::Entry { stamp, to, from, names, what });
    }

    /// Posts what is not an event of a session.
    pub(crate) fn post_own(&mut self, to: SessionId, from: SessionId, what: What) {
        self.post(to, from, EventNames::NONE, what);
    }

    /// Notes something for a session's ledger, for the next time between two events.
    pub(crate) fn note(&mut self, entry: Entry) {
        self.holds.push(entry);
        self.chores = true;
    }

    #[inline]
    pub(crate) fn ask_again(&mut self, id: WheelId, meta: &mut Meta) {
        if !meta.again {
            meta.again = true;
            self.again.push_back(id);
        }
    }

    /// A wheel begins its share of the turn.
    #[inline]
    pub(crate) const fn begin_share(&mut self, id: WheelId) {
        self.sharing = id;
        self.read_left = READ_BUDGET;
        self.shared.clear();
    }

    /// Undoes what a wheel asked for, before it is dropped; says whether it watched a descriptor.
    pub(crate) fn clear(&mut self, id: WheelId, meta: &mut Meta) -> bool {
        self.sleep(id, meta);
        let mut watched = meta.fd != UNWATCHED;
        self.forget(meta);
        while let Some(fd) = self.further.pop(id) {
            self.forget_descriptor(fd);
            watched = true;
        }
        watched
    }

    /// Takes the wheel's alarm back, if it is set.
    pub(crate) fn sleep(&mut self, id: WheelId, meta: &mut Meta) {
        if std::mem::take(&mut meta.alarm) {
            self.timers.remove_alarm(id.0.slot());
        }
    }

    pub(crate) fn forget(&self, meta: &mut Meta) {
        let fd = std::mem::replace(&mut meta.fd, UNWATCHED);
        if fd != UNWATCHED {
            self.forget_descriptor(fd);
        }
    }

    /// Watches a further descriptor of a wheel.
    pub(crate) fn watch_further(&mut self, id: WheelId, fd: RawFd) -> io::Result<WatchId> {
        let watch = self.further.name();
        self.poller.watch(fd, watch.token())?;
        self.further.insert(&watch, id, fd);
        Ok(watch)
    }

    pub(crate) fn forget_further(&mut self, id: WheelId, watch: &WatchId) {
        if let Some(fd) = self.further.remove(watch, id) {
            self.forget_descriptor(fd);
        }
    }

    fn forget_descriptor(&self, fd: RawFd) {
        if let Err(error) = self.poller.forget(fd) {
            // The wheel closed a watched descriptor, against the rules. Its number may be another's.
            log::error!(target: "reactor::wheels", "descriptor {fd} was closed while watched: {error}");
        }
    }

    /// Forgets what a wheel watched that panicked while it was made: it closed its descriptors as it went.
    pub(crate) fn forget_closed(&mut self, id: WheelId, meta: &mut Meta) {
        let first = Some(std::mem::replace(&mut meta.fd, UNWATCHED)).filter(|fd| *fd != UNWATCHED);
        let further = std::iter::from_fn(|| self.further.pop(id));
        for fd in first.into_iter().chain(further) {
            // Nobody is to blame if it is gone.
            drop(self.poller.forget(fd));
        }
    }

    /// The wheels that wait for a descriptor to become free, who are to be asked now.
    pub(crate) fn take_starving(&mut self) -> Option<WheelId> {
        self.starving.pop()
    }

    /// Runs a closure off the loop.
    pub(crate) fn start_job<R, F>(&mut self, job: F) -> Result<Job<R>, JobRefused<F>>
    where
        R: Send + 'static,
        F: FnOnce() -> R + Send + 'static,
    {
        #[cfg(feature = "simulation")]
        if self.poller.is_simulated() {
            return Ok(self.pool.run_at_once(job));
        }
        match self.doorbell.bell(&self.poller) {
            Ok(bell) => self.pool.start(&bell, job),
            Err(error) => Err(JobRefused::System(job, error)),
        }
    }

    /// Whether something waits that no notice will announce.
    #[inline]
    pub(crate) fn has_work(&self) -> bool {
        !(self.again.is_empty() && self.dirty.is_empty()) || self.inbox.is_ready()
    }
}

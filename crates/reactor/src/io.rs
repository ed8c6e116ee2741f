//! What a wheel may ask of the kernel while it is called.
//!
//! Owns what wheels share: the poller, one read buffer, spare write buffers, the timers, the queue, and
//! the lists of wheels that are still ready or have something to write. Never knows a session's state:
//! that is why a wheel and its [`Io`] can be borrowed beside the sessions.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Instant;

use crate::clock::{Clock, Moment};
use crate::config::{MOST_SPARE_BUFFERS, READ_BUDGET, SHARED_BUFFER, SPARE_BUFFER};
use crate::ids::{SessionId, TimerId, WheelId};
use crate::poller::Poller;
use crate::queue::{Entry, Queue, Stamp, What};
use crate::session::Hold;
use crate::timers::{Ring, Timers};
use crate::wheel::AnyWheel;

/// The kernel, as a wheel sees it.
#[derive(Debug)]
pub struct Io<'a> {
    pub(crate) id: WheelId,
    pub(crate) meta: &'a mut Meta,
    pub(crate) desk: &'a mut Desk,
}

impl Io<'_> {
    /// The wheel's id.
    #[must_use]
    #[inline]
    pub const fn id(&self) -> WheelId {
        self.id
    }

    /// The session that made the wheel and gets its events.
    #[must_use]
    #[inline]
    pub const fn session(&self) -> SessionId {
        self.meta.session
    }

    /// The time of this turn.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.desk.clock.instant(self.desk.now)
    }

    /// Watches a descriptor for this wheel: one at a time, reading and writing, edge-triggered.
    ///
    /// The wheel keeps the descriptor open until it calls [`unwatch`](Self::unwatch) or is dropped; the
    /// kernel forgets it before it drops the wheel. It should be non-blocking.
    ///
    /// A descriptor that cannot be polled because it is always ready, a regular file or `/dev/null`, is
    /// watched by not waiting for it: the wheel is asked [again](Self::again) at once.
    ///
    /// # Errors
    ///
    /// What `epoll_ctl(2)` says: `ENOMEM`, `ENOSPC` (the system's limit of watches), `EEXIST` (watched
    /// already). Nothing is watched then.
    pub fn watch(&mut self, fd: impl AsFd) -> io::Result<Watched> {
        self.unwatch();
        let fd = fd.as_fd().as_raw_fd();
        match self.desk.poller.watch(fd, self.id.token()) {
            Ok(()) => {
                self.meta.fd = fd;
                Ok(Watched::WhenReady)
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.again();
                Ok(Watched::AlwaysReady)
            }
            Err(error) => Err(error),
        }
    }

    /// Watches the descriptor no more. To be called before a watched descriptor is closed or given away.
    pub fn unwatch(&mut self) {
        self.desk.forget(self.meta);
    }

    /// Asks for [`Wheel::next`](crate::Wheel::next) to be called in the next turn: the wheel stopped
    /// before the system said `WouldBlock`, so the system will not say again that it is ready.
    #[inline]
    pub fn again(&mut self) {
        self.desk.ask_again(self.id, self.meta);
    }

    /// Asks for [`Wheel::next`](crate::Wheel::next) to be called when the events posted so far are
    /// delivered. Keeps the session alive until then.
    pub fn queue(&mut self) {
        let session = self.meta.session;
        self.desk.post(session, session, What::Wheel(self.id));
        self.desk.holds.push((session, Hold::Queued, true));
    }

    /// Asks for [`Wheel::flush`](crate::Wheel::flush) when the running handlers are done.
    #[inline]
    pub fn mark_dirty(&mut self) {
        if !self.meta.dirty {
            self.meta.dirty = true;
            self.desk.dirty.push(self.id);
        }
    }

    /// Asks for [`Wheel::next`](crate::Wheel::next) to be called at a time, instead of what was asked
    /// before. Never early; once.
    pub fn wake_at(&mut self, time: Instant) {
        let stamp = self.desk.stamp(self.desk.clock.moment_of(time));
        match self.meta.alarm {
            Some(alarm) if self.desk.timers.reset(alarm, stamp) => {}
            Some(_) | None => {
                let ring = Ring::Wheel(self.id);
                self.meta.alarm = Some(self.desk.timers.set(stamp, self.meta.session, ring));
            }
        }
    }

    /// Takes back what [`wake_at`](Self::wake_at) asked for.
    pub fn sleep(&mut self) {
        if let Some(alarm) = self.meta.alarm.take() {
            self.desk.timers.remove(alarm);
        }
    }

    /// Keeps the session alive, as a wheel does from the first.
    pub fn hold_session(&mut self) {
        if !std::mem::replace(&mut self.meta.alive, true) {
            self.desk.holds.push((self.meta.session, Hold::Wheel, true));
        }
    }

    /// Keeps the session alive no more: the wheel watches for nothing. A connection that has ended, a
    /// factory that has done its work.
    pub fn release_session(&mut self) {
        if std::mem::replace(&mut self.meta.alive, false) {
            self.desk.holds.push((self.meta.session, Hold::Wheel, false));
        }
    }

    /// Closes the wheel as if its handle were dropped, when the call of it is over.
    pub fn close(&mut self) {
        self.desk.closing.push(self.id);
    }

    /// Asks to be heard [again](Self::again) as soon as any wheel closes its descriptor. Once.
    pub fn wake_on_close(&mut self) {
        if !self.desk.starving.contains(&self.id) {
            self.desk.starving.push(self.id);
        }
    }

    /// The one buffer that wheels read into. What it holds is the wheel's until `next` returns `None`
    /// or [`park`](crate::Wheel::park) was called.
    #[must_use]
    #[inline]
    pub const fn shared_buffer(&mut self) -> &mut SharedBuffer {
        &mut self.desk.shared
    }

    /// Counts bytes against the wheel's share of this turn, which is 64 KiB of reading.
    #[inline]
    pub const fn spend(&mut self, bytes: usize) {
        self.desk.read_left = self.desk.read_left.saturating_sub(bytes);
    }

    /// Whether anything is left of the wheel's share of this turn. If not, the wheel should ask to be
    /// heard [again](Self::again) and return `None`: others wait.
    #[must_use]
    #[inline]
    pub const fn has_share(&self) -> bool {
        self.desk.read_left > 0
    }

    /// Lends an empty buffer, which may have room already; to be given back when it is not needed.
    #[must_use]
    #[inline]
    pub fn lend_buffer(&mut self) -> Vec<u8> {
        self.desk.spare.pop().unwrap_or_default()
    }

    /// Takes a buffer back, for the next wheel that needs one.
    #[inline]
    pub fn return_buffer(&mut self, mut buffer: Vec<u8>) {
        let keep = buffer.capacity() > 0 && buffer.capacity() <= SPARE_BUFFER;
        if keep && self.desk.spare.len() < MOST_SPARE_BUFFERS {
            buffer.clear();
            self.desk.spare.push(buffer);
        }
    }
}

/// How a descriptor is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watched {
    /// The system says when it is ready.
    WhenReady,
    /// It is always ready: a regular file, or a device like `/dev/null`.
    AlwaysReady,
}

/// The one buffer that all wheels read into: what was read, and room behind it.
pub struct SharedBuffer {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl SharedBuffer {
    fn new() -> Self {
        Self { bytes: vec![0; SHARED_BUFFER].into_boxed_slice(), start: 0, end: 0 }
    }

    /// What was read and not consumed yet.
    #[must_use]
    #[inline]
    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Forgets the first `count` bytes of [`filled`](Self::filled), or all if there are fewer.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    /// Where to read to, behind what is filled. What it shows is left over from earlier reads.
    #[must_use]
    #[inline]
    pub fn room(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.bytes[self.end..]
    }

    /// Appends bytes that were read earlier; says whether there was room for them.
    #[must_use]
    pub fn append(&mut self, bytes: &[u8]) -> bool {
        let Some(room) = self.room().get_mut(..bytes.len()) else { return false };
        room.copy_from_slice(bytes);
        self.fill(bytes.len());
        true
    }

    /// Says that `count` bytes were read into [`room`](Self::room), which has at least so many.
    #[inline]
    pub fn fill(&mut self, count: usize) {
        self.end = self.bytes.len().min(self.end + count);
    }

    /// Forgets everything.
    #[inline]
    pub const fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }
}

impl std::fmt::Debug for SharedBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SharedBuffer({}..{})", self.start, self.end)
    }
}

/// A wheel in the kernel's table.
pub(crate) struct WheelSlot {
    /// Absent only while the wheel is being made.
    pub(crate) wheel: Option<Box<dyn AnyWheel>>,
    pub(crate) meta: Meta,
}

/// What the kernel notes about a wheel.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "memberships of three lists, each by itself")]
pub(crate) struct Meta {
    pub(crate) session: SessionId,
    alarm: Option<TimerId>,
    /// The descriptor that is watched, or `UNWATCHED`.
    fd: RawFd,
    /// Whether it stands in the list of those still ready: once at most.
    pub(crate) again: bool,
    /// Whether it stands in the list of those with something to write: once at most.
    pub(crate) dirty: bool,
    /// Whether its session's ledger has it.
    pub(crate) alive: bool,
}

impl Meta {
    pub(crate) const fn new(session: SessionId) -> Self {
        Self { session, alarm: None, fd: UNWATCHED, again: false, dirty: false, alive: true }
    }

    /// The wheel's alarm rang: it is not set any more.
    pub(crate) const fn rang(&mut self) {
        self.alarm = None;
    }
}

const UNWATCHED: RawFd = -1;

/// What wheels share. The part of the kernel that is borrowed beside a wheel.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) poller: Poller,
    pub(crate) clock: Clock,
    /// The time of this turn.
    pub(crate) now: Moment,
    pub(crate) timers: Timers,
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
    starving: Vec<WheelId>,
    /// Entries and crossings-out that are not in the sessions' ledgers yet.
    pub(crate) holds: Vec<(SessionId, Hold, bool)>,
    pub(crate) shared: SharedBuffer,
    pub(crate) read_left: usize,
    spare: Vec<Vec<u8>>,
}

impl Desk {
    pub(crate) fn new(clock: Clock) -> io::Result<Self> {
        Ok(Self {
            poller: Poller::new()?,
            now: clock.moment(),
            clock,
            timers: Timers::new(),
            queue: Queue::default(),
            sequence: 0,
            again: VecDeque::new(),
            dirty: Vec::new(),
            closing: Vec::new(),
            starving: Vec::new(),
            holds: Vec::new(),
            shared: SharedBuffer::new(),
            read_left: READ_BUDGET,
            spare: Vec::new(),
        })
    }

    #[inline]
    pub(crate) const fn stamp(&mut self, due: Moment) -> Stamp {
        self.sequence += 1;
        Stamp { due, sequence: self.sequence }
    }

    #[inline]
    pub(crate) fn post(&mut self, to: SessionId, from: SessionId, what: What) {
        let stamp = self.stamp(self.now);
        self.queue.push(Entry { stamp, to, from, what });
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
    pub(crate) const fn begin_share(&mut self) {
        self.read_left = READ_BUDGET;
        self.shared.clear();
    }

    /// Undoes what a wheel asked for, before it is dropped; says whether it watched a descriptor.
    pub(crate) fn clear(&mut self, meta: &mut Meta) -> bool {
        if let Some(alarm) = meta.alarm.take() {
            self.timers.remove(alarm);
        }
        let watched = meta.fd != UNWATCHED;
        self.forget(meta);
        watched
    }

    fn forget(&self, meta: &mut Meta) {
        let fd = std::mem::replace(&mut meta.fd, UNWATCHED);
        if fd == UNWATCHED {
            return;
        }
        if let Err(error) = self.poller.forget(fd) {
            // The wheel closed a watched descriptor, against the rules. Its number may be another's.
            log::error!(target: "reactor::wheels", "descriptor {fd} was closed while watched: {error}");
        }
    }

    /// The wheels that wait for a descriptor to become free, who are to be asked now.
    pub(crate) fn take_starving(&mut self) -> Option<WheelId> {
        self.starving.pop()
    }

    /// Whether something waits that no notice will announce.
    #[inline]
    pub(crate) fn has_work(&self) -> bool {
        !(self.again.is_empty() && self.dirty.is_empty())
    }
}

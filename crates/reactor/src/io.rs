//! What a wheel may ask of the kernel while it is called.
//!
//! An [`Io`] is a wheel's notes and the desk that all wheels share (`desk.rs`), borrowed for one call.
//! It is all that a wheel ever sees of the kernel.

use std::any::TypeId;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Instant;

use crate::config::{MOST_SPARE_BUFFERS, SPARE_BUFFER};
use crate::desk::{Desk, Entry, Meta};
use crate::further::WatchId;
use crate::ids::{SessionId, WheelId};
use crate::pool::{Job, JobRefused};
use crate::queue::What;
use crate::session::Hold;
use crate::shared_buffer::SharedBuffer;
use crate::timers::Ring;

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

    /// Watches a further descriptor beside the one of [`watch`](Self::watch), as that does. What it is
    /// ready for is told to [`Wheel::ready_also`](crate::Wheel::ready_also).
    ///
    /// For a wheel that waits for several at once: a listener with a socket for each address, a connection
    /// that tries several. A wheel of one descriptor pays nothing for it.
    ///
    /// The wheel keeps the descriptor open until it calls [`unwatch_also`](Self::unwatch_also) or is
    /// dropped. There is one list of those [still ready](Self::again) and one share of a turn for all
    /// descriptors of a wheel: it goes round among them itself.
    ///
    /// # Errors
    ///
    /// As of `watch`. Nothing more is watched then.
    pub fn watch_also(&mut self, fd: impl AsFd) -> io::Result<(WatchId, Watched)> {
        let fd = fd.as_fd().as_raw_fd();
        let watch = self.desk.further.add(self.id, fd);
        let watched = self.desk.poller.watch(fd, watch.token());
        match watched {
            Ok(()) => {
                self.meta.further = true;
                Ok((watch, Watched::WhenReady))
            }
            Err(error) => {
                self.desk.further.remove(watch);
                if error.kind() != io::ErrorKind::PermissionDenied {
                    return Err(error);
                }
                self.again();
                Ok((watch, Watched::AlwaysReady))
            }
        }
    }

    /// Watches a further descriptor no more, if it still is: to be called before the descriptor is closed or
    /// given away. What the system said of it before is not told any more.
    pub fn unwatch_also(&mut self, watch: WatchId) {
        if let Some(line) = self.desk.further.remove(watch) {
            self.desk.forget_descriptor(line.fd);
        }
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
        self.desk.post_own(session, session, What::Wheel(self.id));
        self.desk.note(Entry::Made(session, Hold::Queued));
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
            self.desk.note(Entry::Made(self.meta.session, Hold::Wheel));
        }
    }

    /// Keeps the session alive no more: the wheel watches for nothing. A connection that has ended, a
    /// factory that has done its work.
    pub fn release_session(&mut self) {
        if std::mem::replace(&mut self.meta.alive, false) {
            self.desk.note(Entry::CrossedOut(self.meta.session, Hold::Wheel));
        }
    }

    /// Closes the wheel as if its handle were dropped, when the call of it is over.
    pub fn close(&mut self) {
        self.desk.closing.push(self.id);
        self.desk.chores = true;
    }

    /// Asks to be heard [again](Self::again) as soon as any wheel closes its descriptor. Once.
    pub fn wake_on_close(&mut self) {
        if !self.waits_for_close() {
            self.desk.starving.push(self.id);
        }
    }

    /// Whether what [`wake_on_close`](Self::wake_on_close) asked for is still to come.
    #[must_use]
    pub fn waits_for_close(&self) -> bool {
        self.desk.starving.contains(&self.id)
    }

    /// Runs a closure that may block on another thread. When it is done
    /// [`Wheel::next`](crate::Wheel::next) is called, which [takes](Job::take) the result.
    ///
    /// What [`Context::run_blocking`](crate::Context::run_blocking) says of jobs holds for this one.
    ///
    /// # Errors
    ///
    /// 1,024 jobs wait already, or the system has no thread to give. The closure comes back.
    pub fn run_blocking<R, F>(&mut self, job: F) -> Result<Job<R>, JobRefused<F>>
    where
        R: Send + 'static,
        F: FnOnce() -> R + Send + 'static,
    {
        let job = self.desk.start_job(job)?;
        job.tell(self);
        Ok(job)
    }

    /// The kernel's one value of a type, for what wheels have in common: a lookup that many wait for.
    /// Made when it is first asked for, dropped with the kernel. A type that nobody else can name is
    /// nobody else's.
    #[must_use]
    pub fn shared_value<T: Default + 'static>(&mut self) -> &mut T {
        let value = self.desk.values.entry(TypeId::of::<T>());
        let value = value.or_insert_with(|| Box::new(T::default()));
        value.downcast_mut().expect("it is kept under its type")
    }

    /// The one buffer that wheels read into. What it holds is the wheel's until `next` returns `None`
    /// or [`park`](crate::Wheel::park) was called.
    #[must_use]
    #[inline]
    pub const fn shared_buffer(&mut self) -> &mut SharedBuffer {
        &mut self.desk.shared
    }

    /// Memory for the time of this call, as much as is asked for. What it shows is left over from others.
    ///
    /// It is got from the system when it is first asked for, and kept. Parts of it that nobody writes to
    /// cost no memory, so that there may be room for more than is likely to come.
    #[must_use]
    #[inline]
    pub fn scratch(&mut self, bytes: usize) -> &mut [u8] {
        if self.desk.scratch.len() < bytes {
            self.desk.scratch = vec![0; bytes];
        }
        &mut self.desk.scratch[..bytes]
    }

    /// Counts bytes against the wheel's share of this turn, which is 64 KiB of reading.
    #[inline]
    pub const fn spend(&mut self, bytes: usize) {
        self.desk.read_left = self.desk.read_left.saturating_sub(bytes);
    }

    /// How many bytes are left of the wheel's share of this turn.
    #[must_use]
    #[inline]
    pub const fn share_left(&self) -> usize {
        self.desk.read_left
    }

    /// Whether anything is left of the wheel's share of this turn. If not, the wheel should ask to be
    /// heard [again](Self::again) and return `None`: others wait.
    #[must_use]
    #[inline]
    pub const fn has_share(&self) -> bool {
        self.desk.read_left > 0
    }

    /// Says that there is nothing to tell after the event that is being returned, so that
    /// [`Wheel::next`](crate::Wheel::next) need not be called to hear it. Never needed, sometimes faster.
    #[inline]
    pub const fn that_is_all(&mut self) {
        self.desk.all_told = true;
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

//! What a wheel may ask of the kernel while it is called.
//!
//! An [`Io`] is a wheel's notes and the desk that all wheels share (`desk.rs`), borrowed for one call.
//! It is all that a wheel ever sees of the kernel.

mod time;

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use crate::desk::{Desk, Entry, Meta};
use crate::further::WatchId;
use crate::ids::{SessionId, WheelId};
use crate::pool::{Job, JobRefused};
use crate::queue::What;
use crate::session::Hold;
use crate::shared_buffer::SharedBuffer;

/// The kernel, as a wheel sees it.
#[derive(Debug)]
pub struct Io<'a> {
    pub(crate) id: WheelId,
    pub(crate) meta: &'a mut Meta,
    pub(crate) desk: &'a mut Desk,
    /// The wheel said that the event it tells is the last for now.
    pub(crate) all_told: bool,
}

impl<'a> Io<'a> {
    #[inline]
    pub(crate) const fn new(id: WheelId, meta: &'a mut Meta, desk: &'a mut Desk) -> Self {
        Self { id, meta, desk, all_told: false }
    }
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

    /// Watches a descriptor for this wheel: one at a time, reading and writing, edge-triggered. Those of
    /// a wheel that has several are watched with [`watch_also`](Self::watch_also).
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

    /// Watches a further descriptor for this wheel, in the same way as [`watch`](Self::watch) and
    /// beside what is watched already, be it by `watch` or by this. There is no limit but the system's.
    ///
    /// What it is ready for is told to [`Wheel::ready_also`](crate::Wheel::ready_also), with the name
    /// that this returns. The wheel has one share of a turn, however many descriptors: it notes what
    /// each is ready for, [`next`](crate::Wheel::next) works through them, and when the share is used up
    /// it asks to be heard [again](Self::again), once for all of them. One that is always ready has a
    /// name, too, that is never told.
    ///
    /// The wheel keeps each descriptor open until it calls [`unwatch_also`](Self::unwatch_also) or is
    /// dropped; the kernel forgets all of them before it drops the wheel.
    ///
    /// Two pipes and one wheel:
    ///
    /// ```
    /// use std::io::{PipeReader, Read, Write};
    /// use reactor::{Bound, Context, Handle, Io, Kernel, Readiness, States, Symbol, WatchId, Wheel};
    ///
    /// struct Source { watch: WatchId, pipe: PipeReader, ready: bool }
    ///
    /// struct Gather { sources: Vec<Source>, done: Symbol }
    ///
    /// impl Wheel for Gather {
    ///     type Event = (Bound<usize>, usize);
    ///
    ///     fn ready(&mut self, _: Readiness) {}
    ///
    ///     fn ready_also(&mut self, watch: &WatchId, _: Readiness) {
    ///         if let Some(source) = self.sources.iter_mut().find(|source| source.watch == *watch) {
    ///             source.ready = true;
    ///         }
    ///     }
    ///
    ///     fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
    ///         let place = self.sources.iter().position(|source| source.ready)?;
    ///         let Source { watch, mut pipe, .. } = self.sources.swap_remove(place);
    ///         let length = pipe.read(&mut [0; 16]).ok()?;
    ///         io.unwatch_also(watch); // before it is closed
    ///         Some((Bound::new(io.session(), self.done), length))
    ///     }
    /// }
    ///
    /// #[derive(Default)]
    /// struct Owner { gather: Option<Handle<Gather>>, lengths: Vec<usize> }
    ///
    /// let owner = States::new()
    ///     .try_on("_start", |owner: &mut Owner, cx: &mut Context<'_>, ()| {
    ///         let (first, mut one) = std::io::pipe()?;
    ///         let (second, mut two) = std::io::pipe()?;
    ///         let done = cx.symbol("done");
    ///         owner.gather = Some(cx.add_wheel(|io| {
    ///             let sources = [first, second].into_iter().filter_map(|pipe| {
    ///                 let (watch, _) = io.watch_also(&pipe).ok()?;
    ///                 Some(Source { watch, pipe, ready: false })
    ///             });
    ///             Gather { sources: sources.collect(), done }
    ///         }));
    ///         one.write_all(b"one")?;
    ///         two.write_all(b"and two")?;
    ///         Ok::<_, std::io::Error>(())
    ///     })
    ///     .on("done", |owner: &mut Owner, _: &mut Context<'_>, length: usize| {
    ///         owner.lengths.push(length);
    ///         if owner.lengths.len() == 2 {
    ///             owner.gather = None;
    ///         }
    ///     })
    ///     .on_stop(|owner: &mut Owner, _: &mut Context<'_>, ()| {
    ///         owner.lengths.sort();
    ///         assert_eq!(owner.lengths, [3, 7]);
    ///     });
    /// let mut kernel = Kernel::new()?;
    /// kernel.spawn(&owner, Owner::default());
    /// kernel.run()?;
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`watch`](Self::watch). `EEXIST` if it is watched already, by this wheel too: `dup(2)` gives a
    /// descriptor that can be watched beside it. Nothing has changed then.
    pub fn watch_also(&mut self, fd: impl AsFd) -> io::Result<(WatchId, Watched)> {
        let fd = fd.as_fd().as_raw_fd();
        match self.desk.watch_further(self.id, fd) {
            Ok(watch) => Ok((watch, Watched::WhenReady)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.again();
                Ok((self.desk.further.name(), Watched::AlwaysReady))
            }
            Err(error) => Err(error),
        }
    }

    /// Watches a further descriptor no more; the others stay watched. To be called before it is closed
    /// or given away. A notice that is on its way already is not told.
    ///
    /// Harmless if it is always ready, or if the name is another wheel's: nothing is done then.
    #[expect(clippy::needless_pass_by_value, reason = "it names nothing any more")]
    pub fn unwatch_also(&mut self, watch: WatchId) {
        self.desk.forget_further(self.id, &watch);
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

    /// The one buffer that wheels read into. What it holds is the wheel's until `next` returns `None` or says
    /// [that is all](Self::that_is_all), or [`park`](crate::Wheel::park) was called.
    #[must_use]
    #[inline]
    pub const fn shared_buffer(&mut self) -> &mut SharedBuffer {
        &mut self.desk.shared
    }

    /// Whether it is this wheel's share of the turn, so that what is in the
    /// [shared buffer](Self::shared_buffer) is its own.
    ///
    /// Always so while [`next`](crate::Wheel::next) or [`park`](crate::Wheel::park) is called. When a
    /// handler borrows the wheel, the share may be another's.
    #[must_use]
    #[inline]
    pub fn has_shared_buffer(&self) -> bool {
        self.desk.sharing == self.id
    }

    /// The one value of its type that the wheels of this kernel share, made by [`Default`] when it is
    /// first asked for, and dropped with the kernel.
    ///
    /// For what the wheels of one kind know together, such as a lookup that several wait for. Whoever
    /// can name the type can have it: a type that is private is its module's alone. It is not told which
    /// wheels are gone, so what they put there they take out, or it is bounded. A [forked](crate::Kernel::fork)
    /// child has a copy.
    ///
    /// ```
    /// # use reactor::Io;
    /// #[derive(Default)]
    /// struct Open(u32); // how many wheels of this kind were made in this kernel
    ///
    /// fn number(io: &mut Io<'_>) -> u32 {
    ///     let Open(count) = io.shared_value();
    ///     *count += 1;
    ///     *count
    /// }
    /// ```
    #[must_use]
    pub fn shared_value<T: Default + 'static>(&mut self) -> &mut T {
        self.desk.values.get()
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
        self.all_told = true;
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

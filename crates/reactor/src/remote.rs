//! Posting from other threads.
//!
//! Owns the queue between the threads, which is bounded. Promises that what one thread posts arrives in
//! its order and once, and that what cannot be posted comes back. Never touches a session: the loop takes
//! the messages out (`kernel/threads.rs`) and posts each like any event. `bell.rs` wakes it.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, ThreadId};

use crate::bell::{Bell, Doorbell};
use crate::config::REMOTE_QUEUE;
use crate::event::EventName;
use crate::ids::SessionId;
use crate::kernel::Kernel;
use crate::poller::Poller;

/// A hand on a kernel, for other threads: posts events to its sessions and wakes its loop.
///
/// Got by [`Kernel::remote`] and [`Context::remote`](crate::Context::remote); clones and may be shared.
///
/// What is posted waits in a queue of 65,536 events that all handles of a kernel share. When the loop takes
/// it out it is posted like any event, by the [kernel](SessionId::KERNEL), and has its place in the one
/// order from then on; what one thread posts stays in its order. A turn takes as many as it can deliver,
/// 1,024 at most, so neither I/O nor timers wait for a thread that never stops posting.
///
/// A handle keeps no session alive: who waits for events from a thread has an alias, a reference or a
/// [job](crate::Context::run_blocking). If the session is gone when its event arrives, the event is dropped,
/// on the kernel's thread. So is what has not arrived when the kernel itself is dropped.
///
/// ```
/// use std::thread;
/// use std::time::Duration;
/// use reactor::{Context, Event, Kernel, Remote, RemoteError, SessionId, States};
///
/// const FOUND: Event<u64> = Event::new("found");
///
/// fn search(remote: Remote, to: SessionId) -> Result<(), RemoteError<u64>> {
///     (1..=3).try_for_each(|n| remote.post(to, &FOUND, n * n))
/// }
///
/// # fn main() -> std::io::Result<()> {
/// let states = States::new()
///     .on_start(|_: &mut u64, cx: &mut Context<'_>, ()| {
///         cx.delay("give up", Duration::from_secs(10), ());       // keeps the session meanwhile
///     })
///     .on(&FOUND, |sum: &mut u64, cx: &mut Context<'_>, n: u64| {
///         *sum += n;
///         if n == 9 {
///             cx.stop();
///         }
///     })
///     .on_stop(|sum: &mut u64, _: &mut Context<'_>, ()| assert_eq!(*sum, 1 + 4 + 9));
/// let mut kernel = Kernel::new()?;
/// let session = kernel.spawn(&states, 0);
/// let remote = kernel.remote()?;
/// thread::spawn(move || search(remote, session));
/// kernel.run()
/// # }
/// ```
pub struct Remote {
    line: Arc<Line>,
}

impl Remote {
    /// Posts an event, without ever waiting (POE: `post`). Costs a system call only if the loop has taken
    /// out everything that was posted before.
    ///
    /// Whether the session is there is not known here: see [`Remote`]. A [`SessionId`] means something to
    /// its own kernel only. Names are kept for the kernel's life: see [`Event`](crate::Event).
    ///
    /// # Errors
    ///
    /// The queue is full, or the kernel is gone. The payload comes back.
    pub fn post<T: Send + 'static>(
        &self,
        to: SessionId,
        event: impl EventName<T>,
        payload: T,
    ) -> Result<(), RemoteError<T>> {
        match self.line.sender.try_send(Message::pack(to, event, payload)) {
            Ok(()) => {
                self.line.bell.ring();
                Ok(())
            }
            Err(TrySendError::Full(message)) => Err(RemoteError::Full(unpack(message))),
            Err(TrySendError::Disconnected(message)) => Err(RemoteError::Closed(unpack(message))),
        }
    }

    /// Posts an event, and waits while the queue is full: a thread that makes events faster than they are
    /// handled is slowed down to what the sessions can take.
    ///
    /// Waits for as long as the kernel does not run. On the kernel's own thread, where waiting would have
    /// no end, it does not wait. Two kernels that wait for each other wait for ever: between kernels
    /// use [`post`](Self::post).
    ///
    /// # Errors
    ///
    /// The kernel is gone, even if it went while this waited; or the queue is full and this is the kernel's
    /// own thread. The payload comes back.
    pub fn post_blocking<T: Send + 'static>(
        &self,
        to: SessionId,
        event: impl EventName<T>,
        payload: T,
    ) -> Result<(), RemoteError<T>> {
        match self.line.sender.try_send(Message::pack(to, event, payload)) {
            Ok(()) => {}
            Err(TrySendError::Full(message)) if thread::current().id() == self.line.home => {
                return Err(RemoteError::Full(unpack(message)));
            }
            Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => {
                if let Err(back) = self.line.sender.send(message) {
                    return Err(RemoteError::Closed(unpack(back.0)));
                }
            }
        }
        self.line.bell.ring();
        Ok(())
    }
}

impl Clone for Remote {
    fn clone(&self) -> Self {
        Line::hand_out(&self.line)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // Nobody is left who could post: what waits only for that has nothing to wait for any more.
        if self.line.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.line.bell.ring();
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({:?})", self.line.home)
    }
}

/// Why an event could not be posted from another thread. Holds its payload.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum RemoteError<T = ()> {
    /// The kernel is gone.
    Closed(T),
    /// 65,536 events wait already.
    Full(T),
}

impl<T> fmt::Display for RemoteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "the kernel is gone",
            Self::Full(_) => "the kernel's queue for other threads is full",
        })
    }
}

// Of any payload, so that a post of any payload can be unwrapped.
impl<T> fmt::Debug for RemoteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Closed(_) => "Closed",
            Self::Full(_) => "Full",
        };
        write!(f, "{name}({})", std::any::type_name::<T>())
    }
}

impl<T> Error for RemoteError<T> {}

/// What all handles of a kernel share.
struct Line {
    sender: SyncSender<Box<dyn Errand>>,
    bell: Arc<Bell>,
    handles: AtomicUsize,
    /// The kernel's thread.
    home: ThreadId,
}

impl Line {
    fn hand_out(line: &Arc<Self>) -> Remote {
        line.handles.fetch_add(1, Ordering::Relaxed);
        Remote { line: Arc::clone(line) }
    }
}

/// The loop's end of the queue, made with the first handle.
#[derive(Default)]
pub(crate) struct Inbox {
    open: Option<Open>,
    /// Whether it may hold something that nobody will ring for.
    ready: bool,
}

struct Open {
    line: Arc<Line>,
    receiver: Receiver<Box<dyn Errand>>,
}

impl Inbox {
    pub(crate) fn remote(
        &mut self,
        doorbell: &mut Doorbell,
        poller: &Poller,
    ) -> io::Result<Remote> {
        if let Some(open) = &self.open {
            return Ok(Line::hand_out(&open.line));
        }
        let bell = doorbell.bell(poller)?;
        let (sender, receiver) = sync_channel(REMOTE_QUEUE);
        let (handles, home) = (AtomicUsize::new(0), thread::current().id());
        let line = Arc::new(Line { sender, bell, handles, home });
        let remote = Line::hand_out(&line);
        self.open = Some(Open { line, receiver });
        Ok(remote)
    }

    /// The bell was answered: there may be something.
    pub(crate) const fn note_ready(&mut self) {
        self.ready = self.open.is_some();
    }

    #[inline]
    pub(crate) const fn is_ready(&self) -> bool {
        self.ready
    }

    pub(crate) fn take(&mut self) -> Option<Box<dyn Errand>> {
        let taken = self.open.as_ref().and_then(|open| open.receiver.try_recv().ok());
        self.ready = taken.is_some();
        taken
    }

    /// Whether a handle exists, somewhere.
    pub(crate) fn is_reachable(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.line.handles.load(Ordering::Acquire) > 0)
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("ready", &self.ready).finish_non_exhaustive()
    }
}

/// An event on its way between threads, of any type.
pub(crate) trait Errand: Any + Send {
    /// Posts it, on the kernel's thread.
    fn run(self: Box<Self>, kernel: &mut Kernel);
}

struct Message<T> {
    to: SessionId,
    name: Cow<'static, str>,
    payload: T,
}

impl<T: Send + 'static> Message<T> {
    fn pack(to: SessionId, event: impl EventName<T>, payload: T) -> Box<dyn Errand> {
        Box::new(Self { to, name: event.into_name(), payload })
    }
}

/// The payload of a message that came back.
fn unpack<T: 'static>(message: Box<dyn Errand>) -> T {
    let message: Box<dyn Any> = message;
    message.downcast::<Message<T>>().expect("what comes back is what was sent").payload
}

impl<T: Send + 'static> Errand for Message<T> {
    fn run(self: Box<Self>, kernel: &mut Kernel) {
        let Self { to, name, payload } = *self;
        kernel.take_in(to, name, payload);
    }
}

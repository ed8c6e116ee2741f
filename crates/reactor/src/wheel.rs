//! What a wheel is to the kernel.
//!
//! A [`Wheel`] is a state machine that the kernel owns. It is told what its descriptor is ready for and
//! is then *pulled*: the kernel asks for one event, ends the borrow, delivers the event, and asks again.
//! So a handler may change, pause or drop any wheel, its own sender included. What a wheel may ask of
//! the kernel is in `io.rs`; the handle that a session holds is in `handle.rs`.

use std::fmt;

use crate::event::Bound;
use crate::further::WatchId;
use crate::io::Io;
use crate::kernel::Kernel;

/// Something that watches a descriptor, or time, and turns what happens into events.
///
/// Implement it to add a wheel of your own; [`Context::add_wheel`](crate::Context::add_wheel) gives it
/// to the kernel. A wheel that rings once:
///
/// ```
/// use std::time::{Duration, Instant};
/// use reactor::{Bound, Clock, Context, Handle, Io, Kernel, Readiness, States, Symbol, Wheel};
///
/// struct Egg { due: Option<Instant>, done: Symbol }
///
/// impl Wheel for Egg {
///     type Event = (Bound<&'static str>, &'static str);
///
///     fn ready(&mut self, _: Readiness) {}
///
///     fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
///         if io.now() < self.due? {
///             return None; // asked too early
///         }
///         self.due = None;
///         io.release_session(); // it waits for nothing any more
///         Some((Bound::new(io.session(), self.done), "done"))
///     }
/// }
///
/// #[derive(Default)]
/// struct Cook { egg: Option<Handle<Egg>>, eaten: bool }
///
/// let cook = States::new()
///     .on_start(|cook: &mut Cook, cx: &mut Context<'_>, ()| {
///         let (due, done) = (cx.now() + Duration::from_secs(240), cx.symbol("done"));
///         cook.egg = Some(cx.add_wheel(|io| { io.wake_at(due); Egg { due: Some(due), done } }));
///     })
///     .on("done", |cook: &mut Cook, _: &mut Context<'_>, word: &'static str| {
///         cook.eaten = word == "done";
///         cook.egg = None;
///     })
///     .on_stop(|cook: &mut Cook, _: &mut Context<'_>, ()| assert!(cook.eaten));
/// let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build()?;
/// kernel.spawn(&cook, Cook::default());
/// kernel.run()?;
/// # std::io::Result::Ok(())
/// ```
pub trait Wheel: 'static {
    /// What it tells its session: a [`Bound`] with its payload, or an enum of such pairs.
    type Event: Deliver;

    /// Notes what the descriptor is ready for, and no more: [`next`](Self::next) comes right after.
    ///
    /// Readiness is told once, when it begins (edge-triggered). A wheel remembers it until the system
    /// says `WouldBlock`; when it stops before, it asks to be heard [again](Io::again).
    fn ready(&mut self, readiness: Readiness);

    /// Notes what a further descriptor is ready for, one that the wheel watches with
    /// [`Io::watch_also`]; [`next`](Self::next) comes right after, as after [`ready`](Self::ready).
    ///
    /// Never called for a watch that was unwatched, nor for one of a wheel that had this one's place
    /// before. A wheel that does not tell its descriptors apart need not have it: `ready` is called then.
    fn ready_also(&mut self, watch: &WatchId, readiness: Readiness) {
        let _ = watch;
        self.ready(readiness);
    }

    /// The next event, or `None` when there is nothing more to tell.
    ///
    /// Called until it returns `None`, or an event with which it says [that is all](Io::that_is_all): after
    /// readiness, after [`flush`](Self::flush) has said so, when the time of [`Io::wake_at`] has come, and when
    /// the wheel asked for it. Between two calls the first event was delivered, and anything may have been done
    /// to the wheel.
    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event>;

    /// Writes what was queued since [`Io::mark_dirty`]; says whether `next` has something to tell.
    fn flush(&mut self, io: &mut Io<'_>) -> bool {
        let _ = io;
        false
    }

    /// Takes what it still has in the [shared buffer](Io::shared_buffer) to itself.
    ///
    /// Called when the wheel has had its share of the turn and others are to be served.
    fn park(&mut self, io: &mut Io<'_>) {
        let _ = io;
    }

    /// What is told of the wheel when it has panicked and its session lives on, because the failure was called
    /// handled (the signal `DIE`): otherwise nobody would know which wheel it was.
    ///
    /// The wheel may be half changed, and is closed right after this. By default nothing is told.
    fn panicked(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        let _ = io;
        None
    }
}

/// An event on its way to the session it is bound to.
///
/// Implemented for a [`Bound`] with its payload. A wheel of several events makes an enum of such pairs
/// and delivers the one it holds.
pub trait Deliver {
    /// Delivers the event at once.
    fn deliver(self, kernel: &mut Kernel);
}

impl<T: 'static> Deliver for (Bound<T>, T) {
    #[inline(always)]
    fn deliver(self, kernel: &mut Kernel) {
        let (bound, payload) = self;
        kernel.deliver_direct(bound, payload);
    }
}

/// What a descriptor is ready for. Several at once, as the system says.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
// Where epoll has a bit for it, it is the same: then telling one from the other takes no instruction.
pub struct Readiness(u8);

impl Readiness {
    /// Nothing: the wheel is only asked again.
    pub const NONE: Self = Self(0);
    /// There is something to read, or to accept.
    pub const READABLE: Self = Self(1);
    /// There is room to write, or a connection was made or failed.
    pub const WRITABLE: Self = Self(4);
    /// The peer will send no more, or the descriptor has an error: reading will tell.
    pub const READ_CLOSED: Self = Self(16);
    /// The peer will take no more, or the descriptor has an error: writing will tell.
    pub const WRITE_CLOSED: Self = Self(8);
    /// There is urgent data: a read stops short at it though there is more behind it.
    pub const URGENT: Self = Self(2);

    /// Whether all of `other` is in this.
    #[must_use]
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// This and `other`.
    #[must_use]
    #[inline]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This without `other`.
    #[must_use]
    #[inline]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    #[inline]
    pub(crate) fn of(event: &mio::event::Event) -> Self {
        let closed = event.is_error() || event.is_read_closed() || event.is_write_closed();
        if closed || event.is_priority() {
            return Self::of_rare(event);
        }
        Self::all([(event.is_readable(), Self::READABLE), (event.is_writable(), Self::WRITABLE)])
    }

    /// As `of`, where there is more than most notices have.
    #[inline(never)]
    fn of_rare(event: &mio::event::Event) -> Self {
        let error = event.is_error();
        Self::all([
            (event.is_readable(), Self::READABLE),
            (event.is_writable(), Self::WRITABLE),
            (event.is_read_closed() || error, Self::READ_CLOSED),
            (event.is_write_closed() || error, Self::WRITE_CLOSED),
            (event.is_priority(), Self::URGENT),
        ])
    }

    /// All of these that are.
    #[inline]
    fn all<const N: usize>(flags: [(bool, Self); N]) -> Self {
        Self(flags.into_iter().fold(0, |bits, (is, flag)| bits | (flag.0 * u8::from(is))))
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = [
            (Self::READABLE, "readable"),
            (Self::WRITABLE, "writable"),
            (Self::READ_CLOSED, "read_closed"),
            (Self::WRITE_CLOSED, "write_closed"),
            (Self::URGENT, "urgent"),
        ];
        let words = flags.iter().filter(|(flag, _)| self.contains(*flag)).map(|(_, word)| word);
        f.debug_set().entries(words).finish()
    }
}

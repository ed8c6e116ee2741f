//! What a handler is given besides its state and its payload.
//!
//! A [`Context`] is the kernel, borrowed for the time that one handler runs, together with who is
//! running and why. Everything a handler asks of the kernel goes through it. What is asked of each table is
//! in a file of its own here.

mod family;
mod machine;
mod names;
mod postbacks;
mod processes;
mod signals;
mod threads;
mod timers;
mod watch;

use std::borrow::Cow;
use std::time::Instant;

use crate::destination::Destination;
use crate::error::{CallError, NoSuchSession};
use crate::event::{Event, EventName};
use crate::handle::Handle;
use crate::ids::SessionId;
use crate::io::Io;
use crate::kernel::Kernel;
use crate::name::Symbol;
use crate::session::Handlers;
use crate::stats::Stats;
use crate::wheel::Wheel;

/// The kernel, this session, the sender and the event (POE: `@_[KERNEL, SESSION, SENDER, STATE]`).
#[derive(Debug)]
pub struct Context<'a> {
    kernel: &'a mut Kernel,
}

impl<'a> Context<'a> {
    #[inline(always)]
    pub(crate) const fn new(kernel: &'a mut Kernel) -> Self {
        Self { kernel }
    }

    /// The same context for a shorter time: for a value of one's own that holds one for as long as something
    /// else is borrowed.
    ///
    /// ```
    /// use reactor::Context;
    ///
    /// struct Client<'a> { cx: Context<'a>, name: &'a mut String }
    ///
    /// fn with<'a>(cx: &'a mut Context<'_>, name: &'a mut String) -> Client<'a> {
    ///     Client { cx: cx.reborrow(), name }
    /// }
    /// # let _ = with;
    /// ```
    #[must_use]
    #[inline(always)]
    pub const fn reborrow(&mut self) -> Context<'_> {
        Context { kernel: self.kernel }
    }

    /// This session.
    #[must_use]
    #[inline]
    pub const fn session(&self) -> SessionId {
        self.kernel.current().to
    }

    /// Who sent the event (POE: `SENDER`): the session that posted it, this session for a timer or a wheel, the
    /// maker for `_start`, the [kernel](SessionId::KERNEL) for signals, `_stop`, `_child`, `_parent` and what
    /// comes from outside the loop or from another thread. It may be gone by now.
    #[must_use]
    #[inline]
    pub const fn sender(&self) -> SessionId {
        self.kernel.current().from
    }

    /// The name of the event that is being handled.
    #[must_use]
    pub fn event(&self) -> &str {
        self.kernel.name_of(self.kernel.current().symbol())
    }

    /// The name of the event that the sender was handling when it sent this one, if it was handling one
    /// (POE: `CALLER_STATE`).
    ///
    /// `None` for what was sent from outside the loop, and for what no session sent: wheels' events, timers,
    /// the kernel's own events, signals of the system.
    #[must_use]
    pub fn caller_event(&self) -> Option<&str> {
        self.kernel.current().caller().map(|caller| self.kernel.name_of(caller))
    }

    /// The kernel, to look at: its [`snapshot`](Kernel::snapshot), who is alive and why.
    #[must_use]
    pub const fn kernel(&self) -> &Kernel {
        self.kernel
    }

    /// The time of this turn, by the kernel's [`Clock`](crate::Clock): it stands still while handlers run, and
    /// delays count from it.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.kernel.now()
    }

    /// What the kernel did so far.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.kernel.stats()
    }

    /// Posts an event to a session: it is delivered after what waits already, not before the next turn
    /// (POE: `post`). Keeps both sessions alive until then.
    ///
    /// Not delivered if either of the two is stopped by force meanwhile.
    ///
    /// # Errors
    ///
    /// The session is gone, or nobody has the alias. The payload comes back.
    #[inline]
    pub fn post<T: 'static>(
        &mut self,
        to: impl Destination,
        event: impl EventName<T>,
        payload: T,
    ) -> Result<(), NoSuchSession<T>> {
        self.kernel.post_from_current(to, event, payload)
    }

    /// Posts an event to this session (POE: `yield`): as [`post`](Self::post), which here cannot fail.
    #[inline]
    pub fn yield_<T: 'static>(&mut self, event: impl EventName<T>, payload: T) {
        let me = self.session();
        let posted = self.kernel.post_from_current(me, event, payload);
        debug_assert!(posted.is_ok(), "a session whose handler runs is there");
    }

    /// Delivers an event to another session at once and returns the handler's reply (POE: `call`).
    ///
    /// ```
    /// use reactor::{CallError, Context, Event, Kernel, States};
    ///
    /// const DOUBLE: Event<u32, u32> = Event::new("double");
    ///
    /// let server = States::new().on(&DOUBLE, |_: &mut (), _: &mut Context<'_>, n: u32| n * 2);
    /// let mut kernel = Kernel::new()?;
    /// let server = kernel.spawn(&server, ());
    /// let client = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
    ///     assert_eq!(cx.call(server, &DOUBLE, 21), Ok(42));
    ///     assert_eq!(cx.call(cx.session(), &DOUBLE, 21), Err(CallError::Busy));
    /// });
    /// kernel.spawn(&client, ());
    /// kernel.run()?;
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Errors
    ///
    /// See [`CallError`]. The payload is lost.
    pub fn call<T: 'static, R: 'static>(
        &mut self,
        to: impl Destination,
        event: impl Into<Event<T, R>>,
        payload: T,
    ) -> Result<R, CallError> {
        self.kernel.call_from_current(to, event, payload)
    }

    /// Starts a session as a child of this one (POE: `POE::Session->create`) and returns its id. Its `_start`
    /// is delivered before this returns, and `_child` to this session when the running handler has returned.
    /// This session lives at least as long as the child, unless one of them is
    /// [detached](Self::detach_child).
    pub fn spawn<'b, S: 'static>(
        &mut self,
        handlers: impl Into<Handlers<'b, S>>,
        state: S,
    ) -> SessionId {
        self.kernel.spawn_from_current(handlers.into(), state)
    }

    /// Stops every session as soon as no handler is running, the youngest first, each with its `_stop` (POE:
    /// `$poe_kernel->stop`). What streams have not sent yet is lost.
    pub fn stop(&mut self) {
        self.kernel.stop();
    }

    /// The number of a name, for wheels that keep it.
    #[must_use]
    pub fn symbol(&mut self, name: impl Into<Cow<'static, str>>) -> Symbol {
        self.kernel.symbol(name.into())
    }

    /// The number of an event's name, for wheels that keep it and send `T`s.
    #[must_use]
    #[inline(always)]
    pub fn symbol_of<T>(&mut self, event: impl EventName<T>) -> Symbol {
        self.kernel.symbol(event.into_name())
    }

    /// Gives a wheel to the kernel; its events go to this session. `make` is told its id and may already
    /// ask for what [`Io`] offers. If it panics there is no wheel.
    pub fn add_wheel<W: Wheel>(&mut self, make: impl FnOnce(&mut Io<'_>) -> W) -> Handle<W> {
        self.kernel.add_wheel(self.session(), make)
    }

    /// Borrows a wheel, and what it may ask of the kernel. `None` if it is closed, by itself or because the session
    /// that made it stopped, or is another kernel's.
    #[inline]
    pub fn wheel<'b, W: Wheel>(&'b mut self, handle: &'b Handle<W>) -> Option<(&'b mut W, Io<'b>)> {
        self.kernel.wheel_of(handle)
    }

    /// Takes a wheel out of the kernel, which forgets what it watched and what it asked for. The wheel
    /// tells nothing any more. `None` as for [`wheel`](Self::wheel).
    pub fn take_wheel<W: Wheel>(&mut self, handle: Handle<W>) -> Option<W> {
        self.kernel.take_wheel(handle)
    }

    /// Puts another wheel, of another type maybe, in the place of one: it has the same id, and all that the
    /// old one asked for and watched. If there is none any more, or it is another kernel's (where it closes),
    /// nothing is made, and the new handle stands for nothing; of another kernel's it does not have the id either,
    /// which may be a wheel's here. If `make` panics the wheel is closed.
    ///
    /// If this is done in a handler of the old wheel's event, the new one is asked for its events as soon
    /// as that handler returns, and finds in the [shared buffer](Io::shared_buffer) what the old one left
    /// there. Otherwise it is asked when there is reason to; see [`Io::again`].
    pub fn replace_wheel<W: Wheel, V: Wheel>(
        &mut self,
        handle: Handle<W>,
        make: impl FnOnce(W, &mut Io<'_>) -> V,
    ) -> Handle<V> {
        self.kernel.replace_wheel(handle, make)
    }
}

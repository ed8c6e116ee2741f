//! Events that somebody else sends for a session.
//!
//! A [`Postback`] is given to code that knows nothing of sessions: a library, a closure, another session.
//! It holds its session alive for as long as it exists, because it may still be called. A [`Callback`]
//! delivers at once, so it needs the context of whoever calls it.

use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use crate::context::Context;
use crate::error::CallError;
use crate::event::Event;
use crate::ids::SessionId;
use crate::name::Symbol;
use crate::outbox::{Outbox, Post};
use crate::payload::Payload;

/// Posts an event to the session that made it (POE: `$session->postback`). Made by
/// [`Context::postback`].
///
/// The event carries what was given when it was made (a `C`, cloned each time) and what it is called with
/// (a `T`). Its session stays alive until it is dropped. It may be called anywhere on the kernel's thread,
/// also when the session is gone or the kernel is: nothing happens then. For other threads there is
/// [`Remote`](crate::Remote).
///
/// ```
/// use reactor::{Context, Event, Kernel, States};
///
/// const DONE: Event<(&'static str, u32)> = Event::new("done");
///
/// let states = States::new()
///     .on_start(|_: &mut u32, cx: &mut Context<'_>, ()| {
///         let done = cx.postback(&DONE, "download");
///         let library = move |progress: u32| done.post(progress); // knows nothing of sessions
///         library(99);
///     })
///     .on(&DONE, |seen: &mut u32, _: &mut Context<'_>, (what, progress)| {
///         assert_eq!((what, progress), ("download", 99));
///         *seen += 1;
///     })
///     .on_stop(|seen: &mut u32, _: &mut Context<'_>, ()| assert_eq!(*seen, 1));
/// let mut kernel = Kernel::new()?;
/// kernel.spawn(&states, 0);
/// kernel.run()?;
/// # std::io::Result::Ok(())
/// ```
pub struct Postback<C, T> {
    hold: Held,
    symbol: Symbol,
    creation: C,
    called: PhantomData<fn(T)>,
}

/// Delivers an event at once to the session that made it, and has its reply (POE: `$session->callback`).
/// Made by [`Context::callback`]; holds its session alive as a [`Postback`] does.
pub struct Callback<C, T, R> {
    hold: Held,
    event: Event<(C, T), R>,
    creation: C,
}

/// A session held alive from outside the kernel.
struct Held {
    session: SessionId,
    outbox: Rc<Outbox>,
    holds: bool,
}

impl<C: Clone + 'static, T: 'static> Postback<C, T> {
    pub(crate) const fn new(
        session: SessionId,
        outbox: Rc<Outbox>,
        symbol: Symbol,
        creation: C,
    ) -> Self {
        let hold = Held { session, outbox, holds: true };
        Self { hold, symbol, creation, called: PhantomData }
    }

    /// Posts the event. The sender is the session whose handler is running, if one is.
    pub fn post(&self, called: T) {
        let payload = Payload::new((self.creation.clone(), called));
        self.hold.outbox.post(Post { to: self.hold.session, symbol: self.symbol, payload });
    }

    /// The same, but it does not keep its session alive any more.
    #[must_use]
    pub fn weaken(mut self) -> Self {
        self.hold.release();
        self
    }
}

impl<C: Clone + 'static, T: 'static, R: 'static> Callback<C, T, R> {
    pub(crate) const fn new(
        session: SessionId,
        outbox: Rc<Outbox>,
        event: Event<(C, T), R>,
        creation: C,
    ) -> Self {
        Self { hold: Held { session, outbox, holds: true }, event, creation }
    }

    /// Delivers the event and gives the handler's reply.
    ///
    /// # Errors
    ///
    /// See [`CallError`]; [`Busy`](CallError::Busy) when its own session calls it.
    pub fn call(&self, cx: &mut Context<'_>, called: T) -> Result<R, CallError> {
        cx.call(self.hold.session, &self.event, (self.creation.clone(), called))
    }

    /// The same, but it does not keep its session alive any more.
    #[must_use]
    pub fn weaken(mut self) -> Self {
        self.hold.release();
        self
    }
}

impl Held {
    fn release(&mut self) {
        if std::mem::replace(&mut self.holds, false) {
            self.outbox.release(self.session);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release();
    }
}

impl<C, T> fmt::Debug for Postback<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Postback(to session {})", self.hold.session)
    }
}

impl<C, T, R> fmt::Debug for Callback<C, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Callback(to session {}: {})", self.hold.session, self.event.name())
    }
}

//! The session of a client: what comes in is told to the callbacks, and then done what they asked for.
//!
//! Promises that no callback runs within another, and that what one asked for is done before the next is
//! called, unless it failed: then it is done soon.

use std::error::Error;

use reactor::{Context, States, WheelId};
use wheels::filter::Filter;
use wheels::{Endpoint, Established, Failure, Input};

use super::Server;
use super::callbacks::{Callbacks, Called, Plain};
use super::events;
use super::lent::lend;
use super::link::{LOG, Link, Next, Step, Way};
use crate::outcome::Returned;
use crate::{CONNECT, RECONNECT, SHUTDOWN};

/// The state of a client's session.
pub(super) struct Session<S, F: Filter> {
    pub(super) user: S,
    pub(super) link: Link<F>,
    pub(super) callbacks: Callbacks<S, F>,
    pub(super) on_error: OnError,
}

/// What becomes of a connection that had an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum OnError {
    Close,
    Stay,
}

/// One of the callbacks.
type Which<T, S, F> = fn(&Callbacks<S, F>) -> Option<&T>;

impl<S: 'static, F: Filter> Session<S, F> {
    /// Adds a client's own handlers to its user's.
    pub(super) fn handlers(states: States<Self>) -> States<Self> {
        states
            .try_on("_start", Self::start)
            .try_on(events::ESTABLISHED, Self::established)
            .try_on(events::NOT_CONNECTED, Self::not_connected)
            .try_on(events::INPUT, Self::input)
            .try_on(events::FAILED, Self::failed)
            .try_on(events::FLUSHED, Self::flushed)
            .try_on(events::HIGH, Self::high)
            .try_on(events::LOW, Self::low)
            .try_on(events::SETTLE, |session: &mut Self, cx: &mut Context<'_>, ()| {
                session.settle(cx)
            })
            .try_on(events::RETRY, |session: &mut Self, cx: &mut Context<'_>, ()| {
                session.link.retry();
                session.settle(cx)
            })
            .try_on(&CONNECT, |session: &mut Self, cx: &mut Context<'_>, place: Endpoint| {
                session.with(cx, |_, server| {
                    server.connect(place);
                    Ok(())
                })
            })
            .try_on(&RECONNECT, |session: &mut Self, cx: &mut Context<'_>, ()| {
                session.with(cx, |_, server| {
                    server.reconnect();
                    Ok(())
                })
            })
            .try_on(&SHUTDOWN, |session: &mut Self, cx: &mut Context<'_>, ()| {
                session.with(cx, |_, server| {
                    server.shutdown();
                    Ok(())
                })
            })
            .try_on("_stop", |session: &mut Self, cx: &mut Context<'_>, ()| {
                session.call_plain(cx, |callbacks| callbacks.stopped.as_ref())
            })
    }

    /// Runs what may ask for something, and does what it asked for.
    pub(super) fn with<R>(
        &mut self,
        cx: &mut Context<'_>,
        run: impl FnOnce(&mut S, &mut Server<'_, F>) -> Result<R, Box<dyn Error>>,
    ) -> Result<R, Box<dyn Error>> {
        let result = lend(&mut self.link, cx, |server| run(&mut self.user, server))?;
        self.settle(cx)?;
        Ok(result)
    }

    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Returned {
        self.link.take_alias(cx);
        if self.link.factory.is_some() {
            self.link.wish(None, Next::Connect);
        }
        self.call_plain(cx, |callbacks| callbacks.started.as_ref())?;
        self.settle(cx)
    }

    fn established(&mut self, cx: &mut Context<'_>, established: Established) -> Returned {
        if !self.link.is_made_by(established.wheel) {
            return Ok(());
        }
        let address = established.peer.clone();
        // If it is refused, or nobody can say whether it is.
        self.link.wish(None, Next::End);
        let Self { user, link, callbacks, .. } = self;
        let descriptor = match &callbacks.pre_connect {
            None => Some(established.socket.into()),
            Some(call) => lend(link, cx, |server| {
                Ok::<_, Box<dyn Error>>(call(user, server.cx(), established))
            })?,
        };
        if let Some(descriptor) = descriptor {
            self.link.next = None;
            self.link.connected(descriptor, address, cx);
            self.call(cx, |callbacks| callbacks.connected.as_ref())?;
        } else {
            log::info!(target: LOG, "{}: {address} is refused", cx.session());
            self.call_plain(cx, |callbacks| callbacks.refused.as_ref())?;
        }
        self.settle(cx)
    }

    fn not_connected(&mut self, cx: &mut Context<'_>, failure: Failure) -> Returned {
        if !self.link.is_made_by(failure.wheel) {
            return Ok(());
        }
        self.link.broke();
        let Self { user, link, callbacks, .. } = self;
        match &callbacks.connect_error {
            Some(call) => lend(link, cx, |server| call(user, server, failure))?,
            None => log::warn!(target: LOG, "{}: {failure}", cx.session()),
        }
        self.settle(cx)
    }

    fn input(&mut self, cx: &mut Context<'_>, input: Input<F::Item>) -> Returned {
        let Self { user, link, callbacks, .. } = self;
        let Some(call) = &callbacks.input else { return Ok(()) };
        lend(link, cx, |server| call(user, server, input.item))?;
        self.settle(cx)
    }

    fn failed(&mut self, cx: &mut Context<'_>, failure: Failure) -> Returned {
        let wheel = failure.wheel;
        if !self.link.is_of(wheel) {
            log::debug!(target: LOG, "{}: a connection that was let go: {failure}", cx.session());
            return Ok(());
        }
        let closes = (self.on_error == OnError::Close).then_some(Way::InOrder);
        if closes.is_some() {
            self.link.broke();
        }
        self.link.tells(wheel, closes);
        let Self { user, link, callbacks, .. } = self;
        match &callbacks.error {
            Some(call) => lend(link, cx, |server| call(user, server, failure))?,
            None if failure.is_end() => log::debug!(target: LOG, "{}: {failure}", cx.session()),
            None => log::warn!(target: LOG, "{}: {failure}", cx.session()),
        }
        self.settle(cx)
    }

    fn flushed(&mut self, cx: &mut Context<'_>, wheel: WheelId) -> Returned {
        if !self.link.is_of(wheel) {
            return Ok(());
        }
        self.link.flushed(cx);
        self.link.tells(wheel, None);
        self.call(cx, |callbacks| callbacks.flushed.as_ref())?;
        self.settle(cx)
    }

    fn high(&mut self, cx: &mut Context<'_>, wheel: WheelId) -> Returned {
        if !self.link.is_of(wheel) {
            return Ok(());
        }
        self.call(cx, |callbacks| callbacks.high.as_ref())?;
        self.settle(cx)
    }

    fn low(&mut self, cx: &mut Context<'_>, wheel: WheelId) -> Returned {
        if !self.link.is_of(wheel) {
            return Ok(());
        }
        self.call(cx, |callbacks| callbacks.low.as_ref())?;
        self.settle(cx)
    }

    fn call(&mut self, cx: &mut Context<'_>, which: Which<Called<S, F>, S, F>) -> Returned {
        let Self { user, link, callbacks, .. } = self;
        match which(callbacks) {
            Some(call) => lend(link, cx, |server| call(user, server)),
            None => Ok(()),
        }
    }

    fn call_plain(&mut self, cx: &mut Context<'_>, which: Which<Plain<S>, S, F>) -> Returned {
        let Self { user, link, callbacks, .. } = self;
        match which(callbacks) {
            Some(call) => lend(link, cx, |server| call(user, server.cx())),
            None => Ok(()),
        }
    }

    /// Does what was asked for, and tells what comes of it, until nothing more is asked for.
    fn settle(&mut self, cx: &mut Context<'_>) -> Returned {
        self.link.greeted(cx);
        if self.link.has_told() {
            // Over with this, whatever else was asked for.
            self.call(cx, |callbacks| callbacks.disconnected.as_ref())?;
        }
        loop {
            match self.link.step(cx) {
                Step::Rest => return Ok(()),
                Step::Left => self.call(cx, |callbacks| callbacks.disconnected.as_ref())?,
                Step::GaveUp => self.call(cx, |callbacks| callbacks.gave_up.as_ref())?,
            }
        }
    }
}

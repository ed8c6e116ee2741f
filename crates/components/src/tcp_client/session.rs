//! The session of a client: what comes in is told to the callbacks, and then done what they asked for.
//!
//! Promises that no callback runs within another, and that what one asked for is done before the next is
//! called.

use reactor::{Context, States, WheelId};
use wheels::filter::Filter;
use wheels::{Endpoint, Established, Failure, Input};

use super::Server;
use super::callbacks::{Callbacks, Called};
use super::events;
use super::link::{LOG, Link, Next, Step, Way};
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
type Which<S, F> = fn(&Callbacks<S, F>) -> Option<&Called<S, F>>;

impl<S: 'static, F: Filter> Session<S, F> {
    /// Adds a client's own handlers to its user's.
    pub(super) fn handlers(states: States<Self>) -> States<Self> {
        states
            .on_start(Self::start)
            .on(events::ESTABLISHED, Self::established)
            .on(events::NOT_CONNECTED, Self::not_connected)
            .on(events::INPUT, Self::input)
            .on(events::FAILED, Self::failed)
            .on(events::FLUSHED, Self::flushed)
            .on(events::HIGH, Self::high)
            .on(events::LOW, Self::low)
            .on(events::RETRY, |session: &mut Self, cx: &mut Context<'_>, ()| {
                session.link.retry();
                session.settle(cx);
            })
            .on(&CONNECT, |session: &mut Self, cx: &mut Context<'_>, place: Endpoint| {
                session.with(cx, |_, server| server.connect(place));
            })
            .on(&RECONNECT, |session: &mut Self, cx: &mut Context<'_>, ()| {
                session.with(cx, |_, server| server.reconnect());
            })
            .on(&SHUTDOWN, |session: &mut Self, cx: &mut Context<'_>, ()| {
                session.with(cx, |_, server| server.shutdown());
            })
            .on_stop(|session: &mut Self, cx: &mut Context<'_>, ()| {
                if let Some(stopped) = &session.callbacks.stopped {
                    stopped(&mut session.user, cx);
                }
            })
    }

    /// Runs what may ask for something, and does what it asked for.
    pub(super) fn with<R>(
        &mut self,
        cx: &mut Context<'_>,
        run: impl FnOnce(&mut S, &mut Server<'_, F>) -> R,
    ) -> R {
        let mut server = Server { link: &mut self.link, cx: cx.reborrow() };
        let result = run(&mut self.user, &mut server);
        self.settle(cx);
        result
    }

    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        self.link.take_alias(cx);
        if let Some(started) = &self.callbacks.started {
            started(&mut self.user, cx);
        }
        if self.link.factory.is_some() {
            self.link.wish(None, Next::Connect);
        }
        self.settle(cx);
    }

    fn established(&mut self, cx: &mut Context<'_>, established: Established) {
        if !self.link.is_made_by(established.wheel) {
            return;
        }
        let address = established.peer.clone();
        let descriptor = match &self.callbacks.pre_connect {
            None => Some(established.socket.into()),
            Some(pre_connect) => pre_connect(&mut self.user, cx, established),
        };
        if let Some(descriptor) = descriptor {
            self.link.connected(descriptor, address, cx);
            self.call(cx, |callbacks| callbacks.connected.as_ref());
            self.link.greeted(cx);
        } else {
            log::info!(target: LOG, "{}: {address} is refused", cx.session());
            self.link.wish(None, Next::End);
            if let Some(refused) = &self.callbacks.refused {
                refused(&mut self.user, cx);
            }
        }
        self.settle(cx);
    }

    fn not_connected(&mut self, cx: &mut Context<'_>, failure: Failure) {
        if !self.link.is_made_by(failure.wheel) {
            return;
        }
        self.link.broke();
        let mut server = Server { link: &mut self.link, cx: cx.reborrow() };
        match &self.callbacks.connect_error {
            Some(connect_error) => connect_error(&mut self.user, &mut server, failure),
            None => log::warn!(target: LOG, "{}: {failure}", cx.session()),
        }
        self.settle(cx);
    }

    fn input(&mut self, cx: &mut Context<'_>, input: Input<F::Item>) {
        if let Some(call) = &self.callbacks.input {
            let mut server = Server { link: &mut self.link, cx: cx.reborrow() };
            call(&mut self.user, &mut server, input.item);
            self.settle(cx);
        }
    }

    fn failed(&mut self, cx: &mut Context<'_>, failure: Failure) {
        let wheel = failure.wheel;
        if !self.link.is_of(wheel) {
            log::debug!(target: LOG, "{}: a connection that was let go: {failure}", cx.session());
            return;
        }
        if self.on_error == OnError::Close {
            self.link.broke();
        }
        let mut server = Server { link: &mut self.link, cx: cx.reborrow() };
        match &self.callbacks.error {
            Some(error) => error(&mut self.user, &mut server, failure),
            None if failure.is_end() => log::debug!(target: LOG, "{}: {failure}", cx.session()),
            None => log::warn!(target: LOG, "{}: {failure}", cx.session()),
        }
        if self.on_error == OnError::Close {
            self.link.close(Way::InOrder);
        }
        self.left(wheel, cx);
    }

    fn flushed(&mut self, cx: &mut Context<'_>, wheel: WheelId) {
        if self.link.is_of(wheel) {
            self.link.flushed(cx);
            self.call(cx, |callbacks| callbacks.flushed.as_ref());
            self.left(wheel, cx);
        }
    }

    /// If the connection was being closed it is over with this, whatever else was asked for.
    fn left(&mut self, wheel: WheelId, cx: &mut Context<'_>) {
        if self.link.is_left_by(wheel) {
            self.call(cx, |callbacks| callbacks.disconnected.as_ref());
        }
        self.settle(cx);
    }

    fn high(&mut self, cx: &mut Context<'_>, wheel: WheelId) {
        if self.link.is_of(wheel) {
            self.call(cx, |callbacks| callbacks.high.as_ref());
            self.settle(cx);
        }
    }

    fn low(&mut self, cx: &mut Context<'_>, wheel: WheelId) {
        if self.link.is_of(wheel) {
            self.call(cx, |callbacks| callbacks.low.as_ref());
            self.settle(cx);
        }
    }

    fn call(&mut self, cx: &mut Context<'_>, which: Which<S, F>) {
        if let Some(call) = which(&self.callbacks) {
            call(&mut self.user, &mut Server { link: &mut self.link, cx: cx.reborrow() });
        }
    }

    /// Does what was asked for, and tells what comes of it, until nothing more is asked for.
    fn settle(&mut self, cx: &mut Context<'_>) {
        loop {
            match self.link.step(cx) {
                Step::Rest => break,
                Step::Left => self.call(cx, |callbacks| callbacks.disconnected.as_ref()),
                Step::GaveUp => self.call(cx, |callbacks| callbacks.gave_up.as_ref()),
            }
        }
    }
}

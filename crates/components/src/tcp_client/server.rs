//! The other end, as a client's callbacks are given it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use reactor::{Context, EventName};
use wheels::filter::Filter;
use wheels::{Address, Endpoint, Put, ReadWrite};

use super::link::{Link, Next, Way};

/// The server that a [`TcpClient`](super::TcpClient) talks to, or would: there may be no connection now.
///
/// What ends or begins a connection is noted, and done when the running callback has returned. Of what
/// contradicts the last one said counts.
pub struct Server<'a, F: Filter> {
    pub(super) link: &'a mut Link<F>,
    pub(super) cx: Context<'a>,
}

impl<'a, F: Filter> Server<'a, F> {
    /// Sends an item (POE: `put`).
    ///
    /// [`Put::Refused`] gives it back: there is no connection, or it is being closed, or too much is unsent
    /// already. With [`keep_unsent`](super::TcpClient::keep_unsent) an item that is put without a connection
    /// is kept until there is one.
    pub fn put(&mut self, item: impl Into<F::Out>) -> Put<F::Out> {
        self.link.put(item.into(), &mut self.cx)
    }

    /// Ends the client: what was put is sent, the server is told that no more comes, and `disconnected` is
    /// called (POE: `shutdown`). Nothing more comes in, nothing more can be put, the alias is given up, and
    /// the client does not connect again by itself.
    pub const fn shutdown(&mut self) {
        self.link.wish(Some(Way::InOrder), Next::End);
    }

    /// As [`shutdown`](Self::shutdown), but the connection is [reset](wheels::ReadWrite::abort), and what was put and not
    /// sent is lost unless it is [kept](super::TcpClient::keep_unsent). A connection that is shut down already is
    /// waited for no more: it closes within its [linger time](super::TcpClient::linger).
    pub const fn abort(&mut self) {
        self.link.wish(Some(Way::AtOnce), Next::End);
    }

    /// Connects to another place, now and from now on (POE: `connect` with an address). As
    /// [`reconnect`](Self::reconnect) otherwise, and attempts are counted anew.
    pub fn connect(&mut self, endpoint: impl Into<Endpoint>) {
        self.link.set_remote(endpoint.into());
        self.reconnect();
    }

    /// Connects again, at once (POE: `reconnect`). A connection that there is is
    /// [shut down](Self::shutdown) first, one on its way is given up; to be rid of one that is stuck,
    /// [`abort`](Self::abort) first.
    pub const fn reconnect(&mut self) {
        self.link.wish(Some(Way::InOrder), Next::Connect);
    }

    /// Connects again after some time, whatever [`TcpClient::reconnect`](super::TcpClient::reconnect) says
    /// (POE: a delay of `reconnect`). Otherwise as [`reconnect`](Self::reconnect).
    pub const fn reconnect_after(&mut self, time: Duration) {
        self.link.wish(Some(Way::InOrder), Next::ConnectAfter(time));
    }

    /// Delivers an event of [`TcpClient::on`](super::TcpClient::on) after `time`, instead of the one of this
    /// name that is set already (POE: `delay`).
    pub fn delay<T: 'static>(&mut self, event: impl EventName<T>, time: Duration, payload: T) {
        self.cx.delay(event, time, payload);
    }

    /// Takes back what [`delay`](Self::delay) was to deliver; says whether it was still to come.
    pub fn delay_clear(&mut self, event: impl Into<Cow<'static, str>>) -> bool {
        self.cx.alarm_clear(event) > 0
    }

    /// Posts an event to the client's own session (POE: `yield`).
    pub fn yield_<T: 'static>(&mut self, event: impl EventName<T>, payload: T) {
        self.cx.yield_(event, payload);
    }

    /// How many encoded bytes wait to be sent; none without a connection, or once it is shutting down, whatever is
    /// still to be sent then.
    pub fn unsent(&mut self) -> usize {
        self.link.wheel().map_or(0, |wheel| wheel.unsent(&mut self.cx))
    }

    /// Whether what is put is sent: there is a connection, and nobody shut it down.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.link.is_connected()
    }

    /// Where the connection leads, if there is one. Of a name, this is the address that answered.
    #[must_use]
    pub const fn peer(&self) -> Option<&Address> {
        self.link.peer()
    }

    /// The wheel of the connection, to pause its input or to ask its socket something. None without a
    /// connection, or once it is shutting down.
    #[must_use]
    pub const fn wheel(&self) -> Option<&ReadWrite<F>> {
        if self.is_connected() { self.link.wheel() } else { None }
    }

    /// The wheel and the context at once: most of the wheel's methods want both.
    pub const fn parts(&mut self) -> (Option<&ReadWrite<F>>, &mut Context<'a>) {
        let wheel = if self.link.is_connected() { self.link.wheel() } else { None };
        (wheel, &mut self.cx)
    }

    /// The context of the running handler.
    pub const fn cx(&mut self) -> &mut Context<'a> {
        &mut self.cx
    }
}

impl<F: Filter> fmt::Debug for Server<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("link", &self.link).finish_non_exhaustive()
    }
}

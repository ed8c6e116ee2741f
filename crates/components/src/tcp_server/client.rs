//! One connection of a server, for as long as a callback runs.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use reactor::{Context, EventName, Symbol, TimerId, WheelId};
use wheels::filter::Filter;
use wheels::{Address, Put, ReadWrite};

use super::clients::Clients;
use super::hub::{Connection, Hub, Role};

/// A connection of a server, lent to a callback (POE: the heap and the session of a connection).
///
/// `F` is the filter, `C` the connection's own state.
pub struct Client<'a, F: Filter, C = ()> {
    hub: &'a mut Hub<F, C>,
    id: WheelId,
    cx: Context<'a>,
}

/// What an event of [`on_client`](crate::TcpServer::on_client) carries when it is posted to the session of a
/// server from outside: for which connection it is, and its payload. Not delivered if the connection is
/// closed by then.
///
/// A connection with a [session of its own](crate::TcpServer::session_per_client) takes the payload alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ToClient<T> {
    /// The connection's [id](Client::id).
    pub client: WheelId,
    /// What the handler is given.
    pub payload: T,
}

impl<'a, F: Filter, C> Client<'a, F, C> {
    /// Of a connection that is in the hub, and stays there until the callback has returned.
    #[inline]
    pub(super) const fn new(hub: &'a mut Hub<F, C>, id: WheelId, cx: Context<'a>) -> Self {
        Self { hub, id, cx }
    }

    /// Its id, which is that of its wheel. It never becomes another connection's.
    #[must_use]
    pub const fn id(&self) -> WheelId {
        self.id
    }

    /// Who is at the other end (POE: `remote_ip` and `remote_port`).
    #[must_use]
    pub fn peer(&self) -> Address {
        self.connection().peer()
    }

    /// The connection's own state (POE: its heap).
    pub fn state(&mut self) -> &mut C {
        &mut self.connection_mut().state
    }

    /// Sends an item: see [`ReadWrite::put`]. Refused once it is shutting down.
    #[inline]
    pub fn put(&mut self, item: impl Into<F::Out>) -> Put<F::Out> {
        match self.hub.wheel(self.id) {
            Some(wheel) => wheel.put(&mut self.cx, item),
            None => Put::Refused(item.into()),
        }
    }

    /// How many encoded bytes wait to be sent (POE: `get_driver_out_octets`); 0 once it is shutting down, whatever
    /// is still to be sent then.
    #[must_use]
    pub fn unsent(&mut self) -> usize {
        self.hub.wheel(self.id).map_or(0, |wheel| wheel.unsent(&mut self.cx))
    }

    /// Closes in order (POE: `shutdown`): no more input is told, what was put is sent, the peer is told that
    /// no more comes, and what it still sends is thrown away; see [`ReadWrite::shutdown`].
    /// [Disconnected](crate::TcpServer::client_disconnected) is called when all is sent, at the earliest when
    /// the running callback has returned.
    pub fn shutdown(&mut self) {
        self.hub.shutdown(&mut self.cx, self.id);
    }

    /// Closes at once, with a reset: see [`ReadWrite::abort`]. Disconnected is called when the running callback
    /// has returned. One that is shutting down already is not reset, but waited for no more: it closes by itself,
    /// within its [linger time](crate::TcpServer::linger) without progress.
    pub fn abort(&mut self) {
        self.hub.abort(&mut self.cx, self.id);
    }

    /// Whether it is neither shutting down nor closed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.hub.wheel(self.id).is_some()
    }

    /// Says whether the connection has work to finish that the server cannot see: an answer that will come
    /// from elsewhere. A [drain](Clients::drain) waits for it. Default: it has not. Input that was not
    /// delivered and output that was not sent are seen.
    #[expect(clippy::fn_params_excessive_bools, reason = "it is busy or it is not")]
    pub fn set_busy(&mut self, busy: bool) {
        self.connection_mut().set_busy(busy);
        self.hub.look_at(self.id);
    }

    /// Delivers no more input until [`resume_input`](Self::resume_input): see [`ReadWrite::pause_input`].
    pub fn pause_input(&mut self) {
        if let Some(wheel) = self.hub.wheel(self.id) {
            wheel.pause_input(&mut self.cx);
        }
    }

    /// Delivers input again.
    pub fn resume_input(&mut self) {
        if let Some(wheel) = self.hub.wheel(self.id) {
            wheel.resume_input(&mut self.cx);
        }
    }

    /// Delivers an event of [`on_client`](crate::TcpServer::on_client) to this connection after a time,
    /// unless it is closed by then. Set again before that, it is moved (POE: `delay`).
    pub fn delay<T: 'static>(&mut self, event: impl EventName<T>, delay: Duration, payload: T) {
        let name: Cow<'static, str> = event.into_name();
        self.delay_clear(name.clone());
        let symbol = self.cx.symbol(name.clone());
        let timer = match &self.hub.role {
            Role::Server(_) => {
                let payload = ToClient { client: self.id, payload };
                self.cx.delay_set(name, delay, payload)
            }
            Role::Client { .. } => self.cx.delay_set(name, delay, payload),
        };
        self.connection_mut().keep_timer(symbol, timer);
    }

    /// Takes back what [`delay`](Self::delay) was to deliver; says whether it was still to come.
    pub fn delay_clear(&mut self, event: impl Into<Cow<'static, str>>) -> bool {
        let symbol = self.cx.symbol(event);
        let timer: Option<TimerId> = self.take_timer(symbol);
        timer.is_some_and(|timer| self.cx.alarm_remove(timer).is_ok())
    }

    /// Delivers an event of [`on_client`](crate::TcpServer::on_client) to this connection behind what waits
    /// already, unless it is closed by then (POE: `yield`).
    pub fn yield_<T: 'static>(&mut self, event: impl EventName<T>, payload: T) {
        match &self.hub.role {
            Role::Server(_) => {
                self.cx.yield_(event.into_name(), ToClient { client: self.id, payload });
            }
            Role::Client { .. } => self.cx.yield_(event, payload),
        }
    }

    /// The connection's state, its wheel, and the context, at once. No wheel once it is shutting down.
    pub fn parts(&mut self) -> (&mut C, Option<&ReadWrite<F>>, &mut Context<'a>) {
        let (state, wheel) = self.hub.clients.get_mut(&self.id).expect(THERE).parts();
        (state, wheel, &mut self.cx)
    }

    /// The context, for all that has to do with the session and not with the connection alone.
    pub const fn cx(&mut self) -> &mut Context<'a> {
        &mut self.cx
    }

    /// All connections of this session: of the server, or this one alone if it has a
    /// [session of its own](crate::TcpServer::session_per_client).
    #[must_use]
    pub const fn clients(&mut self) -> Clients<'_, F, C> {
        Clients::new(self.hub, self.cx.reborrow())
    }

    fn connection(&self) -> &Connection<F, C> {
        self.hub.clients.get(&self.id).expect(THERE)
    }

    fn connection_mut(&mut self) -> &mut Connection<F, C> {
        self.hub.clients.get_mut(&self.id).expect(THERE)
    }

    fn take_timer(&mut self, symbol: Symbol) -> Option<TimerId> {
        self.connection_mut().take_timer(symbol)
    }
}

impl<F: Filter, C> fmt::Debug for Client<'_, F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({}, {})", self.id, self.peer())
    }
}

/// Connections are removed between two callbacks, never while one runs.
const THERE: &str = "a connection is in the hub while one of its callbacks runs";

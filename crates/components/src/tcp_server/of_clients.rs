//! What a server is told about its connections.

use std::rc::Rc;
use std::time::Duration;

use reactor::{Context, Event};
use wheels::filter::Filter;
use wheels::{Descriptor, Established, Failure};

use super::callbacks::{OnError, Refused};
use super::client::{Client, ToClient};
use super::session::Serving;
use super::{Keeps, TcpServer};
use crate::Outcome;

impl<S: 'static, F: Filter> TcpServer<S, F> {
    /// A server whose connections have a filter each, made by `filter` (POE: `ClientFilter`), and no state.
    /// For another filter in each direction there is [`Pair`](wheels::filter::Pair) (POE:
    /// `ClientInputFilter`, `ClientOutputFilter`).
    pub fn new(filter: impl Fn() -> F + 'static) -> Self {
        Self::of(Box::new(filter), Box::new(|_, _| ()))
    }
}

impl<S: 'static, F: Filter, C: 'static> TcpServer<S, F, C> {
    /// A server whose connections have a filter each, and a state that `client` makes when one is accepted,
    /// before anything else is called for it (POE: the heap, with what `ClientArgs` would bring).
    pub fn with_clients(
        filter: impl Fn() -> F + 'static,
        client: impl Fn(&mut S, &Established) -> C + 'static,
    ) -> Self {
        Self::of(Box::new(filter), Box::new(client))
    }
}

/// Callbacks, each with the server's state and a connection. Who does not want to be told gives none. What they
/// may give back is an [`Outcome`].
impl<S: 'static, F: Filter, C: 'static> TcpServer<S, F, C, Keeps> {
    /// Called with each socket before it becomes a connection: the stream that is to be used comes back, as
    /// a rule `Some(established.socket.into())`; or `None` to send the client away (POE:
    /// `ClientPreConnect`).
    pub fn client_pre_connect(
        mut self,
        call: impl Fn(&mut S, &mut Context<'_>, Established) -> Option<Descriptor> + 'static,
    ) -> Self {
        self.client.pre_connect = Some(Box::new(call));
        self
    }

    /// Called when there is a connection (POE: `ClientConnected`).
    pub fn client_connected<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Client<'_, F, C>) -> R + 'static,
    ) -> Self {
        self.client.connected =
            Some(Box::new(move |state, client| call(state, client).into_result()));
        self
    }

    /// Called with each item that comes (POE: `ClientInput`); not any more once the connection shuts down.
    /// Without it what comes is thrown away.
    pub fn client_input<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Client<'_, F, C>, F::Item) -> R + 'static,
    ) -> Self {
        self.client.input =
            Some(Box::new(move |state, client, item| call(state, client, item).into_result()));
        self
    }

    /// Called whenever all that was put has been sent (POE: `ClientFlushed`), also when it shuts down.
    pub fn client_flushed<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Client<'_, F, C>) -> R + 'static,
    ) -> Self {
        self.client.flushed =
            Some(Box::new(move |state, client| call(state, client).into_result()));
        self
    }

    /// Called when so many bytes or more are left unsent (POE: `HighMark`, `ClientHigh`). Again only after
    /// the low mark.
    pub fn client_high<R: Outcome>(
        mut self,
        bytes: usize,
        call: impl Fn(&mut S, &mut Client<'_, F, C>) -> R + 'static,
    ) -> Self {
        let call =
            move |state: &mut S, client: &mut Client<'_, F, C>| call(state, client).into_result();
        self.client.high = Some((bytes, Box::new(call)));
        self
    }

    /// Called when, after the high mark, so many bytes or fewer are left unsent (POE: `LowMark`,
    /// `ClientLow`).
    pub fn client_low<R: Outcome>(
        mut self,
        bytes: usize,
        call: impl Fn(&mut S, &mut Client<'_, F, C>) -> R + 'static,
    ) -> Self {
        let call =
            move |state: &mut S, client: &mut Client<'_, F, C>| call(state, client).into_result();
        self.client.low = Some((bytes, Box::new(call)));
        self
    }

    /// Called when the client has [ended](Failure::is_end) or something failed (POE: `ClientError`). Then the
    /// connection [shuts down](Client::shutdown), unless it is to [stay](Self::stay_on_error). Default: it is
    /// logged, as a warning if it is neither an end nor a reset.
    pub fn client_error<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Client<'_, F, C>, Failure) -> R + 'static,
    ) -> Self {
        self.client.error = Some(Box::new(move |state, client, failure| {
            call(state, client, failure).into_result()
        }));
        self
    }

    /// Called once when a connection is closed: all was sent, or it failed, or the server stops (POE:
    /// `ClientDisconnected`). Nothing more is told of it.
    pub fn client_disconnected<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Client<'_, F, C>) -> R + 'static,
    ) -> Self {
        self.client.disconnected =
            Some(Box::new(move |state, client| call(state, client).into_result()));
        self
    }

    /// Called for each connection when the server begins to [drain](super::Clients::drain): time to say
    /// good-bye, or to call the connection [busy](Client::set_busy) for something that is to be finished.
    pub fn client_draining<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Client<'_, F, C>) -> R + 'static,
    ) -> Self {
        self.client.draining =
            Some(Box::new(move |state, client| call(state, client).into_result()));
        self
    }

    /// Handles an event of one connection: one that it [delays](Client::delay) or [yields](Client::yield_), or
    /// that is posted to the session of the server as a [`ToClient`] (POE: `InlineStates` and its kin, which
    /// are of connections). Names as for [`on`](Self::on).
    ///
    /// ```
    /// use std::time::Duration;
    /// use components::TcpServer;
    /// use reactor::Event;
    /// use wheels::filter::Line;
    ///
    /// const TICK: Event<u32> = Event::new("tick");
    ///
    /// let server = TcpServer::new(Line::new)
    ///     .client_connected(|(), client| client.delay(&TICK, Duration::from_secs(1), 1))
    ///     .on_client(&TICK, |(), client, count| {
    ///         client.put(format!("{count} seconds"));
    ///         client.delay(&TICK, Duration::from_secs(1), count + 1);
    ///     });
    /// # drop(server);
    /// ```
    pub fn on_client<T: 'static, R: Outcome>(
        mut self,
        event: impl Into<Event<T>>,
        call: impl Fn(&mut S, &mut Client<'_, F, C>, T) -> R + 'static,
    ) -> Self {
        let name = event.into().name().to_owned();
        let call = Rc::new(call);
        let shared = Rc::clone(&call);
        let of_server = move |serving: &mut Serving<S, F, C>,
                              cx: &mut Context<'_>,
                              to: ToClient<T>| {
            serving.with_client(cx, to.client, |state, client| shared(state, client, to.payload))
        };
        let of_own = move |serving: &mut Serving<S, F, C>, cx: &mut Context<'_>, payload: T| {
            let Some(id) = serving.hub.only() else { return Ok(()) };
            serving.with_client(cx, id, |state, client| call(state, client, payload))
        };
        self.states = self.states.try_on(name.clone(), of_server);
        self.own_states = self.own_states.try_on(name, of_own);
        self
    }

    /// How many connections one address may have at a time: more are closed as they come, and
    /// [refused](Self::refused) tells. Of IPv6 a network of 64 bits is one address; a UNIX client has none.
    /// Default: any number, since all of a proxy's clients come from one address.
    pub const fn per_address(mut self, connections: usize) -> Self {
        self.per_address = Some(connections);
        self
    }

    /// Called when a client was sent away: too many of its address, or
    /// [`client_pre_connect`](Self::client_pre_connect) did not want it, which is told in the session that was
    /// to be the connection's, if it was to have [its own](Self::session_per_client). Default: it is logged.
    pub fn refused<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Context<'_>, Refused) -> R + 'static,
    ) -> Self {
        self.server.refused =
            Some(Box::new(move |state, cx, refused| call(state, cx, refused).into_result()));
        self
    }

    /// How long nothing may come and nothing be sent. Default: 5 min. `None`: for ever. Then, as for the other
    /// limits, [error](Self::client_error) is called and the connection is closed; what was put is sent before,
    /// unless the limit is one of output. See
    /// [`ReadWriteBuilder::idle_timeout`](wheels::ReadWriteBuilder::idle_timeout).
    pub fn idle_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.limits.idle = time.into();
        self
    }

    /// How long an item may take from its first byte to its last. Default: 30 s. `None`: for ever. See
    /// [`ReadWriteBuilder::frame_timeout`](wheels::ReadWriteBuilder::frame_timeout).
    pub fn frame_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.limits.frame = time.into();
        self
    }

    /// How long the client may take nothing of what is unsent. Default: 60 s. `None`: for ever. See
    /// [`ReadWriteBuilder::stall_timeout`](wheels::ReadWriteBuilder::stall_timeout).
    pub fn stall_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.limits.stall = time.into();
        self
    }

    /// How long a connection may last in all. Default: 24 h. `None`: for ever. See
    /// [`ReadWriteBuilder::lifetime`](wheels::ReadWriteBuilder::lifetime).
    pub fn lifetime(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.limits.lifetime = time.into();
        self
    }

    /// How many bytes may be unsent: then the connection fails. Default: 16 MiB. See
    /// [`ReadWriteBuilder::most_unsent`](wheels::ReadWriteBuilder::most_unsent).
    pub const fn most_unsent(mut self, bytes: usize) -> Self {
        self.limits.most_unsent = Some(bytes);
        self
    }

    /// How long a closed connection waits without progress for its client to close too. Default: 30 s. See
    /// [`ReadWriteBuilder::linger`](wheels::ReadWriteBuilder::linger).
    pub const fn linger(mut self, time: Duration) -> Self {
        self.limits.linger = Some(time);
        self
    }

    /// Leaves a connection as it is when its client has ended or something failed (POE: `ClientShutdownOnError`
    /// set to false): [error](Self::client_error) is to shut it down, at once or later.
    pub const fn stay_on_error(mut self) -> Self {
        self.limits.on_error = OnError::Stay;
        self
    }

    /// Gives each connection a session of its own, a child of the server's, as POE does: its events, timers
    /// and wheels are its own, others can post to it, and a callback that fails is that connection's failure
    /// alone. Each has a clone of the server's state. Costs about twice the memory.
    ///
    /// `_child` of the server's session is not told to the user.
    pub fn session_per_client(mut self) -> Self
    where
        S: Clone,
    {
        self.share = Some(S::clone);
        self
    }
}

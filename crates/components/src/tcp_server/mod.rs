//! A server for streams: it listens, accepts, and keeps each connection.
//!
//! [`TcpServer`] is what the user says about it: in this file what it is, in `of_server.rs` what it tells of
//! itself, in `of_clients.rs` what it tells of connections that it keeps; `callbacks.rs` has what it adds up to. `session.rs` is the server at
//! work: `door.rs` lets clients in as `admission.rs` counts them, `hub.rs` has the connections, and
//! `client.rs` and `clients.rs` are what callbacks are given of them, by `lent.rs`.
//! `settle.rs` calls back and sees to what follows. `deadline.rs` ends what does not end.

mod admission;
mod callbacks;
mod client;
mod clients;
mod deadline;
mod door;
mod hub;
mod lent;
mod names;
mod of_clients;
mod of_server;
mod session;
mod settle;

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use reactor::{Context, SessionId, States};
use wheels::filter::{Filter, Stream};
use wheels::{Endpoint, Established, SocketFactory, SocketFactoryBuilder};

use crate::Outcome;
use crate::events::{DISCONNECTED, DRAIN, SET_CONCURRENCY, SHUTDOWN};
use crate::spawn::Spawn;
use admission::Admission;
use callbacks::{ClientCalls, Each, Limits, NewClient, Plan, ServerCalls};
pub use callbacks::{Refusal, Refused};
pub use client::{Client, ToClient};
pub use clients::Clients;
use door::{Door, Source};
use hub::{Hub, Role};
use session::Serving;

/// A server for TCP and other streams (POE: `POE::Component::Server::TCP`).
///
/// It is one session with a state of yours, an `S`; each connection has a filter `F` and a state of its own,
/// a `C`, which callbacks get as a [`Client`]:
///
/// ```
/// use bytes::Bytes;
/// use components::TcpServer;
/// use reactor::Kernel;
/// use wheels::filter::Line;
///
/// let mut kernel = Kernel::new()?;
/// TcpServer::new(Line::new)
///     .listen("127.0.0.1:0")
/// #   .listening(|_, cx, _| cx.stop())
///     .client_input(|(), client, line| {
///         client.put(line);
///     })
///     .spawn(&mut kernel, ());
/// kernel.run()?;
/// # std::io::Result::Ok(())
/// ```
///
/// Callbacks are closures or methods of your state. A server with a state for each connection:
///
/// ```
/// use bytes::Bytes;
/// use components::{Client, TcpServer};
/// use wheels::filter::Line;
///
/// #[derive(Default)]
/// struct Quiz { asked: u32 }
/// #[derive(Default)]
/// struct Player { points: u32 }
///
/// impl Quiz {
///     fn connected(&mut self, client: &mut Client<'_, Line, Player>) {
///         self.asked += 1;
///         client.put("6 times 7?");
///     }
///     fn answered(&mut self, client: &mut Client<'_, Line, Player>, line: Bytes) {
///         client.state().points += u32::from(line == "42");
///         let points = client.state().points;
///         client.put(format!("{points} points of {}", self.asked));
///         client.shutdown();
///     }
/// }
///
/// let server = TcpServer::with_clients(Line::new, |_: &mut Quiz, _| Player::default())
///     .listen("127.0.0.1:7777")
///     .client_connected(Quiz::connected)
///     .client_input(Quiz::answered);
/// # drop(server);
/// ```
///
/// # What is limited
///
/// A connection ends when nothing moved for [5 minutes](Self::idle_timeout), when a record is not complete
/// after [30 s](Self::frame_timeout), when the client takes nothing for [60 s](Self::stall_timeout) or leaves
/// [16 MiB](Self::most_unsent) unread, and after [a day](Self::lifetime). There may be as many as the system
/// has descriptors for: see [`concurrency`](Self::concurrency) and [`per_address`](Self::per_address).
///
/// # When a callback fails
///
/// It panics, or gives an error back: see [`Outcome`]. The failure is the session's, whose connections are all
/// of the server's: see [`OnException`](reactor::OnException). With [a session for each](Self::session_per_client)
/// it is that connection's alone; should the server's own session fail, they live on. If the failure is called
/// handled (`DIE`), what the callback began is gone on with: a connection that it shut down is shut down, and one
/// of which it was told an error as well.
#[must_use = "a server does nothing until it is spawned"]
pub struct TcpServer<S, F: Filter, C = (), K = Keeps> {
    sources: Vec<Source>,
    alias: Option<String>,
    concurrency: Option<usize>,
    per_address: Option<usize>,
    drain_on_signals: Option<Duration>,
    server: ServerCalls<S, F, C>,
    client: ClientCalls<S, F, C>,
    new_filter: Box<dyn Fn() -> F>,
    new_client: NewClient<S, C>,
    limits: Limits,
    share: Option<fn(&S) -> S>,
    /// What the user wants to be told in the session of the server.
    states: States<Serving<S, F, C>>,
    /// The same for connections with a session of their own.
    own_states: States<Serving<S, F, C>>,
    kind: PhantomData<K>,
}

/// The kind of a [`TcpServer`] that keeps the connections and calls back for each.
#[derive(Debug)]
pub struct Keeps(());

/// The kind of a [`TcpServer`] that gives the sockets away as they come.
#[derive(Debug)]
pub struct GivesAway(());

impl<S: 'static> TcpServer<S, Stream, (), GivesAway> {
    /// A server that accepts and no more: `accept` is called with each socket, in the session of the server
    /// (POE: `Acceptor`).
    ///
    /// With a limit of [`concurrency`](Self::concurrency) the server has to be told of each connection that
    /// is closed: post [`DISCONNECTED`] to it. When it [drains](Clients::drain) it waits for the sessions that
    /// are its children, which are not told.
    pub fn acceptor<R: Outcome>(
        accept: impl Fn(&mut S, &mut Context<'_>, Established) -> R + 'static,
    ) -> Self {
        let mut server = Self::of(Box::new(|| Stream), Box::new(|_, _| ()));
        server.server.acceptor = Some(Box::new(move |state, cx, established| {
            accept(state, cx, established).into_result()
        }));
        server
    }
}

impl<S: 'static, F: Filter, C: 'static, K> TcpServer<S, F, C, K> {
    fn of(new_filter: Box<dyn Fn() -> F>, new_client: NewClient<S, C>) -> Self {
        Self {
            sources: Vec::new(),
            alias: None,
            concurrency: None,
            per_address: None,
            drain_on_signals: None,
            server: ServerCalls::default(),
            client: ClientCalls::default(),
            new_filter,
            new_client,
            limits: Limits::default(),
            share: None,
            states: States::new(),
            own_states: States::new(),
            kind: PhantomData,
        }
    }

    /// Listens here: an address and a port, a name and a port, a path (POE: `Address`, `Port`, `Hostname`,
    /// `Domain`). May be said several times, and each stands for itself: one that fails leaves the others.
    ///
    /// Default: a free port of all IPv4 interfaces. For both families, options and much more there is
    /// [`listener`](Self::listener).
    pub fn listen(self, endpoint: impl Into<Endpoint>) -> Self {
        self.listener(SocketFactory::listen(endpoint))
    }

    /// Listens as this factory is told to: with its queue, its options, on all its addresses or on none, with
    /// a mode of its path. May be said several times, as [`listen`](Self::listen). Its
    /// [listening event](SocketFactoryBuilder::listening_event) is the server's. One with a remote address, which
    /// would connect, is an [error](Self::error) of `listen` (`EINVAL`).
    ///
    /// ```
    /// use components::TcpServer;
    /// use wheels::SocketFactory;
    /// use wheels::filter::Line;
    ///
    /// let server = TcpServer::new(Line::new)
    ///     .listener(SocketFactory::listen_everywhere(7777).listen_queue(16))
    ///     .listener(SocketFactory::unix_listen("/run/quiz.sock").mode(0o600))
    ///     .client_input(|(), client, line| client.put(line));
    /// ```
    pub fn listener(mut self, listener: SocketFactoryBuilder) -> Self {
        self.sources.push(Source::Built(Box::new(listener)));
        self
    }

    /// Listens on sockets that listen already: inherited from systemd ([`reactor::inherited`]) or from a
    /// predecessor. See [`SocketFactoryBuilder::build_on`].
    pub fn listen_on(mut self, listeners: impl IntoIterator<Item = OwnedFd>) -> Self {
        self.sources.push(Source::Inherited(listeners.into_iter().collect()));
        self
    }

    /// A name for the session of the server, until it is shut down or listens nowhere (POE: `Alias`). If
    /// another session has it, that is logged and the server goes without. Default: none.
    pub fn alias(mut self, alias: impl Into<String>) -> Self {
        self.alias = Some(alias.into());
        self
    }

    /// How many connections there may be at a time (POE: `Concurrency`). More clients wait in the system's
    /// queue until one is disconnected; that its descriptor may [linger](Self::linger) then does not count.
    /// With 0 none is accepted until
    /// [`SET_CONCURRENCY`] says otherwise. Default: any number.
    pub const fn concurrency(mut self, connections: usize) -> Self {
        self.concurrency = Some(connections);
        self
    }

    /// Has INT and TERM end the server in order: the first [drains](Clients::drain) it within this time, the
    /// second stops the program at once, and so does the first if the server drains already. Default: it does
    /// not watch them, and the system ends the process unless somebody else in the program does.
    pub const fn drain_on_signals(mut self, within: Duration) -> Self {
        self.drain_on_signals = Some(within);
        self
    }

    /// Starts the server, with its state, in a kernel or as a child of the running session.
    pub fn spawn(mut self, to: &mut impl Spawn, state: S) -> SessionId {
        if self.sources.is_empty() {
            self = self.listener(SocketFactory::builder().reuse(true));
        }
        let plan = Plan {
            server: self.server,
            client: self.client,
            new_filter: self.new_filter,
            new_client: self.new_client,
            limits: self.limits,
            drain_on_signals: self.drain_on_signals,
            each: self.share.map(|share| Each { share, states: of_client(self.own_states) }),
        };
        let admission = Admission::new(self.concurrency, self.per_address);
        let door = Door::new(self.alias, admission, self.sources);
        let states = of_server(self.states);
        let hub = Hub::new(Role::Server(Box::new(door)));
        to.spawn_session(&states, Serving { user: state, hub, plan: Rc::new(plan) })
    }
}

impl<S, F: Filter, C, K> fmt::Debug for TcpServer<S, F, C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpServer").field("sources", &self.sources).finish_non_exhaustive()
    }
}

/// What the session of a server hears besides what the user wants.
fn of_server<S: 'static, F: Filter, C: 'static>(
    states: States<Serving<S, F, C>>,
) -> States<Serving<S, F, C>> {
    of_any(states)
        .try_on("_start", |serving: &mut Serving<S, F, C>, cx: &mut Context<'_>, ()| {
            serving.start(cx)
        })
        .try_on(&names::LISTENING, Serving::listening)
        .try_on(&names::GOT_LISTEN_ERROR, Serving::got_listen_error)
        .try_on(&names::GOT_CLIENT, Serving::got_client)
        .try_on(&names::GOT_SIGNAL, Serving::got_signal)
        .on(&names::TIME_IS_UP, |serving, cx, ()| serving.time_is_up(cx))
        .on(&DISCONNECTED, |serving, cx, ()| serving.disconnected(cx))
        .on(&SET_CONCURRENCY, Serving::set_concurrency)
        .on_child(Serving::got_child)
}

/// What the session of a connection hears.
fn of_client<S: 'static, F: Filter, C: 'static>(
    states: States<Serving<S, F, C>>,
) -> States<Serving<S, F, C>> {
    of_any(states).try_on("_start", |serving: &mut Serving<S, F, C>, cx: &mut Context<'_>, ()| {
        serving.start_client(cx)
    })
}

fn of_any<S: 'static, F: Filter, C: 'static>(
    states: States<Serving<S, F, C>>,
) -> States<Serving<S, F, C>> {
    states
        .try_on("_stop", |serving: &mut Serving<S, F, C>, cx: &mut Context<'_>, ()| {
            serving.stop(cx)
        })
        .try_on(names::GOT_INPUT, Serving::got_input)
        .try_on(&names::GOT_ERROR, Serving::got_error)
        .try_on(&names::GOT_FLUSH, Serving::got_flush)
        .try_on(&names::GOT_HIGH, Serving::got_high)
        .try_on(&names::GOT_LOW, Serving::got_low)
        .try_on(&names::SETTLE, |serving, cx, ()| serving.settle(cx))
        .try_on(&names::LOOK_AGAIN, |serving, cx, ()| serving.look_again(cx))
        .try_on(&SHUTDOWN, |serving, cx, ()| serving.shutdown(cx))
        .try_on(&DRAIN, Serving::drain)
}

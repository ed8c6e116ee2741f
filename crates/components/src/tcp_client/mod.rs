//! A client: one connection, made again when it breaks, and the callbacks that are told of it.
//!
//! [`TcpClient`] is what is said about it and [`Server`] what its callbacks are given. `callbacks.rs` has what
//! can be told, `lent.rs` lends the server to it, `settings.rs` what each connection is given, `reconnect.rs` when the next is made, `kept.rs`
//! what is put again on it; `put.rs` is where it is put, `link.rs` the connection's state and `session.rs` the
//! session around it.

mod callbacks;
mod events;
mod kept;
mod lent;
mod link;
mod put;
mod reconnect;
mod server;
mod session;
mod settings;

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use reactor::{Context, Event, SessionId, States};
use wheels::filter::Filter;
use wheels::{Endpoint, SocketFactoryBuilder};

use crate::Spawn;
use callbacks::Callbacks;
use link::Link;
use reconnect::Backoff;
pub use reconnect::Reconnect;
pub use server::Server;
use session::{OnError, Session};
use settings::Settings;

/// A client of one server at a time: a session that connects, and calls back
/// (POE: `POE::Component::Client::TCP`).
///
/// `S` is the state of its user, which the session owns and every callback is given; `F` is the filter, a new
/// one for each connection. What is told of is in [its callbacks](Self#what-is-told); what they can do is in
/// [`Server`]. Others reach the session by its id or its [alias](Self::alias), with
/// [events of its own](Self::on) and these: [`CONNECT`](crate::CONNECT), [`RECONNECT`](crate::RECONNECT),
/// [`SHUTDOWN`](crate::SHUTDOWN).
///
/// The session ends when there is no connection, none is to be made, and nothing else holds it. One that is
/// told to connect before that goes on.
///
/// A callback that panics, or gives an error back (see [`Outcome`](crate::Outcome)), is a failure of the session: see
/// [`OnException`](reactor::OnException). If it is called handled (`DIE`) the client goes on, with what the callback
/// asked for.
///
/// ```
/// use bytes::Bytes;
/// use components::{Server, TcpClient};
/// use reactor::Kernel;
/// use wheels::filter::Line;
///
/// #[derive(Default)]
/// struct Greeter { heard: Vec<Bytes> }
///
/// impl Greeter {
///     fn connected(&mut self, server: &mut Server<'_, Line>) {
///         server.put("hello");
///     }
///     fn line(&mut self, server: &mut Server<'_, Line>, line: Bytes) {
///         self.heard.push(line);
///         server.shutdown();
///     }
///     fn disconnected(&mut self, _: &mut Server<'_, Line>) {
///         assert_eq!(self.heard, ["hello"]);
///     }
/// }
///
/// # let (server, address) = echo()?;
/// let mut kernel = Kernel::new()?;
/// TcpClient::new(Line::new)
///     .connect(address)                           // or "example.org:echo"
///     .connected(Greeter::connected)
///     .server_input(Greeter::line)
///     .disconnected(Greeter::disconnected)
///     .spawn(&mut kernel, Greeter::default());
/// kernel.run()?;
/// # server.join().unwrap()?;
/// # fn echo() -> std::io::Result<(std::thread::JoinHandle<std::io::Result<u64>>, std::net::SocketAddr)> {
/// #     let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// #     let address = listener.local_addr()?;
/// #     let echo = move || listener.accept().and_then(|(peer, _)| std::io::copy(&mut &peer, &mut &peer));
/// #     Ok((std::thread::spawn(echo), address))
/// # }
/// # std::io::Result::Ok(())
/// ```
#[must_use = "a client does nothing until it is spawned"]
pub struct TcpClient<S, F: Filter> {
    link: Link<F>,
    callbacks: Callbacks<S, F>,
    states: States<Session<S, F>>,
    on_error: OnError,
}

impl<S: 'static, F: Filter> TcpClient<S, F> {
    /// A client whose connections are framed by filters that `filter` makes: `Line::new`, or a closure (POE:
    /// `Filter`). One filter for each direction is a [`Pair`](wheels::filter::Pair).
    pub fn new(filter: impl Fn() -> F + 'static) -> Self {
        Self {
            link: Link::new(Settings::new(filter)),
            callbacks: Callbacks::default(),
            states: States::new(),
            on_error: OnError::Close,
        }
    }

    /// Where to connect to (POE: `RemoteAddress`, `RemotePort`): an address or a host's name with a port, or a
    /// path. All addresses of a name are tried, see
    /// [`remote_address`](SocketFactoryBuilder::remote_address).
    ///
    /// A client that is not told waits for [`CONNECT`](crate::CONNECT), if something keeps it alive: its
    /// alias, or a timer.
    pub fn connect(mut self, endpoint: impl Into<Endpoint>) -> Self {
        self.link.set_remote(endpoint.into());
        self
    }

    /// How to connect, instead of [`connect`](Self::connect): a factory that has a remote address, and whatever
    /// else is wanted of its sockets: an address to bind them to, a family, options (POE: `BindAddress`,
    /// `BindPort`, `Domain`). A `connect` that is said after it gives it another remote address; without any it is a
    /// [`connect_error`](Self::connect_error) (`EINVAL`). A server that is gone without a word is noticed by
    /// [`dead_peer_timeout`](wheels::SocketOptions::dead_peer_timeout).
    pub fn factory(mut self, factory: SocketFactoryBuilder) -> Self {
        self.link.factory = Some(factory);
        self
    }

    /// The name of the session (POE: `Alias`). It has it from its start, while it waits to connect again too,
    /// until it is shut down or has nothing to do any more. If another session has it, the log says so.
    pub fn alias(mut self, name: impl Into<String>) -> Self {
        self.link.alias = Some(name.into());
        self
    }

    /// How long connecting may take, and looking the name up before that as long again (POE:
    /// `ConnectTimeout`, in whole seconds and up to one of them early). Then it is a `connect_error` of
    /// `connect` or `getaddrinfo`, `ETIMEDOUT`. Default: as of [`SocketFactory`](wheels::SocketFactory), 60 s and 30 s.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.link.connect_timeout = Some(time);
        self
    }

    /// Connects again by itself when a connection was not made, or is over and was not
    /// [shut down](Server::shutdown) from this side. Default: never; POE's never does.
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.link.backoff = Backoff::new(Some(reconnect));
        self
    }

    /// Keeps what is put until it is sent: what a connection leaves unsent is put again on the next, in order,
    /// and so is what is put meanwhile. Default: it is lost, and what is put without a connection is refused.
    ///
    /// Of each item there is a copy, until all is sent that was put. So an item comes *at least* once: when a
    /// connection breaks, all items since it had sent everything go once more, and the server may have had
    /// some of them. And *sent* is what the system has taken: a server that never read it has it not. Who
    /// needs more needs answers from the server.
    ///
    /// They are put when `connected` has returned, and what is put later comes after them. What is put in it, a
    /// login say, is for that connection and not kept.
    pub fn keep_unsent(mut self) -> Self
    where
        F::Out: Clone,
    {
        self.link.settings.tells_flushed = true;
        self.link.kept.keep_by(F::Out::clone);
        self
    }

    /// How many items are kept at most: more are [refused](wheels::Put::Refused), with a connection too, until
    /// it has sent what there is. Default: 1024.
    pub fn most_kept(mut self, items: usize) -> Self {
        self.link.kept.set_most(items);
        self
    }

    /// Handles an event of the session with the server at hand (POE: `InlineStates`), be it posted by others or
    /// by [`Server::delay`] and [`Server::yield_`]. The reply is for who calls it; an error is a reply like
    /// another. For a handler that may fail there is [`try_on`](Self::try_on).
    ///
    /// The events that the client has itself stay as they are.
    pub fn on<T, R>(
        self,
        event: impl Into<Event<T, R>>,
        handler: impl Fn(&mut S, &mut Server<'_, F>, T) -> R + 'static,
    ) -> Self
    where
        T: 'static,
        R: 'static,
    {
        self.try_on(event, move |user: &mut S, server: &mut Server<'_, F>, payload: T| {
            Ok::<R, Infallible>(handler(user, server, payload))
        })
    }

    /// As [`on`](Self::on), for a handler that may fail: an error is a failure of the session, as one of a
    /// callback is, and an `Ok` has the reply.
    pub fn try_on<T, R, E>(
        mut self,
        event: impl Into<Event<T, R>>,
        handler: impl Fn(&mut S, &mut Server<'_, F>, T) -> Result<R, E> + 'static,
    ) -> Self
    where
        T: 'static,
        R: 'static,
        E: Into<Box<dyn Error>>,
    {
        let call = move |session: &mut Session<S, F>, cx: &mut Context<'_>, payload: T| {
            session.with(cx, |user, server| handler(user, server, payload).map_err(Into::into))
        };
        self.states = self.states.try_on(event, call);
        self
    }

    /// See [`idle_timeout`](wheels::ReadWriteBuilder::idle_timeout). Default: none.
    pub fn idle_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.link.settings.limits.idle = time.into();
        self
    }

    /// See [`frame_timeout`](wheels::ReadWriteBuilder::frame_timeout). Default: none.
    pub fn frame_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.link.settings.limits.frame = time.into();
        self
    }

    /// See [`stall_timeout`](wheels::ReadWriteBuilder::stall_timeout). Default: 60 s.
    pub fn stall_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.link.settings.limits.stall = time.into();
        self
    }

    /// See [`lifetime`](wheels::ReadWriteBuilder::lifetime), of each connection. Default: none.
    pub fn lifetime(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.link.settings.limits.lifetime = time.into();
        self
    }

    /// See [`most_unsent`](wheels::ReadWriteBuilder::most_unsent). Default: 16 MiB.
    pub fn most_unsent(mut self, bytes: usize) -> Self {
        self.link.settings.limits.most_unsent = Some(bytes);
        self
    }

    /// How long a connection that is closed in order waits for the server, see
    /// [`linger`](wheels::ReadWriteBuilder::linger). Default: 30 s.
    pub fn linger(mut self, time: Duration) -> Self {
        self.link.settings.limits.linger = Some(time);
        self
    }

    /// Leaves a connection open that had an error, until [`Server::shutdown`] or any other end is asked for:
    /// what is put can still be sent to a server that sends no more. Default: it is closed.
    ///
    /// A connection whose input has ended does not keep the session. If nothing else does, a timer for one, the
    /// session ends without another word: `stopped` is told, and not `disconnected`.
    pub fn stay_on_error(mut self) -> Self {
        self.on_error = OnError::Stay;
        self
    }

    /// Starts the client's session, which calls `started` before this returns. From the [`Context`] of a
    /// handler it is a child of that session.
    pub fn spawn(self, on: &mut impl Spawn, state: S) -> SessionId {
        let Self { link, callbacks, states, on_error } = self;
        let session = Session { user: state, link, callbacks, on_error };
        on.spawn_session(&Session::handlers(states), session)
    }
}

impl<S, F: Filter> fmt::Debug for TcpClient<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpClient").field("link", &self.link).finish_non_exhaustive()
    }
}

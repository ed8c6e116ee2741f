//! The wheel that accepts on a listener which somebody else made.
//!
//! [`ListenAccept`] is a [`SocketFactory`] that was given one listening socket: it promises what that does of
//! accepting, by the same code. Opens nothing, and takes nothing out of the file system.

use std::os::fd::OwnedFd;

use reactor::{Context, EventName, WheelId};

use crate::address::Address;
use crate::failure::Failure;
use crate::options::SocketOptions;
use crate::socket_factory::{Established, SocketFactory, SocketFactoryBuilder};

/// Accepts connections on a listener that is there already, until it is dropped
/// (POE: `POE::Wheel::ListenAccept`).
///
/// The listener is a std [`TcpListener`](std::net::TcpListener) or
/// [`UnixListener`](std::os::unix::net::UnixListener), a [`Socket`](crate::Socket) that a factory
/// [gave away](SocketFactory::into_sockets), or any descriptor of a listening socket: an
/// [inherited](reactor::inherited) one, for example. The wheel owns it: it is closed when the wheel is
/// dropped, and a path that it is bound to stays where it is.
///
/// Each connection is an [`Established`] to the session that built the wheel, with the wheel's id. They are
/// accepted as a [`SocketFactory`] does it: 64 in a turn at most; one that failed before it was accepted
/// (`ECONNABORTED`) is passed over, where POE tells it; when descriptors or memory run out, waiting clients
/// are turned away, accepting rests, and one [`Failure`] in 5 s tells. A listener that can accept no more, one
/// that somebody has shut down for example, ends with a last failure of `accept`.
///
/// For several listeners in one wheel, and to hand them on, there is
/// [`SocketFactoryBuilder::build_on`].
///
/// A wheel keeps its session alive while it listens.
///
/// ```
/// use std::net::{TcpListener, TcpStream};
/// use reactor::{Context, Kernel, States};
/// use wheels::{Established, Failure, ListenAccept};
///
/// struct Server { listener: Option<TcpListener>, acceptor: Option<ListenAccept> }
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let client = TcpStream::connect(listener.local_addr()?)?;
///
/// let server = States::new()
///     .on_start(|server: &mut Server, cx: &mut Context<'_>, ()| {
///         let listener = server.listener.take().unwrap();
///         let acceptor = ListenAccept::builder(listener).build(cx, "client", "failed");
///         server.acceptor = Some(acceptor);
///     })
///     .on("client", |server: &mut Server, _: &mut Context<'_>, client: Established| {
///         println!("{} is there", client.peer);
///         // Nobody listens any more, and the session ends.
///         server.acceptor = None;
///     })
///     .on("failed", |_: &mut Server, _: &mut Context<'_>, failure: Failure| panic!("{failure}"));
/// let mut kernel = Kernel::new()?;
/// kernel.spawn(&server, Server { listener: Some(listener), acceptor: None });
/// kernel.run()?;
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct ListenAccept {
    factory: SocketFactory,
}

/// The parameters of a [`ListenAccept`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct ListenAcceptBuilder {
    listener: OwnedFd,
    factory: SocketFactoryBuilder,
}

impl ListenAccept {
    /// A wheel on `listener` (POE: `Handle`).
    pub fn builder(listener: impl Into<OwnedFd>) -> ListenAcceptBuilder {
        ListenAcceptBuilder { listener: listener.into(), factory: SocketFactory::builder() }
    }

    /// The wheel's id, as its events carry it.
    #[must_use]
    pub fn id(&self) -> WheelId {
        self.factory.id()
    }

    /// Where it listens. `None` if it has failed.
    #[must_use]
    pub fn local_addr(&self, cx: &mut Context<'_>) -> Option<Address> {
        self.factory.local_addr(cx)
    }

    /// Accepts no more until [`resume_accept`](Self::resume_accept). Clients wait in the system's queue, and
    /// the session stays alive.
    pub fn pause_accept(&self, cx: &mut Context<'_>) {
        self.factory.pause_accept(cx);
    }

    /// Accepts again, first those who waited.
    pub fn resume_accept(&self, cx: &mut Context<'_>) {
        self.factory.resume_accept(cx);
    }

    /// Tells [`Established`] by another event from now on (POE: `event`). A paused listener stays paused.
    pub fn set_accept_event(&self, cx: &mut Context<'_>, event: impl EventName<Established>) {
        self.factory.set_success_event(cx, event);
    }

    /// Tells [`Failure`] by another event from now on (POE: `event`). A paused listener stays paused.
    pub fn set_failure_event(&self, cx: &mut Context<'_>, event: impl EventName<Failure>) {
        self.factory.set_failure_event(cx, event);
    }
}

impl ListenAcceptBuilder {
    /// Options of the listener, and of what it accepts. Default: those of [`SocketOptions::new`]. One that such
    /// sockets do not have is a failure of `setsockopt`.
    pub fn options(mut self, options: SocketOptions) -> Self {
        self.factory = self.factory.options(options);
        self
    }

    /// Builds the wheel: `accept` is told each connection (POE: `AcceptEvent`), `failure` what goes wrong
    /// (POE: `ErrorEvent`).
    ///
    /// Always gives a wheel, and makes the listener non-blocking, in other processes that share it too. What
    /// is no listening socket is a failure of `listen`, `EINVAL` or `ENOTSOCK`, and is closed; it is told when
    /// the events posted so far are delivered, and not at all if the wheel is dropped before.
    #[must_use = "dropping the wheel closes the listener"]
    pub fn build(
        self,
        cx: &mut Context<'_>,
        accept: impl EventName<Established>,
        failure: impl EventName<Failure>,
    ) -> ListenAccept {
        let factory = self.factory.build_on(cx, [self.listener], accept, failure);
        ListenAccept { factory }
    }
}

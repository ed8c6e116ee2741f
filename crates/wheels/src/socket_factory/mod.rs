//! The wheel that makes sockets: it listens and accepts, it connects, or it hands a datagram socket over.
//!
//! [`SocketFactory`] is the handle and [`SocketFactoryBuilder`] its parameters. What becomes of them, file
//! by file: `place.rs` has what people write, `plan.rs` what they mean, `names.rs` has names looked up,
//! `open.rs` and `maker.rs` make the sockets, `listener.rs` accepts, `race.rs` connects, and `wheel.rs` is
//! what the kernel sees of it. Every failure, a bad parameter's too, is an event.

mod builder;
mod established;
mod listener;
mod maker;
mod names;
mod open;
mod place;
mod plan;
mod race;
mod wheel;

use std::io;
use std::os::fd::OwnedFd;

use reactor::{Context, EventName, Handle, WheelId};

use crate::address::{Address, UnixAddress};
use crate::failure::Failure;
use crate::family::SocketType;
use crate::socket::Socket;
pub use builder::SocketFactoryBuilder;
pub use established::{Established, Listening};
pub use place::{Endpoint, Host, Service};
use wheel::Factory;

/// A factory of sockets, held: it listens or connects until it is dropped
/// (POE: `POE::Wheel::SocketFactory`).
///
/// | with | it | and tells |
/// |---|---|---|
/// | a [remote address](SocketFactoryBuilder::remote_address) | connects | one [`Established`] or one [`Failure`], and its work is done |
/// | none, of streams or `SEQPACKET` | listens | an [`Established`] for each connection |
/// | none, of datagrams | hands its socket over | an [`Established`] for each socket, and its work is done |
///
/// A listener accepts what waits, 64 connections in a turn at most, of several sockets each in its turn. A
/// connection that failed before it was accepted is passed over. When descriptors or memory run out,
/// waiting clients are turned away with a close, accepting rests for 100 ms or until a wheel closes, and
/// one failure in 5 s tells; the listener stays. If 1,024 in a row have failed it is not they: accepting rests and a
/// failure tells then, too. A socket that can accept no more, because somebody has shut it down for example, is the
/// end of the factory: one last failure of `accept`.
///
/// Numeric addresses are used at once, so that [`local_addr`](Self::local_addr) is there when `build`
/// returns. Names of hosts, services and protocols are looked up by the system on another thread, while the
/// loop goes on. Dropping the factory abandons the lookup, the connections on their way, and the listeners.
///
/// A factory keeps its session alive while it listens, looks up or connects. See the
/// [crate's example](crate).
///
/// ```
/// use reactor::{Context, Kernel, States};
/// use wheels::{Established, Failure, Listening, SocketFactory};
///
/// #[derive(Default)]
/// struct Both { server: Option<SocketFactory>, client: Option<SocketFactory>, made: u32 }
///
/// let both = States::new()
///     .on_start(|both: &mut Both, cx: &mut Context<'_>, ()| {
///         let server = SocketFactory::listen("127.0.0.1:0").listening_event("listening");
///         both.server = Some(server.build(cx, "made", "failed"));
///     })
///     .on("listening", |both: &mut Both, cx: &mut Context<'_>, up: Listening| {
///         let client = SocketFactory::connect(up.local_addr);
///         both.client = Some(client.build(cx, "made", "failed"));
///     })
///     .on("made", |both: &mut Both, _: &mut Context<'_>, made: Established| {
///         both.made += 1;
///         if both.made == 2 {
///             // Nothing listens any more, and the session ends.
///             both.server = None;
///         }
///     })
///     .on("failed", |_: &mut Both, _: &mut Context<'_>, failure: Failure| panic!("{failure}"));
/// let mut kernel = Kernel::new()?;
/// kernel.spawn(&both, Both::default());
/// kernel.run()?;
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct SocketFactory {
    handle: Handle<Factory>,
}

impl SocketFactory {
    /// A factory with nothing set: built like this it listens on a free port of all IPv4 interfaces.
    pub fn builder() -> SocketFactoryBuilder {
        SocketFactoryBuilder::default()
    }

    /// A listener: [`bind_address`](SocketFactoryBuilder::bind_address) and
    /// [`bind_port`](SocketFactoryBuilder::bind_port) in one. Sets
    /// [`reuse`](SocketFactoryBuilder::reuse), as servers should.
    pub fn listen(endpoint: impl Into<Endpoint>) -> SocketFactoryBuilder {
        Self::builder().near(endpoint).reuse(true)
    }

    /// A listener on all interfaces, of IPv4 and IPv6, on one port: two sockets, so that clients keep the
    /// addresses of their family. Port 0 is one that is free in both. Where there is no IPv6 it is of
    /// IPv4 alone. Sets [`reuse`](SocketFactoryBuilder::reuse).
    pub fn listen_everywhere(port: impl Into<Service>) -> SocketFactoryBuilder {
        Self::builder().everywhere(port).reuse(true)
    }

    /// A listener on a path, or on an abstract name given as `@name`: see unix(7).
    ///
    /// A socket that a dead server left at the path is replaced. What is alive, cannot be known to be dead,
    /// or is no socket, stays as it is: `bind`, `EADDRINUSE`. See also [`mode`](SocketFactoryBuilder::mode)
    /// and [`unlink_on_close`](SocketFactoryBuilder::unlink_on_close).
    pub fn unix_listen(path: impl Into<UnixAddress>) -> SocketFactoryBuilder {
        Self::builder().near(path.into())
    }

    /// A connection: [`remote_address`](SocketFactoryBuilder::remote_address) and
    /// [`remote_port`](SocketFactoryBuilder::remote_port) in one.
    pub fn connect(endpoint: impl Into<Endpoint>) -> SocketFactoryBuilder {
        Self::builder().remote(endpoint)
    }

    /// A connection to a path, or to an abstract name given as `@name`: see unix(7).
    pub fn unix_connect(path: impl Into<UnixAddress>) -> SocketFactoryBuilder {
        Self::builder().remote(path.into())
    }

    /// A datagram socket that is bound here, for [`Datagram`](crate::Datagram). With a
    /// [remote address](SocketFactoryBuilder::remote_address) it is connected, too; a socket that is
    /// connected and bound nowhere is `connect(..).socket_type(SocketType::Dgram)`.
    pub fn datagram(endpoint: impl Into<Endpoint>) -> SocketFactoryBuilder {
        Self::builder().near(endpoint).socket_type(SocketType::Dgram)
    }

    /// The wheel's id, as its events carry it.
    #[must_use]
    pub fn id(&self) -> WheelId {
        self.handle.id()
    }

    /// Where it is bound, with the port that the system chose if none was given (POE: `getsockname`). Of
    /// several addresses the first.
    ///
    /// There right after `build`, if all went well and no name had to be looked up. `None` unless it
    /// really is bound, and when the socket was handed over: then the
    /// [socket](crate::Socket::local_addr) knows.
    #[must_use]
    pub fn local_addr(&self, cx: &mut Context<'_>) -> Option<Address> {
        self.local_addrs(cx).into_iter().next()
    }

    /// All addresses where it is bound, in the order in which they were given. Else as
    /// [`local_addr`](Self::local_addr).
    #[must_use]
    pub fn local_addrs(&self, cx: &mut Context<'_>) -> Vec<Address> {
        cx.wheel(&self.handle).map(|(factory, _)| factory.local_addrs()).unwrap_or_default()
    }

    /// Accepts no more until [`resume_accept`](Self::resume_accept) (POE: `pause_accept`). Clients wait in
    /// the system's queue and wake nobody, and the session stays alive. May be called while names are looked
    /// up. Nothing happens to a factory that does not listen.
    pub fn pause_accept(&self, cx: &mut Context<'_>) {
        if let Some((factory, _)) = cx.wheel(&self.handle) {
            factory.pause();
        }
    }

    /// Accepts again, first those who waited (POE: `resume_accept`).
    pub fn resume_accept(&self, cx: &mut Context<'_>) {
        if let Some((factory, mut io)) = cx.wheel(&self.handle) {
            factory.resume(&mut io);
        }
    }

    /// Tells [`Established`] by another event from now on (POE: `event`). A paused listener stays paused.
    pub fn set_success_event(&self, cx: &mut Context<'_>, event: impl EventName<Established>) {
        let symbol = cx.symbol_of(event);
        if let Some((factory, _)) = cx.wheel(&self.handle) {
            factory.targets.success = symbol;
        }
    }

    /// Tells [`Failure`] by another event from now on (POE: `event`). A paused listener stays paused.
    pub fn set_failure_event(&self, cx: &mut Context<'_>, event: impl EventName<Failure>) {
        let symbol = cx.symbol_of(event);
        if let Some((factory, _)) = cx.wheel(&self.handle) {
            factory.targets.failure = symbol;
        }
    }

    /// The listening sockets once more, to be inherited by a child or a successor while this factory goes
    /// on. Empty unless it listens.
    ///
    /// They share their queue of clients with the factory: each client goes to who accepts it first. A
    /// path goes with the factory unless [told otherwise](SocketFactoryBuilder::unlink_on_close).
    ///
    /// # Errors
    ///
    /// Too many descriptors are open.
    pub fn try_clone_fds(&self, cx: &mut Context<'_>) -> io::Result<Vec<OwnedFd>> {
        cx.wheel(&self.handle).map_or_else(|| Ok(Vec::new()), |(factory, _)| factory.clone_fds())
    }

    /// Ends the factory and gives its listening sockets away: no client in their queues is lost. Empty
    /// unless it listens. What is in the file system goes with the [`Socket`].
    ///
    /// A server is replaced without losing anybody by handing these very sockets to its successor, which
    /// [builds on](SocketFactoryBuilder::build_on) them: who connects meanwhile waits in their queue. (Two
    /// listeners of one port with `SO_REUSEPORT` have a queue each, and to close one resets the clients in it.)
    /// They go with a message over a UNIX socket; an [`OwnedFd`] leaves a path where it is.
    ///
    /// ```
    /// # use std::os::fd::OwnedFd;
    /// # use reactor::Context;
    /// # use wheels::{Datagram, Message, SocketFactory};
    /// // The successor has connected to a `SEQPACKET` socket of ours. When all is sent, we may end.
    /// fn hand_over(cx: &mut Context<'_>, listener: SocketFactory, successor: &Datagram) {
    ///     let sockets = listener.into_sockets(cx);
    ///     successor.send_fds(cx, "listeners", sockets.into_iter().map(OwnedFd::from));
    /// }
    ///
    /// // The successor's wheel was built with `receive_fds`.
    /// fn got_listeners(cx: &mut Context<'_>, message: Message) -> SocketFactory {
    ///     SocketFactory::builder().build_on(cx, message.fds, "got_client", "got_failure")
    /// }
    /// ```
    #[must_use = "dropping the sockets closes them"]
    pub fn into_sockets(self, cx: &mut Context<'_>) -> Vec<Socket> {
        let taken = cx.wheel(&self.handle).map(|(factory, mut io)| factory.take_sockets(&mut io));
        taken.unwrap_or_default()
    }
}

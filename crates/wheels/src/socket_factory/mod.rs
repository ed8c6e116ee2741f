//! The wheel that makes sockets: it listens and accepts, or it connects.
//!
//! [`SocketFactory`] is the handle and [`SocketFactoryBuilder`] its parameters. `wheel.rs` has the
//! states; `listener.rs` accepts, `connector.rs` connects. Every failure, a bad parameter's too, is an
//! event. Names are not resolved yet: addresses are numeric.

mod connector;
mod host;
mod listener;
mod wheel;

use reactor::{Context, EventName, Handle, WheelId};

use crate::address::Address;
use crate::failure::Failure;
use crate::socket::Socket;
pub use host::Host;
use wheel::Factory;

/// A factory of sockets, held: it listens or connects until it is dropped
/// (POE: `POE::Wheel::SocketFactory`).
///
/// With a [remote address](SocketFactoryBuilder::remote_address) it connects: one [`Established`] or one
/// [`Failure`], and its work is done. Without, it listens: an [`Established`] for each connection.
///
/// A listener accepts what waits, 64 connections in a turn at most. A connection that failed before it
/// was accepted is passed over. When descriptors or memory run out, waiting clients are turned away with
/// a close, accepting rests for 100 ms or until a wheel closes, and one failure in 5 s tells; the
/// listener stays. TCP connections have Nagle's delay off.
///
/// A factory keeps its session alive while it listens or connects. See the [crate's example](crate).
#[derive(Debug)]
pub struct SocketFactory {
    handle: Handle<Factory>,
}

/// A connection was made, or accepted (POE: the arguments of `SuccessEvent`).
#[derive(Debug)]
pub struct Established {
    /// The connected socket, non-blocking.
    pub socket: Socket,
    /// The address at the other end.
    pub peer: Address,
    /// The factory that made it.
    pub wheel: WheelId,
}

impl SocketFactory {
    /// A factory with nothing set: built like this it listens on a free port of all IPv4 interfaces.
    #[must_use]
    pub const fn builder() -> SocketFactoryBuilder {
        SocketFactoryBuilder {
            bind_address: None,
            bind_port: None,
            remote_address: None,
            remote_port: None,
            reuse: false,
            listen_queue: SYSTEM_LIMIT,
        }
    }

    /// The wheel's id, as its events carry it.
    #[must_use]
    pub const fn id(&self) -> WheelId {
        self.handle.id()
    }

    /// The address it listens on, with the port that the system chose if none was given
    /// (POE: `getsockname`). `None` unless it listens: there right after `build`, if all went well.
    #[must_use]
    pub fn local_addr(&self, cx: &mut Context<'_>) -> Option<Address> {
        cx.wheel(&self.handle).and_then(|(factory, _)| factory.local_addr())
    }

    /// Accepts no more until [`resume_accept`](Self::resume_accept). Clients wait in the system's queue,
    /// and the session stays alive. Nothing happens unless it listens.
    pub fn pause_accept(&self, cx: &mut Context<'_>) {
        if let Some((factory, _)) = cx.wheel(&self.handle) {
            factory.pause();
        }
    }

    /// Accepts again, first those who waited.
    pub fn resume_accept(&self, cx: &mut Context<'_>) {
        if let Some((factory, mut io)) = cx.wheel(&self.handle) {
            factory.resume(&mut io);
        }
    }
}

/// The parameters of a [`SocketFactory`], under POE's names.
#[derive(Clone, Debug)]
pub struct SocketFactoryBuilder {
    bind_address: Option<Host>,
    bind_port: Option<u16>,
    remote_address: Option<Host>,
    remote_port: Option<u16>,
    reuse: bool,
    listen_queue: i32,
}

impl SocketFactoryBuilder {
    /// The local address: of a listener, or of a connection's near end. Default: any.
    #[must_use]
    pub fn bind_address(mut self, address: impl Into<Host>) -> Self {
        self.bind_address = Some(address.into());
        self
    }

    /// The local port. Default: 0, one that the system chooses.
    #[must_use]
    pub const fn bind_port(mut self, port: u16) -> Self {
        self.bind_port = Some(port);
        self
    }

    /// Where to connect. Without it the factory listens.
    #[must_use]
    pub fn remote_address(mut self, address: impl Into<Host>) -> Self {
        self.remote_address = Some(address.into());
        self
    }

    /// The port to connect to. Goes with [`remote_address`](Self::remote_address).
    #[must_use]
    pub const fn remote_port(mut self, port: u16) -> Self {
        self.remote_port = Some(port);
        self
    }

    /// Sets `SO_REUSEADDR` before binding, so that a server can start again while connections of its last
    /// life linger. Default: off.
    #[must_use]
    #[expect(clippy::fn_params_excessive_bools, reason = "POE's parameter, which is a yes or a no")]
    pub const fn reuse(mut self, reuse: bool) -> Self {
        self.reuse = reuse;
        self
    }

    /// How many connections may wait to be accepted. Default, and the most: what the system allows
    /// (`net.core.somaxconn`, 4096 as a rule); it cuts larger values itself. 0 means the default, as in POE.
    #[must_use]
    pub fn listen_queue(mut self, connections: u32) -> Self {
        self.listen_queue = match i32::try_from(connections) {
            Ok(0) | Err(_) => SYSTEM_LIMIT,
            Ok(connections) => connections,
        };
        self
    }

    /// Builds the factory and sets to work.
    ///
    /// Always gives a wheel. What goes wrong here is told to `failure` when the events posted so far are
    /// delivered; nothing of it is delivered if the factory is dropped before.
    #[must_use = "dropping the factory closes it"]
    pub fn build(
        self,
        cx: &mut Context<'_>,
        success: impl EventName<Established>,
        failure: impl EventName<Failure>,
    ) -> SocketFactory {
        let targets =
            wheel::Targets { success: cx.symbol_of(success), failure: cx.symbol_of(failure) };
        SocketFactory { handle: cx.add_wheel(|io| Factory::open(&self, targets, io)) }
    }
}

/// listen(2) cuts the backlog to the system's limit; a negative one is the limit itself.
const SYSTEM_LIMIT: i32 = -1;

//! The parameters of a factory.

use std::borrow::Cow;
use std::os::fd::OwnedFd;
use std::time::Duration;

use reactor::{Context, EventName};

use super::place::{Endpoint, Host, Service};
use super::wheel::{Factory, Targets};
use super::{Established, Listening, SocketFactory};
use crate::failure::Failure;
use crate::family::{Domain, SocketType};
use crate::options::SocketOptions;
use crate::resolve::Protocol;
use crate::unix_path::PathOptions;

/// The parameters of a [`SocketFactory`], under POE's names.
///
/// None is checked before the factory is built: what is wrong with them is a [`Failure`] event.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it builds"]
pub struct SocketFactoryBuilder {
    pub(super) domain: Option<Domain>,
    pub(super) kind: Option<SocketType>,
    pub(super) protocol: Option<Protocol>,
    pub(super) bind: Place,
    pub(super) also: Vec<Place>,
    pub(super) everywhere: bool,
    pub(super) remote: Place,
    pub(super) listen_queue: Option<u32>,
    pub(super) settings: Settings,
    listening: Option<Cow<'static, str>>,
}

/// An address and a port, given one by one.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) host: Option<Host>,
    pub(super) service: Option<Service>,
    pub(super) fault: Option<String>,
}

/// What each socket is given, and how long things may take.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "two options of sockets, each by itself")]
pub(super) struct Settings {
    pub(super) reuse: bool,
    pub(super) only_v6: bool,
    pub(super) options: SocketOptions,
    pub(super) path: PathOptions,
    pub(super) resolve_timeout: Duration,
    pub(super) connect_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            reuse: false,
            only_v6: true,
            options: SocketOptions::default(),
            path: PathOptions::default(),
            resolve_timeout: RESOLVE_TIMEOUT,
            connect_timeout: CONNECT_TIMEOUT,
        }
    }
}

impl SocketFactoryBuilder {
    /// Whether it is for both families, as it was to be. An address or a family says otherwise.
    pub(super) const fn is_everywhere(&self) -> bool {
        self.everywhere && self.domain.is_none() && self.bind.host.is_none()
    }

    pub(super) fn near(mut self, endpoint: impl Into<Endpoint>) -> Self {
        self.bind = endpoint.into().into();
        self
    }

    pub(super) fn everywhere(mut self, port: impl Into<Service>) -> Self {
        self.everywhere = true;
        self.bind_port(port)
    }

    /// The family (POE: `SocketDomain`). Default: what the addresses are of; IPv4 if there is none, and
    /// both families for a name.
    pub const fn socket_domain(mut self, domain: Domain) -> Self {
        self.domain = Some(domain);
        self
    }

    /// The type (POE: `SocketType`). Default: the protocol's, a stream if none is given. It chooses the
    /// protocol, too: datagrams go by UDP.
    pub const fn socket_type(mut self, kind: SocketType) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The protocol, by its name or number in the system's database, protocols(5) (POE:
    /// `SocketProtocol`). Default: the type's own, TCP for a stream and UDP for datagrams.
    pub fn socket_protocol(mut self, protocol: impl Into<Protocol>) -> Self {
        self.protocol = Some(protocol.into());
        self
    }

    /// The local address: of a listener, or of a connection's near end (POE: `BindAddress`). Default: any.
    ///
    /// A name that has several addresses is bound to the first of them that can be.
    pub fn bind_address(mut self, address: impl Into<Host>) -> Self {
        self.bind.host = Some(address.into());
        self
    }

    /// The local port (POE: `BindPort`). Default: 0, one that the system chooses.
    ///
    /// Connections that are tried side by side, to several addresses, share it by `SO_REUSEADDR`.
    pub fn bind_port(mut self, port: impl Into<Service>) -> Self {
        self.bind.service = Some(port.into());
        self
    }

    /// Listens here too, or binds another datagram socket. All of them are opened, or the factory fails
    /// and none is. With a remote address it is a failure of `bind`: a connection has one near end. Every one is told by [`listening_event`](Self::listening_event), and
    /// [`Socket::local_addr`](crate::Socket::local_addr) of a connection says where it came in.
    pub fn also(mut self, endpoint: impl Into<Endpoint>) -> Self {
        self.also.push(Place::from(endpoint.into()));
        self
    }

    /// Where to connect (POE: `RemoteAddress`). Without it the factory listens, or hands a datagram socket
    /// over.
    ///
    /// All addresses of a name are tried (RFC 8305): the families take turns, the next is begun when the
    /// last has failed or is 250 ms old, and the first that is made wins.
    pub fn remote_address(mut self, address: impl Into<Host>) -> Self {
        self.remote.host = Some(address.into());
        self
    }

    /// The port to connect to (POE: `RemotePort`). Goes with [`remote_address`](Self::remote_address):
    /// one without the other is a failure of `connect`, but a path has no port.
    pub fn remote_port(mut self, port: impl Into<Service>) -> Self {
        self.remote.service = Some(port.into());
        self
    }

    /// Where to connect, host and port in one word, or a path: as
    /// [`SocketFactory::connect`](super::SocketFactory::connect), of a builder that is there.
    pub fn remote(mut self, endpoint: impl Into<Endpoint>) -> Self {
        self.remote = endpoint.into().into();
        self
    }

    /// Whether it is to connect: some remote place was given, or a part of one. Else it is to listen, or to hand
    /// a datagram socket over.
    #[must_use]
    pub const fn connects(&self) -> bool {
        !self.remote.is_empty()
    }

    /// Sets `SO_REUSEADDR` before binding, so that a server can start again while connections of its last
    /// life linger (POE: `Reuse`). Default: off.
    ///
    /// Of datagram sockets it is not set, whatever is asked for: on Linux it would let another program
    /// bind the same port and get all that comes. To share a port on purpose, as receivers of multicast
    /// do, there is [`SocketOptions::reuse_port`].
    #[expect(clippy::fn_params_excessive_bools, reason = "POE's parameter, which is a yes or a no")]
    pub const fn reuse(mut self, reuse: bool) -> Self {
        self.settings.reuse = reuse;
        self
    }

    /// How many connections may wait to be accepted (POE: `ListenQueue`). Default, and the most: what the
    /// system allows (`net.core.somaxconn`, 4096 as a rule); it cuts larger values itself. 0 means the
    /// default, as in POE. For what does not listen it is a failure of `listen`.
    pub const fn listen_queue(mut self, connections: u32) -> Self {
        self.listen_queue = Some(connections);
        self
    }

    /// Whether an IPv6 socket leaves IPv4 alone (`IPV6_V6ONLY`). Default: true, whatever the system's
    /// setting; with false, a listener on `::` accepts IPv4 too, and nobody else can listen on the same
    /// port of `0.0.0.0`. See also [`SocketFactory::listen_everywhere`].
    #[expect(clippy::fn_params_excessive_bools, reason = "the name says which")]
    pub const fn only_v6(mut self, only: bool) -> Self {
        self.settings.only_v6 = only;
        self
    }

    /// Options of the sockets that are made, and of those that are accepted.
    pub fn options(mut self, options: SocketOptions) -> Self {
        self.settings.options = options;
        self
    }

    /// The mode of the socket in the file system, `0o600` for one that only its owner may connect to. It
    /// has exactly these rights, whatever the umask, and never more, not for a moment. More than `0o777` is a
    /// failure of `bind` (`EINVAL`). Default: `0o777` less what the umask takes away.
    pub const fn mode(mut self, mode: u32) -> Self {
        self.settings.path.mode = Some(mode);
        self
    }

    /// Whether the path that a listener is bound to goes when the listener does. Default: true. A path
    /// that has become another's since stays in any case.
    #[expect(clippy::fn_params_excessive_bools, reason = "the name says which")]
    pub const fn unlink_on_close(mut self, unlink: bool) -> Self {
        self.settings.path.unlink_on_close = unlink;
        self
    }

    /// How long all of connecting may take, all addresses of the name together, counted from when they
    /// are known. Then it has failed: `connect`, `ETIMEDOUT`, or `EAGAIN` for a UNIX listener whose queue
    /// was full all the time. Default: 60 s. A time that no clock reaches, [`Duration::MAX`], is none.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// How long looking up names may take. Then it has failed: `getaddrinfo`, `ETIMEDOUT`. Default: 30 s.
    ///
    /// Names are looked up on the kernel's [`workers`](reactor::KernelBuilder::workers), four unless it is
    /// told otherwise; factories that ask for the same name at the same time ask once. What the system is
    /// stuck in keeps its worker until the system gives up, whether or not anybody still waits: when all
    /// are stuck, other lookups and jobs wait too. More than 1,024 of them are a failure of `getaddrinfo`
    /// with `EAI_AGAIN`.
    pub const fn resolve_timeout(mut self, timeout: Duration) -> Self {
        self.settings.resolve_timeout = timeout;
        self
    }

    /// Told when a listener is up, once for each address, before any connection. Default: not told.
    pub fn listening_event(mut self, event: impl EventName<Listening>) -> Self {
        self.listening = Some(event.into_name());
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
        let targets = self.targets(cx, success, failure);
        let handle = cx.add_wheel(|io| Factory::open(self, targets, io));
        SocketFactory { handle }
    }

    /// As [`build`](Self::build), on sockets that listen already: inherited from systemd
    /// ([`reactor::inherited`]) or from a predecessor. Their paths are never unlinked. For a single one there is
    /// [`ListenAccept`](crate::ListenAccept).
    ///
    /// What is no listening socket is a failure of `listen`, and no socket at all is one, too; all are closed
    /// then. Of the other parameters only the [options](Self::options) and the
    /// [listening event](Self::listening_event) matter.
    #[must_use = "dropping the factory closes it"]
    pub fn build_on(
        self,
        cx: &mut Context<'_>,
        listeners: impl IntoIterator<Item = OwnedFd>,
        success: impl EventName<Established>,
        failure: impl EventName<Failure>,
    ) -> SocketFactory {
        let targets = self.targets(cx, success, failure);
        let listeners = listeners.into_iter().collect();
        let handle = cx.add_wheel(|io| Factory::adopt(listeners, self.settings, targets, io));
        SocketFactory { handle }
    }

    fn targets(
        &self,
        cx: &mut Context<'_>,
        success: impl EventName<Established>,
        failure: impl EventName<Failure>,
    ) -> Targets {
        Targets {
            success: cx.symbol_of(success),
            failure: cx.symbol_of(failure),
            listening: self.listening.clone().map(|name| cx.symbol(name)),
        }
    }
}

impl Place {
    pub(super) const fn is_empty(&self) -> bool {
        self.host.is_none() && self.service.is_none() && self.fault.is_none()
    }
}

impl From<Endpoint> for Place {
    fn from(endpoint: Endpoint) -> Self {
        let Endpoint { host, service, fault } = endpoint;
        Self { host, service, fault }
    }
}

/// glibc asks each server twice for 5 s, and there are three at most.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(30);

/// Less than the two minutes that Linux tries by itself.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

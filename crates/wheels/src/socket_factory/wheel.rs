//! The factory as the kernel keeps it: which state it is in, and the steps that lead there.
//!
//! Owns the socket until it is handed over. Promises one event for a connect, and for a listener one for
//! each connection; a failure while it is built waits for its turn in the queue.

use std::borrow::Cow;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;

use reactor::{Bound, Deliver, Io, Kernel, Readiness, Symbol, Wheel};

use super::connector::{Connector, Step};
use super::listener::{Accepted, Listener};
use super::{Established, Host, SocketFactoryBuilder};
use crate::address::Address;
use crate::failure::{Failure, Operation};
use crate::family::{Domain, SocketType};
use crate::sys::{self, errno};

#[derive(Debug)]
pub(crate) struct Factory {
    targets: Targets,
    state: State,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Targets {
    pub(super) success: Symbol,
    pub(super) failure: Symbol,
}

/// ```text
/// open --bind, listen--> Listening --fatal--> Finished
/// open --connect-------> Connecting --made or failed--> Finished
/// open --any failure---> Failed --told--> Finished
/// ```
#[derive(Debug)]
enum State {
    Listening(Listener),
    Connecting(Connector),
    /// Building failed; this is to be told.
    Failed(Failure),
    Finished,
}

/// What a factory tells.
#[derive(Debug)]
pub(crate) enum Told {
    Established(Bound<Established>, Established),
    Failed(Bound<Failure>, Failure),
}

impl Factory {
    pub(super) fn open(builder: &SocketFactoryBuilder, targets: Targets, io: &mut Io<'_>) -> Self {
        let state = State::open(builder, io).unwrap_or_else(|failure| {
            // Asked when the queue comes to it, as POE's constructor posts its failures.
            io.queue();
            State::Failed(failure)
        });
        if !matches!(state, State::Listening(_) | State::Connecting(_)) {
            io.release_session();
        }
        Self { targets, state }
    }

    pub(super) fn local_addr(&self) -> Option<Address> {
        match &self.state {
            State::Listening(listener) => Some(listener.local_addr()),
            State::Connecting(_) | State::Failed(_) | State::Finished => None,
        }
    }

    pub(super) fn pause(&mut self) {
        if let State::Listening(listener) = &mut self.state {
            listener.pause();
        }
    }

    pub(super) fn resume(&mut self, io: &mut Io<'_>) {
        if let State::Listening(listener) = &mut self.state {
            listener.resume(io);
        }
    }

    fn finish(&mut self, io: &mut Io<'_>) -> State {
        io.unwatch();
        io.release_session();
        std::mem::replace(&mut self.state, State::Finished)
    }

    fn success(&self, io: &Io<'_>, established: Established) -> Told {
        Told::Established(Bound::new(io.session(), self.targets.success), established)
    }

    fn failure(&self, io: &Io<'_>, failure: Failure) -> Told {
        Told::Failed(Bound::new(io.session(), self.targets.failure), failure)
    }

    fn next_connection(&mut self, io: &mut Io<'_>) -> Option<Told> {
        let State::Listening(listener) = &mut self.state else { return None };
        match listener.accept(io)? {
            Accepted::Connection(established) => Some(self.success(io, established)),
            Accepted::Trouble(failure) => Some(self.failure(io, failure)),
            Accepted::Fatal(failure) => {
                self.finish(io);
                Some(self.failure(io, failure))
            }
        }
    }

    fn next_step(&mut self, io: &mut Io<'_>) -> Option<Told> {
        let State::Connecting(connector) = &mut self.state else { return None };
        let step = connector.step(io.id())?;
        let State::Connecting(connector) = self.finish(io) else { return None };
        Some(match step {
            Step::Made(peer) => {
                let wheel = io.id();
                self.success(io, Established { socket: connector.into_socket(), peer, wheel })
            }
            Step::Failed(failure) => self.failure(io, failure),
        })
    }
}

impl Wheel for Factory {
    type Event = Told;

    fn ready(&mut self, readiness: Readiness) {
        match &mut self.state {
            State::Listening(listener) => listener.ready(),
            State::Connecting(connector) => connector.ready(readiness),
            State::Failed(_) | State::Finished => {}
        }
    }

    fn next(&mut self, io: &mut Io<'_>) -> Option<Told> {
        match &self.state {
            State::Listening(_) => self.next_connection(io),
            State::Connecting(_) => self.next_step(io),
            State::Failed(_) => {
                let State::Failed(failure) = self.finish(io) else { return None };
                Some(self.failure(io, failure))
            }
            State::Finished => None,
        }
    }
}

impl Deliver for Told {
    #[inline]
    fn deliver(self, kernel: &mut Kernel) {
        match self {
            Self::Established(bound, established) => (bound, established).deliver(kernel),
            Self::Failed(bound, failure) => (bound, failure).deliver(kernel),
        }
    }
}

impl State {
    /// POE's order of steps: the first that fails ends it.
    fn open(builder: &SocketFactoryBuilder, io: &mut Io<'_>) -> Result<Self, Failure> {
        let remote = remote_address(builder, io)?;
        let local = local_address(builder, remote, io)?;
        let domain = match remote.or(local).unwrap_or(ANY_IPV4) {
            SocketAddr::V4(_) => Domain::Inet,
            SocketAddr::V6(_) => Domain::Inet6,
        };
        let failed = |operation| {
            let wheel = io.id();
            move |error: io::Error| Failure::new(operation, &error, wheel)
        };
        let socket =
            sys::socket(domain, SocketType::Stream, None).map_err(failed(Operation::Socket))?;
        if builder.reuse {
            sys::set_reuse_address(&socket).map_err(failed(Operation::SetSockOpt))?;
        }
        sys::set_nodelay(&socket).map_err(failed(Operation::SetSockOpt))?;
        if let Some(local) = local {
            sys::bind(&socket, &local.into()).map_err(failed(Operation::Bind))?;
        }
        match remote {
            Some(remote) => Self::connect(socket, remote, io),
            None => Self::listen(socket, builder.listen_queue, io),
        }
    }

    fn listen(socket: OwnedFd, backlog: i32, io: &mut Io<'_>) -> Result<Self, Failure> {
        let wheel = io.id();
        let failed = |operation| move |error: io::Error| Failure::new(operation, &error, wheel);
        sys::listen(&socket, backlog).map_err(failed(Operation::Listen))?;
        let local = sys::local_addr(&socket).map_err(failed(Operation::Listen))?;
        io.watch(&socket).map_err(failed(Operation::Watch))?;
        Ok(Self::Listening(Listener::new(socket, local)))
    }

    fn connect(socket: OwnedFd, remote: SocketAddr, io: &mut Io<'_>) -> Result<Self, Failure> {
        let wheel = io.id();
        // Made at once or not, the system says when the socket is writable.
        match sys::connect(&socket, &remote.into()) {
            Err(error) if error.raw_os_error() != Some(errno::INPROGRESS) => {
                return Err(Failure::new(Operation::Connect, &error, wheel));
            }
            Ok(()) | Err(_) => {}
        }
        io.watch(&socket).map_err(|error| Failure::new(Operation::Watch, &error, wheel))?;
        Ok(Self::Connecting(Connector::new(socket)))
    }
}

fn remote_address(
    builder: &SocketFactoryBuilder,
    io: &Io<'_>,
) -> Result<Option<SocketAddr>, Failure> {
    let missing = |what| {
        let text = Cow::Borrowed(what);
        Err(Failure::told(Operation::Connect, errno::INVAL, text, io.id()))
    };
    match (&builder.remote_address, builder.remote_port) {
        (None, None) => Ok(None),
        (Some(_), None) => missing("a remote address without a remote port"),
        (None, Some(_)) => missing("a remote port without a remote address"),
        (Some(host), Some(port)) => Ok(Some(SocketAddr::new(resolve(host, io)?, port))),
    }
}

/// Where to bind, if anywhere: a listener always, a connection only if it was asked for.
fn local_address(
    builder: &SocketFactoryBuilder,
    remote: Option<SocketAddr>,
    io: &Io<'_>,
) -> Result<Option<SocketAddr>, Failure> {
    if builder.bind_address.is_none() && builder.bind_port.is_none() && remote.is_some() {
        return Ok(None);
    }
    let ip = match &builder.bind_address {
        Some(host) => resolve(host, io)?,
        None if remote.is_some_and(|remote| remote.is_ipv6()) => Ipv6Addr::UNSPECIFIED.into(),
        None => Ipv4Addr::UNSPECIFIED.into(),
    };
    Ok(Some(SocketAddr::new(ip, builder.bind_port.unwrap_or(0))))
}

fn resolve(host: &Host, io: &Io<'_>) -> Result<IpAddr, Failure> {
    host.resolve().ok_or_else(|| {
        let text = format!("not a numeric address: {host}");
        Failure::told(Operation::GetAddrInfo, errno::ADDRNOTAVAIL, text.into(), io.id())
    })
}

const ANY_IPV4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

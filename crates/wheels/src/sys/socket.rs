//! Sockets: socket(2), bind(2), listen(2), accept(2), connect(2), recv(2), send(2) and their like.

use std::io::{self, IoSlice, IoSliceMut};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::sys::socket::sockopt::PeerCredentials;
use rustix::net::{
    self, AddressFamily, Protocol, RecvAncillaryBuffer, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendFlags, Shutdown, SocketFlags, sockopt,
};
use socket2::SockRef;

use super::{errno, may_be_short, may_fail, simulated};
use crate::address::Address;
use crate::family::{Domain, SocketType};
#[cfg(feature = "simulation")]
use crate::simulation::{self, Setting};

/// A socket, non-blocking and closed on exec from the first. Without a protocol it is the type's own.
pub(crate) fn socket(
    domain: Domain,
    kind: SocketType,
    protocol: Option<i32>,
) -> io::Result<OwnedFd> {
    may_fail!(Socket);
    #[cfg(feature = "simulation")]
    if let (Domain::Inet | Domain::Inet6, Some(sockets)) = (domain, simulation::current()) {
        return sockets.socket(domain, kind);
    }
    let protocol = match protocol.map(u32::try_from) {
        Some(Err(_)) => return Err(io::Error::from_raw_os_error(errno::INVAL)),
        Some(Ok(number)) => NonZeroU32::new(number).map(Protocol::from_raw),
        None => None,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(net::socket_with(domain.to_system(), kind.to_system(), flags, protocol)?)
}

/// The type of a socket, if it is one (`SO_TYPE`).
pub(crate) fn socket_type(socket: impl AsFd) -> io::Result<SocketType> {
    may_fail!(GetSockOpt);
    let kind = sockopt::socket_type(socket)?;
    SocketType::from_system(kind).ok_or_else(|| io::Error::from_raw_os_error(errno::SOCKTNOSUPPORT))
}

/// Whether it is a socket of the UNIX family (`SO_DOMAIN`). A simulated one is not.
pub(crate) fn is_unix(socket: impl AsFd) -> bool {
    simulated!(socket, |_, _| false);
    sockopt::socket_domain(socket).is_ok_and(|domain| domain == AddressFamily::UNIX)
}

/// What a socket is that somebody else made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Described {
    pub(crate) domain: Domain,
    pub(crate) kind: SocketType,
    pub(crate) protocol: i32,
    pub(crate) listens: bool,
}

/// Of which kind it is, and whether it listens (`SO_DOMAIN`, `SO_TYPE`, `SO_PROTOCOL`, `SO_ACCEPTCONN`).
pub(crate) fn describe(socket: impl AsFd) -> io::Result<Described> {
    may_fail!(GetSockOpt);
    let domain = Domain::from_system(sockopt::socket_domain(&socket)?)
        .ok_or_else(|| io::Error::from_raw_os_error(errno::AFNOSUPPORT))?;
    let listens = sockopt::socket_acceptconn(&socket)?;
    let protocol = SockRef::from(&socket).protocol()?.map_or(0, Into::into);
    Ok(Described { domain, kind: socket_type(socket)?, protocol, listens })
}

pub(crate) fn set_nonblocking(socket: impl AsFd) -> io::Result<()> {
    may_fail!(Flags);
    SockRef::from(&socket).set_nonblocking(true)
}

pub(crate) fn set_reuse_address(socket: impl AsFd) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |_, _| Ok(()));
    SockRef::from(&socket).set_reuse_address(true)
}

/// Keeps an IPv6 socket to IPv6, or lets it have IPv4 too.
#[expect(clippy::fn_params_excessive_bools, reason = "the option's value")]
pub(crate) fn set_only_v6(socket: impl AsFd, only: bool) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |sockets, fd| sockets.set(fd, Setting::OnlyV6(only)));
    SockRef::from(&socket).set_only_v6(only)
}

/// Sends small writes at once. Connections that a listener accepts inherit it from the listener.
pub(crate) fn set_nodelay(socket: impl AsFd) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |_, _| Ok(()));
    SockRef::from(&socket).set_tcp_nodelay(true)
}

/// Closing a connection is to break it: nothing of it is remembered, and its port is free at once.
pub(crate) fn reset_on_close(socket: impl AsFd) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |sockets, fd| sockets.set(fd, Setting::ResetOnClose));
    SockRef::from(&socket).set_linger(Some(Duration::ZERO))
}

pub(crate) fn bind(socket: impl AsFd, addr: &Address) -> io::Result<()> {
    may_fail!(Bind);
    simulated!(socket, |sockets, fd| sockets.bind(fd, addr));
    SockRef::from(&socket).bind(&addr.to_system()?)
}

pub(crate) fn listen(socket: impl AsFd, backlog: i32) -> io::Result<()> {
    may_fail!(Listen);
    simulated!(socket, |sockets, fd| sockets.listen(fd, backlog));
    SockRef::from(&socket).listen(backlog)
}

/// The next connection and its peer, non-blocking and closed on exec from the first. The address is what
/// accept4(2) itself says: a peer that is gone already has one too.
#[inline]
pub(crate) fn accept(listener: impl AsFd) -> io::Result<(OwnedFd, Address)> {
    may_fail!(Accept);
    simulated!(listener, |sockets, fd| sockets.accept(fd));
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (socket, addr) = SockRef::from(&listener).accept4(flags.bits().cast_signed())?;
    Ok((socket.into(), Address::from_system(&addr)))
}

/// Begins to connect: done, or in progress (`EINPROGRESS`).
pub(crate) fn connect(socket: impl AsFd, addr: &Address) -> io::Result<()> {
    may_fail!(Connect);
    simulated!(socket, |sockets, fd| sockets.connect(fd, addr));
    SockRef::from(&socket).connect(&addr.to_system()?)
}

/// The error that waits on the socket, which is cleared (`SO_ERROR`).
pub(crate) fn take_error(socket: impl AsFd) -> io::Result<Option<io::Error>> {
    may_fail!(TakeError);
    simulated!(socket, |sockets, fd| sockets.take_error(fd));
    SockRef::from(&socket).take_error()
}

pub(crate) fn local_addr(socket: impl AsFd) -> io::Result<Address> {
    may_fail!(LocalAddr);
    simulated!(socket, |sockets, fd| sockets.local_addr(fd));
    Ok(Address::from_system(&SockRef::from(&socket).local_addr()?))
}

pub(crate) fn peer_addr(socket: impl AsFd) -> io::Result<Address> {
    may_fail!(PeerAddr);
    simulated!(socket, |sockets, fd| sockets.peer_addr(fd));
    Ok(Address::from_system(&SockRef::from(&socket).peer_addr()?))
}

/// Who is at the other end of a UNIX socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Credentials {
    /// The process; 0 if it cannot be seen from here, being in another namespace of processes.
    pub pid: i32,
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
}

/// `SO_PEERCRED`, by nix: rustix has no process number zero, which is a regular answer here.
pub(crate) fn peer_credentials(socket: impl AsFd) -> io::Result<Credentials> {
    may_fail!(GetSockOpt);
    let found = nix::sys::socket::getsockopt(&socket, PeerCredentials)?;
    Ok(Credentials { pid: found.pid(), uid: found.uid(), gid: found.gid() })
}

// By itself, so that what it returns comes in registers: rustix's own result is handed over in memory.
#[inline(never)]
pub(crate) fn recv(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    may_fail!(Recv);
    simulated!(socket, |sockets, fd| sockets.recv(fd, buffer));
    may_be_short!(buffer);
    Ok(net::recv(socket, buffer, RecvFlags::DONTWAIT)?.0)
}

/// As `recv`, from a UNIX socket; says, too, whether something came with the bytes, which is dropped: then
/// there may be more behind them, however little it was.
pub(crate) fn recv_unix(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<(usize, bool)> {
    may_fail!(Recv);
    may_be_short!(buffer);
    let mut nothing = RecvAncillaryBuffer::default();
    let runs = &mut [IoSliceMut::new(buffer)];
    let came = net::recvmsg(socket, runs, &mut nothing, RecvFlags::DONTWAIT)?;
    Ok((came.bytes, came.flags.contains(ReturnFlags::CTRUNC)))
}

// By itself, as `recv`.
#[inline(never)]
pub(crate) fn send(socket: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    may_fail!(Send);
    simulated!(socket, |sockets, fd| sockets.send(fd, &[IoSlice::new(bytes)]));
    may_be_short!(bytes);
    Ok(net::send(socket, bytes, QUIETLY)?)
}

pub(crate) fn send_vectored(socket: impl AsFd, runs: &[IoSlice<'_>]) -> io::Result<usize> {
    may_fail!(Send);
    simulated!(socket, |sockets, fd| sockets.send(fd, runs));
    #[cfg(feature = "faults")]
    if let Some(bytes) = crate::faults::cut_runs(runs) {
        return Ok(net::send(socket, bytes, QUIETLY)?);
    }
    let mut nothing = SendAncillaryBuffer::default();
    Ok(net::sendmsg(socket, runs, &mut nothing, QUIETLY)?)
}

/// Without a signal if the peer is gone, and without waiting.
const QUIETLY: SendFlags = SendFlags::NOSIGNAL.union(SendFlags::DONTWAIT);

pub(crate) fn shutdown_read(socket: impl AsFd) -> io::Result<()> {
    may_fail!(Shutdown);
    simulated!(socket, |sockets, fd| sockets.shutdown(fd, std::net::Shutdown::Read));
    Ok(net::shutdown(socket, Shutdown::Read)?)
}

pub(crate) fn shutdown_write(socket: impl AsFd) -> io::Result<()> {
    may_fail!(Shutdown);
    simulated!(socket, |sockets, fd| sockets.shutdown(fd, std::net::Shutdown::Write));
    Ok(net::shutdown(socket, Shutdown::Write)?)
}

/// The number of TCP among the protocols of the internet (`IPPROTO_TCP`).
pub(crate) const TCP: i32 = 6;

//! Sockets: socket(2), bind(2), listen(2), accept(2), connect(2), recv(2), send(2) and their like.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{self, RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, SocketFlags};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use super::may_fail;

/// A TCP socket of the family of `addr`, non-blocking and closed on exec from the first.
pub(crate) fn stream_socket(addr: &SocketAddr) -> io::Result<OwnedFd> {
    may_fail!(Socket);
    Ok(Socket::new(Domain::for_address(*addr), Type::STREAM.nonblocking(), None)?.into())
}

pub(crate) fn set_reuse_address(socket: impl AsFd) -> io::Result<()> {
    may_fail!(SetSockOpt);
    SockRef::from(&socket).set_reuse_address(true)
}

/// Sends small writes at once. Connections that a listener accepts inherit it from the listener.
pub(crate) fn set_nodelay(socket: impl AsFd) -> io::Result<()> {
    may_fail!(SetSockOpt);
    SockRef::from(&socket).set_tcp_nodelay(true)
}

pub(crate) fn bind(socket: impl AsFd, addr: &SocketAddr) -> io::Result<()> {
    may_fail!(Bind);
    SockRef::from(&socket).bind(&SockAddr::from(*addr))
}

pub(crate) fn listen(socket: impl AsFd, backlog: i32) -> io::Result<()> {
    may_fail!(Listen);
    SockRef::from(&socket).listen(backlog)
}

/// The next connection and its peer, non-blocking and closed on exec from the first. The address is what
/// accept4(2) itself says: a peer that is gone already has one too.
#[inline]
pub(crate) fn accept(listener: impl AsFd) -> io::Result<(OwnedFd, SocketAddr)> {
    may_fail!(Accept);
    let (fd, addr) = net::acceptfrom_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
    let unspecified = SocketAddr::from(([0; 4], 0));
    Ok((fd, addr.and_then(|addr| SocketAddr::try_from(addr).ok()).unwrap_or(unspecified)))
}

/// Begins to connect: done, or in progress (`EINPROGRESS`).
pub(crate) fn connect(socket: impl AsFd, addr: &SocketAddr) -> io::Result<()> {
    may_fail!(Connect);
    Ok(net::connect(socket, addr)?)
}

/// The error that waits on the socket, which is cleared (`SO_ERROR`).
pub(crate) fn take_error(socket: impl AsFd) -> io::Result<Option<io::Error>> {
    SockRef::from(&socket).take_error()
}

pub(crate) fn local_addr(socket: impl AsFd) -> io::Result<SocketAddr> {
    internet(&SockRef::from(&socket).local_addr()?)
}

pub(crate) fn peer_addr(socket: impl AsFd) -> io::Result<SocketAddr> {
    may_fail!(PeerAddr);
    internet(&SockRef::from(&socket).peer_addr()?)
}

#[inline]
pub(crate) fn recv(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    may_fail!(Recv);
    Ok(net::recv(socket, buffer, RecvFlags::empty())?.0)
}

#[inline]
pub(crate) fn send(socket: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    may_fail!(Send);
    Ok(net::send(socket, bytes, SendFlags::NOSIGNAL)?)
}

pub(crate) fn send_vectored(socket: impl AsFd, runs: &[IoSlice<'_>]) -> io::Result<usize> {
    may_fail!(Send);
    let mut nothing = SendAncillaryBuffer::default();
    Ok(net::sendmsg(socket, runs, &mut nothing, SendFlags::NOSIGNAL)?)
}

pub(crate) fn shutdown_write(socket: impl AsFd) -> io::Result<()> {
    may_fail!(Shutdown);
    Ok(net::shutdown(socket, Shutdown::Write)?)
}

fn internet(addr: &SockAddr) -> io::Result<SocketAddr> {
    addr.as_socket().ok_or_else(|| io::ErrorKind::Unsupported.into())
}

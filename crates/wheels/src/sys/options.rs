//! Options of sockets: setsockopt(2), a function for each.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::net::sockopt;
use socket2::SockRef;

use super::{may_fail, simulated};
#[cfg(feature = "simulation")]
use crate::simulation::Setting;

pub(crate) fn set_keepalive(socket: BorrowedFd<'_>) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |sockets, fd| sockets.set(fd, Setting::Keepalive));
    Ok(sockopt::set_socket_keepalive(socket, true)?)
}

/// In whole seconds, rounded up.
pub(crate) fn set_keepalive_idle(socket: BorrowedFd<'_>, idle: Duration) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |sockets, fd| sockets.set(fd, Setting::KeepaliveIdle(idle)));
    Ok(sockopt::set_tcp_keepidle(socket, idle)?)
}

/// In whole seconds, rounded up.
pub(crate) fn set_keepalive_interval(socket: BorrowedFd<'_>, interval: Duration) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |sockets, fd| sockets.set(fd, Setting::KeepaliveInterval(interval)));
    Ok(sockopt::set_tcp_keepintvl(socket, interval)?)
}

pub(crate) fn set_keepalive_count(socket: BorrowedFd<'_>, count: u8) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |sockets, fd| sockets.set(fd, Setting::KeepaliveCount(count)));
    Ok(sockopt::set_tcp_keepcnt(socket, count.into())?)
}

pub(crate) fn set_user_timeout(socket: BorrowedFd<'_>, millis: u32) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |sockets, fd| sockets
        .set(fd, Setting::UserTimeout(Duration::from_millis(millis.into()))));
    Ok(sockopt::set_tcp_user_timeout(socket, millis)?)
}

pub(crate) fn set_receive_buffer(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |sockets, fd| sockets.set(fd, Setting::ReceiveBuffer(bytes)));
    Ok(sockopt::set_socket_recv_buffer_size(socket, bytes)?)
}

pub(crate) fn set_send_buffer(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |sockets, fd| sockets.set(fd, Setting::SendBuffer(bytes)));
    Ok(sockopt::set_socket_send_buffer_size(socket, bytes)?)
}

pub(crate) fn set_tos(socket: BorrowedFd<'_>, byte: u8) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |_, _| Ok(()));
    Ok(sockopt::set_ip_tos(socket, byte)?)
}

pub(crate) fn set_traffic_class(socket: BorrowedFd<'_>, byte: u8) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |_, _| Ok(()));
    Ok(sockopt::set_ipv6_tclass(socket, byte.into())?)
}

pub(crate) fn set_ttl(socket: BorrowedFd<'_>, hops: u8) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |_, _| Ok(()));
    Ok(sockopt::set_ip_ttl(socket, hops.into())?)
}

pub(crate) fn set_unicast_hops(socket: BorrowedFd<'_>, hops: u8) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |_, _| Ok(()));
    Ok(sockopt::set_ipv6_unicast_hops(socket, Some(hops))?)
}

pub(crate) fn set_mark(socket: BorrowedFd<'_>, mark: u32) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |_, _| Ok(()));
    SockRef::from(&socket).set_mark(mark)
}

pub(crate) fn bind_device(socket: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |_, _| Ok(()));
    SockRef::from(&socket).bind_device(Some(name))
}

pub(crate) fn set_reuse_port(socket: BorrowedFd<'_>) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |sockets, fd| sockets.set(fd, Setting::ReusePort));
    Ok(sockopt::set_socket_reuseport(socket, true)?)
}

pub(crate) fn set_broadcast(socket: BorrowedFd<'_>) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |_, _| Ok(()));
    Ok(sockopt::set_socket_broadcast(socket, true)?)
}

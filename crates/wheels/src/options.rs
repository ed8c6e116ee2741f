//! Options of the sockets that a factory makes and accepts.
//!
//! Owns what was asked for, and nothing of a socket: `apply.rs` sets it. TCP fast open and deferred
//! accepting are not here: there is no safe call that sets them on a listener.

mod apply;
#[cfg(test)]
mod tests;

use std::time::Duration;

/// Options of the sockets that a factory makes, and of those that it accepts.
///
/// They are set on a socket before it is bound. What a listener accepts has them too: Linux hands them on
/// itself, and where it does not, the factory sets them.
///
/// Nothing is set by default but `TCP_NODELAY`, on TCP sockets. An option that sockets of the factory's
/// kind do not have, keepalive on datagrams for one, is a failure of `setsockopt` with the error
/// `EOPNOTSUPP`; so is each that the system refuses, with the system's error. The text of the failure
/// begins with the option's name, and the factory makes no socket.
///
/// TCP fast open and deferred accepting are not among them: no safe function sets them on a listener.
/// Whoever needs them sets them on a socket and gives it to
/// [`build_on`](crate::SocketFactoryBuilder::build_on).
///
/// | option | of |
/// |---|---|
/// | [`nagle`](Self::nagle), [`keepalive`](Self::keepalive), [`user_timeout`](Self::user_timeout), [`dead_peer_timeout`](Self::dead_peer_timeout) | TCP |
/// | [`receive_buffer`](Self::receive_buffer), [`traffic_class`](Self::traffic_class), [`hop_limit`](Self::hop_limit), [`mark`](Self::mark), [`device`](Self::device), [`reuse_port`](Self::reuse_port) | TCP, UDP |
/// | [`send_buffer`](Self::send_buffer) | TCP, UDP, UNIX |
/// | [`broadcast`](Self::broadcast) | UDP |
///
/// ```
/// use std::time::Duration;
/// use wheels::SocketOptions;
///
/// // Nobody is kept who has been gone for a minute, and voice goes first.
/// let options = SocketOptions::new()
///     .dead_peer_timeout(Duration::from_secs(60))
///     .traffic_class(46 << 2);
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option that is a yes or a no")]
pub struct SocketOptions {
    nagle: bool,
    keepalive: Option<Keepalive>,
    user_timeout: Option<Duration>,
    receive_buffer: Option<usize>,
    send_buffer: Option<usize>,
    traffic_class: Option<u8>,
    hop_limit: Option<u8>,
    mark: Option<u32>,
    device: Option<String>,
    reuse_port: bool,
    broadcast: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Keepalive {
    idle: Duration,
    interval: Duration,
    count: u8,
}

impl SocketOptions {
    /// The default of every option.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            nagle: false,
            keepalive: None,
            user_timeout: None,
            receive_buffer: None,
            send_buffer: None,
            traffic_class: None,
            hop_limit: None,
            mark: None,
            device: None,
            reuse_port: false,
            broadcast: false,
        }
    }

    /// Lets the system hold back a small write while an earlier one is not acknowledged (Nagle's
    /// algorithm), by leaving `TCP_NODELAY` off: fewer packets for a program that writes in crumbs.
    /// Default: TCP sockets send at once.
    ///
    /// A peer that waits for the rest of a request before it answers delays its acknowledgement by 40 ms
    /// or more, and the rest waits for that. See tcp(7).
    #[doc(alias("nodelay", "TCP_NODELAY"))]
    #[must_use]
    pub const fn nagle(mut self) -> Self {
        self.nagle = true;
        self
    }

    /// Closes a connection whose other end is gone, whether data is on its way or not: its next read or
    /// write fails with `ETIMEDOUT`. Default: an idle connection is kept for ever, and data is sent again
    /// for a quarter of an hour or so.
    ///
    /// This is [`user_timeout`](Self::user_timeout) of `after`, and [`keepalive`](Self::keepalive) that
    /// begins at half of it and probes four times in the other half. Each does what the other cannot: no
    /// probe is sent while data is unacknowledged, and an idle connection has nothing to time out. An
    /// idle one may be closed an eighth of `after` and a second or two late.
    ///
    /// Range: from 1 s to 24 days; less is rounded up for idle connections, more is cut, and zero is
    /// `EINVAL`. Whoever is alive but reads nothing for so long, while there is something to send, is
    /// closed as well.
    #[must_use]
    pub fn dead_peer_timeout(self, after: Duration) -> Self {
        // With a user timeout, that decides when probes have been tried long enough, not their count.
        self.keepalive(after / 2, after / 8, 4).user_timeout(after)
    }

    /// Asks the other end of an idle connection whether it is there: for the first time after `idle`,
    /// again each `interval`, and after `count` questions without an answer the connection fails with
    /// `ETIMEDOUT`. Default: off.
    ///
    /// Durations are rounded up to whole seconds and cut to 32,767 s; `count` is from 1 to 127. Zero is
    /// `EINVAL`, for each of the three, and so are more questions.
    ///
    /// Nothing is asked while data is unacknowledged: that is what [`user_timeout`](Self::user_timeout)
    /// is for, which also overrides `count`. [`dead_peer_timeout`](Self::dead_peer_timeout) is both.
    ///
    /// `SO_KEEPALIVE`, `TCP_KEEPIDLE`, `TCP_KEEPINTVL` and `TCP_KEEPCNT`: see tcp(7).
    #[must_use]
    pub const fn keepalive(mut self, idle: Duration, interval: Duration, count: u8) -> Self {
        self.keepalive = Some(Keepalive { idle, interval, count });
        self
    }

    /// Closes a connection with data that was not acknowledged, or could not be sent because the other
    /// end does not read, for so long: it fails with `ETIMEDOUT`. Default: what the system's number of
    /// repetitions comes to, a quarter of an hour or so (`net.ipv4.tcp_retries2`).
    ///
    /// In milliseconds, rounded up, and cut to 24 days. Zero is `EINVAL`. A peer that is alive but reads
    /// nothing for so long is closed too, and an attempt to connect ends after so long.
    ///
    /// `TCP_USER_TIMEOUT`: see tcp(7), RFC 5482.
    #[must_use]
    pub const fn user_timeout(mut self, after: Duration) -> Self {
        self.user_timeout = Some(after);
        self
    }

    /// How many bytes may wait to be read. Default: the system adapts it to each connection
    /// (`net.ipv4.tcp_rmem`), which a value set here ends.
    ///
    /// Linux keeps twice as much, for its own use too, cuts it to `net.core.rmem_max`, and has a least
    /// size. Set before listening and connecting, as it must be: the scale of TCP's window is agreed on
    /// when a connection is made. UNIX sockets have none; there the sender's buffer counts.
    ///
    /// `SO_RCVBUF`: see socket(7).
    #[must_use]
    pub const fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// How many bytes may wait to be sent, or to be read by the other end of a UNIX socket. Default: the
    /// system adapts it to each connection (`net.ipv4.tcp_wmem`), which a value set here ends.
    ///
    /// Linux keeps twice as much, for its own use too, cuts it to `net.core.wmem_max`, and has a least
    /// size. A datagram larger than it cannot be sent.
    ///
    /// `SO_SNDBUF`: see socket(7), unix(7).
    #[must_use]
    pub const fn send_buffer(mut self, bytes: usize) -> Self {
        self.send_buffer = Some(bytes);
        self
    }

    /// How routers are to treat what is sent: the byte of IPv4 that is called type of service, and of
    /// IPv6 traffic class. Its upper six bits are the code point (DSCP, RFC 2474): `46 << 2` for voice.
    /// Default: 0, nothing special.
    ///
    /// The lower two are for congestion (ECN): TCP keeps its own there. IPv6 sockets have both bytes set,
    /// since they may carry IPv4 too.
    ///
    /// `IP_TOS` and `IPV6_TCLASS`: see ip(7), ipv6(7).
    #[doc(alias("tos", "dscp"))]
    #[must_use]
    pub const fn traffic_class(mut self, byte: u8) -> Self {
        self.traffic_class = Some(byte);
        self
    }

    /// How many routers may pass on what is sent, not counting those of multicast. Default: the system's
    /// (`net.ipv4.ip_default_ttl`, 64). Zero is `EINVAL`.
    ///
    /// IPv6 sockets have it set for IPv4 too. `IP_TTL` and `IPV6_UNICAST_HOPS`: see ip(7), ipv6(7).
    #[doc(alias = "ttl")]
    #[must_use]
    pub const fn hop_limit(mut self, hops: u8) -> Self {
        self.hop_limit = Some(hops);
        self
    }

    /// A number on each packet that is sent, by which this machine's routing and filters choose.
    /// Default: 0, none.
    ///
    /// Takes the privilege `CAP_NET_ADMIN`, or `CAP_NET_RAW` since Linux 5.17: `EPERM` without. `SO_MARK`: see socket(7).
    #[must_use]
    pub const fn mark(mut self, mark: u32) -> Self {
        self.mark = Some(mark);
        self
    }

    /// Sends and receives by this network interface alone, `eth0` for one. Default: by any.
    ///
    /// `ENODEV`: there is none of that name. Takes no privilege since Linux 5.7; before, `CAP_NET_RAW`.
    /// What comes in by another interface is not for this socket, even if it is for the same address.
    ///
    /// `SO_BINDTODEVICE`: see socket(7).
    #[must_use]
    pub fn device(mut self, name: impl Into<String>) -> Self {
        self.device = Some(name.into());
        self
    }

    /// Lets other sockets of the same user have the same address and port, if each of them was made with
    /// this option: connections and datagrams are spread over them, and each gets its copy of what comes
    /// by multicast or broadcast. Default: a port has one owner.
    ///
    /// Linux spreads by a hash of the addresses, evenly only when there are many peers, and without
    /// regard to who is busy. Closing one of several listeners resets the clients in its queue, unless
    /// `net.ipv4.tcp_migrate_req` is on: to start a server anew without losing clients, hand on the
    /// listener itself. To spread connections fairly, accept in one place and hand them out.
    ///
    /// `SO_REUSEPORT`: see socket(7).
    #[must_use]
    pub const fn reuse_port(mut self) -> Self {
        self.reuse_port = true;
        self
    }

    /// Lets datagrams be sent to a broadcast address. Default: that is refused with `EACCES`.
    ///
    /// `SO_BROADCAST`: see socket(7), ip(7). IPv6 has no broadcast; its sockets may send IPv4's.
    #[must_use]
    pub const fn broadcast(mut self) -> Self {
        self.broadcast = true;
        self
    }
}

//! Who is bound to what: ports, and what is found at them.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::RawFd;

use wheels::Domain;

use super::{Kind, Place, Socket, State, errno};

/// Each has ports of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Protocol {
    Tcp,
    Udp,
}

/// The sockets that are bound, in the order in which they were.
#[derive(Default)]
pub(super) struct Ports {
    bound: BTreeMap<(Place, Protocol, u16), Vec<RawFd>>,
}

impl Ports {
    pub(super) fn add(&mut self, host: Place, protocol: Protocol, port: u16, fd: RawFd) {
        self.bound.entry((host, protocol, port)).or_default().push(fd);
    }

    pub(super) fn remove(&mut self, host: Place, protocol: Protocol, port: u16, fd: RawFd) {
        let key = (host, protocol, port);
        if let Some(fds) = self.bound.get_mut(&key) {
            fds.retain(|other| *other != fd);
            if fds.is_empty() {
                self.bound.remove(&key);
            }
        }
    }

    fn at(&self, host: Place, protocol: Protocol, port: u16) -> &[RawFd] {
        self.bound.get(&(host, protocol, port)).map_or(&[], Vec::as_slice)
    }
}

impl State {
    /// Who gets what is sent from here to there: who is connected to the sender before who is bound to the
    /// address, and he before who is bound to all. Of several that share a port the sender's address decides.
    pub(super) fn find_at(
        &self,
        host: Place,
        protocol: Protocol,
        to: SocketAddr,
        from: SocketAddr,
    ) -> Option<RawFd> {
        let ranked = |fd: &RawFd| Some((self.socket(*fd).ok()?.rank(to, from)?, *fd));
        let found = self.ports.at(host, protocol, to.port()).iter().filter_map(ranked);
        let found: Vec<(u8, RawFd)> = found.collect();
        let best = found.iter().map(|(rank, _)| *rank).max()?;
        let best: Vec<RawFd> =
            found.into_iter().filter(|(rank, _)| *rank == best).map(|(_, fd)| fd).collect();
        best.get(spread(from) % best.len().max(1)).copied()
    }

    /// Whether somebody on this host has this port, at this address or all of its family. Those who all want
    /// to share it can.
    pub(super) fn is_taken(&self, socket: &Socket, address: SocketAddr) -> bool {
        let sockets = self.ports.at(socket.host, socket.protocol(), address.port()).iter();
        sockets.filter_map(|fd| self.socket(*fd).ok()).any(|other| {
            let overlaps = other.covers(address)
                || other.local.is_some_and(|local| socket.would_cover(address, local));
            overlaps && !(other.settings.reuse_port && socket.settings.reuse_port)
        })
    }

    /// A port that nobody on this host has at this address; for a connection, that it does not have to the
    /// same place.
    pub(super) fn free_port(
        &mut self,
        fd: RawFd,
        mut local: SocketAddr,
        towards: Option<SocketAddr>,
    ) -> io::Result<Option<SocketAddr>> {
        let host = self.socket(fd)?.host;
        for _ in FIRST_PORT..=u16::MAX {
            local.set_port(self.hosts[host].next_port());
            let socket = self.socket(fd)?;
            let used = towards.is_some_and(|to| self.is_connected(host, local, to));
            if !used && !self.is_taken(socket, local) {
                return Ok(Some(local));
            }
        }
        Ok(None)
    }

    /// Whether there is such a connection of this host.
    pub(super) fn is_connected(&self, host: Place, local: SocketAddr, to: SocketAddr) -> bool {
        let end = self.tuples.get(&(host, local, to)).and_then(|id| self.ends.get(id));
        end.is_some_and(|end| !end.is_broken())
    }

    /// Gives a socket its address.
    pub(super) fn settle(&mut self, fd: RawFd, local: SocketAddr) -> io::Result<()> {
        self.unsettle(fd);
        let socket = self.socket_mut(fd)?;
        socket.local = Some(local);
        let (host, protocol) = (socket.host, socket.protocol());
        self.ports.add(host, protocol, local.port(), fd);
        Ok(())
    }

    /// Takes a socket's address away.
    pub(super) fn unsettle(&mut self, fd: RawFd) {
        let Ok(socket) = self.socket_mut(fd) else { return };
        let (host, protocol, local) = (socket.host, socket.protocol(), socket.local.take());
        if let Some(local) = local {
            self.ports.remove(host, protocol, local.port(), fd);
        }
    }

    /// The name of all addresses, where a port is all that matters.
    pub(super) fn bind_anywhere(&mut self, fd: RawFd) -> io::Result<()> {
        let any = self.socket(fd)?.unspecified();
        let local = self.free_port(fd, any, None)?;
        self.settle(fd, local.ok_or_else(|| errno::error(errno::ADDRINUSE))?)
    }
}

impl Socket {
    pub(super) const fn protocol(&self) -> Protocol {
        match self.kind {
            Kind::Datagram { .. } => Protocol::Udp,
            Kind::Stream(_) | Kind::Listener { .. } | Kind::Reserve => Protocol::Tcp,
        }
    }

    /// Whether it can be closed, and that matter, without a word before.
    pub(super) const fn is_unwatched(&self) -> bool {
        self.token.is_none() && !matches!(self.kind, Kind::Reserve)
    }

    pub(super) fn is_v6(&self) -> bool {
        self.domain == Domain::Inet6
    }

    pub(super) fn unspecified(&self) -> SocketAddr {
        if self.is_v6() { ([0u16; 8], 0).into() } else { ([0, 0, 0, 0], 0).into() }
    }

    /// Whether what is sent to this address is sent to this socket.
    fn covers(&self, address: SocketAddr) -> bool {
        self.local.is_some_and(|local| self.would_cover(local, address))
    }

    fn would_cover(&self, local: SocketAddr, address: SocketAddr) -> bool {
        let same_family = local.is_ipv4() == address.is_ipv4();
        let both_families = local.is_ipv6() && !self.settings.only_v6;
        local.port() == address.port()
            && (local.ip() == address.ip()
                || local.ip().is_unspecified() && (same_family || both_families))
    }

    /// How well it fits, if it does.
    fn rank(&self, to: SocketAddr, from: SocketAddr) -> Option<u8> {
        let specific = self.local.is_some_and(|local| local.ip() == to.ip());
        match &self.kind {
            _ if !self.covers(to) => None,
            Kind::Datagram { peer: Some(peer), .. } => (*peer == from).then_some(2),
            Kind::Datagram { peer: None, .. } | Kind::Listener { .. } => Some(u8::from(specific)),
            Kind::Stream(_) | Kind::Reserve => None,
        }
    }
}

/// The same for the same address, and seldom for others.
fn spread(address: SocketAddr) -> usize {
    let mix = |sum: usize, byte: u8| (sum ^ usize::from(byte)).wrapping_mul(0x0100_0193);
    let ip = match address.ip() {
        std::net::IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        std::net::IpAddr::V6(ip) => ip.octets(),
    };
    let sum = ip.into_iter().chain(address.port().to_be_bytes()).fold(0x811c_9dc5, mix);
    sum ^ (sum >> 16)
}

/// The first of those that are given to who does not ask for one (`net.ipv4.ip_local_port_range`).
pub(super) const FIRST_PORT: u16 = 32_768;

//! Hosts: their names, their addresses, and what they may have open.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::RawFd;

use wheels::SocketType;

use super::{Kind, Place, State};

pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) v4: Ipv4Addr,
    pub(crate) v6: Ipv6Addr,
    pub(crate) is_up: bool,
    /// Most sockets that it may have open.
    pub(crate) most_open: usize,
    pub(crate) open: usize,
    /// The port that is tried next where any will do.
    next_port: u16,
    /// Sockets that became ready.
    pub(super) ready: Vec<RawFd>,
}

impl Host {
    pub(crate) fn new(name: &str, place: Place) -> Self {
        let number = u16::try_from(place + 1).expect("at most 65,534 hosts");
        let [high, low] = number.to_be_bytes();
        Self {
            name: name.to_owned(),
            v4: Ipv4Addr::new(10, 0, high, low),
            v6: Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, number),
            is_up: true,
            most_open: usize::MAX,
            open: 0,
            next_port: FIRST_PORT,
            ready: Vec::new(),
        }
    }

    pub(super) fn has(&self, address: IpAddr) -> bool {
        address == self.v4 || address == self.v6
    }

    /// Its own address of the family of `other`, or the loopback's if that is one.
    pub(super) fn address_towards(&self, other: IpAddr) -> IpAddr {
        match other {
            _ if other.is_loopback() => other,
            IpAddr::V4(_) => self.v4.into(),
            IpAddr::V6(_) => self.v6.into(),
        }
    }

    /// Whether a socket can be bound to this.
    pub(super) fn can_bind(&self, address: IpAddr) -> bool {
        address.is_unspecified() || address.is_loopback() || self.has(address)
    }
}

impl State {
    /// Which host has this address, as seen from `from`.
    pub(super) fn host_of(&self, address: IpAddr, from: Place) -> Option<Place> {
        if address.is_loopback() || address.is_unspecified() {
            return Some(from);
        }
        self.hosts.iter().position(|host| host.has(address))
    }

    /// The addresses of a name, as seen from `from`.
    pub(crate) fn resolve(&self, host: Option<&str>) -> Vec<IpAddr> {
        let both = |v4: Ipv4Addr, v6: Ipv6Addr| vec![v6.into(), v4.into()];
        match host {
            None => both(Ipv4Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED),
            Some("localhost") => both(Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST),
            Some(name) => name.parse().map_or_else(
                |_| {
                    let host = self.hosts.iter().find(|host| host.name.eq_ignore_ascii_case(name));
                    host.map(|host| both(host.v4, host.v6)).unwrap_or_default()
                },
                |address| vec![address],
            ),
        }
    }

    /// A port that nobody on this host has at this address.
    pub(super) fn free_port(
        &mut self,
        host: Place,
        address: IpAddr,
        kind: SocketType,
    ) -> Option<u16> {
        (FIRST_PORT..=u16::MAX).find_map(|_| {
            let next = &mut self.hosts[host].next_port;
            let port = *next;
            *next = port.checked_add(1).unwrap_or(FIRST_PORT);
            let is_taken = self.is_taken(host, SocketAddr::new(address, port), kind);
            (!is_taken).then_some(port)
        })
    }

    /// Whether somebody on this host has this address, or all of its family, and this port.
    pub(super) fn is_taken(&self, host: Place, address: SocketAddr, kind: SocketType) -> bool {
        let overlaps = |other: SocketAddr| {
            other.port() == address.port()
                && other.is_ipv4() == address.is_ipv4()
                && (other.ip() == address.ip()
                    || other.ip().is_unspecified()
                    || address.ip().is_unspecified())
        };
        self.sockets.iter().flatten().any(|socket| {
            let is_of_kind = match socket.kind {
                // A connection leaves its port to others.
                Kind::Stream(Some(_)) | Kind::Reserve => false,
                Kind::Stream(None) | Kind::Listener { .. } => kind == SocketType::Stream,
                Kind::Datagram { .. } => kind == SocketType::Dgram,
            };
            is_of_kind && socket.host == host && socket.local.is_some_and(overlaps)
        })
    }
}

/// The first of those that nobody has by name (RFC 6335).
const FIRST_PORT: u16 = 49_152;

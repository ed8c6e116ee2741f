//! Hosts: their names, their addresses, and what they may have open.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::RawFd;

use super::ports::FIRST_PORT;
use super::{Place, State};

pub(crate) struct Host {
    name: String,
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
    pub(super) fn has(&self, address: IpAddr) -> bool {
        address == self.v4 || address == self.v6
    }

    /// Its own address of the family of `other`, or the loopback's if that is one.
    pub(super) fn address_towards(&self, other: IpAddr) -> IpAddr {
        match other {
            IpAddr::V4(other) if other.is_loopback() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(other) if other.is_loopback() => other.into(),
            IpAddr::V4(_) => self.v4.into(),
            IpAddr::V6(_) => self.v6.into(),
        }
    }

    /// Whether a socket can be bound to this.
    pub(super) fn can_bind(&self, address: IpAddr) -> bool {
        address.is_unspecified() || address.is_loopback() || self.has(address)
    }

    pub(super) fn next_port(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = port.checked_add(1).unwrap_or(FIRST_PORT);
        port
    }
}

impl State {
    /// Adds a host, behind all the others.
    pub(crate) fn add_host(&mut self, name: &str) -> io::Result<()> {
        let named = |host: &Host| host.name.eq_ignore_ascii_case(name);
        if self.hosts.iter().any(named) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a host has this name"));
        }
        if name.is_empty() || name.eq_ignore_ascii_case(LOCALHOST) || name.parse::<IpAddr>().is_ok()
        {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no name for a host"));
        }
        let number = u16::try_from(self.hosts.len() + 1)
            .map_err(|_| io::Error::new(io::ErrorKind::QuotaExceeded, "65,535 hosts are enough"))?;
        let [high, low] = number.to_be_bytes();
        self.hosts.push(Host {
            name: name.to_owned(),
            v4: Ipv4Addr::new(10, 0, high, low),
            v6: Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, number),
            is_up: true,
            most_open: usize::MAX,
            open: 0,
            next_port: FIRST_PORT,
            ready: Vec::new(),
        });
        Ok(())
    }

    /// Which host has this address, as seen from `from`.
    pub(super) fn host_of(&self, address: IpAddr, from: Place) -> Option<Place> {
        let number = match address {
            _ if address.is_loopback() => return Some(from),
            IpAddr::V4(v4) => u16::from_be_bytes([v4.octets()[2], v4.octets()[3]]),
            IpAddr::V6(v6) => v6.segments()[7],
        };
        let place = usize::from(number).checked_sub(1)?;
        self.hosts.get(place).filter(|host| host.has(address)).map(|_| place)
    }

    /// Whether what is sent from one host to another arrives.
    pub(super) fn is_reachable(&self, from: Place, to: Place) -> bool {
        self.hosts[to].is_up && !self.links.are_cut(from, to)
    }

    /// The addresses of a name.
    pub(crate) fn resolve(&self, host: Option<&str>) -> Vec<IpAddr> {
        let both = |v4: Ipv4Addr, v6: Ipv6Addr| vec![v6.into(), v4.into()];
        match host {
            None => both(Ipv4Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED),
            Some(name) if name.eq_ignore_ascii_case(LOCALHOST) => {
                both(Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST)
            }
            Some(name) => name.parse().map_or_else(
                |_| {
                    let host = self.hosts.iter().find(|host| host.name.eq_ignore_ascii_case(name));
                    host.map(|host| both(host.v4, host.v6)).unwrap_or_default()
                },
                |address| vec![address],
            ),
        }
    }
}

/// As who is asked sees it: IPv4 by its own name, and the loopback for none.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip().to_canonical() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, address.port())
}

const LOCALHOST: &str = "localhost";

//! Addresses as people give them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host: an address, or its text.
///
/// ```
/// use std::net::Ipv4Addr;
/// use wheels::SocketFactory;
///
/// let builder = SocketFactory::builder();
/// # let _ = builder.clone()
/// .bind_address("127.0.0.1");
/// # let _ = builder.clone()
/// .bind_address("::1");
/// # let _ = builder
/// .bind_address(Ipv4Addr::LOCALHOST);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Host {
    /// An address.
    Ip(IpAddr),
    /// Text: dotted or colon form. Names are not resolved yet: they are a failure of `getaddrinfo`.
    Text(String),
}

impl Host {
    pub(super) fn resolve(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(*ip),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<&str> for Host {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Host {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        Self::Ip(ip)
    }
}

impl From<Ipv4Addr> for Host {
    fn from(ip: Ipv4Addr) -> Self {
        Self::Ip(ip.into())
    }
}

impl From<Ipv6Addr> for Host {
    fn from(ip: Ipv6Addr) -> Self {
        Self::Ip(ip.into())
    }
}

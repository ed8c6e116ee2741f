//! Where to bind or to connect, as people give it.
//!
//! A [`Host`] and a [`Service`] are POE's address and port; an [`Endpoint`] is both in one. What text means
//! is decided here, without asking anybody.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::path::{Path, PathBuf};

use crate::address::{Address, UnixAddress};
use crate::family::Domain;

/// A host, a path or a name: what a socket is bound or connected to, without the port
/// (POE: `BindAddress`, `RemoteAddress`).
///
/// Octets are an address (POE: a packed one), text is what it looks like: see [`Text`](Self::Text).
///
/// ```
/// use std::net::Ipv4Addr;
/// use std::path::Path;
/// use wheels::SocketFactory;
///
/// let builder = SocketFactory::builder();
/// # let _ = builder.clone()
/// .bind_address("127.0.0.1");
/// # let _ = builder.clone()
/// .bind_address("localhost");
/// # let _ = builder.clone()
/// .bind_address([127, 0, 0, 1]);
/// # let _ = builder.clone()
/// .bind_address(Ipv4Addr::LOCALHOST);
/// # let _ = builder.clone()
/// .bind_address(Path::new("/run/daemon.sock"));
/// # let _ = builder
/// .bind_address("@daemon");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Host {
    /// An address.
    Ip(IpAddr),
    /// Text: an address in dotted or colon form, or a name, which is resolved off the loop. Of
    /// [`Domain::Unix`], or where it has a slash in it or begins with `@`, it is a [`UnixAddress`]; of
    /// [`Domain::Vsock`] it is a machine's number.
    Text(String),
    /// A path or an abstract name.
    Unix(UnixAddress),
    /// A machine's number: see [`Address::Vsock`].
    Machine(u32),
}

/// A port, or the name of a service (POE: `BindPort`, `RemotePort`).
///
/// ```
/// # let builder = wheels::SocketFactory::builder();
/// # let _ = builder.clone()
/// .bind_port(8080);
/// # let _ = builder.clone()
/// .bind_port("8080");
/// # let _ = builder
/// .bind_port("http-alt");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Service {
    /// A port, which may be above 65,535 only for vsock.
    Port(u32),
    /// Text: a number, or a name of the services database (services(5)), which is looked up off the loop.
    Text(String),
}

/// A place in one word: host and port, or a path.
///
/// Text is `host:port`, `[address]:port` for IPv6, a path with a slash in it, or `@name` for an abstract
/// name; the port may be a service. `:port` and `*:port` are any address, of IPv4 unless
/// [another family](crate::SocketFactoryBuilder::socket_domain) is asked for; for both families there is
/// [`listen_everywhere`](crate::SocketFactory::listen_everywhere). Or a pair of a [`Host`] and a
/// [`Service`]; a [`SocketAddr`]; a [`Path`]; an [`Address`]. Text that is nothing of this is a failure of
/// `bind` or `connect` (`EINVAL`).
///
/// ```
/// use std::path::Path;
/// use wheels::SocketFactory;
///
/// let _ = SocketFactory::listen("127.0.0.1:0");
/// let _ = SocketFactory::listen("[::1]:http-alt");
/// let _ = SocketFactory::connect(("example.org", "https"));
/// let _ = SocketFactory::connect(Path::new("/run/daemon.sock"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    pub(super) host: Option<Host>,
    pub(super) service: Option<Service>,
    /// What was wrong with the text.
    pub(super) fault: Option<String>,
}

impl Host {
    /// What it means in a family, if one is given.
    pub(super) fn read(&self, domain: Option<Domain>) -> Meaning {
        match self {
            Self::Ip(ip) => Meaning::Ip(in_domain((*ip, 0).into(), domain)),
            Self::Unix(address) => Meaning::Unix(address.clone()),
            Self::Machine(cid) => Meaning::Machine(*cid),
            Self::Text(text) if is_path(text, domain) => Meaning::Unix(text.as_str().into()),
            Self::Text(text) => match (numeric(text), text.parse()) {
                (Some(addr), _) => Meaning::Ip(in_domain(addr, domain)),
                (None, Ok(cid)) if domain == Some(Domain::Vsock) => Meaning::Machine(cid),
                (None, _) => Meaning::Name(text.clone()),
            },
        }
    }
}

/// What a host is.
pub(super) enum Meaning {
    /// Of port 0.
    Ip(SocketAddr),
    Unix(UnixAddress),
    Machine(u32),
    /// To be resolved.
    Name(String),
}

/// An IPv4 address in the form of an IPv6 one (`::ffff:127.0.0.1`) is the former, unless it is to be one of
/// IPv6.
fn in_domain(addr: SocketAddr, domain: Option<Domain>) -> SocketAddr {
    match (addr.ip().to_canonical(), domain) {
        (_, Some(Domain::Inet6)) | (IpAddr::V6(_), _) => addr,
        (ip @ IpAddr::V4(_), _) => (ip, addr.port()).into(),
    }
}

/// The address that text is, a link-local one with the number of its link too (`fe80::1%2`).
fn numeric(text: &str) -> Option<SocketAddr> {
    let plain = text.parse().map(|ip: IpAddr| (ip, 0).into());
    plain.ok().or_else(|| Some(SocketAddr::V6(format!("[{text}]:0").parse().ok()?)))
}

/// No host's name has a slash in it or begins with `@` or a zero byte.
fn is_path(text: &str, domain: Option<Domain>) -> bool {
    match domain {
        Some(domain) => domain == Domain::Unix,
        None => text.contains('/') || text.starts_with(['@', '\0']),
    }
}

impl Service {
    /// The port, if it is one; else the name to look up.
    pub(super) fn port(&self) -> Result<u32, &str> {
        match self {
            Self::Port(port) => Ok(*port),
            Self::Text(text) => {
                // Digits alone: `parse` would take a sign.
                let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                text.parse().ok().filter(|_| is_number).ok_or(text.as_str())
            }
        }
    }
}

impl Endpoint {
    fn parse(text: &str) -> Self {
        if is_path(text, None) {
            return Host::Unix(text.into()).into();
        }
        let split = match text.strip_prefix('[') {
            Some(rest) => rest.split_once("]:").filter(|(host, _)| !["", "*"].contains(host)),
            None => text.rsplit_once(':').filter(|(host, _)| !host.contains(':')),
        };
        match split {
            Some((_, "")) | None => Self {
                host: None,
                service: None,
                fault: Some(format!("neither host:port nor a path: {text:?}")),
            },
            Some(("" | "*", service)) => {
                Self { host: None, service: Some(service.into()), fault: None }
            }
            Some(pair) => pair.into(),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Unix(address) => address.fmt(f),
            Self::Machine(cid) => write!(f, "vsock {cid}"),
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

/// The octets of an IPv4 address.
impl From<[u8; 4]> for Host {
    fn from(octets: [u8; 4]) -> Self {
        Self::Ip(octets.into())
    }
}

/// The octets of an IPv6 address.
impl From<[u8; 16]> for Host {
    fn from(octets: [u8; 16]) -> Self {
        Self::Ip(octets.into())
    }
}

impl From<&Path> for Host {
    fn from(path: &Path) -> Self {
        Self::Unix(path.into())
    }
}

impl From<PathBuf> for Host {
    fn from(path: PathBuf) -> Self {
        Self::Unix(path.into())
    }
}

impl From<UnixAddress> for Host {
    fn from(address: UnixAddress) -> Self {
        Self::Unix(address)
    }
}

impl From<u16> for Service {
    fn from(port: u16) -> Self {
        Self::Port(port.into())
    }
}

impl From<&str> for Service {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Service {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Endpoint {
    fn from(text: &str) -> Self {
        Self::parse(text)
    }
}

impl From<String> for Endpoint {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

/// A host without a port, which only a path needs none of.
impl From<Host> for Endpoint {
    fn from(host: Host) -> Self {
        Self { host: Some(host), service: None, fault: None }
    }
}

impl From<&Path> for Endpoint {
    fn from(path: &Path) -> Self {
        Host::from(path).into()
    }
}

impl From<PathBuf> for Endpoint {
    fn from(path: PathBuf) -> Self {
        Host::from(path).into()
    }
}

impl From<UnixAddress> for Endpoint {
    fn from(address: UnixAddress) -> Self {
        Host::from(address).into()
    }
}

impl<H: Into<Host>, S: Into<Service>> From<(H, S)> for Endpoint {
    fn from((host, service): (H, S)) -> Self {
        Self { host: Some(host.into()), service: Some(service.into()), fault: None }
    }
}

impl From<Address> for Endpoint {
    fn from(address: Address) -> Self {
        match address {
            Address::Ip(addr) => addr.into(),
            Address::Unix(address) => address.into(),
            Address::Vsock { cid, port } => Self {
                host: Some(Host::Machine(cid)),
                service: Some(Service::Port(port)),
                fault: None,
            },
        }
    }
}

impl From<SocketAddrV4> for Endpoint {
    fn from(addr: SocketAddrV4) -> Self {
        (*addr.ip(), addr.port()).into()
    }
}

impl From<SocketAddrV6> for Endpoint {
    fn from(addr: SocketAddrV6) -> Self {
        SocketAddr::from(addr).into()
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(addr: SocketAddr) -> Self {
        match addr {
            // A link-local address needs its link, which text has a place for.
            SocketAddr::V6(addr) if addr.scope_id() != 0 => {
                (format!("{}%{}", addr.ip(), addr.scope_id()), addr.port()).into()
            }
            SocketAddr::V4(_) | SocketAddr::V6(_) => (addr.ip(), addr.port()).into(),
        }
    }
}

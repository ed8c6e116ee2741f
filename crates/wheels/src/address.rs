//! Addresses of every family.
//!
//! One type for what a socket is bound to and for who is at the other end. Turning it into what the
//! system takes, and back, is done here and nowhere else.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use socket2::SockAddr;

use crate::sys::errno;

/// Where a socket is bound, or who is at its other end.
///
/// Shown as people write it: `127.0.0.1:80`, `[::1]:80`, `/run/daemon.sock`, `@name` for an abstract
/// name, `unnamed`, `vsock 3:1024`.
///
/// ```
/// use wheels::Address;
///
/// let address = Address::from(([127, 0, 0, 1], 80));
/// assert_eq!(address.ip().unwrap().to_string(), "127.0.0.1");
/// assert_eq!(address.port(), Some(80));
/// assert_eq!(address.to_string(), "127.0.0.1:80");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Address {
    /// Of TCP or UDP, over IPv4 or IPv6.
    Ip(SocketAddr),
    /// Of a UNIX socket: see unix(7).
    Unix(UnixAddress),
    /// Of a virtual machine or its host: see vsock(7).
    Vsock {
        /// The machine: 2 is the host, 1 this machine itself, `u32::MAX` any.
        cid: u32,
        /// The port, which has nothing to do with TCP's. `u32::MAX` means one that the system chooses.
        port: u32,
    },
}

/// The address of a UNIX socket.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum UnixAddress {
    /// None: most clients have none, and so has either end of a socket pair.
    Unnamed,
    /// A path in the file system, of 107 bytes at most to be bound or connected to. (Other programs may have bound
    /// one of 108.)
    Path(PathBuf),
    /// A name that is in no file system (Linux), of any bytes, 107 at most. It has no owner and no mode.
    Abstract(Vec<u8>),
}

impl Address {
    /// The address of TCP or UDP, if it is one.
    #[must_use]
    pub const fn as_ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(addr) => Some(*addr),
            Self::Unix(_) | Self::Vsock { .. } => None,
        }
    }

    /// The host's address without the port.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.as_ip().map(|addr| addr.ip())
    }

    /// The port, of TCP, UDP or vsock.
    #[must_use]
    pub fn port(&self) -> Option<u32> {
        match self {
            Self::Ip(addr) => Some(addr.port().into()),
            Self::Unix(_) => None,
            Self::Vsock { port, .. } => Some(*port),
        }
    }

    /// The path of a UNIX socket that has one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Unix(UnixAddress::Path(path)) => Some(path),
            Self::Ip(_) | Self::Vsock { .. } => None,
            Self::Unix(UnixAddress::Unnamed | UnixAddress::Abstract(_)) => None,
        }
    }

    /// Whether it is somewhere: a socket that is bound to nothing has port 0, or no name.
    pub(crate) fn is_specified(&self) -> bool {
        match self {
            Self::Ip(addr) => addr.port() != 0,
            Self::Unix(address) => *address != UnixAddress::Unnamed,
            Self::Vsock { port, .. } => *port != u32::MAX,
        }
    }

    /// The address of IPv4 that an IPv6 one stands for (`::ffff:127.0.0.1`); any other as it is.
    pub(crate) fn unmapped(self) -> Self {
        if let Self::Ip(SocketAddr::V6(addr)) = &self
            && let Some(ip) = addr.ip().to_ipv4_mapped()
        {
            return SocketAddr::from((ip, addr.port())).into();
        }
        self
    }

    /// As the system takes it.
    ///
    /// # Errors
    ///
    /// `ENAMETOOLONG`: a path or name of more than 107 bytes. `EINVAL`: a path with a zero byte in it, or
    /// none.
    pub(crate) fn to_system(&self) -> io::Result<SockAddr> {
        match self {
            Self::Ip(addr) => Ok(SockAddr::from(*addr)),
            Self::Unix(address) => address.to_system(),
            Self::Vsock { cid, port } => Ok(SockAddr::vsock(*cid, *port)),
        }
    }

    /// As the system gives it. What is of none of our families is unnamed.
    pub(crate) fn from_system(addr: &SockAddr) -> Self {
        if let Some(addr) = addr.as_socket() {
            return Self::Ip(addr);
        }
        if let Some((cid, port)) = addr.as_vsock_address() {
            return Self::Vsock { cid, port };
        }
        Self::Unix(if let Some(path) = addr.as_pathname() {
            UnixAddress::Path(path.to_owned())
        } else if let Some(name) = addr.as_abstract_namespace() {
            UnixAddress::Abstract(name.to_owned())
        } else {
            UnixAddress::Unnamed
        })
    }
}

impl UnixAddress {
    /// What the text means: `@name` and `\0name` are abstract, anything else is a path.
    fn parse(text: &OsStr) -> Self {
        match text.as_bytes() {
            [b'@' | 0, name @ ..] => Self::Abstract(name.to_owned()),
            [] => Self::Unnamed,
            [_, ..] => Self::Path(text.into()),
        }
    }

    pub(crate) const fn is_unnamed(&self) -> bool {
        matches!(self, Self::Unnamed)
    }

    /// What the system writes behind the family: nothing, a zero byte and a name, or a path and perhaps a
    /// zero byte.
    pub(crate) fn from_system(mut bytes: Vec<u8>) -> Self {
        match bytes.first() {
            None => Self::Unnamed,
            Some(0) => Self::Abstract(bytes.split_off(1)),
            Some(_) => {
                let end = bytes.iter().position(|byte| *byte == 0);
                bytes.truncate(end.unwrap_or(bytes.len()));
                Self::Path(OsString::from_vec(bytes).into())
            }
        }
    }

    fn to_system(&self) -> io::Result<SockAddr> {
        let refuse = |errnum| Err(io::Error::from_raw_os_error(errnum));
        match self {
            // To bind(2) it would mean any abstract name that is free.
            Self::Unnamed => refuse(errno::INVAL),
            Self::Path(path) => match path.as_os_str().as_bytes() {
                bytes if bytes.len() > LONGEST => refuse(errno::NAMETOOLONG),
                bytes if bytes.is_empty() || bytes.contains(&0) => refuse(errno::INVAL),
                _ => SockAddr::unix(path),
            },
            Self::Abstract(name) if name.len() > LONGEST => refuse(errno::NAMETOOLONG),
            Self::Abstract(name) => {
                let name = [&[0], name.as_slice()].concat();
                SockAddr::unix(OsString::from_vec(name))
            }
        }
    }
}

/// A path ends with a zero byte and an abstract name begins with one; `sun_path` has 108 bytes.
const LONGEST: usize = 107;

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::Unix(address) => address.fmt(f),
            Self::Vsock { cid, port } => write!(f, "vsock {cid}:{port}"),
        }
    }
}

impl fmt::Display for UnixAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unnamed => f.write_str("unnamed"),
            Self::Path(path) => path.display().fmt(f),
            Self::Abstract(name) => write!(f, "@{}", name.escape_ascii()),
        }
    }
}

/// `@name` and `\0name` are abstract, anything else is a path.
impl<T: AsRef<OsStr> + ?Sized> From<&T> for UnixAddress {
    fn from(text: &T) -> Self {
        Self::parse(text.as_ref())
    }
}

impl From<PathBuf> for UnixAddress {
    fn from(path: PathBuf) -> Self {
        Self::parse(path.as_os_str())
    }
}

impl From<UnixAddress> for Address {
    fn from(address: UnixAddress) -> Self {
        Self::Unix(address)
    }
}

impl From<SocketAddr> for Address {
    fn from(addr: SocketAddr) -> Self {
        Self::Ip(addr)
    }
}

impl From<SocketAddrV4> for Address {
    fn from(addr: SocketAddrV4) -> Self {
        Self::Ip(addr.into())
    }
}

impl From<SocketAddrV6> for Address {
    fn from(addr: SocketAddrV6) -> Self {
        Self::Ip(addr.into())
    }
}

/// The octets of IPv4, and the port.
impl From<([u8; 4], u16)> for Address {
    fn from(addr: ([u8; 4], u16)) -> Self {
        Self::Ip(addr.into())
    }
}

impl From<(Ipv4Addr, u16)> for Address {
    fn from(addr: (Ipv4Addr, u16)) -> Self {
        Self::Ip(addr.into())
    }
}

impl From<(Ipv6Addr, u16)> for Address {
    fn from(addr: (Ipv6Addr, u16)) -> Self {
        Self::Ip(addr.into())
    }
}

impl From<(IpAddr, u16)> for Address {
    fn from(addr: (IpAddr, u16)) -> Self {
        Self::Ip(addr.into())
    }
}

/// For tests and comparisons with a known address.
impl PartialEq<SocketAddr> for Address {
    fn eq(&self, other: &SocketAddr) -> bool {
        self.as_ip() == Some(*other)
    }
}

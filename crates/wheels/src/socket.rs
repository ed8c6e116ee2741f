//! A socket that works: made by a factory, moved by a wheel.

use std::io;
use std::net::{TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};

use crate::address::Address;
use crate::family::{Domain, SocketType};
use crate::sys::{self, Credentials, errno};
use crate::unix_path::BoundPath;

/// A non-blocking socket, owned. Dropping it closes it.
///
/// [`ReadWrite`](crate::ReadWrite) takes it if it is of a stream, [`Datagram`](crate::Datagram) if it carries
/// messages. [`OwnedFd`] can be made of it, and it of std's sockets and of any socket's `OwnedFd`.
///
/// A socket that a factory bound to a path takes the path with it, unless
/// [told otherwise](crate::SocketFactoryBuilder::unlink_on_close). An `OwnedFd` does not: the path stays.
/// That of a connection's near end goes when a `ReadWrite` takes the socket.
#[derive(Debug)]
pub struct Socket {
    /// Before the descriptor: a path that is still there leads to somebody.
    path: Option<Box<BoundPath>>,
    fd: OwnedFd,
    kind: SocketType,
    /// Of the UNIX family.
    is_unix: bool,
}

impl Socket {
    pub(crate) fn new(fd: OwnedFd, domain: Domain, kind: SocketType) -> Self {
        Self { path: None, fd, kind, is_unix: domain == Domain::Unix }
    }

    /// It is bound to this path, which goes with it.
    pub(crate) fn at(mut self, path: Option<BoundPath>) -> Self {
        self.path = path.map(Box::new);
        self
    }

    pub(crate) const fn is_unix(&self) -> bool {
        self.is_unix
    }

    /// Its descriptor alone. The path goes.
    pub(crate) fn without_path(self) -> OwnedFd {
        self.fd
    }

    /// What it carries: bytes or messages.
    #[must_use]
    pub const fn socket_type(&self) -> SocketType {
        self.kind
    }

    /// The address at this end.
    ///
    /// # Errors
    ///
    /// What `getsockname(2)` says.
    pub fn local_addr(&self) -> io::Result<Address> {
        sys::local_addr(&self.fd)
    }

    /// The address at the other end.
    ///
    /// # Errors
    ///
    /// What `getpeername(2)` says: `ENOTCONN` if there is none, or it is gone already.
    pub fn peer_addr(&self) -> io::Result<Address> {
        sys::peer_addr(&self.fd)
    }

    /// Who is at the other end of a UNIX socket: the process that connected or listened, as it was then
    /// (`SO_PEERCRED`, unix(7)), or that made a pair of sockets. Of a socket that listens it is who listens.
    ///
    /// # Errors
    ///
    /// `ENODATA`: the system cannot know. It is no UNIX socket, or it was never connected, or it carries datagrams
    /// and is not of a pair.
    pub fn peer_credentials(&self) -> io::Result<Credentials> {
        let found = sys::peer_credentials(&self.fd)?;
        if found.uid == NO_USER {
            return Err(io::Error::from_raw_os_error(errno::NODATA));
        }
        Ok(found)
    }
}

/// What Linux says of every socket whose peer it does not know: the user -1, whom nobody is.
const NO_USER: u32 = u32::MAX;

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<Socket> for OwnedFd {
    fn from(socket: Socket) -> Self {
        if let Some(path) = socket.path {
            path.keep();
        }
        socket.fd
    }
}

/// The std socket is non-blocking. That the socket is of TCP is the caller's to know.
impl From<Socket> for TcpStream {
    fn from(socket: Socket) -> Self {
        socket.fd.into()
    }
}

/// Any socket of a type that [`SocketType`] has; makes it non-blocking.
///
/// # Errors
///
/// `ENOTSOCK`: it is none. `ESOCKTNOSUPPORT`: of another type.
impl TryFrom<OwnedFd> for Socket {
    type Error = io::Error;

    fn try_from(fd: OwnedFd) -> io::Result<Self> {
        let kind = sys::socket_type(&fd)?;
        sys::set_nonblocking(&fd)?;
        let is_unix = sys::is_unix(&fd);
        Ok(Self { path: None, fd, kind, is_unix })
    }
}

macro_rules! from_std {
    ($($socket:ty),*) => {
        $(
            /// Makes the socket non-blocking.
            impl TryFrom<$socket> for Socket {
                type Error = io::Error;

                fn try_from(socket: $socket) -> io::Result<Self> {
                    OwnedFd::from(socket).try_into()
                }
            }
        )*
    };
}

from_std!(TcpStream, UnixStream, UdpSocket, UnixDatagram);

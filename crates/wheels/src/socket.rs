//! A socket that works: made by a factory, moved by a wheel.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::sys;

/// A non-blocking stream socket, owned. Dropping it closes it.
///
/// [`ReadWrite`](crate::ReadWrite) takes it; [`OwnedFd`] and std's sockets can be made of it.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
}

impl Socket {
    pub(crate) const fn new(fd: OwnedFd) -> Self {
        Self { fd }
    }

    /// The address at this end.
    ///
    /// # Errors
    ///
    /// What `getsockname(2)` says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        sys::local_addr(&self.fd)
    }

    /// The address at the other end.
    ///
    /// # Errors
    ///
    /// What `getpeername(2)` says: `ENOTCONN` if the peer is gone already.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        sys::peer_addr(&self.fd)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<Socket> for OwnedFd {
    fn from(socket: Socket) -> Self {
        socket.fd
    }
}

/// The std socket is non-blocking.
impl From<Socket> for TcpStream {
    fn from(socket: Socket) -> Self {
        socket.fd.into()
    }
}

/// Makes the stream non-blocking.
impl TryFrom<TcpStream> for Socket {
    type Error = io::Error;

    fn try_from(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self::new(stream.into()))
    }
}

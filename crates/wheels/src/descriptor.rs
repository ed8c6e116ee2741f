//! Anything that can be read and written.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::socket::Socket;
use crate::sys;

/// What a [`ReadWrite`](crate::ReadWrite) wheel moves data through: a socket, a pipe, a terminal or a
/// file.
#[derive(Debug)]
pub struct Descriptor {
    fd: OwnedFd,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Non-blocking, and ours alone.
    Socket,
    /// Perhaps blocking, perhaps shared with other programs: asked before each call, never changed.
    File,
}

impl Descriptor {
    /// The program's standard input, by a descriptor of its own.
    ///
    /// It stays as it is, blocking or not: it may be the terminal of the shell that started the program.
    ///
    /// # Errors
    ///
    /// There is none, or too many descriptors are open.
    pub fn stdin() -> io::Result<Self> {
        Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
    }

    /// Whether a short read or write means that there is no more for now.
    #[inline]
    pub(crate) fn tells_when_drained(&self) -> bool {
        self.kind == Kind::Socket
    }

    #[inline]
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.kind {
            Kind::Socket => sys::recv(&self.fd, buffer),
            Kind::File => sys::read_if_ready(&self.fd, buffer),
        }
    }

    #[inline]
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.kind {
            Kind::Socket => sys::send(&self.fd, bytes),
            Kind::File => sys::write_if_ready(&self.fd, bytes),
        }
    }

    pub(crate) fn write_vectored(&self, runs: &[io::IoSlice<'_>]) -> io::Result<usize> {
        match (self.kind, runs) {
            (Kind::Socket, runs) => sys::send_vectored(&self.fd, runs),
            (Kind::File, [first, ..]) => sys::write_if_ready(&self.fd, first),
            (Kind::File, []) => Ok(0),
        }
    }

    /// Ends the stream in this direction; what is not a socket is ended by closing it.
    pub(crate) fn shutdown_write(&self) -> io::Result<()> {
        match self.kind {
            Kind::Socket => sys::shutdown_write(&self.fd),
            Kind::File => Ok(()),
        }
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<Socket> for Descriptor {
    fn from(socket: Socket) -> Self {
        Self { fd: socket.into(), kind: Kind::Socket }
    }
}

/// A pipe, a terminal or a file. It need not be non-blocking. (A socket is better given as a [`Socket`].)
impl From<OwnedFd> for Descriptor {
    fn from(fd: OwnedFd) -> Self {
        Self { fd, kind: Kind::File }
    }
}

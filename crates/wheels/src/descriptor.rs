//! Anything that can be read and written.

use std::fs::File;
use std::io::{self, IsTerminal, PipeReader, PipeWriter};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{ChildStderr, ChildStdin, ChildStdout};

use crate::family::SocketType;
use crate::socket::Socket;
use crate::sys;

/// What a [`ReadWrite`](crate::ReadWrite) wheel moves data through: a socket, a pipe, a terminal or a
/// file.
#[derive(Debug)]
pub struct Descriptor {
    fd: OwnedFd,
    kind: Kind,
    /// A stream that does not block: splice(2) cannot be told for one call that it should not.
    splices: bool,
}

/// Flat, because it is asked for every read and write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Asked without blocking at each call, whether it blocks for others or not.
    Socket,
    /// The same, of the UNIX family: a read stops behind bytes that came with a descriptor, or from another
    /// process, though there are more.
    Unix,
    /// The same, and each read gives one message: a short one does not mean that there is no more.
    Messages,
    /// Perhaps blocking, perhaps shared with other programs: asked before each call, never changed.
    File,
    /// The same, opened for one of the two. A pipe does not say that it is the wrong end: it is never ready.
    FileToRead,
    FileToWrite,
}

impl Kind {
    /// Of bytes, and a socket.
    const fn is_stream(self) -> bool {
        matches!(self, Self::Socket | Self::Unix)
    }
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

    /// The program's standard output, in the same way.
    ///
    /// # Errors
    ///
    /// As [`stdin`](Self::stdin).
    pub fn stdout() -> io::Result<Self> {
        Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
    }

    /// Whether the other end can be told of an end in one direction, and to wait for its own.
    pub(crate) fn ends_by_halves(&self) -> bool {
        matches!(self.kind, Kind::Socket | Kind::Unix | Kind::Messages)
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.fd.is_terminal()
    }

    /// Whether it was opened for reading.
    pub(crate) fn is_readable(&self) -> bool {
        self.kind != Kind::FileToWrite
    }

    /// Whether it was opened for writing.
    pub(crate) fn is_writable(&self) -> bool {
        self.kind != Kind::FileToRead
    }

    /// Whether a short write means that no more is taken for now.
    #[inline]
    pub(crate) fn tells_when_drained(&self) -> bool {
        self.kind.is_stream()
    }

    /// Whether bytes may be moved from it or to it without being read.
    pub(crate) const fn splices(&self) -> bool {
        self.splices
    }

    /// Reads; says how much came, and whether a short read means that there is no more for now.
    #[inline(always)]
    pub(crate) fn read(&self, buffer: &mut [u8]) -> (io::Result<usize>, bool) {
        if self.kind == Kind::Socket {
            (sys::recv(&self.fd, buffer), true)
        } else {
            self.read_other(buffer)
        }
    }

    /// Reads what is not a stream socket of the network.
    #[inline(never)]
    fn read_other(&self, buffer: &mut [u8]) -> (io::Result<usize>, bool) {
        match self.kind {
            Kind::Unix => self.read_unix(buffer),
            Kind::Socket | Kind::Messages => (sys::recv(&self.fd, buffer), false),
            Kind::File | Kind::FileToRead | Kind::FileToWrite => (self.read_file(buffer), false),
        }
    }

    fn read_unix(&self, buffer: &mut [u8]) -> (io::Result<usize>, bool) {
        match sys::recv_unix(&self.fd, buffer) {
            Ok((count, is_cut)) => (Ok(count), !is_cut),
            Err(error) => (Err(error), true),
        }
    }

    fn read_file(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match sys::read_if_ready(&self.fd, buffer) {
            // What the system says to who draws a terminal when no program has it any more.
            Err(error)
                if error.raw_os_error() == Some(sys::errno::IO) && sys::is_screen(&self.fd) =>
            {
                Ok(0)
            }
            read => read,
        }
    }

    #[inline(always)]
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.kind {
            Kind::Socket | Kind::Unix | Kind::Messages => sys::send(&self.fd, bytes),
            Kind::File | Kind::FileToRead | Kind::FileToWrite => self.write_file(bytes),
        }
    }

    #[inline(never)]
    fn write_file(&self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_writable() {
            return Err(io::Error::from_raw_os_error(sys::errno::BADF));
        }
        sys::write_if_ready(&self.fd, bytes)
    }

    pub(crate) fn write_vectored(&self, runs: &[io::IoSlice<'_>]) -> io::Result<usize> {
        match (self.kind, runs) {
            (Kind::Socket | Kind::Unix | Kind::Messages, runs) => {
                sys::send_vectored(&self.fd, runs)
            }
            (Kind::File | Kind::FileToRead | Kind::FileToWrite, [first, ..]) => self.write(first),
            (Kind::File | Kind::FileToRead | Kind::FileToWrite, []) => Ok(0),
        }
    }

    /// Tells the system that what still comes is not wanted; what is not a socket has no such call.
    pub(crate) fn shutdown_read(&self) -> io::Result<()> {
        match self.kind {
            Kind::Socket | Kind::Unix | Kind::Messages => sys::shutdown_read(&self.fd),
            Kind::File | Kind::FileToRead | Kind::FileToWrite => Ok(()),
        }
    }

    /// Has a connection broken by closing it (TCP), where it is one.
    pub(crate) fn reset_on_close(&self) -> io::Result<()> {
        match self.kind {
            Kind::Socket | Kind::Unix => sys::reset_on_close(&self.fd),
            Kind::Messages | Kind::File | Kind::FileToRead | Kind::FileToWrite => Ok(()),
        }
    }

    /// Ends the stream in this direction; what is not a socket is ended by closing it.
    pub(crate) fn shutdown_write(&self) -> io::Result<()> {
        match self.kind {
            Kind::Socket | Kind::Unix | Kind::Messages => sys::shutdown_write(&self.fd),
            Kind::File | Kind::FileToRead | Kind::FileToWrite => Ok(()),
        }
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The path that a connection's near end was bound to goes: it has served its purpose when the connection
/// is there. That of a datagram socket, which is still to be found by it, stays.
impl From<Socket> for Descriptor {
    fn from(socket: Socket) -> Self {
        let (fd, kind) = match socket.socket_type() {
            SocketType::Stream if socket.is_unix() => (socket.without_path(), Kind::Unix),
            SocketType::Stream => (socket.without_path(), Kind::Socket),
            SocketType::SeqPacket => (socket.without_path(), Kind::Messages),
            SocketType::Dgram => (socket.into(), Kind::Messages),
        };
        let splices = kind.is_stream() && sys::can_splice(&fd);
        Self { fd, kind, splices }
    }
}

/// A pipe, a terminal or a file; or a socket of std's or mio's, whose options are as they were. It need not
/// be non-blocking, and is not made so: what others do with it stays as it was.
///
/// A terminal is opened again, so that the wheel has one of its own that does not block: a terminal says
/// that it can be written to when there is room for a single byte. Where that is refused it stays as it
/// was, and so does the side of who draws a terminal (`posix_openpt`(3)): unless that is non-blocking, a
/// write to it may hold up the loop until the program at the other end reads. It is at its end when no
/// program has the terminal any more, which the system calls `EIO`.
///
/// What was opened for writing only is not read, and has no end to tell of.
impl From<OwnedFd> for Descriptor {
    fn from(fd: OwnedFd) -> Self {
        let (fd, kind) = match sys::socket_type(&fd) {
            Ok(SocketType::Stream) if sys::is_unix(&fd) => (fd, Kind::Unix),
            Ok(SocketType::Stream) => (fd, Kind::Socket),
            Ok(SocketType::SeqPacket | SocketType::Dgram) => (fd, Kind::Messages),
            Err(_) => match sys::access(&fd) {
                (true, false) => (without_waits(fd), Kind::FileToRead),
                (false, true) => (without_waits(fd), Kind::FileToWrite),
                (true, true) | (false, false) => (without_waits(fd), Kind::File),
            },
        };
        let splices = kind.is_stream() && sys::is_nonblocking(&fd) && sys::can_splice(&fd);
        Self { fd, kind, splices }
    }
}

/// A terminal by a description of its own, if there can be one.
fn without_waits(fd: OwnedFd) -> OwnedFd {
    if !fd.is_terminal() || sys::is_nonblocking(&fd) {
        return fd;
    }
    sys::open_terminal_again(&fd).unwrap_or(fd)
}

macro_rules! from_std {
    ($($stream:ty),*) => {
        $(
            impl From<$stream> for Descriptor {
                fn from(stream: $stream) -> Self {
                    OwnedFd::from(stream).into()
                }
            }
        )*
    };
}

from_std!(
    TcpStream,
    UnixStream,
    PipeReader,
    PipeWriter,
    ChildStdin,
    ChildStdout,
    ChildStderr,
    File
);

//! Bytes that pass a process by: pipe2(2), splice(2).

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::pipe::{PipeFlags, SpliceFlags};

use super::may_fail;

/// A pipe that does not block, with room for so many bytes if the system grants it: what is read from, and
/// what is written to.
pub(crate) fn pipe(room: usize) -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    // Otherwise it has the usual room.
    rustix::pipe::fcntl_setpipe_size(&writer, room).ok();
    Ok((reader, writer))
}

/// Moves at most so many bytes from a socket into a pipe.
pub(crate) fn splice_in(socket: impl AsFd, pipe: impl AsFd, most: usize) -> io::Result<usize> {
    may_fail!(Recv);
    Ok(rustix::pipe::splice(socket, None, pipe, None, most, FLAGS)?)
}

/// Moves at most so many bytes from a pipe into a socket.
pub(crate) fn splice_out(pipe: impl AsFd, socket: impl AsFd, most: usize) -> io::Result<usize> {
    may_fail!(Send);
    Ok(rustix::pipe::splice(pipe, None, socket, None, most, FLAGS)?)
}

/// Reads what is in a pipe.
pub(crate) fn read_pipe(pipe: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(rustix::io::read(pipe, buffer)?)
}

const FLAGS: SpliceFlags = SpliceFlags::MOVE.union(SpliceFlags::NONBLOCK);

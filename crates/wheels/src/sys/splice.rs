//! Bytes that pass a process by: pipe2(2), splice(2).

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::pipe::{PipeFlags, SpliceFlags};

use super::{may_be_short, may_fail, simulated};

/// A pipe that does not block, with room for so many bytes if the system grants it: what is read from, and
/// what is written to.
pub(crate) fn pipe(room: usize) -> io::Result<(OwnedFd, OwnedFd)> {
    may_fail!(Pipe);
    let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    // Otherwise it has the usual room.
    rustix::pipe::fcntl_setpipe_size(&writer, room).ok();
    Ok((reader, writer))
}

/// Whether this process ignores SIGPIPE, which splice(2) raises where send(2) can be told not to. If the system
/// does not tell: no.
pub(crate) fn ignores_sigpipe() -> bool {
    may_fail!(ReadFile, _ => false);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
    u64::from_str_radix(ignored.trim(), 16).is_ok_and(|set| set & SIGPIPE != 0)
}

/// Whether bytes can be moved from this socket, and to it: of a simulated one there are none in the system.
#[cfg_attr(not(feature = "simulation"), expect(unused_variables, reason = "then any can"))]
pub(crate) fn can_splice(socket: impl AsFd) -> bool {
    simulated!(socket, |_, _| false);
    true
}

/// Moves at most so many bytes from a socket into a pipe.
pub(crate) fn splice_in(socket: impl AsFd, pipe: impl AsFd, most: usize) -> io::Result<usize> {
    may_fail!(Recv);
    may_be_short!(most);
    Ok(rustix::pipe::splice(socket, None, pipe, None, most, FLAGS)?)
}

/// Moves at most so many bytes from a pipe into a socket.
pub(crate) fn splice_out(pipe: impl AsFd, socket: impl AsFd, most: usize) -> io::Result<usize> {
    may_fail!(Send);
    may_be_short!(most);
    Ok(rustix::pipe::splice(pipe, None, socket, None, most, FLAGS)?)
}

/// Reads what is in a pipe.
pub(crate) fn read_pipe(pipe: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    may_fail!(Recv);
    may_be_short!(buffer);
    Ok(rustix::io::read(pipe, buffer)?)
}

/// The bit of the 13th signal.
const SIGPIPE: u64 = 1 << 12;

const FLAGS: SpliceFlags = SpliceFlags::MOVE.union(SpliceFlags::NONBLOCK);

//! Pipes, terminals and files: poll(2), read(2), write(2), open(2), fcntl(2).

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};

use super::{may_be_short, may_fail};

/// Reads what is there, from a descriptor that may block: asks first whether it would.
pub(crate) fn read_if_ready(fd: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    may_fail!(Recv);
    may_be_short!(buffer);
    await_nothing(&fd, PollFlags::IN)?;
    Ok(rustix::io::read(fd, buffer)?)
}

/// Writes what a descriptor that may block takes without blocking.
pub(crate) fn write_if_ready(fd: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    may_fail!(Send);
    may_be_short!(bytes);
    await_nothing(&fd, PollFlags::OUT)?;
    Ok(rustix::io::write(fd, &bytes[..bytes.len().min(ATOMIC)])?)
}

/// Whether a descriptor was opened for reading, and whether for writing.
pub(crate) fn access(fd: impl AsFd) -> (bool, bool) {
    may_fail!(Flags, _ => (true, true));
    match rustix::fs::fcntl_getfl(fd).map(|flags| flags & OFlags::ACCMODE) {
        Ok(OFlags::RDONLY) => (true, false),
        Ok(OFlags::WRONLY) => (false, true),
        Ok(_) | Err(_) => (true, true),
    }
}

/// Whether no call for a descriptor waits.
pub(crate) fn is_nonblocking(fd: impl AsFd) -> bool {
    may_fail!(Flags, _ => false);
    rustix::fs::fcntl_getfl(fd).is_ok_and(|flags| flags.contains(OFlags::NONBLOCK))
}

/// A descriptor to have in reserve.
pub(crate) fn open_reserve() -> io::Result<OwnedFd> {
    may_fail!(Open);
    #[cfg(feature = "simulation")]
    if let Some(sockets) = crate::simulation::current() {
        return sockets.reserve();
    }
    Ok(rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

fn await_nothing(fd: impl AsFd, flags: PollFlags) -> io::Result<()> {
    may_fail!(Poll);
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut asked = [PollFd::new(&fd, flags)];
    match poll(&mut asked, Some(&at_once))? {
        0 => Err(io::ErrorKind::WouldBlock.into()),
        _ => Ok(()),
    }
}

/// A pipe that is ready to be written to takes so much without blocking (`PIPE_BUF`, pipe(7)).
const ATOMIC: usize = 4096;

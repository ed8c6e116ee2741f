//! Pipes, terminals and files: poll(2), read(2), write(2), open(2), fcntl(2).

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

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

/// A terminal by a description of one's own, for which no call waits. That of `fd`, which others may have
/// too, stays as it is.
pub(crate) fn open_terminal_again(fd: impl AsFd) -> io::Result<OwnedFd> {
    // To open this is to make a new terminal.
    if is_screen(&fd) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let device = device_of(&fd)?;
    let path = format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd());
    let again = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mode = rustix::fs::fcntl_getfl(&fd)? & OFlags::ACCMODE;
    let opened = rustix::fs::open(path, mode | again, Mode::empty())?;
    if device_of(&opened)? != device {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(opened)
}

/// Whether it is the side of who draws a terminal.
pub(crate) fn is_screen(fd: impl AsFd) -> bool {
    device_of(fd).is_ok_and(|device| device == MULTIPLEXER)
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

/// The numbers of a device.
fn device_of(fd: impl AsFd) -> io::Result<(u32, u32)> {
    let device = rustix::fs::fstat(fd)?.st_rdev;
    Ok((rustix::fs::major(device), rustix::fs::minor(device)))
}

/// `/dev/ptmx` (pts(4)).
const MULTIPLEXER: (u32, u32) = (5, 2);

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

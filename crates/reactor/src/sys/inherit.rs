//! Descriptors that came with the process, and the variables that speak of them.
//!
//! With `fork.rs` the only unsafe code of the project: no safe function makes an owner of a number, or
//! changes the environment. Never knows what the variables say: `inherited.rs` reads them.

use std::env;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use super::may_fail;

/// Whether a descriptor is open, and can have come through an exec: then it is not closed on exec.
pub(crate) fn has_come_through_exec(fd: RawFd) -> io::Result<bool> {
    flags(fd).map(|flags| flags & libc::FD_CLOEXEC == 0)
}

/// Takes such a descriptor. From then on it is closed on exec.
#[expect(unsafe_code, reason = "no safe function makes an owner of a number")]
pub(crate) fn adopt(fd: RawFd) -> io::Result<OwnedFd> {
    let flags = flags(fd)?;
    if flags & libc::FD_CLOEXEC != 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    may_fail!(Flags);
    // SAFETY: fcntl takes any number; a flag of ours is all that it changes.
    let set = unsafe { libc::fcntl(fd, libc::F_SETFD, flags | libc::FD_CLOEXEC) };
    if set < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: The descriptor is open. That nobody else in this process owns it: whatever std, mio, rustix
    // and this crate open is closed on exec, so an owner could only have made it without; and whoever called
    // this before has set the flag.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[expect(unsafe_code, reason = "no safe function asks about a number")]
fn flags(fd: RawFd) -> io::Result<libc::c_int> {
    may_fail!(Flags);
    // SAFETY: fcntl takes any number, and only looks.
    match unsafe { libc::fcntl(fd, libc::F_GETFD) } {
        flags if flags < 0 => Err(io::Error::last_os_error()),
        flags => Ok(flags),
    }
}

/// Removes variables, if this is the only thread; else says how many there are.
#[expect(unsafe_code, reason = "no safe function changes the environment")]
pub(crate) fn remove_variables(names: &[&str]) -> io::Result<Result<(), usize>> {
    let threads = super::process::threads()?;
    if threads > 1 {
        return Ok(Err(threads));
    }
    for name in names {
        // SAFETY: The danger is another thread that reads the environment meanwhile. There is none: we have
        // counted one, which is this, and nobody else could have started another since.
        unsafe { env::remove_var(name) };
    }
    Ok(Ok(()))
}

//! fork(2), and the mask of signals that it needs.
//!
//! With `inherit.rs` the only unsafe code of the project. Promises that [`fork`] is safe to call: it
//! refuses where fork is not. Never knows what a kernel is: `kernel/fork.rs` says what the child has to do.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use super::{may_fail, process};

/// Which of the two processes this is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Parent { child: u32 },
    Child,
}

/// Why there is no second process.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The process has so many threads.
    Threads(usize),
    System(io::Error),
}

/// Makes a second process, a copy of this one.
///
/// Takes [`Quiet`] as its witness, so that the child can be set up before a signal is handled in it.
#[expect(unsafe_code, reason = "no safe function forks")]
pub(crate) fn fork(_: &Quiet) -> Result<Side, Refused> {
    let threads = process::threads().map_err(Refused::System)?;
    if threads > 1 {
        return Err(Refused::Threads(threads));
    }
    may_fail!(Fork, error => Err(Refused::System(error)));
    // SAFETY: The danger of fork is other threads: the child has a copy of every lock they hold and of
    // all they were changing, and not the threads that would finish. There are none: we have counted
    // one, which is this, besides threads that the system is taking away and that will not run again; and
    // nobody else could have started another since. So the child is as whole as the parent is, and may do
    // what the parent may.
    let pid = unsafe { libc::fork() };
    match u32::try_from(pid) {
        Ok(0) => Ok(Side::Child),
        Ok(child) => Ok(Side::Parent { child }),
        Err(_) => Err(Refused::System(io::Error::last_os_error())),
    }
}

/// While it lives, signals wait: none is handled in this thread.
pub(crate) struct Quiet {
    before: libc::sigset_t,
}

impl Quiet {
    #[expect(unsafe_code, reason = "no safe function sets the mask")]
    pub(crate) fn begin() -> Self {
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: the set is ours to write to, and is written as a whole.
        unsafe { libc::sigfillset(all.as_mut_ptr()) };
        let mut before = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: the first set was filled above; the second is ours to write to.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) };
        // SAFETY: written by the call above, which fails only for another first argument.
        Self { before: unsafe { before.assume_init() } }
    }
}

impl Drop for Quiet {
    #[expect(unsafe_code, reason = "no safe function sets the mask")]
    fn drop(&mut self) {
        // SAFETY: the set is one that the system gave us; nothing is written.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut())
        };
    }
}

//! The process's limit of descriptors, lowered for the time of a test.

use std::os::fd::{AsFd, OwnedFd};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A lowered limit. Dropping it puts the old one back.
#[derive(Debug)]
pub(crate) struct Lowered {
    before: Rlimit,
}

impl Lowered {
    /// From now on no new descriptor has a number of `limit` or above.
    pub(crate) fn to(limit: usize) -> Self {
        let before = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(limit as u64), ..before })
            .expect("setrlimit");
        Self { before }
    }
}

impl Drop for Lowered {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.before).expect("setrlimit");
    }
}

/// Takes descriptors until there is none left.
pub(crate) fn take_all() -> Vec<OwnedFd> {
    let mut taken = Vec::new();
    while let Ok(fd) = rustix::io::fcntl_dupfd_cloexec(std::io::stderr(), 0) {
        taken.push(fd);
    }
    taken
}

/// Moves a descriptor to a number that no lowered limit touches: it is a client's, and in a process of
/// its own it would not count.
pub(crate) fn elsewhere<T: AsFd + From<OwnedFd>>(descriptor: T) -> T {
    let moved = rustix::io::fcntl_dupfd_cloexec(&descriptor, ELSEWHERE).expect("a high number");
    drop(descriptor);
    moved.into()
}

const ELSEWHERE: i32 = 1000;

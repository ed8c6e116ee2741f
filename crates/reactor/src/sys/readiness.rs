//! What a descriptor is ready for at this moment: poll(2), without waiting.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};

use super::may_fail;
use crate::wheel::Readiness;

/// Which of `asked` the descriptor is ready for: readable, writable, urgent.
///
/// A descriptor whose peer is gone or that has an error is ready for all of them: doing it will tell. So
/// is one that the system will not look at, lest nobody ever hears of it.
pub(crate) fn ready_for(fd: impl AsFd, asked: Readiness) -> Readiness {
    let mut flags = PollFlags::empty();
    for (readiness, flag) in FLAGS {
        flags.set(flag, asked.contains(readiness));
    }
    let mut fds = [PollFd::new(&fd, flags)];
    let Ok(_) = retry_on_intr(|| look(&mut fds)) else { return asked };
    let found = fds[0].revents();
    if found.intersects(GONE) {
        return asked;
    }
    let ready = FLAGS.into_iter().filter(|(_, flag)| found.contains(*flag));
    ready.fold(Readiness::NONE, |all, (readiness, _)| all.with(readiness))
}

fn look(fds: &mut [PollFd<'_>]) -> Result<usize, Errno> {
    may_fail!(Poll, error => Err(Errno::from_io_error(&error).unwrap_or(Errno::INVAL)));
    poll(fds, Some(&AT_ONCE))
}

const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

const FLAGS: [(Readiness, PollFlags); 3] = [
    (Readiness::READABLE, PollFlags::IN),
    (Readiness::WRITABLE, PollFlags::OUT),
    (Readiness::URGENT, PollFlags::PRI),
];

/// Told without being asked for.
const GONE: PollFlags = PollFlags::HUP.union(PollFlags::ERR).union(PollFlags::NVAL);

//! Watching: `epoll_ctl(2)`, which is the kernel's.

use std::io;
use std::os::fd::AsFd;

use reactor::{Io, WatchId, Watched};

use super::may_fail;

pub(crate) fn watch(io: &mut Io<'_>, fd: impl AsFd) -> io::Result<Watched> {
    may_fail!(Watch);
    io.watch(fd)
}

pub(crate) fn watch_also(io: &mut Io<'_>, fd: impl AsFd) -> io::Result<(WatchId, Watched)> {
    may_fail!(WatchAlso);
    io.watch_also(fd)
}

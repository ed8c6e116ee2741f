//! Sockets in the file system: open(2), stat(2), chmod(2), flock(2), unlink(2).

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, FileType, FlockOperation, Mode, OFlags, Stat};

use super::may_fail;

/// What is at a name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) is_socket: bool,
    /// The rights alone, `0o777` at most.
    pub(crate) mode: u32,
}

/// Names a node for as long as somebody has it open; then the system may give the number to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NodeId {
    device: u64,
    inode: u64,
}

impl Node {
    fn from_system(stat: &Stat) -> Self {
        Self {
            id: NodeId { device: stat.st_dev, inode: stat.st_ino },
            is_socket: FileType::from_raw_mode(stat.st_mode) == FileType::Socket,
            mode: stat.st_mode & RIGHTS,
        }
    }
}

/// A directory, to find its entries by. Being allowed to read it is not needed.
pub(crate) fn find_directory(path: &Path) -> io::Result<OwnedFd> {
    may_fail!(Open);
    Ok(fs::open(path, LOOK | OFlags::DIRECTORY, Mode::empty())?)
}

/// A node as it is, be it a symbolic link. It keeps its number while this is open.
pub(crate) fn find_node(directory: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    may_fail!(Open);
    Ok(fs::openat(directory, name, LOOK | OFlags::NOFOLLOW, Mode::empty())?)
}

/// A way to a node that is found already, whatever its name has come to mean (proc(5)).
pub(crate) fn path_of_node(node: impl AsFd) -> PathBuf {
    format!("/proc/self/fd/{}", node.as_fd().as_raw_fd()).into()
}

pub(crate) fn stat_node(node: impl AsFd) -> io::Result<Node> {
    may_fail!(Stat);
    Ok(Node::from_system(&fs::fstat(node)?))
}

/// What is at the name, be it a symbolic link.
pub(crate) fn stat_name(directory: impl AsFd, name: &OsStr) -> io::Result<Node> {
    may_fail!(Stat);
    Ok(Node::from_system(&fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?))
}

/// The rights of the node that the socket is going to be bound to, at most (unix(7)).
pub(crate) fn set_mode(socket: impl AsFd, mode: u32) -> io::Result<()> {
    may_fail!(Fchmod);
    Ok(fs::fchmod(socket, Mode::from_raw_mode(mode))?)
}

pub(crate) fn change_mode(node: impl AsFd, mode: u32) -> io::Result<()> {
    may_fail!(Chmod);
    Ok(fs::chmod(path_of_node(node), Mode::from_raw_mode(mode))?)
}

/// The same directory, to be locked.
pub(crate) fn open_directory(directory: impl AsFd) -> io::Result<OwnedFd> {
    may_fail!(Open);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(fs::openat(directory, ".", flags, Mode::empty())?)
}

/// Locks it until it is closed, or would block.
pub(crate) fn try_lock(directory: impl AsFd) -> io::Result<()> {
    may_fail!(Flock);
    Ok(fs::flock(directory, FlockOperation::NonBlockingLockExclusive)?)
}

pub(crate) fn unlink(directory: impl AsFd, name: &OsStr) -> io::Result<()> {
    may_fail!(Unlink);
    Ok(fs::unlinkat(directory, name, AtFlags::empty())?)
}

const RIGHTS: u32 = 0o777;

/// Opens nothing, but finds it.
const LOOK: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

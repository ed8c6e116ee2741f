//! The paths that sockets are bound to.
//!
//! Owns a path from bind(2) until it is unlinked. Promises three things:
//!
//! * The rights are as asked, and never wider, not for a moment. Linux gives the node those of the unbound
//!   socket, less the umask, which belongs to the whole process and is left alone. What the umask took
//!   away is put back when the node is there.
//! * A path that a dead server left is taken over, and only such a one. A socket has died if it refuses
//!   connections of every type. The first that is tried is of datagrams: to a living socket for anything
//!   else it is of the wrong type (`EPROTOTYPE`), whether that listens, does not listen yet, or has a full
//!   queue, and its owner notices nothing. Linux needs no more; gVisor refuses it for a live stream, too.
//! * A path is unlinked by the process that bound it, never by its fork, and only while it names the node
//!   that was bound.
//!
//! Nothing here waits: what cannot be found out at once counts as in use.
//!
//! There is no call that unlinks a given node and no other. Between the look at a name and its unlinking
//! nobody else may put a fresh socket there:
//!
//! * Two that start at once, and find the same stale path, exclude each other by flock(2) of the directory,
//!   from before the look until they are bound. Somebody who binds without it comes too late for a name
//!   that is taken. So what remains is who removes a stale socket by other means, and another who binds
//!   just then, both between two calls of ours.
//! * While the owner lives, its path is not stale, so none of us touches it. What remains is again somebody
//!   who unlinks what is in use and binds there, between two calls of the owner that closes. And the
//!   first look, just after bind(2), believes that nobody did so in between.
//!
//! Numbers of nodes are used again at once when the last one who has it open is gone. Therefore the node
//! is held while it is examined, and the path has to go before the socket is closed.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process;

use crate::address::{Address, UnixAddress};
use crate::family::{Domain, SocketType};
use crate::sys::{self, NodeId, errno};

/// What becomes of a path.
#[derive(Clone, Debug)]
pub(crate) struct PathOptions {
    /// The rights, `0o777` at most. Without it: all, less the umask.
    pub(crate) mode: Option<u32>,
    pub(crate) unlink_on_close: bool,
}

impl Default for PathOptions {
    fn default() -> Self {
        Self { mode: None, unlink_on_close: true }
    }
}

/// The path that a socket is bound to, which goes with it. To be dropped before the socket is.
#[derive(Debug)]
pub(crate) struct BoundPath {
    place: Place,
    node: NodeId,
    process: u32,
}

/// A name in a directory. The directory is held, not remembered by its path: the process may change its
/// own, and somebody may rename this one.
#[derive(Debug)]
struct Place {
    directory: OwnedFd,
    name: OsString,
}

impl BoundPath {
    /// Binds a socket to a path, in place of a dead one if need be. None if it is not to be unlinked.
    ///
    /// # Errors
    ///
    /// `EADDRINUSE`: something is there that is no dead socket, or cannot be proved to be one, or cannot
    /// be removed. `EINVAL`: a mode beyond `0o777`. Else what open(2) of its directory and bind(2) say.
    pub(crate) fn bind(
        socket: impl AsFd,
        path: &Path,
        options: &PathOptions,
    ) -> io::Result<Option<Self>> {
        let address = Address::from(UnixAddress::Path(path.to_owned()));
        if let Some(mode) = options.mode {
            if mode > MOST {
                return Err(io::Error::from_raw_os_error(errno::INVAL));
            }
            sys::set_mode(&socket, mode)?;
        }
        let bind = || sys::bind(&socket, &address);
        let Some(place) = Place::find(path)? else {
            return bind().map(|()| None);
        };
        match bind() {
            Err(error) if is_in_use(&error) => {
                place.bind_over(bind).unwrap_or(Err(error))?;
                log::info!(target: "wheels::bind", "{}: in place of a dead socket", path.display());
            }
            bound => bound?,
        }
        let node = sys::stat_name(&place.directory, &place.name)?;
        let bound = Self { place, node: node.id, process: process::id() };
        if let Some(mode) = options.mode
            && mode != node.mode
        {
            bound.widen(mode)?;
        }
        if options.unlink_on_close {
            return Ok(Some(bound));
        }
        bound.keep();
        Ok(None)
    }

    /// Leaves the path where it is.
    pub(crate) fn keep(mut self) {
        self.process = NOBODY;
    }

    /// chmod(2) goes by a path, and a symbolic link could have come to ours.
    fn widen(&self, mode: u32) -> io::Result<()> {
        let node = sys::find_node(&self.place.directory, &self.place.name)?;
        if sys::stat_node(&node)?.id != self.node {
            return Err(io::Error::from_raw_os_error(errno::ADDRINUSE));
        }
        sys::change_mode(&node, mode)
    }
}

impl Drop for BoundPath {
    fn drop(&mut self) {
        if self.process != process::id() {
            return;
        }
        match self.place.unlink_if(self.node) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                log::warn!(target: "wheels::bind", "{}: left behind: {error}", self.place.name.display());
            }
        }
    }
}

impl Place {
    /// None for what can only be a directory, as `..` and `name/` can: there bind(2) knows what is wrong.
    fn find(path: &Path) -> io::Result<Option<Self>> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
        if !path.as_os_str().as_encoded_bytes().ends_with(name.as_encoded_bytes()) {
            return Ok(None);
        }
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        Ok(Some(Self { directory: sys::find_directory(parent)?, name: name.to_owned() }))
    }

    /// Binds to a name that a dead socket has. None if it is not one, or that cannot be known now.
    fn bind_over(&self, bind: impl Fn() -> io::Result<()>) -> Option<io::Result<()>> {
        let _lock = self.lock()?;
        let node = sys::find_node(&self.directory, &self.name).ok()?;
        let found = sys::stat_node(&node).ok()?;
        // bind(2) puts the node there before it can be connected to, but lets no other bind there until it
        // can be: if the node that we hold is just being bound, then it will have been when this fails.
        match bind() {
            Err(error) if is_in_use(&error) => {}
            bound => return Some(bound),
        }
        if !found.is_socket || !is_dead(&node) || !self.unlink_if(found.id).ok()? {
            return None;
        }
        Some(bind())
    }

    /// Another has the lock for as long as it takes to do the above, or for ever: some programs keep that
    /// of their directory so that nobody tidies up there. It is asked for some times, and not waited for.
    fn lock(&self) -> Option<OwnedFd> {
        let directory = sys::open_directory(&self.directory).ok()?;
        (0..LOCK_TRIES).any(|_| sys::try_lock(&directory).is_ok()).then_some(directory)
    }

    /// Whether it was that node, and is gone.
    fn unlink_if(&self, node: NodeId) -> io::Result<bool> {
        let is_that = sys::stat_name(&self.directory, &self.name)?.id == node;
        if is_that {
            sys::unlink(&self.directory, &self.name)?;
        }
        Ok(is_that)
    }
}

/// Whether no socket is bound to the node any more.
fn is_dead(node: &OwnedFd) -> bool {
    let address = Address::from(UnixAddress::Path(sys::path_of_node(node)));
    [SocketType::Dgram, SocketType::Stream, SocketType::SeqPacket].into_iter().all(|kind| {
        sys::socket(Domain::Unix, kind, None)
            .and_then(|probe| sys::connect(&probe, &address))
            .is_err_and(|error| error.raw_os_error() == Some(errno::CONNREFUSED))
    })
}

fn is_in_use(error: &io::Error) -> bool {
    error.raw_os_error() == Some(errno::ADDRINUSE)
}

/// No process has this number.
const NOBODY: u32 = 0;

/// Read, write and search for all.
const MOST: u32 = 0o777;

/// A millisecond, on a busy machine two: others have replaced some five dead sockets by then.
const LOCK_TRIES: usize = 1000;

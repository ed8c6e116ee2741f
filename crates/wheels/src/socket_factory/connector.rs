//! Connecting, and when to believe it.
//!
//! Owns the socket on its way. Promises one end: made or failed. A writable socket is not a connected
//! one: first the error that waits on it is asked for, then the peer, and a peer that is this very
//! socket is refused.

use std::io;
use std::os::fd::OwnedFd;

use reactor::{Readiness, WheelId};

use crate::address::Address;
use crate::failure::{Failure, Operation};
use crate::family::SocketType;
use crate::socket::Socket;
use crate::sys::{self, errno};

#[derive(Debug)]
pub(super) struct Connector {
    socket: OwnedFd,
    /// Whether something happened that was not looked at yet.
    ready: bool,
}

pub(super) enum Step {
    Made(Address),
    Failed(Failure),
}

impl Connector {
    pub(super) const fn new(socket: OwnedFd) -> Self {
        Self { socket, ready: false }
    }

    pub(super) fn ready(&mut self, readiness: Readiness) {
        self.ready |= readiness != Readiness::NONE;
    }

    /// The end, if it has come.
    pub(super) fn step(&mut self, wheel: WheelId) -> Option<Step> {
        if !std::mem::take(&mut self.ready) {
            return None;
        }
        match self.peer() {
            Ok(peer) => Some(Step::Made(peer)),
            // No error, and no peer: still on its way.
            Err(error) if error.raw_os_error() == Some(errno::NOTCONN) => None,
            Err(error) => Some(Step::Failed(Failure::new(Operation::Connect, &error, wheel))),
        }
    }

    pub(super) fn into_socket(self) -> Socket {
        Socket::new(self.socket, SocketType::Stream)
    }

    fn peer(&self) -> io::Result<Address> {
        if let Some(error) = sys::take_error(&self.socket)? {
            return Err(error);
        }
        let peer = sys::peer_addr(&self.socket)?;
        // On loopback, a connect to a free port of the ephemeral range may get that port as its own,
        // and meet itself. Nobody else is there.
        if sys::local_addr(&self.socket)? == peer {
            return Err(io::Error::from_raw_os_error(errno::CONNREFUSED));
        }
        Ok(peer)
    }
}

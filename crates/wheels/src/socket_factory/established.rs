//! What a factory tells of its sockets.

use std::io;

use reactor::WheelId;

use crate::address::Address;
use crate::socket::Socket;
use crate::sys::Credentials;

/// A socket that works: accepted, connected, or a datagram socket (POE: the arguments of
/// `SuccessEvent`).
#[derive(Debug)]
pub struct Established {
    /// The socket, non-blocking.
    pub socket: Socket,
    /// The address at the other end. A UNIX client has no name as a rule; an unconnected datagram
    /// socket has the unspecified address of its family. An IPv4 client of an IPv6 listener is told by
    /// its IPv4 address.
    pub peer: Address,
    /// The wheel that made it.
    pub wheel: WheelId,
}

impl Established {
    /// Who is at the other end of a UNIX socket: see [`Socket::peer_credentials`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn credentials(&self) -> io::Result<Credentials> {
        self.socket.peer_credentials()
    }
}

/// A listener is up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listening {
    /// Where, with the port that the system chose if none was given.
    pub local_addr: Address,
    /// The factory that listens.
    pub wheel: WheelId,
}

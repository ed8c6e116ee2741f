//! Sockets that are simulated.
//!
//! Only with the feature `simulation`, which is for tests. While [`within`] runs, what wheels ask the system
//! about the sockets of the internet they ask [`Sockets`] instead: this thread's, and what they make is
//! theirs for good. The kernel is told of the same network by
//! [`KernelBuilder::network`](reactor::KernelBuilder::network). What is not a socket of the internet is the
//! system's as ever: UNIX sockets, pipes, files.
//!
//! A simulated socket still has a descriptor of the system's. It is a name that nobody else has for as
//! long as it is open, and [`Sockets`] can tell by it when the socket is closed; no byte goes through it.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use crate::{Address, Domain, SocketType};

/// The calls that sockets are made of, named as the system's are. Each does and fails as the system's does on
/// a socket that does not block, with the system's numbers of errors ([`io::Error::from_raw_os_error`]).
pub trait Sockets {
    /// Whether a socket is one of these. Of others nothing else is asked.
    fn has(&self, socket: BorrowedFd<'_>) -> bool;

    /// `socket(2)`, of IPv4 or IPv6.
    ///
    /// # Errors
    ///
    /// `EMFILE`: the host has as many as it can. `ESOCKTNOSUPPORT`: of neither streams nor datagrams.
    fn socket(&self, domain: Domain, kind: SocketType) -> io::Result<OwnedFd>;

    /// `open(2)`: a descriptor that is nothing, and counts as one.
    ///
    /// # Errors
    ///
    /// As [`socket`](Self::socket).
    fn reserve(&self) -> io::Result<OwnedFd>;

    /// `bind(2)`
    ///
    /// # Errors
    ///
    /// `EADDRINUSE`, `EADDRNOTAVAIL`, `EINVAL`.
    fn bind(&self, socket: BorrowedFd<'_>, address: &Address) -> io::Result<()>;

    /// `listen(2)`
    ///
    /// # Errors
    ///
    /// `EADDRINUSE`, `EINVAL`.
    fn listen(&self, socket: BorrowedFd<'_>, backlog: i32) -> io::Result<()>;

    /// `accept4(2)`
    ///
    /// # Errors
    ///
    /// `EAGAIN`, `EMFILE`, `EINVAL`, `ECONNABORTED`.
    fn accept(&self, socket: BorrowedFd<'_>) -> io::Result<(OwnedFd, Address)>;

    /// `connect(2)`
    ///
    /// # Errors
    ///
    /// `EINPROGRESS` as a rule, and then what [`take_error`](Self::take_error) tells.
    fn connect(&self, socket: BorrowedFd<'_>, address: &Address) -> io::Result<()>;

    /// `getsockopt(2)` of `SO_ERROR`
    ///
    /// # Errors
    ///
    /// None but of the call itself.
    fn take_error(&self, socket: BorrowedFd<'_>) -> io::Result<Option<io::Error>>;

    /// `setsockopt(2)`, of what a simulated network can know. Other options are taken and do nothing.
    ///
    /// # Errors
    ///
    /// `EINVAL`: a time or a count that the system refuses.
    fn set(&self, socket: BorrowedFd<'_>, setting: Setting) -> io::Result<()>;

    /// `getsockname(2)`
    ///
    /// # Errors
    ///
    /// None but of the call itself.
    fn local_addr(&self, socket: BorrowedFd<'_>) -> io::Result<Address>;

    /// `getpeername(2)`
    ///
    /// # Errors
    ///
    /// `ENOTCONN`.
    fn peer_addr(&self, socket: BorrowedFd<'_>) -> io::Result<Address>;

    /// `recv(2)`, of a stream
    ///
    /// # Errors
    ///
    /// `EAGAIN`, `ECONNRESET`, `ETIMEDOUT`, `ENOTCONN`.
    fn recv(&self, socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize>;

    /// `sendmsg(2)`, of a stream
    ///
    /// # Errors
    ///
    /// `EAGAIN`, `EPIPE`, `ECONNRESET`, `ETIMEDOUT`, `ENOTCONN`.
    fn send(&self, socket: BorrowedFd<'_>, runs: &[IoSlice<'_>]) -> io::Result<usize>;

    /// `shutdown(2)`
    ///
    /// # Errors
    ///
    /// `ENOTCONN`.
    fn shutdown(&self, socket: BorrowedFd<'_>, how: Shutdown) -> io::Result<()>;

    /// `recvmsg(2)` of one datagram: how long it was, which may be more than there was room for, and whose.
    ///
    /// # Errors
    ///
    /// `EAGAIN`, `ECONNREFUSED`.
    fn recv_from(
        &self,
        socket: BorrowedFd<'_>,
        buffer: &mut [u8],
    ) -> io::Result<(usize, SocketAddr)>;

    /// `sendmsg(2)` of one datagram.
    ///
    /// # Errors
    ///
    /// `EAGAIN`, `EMSGSIZE`, `EDESTADDRREQ`, `ECONNREFUSED`.
    fn send_to(
        &self,
        socket: BorrowedFd<'_>,
        payload: &[u8],
        to: Option<&Address>,
    ) -> io::Result<()>;

    /// `getaddrinfo(3)`, of a host alone; none if nobody has the name.
    fn resolve(&self, host: Option<&str>) -> Vec<std::net::IpAddr>;
}

/// An option of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Setting {
    /// `IPV6_V6ONLY`
    OnlyV6(bool),
    /// `SO_REUSEPORT`, on.
    ReusePort,
    /// `SO_RCVBUF`, in bytes.
    ReceiveBuffer(usize),
    /// `SO_SNDBUF`, in bytes.
    SendBuffer(usize),
    /// `SO_LINGER`, on and zero: closing breaks the connection.
    ResetOnClose,
    /// `SO_KEEPALIVE`, on.
    Keepalive,
    /// `TCP_KEEPIDLE`
    KeepaliveIdle(Duration),
    /// `TCP_KEEPINTVL`
    KeepaliveInterval(Duration),
    /// `TCP_KEEPCNT`
    KeepaliveCount(u8),
    /// `TCP_USER_TIMEOUT`
    UserTimeout(Duration),
}

/// Runs `act`, in which the sockets that wheels make are these.
///
/// Within another it counts alone.
pub fn within<R>(sockets: &Rc<dyn Sockets>, act: impl FnOnce() -> R) -> R {
    /// Puts back what was before, after a panic too.
    struct Before(Option<Rc<dyn Sockets>>);

    impl Drop for Before {
        fn drop(&mut self) {
            IS_WITHIN.set(self.0.is_some());
            CURRENT.set(self.0.take());
        }
    }

    let _before = Before(CURRENT.replace(Some(Rc::clone(sockets))));
    IS_WITHIN.set(true);
    act()
}

thread_local! {
    static CURRENT: Cell<Option<Rc<dyn Sockets>>> = const { Cell::new(None) };
    /// Whether there are any, by itself: it is asked before every call, of programs too that were built
    /// beside such a test.
    static IS_WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// Those that are asked here and now.
#[inline]
pub(crate) fn current() -> Option<Rc<dyn Sockets>> {
    if IS_WITHIN.get() { find_current() } else { None }
}

#[inline(never)]
fn find_current() -> Option<Rc<dyn Sockets>> {
    let current = CURRENT.take();
    CURRENT.set(current.clone());
    current
}

/// Those whose socket it is.
#[inline]
pub(crate) fn of(socket: &impl AsFd) -> Option<Rc<dyn Sockets>> {
    current().filter(|sockets| sockets.has(socket.as_fd()))
}

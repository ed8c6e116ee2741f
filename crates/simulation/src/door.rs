//! A host's way to the network: what its kernel waits on, and what its wheels call.

use std::io::{self, IoSlice};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;

use reactor::simulation::Notice;
use wheels::simulation::{Setting, Sockets};
use wheels::{Address, Domain, SocketType};

use crate::network::{Network, Place};

pub(crate) struct Door {
    pub(crate) network: Rc<Network>,
    pub(crate) host: Place,
}

impl reactor::simulation::Network for Door {
    fn watch(&self, fd: RawFd, token: usize) -> bool {
        self.network.with(|network| network.watch(fd, token))
    }

    fn forget(&self, fd: RawFd) -> bool {
        self.network.with(|network| network.forget(fd))
    }

    fn notices(&self, notices: &mut Vec<Notice>) {
        self.network.with(|network| network.notices(self.host, notices));
    }
}

impl Sockets for Door {
    fn has(&self, socket: BorrowedFd<'_>) -> bool {
        self.network.with(|network| network.has(socket.as_raw_fd()))
    }

    fn socket(&self, domain: Domain, kind: SocketType) -> io::Result<OwnedFd> {
        self.network.with(|network| network.open(self.host, domain, kind))
    }

    fn reserve(&self) -> io::Result<OwnedFd> {
        self.network.with(|network| network.reserve(self.host))
    }

    fn bind(&self, socket: BorrowedFd<'_>, address: &Address) -> io::Result<()> {
        self.network.with(|network| network.bind(socket.as_raw_fd(), address))
    }

    fn listen(&self, socket: BorrowedFd<'_>, backlog: i32) -> io::Result<()> {
        self.network.with(|network| network.listen(socket.as_raw_fd(), backlog))
    }

    fn accept(&self, socket: BorrowedFd<'_>) -> io::Result<(OwnedFd, Address)> {
        let accepted = self.network.with(|network| network.accept(socket.as_raw_fd()));
        accepted.map(|(socket, from)| (socket, from.into()))
    }

    fn connect(&self, socket: BorrowedFd<'_>, address: &Address) -> io::Result<()> {
        self.network.with(|network| network.connect(socket.as_raw_fd(), address))
    }

    fn take_error(&self, socket: BorrowedFd<'_>) -> io::Result<Option<io::Error>> {
        self.network.with(|network| network.take_error(socket.as_raw_fd()))
    }

    fn set(&self, socket: BorrowedFd<'_>, setting: Setting) -> io::Result<()> {
        self.network.with(|network| network.set(socket.as_raw_fd(), setting))
    }

    fn local_addr(&self, socket: BorrowedFd<'_>) -> io::Result<Address> {
        let local = self.network.with(|network| network.local_addr(socket.as_raw_fd()));
        local.map(Into::into)
    }

    fn peer_addr(&self, socket: BorrowedFd<'_>) -> io::Result<Address> {
        let peer = self.network.with(|network| network.peer_addr(socket.as_raw_fd()));
        peer.map(Into::into)
    }

    fn recv(&self, socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
        self.network.with(|network| network.recv(socket.as_raw_fd(), buffer))
    }

    fn send(&self, socket: BorrowedFd<'_>, runs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.network.with(|network| network.send(socket.as_raw_fd(), runs))
    }

    fn shutdown(&self, socket: BorrowedFd<'_>, how: Shutdown) -> io::Result<()> {
        self.network.with(|network| network.shutdown(socket.as_raw_fd(), how))
    }

    fn recv_from(
        &self,
        socket: BorrowedFd<'_>,
        buffer: &mut [u8],
    ) -> io::Result<(usize, SocketAddr)> {
        self.network.with(|network| network.recv_from(socket.as_raw_fd(), buffer))
    }

    fn send_to(
        &self,
        socket: BorrowedFd<'_>,
        payload: &[u8],
        to: Option<&Address>,
    ) -> io::Result<()> {
        self.network.with(|network| network.send_to(socket.as_raw_fd(), payload, to))
    }

    fn resolve(&self, host: Option<&str>) -> Vec<IpAddr> {
        self.network.with(|network| network.resolve(host))
    }
}

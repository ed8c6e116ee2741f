//! Sockets as such: made, bound, and closed.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use wheels::{Address, SocketType};

use super::{Kind, Place, Socket, State, errno};

impl State {
    pub(crate) fn has(&self, fd: RawFd) -> bool {
        self.socket(fd).is_ok()
    }

    pub(crate) fn open(&mut self, host: Place, kind: SocketType) -> io::Result<OwnedFd> {
        match kind {
            SocketType::Stream => self.add(host, Kind::Stream(None)),
            SocketType::Dgram => {
                let kind = Kind::Datagram { peer: None, inbox: VecDeque::new(), error: None };
                self.add(host, kind)
            }
            SocketType::SeqPacket | _ => Err(errno::error(errno::OPNOTSUPP)),
        }
    }

    pub(crate) fn reserve(&mut self, host: Place) -> io::Result<OwnedFd> {
        self.add(host, Kind::Reserve)
    }

    /// Gives a socket a descriptor.
    pub(super) fn add(&mut self, host: Place, kind: Kind) -> io::Result<OwnedFd> {
        self.check_room(host)?;
        let (given, kept) = self.closing.open()?;
        let fd = given.as_raw_fd();
        let place = usize::try_from(fd).expect("no descriptor is negative");
        if self.sockets.len() <= place {
            self.sockets.resize_with(place + 1, || None);
        }
        // Closed already: somebody else has its descriptor now.
        self.closed(fd);
        let number = self.number();
        self.hosts[host].open += 1;
        let socket =
            Socket { number, host, _other: kept, local: None, kind, token: None, announced: false };
        self.sockets[place] = Some(socket);
        Ok(given)
    }

    /// Whether the host may have one more.
    pub(super) fn check_room(&mut self, host: Place) -> io::Result<()> {
        if self.hosts[host].open >= self.hosts[host].most_open {
            self.collect_closed();
        }
        if self.hosts[host].open >= self.hosts[host].most_open {
            return Err(errno::error(errno::MFILE));
        }
        Ok(())
    }

    /// Does what is to be done for all that was closed.
    pub(crate) fn collect_closed(&mut self) {
        loop {
            let closed = self.closing.closed();
            if closed.is_empty() {
                return;
            }
            for fd in closed {
                self.closed(fd);
            }
        }
    }

    fn closed(&mut self, fd: RawFd) {
        let place = usize::try_from(fd).ok().and_then(|fd| self.sockets.get_mut(fd));
        let Some(socket) = place.and_then(Option::take) else { return };
        self.hosts[socket.host].open -= 1;
        self.hosts[socket.host].ready.retain(|ready| *ready != fd);
        match socket.kind {
            _ if !self.hosts[socket.host].is_up => {}
            Kind::Stream(Some(end)) => self.close_end(end),
            Kind::Listener { queue, .. } => queue.into_iter().for_each(|end| self.abort_end(end)),
            Kind::Stream(None) | Kind::Reserve | Kind::Datagram { .. } => {}
        }
    }

    pub(crate) fn bind(&mut self, fd: RawFd, address: &Address) -> io::Result<()> {
        self.collect_closed();
        let socket = self.socket(fd)?;
        let host = socket.host;
        let kind = match socket.kind {
            Kind::Datagram { .. } => SocketType::Dgram,
            Kind::Stream(_) | Kind::Listener { .. } | Kind::Reserve => SocketType::Stream,
        };
        let (Some(mut address), None) = (address.as_ip(), socket.local) else {
            return Err(errno::error(errno::INVAL));
        };
        if !self.hosts[host].can_bind(address.ip()) {
            return Err(errno::error(errno::ADDRNOTAVAIL));
        }
        if address.port() == 0 {
            address.set_port(self.ephemeral(host, address.ip(), kind)?);
        } else if self.is_taken(host, address, kind) {
            return Err(errno::error(errno::ADDRINUSE));
        }
        self.socket_mut(fd)?.local = Some(address);
        Ok(())
    }

    pub(super) fn ephemeral(
        &mut self,
        host: Place,
        address: IpAddr,
        kind: SocketType,
    ) -> io::Result<u16> {
        let port = self.free_port(host, address, kind);
        port.ok_or_else(|| errno::error(errno::ADDRNOTAVAIL))
    }

    /// Where it is bound; nowhere: the system tells zeros.
    pub(crate) fn local_addr(&self, fd: RawFd) -> io::Result<SocketAddr> {
        let socket = self.socket(fd)?;
        let of_end = match &socket.kind {
            Kind::Stream(Some(end)) => self.ends.get(end).map(|end| end.local),
            Kind::Stream(None) | Kind::Reserve | Kind::Listener { .. } | Kind::Datagram { .. } => {
                None
            }
        };
        Ok(of_end.or(socket.local).unwrap_or_else(|| ([0, 0, 0, 0], 0).into()))
    }
}

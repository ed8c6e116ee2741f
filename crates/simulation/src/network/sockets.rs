//! Sockets as such: made, bound, and closed.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use wheels::{Address, Domain, SocketType};

use super::hosts::canonical;
use super::settings::Settings;
use super::{Kind, Place, Socket, State, errno};

impl State {
    /// Whether it is a socket of ours.
    pub(crate) fn has(&mut self, fd: RawFd) -> bool {
        match self.socket(fd).map(|socket| socket.token) {
            Err(_) => false,
            // What is watched is forgotten before it is closed.
            Ok(Some(_)) => true,
            // It may have been closed, and the number be somebody else's by now.
            Ok(None) => {
                self.collect_closed();
                self.socket(fd).is_ok()
            }
        }
    }

    pub(crate) fn open(
        &mut self,
        host: Place,
        domain: Domain,
        kind: SocketType,
    ) -> io::Result<OwnedFd> {
        let kind = match kind {
            SocketType::Stream => Kind::Stream(None),
            SocketType::Dgram => Kind::Datagram { peer: None, inbox: VecDeque::new(), error: None },
            SocketType::SeqPacket | _ => return Err(errno::error(errno::SOCKTNOSUPPORT)),
        };
        self.add(host, kind, domain, Settings::default())
    }

    pub(crate) fn reserve(&mut self, host: Place) -> io::Result<OwnedFd> {
        self.add(host, Kind::Reserve, Domain::Inet, Settings::default())
    }

    /// Gives a socket a descriptor.
    pub(super) fn add(
        &mut self,
        host: Place,
        kind: Kind,
        domain: Domain,
        settings: Settings,
    ) -> io::Result<OwnedFd> {
        self.check_room(host)?;
        let number = self.number();
        let (given, kept) = self.closing.open(number)?;
        let fd = given.as_raw_fd();
        let place = usize::try_from(fd).expect("no descriptor is negative");
        if self.sockets.len() <= place {
            self.sockets.resize_with(place + 1, || None);
        }
        // Closed already: somebody else has its descriptor now.
        self.closed(fd);
        self.by_number.insert(number, fd);
        self.hosts[host].open += 1;
        self.unwatched += usize::from(!matches!(kind, Kind::Reserve));
        self.sockets[place] = Some(Socket {
            number,
            host,
            _other: kept,
            domain,
            settings,
            local: None,
            kind,
            token: None,
            announced: false,
        });
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

    /// As [`collect_closed`](Self::collect_closed), if anything can have been.
    pub(crate) fn collect_unwatched(&mut self) {
        if self.unwatched > 0 {
            self.collect_closed();
        }
    }

    /// Does what is to be done for all that was closed.
    pub(crate) fn collect_closed(&mut self) {
        loop {
            let closed = self.closing.closed();
            if closed.is_empty() {
                return;
            }
            for number in closed {
                let fd = self.by_number.get(&number).copied();
                fd.into_iter().for_each(|fd| self.closed(fd));
            }
        }
    }

    fn closed(&mut self, fd: RawFd) {
        self.unsettle(fd);
        let place = usize::try_from(fd).ok().and_then(|fd| self.sockets.get_mut(fd));
        let Some(socket) = place.and_then(Option::take) else { return };
        self.by_number.remove(&socket.number);
        self.unwatched -= usize::from(socket.is_unwatched());
        let host = &mut self.hosts[socket.host];
        host.open -= 1;
        if socket.announced {
            host.ready.retain(|ready| *ready != fd);
        }
        match socket.kind {
            Kind::Stream(Some(end)) => self.close_end(end),
            Kind::Listener { queue, .. } => queue.into_iter().for_each(|end| self.abort_end(end)),
            Kind::Stream(None) | Kind::Reserve | Kind::Datagram { .. } => {}
        }
    }

    /// All that a host has open is gone, and nobody is told. Who still has one of its sockets has an empty
    /// one.
    pub(crate) fn crash(&mut self, host: Place) {
        self.hosts[host].is_up = false;
        self.hosts[host].ready.clear();
        self.told.remove(&host);
        let of_host = |socket: &&Socket| socket.host == host;
        let fds = self.sockets.iter().flatten().filter(of_host);
        let fds: Vec<RawFd> =
            fds.filter_map(|socket| self.by_number.get(&socket.number).copied()).collect();
        for fd in fds {
            self.unsettle(fd);
            let Ok(socket) = self.socket_mut(fd) else { continue };
            let was_unwatched = socket.is_unwatched();
            (socket.kind, socket.token, socket.announced) = (Kind::Reserve, None, false);
            self.unwatched -= usize::from(was_unwatched);
        }
        self.crash_ends(host);
    }

    pub(crate) fn bind(&mut self, fd: RawFd, address: &Address) -> io::Result<()> {
        self.collect_closed();
        let socket = self.socket(fd)?;
        let (Some(address), None) = (address.as_ip(), socket.local) else {
            return Err(errno::error(errno::INVAL));
        };
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        if address.is_ipv6() && !socket.is_v6() {
            return Err(errno::error(errno::AFNOSUPPORT));
        }
        if address.is_ipv4() && socket.is_v6() && socket.settings.only_v6 {
            return Err(errno::error(errno::INVAL));
        }
        if !self.hosts[socket.host].can_bind(address.ip()) {
            return Err(errno::error(errno::ADDRNOTAVAIL));
        }
        let free = if address.port() == 0 {
            self.free_port(fd, address, None)?
        } else {
            Some(address).filter(|address| !self.is_taken(socket, *address))
        };
        self.settle(fd, free.ok_or_else(|| errno::error(errno::ADDRINUSE))?)
    }

    /// Where it is bound, or will be now that it is known whom it talks to.
    pub(super) fn local_towards(
        &mut self,
        fd: RawFd,
        remote: SocketAddr,
    ) -> io::Result<SocketAddr> {
        let socket = self.socket(fd)?;
        if remote.is_ipv6() && !socket.is_v6()
            || remote.is_ipv4() && socket.is_v6() && socket.settings.only_v6
        {
            return Err(errno::error(errno::AFNOSUPPORT));
        }
        let own = self.hosts[socket.host].address_towards(remote.ip());
        match socket.local {
            Some(bound) if bound.ip().is_unspecified() => Ok(SocketAddr::new(own, bound.port())),
            Some(bound) => Ok(bound),
            None => {
                let free = self.free_port(fd, SocketAddr::new(own, 0), Some(remote))?;
                free.ok_or_else(|| errno::error(errno::ADDRNOTAVAIL))
            }
        }
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
        Ok(of_end.or(socket.local).unwrap_or_else(|| socket.unspecified()))
    }

    /// As it is for the network.
    pub(super) fn remote(address: &Address) -> io::Result<SocketAddr> {
        address.as_ip().map(canonical).ok_or_else(|| errno::error(errno::INVAL))
    }
}

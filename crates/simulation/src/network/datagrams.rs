//! Datagrams: each by itself, now and then lost, doubled or overtaken.

use std::io;
use std::net::SocketAddr;
use std::os::fd::RawFd;

use wheels::{Address, SocketType};

use super::{Due, Kind, Letter, State, errno};

impl State {
    pub(super) fn connect_datagrams(&mut self, fd: RawFd, remote: SocketAddr) -> io::Result<()> {
        let local = self.local_towards(fd, remote, SocketType::Dgram)?;
        let socket = self.socket_mut(fd)?;
        socket.local = Some(local);
        if let Kind::Datagram { peer, .. } = &mut socket.kind {
            *peer = Some(remote);
        }
        Ok(())
    }

    pub(crate) fn recv_from(
        &mut self,
        fd: RawFd,
        buffer: &mut [u8],
    ) -> io::Result<(usize, SocketAddr)> {
        let Kind::Datagram { inbox, error, .. } = &mut self.socket_mut(fd)?.kind else {
            return Err(errno::error(errno::OPNOTSUPP));
        };
        if let Some(error) = error.take() {
            return Err(errno::error(error));
        }
        let (from, payload) = inbox.pop_front().ok_or_else(|| errno::error(errno::AGAIN))?;
        let count = payload.len().min(buffer.len());
        buffer[..count].copy_from_slice(&payload[..count]);
        Ok((payload.len(), from))
    }

    pub(crate) fn send_to(
        &mut self,
        fd: RawFd,
        payload: &[u8],
        to: Option<&Address>,
    ) -> io::Result<()> {
        let socket = self.socket_mut(fd)?;
        let (number, host) = (socket.number, socket.host);
        let Kind::Datagram { peer, error, .. } = &mut socket.kind else {
            return Err(errno::error(errno::OPNOTSUPP));
        };
        if let Some(error) = error.take() {
            return Err(errno::error(error));
        }
        let to = to.and_then(Address::as_ip).or(*peer);
        let to = to.ok_or_else(|| errno::error(errno::DESTADDRREQ))?;
        if payload.len() > LONGEST {
            return Err(errno::error(errno::MSGSIZE));
        }
        let from = self.local_towards(fd, to, SocketType::Dgram)?;
        let socket = self.socket_mut(fd)?;
        // Bound by its first datagram: to a port, and to no address.
        socket.local.get_or_insert_with(|| {
            let any: std::net::IpAddr =
                if to.is_ipv4() { [0, 0, 0, 0].into() } else { [0u16; 8].into() };
            SocketAddr::new(any, from.port())
        });
        let letter = Letter { sender: number, origin: host, from, to, payload: payload.to_vec() };
        self.post(letter);
        Ok(())
    }

    fn post(&mut self, letter: Letter) {
        let host = letter.origin;
        let Some(target) = self.host_of(letter.to.ip(), host) else { return };
        let copies = match (self.conditions.is_rough && target != host, self.random.u8(..64)) {
            (true, 0 | 1) => 0,
            (true, 2) => 2,
            (true | false, _) => 1,
        };
        self.note([POSTED, letter.sender, copies]);
        for _ in 0..copies {
            let due = self.now + self.delay(host, target);
            self.schedule(due, Due::Datagram(letter.clone()));
        }
    }

    pub(super) fn hand_over(&mut self, letter: Letter) {
        let Some(host) = self.host_of(letter.to.ip(), letter.origin) else { return };
        if self.links.are_cut(letter.origin, host) || !self.hosts[host].is_up {
            return;
        }
        let fits = |local: SocketAddr| {
            local.port() == letter.to.port()
                && local.is_ipv4() == letter.to.is_ipv4()
                && (local.ip().is_unspecified() || local.ip() == letter.to.ip())
        };
        let place = self.sockets.iter().position(|socket| {
            socket.as_ref().is_some_and(|socket| {
                let accepts = match &socket.kind {
                    Kind::Datagram { peer, .. } => peer.is_none_or(|peer| peer == letter.from),
                    Kind::Stream(_) | Kind::Reserve | Kind::Listener { .. } => false,
                };
                accepts && socket.host == host && socket.local.is_some_and(fits)
            })
        });
        let Some(fd) = place.and_then(|place| RawFd::try_from(place).ok()) else {
            let due = self.now + self.delay(host, letter.origin);
            return self.schedule(due, Due::Unreachable { sender: letter.sender });
        };
        self.note([HANDED_OVER, letter.sender, letter.payload.len() as u64]);
        if let Ok(socket) = self.socket_mut(fd)
            && let Kind::Datagram { inbox, .. } = &mut socket.kind
            && inbox.len() < MOST_WAITING
        {
            inbox.push_back((letter.from, letter.payload));
            self.announce(fd);
        }
    }

    /// Only a connected socket is told (udp(7)).
    pub(super) fn refuse_datagrams(&mut self, sender: u64) {
        let is_sender = |socket: &Option<super::Socket>| {
            socket.as_ref().is_some_and(|socket| socket.number == sender)
        };
        let Some(place) = self.sockets.iter().position(is_sender) else { return };
        let Ok(fd) = RawFd::try_from(place) else { return };
        if let Ok(socket) = self.socket_mut(fd)
            && let Kind::Datagram { peer: Some(_), error, .. } = &mut socket.kind
        {
            *error = Some(errno::CONNREFUSED);
            self.announce(fd);
        }
    }
}

/// Of UDP over IPv4.
const LONGEST: usize = 65_507;
/// What a socket holds that nobody reads.
const MOST_WAITING: usize = 256;

/// What is noted.
const POSTED: u64 = 4;
const HANDED_OVER: u64 = 5;

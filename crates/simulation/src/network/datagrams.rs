//! Datagrams: each by itself, now and then lost, doubled or overtaken.

use std::io;
use std::net::SocketAddr;
use std::os::fd::RawFd;

use wheels::Address;

use super::ports::Protocol;
use super::{Due, Kind, Letter, Place, State, Time, errno};

impl State {
    pub(super) fn connect_datagrams(&mut self, fd: RawFd, remote: SocketAddr) -> io::Result<()> {
        let local = self.local_towards(fd, remote)?;
        self.settle(fd, local)?;
        let socket = self.socket_mut(fd)?;
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
        let to = to.map(Self::remote).transpose()?;
        let socket = self.socket_mut(fd)?;
        let (number, host) = (socket.number, socket.host);
        let Kind::Datagram { peer, error, .. } = &mut socket.kind else {
            return Err(errno::error(errno::OPNOTSUPP));
        };
        if let Some(error) = error.take() {
            return Err(errno::error(error));
        }
        let to = to.or(*peer);
        let to = to.ok_or_else(|| errno::error(errno::DESTADDRREQ))?;
        if payload.len() > LONGEST {
            return Err(errno::error(errno::MSGSIZE));
        }
        if self.socket(fd)?.local.is_none() {
            // Bound by its first datagram: to a port, and to no address.
            self.bind_anywhere(fd)?;
        }
        let from = self.local_towards(fd, to)?;
        let sender = (fd, number);
        let letter = Letter { sender, origin: host, from, to, payload: payload.to_vec() };
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
        self.note([POSTED, letter.sender.1, copies]);
        for _ in 0..copies {
            let due = self.now + self.delay(host, target);
            let due = self.keep_order((host, target), due);
            self.schedule(due, Due::Datagram(letter.clone()));
        }
    }

    /// On a calm network nothing is overtaken.
    fn keep_order(&mut self, way: (Place, Place), due: Time) -> Time {
        if self.conditions.is_rough {
            return due;
        }
        let last = self.in_order.entry(way).or_default();
        *last = due.max(*last);
        *last
    }

    pub(super) fn hand_over(&mut self, letter: Letter) {
        let Some(host) = self.host_of(letter.to.ip(), letter.origin) else { return };
        if !self.is_reachable(letter.origin, host) {
            return;
        }
        let Some(fd) = self.find_at(host, Protocol::Udp, letter.to, letter.from) else {
            let due = self.now + self.delay(host, letter.origin);
            let (fd, number) = letter.sender;
            return self.schedule(due, Due::Unreachable(fd, number));
        };
        self.note([HANDED_OVER, letter.sender.1, letter.payload.len() as u64]);
        if let Ok(socket) = self.socket_mut(fd)
            && let Kind::Datagram { inbox, .. } = &mut socket.kind
            && inbox.len() < MOST_WAITING
        {
            inbox.push_back((letter.from, letter.payload));
            self.announce(fd);
        }
    }

    /// Only a connected socket is told (udp(7)).
    pub(super) fn refuse_datagrams(&mut self, fd: RawFd, number: u64) {
        if let Ok(socket) = self.socket_mut(fd)
            && socket.number == number
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

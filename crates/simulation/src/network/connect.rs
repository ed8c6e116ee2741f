//! Connections: asked for, waiting to be accepted, accepted.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

use wheels::{Address, SocketType};

use super::end::{End, Packet, Stage};
use super::{Due, EndId, Kind, Place, State, errno, nanos};

impl State {
    pub(crate) fn listen(&mut self, fd: RawFd, backlog: i32) -> io::Result<()> {
        let backlog = usize::try_from(backlog).unwrap_or(MOST_BACKLOG).min(MOST_BACKLOG);
        let socket = self.socket_mut(fd)?;
        let (Kind::Stream(None), Some(_)) = (&socket.kind, socket.local) else {
            return Err(errno::error(errno::INVAL));
        };
        socket.kind = Kind::Listener { backlog, queue: VecDeque::new() };
        Ok(())
    }

    pub(crate) fn accept(&mut self, fd: RawFd) -> io::Result<(OwnedFd, SocketAddr)> {
        let socket = self.socket(fd)?;
        let (Kind::Listener { queue, .. }, host) = (&socket.kind, socket.host) else {
            return Err(errno::error(errno::INVAL));
        };
        let id = *queue.front().ok_or_else(|| errno::error(errno::AGAIN))?;
        let given = self.add(host, Kind::Stream(Some(id)))?;
        if let Kind::Listener { queue, .. } = &mut self.socket_mut(fd)?.kind {
            queue.pop_front();
        }
        let end = self.ends.get_mut(&id).ok_or_else(|| errno::error(errno::INVAL))?;
        end.fd = Some(given.as_raw_fd());
        let remote = end.remote;
        self.note([ACCEPTED, id.0, 0]);
        Ok((given, remote))
    }

    pub(crate) fn connect(&mut self, fd: RawFd, address: &Address) -> io::Result<()> {
        self.collect_closed();
        let remote = address.as_ip().ok_or_else(|| errno::error(errno::INVAL))?;
        let socket = self.socket(fd)?;
        let host = socket.host;
        match &socket.kind {
            Kind::Stream(None) => {}
            Kind::Stream(Some(_)) => return Err(errno::error(errno::ISCONN)),
            Kind::Datagram { .. } => return self.connect_datagrams(fd, remote),
            Kind::Reserve | Kind::Listener { .. } => return Err(errno::error(errno::INVAL)),
        }
        let local = self.local_towards(fd, remote, SocketType::Stream)?;
        let id = EndId(self.number());
        let mut end = End::new(host, local, remote, Stage::Connecting);
        end.fd = Some(fd);
        self.ends.insert(id, end);
        self.socket_mut(fd)?.kind = Kind::Stream(Some(id));
        self.ask(id);
        Err(errno::error(errno::INPROGRESS))
    }

    /// Where it is bound, or will be now that it is known whom it talks to.
    pub(super) fn local_towards(
        &mut self,
        fd: RawFd,
        remote: SocketAddr,
        kind: SocketType,
    ) -> io::Result<SocketAddr> {
        let socket = self.socket(fd)?;
        let (host, bound) = (socket.host, socket.local);
        let own = self.hosts[host].address_towards(remote.ip());
        if let Some(bound) = bound {
            let ip = if bound.ip().is_unspecified() { own } else { bound.ip() };
            return Ok(SocketAddr::new(ip, bound.port()));
        }
        Ok(SocketAddr::new(own, self.ephemeral(host, own, kind)?))
    }

    /// Sends the question.
    fn ask(&mut self, id: EndId) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        end.asked += 1;
        let (from, remote) = (end.host, end.remote.ip());
        let to = self.host_of(remote, from).unwrap_or(from);
        let due = self.now + self.delay(from, to);
        self.schedule(due, Due::Syn(id));
    }

    /// The question has arrived, if it does.
    pub(super) fn answer(&mut self, id: EndId) {
        let Some(end) = self.ends.get(&id).filter(|end| !end.closed) else { return };
        let (from, remote, asked) = (end.host, end.remote, end.asked);
        if end.stage != Stage::Connecting {
            return;
        }
        let Some(host) = self.host_of(remote.ip(), from) else {
            return self.give_up(id, asked, NOBODY_AT_HOME, errno::HOSTUNREACH);
        };
        if self.links.are_cut(from, host) || !self.hosts[host].is_up {
            return self.give_up(id, asked, MOST_ASKED, errno::TIMEDOUT);
        }
        let Some(fd) = self.listener_at(host, remote) else {
            self.note([REFUSED, id.0, 0]);
            return self.send_packet(host, id, Packet::Reset);
        };
        if self.is_full(fd) {
            return self.give_up(id, asked, MOST_ASKED, errno::TIMEDOUT);
        }
        self.welcome(fd, host, id);
    }

    /// Nobody answered: asks again, later and later, unless it was asked often enough.
    fn give_up(&mut self, id: EndId, asked: u32, most: u32, error: i32) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        if asked > most {
            end.break_with(error);
            return self.announce_end(id);
        }
        end.asked += 1;
        let due = self.now + nanos(FIRST_PATIENCE) * (1 << (asked - 1));
        self.schedule(due, Due::Syn(id));
    }

    /// Makes the other end, which waits to be accepted.
    fn welcome(&mut self, listener: RawFd, host: Place, id: EndId) {
        let Some(end) = self.ends.get(&id) else { return };
        let (local, remote) = (end.remote, end.local);
        let local = SocketAddr::new(
            if local.ip().is_unspecified() { remote.ip() } else { local.ip() },
            local.port(),
        );
        let other = EndId(self.number());
        let mut answering = End::new(host, local, remote, Stage::Open);
        answering.other = Some(id);
        answering.window = self.window();
        let window = self.window();
        self.ends.insert(other, answering);
        if let Some(end) = self.ends.get_mut(&id) {
            end.other = Some(other);
            end.window = window;
        }
        if let Ok(socket) = self.socket_mut(listener)
            && let Kind::Listener { queue, .. } = &mut socket.kind
        {
            queue.push_back(other);
        }
        self.announce(listener);
        self.send_packet(host, id, Packet::Welcome);
    }

    fn listener_at(&self, host: Place, address: SocketAddr) -> Option<RawFd> {
        let listens = |local: SocketAddr| {
            let ip = local.ip();
            let same_family = local.is_ipv4() == address.is_ipv4();
            let anywhere = ip.is_unspecified() || address.ip().is_unspecified();
            local.port() == address.port() && same_family && (anywhere || ip == address.ip())
        };
        let place = self.sockets.iter().position(|socket| {
            socket.as_ref().is_some_and(|socket| {
                let is_listener = matches!(socket.kind, Kind::Listener { .. });
                is_listener && socket.host == host && socket.local.is_some_and(listens)
            })
        })?;
        RawFd::try_from(place).ok()
    }

    /// As Linux: one more than the backlog is let in.
    fn is_full(&self, listener: RawFd) -> bool {
        self.socket(listener).is_ok_and(|socket| match &socket.kind {
            Kind::Listener { backlog, queue } => queue.len() > *backlog,
            Kind::Stream(_) | Kind::Reserve | Kind::Datagram { .. } => false,
        })
    }

    /// How much may be under way or unread, in one direction of a new connection.
    fn window(&mut self) -> usize {
        if !self.conditions.is_rough {
            return WINDOW;
        }
        match self.random.u8(..8) {
            0 => self.random.usize(1..64),
            1..4 => self.random.usize(64..4096),
            _ => self.random.usize(4096..WINDOW),
        }
    }
}

/// `net.core.somaxconn`
const MOST_BACKLOG: usize = 4096;

/// How often a connection is asked for (`net.ipv4.tcp_syn_retries`, and the first): 127 s until it is given up.
const MOST_ASKED: u32 = 6;
/// The same where nobody has the address: some 3 s.
const NOBODY_AT_HOME: u32 = 1;
const FIRST_PATIENCE: Duration = Duration::from_secs(1);

const WINDOW: usize = 64 * 1024;

/// What is noted.
const ACCEPTED: u64 = 1;
const REFUSED: u64 = 2;

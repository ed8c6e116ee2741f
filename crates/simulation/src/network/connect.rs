//! Connections: asked for, confirmed, waiting to be accepted, accepted.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

use wheels::Address;

use super::end::{End, Packet, Stage};
use super::ports::Protocol;
use super::settings::Settings;
use super::{Due, EndId, Kind, Place, State, Time, errno, nanos};

impl State {
    pub(crate) fn listen(&mut self, fd: RawFd, backlog: i32) -> io::Result<()> {
        let most = usize::try_from(backlog).unwrap_or(MOST_BACKLOG).min(MOST_BACKLOG);
        let socket = self.socket_mut(fd)?;
        let is_bound = socket.local.is_some();
        match &mut socket.kind {
            Kind::Listener { backlog, .. } => *backlog = most,
            Kind::Stream(None) => {
                socket.kind = Kind::Listener { backlog: most, queue: VecDeque::new() };
                if !is_bound {
                    self.bind_anywhere(fd)?;
                }
            }
            Kind::Stream(Some(_)) | Kind::Reserve => return Err(errno::error(errno::INVAL)),
            Kind::Datagram { .. } => return Err(errno::error(errno::OPNOTSUPP)),
        }
        Ok(())
    }

    pub(crate) fn accept(&mut self, fd: RawFd) -> io::Result<(OwnedFd, SocketAddr)> {
        let socket = self.socket(fd)?;
        let (host, domain, settings) = (socket.host, socket.domain, socket.settings);
        // The descriptor comes first, as on Linux: who has none left is told so, whoever waits.
        self.check_room(host)?;
        let queue = match &self.socket(fd)?.kind {
            Kind::Listener { queue, .. } => queue,
            Kind::Datagram { .. } => return Err(errno::error(errno::OPNOTSUPP)),
            Kind::Stream(_) | Kind::Reserve => return Err(errno::error(errno::INVAL)),
        };
        let id = *queue.front().ok_or_else(|| errno::error(errno::AGAIN))?;
        let given = self.add(host, Kind::Stream(Some(id)), domain, settings)?;
        if let Kind::Listener { queue, .. } = &mut self.socket_mut(fd)?.kind {
            queue.pop_front();
        }
        let end = self.ends.get_mut(&id).expect("who waits to be accepted is not buried");
        end.fd = Some(given.as_raw_fd());
        let remote = end.remote;
        self.note([ACCEPTED, id.0, 0]);
        Ok((given, remote))
    }

    pub(crate) fn connect(&mut self, fd: RawFd, address: &Address) -> io::Result<()> {
        self.collect_closed();
        let remote = Self::remote(address)?;
        let socket = self.socket(fd)?;
        let (host, settings) = (socket.host, socket.settings);
        match &socket.kind {
            Kind::Stream(None) => {}
            Kind::Stream(Some(id)) => {
                let stage = self.ends.get(id).map(|end| end.stage);
                let asks = matches!(stage, Some(Stage::Connecting(_)));
                return Err(errno::error(if asks { errno::ALREADY } else { errno::ISCONN }));
            }
            Kind::Datagram { .. } => return self.connect_datagrams(fd, remote),
            Kind::Listener { .. } => return Err(errno::error(errno::ISCONN)),
            Kind::Reserve => return Err(errno::error(errno::INVAL)),
        }
        let local = self.local_towards(fd, remote)?;
        if self.is_connected(host, local, remote) {
            return Err(errno::error(errno::ADDRNOTAVAIL));
        }
        let id = EndId(self.number());
        let mut end = End::new(host, [local, remote], Stage::Connecting(0), self.now);
        (end.fd, end.settings) = (Some(fd), settings);
        self.ends.insert(id, end);
        self.tuples.insert((host, local, remote), id);
        // Others may have the port, towards others.
        self.unsettle(fd);
        self.socket_mut(fd)?.kind = Kind::Stream(Some(id));
        let to = self.host_of(remote.ip(), host).unwrap_or(host);
        let due = self.now + self.delay(host, to);
        self.schedule(due, Due::Syn(id));
        Err(errno::error(errno::INPROGRESS))
    }

    /// The question has arrived, if it does.
    pub(super) fn answer(&mut self, id: EndId) {
        let Some(end) = self.ends.get(&id).filter(|end| !end.closed) else { return };
        let (from, local, remote) = (end.host, end.local, end.remote);
        let Stage::Connecting(asked) = end.stage else { return };
        let patience = end.settings.user_timeout.map(|patience| end.heard.saturating_add(patience));
        if asked >= MOST_ASKED || patience.is_some_and(|until| self.now >= until) {
            return self.break_end(id, errno::TIMEDOUT);
        }
        let Some(host) = self.host_of(remote.ip(), from) else {
            return self.miss(id, asked);
        };
        if !self.is_reachable(from, host) {
            return self.ask_again(id, asked);
        }
        let Some(fd) = self.find_at(host, Protocol::Tcp, remote, local) else {
            self.note([REFUSED, id.0, 0]);
            return self.send_packet(host, id, Packet::Reset);
        };
        if self.is_full(fd) {
            return self.ask_again(id, asked);
        }
        self.welcome(fd, host, id);
    }

    /// Nobody answered: asks again, later and later.
    fn ask_again(&mut self, id: EndId, asked: u32) {
        let now = self.now;
        let Some(end) = self.ends.get_mut(&id) else { return };
        let patience = end.settings.user_timeout.map(|patience| end.heard.saturating_add(patience));
        end.stage = Stage::Connecting(asked + 1);
        let wait = nanos(FIRST_PATIENCE) << asked.saturating_sub(ASKED_EVENLY);
        let due = (now + wait).min(patience.unwrap_or(Time::MAX));
        self.schedule(due, Due::Syn(id));
    }

    /// Nobody has the address, which takes a while to find out.
    fn miss(&mut self, id: EndId, asked: u32) {
        if asked > 0 {
            return self.break_end(id, errno::HOSTUNREACH);
        }
        if let Some(end) = self.ends.get_mut(&id) {
            end.stage = Stage::Connecting(1);
        }
        self.schedule(self.now + nanos(NOBODY_AT_HOME), Due::Syn(id));
    }

    /// Makes the other end, which waits to be confirmed.
    fn welcome(&mut self, listener: RawFd, host: Place, id: EndId) {
        let Some(end) = self.ends.get(&id) else { return };
        let (addresses, asking) = ([end.remote, end.local], end.settings);
        let Ok(socket) = self.socket(listener) else { return };
        let (answering, number) = (socket.settings, socket.number);
        let other = EndId(self.number());
        let mut end = End::new(host, addresses, Stage::Answering(listener, number), self.now);
        (end.other, end.settings) = (Some(id), answering);
        end.window = self.window(&answering, &asking);
        let window = self.window(&asking, &answering);
        self.ends.insert(other, end);
        if let Some(end) = self.ends.get_mut(&id) {
            (end.other, end.window) = (Some(other), window);
        }
        self.send_packet(host, id, Packet::Welcome);
    }

    /// The connection is made, as far as who asked for it is concerned: it has its turn with the listener,
    /// if that is still there. Says whether there was room for it.
    pub(super) fn line_up(&mut self, id: EndId) -> bool {
        let Some(Stage::Answering(fd, number)) = self.ends.get(&id).map(|end| end.stage) else {
            return true;
        };
        if self.socket(fd).is_ok_and(|socket| socket.number == number) && self.is_full(fd) {
            return false;
        }
        match self.socket_mut(fd) {
            Ok(socket) if socket.number == number => {
                if let Kind::Listener { queue, .. } = &mut socket.kind {
                    queue.push_back(id);
                }
                if let Some(end) = self.ends.get_mut(&id) {
                    end.stage = Stage::Open;
                }
                self.announce(fd);
            }
            Ok(_) | Err(_) => self.abort_end(id),
        }
        true
    }

    /// As Linux: one more than the backlog is let in.
    fn is_full(&self, listener: RawFd) -> bool {
        self.socket(listener).is_ok_and(|socket| match &socket.kind {
            Kind::Listener { backlog, queue } => queue.len() > *backlog,
            Kind::Stream(_) | Kind::Reserve | Kind::Datagram { .. } => false,
        })
    }

    /// How much may be under way or unread, in one direction of a new connection.
    fn window(&mut self, sender: &Settings, receiver: &Settings) -> usize {
        let most = sender.send_buffer + receiver.receive_buffer;
        if !self.conditions.is_rough {
            return most;
        }
        let window = match self.random.u8(..8) {
            0 => self.random.usize(1..64),
            1..4 => self.random.usize(64..4096),
            _ => self.random.usize(4096..LARGEST_WINDOW),
        };
        window.min(most)
    }
}

/// `net.core.somaxconn`
const MOST_BACKLOG: usize = 4096;

/// How often a connection is asked for again: at first so often evenly (`net.ipv4.tcp_syn_linear_timeouts`), and then
/// later and later (`net.ipv4.tcp_syn_retries`), until it is given up after 131 s.
const MOST_ASKED: u32 = ASKED_EVENLY + 7;
const ASKED_EVENLY: u32 = 4;
const FIRST_PATIENCE: Duration = Duration::from_secs(1);
/// How long it takes until it is known that nobody has an address.
const NOBODY_AT_HOME: Duration = Duration::from_secs(3);

const LARGEST_WINDOW: usize = 64 * 1024;

/// What is noted.
const ACCEPTED: u64 = 1;
const REFUSED: u64 = 2;

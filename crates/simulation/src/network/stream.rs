//! What is done with one end of a connection: reading, writing, ending.

use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::RawFd;

use super::end::{End, Packet, Stage};
use super::{Due, EndId, Kind, Place, State, errno, nanos};

impl State {
    fn end_of(&self, fd: RawFd) -> io::Result<EndId> {
        match &self.socket(fd)?.kind {
            Kind::Stream(Some(id)) => Ok(*id),
            Kind::Stream(None) | Kind::Reserve | Kind::Listener { .. } | Kind::Datagram { .. } => {
                Err(errno::error(errno::NOTCONN))
            }
        }
    }

    fn end_mut(&mut self, fd: RawFd) -> io::Result<(EndId, &mut End)> {
        let id = self.end_of(fd)?;
        let end = self.ends.get_mut(&id).ok_or_else(|| errno::error(errno::NOTCONN))?;
        Ok((id, end))
    }

    pub(crate) fn take_error(&mut self, fd: RawFd) -> io::Result<Option<io::Error>> {
        if let Kind::Datagram { error, .. } = &mut self.socket_mut(fd)?.kind {
            return Ok(error.take().map(errno::error));
        }
        Ok(self.end_mut(fd).ok().and_then(|(_, end)| end.error.take()).map(errno::error))
    }

    pub(crate) fn peer_addr(&self, fd: RawFd) -> io::Result<SocketAddr> {
        if let Kind::Datagram { peer: Some(peer), .. } = &self.socket(fd)?.kind {
            return Ok(*peer);
        }
        let end = self.ends.get(&self.end_of(fd)?).filter(|end| end.stage == Stage::Open);
        end.map(|end| end.remote).ok_or_else(|| errno::error(errno::NOTCONN))
    }

    pub(crate) fn recv(&mut self, fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
        let (id, end) = self.end_mut(fd)?;
        if end.inbox.is_empty() {
            if let Some(error) = end.error.take() {
                return Err(errno::error(error));
            }
            return match end.stage {
                Stage::Connecting => Err(errno::error(errno::AGAIN)),
                Stage::Open if !end.heard_end && !end.deaf => Err(errno::error(errno::AGAIN)),
                Stage::Open | Stage::Broken => Ok(0),
            };
        }
        let count = end.inbox.len().min(buffer.len());
        for (place, byte) in buffer.iter_mut().zip(end.inbox.drain(..count)) {
            *place = byte;
        }
        end.read_silently += count;
        self.tell_room(id);
        Ok(count)
    }

    /// Tells the other end of what was read, when it is much or is waited for.
    fn tell_room(&mut self, id: EndId) {
        let Some(end) = self.ends.get(&id) else { return };
        let (host, read, Some(other)) = (end.host, end.read_silently, end.other) else { return };
        let waits = |other: &End| other.wants_room || read >= other.window / 2;
        if read > 0 && self.ends.get(&other).is_some_and(waits) {
            if let Some(end) = self.ends.get_mut(&id) {
                end.read_silently = 0;
            }
            self.send_packet(host, other, Packet::Room(read));
        }
    }

    pub(crate) fn send(&mut self, fd: RawFd, runs: &[IoSlice<'_>]) -> io::Result<usize> {
        let (id, end) = self.end_mut(fd)?;
        if let Some(error) = end.error.take() {
            return Err(errno::error(error));
        }
        match end.stage {
            Stage::Connecting => return Err(errno::error(errno::AGAIN)),
            Stage::Broken => return Err(errno::error(errno::PIPE)),
            Stage::Open if end.said_end => return Err(errno::error(errno::PIPE)),
            Stage::Open => {}
        }
        let (host, other, room) = (end.host, end.other, end.room());
        let whole: usize = runs.iter().map(|run| run.len()).sum();
        let count = whole.min(room);
        end.wants_room = count < whole;
        end.used += count;
        if count < whole
            && let Some(other) = other
        {
            // What it has read and kept to itself may be all there is.
            self.tell_room(other);
        }
        if count == 0 && whole > 0 {
            return Err(errno::error(errno::AGAIN));
        }
        let mut bytes: Vec<u8> = Vec::with_capacity(count);
        for run in runs {
            let left = count - bytes.len();
            bytes.extend_from_slice(&run[..run.len().min(left)]);
        }
        self.note([SENT, id.0, count as u64]);
        if let Some(other) = other {
            self.send_pieces(host, other, bytes);
        }
        Ok(count)
    }

    /// Sends bytes, which may arrive in several pieces.
    fn send_pieces(&mut self, from: Place, to: EndId, mut bytes: Vec<u8>) {
        while self.conditions.is_rough && bytes.len() > 1 && self.random.u8(..4) == 0 {
            let at = self.random.usize(1..bytes.len());
            let rest = bytes.split_off(at);
            self.send_packet(from, to, Packet::Data(std::mem::replace(&mut bytes, rest)));
        }
        if !bytes.is_empty() {
            self.send_packet(from, to, Packet::Data(bytes));
        }
    }

    pub(crate) fn shutdown(&mut self, fd: RawFd, how: Shutdown) -> io::Result<()> {
        let (id, end) = self.end_mut(fd)?;
        if end.stage != Stage::Open {
            return Err(errno::error(errno::NOTCONN));
        }
        if how != Shutdown::Write {
            end.deaf = true;
        }
        if how != Shutdown::Read {
            self.say_end(id);
        }
        self.announce(fd);
        Ok(())
    }

    fn say_end(&mut self, id: EndId) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        let said = std::mem::replace(&mut end.said_end, true);
        let (host, other) = (end.host, end.other);
        if let Some(other) = other.filter(|_| !said) {
            self.send_packet(host, other, Packet::End);
        }
    }

    /// Nobody has this end open any more.
    pub(super) fn close_end(&mut self, id: EndId) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        if end.stage == Stage::Open && !end.inbox.is_empty() {
            // What was never read: the other end is told (RFC 1122, 4.2.2.13).
            return self.abort_end(id);
        }
        (end.fd, end.closed) = (None, true);
        if end.stage == Stage::Open {
            self.say_end(id);
        }
        self.bury(id);
    }

    /// As `close_end`, but with a reset.
    pub(super) fn abort_end(&mut self, id: EndId) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        (end.fd, end.closed) = (None, true);
        let (host, other, was_open) = (end.host, end.other, end.stage == Stage::Open);
        end.stage = Stage::Broken;
        if let Some(other) = other.filter(|_| was_open) {
            self.send_packet(host, other, Packet::Reset);
        }
        self.bury(id);
    }

    /// Both ends of a connection break, as if something between them had reset it.
    pub(crate) fn reset_connections(&mut self, host: Place) -> usize {
        let ends = self.ends.iter().filter(|(_, end)| end.host == host && end.stage == Stage::Open);
        let ends: Vec<(EndId, Option<EndId>)> = ends.map(|(id, end)| (*id, end.other)).collect();
        for (id, other) in &ends {
            self.receive_reset(*id);
            if let Some(other) = other {
                self.receive_reset(*other);
            }
        }
        ends.len()
    }

    /// All that a host has open is gone, and nobody is told.
    pub(crate) fn crash(&mut self, host: Place) {
        self.hosts[host].is_up = false;
        let ids: Vec<EndId> =
            self.ends.iter().filter(|(_, end)| end.host == host).map(|(id, _)| *id).collect();
        for id in ids {
            if let Some(end) = self.ends.get_mut(&id) {
                (end.fd, end.closed, end.stage) = (None, true, Stage::Broken);
                end.inbox.clear();
            }
            self.bury(id);
        }
    }

    /// Forgets a connection whose ends are both closed, when nothing more is to be told to either.
    pub(super) fn bury(&mut self, id: EndId) {
        let Some(end) = self.ends.get(&id).filter(|end| end.closed) else { return };
        let Some(other) = end.other else {
            self.ends.remove(&id);
            return;
        };
        if self.ends.get(&other).is_none_or(|other| other.closed) {
            self.ends.remove(&id);
            self.ends.remove(&other);
        }
    }

    /// Puts something on its way, behind what is under way.
    pub(super) fn send_packet(&mut self, from: Place, to: EndId, packet: Packet) {
        let Some(host) = self.ends.get(&to).map(|end| end.host) else { return };
        let delay = self.delay(from, host);
        let soonest = self.now + delay;
        let Some(end) = self.ends.get_mut(&to) else { return };
        let last = end.wire.back().map_or(0, |(due, _)| *due);
        end.wire.push_back((soonest.max(last), packet));
        self.await_first(to);
    }

    /// Makes an appointment for the first of what is on its way.
    pub(super) fn await_first(&mut self, id: EndId) {
        let Some(end) = self.ends.get_mut(&id).filter(|end| !end.awaited) else { return };
        if let Some(due) = end.wire.front().map(|(due, _)| *due) {
            end.awaited = true;
            self.schedule(due, Due::Arrival(id));
        }
    }

    /// The first of what is on its way was lost: it is sent again, later and later. Says whether it was given
    /// up.
    pub(super) fn lose(&mut self, id: EndId) {
        let now = self.now;
        let Some(end) = self.ends.get_mut(&id) else { return };
        let (times, since) = end.lost.unwrap_or((0, now));
        end.lost = Some((times + 1, since));
        let again =
            now + nanos(RETRANSMISSION).saturating_mul(1 << times.min(9)).min(nanos(SLOWEST));
        let sender = end.other;
        if now - since > nanos(PATIENCE) {
            end.wire.clear();
            if let Some(sender) = sender {
                self.break_end(sender, errno::TIMEDOUT);
            }
            return;
        }
        if let Some(first) = end.wire.front_mut() {
            first.0 = again;
        }
        self.await_first(id);
    }

    pub(super) fn break_end(&mut self, id: EndId, error: i32) {
        if let Some(end) = self.ends.get_mut(&id).filter(|end| end.stage != Stage::Broken) {
            end.break_with(error);
            end.wire.clear();
            self.announce_end(id);
        }
    }
}

/// How soon what was lost is sent again, at first (`TCP_RTO_MIN`) and at last (`TCP_RTO_MAX`, tcp(7)).
const RETRANSMISSION: std::time::Duration = std::time::Duration::from_millis(200);
const SLOWEST: std::time::Duration = std::time::Duration::from_secs(120);
/// How long until it is given up (`net.ipv4.tcp_retries2`).
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(924);

/// What is noted.
const SENT: u64 = 3;

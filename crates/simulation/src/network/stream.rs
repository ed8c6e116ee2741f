//! What is done with one end of a connection: reading, writing, ending.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::RawFd;

use super::end::{End, Packet, Stage};
use super::{EndId, Kind, Place, State, errno};

impl State {
    fn end_of(&self, fd: RawFd) -> io::Result<Option<EndId>> {
        match &self.socket(fd)?.kind {
            Kind::Stream(id) => Ok(*id),
            Kind::Reserve | Kind::Listener { .. } | Kind::Datagram { .. } => Ok(None),
        }
    }

    /// The end that a socket has, and what it is told that has none.
    fn end_mut(&mut self, fd: RawFd, otherwise: i32) -> io::Result<(EndId, &mut End)> {
        let id = self.end_of(fd)?.ok_or_else(|| errno::error(otherwise))?;
        let end = self.ends.get_mut(&id).ok_or_else(|| errno::error(otherwise))?;
        Ok((id, end))
    }

    pub(crate) fn take_error(&mut self, fd: RawFd) -> io::Result<Option<io::Error>> {
        if let Kind::Datagram { error, .. } = &mut self.socket_mut(fd)?.kind {
            return Ok(error.take().map(errno::error));
        }
        let end = self.end_mut(fd, errno::NOTCONN).ok();
        Ok(end.and_then(|(_, end)| end.error.take()).map(errno::error))
    }

    pub(crate) fn peer_addr(&self, fd: RawFd) -> io::Result<SocketAddr> {
        if let Kind::Datagram { peer: Some(peer), .. } = &self.socket(fd)?.kind {
            return Ok(*peer);
        }
        let end = self.end_of(fd)?.and_then(|id| self.ends.get(&id));
        let end = end.filter(|end| end.is_open());
        end.map(|end| end.remote).ok_or_else(|| errno::error(errno::NOTCONN))
    }

    pub(crate) fn recv(&mut self, fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
        let (id, end) = self.end_mut(fd, errno::NOTCONN)?;
        if end.inbox.is_empty() {
            return match (end.heard_end, end.error.take(), end.stage) {
                // Whoever was told of the end is told of nothing else.
                (true, error, _) => {
                    end.error = error;
                    Ok(0)
                }
                (false, Some(error), _) => Err(errno::error(error)),
                (false, None, Stage::Broken) => Ok(0),
                (false, None, Stage::Open) if end.deaf => Ok(0),
                (false, None, Stage::Connecting(_) | Stage::Answering(..) | Stage::Open) => {
                    Err(errno::error(errno::AGAIN))
                }
            };
        }
        let count = take(&mut end.inbox, buffer);
        end.read_silently += count;
        self.tell_room(id);
        Ok(count)
    }

    /// Tells the other end of what was read, when it is much or is waited for.
    pub(super) fn tell_room(&mut self, id: EndId) {
        let Some(end) = self.ends.get(&id) else { return };
        let (host, read, Some(other)) = (end.host, end.read_silently, end.other) else { return };
        let waits = |other: &End| other.wants_room.is_some() || read >= other.window / 2;
        if read > 0 && self.ends.get(&other).is_some_and(waits) {
            if let Some(end) = self.ends.get_mut(&id) {
                end.read_silently = 0;
            }
            self.send_packet(host, other, Packet::Room(read));
        }
    }

    pub(crate) fn send(&mut self, fd: RawFd, runs: &[IoSlice<'_>]) -> io::Result<usize> {
        let (id, end) = self.end_mut(fd, errno::PIPE)?;
        if let Some(error) = end.error.take() {
            return Err(errno::error(error));
        }
        match end.stage {
            Stage::Connecting(_) | Stage::Answering(..) => {
                return Err(errno::error(errno::AGAIN));
            }
            Stage::Broken => return Err(errno::error(errno::PIPE)),
            Stage::Open if end.said_end => return Err(errno::error(errno::PIPE)),
            Stage::Open => {}
        }
        let (host, other, room) = (end.host, end.other, end.room());
        let whole: usize = runs.iter().map(|run| run.len()).sum();
        let count = whole.min(room);
        end.used += count;
        if count > 0 {
            let mut bytes: Vec<u8> = Vec::with_capacity(count);
            for run in runs {
                let left = count - bytes.len();
                bytes.extend_from_slice(&run[..run.len().min(left)]);
            }
            self.note([SENT, id.0, count as u64]);
            if let Some(other) = other {
                self.send_pieces(host, other, bytes);
            }
        }
        if count < whole {
            self.want_room(id);
        }
        if count == 0 && whole > 0 {
            return Err(errno::error(errno::AGAIN));
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
        self.send_packet(from, to, Packet::Data(bytes));
    }

    pub(crate) fn shutdown(&mut self, fd: RawFd, how: Shutdown) -> io::Result<()> {
        let (id, end) = self.end_mut(fd, errno::NOTCONN)?;
        if !end.is_open() {
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
        end.wants_room = None;
        let (host, other) = (end.host, end.other);
        if let Some(other) = other.filter(|_| !said) {
            self.send_packet(host, other, Packet::End);
        }
    }

    /// Nobody has this end open any more.
    pub(super) fn close_end(&mut self, id: EndId) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        if end.is_open() && (!end.inbox.is_empty() || end.settings.reset_on_close) {
            // Asked for, or what was never read: the other end is told (RFC 1122, 4.2.2.13).
            return self.abort_end(id);
        }
        (end.fd, end.closed) = (None, true);
        if end.is_open() {
            self.say_end(id);
        }
        self.bury(id);
    }

    /// As `close_end`, but with a reset.
    pub(super) fn abort_end(&mut self, id: EndId) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        (end.fd, end.closed) = (None, true);
        let was_broken = end.is_broken();
        end.stage = Stage::Broken;
        if !was_broken {
            self.lose_unsent(id);
            self.refuse(id);
        }
        self.bury(id);
    }

    /// What is only now leaving an end that resets the connection does not leave any more.
    fn lose_unsent(&mut self, id: EndId) {
        let other = self.ends.get(&id).and_then(|end| end.other);
        let Some(other) = other.filter(|_| self.conditions.is_rough) else { return };
        let under_way = self.ends.get(&other).map_or(0, |other| other.wire.len());
        let kept = self.random.usize(0..=under_way);
        if let Some(other) = self.ends.get_mut(&other) {
            other.wire.truncate(kept);
        }
    }

    /// Tells the other end that there is nobody here.
    pub(super) fn refuse(&mut self, id: EndId) {
        let Some(end) = self.ends.get(&id) else { return };
        let (host, other) = (end.host, end.other);
        if let Some(other) = other {
            self.send_packet(host, other, Packet::Reset);
        }
    }

    /// Both ends of a connection break, as if something between them had reset it.
    pub(crate) fn reset_connections(&mut self, host: Place) -> usize {
        let ends = self.ends.iter().filter(|(_, end)| end.host == host && end.is_open());
        let ends: Vec<(EndId, Option<EndId>)> = ends.map(|(id, end)| (*id, end.other)).collect();
        for (id, other) in &ends {
            for id in [Some(*id), *other].into_iter().flatten() {
                self.receive_reset(id);
            }
        }
        ends.len()
    }

    /// The ends of a host are gone, and nobody is told.
    pub(super) fn crash_ends(&mut self, host: Place) {
        let ends = self.ends.iter().filter(|(_, end)| end.host == host);
        let ids: Vec<EndId> = ends.map(|(id, _)| *id).collect();
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
        let other = end.other;
        if other.and_then(|other| self.ends.get(&other)).is_some_and(|other| !other.closed) {
            return;
        }
        for id in [Some(id), other].into_iter().flatten() {
            let Some(end) = self.ends.remove(&id) else { continue };
            let tuple = (end.host, end.local, end.remote);
            if self.tuples.get(&tuple) == Some(&id) {
                self.tuples.remove(&tuple);
            }
        }
    }

    pub(super) fn break_end(&mut self, id: EndId, error: i32) {
        if let Some(end) = self.ends.get_mut(&id).filter(|end| !end.is_broken()) {
            end.break_with(error);
            self.announce_end(id);
        }
    }
}

/// Moves as much as there is, and there is room for.
fn take(inbox: &mut VecDeque<u8>, buffer: &mut [u8]) -> usize {
    let count = inbox.len().min(buffer.len());
    let (front, back) = inbox.as_slices();
    let of_front = count.min(front.len());
    buffer[..of_front].copy_from_slice(&front[..of_front]);
    buffer[of_front..count].copy_from_slice(&back[..count - of_front]);
    inbox.drain(..count);
    count
}

/// What is noted.
const SENT: u64 = 3;

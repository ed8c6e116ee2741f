//! Time passes: what is due happens.

use std::cmp::Reverse;

use super::end::{Packet, Stage};
use super::{Due, EndId, State, errno};

impl State {
    /// Has everything happen that is due.
    pub(crate) fn deliver(&mut self) {
        while self.next().is_some_and(|due| due <= self.now)
            && let Some(Reverse(first)) = self.agenda.pop()
        {
            match first.what {
                Due::Syn(id) => self.answer(id),
                Due::Arrival(id) => self.arrive(id),
                Due::Datagram(letter) => self.hand_over(letter),
                Due::Unreachable(fd, number) => self.refuse_datagrams(fd, number),
                Due::Keepalive(id) => self.probe(id),
                Due::Stalled(id, since) => self.stall(id, since),
            }
        }
    }

    fn arrive(&mut self, id: EndId) {
        let now = self.now;
        let Some(end) = self.ends.get_mut(&id) else { return };
        end.awaited = false;
        // What was to arrive may have been lost since, and something else be on its way.
        if end.wire.front().is_none_or(|(due, _)| *due > now) {
            return self.await_first(id);
        }
        let (host, other) = (end.host, end.other);
        let origin = other.and_then(|other| self.ends.get(&other)).map_or(host, |o| o.host);
        if !self.is_reachable(origin, host) {
            return self.lose(id);
        }
        let Some(end) = self.ends.get(&id) else { return };
        if matches!(end.wire.front(), Some((_, Packet::Confirm))) && !self.line_up(id) {
            return self.hold_back(id);
        }
        let Some(end) = self.ends.get_mut(&id) else { return };
        (end.lost, end.heard) = (None, now);
        let packet = end.wire.pop_front();
        if let Some(other) = other.and_then(|other| self.ends.get_mut(&other)) {
            other.heard = now;
        }
        if let Some((_, packet)) = packet {
            self.receive(id, packet);
        }
        self.await_first(id);
    }

    fn receive(&mut self, id: EndId, packet: Packet) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        let (code, length) = packet.noted();
        let broken = end.is_broken();
        match packet {
            Packet::Reset => return self.receive_reset(id),
            // There is nobody here.
            _ if broken => return self.refuse(id),
            Packet::Welcome | Packet::Data(_) if end.closed => return self.abort_end(id),
            Packet::Welcome => {
                end.stage = Stage::Open;
                let (host, other) = (end.host, end.other);
                if let Some(other) = other {
                    self.send_packet(host, other, Packet::Confirm);
                }
            }
            Packet::Data(bytes) => end.inbox.extend(bytes),
            Packet::End => end.heard_end = true,
            Packet::Room(count) => {
                end.used = end.used.saturating_sub(count);
                if end.wants_room.take().is_none() {
                    return;
                }
            }
            Packet::Confirm | Packet::Probe => return,
        }
        self.note([RECEIVED + code, id.0, length]);
        self.announce_end(id);
    }

    pub(super) fn receive_reset(&mut self, id: EndId) {
        let Some(end) = self.ends.get(&id) else { return };
        let other = end.other;
        let error = match end.stage {
            Stage::Connecting(_) => errno::CONNREFUSED,
            Stage::Answering(..) => {
                // Nobody has heard of it yet.
                if let Some(end) = self.ends.get_mut(&id) {
                    (end.stage, end.closed) = (Stage::Broken, true);
                }
                return self.bury(id);
            }
            Stage::Open if end.heard_end && !end.said_end => errno::PIPE,
            Stage::Open if end.heard_end && self.has_heard_end(other) => return,
            Stage::Open => errno::CONNRESET,
            Stage::Broken => return,
        };
        self.note([RECEIVED + 3, id.0, 0]);
        self.break_end(id, error);
        // What we have sent is lost with it.
        for id in [Some(id), other].into_iter().flatten() {
            if let Some(end) = self.ends.get_mut(&id) {
                end.wire.clear();
            }
        }
        self.bury(id);
    }

    fn has_heard_end(&self, id: Option<EndId>) -> bool {
        id.and_then(|id| self.ends.get(&id)).is_none_or(|end| end.heard_end)
    }
}

impl Packet {
    /// What is noted of it.
    fn noted(&self) -> (u64, u64) {
        match self {
            Self::Welcome => (0, 0),
            Self::Data(bytes) => (1, bytes.len() as u64),
            Self::End => (2, 0),
            Self::Reset => (3, 0),
            Self::Room(count) => (4, *count as u64),
            Self::Confirm => (5, 0),
            Self::Probe => (6, 0),
        }
    }
}

/// What is noted.
const RECEIVED: u64 = 16;

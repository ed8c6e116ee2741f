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
                Due::Unreachable { sender } => self.refuse_datagrams(sender),
            }
        }
    }

    fn arrive(&mut self, id: EndId) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        end.awaited = false;
        let host = end.host;
        let origin = end.other.and_then(|other| self.ends.get(&other)).map_or(host, |o| o.host);
        if self.links.are_cut(origin, host) || !self.hosts[host].is_up {
            return self.lose(id);
        }
        let Some(end) = self.ends.get_mut(&id) else { return };
        end.lost = None;
        if let Some((_, packet)) = end.wire.pop_front() {
            self.receive(id, packet);
        }
        self.await_first(id);
    }

    fn receive(&mut self, id: EndId, packet: Packet) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        let (code, length) = match &packet {
            Packet::Welcome => (0, 0),
            Packet::Data(bytes) => (1, bytes.len()),
            Packet::End => (2, 0),
            Packet::Reset => (3, 0),
            Packet::Room(count) => (4, *count),
        };
        match packet {
            Packet::Welcome if end.closed => return self.abort_late(id),
            Packet::Data(_) if end.closed => return self.abort_late(id),
            Packet::Welcome if end.stage == Stage::Connecting => end.stage = Stage::Open,
            Packet::Data(bytes) if end.stage == Stage::Open => end.inbox.extend(bytes),
            Packet::End => end.heard_end = true,
            Packet::Reset => return self.receive_reset(id),
            Packet::Room(count) => {
                end.used = end.used.saturating_sub(count);
                if !std::mem::take(&mut end.wants_room) {
                    return;
                }
            }
            Packet::Welcome | Packet::Data(_) => return,
        }
        self.note([RECEIVED + code, id.0, length as u64]);
        self.announce_end(id);
    }

    /// Something came for an end that is closed.
    fn abort_late(&mut self, id: EndId) {
        let Some(end) = self.ends.get(&id) else { return };
        let (host, other) = (end.host, end.other);
        if let Some(other) = other {
            self.send_packet(host, other, Packet::Reset);
        }
    }

    pub(super) fn receive_reset(&mut self, id: EndId) {
        let Some(end) = self.ends.get(&id) else { return };
        let error = match end.stage {
            Stage::Connecting => errno::CONNREFUSED,
            Stage::Open if end.heard_end => errno::PIPE,
            Stage::Open => errno::CONNRESET,
            Stage::Broken => return,
        };
        self.note([RECEIVED + 3, id.0, 0]);
        self.break_end(id, error);
        // What we have sent is lost with it.
        if let Some(other) = self.ends.get(&id).and_then(|end| end.other)
            && let Some(other) = self.ends.get_mut(&other)
        {
            other.wire.retain(|(_, packet)| matches!(packet, Packet::Reset));
        }
        self.bury(id);
    }
}

/// What is noted.
const RECEIVED: u64 = 16;

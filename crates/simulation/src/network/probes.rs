//! What is lost is sent again; and whether the other end is there at all.
//!
//! Nothing here happens while all is well: an idle connection is in nobody's agenda. Only when hosts stop
//! hearing each other it is worked out when their connections would find out.

use std::time::Duration;

use super::end::{Packet, Stage};
use super::{Due, EndId, Place, State, Time, errno, nanos};

impl State {
    /// Puts something on its way, behind what is under way.
    pub(super) fn send_packet(&mut self, from: Place, to: EndId, packet: Packet) {
        let Some(host) = self.ends.get(&to).map(|end| end.host) else { return };
        let soonest = self.now + self.delay(from, host);
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

    /// The first of what is on its way was lost: it is sent again, later and later, until it is given up.
    pub(super) fn lose(&mut self, id: EndId) {
        let Some(end) = self.ends.get(&id) else { return };
        let is_unconfirmed = matches!(end.stage, Stage::Answering(..));
        let sender = end.other.and_then(|other| self.ends.get(&other));
        let Some(sender) = sender.filter(|sender| !sender.is_broken()) else {
            // Nobody sends it again; who waits to be confirmed will not wait for ever.
            self.forget_wire(id);
            if is_unconfirmed {
                self.drop_silently(id);
            }
            return;
        };
        let closed = sender.closed;
        let (first, patience, loser) = match end.wire.front() {
            None => return,
            Some((_, Packet::Welcome)) => (HANDSHAKE, end.settings.patience(ASKING), Some(id)),
            Some((_, Packet::Confirm)) => return self.hold_back(id),
            Some((_, Packet::Room(count))) if end.wants_room.is_none() => {
                let count = *count;
                return self.learn_later(id, count);
            }
            // Who waits for it asks for it.
            Some((_, Packet::Room(_))) => {
                (RETRANSMISSION, end.settings.patience(PATIENCE), Some(id))
            }
            Some((_, Packet::Data(_) | Packet::End | Packet::Reset | Packet::Probe)) => {
                let usual = if closed { ORPHANS } else { PATIENCE };
                (RETRANSMISSION, sender.settings.patience(usual), end.other)
            }
        };
        let (times, since) = end.lost.unwrap_or((0, self.now));
        let until = since.saturating_add(patience);
        if self.now >= until {
            return self.give_up(id, loser);
        }
        let wait = (nanos(first) << times.min(MOST_DOUBLED)).min(nanos(SLOWEST));
        self.try_again(id, (self.now + wait).min(until), (times + 1, since));
    }

    /// How much was read is told with whatever comes next.
    fn learn_later(&mut self, id: EndId, count: usize) {
        if let Some(end) = self.ends.get_mut(&id) {
            end.wire.pop_front();
            end.used = end.used.saturating_sub(count);
        }
        self.await_first(id);
    }

    /// Nobody is let in now: asked again later and later, and then forgotten.
    pub(super) fn hold_back(&mut self, id: EndId) {
        let Some(end) = self.ends.get(&id) else { return };
        let (times, since) = end.lost.unwrap_or((0, self.now));
        if times >= MOST_HELD_BACK {
            return self.drop_silently(id);
        }
        let wait = nanos(HANDSHAKE) << times;
        self.try_again(id, self.now + wait, (times + 1, since));
    }

    fn try_again(&mut self, id: EndId, due: Time, lost: (u32, Time)) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        end.lost = Some(lost);
        if let Some(first) = end.wire.front_mut() {
            first.0 = due;
        }
        self.await_first(id);
    }

    /// What is on its way to `id` is lost for good, and who waited for an answer is told.
    fn give_up(&mut self, id: EndId, loser: Option<EndId>) {
        self.forget_wire(id);
        if let Some(loser) = loser {
            self.break_end(loser, errno::TIMEDOUT);
            self.bury(loser);
        }
    }

    fn forget_wire(&mut self, id: EndId) {
        if let Some(end) = self.ends.get_mut(&id) {
            end.wire.clear();
            end.lost = None;
        }
    }

    /// A connection that nobody has accepted is no more, and nobody is told who does not ask.
    fn drop_silently(&mut self, id: EndId) {
        if let Some(end) = self.ends.get_mut(&id) {
            (end.stage, end.closed, end.lost) = (Stage::Broken, true, None);
            end.wire.pop_front();
        }
        self.await_first(id);
        self.bury(id);
    }

    /// An end would send more than there is room for.
    pub(super) fn want_room(&mut self, id: EndId) {
        let now = self.now;
        let Some(end) = self.ends.get_mut(&id) else { return };
        if end.wants_room.is_none() {
            end.wants_room = Some(now);
            if let Some(patience) = end.settings.user_timeout {
                self.schedule(now.saturating_add(patience), Due::Stalled(id, now));
            }
        }
        let other = self.ends.get(&id).and_then(|end| end.other);
        if let Some(other) = other {
            // What it has read and kept to itself may be all there is.
            self.tell_room(other);
        }
        self.ask_for_room(id);
    }

    /// There was no room since then, and there still is none: the other end is alive and does not read, or
    /// worse.
    pub(super) fn stall(&mut self, id: EndId, since: Time) {
        let stalled = self.ends.get(&id).is_some_and(|end| end.wants_room == Some(since));
        if stalled {
            self.break_end(id, errno::TIMEDOUT);
        }
    }

    /// Hosts may not hear each other any more, or one of them has forgotten the other: their connections are
    /// to find out.
    pub(crate) fn doubt(&mut self, host: Place, other: Option<Place>) {
        let ends = self.ends.iter().filter(|(_, end)| end.is_open() && !end.closed);
        let concerned = ends.filter(|(_, end)| {
            let peer = end.other.and_then(|other| self.ends.get(&other)).map(|peer| peer.host);
            let hosts = (Some(end.host), peer);
            match other {
                Some(other) => {
                    hosts == (Some(host), Some(other)) || hosts == (Some(other), Some(host))
                }
                None => peer == Some(host),
            }
        });
        let ids: Vec<EndId> = concerned.map(|(id, _)| *id).collect();
        for id in ids {
            self.ask_for_room(id);
            self.keep_alive(id);
        }
    }

    /// Who waits for room asks for it, where it is not told of itself.
    fn ask_for_room(&mut self, id: EndId) {
        let Some(end) = self.ends.get(&id).filter(|end| end.wants_room.is_some()) else { return };
        let (host, Some(other)) = (end.host, end.other) else { return };
        let Some(peer) = self.ends.get(&other) else { return };
        if peer.wire.is_empty() && (peer.is_broken() || !self.is_reachable(host, peer.host)) {
            self.send_packet(host, other, Packet::Probe);
        }
    }

    /// Makes the appointment at which an idle end asks whether the other is there. While that was so, it
    /// asked in time and was answered.
    fn keep_alive(&mut self, id: EndId) {
        let now = self.now;
        let Some(end) = self.ends.get_mut(&id) else { return };
        if !end.settings.keepalive || end.probes.is_some() {
            return;
        }
        end.probes = Some(0);
        let rounds = (now - end.heard).div_ceil(end.settings.idle).max(1);
        let due = end.heard.saturating_add(rounds.saturating_mul(end.settings.idle));
        end.heard = due.saturating_sub(end.settings.idle);
        self.schedule(due, Due::Keepalive(id));
    }

    /// An idle end asks whether the other is there.
    pub(super) fn probe(&mut self, id: EndId) {
        let now = self.now;
        let Some(end) = self.ends.get_mut(&id).filter(|end| end.is_open() && !end.closed) else {
            return;
        };
        let Some(probes) = end.probes.take() else { return };
        let (host, settings, heard) = (end.host, end.settings, end.heard);
        let Some(other) = end.other.and_then(|other| self.ends.get(&other)) else { return };
        if !other.wire.is_empty() {
            // Something is under way: that will find out.
            return;
        }
        if self.is_reachable(host, other.host) {
            let (place, is_gone) = (other.host, other.is_broken());
            if is_gone {
                self.send_packet(place, id, Packet::Reset);
            } else if let Some(end) = self.ends.get_mut(&id) {
                end.heard = now;
            }
            return;
        }
        let quiet = now - heard;
        if quiet < settings.idle {
            return self.ask_at(id, heard + settings.idle, 0);
        }
        match (probes, settings.user_timeout) {
            (1.., Some(patience)) if quiet >= patience => self.break_end(id, errno::TIMEDOUT),
            (_, None) if probes >= settings.count => self.break_end(id, errno::TIMEDOUT),
            (_, _) => self.ask_at(id, now + settings.interval, probes + 1),
        }
    }

    fn ask_at(&mut self, id: EndId, due: Time, unanswered: u32) {
        if let Some(end) = self.ends.get_mut(&id) {
            end.probes = Some(unanswered);
        }
        self.schedule(due, Due::Keepalive(id));
    }
}

/// How soon what was lost is sent again, at first (`TCP_RTO_MIN`) and at last (`TCP_RTO_MAX`, tcp(7)).
const RETRANSMISSION: Duration = Duration::from_millis(200);
const SLOWEST: Duration = Duration::from_secs(120);
const MOST_DOUBLED: u32 = 10;
/// How long until it is given up (`net.ipv4.tcp_retries2`), and where nobody waits for it
/// (`net.ipv4.tcp_orphan_retries`).
const PATIENCE: Duration = Duration::from_millis(924_600);
const ORPHANS: Duration = Duration::from_millis(102_200);

/// The same of what makes a connection.
const HANDSHAKE: Duration = Duration::from_secs(1);
const ASKING: Duration = Duration::from_secs(131);
/// `net.ipv4.tcp_synack_retries`: it is given up after 63 s.
const MOST_HELD_BACK: u32 = 5;

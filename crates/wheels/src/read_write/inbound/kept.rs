//! What came and is kept: for another filter, another wheel.

use reactor::Io;

use super::{Inbound, Phase};

impl Inbound {
    /// Another filter took the place of the one that refused, or of one that kept `pending` bytes: says
    /// whether there is input again.
    pub(in crate::read_write) fn offer_anew(
        &mut self,
        mut pending: Vec<u8>,
        io: &mut Io<'_>,
    ) -> bool {
        if !pending.is_empty() {
            self.keep_unread(io);
            pending.extend_from_slice(&self.tail[self.start..]);
            self.tail = pending;
            self.start = 0;
        }
        let stuck = self.phase == Phase::Stuck;
        self.phase = match self.phase {
            Phase::Stuck => Phase::Flowing,
            // To the new filter it may be more than the rest.
            Phase::Ended => Phase::Ending,
            phase @ (Phase::Flowing
            | Phase::Ending
            | Phase::Deaf
            | Phase::Discarding
            | Phase::Done) => phase,
        };
        io.again();
        stuck
    }

    /// Takes to itself what was read, whoever's share of the turn it is.
    pub(in crate::read_write) fn keep_unread(&mut self, io: &mut Io<'_>) {
        if io.has_shared_buffer() {
            self.park(io);
        }
    }

    /// What was read and not consumed, and was kept.
    pub(in crate::read_write) fn into_unread(mut self) -> Vec<u8> {
        self.tail.drain(..self.start);
        self.tail
    }
}

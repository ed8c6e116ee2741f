//! What came and is kept: for a later turn, for another filter, another wheel.

use reactor::Io;

use super::{Inbound, Phase};

/// Bytes that were read and not consumed. Invariant: there is one.
#[derive(Debug)]
pub(super) struct Kept {
    all: Vec<u8>,
    /// How many of them are consumed.
    start: usize,
}

impl Kept {
    /// `None` for nothing.
    pub(super) fn boxed(bytes: Vec<u8>) -> Option<Box<Self>> {
        (!bytes.is_empty()).then(|| Box::new(Self { all: bytes, start: 0 }))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.all[self.start..]
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.all.extend_from_slice(bytes);
    }

    /// To be dropped if that was all.
    pub(super) const fn consume(&mut self, count: usize) {
        self.start += count;
    }

    /// Gives back the room of what is consumed, if that is most of it.
    pub(super) fn reclaim(&mut self) {
        if self.start > self.all.len() / 2 {
            self.all.drain(..self.start);
            self.start = 0;
        }
    }
}

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
            if let Some(kept) = &self.kept {
                pending.extend_from_slice(kept.bytes());
            }
            self.kept = Kept::boxed(pending);
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
    pub(in crate::read_write) fn into_unread(self) -> Vec<u8> {
        let Some(kept) = self.kept else { return Vec::new() };
        let Kept { mut all, start } = *kept;
        all.drain(..start);
        all
    }
}

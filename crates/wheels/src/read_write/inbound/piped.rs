//! What comes in, and goes to another stream: it waits for that one, and may pass this process.

use reactor::Io;

use super::{BY_PIPE, Inbound, Phase};

impl Inbound {
    /// What it is piped to takes no more for now.
    pub(in crate::read_write) const fn hold(&mut self) {
        self.paused |= BY_PIPE;
    }

    /// What it is piped to takes more; says whether it was held.
    pub(in crate::read_write) const fn let_go(&mut self) -> bool {
        let held = self.paused & BY_PIPE != 0;
        self.paused &= !BY_PIPE;
        held
    }

    /// What it was piped to takes no more for ever: what came and comes waits for whom it is for.
    pub(in crate::read_write) fn get_stuck(&mut self, io: &mut Io<'_>) {
        self.keep_unread(io);
        if matches!(self.phase, Phase::Flowing | Phase::Ending | Phase::Ended) {
            self.phase = Phase::Stuck;
        }
    }

    /// Whether what comes next may be taken without being read.
    pub(in crate::read_write) fn may_bypass(&self, io: &mut Io<'_>) -> bool {
        self.is_plain() && self.readable && io.has_share() && io.shared_buffer().is_empty()
    }

    /// So many bytes were taken without being read.
    pub(in crate::read_write) fn bypassed(&mut self, count: usize, io: &mut Io<'_>) {
        io.spend(count);
        self.note(count);
    }

    /// There is no more for now that could be taken without being read.
    pub(in crate::read_write) const fn drained(&mut self) {
        self.readable = self.closed;
    }
}

//! What goes out: from items, through the filter, to the descriptor.
//!
//! Owns the encoded bytes that are not sent yet. Promises that they leave in order and in as few writes
//! as may be, that each crossing of a mark is noted once, and that no more is kept than was allowed.
//! Knows no session.

mod notes;
mod piped;

use std::io::{self, IoSlice};

use filters::Output;
use reactor::{Io, Readiness};

use super::ends::Ends;
use super::settings::{HEAVY, Marks, Settings};

/// ```text
/// Open --shut down--> Closing --all sent--> Shut
/// Open, Closing --shut down, and the peer has ended--> Shut
/// Open, Closing --write fails, too much unsent--> Failed
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Open,
    /// Takes no more; the peer is told when all is sent.
    Closing,
    Shut,
    Failed,
}

#[derive(Debug)]
pub(super) struct Outbound {
    /// Where to encode to.
    pub(super) output: Output,
    /// Items that were put since all was sent last.
    items: u32,
    phase: Phase,
    flow: Flow,
    /// Whether the high mark was reached and the low one not passed since.
    above: bool,
    /// What is to be told, [`OWED`] and [`TELLING`].
    notes: u8,
}

/// Whether the system takes more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flow {
    Free,
    /// Until the system says that it takes more.
    Blocked,
    /// It did: write before anything else is asked.
    Unblocked,
}

/// What a session may want to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Note {
    High,
    Low,
    Flushed,
}

impl Outbound {
    pub(super) const fn new() -> Self {
        Self {
            output: Output::new(),
            items: 0,
            phase: Phase::Open,
            flow: Flow::Free,
            above: false,
            notes: 0,
        }
    }

    #[inline(always)]
    pub(super) fn ready(&mut self, readiness: Readiness) {
        if self.flow == Flow::Blocked {
            self.ready_while_blocked(readiness);
        }
    }

    #[inline(never)]
    fn ready_while_blocked(&mut self, readiness: Readiness) {
        if readiness.contains(Readiness::WRITABLE) || readiness.contains(Readiness::WRITE_CLOSED) {
            self.flow = Flow::Unblocked;
        }
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether nothing is left to send, and nothing left to tell the peer.
    pub(super) fn is_settled(&self) -> bool {
        self.output.is_empty() && self.phase != Phase::Closing
    }

    pub(super) fn has_failed(&self) -> bool {
        self.phase == Phase::Failed
    }

    #[inline]
    pub(super) fn unsent(&self) -> usize {
        self.output.len()
    }

    /// How many items were put since all was sent last.
    pub(super) fn unsent_items(&self) -> usize {
        if self.output.is_empty() { 0 } else { self.items as usize }
    }

    /// Takes out what is unsent.
    pub(super) fn take_unsent(&mut self) -> Output {
        std::mem::take(&mut self.output)
    }

    /// Whether little has gathered: below every mark, and not worth a write before the handler returns.
    #[inline]
    pub(super) fn is_light(&self, marks: &Marks) -> bool {
        marks.is_light(self.output.len())
    }

    /// Whether so much has gathered that it is better written now than when the handler returns.
    #[inline]
    pub(super) fn is_heavy(&self) -> bool {
        self.flow != Flow::Blocked && self.output.len() >= HEAVY as usize
    }

    /// Whether there is nothing to write before the system takes more, and nothing to tell.
    #[inline(always)]
    pub(super) fn is_quiet(&self) -> bool {
        (self.flow != Flow::Unblocked) & (self.notes & !OWED == 0)
    }

    /// Whether the system began to take more and was not offered it.
    #[inline]
    pub(super) fn is_unblocked(&self) -> bool {
        self.flow == Flow::Unblocked
    }

    /// Takes no more; says whether it did until now.
    pub(super) fn close(&mut self) -> bool {
        let open = self.is_open();
        if open {
            self.phase = Phase::Closing;
        }
        open
    }

    /// Takes no more, and leaves it to the end of the descriptor to tell the peer.
    pub(super) fn shut(&mut self) {
        if matches!(self.phase, Phase::Open | Phase::Closing) {
            self.phase = Phase::Shut;
        }
    }

    /// Gives up what is unsent; says how much it was.
    pub(super) fn fail(&mut self) -> usize {
        let unsent = self.output.len();
        self.output.clear();
        self.items = 0;
        self.phase = Phase::Failed;
        self.flow = Flow::Free;
        // It did not fall to the low mark, and not all was sent.
        self.above = false;
        self.notes &= !OWED;
        unsent
    }

    /// The way of nearly every write: the system takes all of it at once, and nobody waits to be told.
    ///
    /// Says whether that is what happened. If not, [`write`](Self::write) goes on where this stopped.
    #[inline(always)]
    pub(super) fn write_plainly(&mut self, ends: &Ends) -> io::Result<Plainly> {
        // Without branches: as a rule all of it is so.
        let plain = (self.phase == Phase::Open)
            & (self.flow == Flow::Free)
            & !self.above
            & (self.notes == 0);
        if !plain {
            return Ok(Plainly::Nothing);
        }
        let Some(bytes) = self.output.contiguous() else { return Ok(Plainly::Nothing) };
        let offered = bytes.len();
        if offered == 0 {
            return Ok(Plainly::Nothing);
        }
        let written = ends.write(bytes);
        if matches!(written, Ok(count) if count == offered) {
            self.output.clear();
            self.items = 0;
            return Ok(Plainly::All);
        }
        let part = matches!(written, Ok(1..));
        self.written(written, offered, ends)?;
        Ok(if part { Plainly::Part } else { Plainly::Nothing })
    }

    /// Writes what the system takes; says whether it took anything.
    pub(super) fn write(
        &mut self,
        ends: &Ends,
        settings: &Settings,
        io: &mut Io<'_>,
    ) -> io::Result<Progress> {
        let had = self.output.len();
        if self.flow == Flow::Unblocked {
            self.flow = Flow::Free;
        }
        while !self.output.is_empty() && self.flow == Flow::Free {
            if had - self.output.len() >= WRITE_BUDGET {
                // The rest waits for the next turn: others want to be served.
                self.flow = Flow::Unblocked;
                io.again();
                break;
            }
            self.write_once(ends)?;
        }
        let progress = if self.output.len() < had { Progress::Some } else { Progress::None };
        self.note(settings);
        Ok(progress)
    }

    /// Whether all is sent and the peer is to be told that no more comes: it has to be told now.
    pub(super) fn is_to_be_shut(&mut self) -> bool {
        let closing = self.output.is_empty() && self.phase == Phase::Closing;
        if closing {
            self.phase = Phase::Shut;
        }
        closing
    }

    /// An item was put: when all is sent, that is to be told.
    #[inline(always)]
    pub(super) fn owe_flushed(&mut self, settings: &Settings) {
        self.items = self.items.wrapping_add(1); // nobody keeps four thousand million unsent
        self.owe_flushed_of_rest(settings);
    }

    #[inline(always)]
    pub(super) fn owe_flushed_of_rest(&mut self, settings: &Settings) {
        if settings.wanted & Note::Flushed.bit() != 0 && !self.output.is_empty() {
            self.notes = (self.notes | OWED) & !Note::Flushed.bit();
        }
    }

    #[inline]
    fn write_once(&mut self, ends: &Ends) -> io::Result<()> {
        let (written, offered) = match self.output.contiguous() {
            Some(bytes) => (ends.write(bytes), bytes.len()),
            None => self.write_runs(ends),
        };
        self.written(written, offered, ends)
    }

    /// Takes note of what the system took.
    #[inline(never)]
    fn written(
        &mut self,
        written: io::Result<usize>,
        offered: usize,
        ends: &Ends,
    ) -> io::Result<()> {
        match written {
            Ok(count) => {
                self.output.advance(count);
                // A socket that takes a part says when it takes more.
                if count == 0 || count < offered && ends.takes_when_drained() {
                    self.block();
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.block(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The system takes no more for now. What waits is not to keep alive what it was cut from.
    fn block(&mut self) {
        self.flow = Flow::Blocked;
        self.output.detach();
    }

    /// Writes what is not one run. By itself, because it takes much room on the stack.
    #[inline(never)]
    fn write_runs(&self, ends: &Ends) -> (io::Result<usize>, usize) {
        let mut runs = [IoSlice::new(&[]); MOST_RUNS];
        let count = self.output.slices(&mut runs);
        let offered = runs[..count].iter().map(|run| run.len()).sum();
        (ends.write_vectored(&runs[..count]), offered)
    }

    /// Notes which marks were crossed.
    #[inline]
    fn note(&mut self, settings: &Settings) {
        let unsent = self.output.len();
        let mut notes = 0;
        if self.above && settings.marks.is_low(unsent) {
            self.above = false;
            notes |= Note::Low.bit();
        } else if !self.above && settings.marks.is_high(unsent) {
            self.above = true;
            notes |= Note::High.bit();
        }
        self.notes |= notes & settings.wanted;
        if unsent == 0 {
            self.items = 0;
            // A filter may have made room, and put nothing.
            self.output.clear();
        }
    }
}

/// What became of a plain write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Plainly {
    /// The system took all there was.
    All,
    Part,
    /// It took nothing, or it was not for a plain write.
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Progress {
    Some,
    None,
}

impl Note {
    pub(super) const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Beside the notes: something was put, and that all was sent is not noted yet.
const OWED: u8 = 1 << 7;

/// Beside the notes: the stream is asked for them and not to read.
const TELLING: u8 = 1 << 6;

/// What one stream may write in a turn before others are served: as much as a send buffer takes.
const WRITE_BUDGET: usize = 256 * 1024;

/// Runs of one vectored write.
const MOST_RUNS: usize = 64;

//! What comes in: from the descriptor, through the filter, to items.
//!
//! Owns the bytes that were read and not consumed, between two turns; within one they stand in the
//! buffer that wheels share. Promises that no byte is lost by a pause, a budget or a change of filter,
//! and that an idle stream keeps only the unfinished part of a record. Knows no session.

mod kept;
mod piped;
mod state;

use std::io;

use filters::{Filter, FilterError, Input};
use reactor::{Io, Readiness, Watched};

use super::ends::Ends;
use kept::Kept;

/// ```text
/// Flowing --read 0--> Ending --nothing more--> Ended --last records, told--> Done
/// Flowing --read fails--> Done
/// Flowing --filter refuses--> Stuck
/// Flowing, Ending, Ended --what it is piped to is gone--> Stuck
/// Stuck --another filter, another outlet--> Flowing
/// Flowing, Stuck --finished--> Deaf
/// Flowing, Stuck, Deaf --shut down--> Discarding --read 0, read fails--> Done
/// Ending, Ended --finished, shut down--> Done
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Flowing,
    /// All was read; items may be left in what was.
    Ending,
    /// All was delivered but what the end completes, and the end itself.
    Ended,
    /// What comes is thrown away.
    Discarding,
    /// The filter can make nothing of what comes, or nobody takes it. Nothing more is read.
    Stuck,
    /// Nothing is wanted any more. The peer may go on sending.
    Deaf,
    Done,
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what the system said and what the session wants"
)]
pub(super) struct Inbound {
    /// What was read in an earlier turn and not consumed. Invariant: absent while the shared buffer
    /// holds something of ours. Boxed: most have none, and there are many.
    kept: Option<Box<Kept>>,
    phase: Phase,
    /// There may be more to read; the system will not say so again.
    readable: bool,
    /// The end is near, or something urgent in between: a short read does not mean that no more is there,
    /// and it may not be announced again.
    closed: bool,
    /// A regular file: always readable.
    always: bool,
    /// Who wants no input for now, [`BY_SESSION`] and [`BY_PIPE`]: neither undoes the other's.
    paused: u8,
    /// Bytes have come since this was asked last.
    moved: bool,
    /// How many bytes have come in all.
    received: u64,
}

/// What came of pulling.
pub(super) enum Pulled<T> {
    Item(T),
    /// Nothing for now, or for ever.
    Nothing,
    /// The end of the stream; once.
    End,
    ReadFailed(io::Error),
    /// Boxed: an item is what nearly always comes, and is moved about.
    Refused(Box<FilterError>),
}

impl Inbound {
    /// `unread` was read before there was a wheel.
    pub(super) fn new(watched: Watched, unread: Vec<u8>) -> Self {
        let always = matches!(watched, Watched::AlwaysReady);
        Self {
            kept: Kept::boxed(unread),
            phase: Phase::Flowing,
            readable: always,
            closed: false,
            always,
            paused: 0,
            moved: false,
            received: 0,
        }
    }

    #[inline(always)]
    pub(super) fn ready(&mut self, readiness: Readiness) {
        // Without branches, as that is less than to guess them.
        self.closed |=
            readiness.contains(Readiness::READ_CLOSED) | readiness.contains(Readiness::URGENT);
        self.readable |= self.closed | readiness.contains(Readiness::READABLE);
    }

    /// Writing failed: what the peer sent before is worth reading, and so is what it says now.
    pub(super) const fn look_once_more(&mut self) {
        self.readable = true;
    }

    pub(super) const fn pause(&mut self) {
        self.paused |= BY_SESSION;
    }

    pub(super) fn resume(&mut self, io: &mut Io<'_>) {
        self.paused &= !BY_SESSION;
        io.again();
    }

    /// From now on what comes is thrown away.
    pub(super) fn discard(&mut self) {
        self.kept = None;
        self.phase = match self.phase {
            Phase::Flowing | Phase::Stuck | Phase::Deaf | Phase::Discarding => Phase::Discarding,
            Phase::Ending | Phase::Ended | Phase::Done => Phase::Done,
        };
    }

    /// Nothing is read any more, unless it is to be thrown away later.
    pub(super) fn finish(&mut self) {
        self.discard();
        if self.phase == Phase::Discarding {
            self.phase = Phase::Deaf;
        }
    }

    /// So many bytes have come.
    #[inline]
    const fn note(&mut self, count: usize) {
        self.moved = true;
        self.received += count as u64;
    }

    /// The next item, or why there is none.
    pub(super) fn pull<F: Filter>(
        &mut self,
        filter: &mut F,
        ends: &Ends,
        io: &mut Io<'_>,
    ) -> Pulled<F::Item> {
        loop {
            if let Some(pulled) = self.take(filter, io) {
                return pulled;
            }
            if !self.may_read(io) {
                self.park(io);
                return Pulled::Nothing;
            }
            if io.shared_buffer().filled().len() > LONG {
                self.park(io);
            }
            match self.read(ends, io) {
                Ok(came) => {
                    io.shared_buffer().fill(came);
                    io.spend(came);
                }
                Err(error) => return self.broke(error),
            }
            if let Some(kept) = &mut self.kept {
                kept.append(io.shared_buffer().filled());
                io.shared_buffer().clear();
            }
        }
    }

    /// Takes what is left of ours in the shared buffer, for a later turn.
    pub(super) fn park(&mut self, io: &mut Io<'_>) {
        let shared = io.shared_buffer();
        if !shared.filled().is_empty() && self.phase != Phase::Discarding {
            debug_assert!(self.kept.is_none(), "bytes are in one place");
            self.kept = Kept::boxed(shared.filled().to_vec());
        }
        shared.clear();
        if let Some(kept) = &mut self.kept {
            kept.reclaim();
        }
    }

    /// Reading failed.
    #[cold]
    pub(super) fn broke<T>(&mut self, error: io::Error) -> Pulled<T> {
        if std::mem::replace(&mut self.phase, Phase::Done) == Phase::Discarding {
            Pulled::Nothing
        } else {
            Pulled::ReadFailed(error)
        }
    }

    /// The filter can make nothing of what came.
    #[cold]
    pub(super) fn refuse<T>(&mut self, error: Box<FilterError>) -> Pulled<T> {
        self.phase = Phase::Stuck;
        Pulled::Refused(error)
    }

    /// What can be told without reading; `None` if it takes more bytes.
    #[inline]
    fn take<F: Filter>(&mut self, filter: &mut F, io: &mut Io<'_>) -> Option<Pulled<F::Item>> {
        match self.phase {
            Phase::Done | Phase::Deaf | Phase::Stuck => {
                // For another filter, or another wheel.
                self.park(io);
                return Some(Pulled::Nothing);
            }
            Phase::Discarding => {
                io.shared_buffer().clear();
                return None;
            }
            Phase::Flowing | Phase::Ending | Phase::Ended if self.is_paused() => {
                self.park(io);
                return Some(Pulled::Nothing);
            }
            Phase::Flowing | Phase::Ending | Phase::Ended => {}
        }
        match self.decode(filter, io) {
            Ok(Some(item)) => Some(Pulled::Item(item)),
            Ok(None) if self.phase == Phase::Flowing => None,
            Ok(None) => {
                self.phase = Phase::Done;
                Some(Pulled::End)
            }
            Err(error) => Some(self.refuse(Box::new(error))),
        }
    }

    #[inline]
    fn may_read(&self, io: &mut Io<'_>) -> bool {
        if self.readable && !io.has_share() {
            io.again();
            return false;
        }
        self.readable
    }

    #[inline]
    fn decode<F: Filter>(
        &mut self,
        filter: &mut F,
        io: &mut Io<'_>,
    ) -> Result<Option<F::Item>, FilterError> {
        if self.phase != Phase::Ended {
            let item = self.offer(io, |input| filter.decode(input))?;
            if item.is_some() || self.phase == Phase::Flowing {
                return Ok(item);
            }
            self.phase = Phase::Ended;
        }
        self.offer(io, |input| filter.finish(input))
    }

    /// Shows what was read to `take`, and forgets what it consumes.
    #[inline]
    fn offer<R>(&mut self, io: &mut Io<'_>, take: impl FnOnce(&mut Input<'_>) -> R) -> R {
        if self.kept.is_some() {
            self.unpark(io);
        }
        if let Some(kept) = &mut self.kept {
            let mut input = Input::new(kept.bytes());
            let result = take(&mut input);
            let consumed = input.consumed();
            kept.consume(consumed);
            if kept.bytes().is_empty() {
                self.kept = None;
            }
            return result;
        }
        let shared = io.shared_buffer();
        let mut input = Input::new(shared.filled());
        let result = take(&mut input);
        let consumed = input.consumed();
        shared.consume(consumed);
        result
    }

    /// Puts what is kept back to the shared buffer if it is short, so that what comes next is read behind
    /// it. What is long grows where it is: copying it to and fro at every packet would cost more than it
    /// saves.
    #[cold]
    fn unpark(&mut self, io: &mut Io<'_>) {
        if let Some(kept) = &self.kept
            && kept.bytes().len() <= SHORT
            && io.shared_buffer().append(kept.bytes())
        {
            self.kept = None;
        }
    }

    /// Reads once into the room of the shared buffer; says how much came, which is not noted there yet.
    #[inline(always)]
    pub(super) fn read(&mut self, ends: &Ends, io: &mut Io<'_>) -> io::Result<usize> {
        let from = ends.reader()?;
        let bytes = io.shared_buffer().room();
        let room = bytes.len();
        let (read, tells_when_drained) = from.read(bytes);
        match read {
            Ok(count) if count > 0 => {
                self.note(count);
                if count < room && tells_when_drained {
                    self.readable = self.closed;
                }
                Ok(count)
            }
            other => self.read_nothing(other, io).map(|()| 0),
        }
    }

    #[inline(never)]
    fn read_nothing(&mut self, read: io::Result<usize>, io: &mut Io<'_>) -> io::Result<()> {
        match read {
            Ok(_) if self.phase == Phase::Discarding => self.phase = Phase::Done,
            Ok(_) => self.phase = Phase::Ending,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = self.always;
                if self.always {
                    // Nobody will say when it is worth another try: the next turn is soon enough.
                    io.spend(usize::MAX);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// The session paused the input.
const BY_SESSION: u8 = 1;

/// What the input is piped to has enough for now.
const BY_PIPE: u8 = 2;

/// What is kept is copied back to the shared buffer up to this length.
const SHORT: usize = 4 * 1024;

/// An unfinished record longer than this moves out of the shared buffer, so that there is room to read.
const LONG: usize = 32 * 1024;

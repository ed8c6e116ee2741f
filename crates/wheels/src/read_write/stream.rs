//! The stream as the kernel keeps it: both directions, and what is told of them.
//!
//! Owns the descriptor, the filter and the two directions. Promises that input comes before the news of
//! a broken output, and that a stream which was shut down closes itself.

use std::io;
use std::time::{Duration, Instant};

use filters::{Filter, FilterError};
use reactor::{Bound, Io, Readiness, Watched, Wheel, WheelId};

use super::inbound::{Inbound, Pulled};
use super::outbound::{Marks, Outbound, Progress};
use super::told::{Targets, Told};
use super::{Input, Put};
use crate::descriptor::Descriptor;
use crate::failure::{Failure, Operation};
use crate::sys::{self, errno};

#[derive(Debug)]
pub(crate) struct Stream<F> {
    descriptor: Descriptor,
    /// How long it waits without progress once it was shut down, in milliseconds.
    linger: u32,
    targets: Targets,
    inbound: Inbound,
    outbound: Outbound,
    /// A failure that is told when there is no input any more.
    failure: Option<Box<Failure>>,
    /// It was shut down: when it is closed at the latest.
    leaving: Option<Box<Instant>>,
    filter: F,
}

/// What a stream is built of.
pub(super) struct Parts<F> {
    pub(super) descriptor: Descriptor,
    pub(super) filter: F,
    pub(super) targets: Targets,
    pub(super) marks: Marks,
}

impl<F: Filter> Stream<F> {
    pub(super) fn open(parts: Parts<F>, linger: Duration, io: &mut Io<'_>) -> Self {
        let Parts { descriptor, filter, targets, marks } = parts;
        let watched = sys::watch(io, &descriptor);
        let mut stream = Self {
            descriptor,
            linger: u32::try_from(linger.as_millis()).unwrap_or(u32::MAX),
            targets,
            inbound: Inbound::new(*watched.as_ref().unwrap_or(&Watched::WhenReady)),
            outbound: Outbound::new(marks, targets.wanted()),
            failure: None,
            leaving: None,
            filter,
        };
        if !stream.descriptor.is_readable() {
            stream.inbound.finish();
            io.release_session();
        }
        if let Err(error) = watched {
            stream.inbound.finish();
            stream.outbound.fail();
            stream.failure = Some(Box::new(Failure::new(Operation::Watch, &error, io.id())));
            io.queue();
        }
        stream
    }

    pub(super) fn put(&mut self, item: F::Out, io: &mut Io<'_>) -> Put<F::Out> {
        if self.outbound.is_full() {
            self.make_room(io);
        }
        if !self.outbound.is_open() {
            return Put::Refused(item);
        }
        io.mark_dirty();
        if let Err(error) = self.filter.encode(item, self.outbound.output(io)) {
            return Put::Unencodable(error);
        }
        self.outbound.owe_flushed();
        if !self.inbound.is_open() && self.inbound.is_done() {
            io.hold_session();
        }
        if self.outbound.is_light() {
            return Put::Queued;
        }
        // High is not said unless it is true after a write: then it is told, and later low is.
        if self.outbound.is_heavy() || self.outbound.is_high() {
            self.write(io);
        }
        if self.outbound.is_high() { Put::High } else { Put::Queued }
    }

    /// As much is kept as may be. The handler may have put it all in one go: then there is room after
    /// writing.
    #[cold]
    fn make_room(&mut self, io: &mut Io<'_>) {
        if !self.outbound.is_open() {
            return;
        }
        self.write(io);
        while self.outbound.is_full() && self.outbound.is_unblocked() {
            self.write(io);
        }
        if self.outbound.is_full() {
            self.overflow(io);
        }
    }

    pub(super) fn unsent(&self) -> usize {
        self.outbound.unsent()
    }

    pub(super) fn pause(&mut self) {
        self.inbound.pause();
    }

    pub(super) fn resume(&mut self, io: &mut Io<'_>) {
        self.inbound.resume(io);
    }

    pub(super) fn shutdown_output(&mut self, io: &mut Io<'_>) {
        if self.outbound.close() {
            io.mark_dirty();
        }
    }

    pub(super) fn shutdown(&mut self, io: &mut Io<'_>) {
        self.outbound.close();
        if self.descriptor.ends_by_halves() {
            self.inbound.discard();
        } else {
            self.inbound.finish();
        }
        if self.inbound.is_done() {
            // Closing tells the peer as well, and it sends no more that would have to be read first.
            self.outbound.shut();
        }
        self.leaving = Some(Box::new(io.now()));
        self.postpone(io);
        io.hold_session();
        io.mark_dirty();
        io.again();
    }

    /// Writes, and sees to what comes of it.
    fn write(&mut self, io: &mut Io<'_>) {
        match self.outbound.write(&self.descriptor, io) {
            Ok(Progress::Some) if self.leaving.is_some() => self.postpone(io),
            Ok(_) => {}
            Err(error) => self.write_failed(&error, io),
        }
        let over = self.outbound.is_empty() && self.inbound.is_done();
        if over && self.leaving.is_none() && self.failure.is_none() {
            io.release_session();
        }
    }

    #[cold]
    fn write_failed(&mut self, error: &io::Error, io: &mut Io<'_>) {
        let failure = Failure::new(Operation::Write, error, io.id());
        self.output_failed(failure, io);
    }

    /// The peer reads too slowly for what was put.
    fn overflow(&mut self, io: &mut Io<'_>) {
        let text = format!("the peer leaves {} bytes unread", self.outbound.unsent());
        let failure = Failure::told(Operation::Write, errno::NOBUFS, text.into(), io.id());
        self.output_failed(failure, io);
    }

    fn output_failed(&mut self, failure: Failure, io: &mut Io<'_>) {
        let unsent = self.outbound.fail();
        self.failure = Some(Box::new(failure.unsent(unsent)));
        self.inbound.look_once_more();
        io.mark_dirty();
    }

    /// It was shut down and something moves: it may take its time again.
    fn postpone(&mut self, io: &mut Io<'_>) {
        if let Some(deadline) = &mut self.leaving {
            **deadline = io.now() + Duration::from_millis(self.linger.into());
            io.wake_at(**deadline);
        }
    }

    /// Whether a stream that was shut down is through, or has waited long enough.
    fn leave(&mut self, io: &mut Io<'_>) {
        let Some(deadline) = &self.leaving else { return };
        let through = self.outbound.is_settled() && self.inbound.is_done();
        if through || self.outbound.has_failed() {
            io.close();
        } else if io.now() >= **deadline {
            let unsent = self.outbound.fail();
            if unsent > 0 {
                let text = "the peer took too long".into();
                let failure = Failure::told(Operation::Shutdown, errno::TIMEDOUT, text, io.id());
                self.failure = Some(Box::new(failure.unsent(unsent)));
            }
            io.close();
        }
    }

    fn pulled(&self, pulled: Pulled<F::Item>, io: &mut Io<'_>) -> Option<Told<F::Item>> {
        let wheel = io.id();
        let failure = match pulled {
            Pulled::Nothing => return None,
            Pulled::Item(item) => {
                let input = Input { item, wheel };
                return Some(Told::Input(Bound::new(io.session(), self.targets.input), input));
            }
            Pulled::End => Failure::end(wheel),
            Pulled::ReadFailed(error) => Failure::new(Operation::Read, &error, wheel),
            Pulled::Refused(error) => refused(&error, wheel),
        };
        if self.outbound.is_empty() && self.failure.is_none() {
            io.release_session();
        }
        Some(self.failed(Box::new(failure), io))
    }

    /// Whether there is nothing to do and nothing to tell but input.
    #[inline]
    fn is_plain(&self) -> bool {
        self.inbound.is_plain()
            && self.outbound.is_quiet()
            && self.failure.is_none()
            && self.leaving.is_none()
    }

    /// What comes first: the news of the output, the input, the failure of the output.
    #[inline(never)]
    fn next_in_order(&mut self, io: &mut Io<'_>) -> Option<Box<Told<F::Item>>> {
        if self.outbound.is_unblocked() {
            self.write(io);
            self.outbound.note_flushed();
        }
        if let Some(told) = self.noted(io) {
            return Some(Box::new(told));
        }
        if self.outbound.was_telling() {
            return None;
        }
        let pulled = self.inbound.pull(&mut self.filter, &self.descriptor, io);
        if let Some(told) = self.pulled(pulled, io).or_else(|| self.broken(io)) {
            return Some(Box::new(told));
        }
        self.leave(io);
        self.broken(io).map(Box::new)
    }

    #[inline(never)]
    fn flush_in_order(&mut self, io: &mut Io<'_>) -> bool {
        self.write(io);
        self.outbound.note_flushed();
        // To read it has its share, before this or after.
        let ending = self.failure.is_some() || self.leaving.is_some();
        ending || self.outbound.begin_telling()
    }

    #[cold]
    fn read_failed(&mut self, error: io::Error, io: &mut Io<'_>) -> Option<Box<Told<F::Item>>> {
        let pulled = self.inbound.broke(error);
        self.pulled(pulled, io).map(Box::new)
    }

    fn failed(&self, failure: Box<Failure>, io: &Io<'_>) -> Told<F::Item> {
        Told::Failed(Bound::new(io.session(), self.targets.failure), failure)
    }

    /// What is to be told of the output, but for its failure.
    #[inline]
    fn noted(&mut self, io: &Io<'_>) -> Option<Told<F::Item>> {
        let symbol = self.targets.of(self.outbound.take_note()?)?;
        Some(Told::Note(Bound::new(io.session(), symbol), io.id()))
    }

    /// The failure that waits for the input to be told first.
    fn broken(&mut self, io: &mut Io<'_>) -> Option<Told<F::Item>> {
        let failure = self.failure.take_if(|failure| {
            // Of a broken connection there is an end of input. A peer that floods and does not read
            // would put the news off for ever.
            failure.errnum == errno::NOBUFS || !self.inbound.is_flowing()
        })?;
        if self.inbound.is_done() && self.leaving.is_none() {
            io.release_session();
        }
        Some(self.failed(failure, io))
    }
}

impl<F: Filter> Wheel for Stream<F> {
    type Event = Told<F::Item>;

    #[inline]
    fn ready(&mut self, readiness: Readiness) {
        self.inbound.ready(readiness);
        self.outbound.ready(readiness);
    }

    /// The way of nearly every item; anything out of the ordinary is left to `next_in_order`.
    #[inline]
    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        if !self.is_plain() {
            return self.next_in_order(io).map(|told| *told);
        }
        if io.shared_buffer().is_empty() {
            if !self.inbound.is_readable() {
                return None;
            }
            if io.has_share()
                && let Err(error) = self.inbound.fill(&self.descriptor, io)
            {
                return self.read_failed(error, io).map(|told| *told);
            }
        }
        let shared = io.shared_buffer();
        let mut input = filters::Input::new(shared.filled());
        let decoded = self.filter.decode(&mut input);
        let consumed = input.consumed();
        shared.consume(consumed);
        let Ok(Some(item)) = decoded else {
            // What was refused is refused again.
            return self.next_in_order(io).map(|told| *told);
        };
        if shared.is_empty() && !self.inbound.is_readable() {
            io.that_is_all();
        }
        let input = Input { item, wheel: io.id() };
        Some(Told::Input(Bound::new(io.session(), self.targets.input), input))
    }

    #[inline]
    fn flush(&mut self, io: &mut Io<'_>) -> bool {
        if self.inbound.is_open() {
            match self.outbound.write_plainly(&self.descriptor, io) {
                Ok(true) => return false,
                Ok(false) => {}
                Err(error) => self.write_failed(&error, io),
            }
        }
        self.flush_in_order(io)
    }

    fn park(&mut self, io: &mut Io<'_>) {
        self.inbound.park(io);
    }
}

/// The input filter refused what came. `EMSGSIZE` or `EINVAL`, with the filter's words.
fn refused(error: &FilterError, wheel: WheelId) -> Failure {
    let errnum = match error {
        FilterError::TooLong { .. } => errno::MSGSIZE,
        FilterError::Malformed { .. } | _ => errno::INVAL,
    };
    Failure::told(Operation::Decode, errnum, error.to_string().into(), wheel)
}

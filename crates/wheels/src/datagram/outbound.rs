//! Messages that go out.
//!
//! Owns those that are not sent yet. Promises that messages to one peer leave in their order, that no more
//! is kept than was allowed, that a message which cannot be sent takes no other with it, and that a peer
//! which does not read holds up nobody else and costs no processor time. Knows no session.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reactor::Io;

use super::Sent;
use super::limits::Limits;
use crate::address::Address;
use crate::failure::{Failure, Operation};
use crate::socket::Socket;
use crate::sys::{self, BATCH, errno};

#[derive(Debug)]
pub(super) struct Outbound {
    queue: VecDeque<Parcel>,
    /// Those to peers that are full, in their order. Tried again, before the others, when it is time.
    held: VecDeque<Parcel>,
    /// The peers that are full.
    full: Vec<Address>,
    /// Bytes in both queues.
    unsent: usize,
    limits: Limits,
    dropped: u64,
    flow: Flow,
    /// It may go on though no handler sent anything.
    unblocked: bool,
    /// When to try again what the system does not announce.
    retry: Option<Instant>,
    delay: Duration,
    /// Messages up to this length may be given to the system several at a time, for it to cut them.
    segment: usize,
    failures: VecDeque<Failure>,
}

/// A message that is to be sent.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) payload: Bytes,
    pub(super) fds: Vec<OwnedFd>,
    /// Nobody: whom the socket is connected to.
    pub(super) to: Option<Address>,
}

/// Whether the system takes more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flow {
    Free,
    /// Until the system says that it takes more.
    Blocked,
    /// Until it is time to try again.
    Resting,
    /// The socket is none that can be written to.
    Closed,
}

/// What is to be sent with one call.
enum Step {
    /// So many messages as they are.
    Batch(usize),
    /// So many messages of one length, the last one's aside, to one peer.
    Segments(usize),
    /// One message, with its descriptors.
    WithFds,
    /// The first message is to a peer that is full.
    Hold,
}

impl Outbound {
    pub(super) fn new(socket: &Socket, limits: Limits) -> Self {
        Self {
            queue: VecDeque::new(),
            held: VecDeque::new(),
            full: Vec::new(),
            unsent: 0,
            limits,
            dropped: 0,
            flow: Flow::Free,
            unblocked: false,
            retry: None,
            delay: FIRST_DELAY,
            segment: if sys::can_segment(socket) { LONGEST_SEGMENT } else { 0 },
            failures: VecDeque::new(),
        }
    }

    /// Queues a message, if there is room or can be made.
    pub(super) fn push(
        &mut self,
        parcel: Parcel,
        socket: &Socket,
        io: &mut Io<'_>,
    ) -> Sent<Parcel> {
        let length = parcel.payload.len();
        if !self.has_room(length) {
            self.write(socket, io);
        }
        if !self.has_room(length) {
            self.dropped += 1;
            return Sent::Dropped(parcel);
        }
        self.unsent += length;
        self.queue.push_back(parcel);
        io.mark_dirty();
        // A whole batch need not wait for the handler to end.
        if self.queue.len() >= BATCH && self.flow == Flow::Free {
            self.write(socket, io);
        }
        Sent::Queued
    }

    /// Nothing can be sent, ever.
    pub(super) fn close(&mut self, failure: Failure) {
        self.flow = Flow::Closed;
        self.failures.push_back(failure);
    }

    pub(super) fn take_failure(&mut self) -> Option<Failure> {
        let failure = self.failures.pop_front();
        if failure.is_none() {
            self.failures = VecDeque::new();
        }
        failure
    }

    pub(super) const fn unsent(&self) -> usize {
        self.unsent
    }

    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is something to tell.
    pub(super) fn has_failures(&self) -> bool {
        !self.failures.is_empty()
    }

    pub(super) fn ready(&mut self) {
        if self.flow == Flow::Blocked {
            self.flow = Flow::Free;
            self.unblocked = true;
        }
    }

    /// Whether it may go on, without being asked by a handler.
    pub(super) fn is_unblocked(&self, io: &Io<'_>) -> bool {
        self.unblocked || self.rest_is_over(io)
    }

    /// Sends what can be sent, up to a share of the turn.
    pub(super) fn write(&mut self, socket: &Socket, io: &mut Io<'_>) {
        self.unblocked = false;
        let retried = self.rest_is_over(io);
        if retried {
            self.end_rest();
        }
        let (mut share, mut progress) = (WRITE_SHARE, false);
        while self.flow == Flow::Free && !self.queue.is_empty() {
            if self.failures.len() >= MOST_FAILURES {
                // Goes on when they are told.
                self.unblocked = true;
                break;
            }
            if share == 0 {
                self.unblocked = true;
                io.again();
                break;
            }
            let step = self.step();
            match self.take(&step, socket) {
                Ok(cost) => {
                    progress |= cost > 0;
                    share = share.saturating_sub(cost);
                }
                Err(error) => self.meet(&error, &step, io),
            }
        }
        if retried {
            self.delay = if progress { FIRST_DELAY } else { (self.delay * 2).min(LAST_DELAY) };
        }
        let waits = self.flow == Flow::Resting || !self.held.is_empty();
        if waits && self.retry.is_none() {
            let time = io.now() + self.delay;
            self.retry = Some(time);
            io.wake_at(time);
        }
        if self.is_empty() {
            self.queue = VecDeque::new();
            self.held = VecDeque::new();
        }
    }

    fn has_room(&self, length: usize) -> bool {
        self.flow != Flow::Closed && self.limits.allow(self.len(), self.unsent, length)
    }

    fn len(&self) -> usize {
        self.queue.len() + self.held.len()
    }

    fn rest_is_over(&self, io: &Io<'_>) -> bool {
        self.retry.is_some_and(|time| time <= io.now())
    }

    /// It is time to try again, what was held too.
    fn end_rest(&mut self) {
        self.retry = None;
        if self.flow == Flow::Resting {
            self.flow = Flow::Free;
        }
        self.full = Vec::new();
        self.held.append(&mut self.queue);
        std::mem::swap(&mut self.held, &mut self.queue);
    }

    /// What to send next. There is something.
    fn step(&self) -> Step {
        if self.queue.front().is_some_and(|parcel| self.is_held_up(parcel)) {
            return Step::Hold;
        }
        if self.queue.front().is_some_and(Parcel::has_fds) {
            return Step::WithFds;
        }
        let segments = self.segments(0);
        if segments > 1 {
            return Step::Segments(segments);
        }
        let batch = (1..self.queue.len().min(BATCH)).find(|place| {
            let parcel = &self.queue[*place];
            parcel.has_fds() || self.is_held_up(parcel) || self.segments(*place) > 1
        });
        Step::Batch(batch.unwrap_or(self.queue.len()).min(BATCH))
    }

    fn is_held_up(&self, parcel: &Parcel) -> bool {
        !self.full.is_empty() && parcel.to.as_ref().is_some_and(|to| self.full.contains(to))
    }

    /// How many messages from this place on can be sent as segments of one: to one peer, none longer than
    /// the first, and only the last shorter.
    fn segments(&self, place: usize) -> usize {
        let mut parcels = self.queue.range(place..).take(BATCH);
        let Some(first) = parcels.next() else { return 0 };
        let size = first.payload.len();
        if size == 0 || size > self.segment {
            return 1;
        }
        let (mut count, mut bytes) = (1, size);
        for parcel in parcels {
            let len = parcel.payload.len();
            bytes += len;
            let fits = len != 0 && len <= size && bytes <= LONGEST_SEGMENT;
            if !fits || parcel.to != first.to || parcel.has_fds() {
                break;
            }
            count += 1;
            if len < size {
                break;
            }
        }
        count
    }

    /// Does it; says what it takes of the share.
    fn take(&mut self, step: &Step, socket: &Socket) -> io::Result<usize> {
        match *step {
            Step::Hold => {
                self.held.extend(self.queue.pop_front());
                Ok(0)
            }
            Step::Batch(count) => {
                let messages = self.queue.iter().take(count);
                let messages = messages.map(|parcel| (&parcel.payload[..], parcel.to.as_ref()));
                let sent = sys::send_batch(socket, messages)?;
                Ok(self.remove(sent))
            }
            Step::WithFds => {
                let Some(Parcel { payload, fds, to }) = self.queue.front() else { return Ok(0) };
                sys::send_with_fds(socket, payload, to.as_ref(), fds)?;
                Ok(self.remove(1))
            }
            Step::Segments(count) => {
                let runs: Vec<_> = self
                    .queue
                    .iter()
                    .take(count)
                    .map(|parcel| IoSlice::new(&parcel.payload))
                    .collect();
                let size = runs.first().map_or(0, |run| run.len());
                let size = u16::try_from(size).expect("no segment is longer than 65,000 bytes");
                let to = self.queue.front().and_then(|parcel| parcel.to.as_ref()?.as_ip());
                sys::send_segments(socket, &runs, size, to)?;
                Ok(self.remove(count))
            }
        }
    }

    fn remove(&mut self, count: usize) -> usize {
        let parcels = self.queue.drain(..count);
        let (mut cost, mut bytes) = (0, 0);
        for parcel in parcels {
            cost += parcel.payload.len().max(MESSAGE_COST);
            bytes += parcel.payload.len();
        }
        self.unsent -= bytes;
        cost
    }

    /// The first message of the step cannot be sent, at least not now.
    fn meet(&mut self, error: &io::Error, step: &Step, io: &Io<'_>) {
        let to = self.queue.front().and_then(|parcel| parcel.to.as_ref());
        match (error.raw_os_error(), to, step) {
            (Some(errno::AGAIN), Some(to @ Address::Unix(_)), _) => {
                // The socket itself is writable: only its peer is full, and the system does not say when it
                // is not any more.
                self.full.push(to.clone());
                self.held.extend(self.queue.pop_front());
            }
            (Some(errno::AGAIN), _, _) => self.flow = Flow::Blocked,
            // The last: more descriptors are on their way to somebody than one user may have there.
            (Some(errno::NOBUFS | errno::NOMEM | errno::TOOMANYREFS), _, _) => {
                self.flow = Flow::Resting;
            }
            (Some(errno::INTR), _, _) => {}
            // Longer than the way takes, or the device cannot: one at a time then.
            (Some(errno::INVAL | errno::IO | errno::MSGSIZE), _, Step::Segments(_)) => {
                let size = self.queue.front().map_or(0, |parcel| parcel.payload.len());
                self.segment = size / 2;
            }
            (_, _, Step::Batch(_) | Step::Segments(_) | Step::WithFds | Step::Hold) => {
                let Some(parcel) = self.queue.pop_front() else { return };
                self.unsent -= parcel.payload.len();
                let failure = Failure::new(Operation::Write, error, io.id());
                self.failures.push_back(failure.unsent(parcel.payload.len()));
            }
        }
    }
}

impl Parcel {
    const fn has_fds(&self) -> bool {
        !self.fds.is_empty()
    }
}

/// What one wheel may send in a turn before others are served: 256 messages, or fewer long ones.
const WRITE_SHARE: usize = 256 * 1024;
const MESSAGE_COST: usize = 1024;

/// How many failures wait to be told before no more is sent: they take memory, as messages do.
const MOST_FAILURES: usize = BATCH;

/// What a datagram of IP can carry, with something to spare for headers; of all segments of one call too.
const LONGEST_SEGMENT: usize = 65_000;

/// How long what the system does not announce waits to be tried again, at first and at most: a peer that
/// reads is soon served, and one that does not costs 16 tries a second.
const FIRST_DELAY: Duration = Duration::from_millis(1);
const LAST_DELAY: Duration = Duration::from_millis(64);

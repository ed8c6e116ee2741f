//! The wheel that moves framed data.
//!
//! [`ReadWrite`] is the handle and [`ReadWriteBuilder`] its parameters. `stream.rs` is the wheel as the
//! kernel keeps it; `inbound.rs` and `outbound.rs` are its two directions, `told.rs` what it tells.

mod inbound;
mod outbound;
mod stream;
mod told;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use filters::{Filter, FilterError};
use reactor::{Context, EventName, Handle, Symbol, WheelId};

use crate::descriptor::Descriptor;
use crate::failure::Failure;
use outbound::Marks;
use stream::{Parts, Stream};
use told::Targets;

/// A stream read and written in items, held; dropping it closes the stream
/// (POE: `POE::Wheel::ReadWrite`).
///
/// Each item that comes is an [`Input`] to the session that built the wheel. Items to send are
/// [put](Self::put); they leave when the running handler returns, all that were put in one write.
///
/// When the peer ends, its unfinished last record is delivered if the filter can make an item of it,
/// then a [`Failure`] of `read` with error number zero. What is still unsent can be sent: drop the handle
/// to close at once, or [shut it down](Self::shutdown) to let it leave first.
///
/// A wheel keeps its session alive while it reads or has something to send.
pub struct ReadWrite<F: Filter> {
    handle: Handle<Stream<F>>,
}

/// An item came in (POE: the arguments of `InputEvent`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Input<T> {
    /// What the filter made of the bytes.
    pub item: T,
    /// The wheel it came in by.
    pub wheel: WheelId,
}

/// What became of an item that was put. Ignoring it is fine for small answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Put<T> {
    /// It will be sent.
    Queued,
    /// It will be sent, and the high mark is reached: stop putting until the low mark's event.
    High,
    /// The stream was shut down, has failed, is closed, or keeps as much as it may: here it is again.
    Refused(T),
    /// The filter cannot express it; nothing was queued.
    Unencodable(FilterError),
}

impl<F: Filter> ReadWrite<F> {
    /// The wheel's id, as its events carry it.
    #[must_use]
    #[inline]
    pub const fn id(&self) -> WheelId {
        self.handle.id()
    }

    /// Sends an item (POE: `put`): it is encoded now and written when the running handler returns.
    #[inline]
    pub fn put(&self, cx: &mut Context<'_>, item: impl Into<F::Out>) -> Put<F::Out> {
        match cx.wheel(&self.handle) {
            Some((stream, mut io)) => stream.put(item.into(), &mut io),
            None => Put::Refused(item.into()),
        }
    }

    /// How many encoded bytes wait to be sent (POE: `get_driver_out_octets`).
    #[must_use]
    pub fn unsent(&self, cx: &mut Context<'_>) -> usize {
        cx.wheel(&self.handle).map_or(0, |(stream, _)| stream.unsent())
    }

    /// Delivers no more input until [`resume_input`](Self::resume_input), not even what was read already
    /// (POE: `pause_input`). The peer soon finds that it can send no more. What has come is kept: at most
    /// 64 KiB and an unfinished record.
    pub fn pause_input(&self, cx: &mut Context<'_>) {
        if let Some((stream, _)) = cx.wheel(&self.handle) {
            stream.pause();
        }
    }

    /// Delivers input again, first what was kept.
    pub fn resume_input(&self, cx: &mut Context<'_>) {
        if let Some((stream, mut io)) = cx.wheel(&self.handle) {
            stream.resume(&mut io);
        }
    }

    /// Ends the stream in one direction: what was put is sent, and then the peer is told that no more
    /// comes (`SHUT_WR`). Input goes on (POE: `shutdown_output`, which loses what was put).
    pub fn shutdown_output(&self, cx: &mut Context<'_>) {
        if let Some((stream, mut io)) = cx.wheel(&self.handle) {
            stream.shutdown_output(&mut io);
        }
    }

    /// Closes in order: lets go of the wheel, which sends what was put, tells the peer that no more
    /// comes, reads and throws away what the peer still sends, and closes when the peer does.
    ///
    /// So the peer gets all of it, which it does not when a socket with unread input is closed. A wheel
    /// that makes no progress for its [linger time](ReadWriteBuilder::linger) is closed all the same, and
    /// one that cannot write any more at once. A pipe or a file is closed as soon as all is sent.
    /// No input and no end of stream is told any more; the marks and that everything was sent are, to their
    /// events, and that it could not be, to the failure event. The session stays alive until it is over.
    pub fn shutdown(self, cx: &mut Context<'_>) {
        if let Some((stream, mut io)) = cx.wheel(&self.handle) {
            stream.shutdown(&mut io);
        }
        self.handle.release();
    }
}

impl ReadWrite<filters::Stream> {
    /// A wheel on `descriptor`, a [`Socket`](crate::Socket) as a rule, for bytes as they come.
    pub fn builder(descriptor: impl Into<Descriptor>) -> ReadWriteBuilder<filters::Stream> {
        ReadWriteBuilder {
            descriptor: descriptor.into(),
            filter: filters::Stream,
            flushed: None,
            high: None,
            low: None,
            most_unsent: MOST_UNSENT,
            linger: LINGER,
        }
    }
}

impl<F: Filter> fmt::Debug for ReadWrite<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReadWrite({})", self.id())
    }
}

/// The parameters of a [`ReadWrite`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct ReadWriteBuilder<F> {
    descriptor: Descriptor,
    filter: F,
    flushed: Option<Name>,
    high: Option<(usize, Name)>,
    low: Option<(usize, Name)>,
    most_unsent: usize,
    linger: Duration,
}

impl<F: Filter> ReadWriteBuilder<F> {
    /// How bytes become items and items bytes. Default: [`Stream`](filters::Stream).
    pub fn filter<G: Filter>(self, filter: G) -> ReadWriteBuilder<G> {
        let Self { descriptor, filter: _, flushed, high, low, most_unsent, linger } = self;
        ReadWriteBuilder { descriptor, filter, flushed, high, low, most_unsent, linger }
    }

    /// Told whenever all that was put has been sent, once each time (POE: `FlushedEvent`).
    /// Default: not told.
    pub fn flushed_event(mut self, event: impl EventName<WheelId>) -> Self {
        self.flushed = Some(event.into_name());
        self
    }

    /// Told when, after a write, `bytes` or more are left unsent (POE: `HighMark`, `HighEvent`). The
    /// next is told only after the low mark was passed. Default: not told.
    pub fn high_mark(mut self, bytes: usize, event: impl EventName<WheelId>) -> Self {
        self.high = Some((bytes, event.into_name()));
        self
    }

    /// Told when, after the high mark was reached, `bytes` or fewer are left unsent (POE: `LowMark`,
    /// `LowEvent`). A low mark that is not below the high one is taken as just below it. Default: not
    /// told.
    pub fn low_mark(mut self, bytes: usize, event: impl EventName<WheelId>) -> Self {
        self.low = Some((bytes, event.into_name()));
        self
    }

    /// How many unsent bytes are kept for a peer that does not read. When so many are there and another
    /// item is put, the stream fails (`write`, `ENOBUFS`) and what is unsent is given up: a server does
    /// not die of one slow client. Default: 16 MiB.
    pub const fn most_unsent(mut self, bytes: usize) -> Self {
        self.most_unsent = bytes;
        self
    }

    /// How long a wheel that was [shut down](ReadWrite::shutdown) waits without progress. Default: 30 s.
    pub const fn linger(mut self, time: Duration) -> Self {
        self.linger = time;
        self
    }

    /// Builds the wheel: `input` is told each item, `failure` the end of the stream and what goes wrong.
    #[must_use = "dropping the wheel closes the stream"]
    pub fn build(
        self,
        cx: &mut Context<'_>,
        input: impl EventName<Input<F::Item>>,
        failure: impl EventName<Failure>,
    ) -> ReadWrite<F> {
        let mut symbol = |name: Option<Name>| -> Option<Symbol> { Some(cx.symbol(name?)) };
        let (high, high_event) = self.high.unzip();
        let (low, low_event) = self.low.unzip();
        let told = [symbol(self.flushed), symbol(high_event), symbol(low_event)];
        let targets = Targets {
            input: cx.symbol_of(input),
            failure: cx.symbol_of(failure),
            flushed: told[0],
            high: told[1],
            low: told[2],
        };
        let marks = Marks::new(high, low, self.most_unsent);
        let parts = Parts { descriptor: self.descriptor, filter: self.filter, targets, marks };
        ReadWrite { handle: cx.add_wheel(|io| Stream::open(parts, self.linger, io)) }
    }
}

type Name = Cow<'static, str>;

/// Unsent bytes kept for one peer: enough for a large answer, and a thousand of them fit in a machine.
const MOST_UNSENT: usize = 16 * 1024 * 1024;

/// nginx lingers as long.
const LINGER: Duration = Duration::from_secs(30);

//! The parameters of a [`ReadWrite`].

use std::borrow::Cow;
use std::time::Duration;

use filters::Filter;
use reactor::{Context, EventName, Symbol, WheelId};

use super::ends::Ends;
use super::health::Limits;
use super::settings::{Marks, Settings, number};
use super::stream::{Parts, Stream};
use super::told::Targets;
use super::{Input, ReadWrite};
use crate::descriptor::Descriptor;
use crate::failure::Failure;

/// The parameters of a [`ReadWrite`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct ReadWriteBuilder<F> {
    filter: F,
    with: Parameters,
}

#[derive(Debug)]
struct Parameters {
    input: Descriptor,
    output: Option<Descriptor>,
    flushed: Option<Name>,
    high: Option<(usize, Name)>,
    low: Option<(usize, Name)>,
    most_unsent: usize,
    linger: Duration,
    limits: Limits,
    unread: Vec<u8>,
}

impl<F: Filter> ReadWriteBuilder<F> {
    pub(super) fn new(input: Descriptor, output: Option<Descriptor>, filter: F) -> Self {
        let with = Parameters {
            input,
            output,
            flushed: None,
            high: None,
            low: None,
            most_unsent: MOST_UNSENT,
            linger: LINGER,
            limits: Limits::default(),
            unread: Vec::new(),
        };
        Self { filter, with }
    }

    /// How bytes become items and items bytes (POE: `Filter`). Default: [`Stream`](filters::Stream).
    pub fn filter<G: Filter>(self, filter: G) -> ReadWriteBuilder<G> {
        ReadWriteBuilder { filter, with: self.with }
    }

    /// Bytes that were read before there was a wheel, by whoever looked at the stream first: they are
    /// input, before anything else that comes.
    pub fn unread(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.with.unread = bytes.into();
        self
    }

    /// Told whenever all that was put has been sent, once each time (POE: `FlushedEvent`).
    /// Default: not told.
    pub fn flushed_event(mut self, event: impl EventName<WheelId>) -> Self {
        self.with.flushed = Some(event.into_name());
        self
    }

    /// Told when, after a write, `bytes` or more are left unsent (POE: `HighMark`, `HighEvent`). The
    /// next is told only after the low mark was passed. Default: not told.
    pub fn high_mark(mut self, bytes: usize, event: impl EventName<WheelId>) -> Self {
        self.with.high = Some((bytes, event.into_name()));
        self
    }

    /// Told when, after the high mark was reached, `bytes` or fewer are left unsent (POE: `LowMark`,
    /// `LowEvent`). A low mark that is not below the high one is taken as just below it. Default: not
    /// told.
    pub fn low_mark(mut self, bytes: usize, event: impl EventName<WheelId>) -> Self {
        self.with.low = Some((bytes, event.into_name()));
        self
    }

    /// How many unsent bytes are kept for a peer that does not read. When so many are there and another
    /// item is put, the stream fails (`output_limit`, `ENOBUFS`) and what is unsent is given up: a server
    /// does not die of one slow client. 0 is taken as 1: one item at a time. Default: 16 MiB.
    pub const fn most_unsent(mut self, bytes: usize) -> Self {
        self.with.most_unsent = bytes;
        self
    }

    /// How long so many bytes or more may be unsent: a lower limit than [`most_unsent`](Self::most_unsent)
    /// that a peer may exceed for a while, as redis has for its clients. Fails in the same way. Default:
    /// none.
    pub fn most_unsent_for(mut self, bytes: usize, time: Duration) -> Self {
        self.with.limits.soft = Limits::millis(Some(time));
        self.with.limits.soft_bytes = number(bytes).max(1);
        self
    }

    /// How long nothing may come and nothing be sent: then the input is over with a failure
    /// (`idle_timeout`, `ETIMEDOUT`), and what is put is still sent. The time while the input is paused does
    /// not count. `None`, the default: for ever.
    ///
    /// In milliseconds, as all limits of time here: a part of one is taken as one, zero too, and more than
    /// 49 days as 49 days. No limit is reached early.
    pub fn idle_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.with.limits.idle = Limits::millis(time.into());
        self
    }

    /// How long a record may take from its first byte to its last, however many bytes come meanwhile: a
    /// peer that sends one byte a second is not idle, but no client either. Then the input is over with a
    /// failure (`frame_timeout`, `ETIMEDOUT`), and what is put is still sent. The time while the input is
    /// paused does not count. `None`, the default: for ever.
    pub fn frame_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.with.limits.frame = Limits::millis(time.into());
        self
    }

    /// How long the peer may take nothing of what is unsent: then the output fails (`stall_timeout`,
    /// `ETIMEDOUT`) as if a write had failed. `None`, the default: for ever, up to
    /// [`most_unsent`](Self::most_unsent).
    pub fn stall_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.with.limits.stall = Limits::millis(time.into());
        self
    }

    /// How long the stream may last in all, from when the wheel is built: then the input is over with a
    /// failure (`lifetime`, `ETIMEDOUT`), and what is put is still sent. A wheel that is
    /// [shut down](ReadWrite::shutdown) before lingers no longer than this. `None`, the default: for ever.
    pub fn lifetime(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.with.limits.lifetime = Limits::millis(time.into());
        self
    }

    /// How long a wheel that was [shut down](ReadWrite::shutdown) waits without progress. Zero: not at all.
    /// Default: 30 s.
    pub const fn linger(mut self, time: Duration) -> Self {
        self.with.linger = time;
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
        let Self { filter, with } = self;
        let mut symbol = |name: Option<Name>| -> Option<Symbol> { Some(cx.symbol(name?)) };
        let (high, high_event) = with.high.unzip();
        let (low, low_event) = with.low.unzip();
        let told = [symbol(with.flushed), symbol(high_event), symbol(low_event)];
        let targets = Targets {
            input: cx.symbol_of(input),
            failure: cx.symbol_of(failure),
            flushed: told[0],
            high: told[1],
            low: told[2],
        };
        let marks = Marks::new(high, low, with.most_unsent);
        let linger = u32::try_from(with.linger.as_millis()).unwrap_or(u32::MAX);
        let parts = Parts {
            ends: Ends::new(with.input, with.output),
            filter,
            settings: Settings::new(targets, marks, linger, with.limits),
            unread: with.unread,
        };
        ReadWrite::new(cx.add_wheel(|io| Stream::open(parts, io)))
    }
}

type Name = Cow<'static, str>;

/// Unsent bytes kept for one peer: enough for a large answer, and a thousand of them fit in a machine.
const MOST_UNSENT: usize = 16 * 1024 * 1024;

/// nginx lingers as long.
const LINGER: Duration = Duration::from_secs(30);

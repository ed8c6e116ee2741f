//! Whether a stream is still good for something: how long it may be silent, unfinished, stuck or alive.
//!
//! Owns the times at which something moved last. Promises that a packet costs no timer: the one alarm is
//! set to the earliest time at which something could be wrong, and looked at anew when it rings. Never
//! reads a clock; `stream.rs` says what moved.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use reactor::Io;

use super::outbound::Progress;
use crate::failure::Operation;
use crate::sys::errno;

/// How long what may last, in milliseconds; zero is for ever.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Limits {
    /// Without a byte in either direction.
    pub(super) idle: u32,
    /// From the first byte of a record to its last.
    pub(super) frame: u32,
    /// Without the peer's taking anything of what is unsent.
    pub(super) stall: u32,
    /// In all.
    pub(super) lifetime: u32,
    /// With so many bytes unsent, or more.
    pub(super) soft: u32,
    pub(super) soft_bytes: u32,
}

impl Limits {
    pub(super) fn any(&self) -> bool {
        *self != Self::default()
    }

    /// The number of milliseconds in a time that is a limit: none is for ever, and a part of one is one.
    pub(super) fn millis(time: Option<Duration>) -> u32 {
        let millis = time.map(|time| time.as_nanos().div_ceil(1_000_000).max(1));
        millis.map_or(0, |millis| u32::try_from(millis).unwrap_or(u32::MAX))
    }
}

/// A limit that was reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Limit {
    Idle,
    Frame,
    Stall,
    Lifetime,
    Soft,
}

impl Limit {
    /// What is told of it.
    pub(super) const fn words(self) -> (Operation, i32, &'static str) {
        match self {
            Self::Idle => (Operation::IdleTimeout, errno::TIMEDOUT, "nothing came or went"),
            Self::Frame => (Operation::FrameTimeout, errno::TIMEDOUT, "a record is not finished"),
            Self::Stall => (Operation::StallTimeout, errno::TIMEDOUT, "the peer takes nothing"),
            Self::Lifetime => (Operation::Lifetime, errno::TIMEDOUT, "it has lasted long enough"),
            Self::Soft => {
                (Operation::OutputLimit, errno::NOBUFS, "the peer leaves too much unread")
            }
        }
    }

    /// Whether it is the output that fails, and not the input that is over.
    pub(super) const fn is_of_output(self) -> bool {
        matches!(self, Self::Stall | Self::Soft)
    }
}

/// What there is to look after.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) input: Input,
    pub(super) unsent: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Input {
    Awaited,
    /// The session does not want it now.
    Paused,
    Over,
}

/// A note of when something happened, from which no limit is reached early.
///
/// In milliseconds since the stream was made, rounded up, and one more: so a thousand idle connections do
/// not keep five times as much. Like all times here it is by the kernel's uptime, which costs less to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Tick(NonZeroU32);

#[derive(Debug)]
pub(super) struct Health {
    /// When it was made, or a time since then.
    base: Duration,
    /// When bytes moved last, in either direction.
    moved: Tick,
    /// When the record that is unfinished began.
    frame: Option<Tick>,
    /// Since when input is not wanted.
    paused: Option<Tick>,
    /// When the peer last took something, if anything is unsent.
    stalled: Option<Tick>,
    /// Since when too much is unsent.
    heavy: Option<Tick>,
    alarm: Alarm,
    life: Life,
    /// How many [shifts](SHIFT) after it was made the base is.
    shifts: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Alarm {
    Off,
    /// It rings no later than the first limit is reached.
    Set,
}

/// Whether it is told that it has lived too long, or may yet be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Life {
    Good,
    Told,
}

impl Health {
    pub(super) const fn new(now: Duration) -> Self {
        Self {
            base: now,
            moved: Tick::FIRST,
            frame: None,
            paused: None,
            stalled: None,
            heavy: None,
            alarm: Alarm::Off,
            life: Life::Good,
            shifts: 0,
        }
    }

    /// Whether the alarm has rung and nobody has looked yet.
    #[inline]
    pub(super) fn is_due(&self, io: &Io<'_>) -> bool {
        self.alarm == Alarm::Set && !io.is_waiting()
    }

    /// Bytes came.
    #[inline]
    pub(super) fn note_input(&mut self, now: Duration) {
        self.moved = self.tick(now);
    }

    /// No record is unfinished: one is complete, or nothing is left.
    #[inline]
    pub(super) const fn note_record(&mut self) {
        self.frame = None;
    }

    /// All that came was looked at, and there is the beginning of a record.
    pub(super) fn note_unfinished(&mut self, now: Duration) {
        let now = self.tick(now);
        self.frame.get_or_insert(now);
    }

    /// There was a write: what became of it, and what is left.
    pub(super) fn note_output(
        &mut self,
        progress: Progress,
        unsent: usize,
        limits: &Limits,
        now: Duration,
    ) {
        let now = self.tick(now);
        if progress == Progress::Some {
            self.moved = now;
            self.stalled = None;
        }
        self.stalled = (unsent > 0).then(|| self.stalled.unwrap_or(now));
        let heavy = limits.soft > 0 && unsent >= limits.soft_bytes as usize;
        self.heavy = heavy.then(|| self.heavy.unwrap_or(now));
    }

    /// Input is not wanted for now.
    pub(super) fn note_paused(&mut self, now: Duration) {
        let now = self.tick(now);
        self.paused.get_or_insert(now);
    }

    /// Input is wanted again: the time during which it was not is not the peer's. What had begun before
    /// goes on, or a peer that makes us pause had time without end.
    pub(super) fn note_resumed(&mut self, now: Duration) {
        let now = self.tick(now);
        let Some(paused) = self.paused.take() else { return };
        let time = now.since(paused);
        for since in self.frame.iter_mut().chain([&mut self.moved]) {
            *since = since.later(time).min(now);
        }
    }

    /// Another filter took the place of one that refused: its time begins.
    pub(super) fn note_anew(&mut self, now: Duration) {
        self.moved = self.tick(now);
        self.frame = None;
    }

    /// The time at which it is over in any case.
    pub(super) fn end(&self, limits: &Limits) -> Option<Duration> {
        let born = self.base.saturating_sub(SHIFT * u32::from(self.shifts));
        let ends = self.life == Life::Good && limits.lifetime > 0;
        ends.then(|| born + Duration::from_millis(limits.lifetime.into()))
    }

    /// Sets the alarm for the limit that is reached first, unless it rings before that anyway.
    pub(super) fn set_alarm(&mut self, limits: &Limits, state: State, io: &mut Io<'_>) {
        let first = self.limits(limits, state).map(|(_, due)| due).min();
        let first = first.and_then(|first| instant(first, io));
        let alarm = io.alarm();
        if let Some(first) = first.filter(|first| alarm.is_none_or(|alarm| *first < alarm)) {
            io.wake_at(first);
            self.alarm = Alarm::Set;
        }
    }

    /// The alarm has rung: which limit is reached, if any. It is to be set anew.
    pub(super) fn look(&mut self, limits: &Limits, state: State, now: Duration) -> Option<Limit> {
        self.alarm = Alarm::Off;
        let (limit, _) = self.limits(limits, state).find(|(_, due)| *due <= now)?;
        if limit == Limit::Lifetime {
            self.life = Life::Told;
        }
        Some(limit)
    }

    /// Each limit that is on, and when it is reached as things stand.
    fn limits(&self, limits: &Limits, state: State) -> impl Iterator<Item = (Limit, Duration)> {
        let heard = |since: Option<Tick>| since.filter(|_| state.input == Input::Awaited);
        let lives = state.input != Input::Over || state.unsent > 0;
        [
            (Limit::Lifetime, self.end(limits).filter(|_| lives)),
            (Limit::Soft, self.after(self.heavy, limits.soft)),
            (Limit::Stall, self.after(self.stalled, limits.stall)),
            (Limit::Frame, self.after(heard(self.frame), limits.frame)),
            (Limit::Idle, self.after(heard(Some(self.moved)), limits.idle)),
        ]
        .into_iter()
        .filter_map(|(limit, due)| Some((limit, due?)))
    }

    #[inline]
    fn tick(&mut self, now: Duration) -> Tick {
        let elapsed = now.saturating_sub(self.base);
        if elapsed < 2 * SHIFT { Tick::of(elapsed) } else { self.shift(elapsed) }
    }

    /// So many milliseconds after a note. `None` if it was not made, or there is no such limit.
    fn after(&self, since: Option<Tick>, millis: u32) -> Option<Duration> {
        if millis == 0 {
            return None;
        }
        Some(self.base + since?.time() + Duration::from_millis(millis.into()))
    }

    /// Moves the base, so that ticks do not run out, which they would after 49 days. What is long past moves
    /// with it: no limit is reached early by that.
    #[cold]
    fn shift(&mut self, elapsed: Duration) -> Tick {
        let count = u16::try_from(elapsed.as_nanos() / SHIFT.as_nanos()).unwrap_or(u16::MAX);
        let passed = SHIFT * count.into();
        self.base += passed;
        self.shifts = self.shifts.saturating_add(count);
        for note in [&mut self.frame, &mut self.paused, &mut self.stalled, &mut self.heavy] {
            *note = note.map(|note| note.earlier(passed));
        }
        self.moved = self.moved.earlier(passed);
        Tick::of(elapsed.saturating_sub(passed))
    }
}

/// The time at which the kernel's uptime is this, or now if it was.
pub(super) fn instant(uptime: Duration, io: &Io<'_>) -> Option<Instant> {
    io.now().checked_add(uptime.saturating_sub(io.uptime()))
}

impl Tick {
    const FIRST: Self = Self(NonZeroU32::MIN);

    #[inline]
    fn of(time: Duration) -> Self {
        // Not by `as_nanos`, which is of 128 bits and slow to divide.
        let part = u64::from(time.subsec_nanos().div_ceil(1_000_000));
        let millis = time.as_secs().saturating_mul(1000).saturating_add(part);
        Self(NonZeroU32::MIN.saturating_add(u32::try_from(millis).unwrap_or(u32::MAX)))
    }

    fn time(self) -> Duration {
        Duration::from_millis(u64::from(self.0.get()) - 1)
    }

    fn since(self, earlier: Self) -> Duration {
        self.time().saturating_sub(earlier.time())
    }

    fn later(self, time: Duration) -> Self {
        Self::of(self.time() + time)
    }

    fn earlier(self, time: Duration) -> Self {
        Self::of(self.time().saturating_sub(time))
    }

    fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }
}

/// By how much the base is moved.
const SHIFT: Duration = Duration::from_secs(20 * 24 * 60 * 60);

//! What handlers do, watched: time, slowness, a trace.
//!
//! Owns the switches and what was measured. Costs one branch an event while everything is off. Never
//! changes what is delivered or when.

use std::collections::HashMap;
use std::time::Duration;

use log::Level;
use rustc_hash::FxBuildHasher;

use super::{Kernel, Letter};
use crate::name::Symbol;
use crate::payload::Parcel;
use crate::session::{AnySession, Handled, Options, Reply};
use crate::timing::Timing;

#[derive(Debug, Default)]
pub(super) struct Observer {
    times: Option<Times>,
    slow: Option<Duration>,
    /// Sessions that want each of their events in the log.
    traced: usize,
}

/// Time spent, by session kind and event.
type Times = HashMap<(&'static str, Symbol), Timing, FxBuildHasher>;

impl Observer {
    pub(super) const fn new(slow: Option<Duration>) -> Self {
        Self { times: None, slow, traced: 0 }
    }

    pub(super) fn is_on(&self) -> bool {
        self.times.is_some()
            || self.slow.is_some()
            || self.traced > 0
            || log::max_level() >= Level::Trace
    }

    /// A session's options have changed, or come, or gone.
    pub(super) fn trace(&mut self, old: Options, new: Options) {
        self.traced = self.traced + usize::from(new.trace) - usize::from(old.trace);
    }

    const fn reads_clock(&self) -> bool {
        self.times.is_some() || self.slow.is_some()
    }
}

impl Kernel {
    /// Begins to measure the time that each kind of session spends in each event, from nothing.
    ///
    /// Costs two readings of the clock an event (some 60 ns). See [`timings`](Self::timings).
    pub fn start_timing(&mut self) {
        self.observer.times = Some(Times::default());
        self.observed = true;
    }

    /// Ends it; gives what was measured.
    pub fn stop_timing(&mut self) -> Vec<Timing> {
        let timings = self.timings();
        self.observer.times = None;
        self.observed = self.observer.is_on();
        timings
    }

    /// The time spent since [`start_timing`](Self::start_timing), what took most first; nothing if it is
    /// off. A handler's time includes that of the handlers it calls.
    #[must_use]
    pub fn timings(&self) -> Vec<Timing> {
        let mut timings: Vec<Timing> =
            self.observer.times.iter().flat_map(HashMap::values).cloned().collect();
        timings.sort_by(|one, other| {
            other.total().cmp(&one.total()).then_with(|| one.event().cmp(other.event()))
        });
        timings
    }

    /// Warns, in the log, of each handler that takes longer than this; `None`: of none, the default.
    ///
    /// The warning names the session and the event, and [`Stats::slow`](crate::Stats::slow) counts. Costs
    /// two readings of the clock an event, as [`start_timing`](Self::start_timing) does.
    pub fn set_slow_limit(&mut self, limit: Option<Duration>) {
        self.observer.slow = limit;
        self.observed = self.observer.is_on();
    }

    /// What the log wants may have changed since the last turn.
    #[inline]
    pub(super) fn look_who_watches(&mut self) {
        self.observed = self.observer.is_on();
    }

    #[cold]
    pub(super) fn run_observed(
        &mut self,
        symbol: Symbol,
        body: &mut dyn AnySession,
        parcel: &mut Parcel<'_>,
        reply: Option<&mut Reply<'_>>,
    ) -> Handled {
        let letter = self.current;
        self.trace_event(body, letter);
        let begin = self.observer.reads_clock().then(|| self.desk.clock.moment());
        let handled = self.run_current(symbol, body, parcel, reply);
        if let Some(begin) = begin {
            let spent = self.desk.clock.moment().since(begin);
            self.note_time(body.kind(), letter, spent);
        }
        handled
    }

    fn trace_event(&self, body: &dyn AnySession, letter: Letter) {
        let wants = self.sessions.get(letter.to).is_some_and(|slot| slot.options.trace);
        let level = if wants { Level::Info } else { Level::Trace };
        log::log!(
            target: "reactor::events", level,
            "session {} ({}): {} from {}",
            letter.to, body.kind(), self.names.text(letter.symbol()), letter.from.who()
        );
    }

    fn note_time(&mut self, kind: &'static str, letter: Letter, spent: Duration) {
        let Self { observer, names, stats, .. } = self;
        if let Some(times) = &mut observer.times {
            let timing = times.entry((kind, letter.symbol()));
            timing.or_insert_with(|| Timing::new(kind, names.shared(letter.symbol()))).note(spent);
        }
        if observer.slow.is_some_and(|limit| spent > limit) {
            stats.slow += 1;
            let event = names.text(letter.symbol());
            log::warn!(
                target: "reactor::events",
                "session {} ({kind}) took {spent:?} for {event}: nothing else could happen",
                letter.to
            );
        }
    }
}

//! What a stream was told to be: names of events, marks, limits.
//!
//! Owns one value for all streams that were built alike, so that a thousand connections of a server keep
//! it once. Never changes under another stream: who changes gets a value of its own.

use std::rc::Rc;

use reactor::Io;

use super::health::Limits;
use super::told::Targets;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Settings {
    pub(super) targets: Targets,
    /// The notes that anybody wants, as bits.
    pub(super) wanted: u8,
    pub(super) marks: Marks,
    /// How long it waits without progress once it was shut down, in milliseconds.
    pub(super) linger: u32,
    pub(super) limits: Limits,
}

impl Settings {
    pub(super) fn new(targets: Targets, marks: Marks, linger: u32, limits: Limits) -> Self {
        Self { wanted: targets.wanted(), targets, marks, linger, limits }
    }

    /// One value for all that are alike.
    pub(super) fn share(self, io: &mut Io<'_>) -> Rc<Self> {
        let Known(known) = io.shared_value();
        if let Some(alike) = known.iter().find(|known| ***known == self) {
            return Rc::clone(alike);
        }
        if known.len() == MOST_KNOWN {
            known.remove(0);
        }
        let new = Rc::new(self);
        known.push(Rc::clone(&new));
        new
    }
}

/// How much may be unsent: `u32::MAX` is never reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Marks {
    high: u32,
    low: u32,
    most: u32,
    /// Below this nothing is to be done before the handler returns.
    light: u32,
}

impl Marks {
    pub(super) fn new(high: Option<usize>, low: Option<usize>, most: usize) -> Self {
        let high = high.map_or(u32::MAX, |high| number(high).max(1));
        let low = low.map_or(high - 1, number).min(high - 1);
        Self { high, low, most: number(most).max(1), light: high.min(HEAVY) }
    }

    /// With another high mark; the low one stays below it.
    pub(super) fn with_high(self, bytes: usize) -> Self {
        let high = number(bytes).max(1);
        Self { high, low: self.low.min(high - 1), light: high.min(HEAVY), ..self }
    }

    /// With another low mark, below the high one.
    pub(super) fn with_low(self, bytes: usize) -> Self {
        Self { low: number(bytes).min(self.high - 1), ..self }
    }

    #[inline]
    pub(super) const fn is_high(&self, unsent: usize) -> bool {
        unsent >= self.high as usize
    }

    #[inline]
    pub(super) const fn is_light(&self, unsent: usize) -> bool {
        unsent < self.light as usize
    }

    #[inline]
    pub(super) const fn is_low(&self, unsent: usize) -> bool {
        unsent <= self.low as usize
    }

    #[inline]
    pub(super) const fn is_most(&self, unsent: usize) -> bool {
        unsent >= self.most as usize
    }
}

/// What is not reached by any number of bytes is all the same.
pub(super) fn number(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// What may gather before it is written though the handler goes on.
pub(super) const HEAVY: u32 = 64 * 1024;

/// The settings that streams of one kernel were built with last.
#[derive(Default)]
struct Known(Vec<Rc<Settings>>);

/// As many as a program has kinds of streams, about; beyond that they are kept each by itself.
const MOST_KNOWN: usize = 16;

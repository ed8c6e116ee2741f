//! How long handlers took.

use std::rc::Rc;
use std::time::Duration;

/// The time that one kind of session spent in one event. Got by
/// [`Kernel::timings`](crate::Kernel::timings).
#[derive(Clone, Debug)]
pub struct Timing {
    kind: &'static str,
    event: Rc<str>,
    count: u64,
    total: Duration,
    max: Duration,
    histogram: [u64; Self::BUCKETS],
}

impl Timing {
    /// How many buckets a histogram has: the last begins at 34 seconds.
    pub const BUCKETS: usize = 36;

    pub(crate) const fn new(kind: &'static str, event: Rc<str>) -> Self {
        let (total, max) = (Duration::ZERO, Duration::ZERO);
        Self { kind, event, count: 0, total, max, histogram: [0; Self::BUCKETS] }
    }

    pub(crate) fn note(&mut self, spent: Duration) {
        self.count += 1;
        self.total = self.total.saturating_add(spent);
        self.max = self.max.max(spent);
        let nanos = u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX);
        let bucket = nanos.checked_ilog2().unwrap_or(0) as usize;
        self.histogram[bucket.min(Self::BUCKETS - 1)] += 1;
    }

    /// The type of the session's state.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// The event's name.
    #[must_use]
    pub fn event(&self) -> &str {
        &self.event
    }

    /// How often it was handled. One that ended in a panic is not counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// All of it together.
    #[must_use]
    pub const fn total(&self) -> Duration {
        self.total
    }

    /// The longest.
    #[must_use]
    pub const fn max(&self) -> Duration {
        self.max
    }

    /// How many took from 2^n up to 2^(n+1) nanoseconds, for each n from zero; the last bucket has all
    /// that took longer.
    #[must_use]
    pub const fn histogram(&self) -> &[u64; Self::BUCKETS] {
        &self.histogram
    }
}

//! What the network is like.

use std::ops::RangeInclusive;
use std::time::Duration;

/// How a simulated network treats what is sent through it.
///
/// ```
/// use std::time::Duration;
/// use simulation::Conditions;
///
/// let far_away = Conditions::rough().latency(Duration::from_millis(80)..=Duration::from_millis(300));
/// # let _ = far_away;
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conditions {
    pub(crate) latency: RangeInclusive<Duration>,
    pub(crate) is_rough: bool,
}

impl Conditions {
    /// A network as a test in a hurry wants it: 0.2 to 1 ms from one host to another, and nothing goes wrong.
    #[must_use]
    pub fn calm() -> Self {
        let latency = Duration::from_micros(200)..=Duration::from_millis(1);
        Self { latency, is_rough: false }
    }

    /// A network as it is at three in the morning: 1 to 50 ms from one host to another, now and then twenty
    /// times as much. Streams arrive in pieces, through windows that may be as small as a byte; datagrams are
    /// lost (3 of 100), doubled, and overtake each other; what is ready is served in any order.
    #[must_use]
    pub fn rough() -> Self {
        let latency = Duration::from_millis(1)..=Duration::from_millis(50);
        Self { latency, is_rough: true }
    }

    /// How long it takes from one host to another, one way. Within a host it is 20 microseconds.
    #[must_use]
    pub fn latency(mut self, latency: RangeInclusive<Duration>) -> Self {
        self.latency = latency;
        self
    }
}

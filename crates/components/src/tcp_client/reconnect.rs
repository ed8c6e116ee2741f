//! When to connect again, and how often.
//!
//! [`Reconnect`] is what the user says, [`Backoff`] what has happened. Never sets a timer and never reads a
//! clock: `link.rs` does.

use std::time::{Duration, Instant};

/// Whether and when a [`TcpClient`](super::TcpClient) connects again by itself.
///
/// Each wait is drawn anew between nothing and a ceiling, which is [`first`](Self::first) at first, doubles
/// with every try, and is never above [`most`](Self::most): after a server's restart its clients come back
/// spread out, however many they are, and not in step.
///
/// ```
/// use std::time::Duration;
/// use components::Reconnect;
///
/// // Up to 1 s, 2 s, 4 s, 8 s and then 10 s; after 20 tries in a row it gives up.
/// let patient = Reconnect::new().most(Duration::from_secs(10)).attempts(20);
/// # let _ = patient;
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "it does nothing until a client is given it"]
pub struct Reconnect {
    first: Duration,
    most: Duration,
    stable: Duration,
    attempts: Option<u32>,
}

impl Reconnect {
    /// For ever: waits of up to 1 s at first and of up to 1 min in the end, anew after a minute of being
    /// connected.
    pub const fn new() -> Self {
        let minute = Duration::from_secs(60);
        Self { first: Duration::from_secs(1), most: minute, stable: minute, attempts: None }
    }

    /// The longest that the first wait can be. Less than a millisecond is taken as one. Default: 1 s.
    pub const fn first(mut self, wait: Duration) -> Self {
        self.first = wait;
        self
    }

    /// The longest that any wait can be. Default: 1 min.
    pub const fn most(mut self, wait: Duration) -> Self {
        self.most = wait;
        self
    }

    /// How long a connection must last for the next wait to be a first one again, and for the attempts to be
    /// counted anew: a server that accepts and hangs up at once is not there. Default: 1 min.
    pub const fn stable(mut self, time: Duration) -> Self {
        self.stable = time;
        self
    }

    /// How often in a row it is tried again, after which the client gives up. 0 is never. Default: for ever.
    pub const fn attempts(mut self, times: u32) -> Self {
        self.attempts = Some(times);
        self
    }
}

impl Default for Reconnect {
    fn default() -> Self {
        Self::new()
    }
}

/// How often it was tried, and since when it is connected.
#[derive(Debug)]
pub(super) struct Backoff {
    reconnect: Option<Reconnect>,
    tries: u32,
    since: Option<Instant>,
}

/// What is to be done about a connection that broke or was not made.
#[derive(Debug)]
pub(super) enum Again {
    Never,
    After(Duration),
    /// It was tried often enough.
    GiveUp,
}

impl Backoff {
    pub(super) const fn new(reconnect: Option<Reconnect>) -> Self {
        Self { reconnect, tries: 0, since: None }
    }

    pub(super) const fn connected(&mut self, now: Instant) {
        self.since = Some(now);
    }

    pub(super) fn disconnected(&mut self, now: Instant) {
        let Some(since) = self.since.take() else { return };
        if self.reconnect.is_some_and(|reconnect| now - since >= reconnect.stable) {
            self.tries = 0;
        }
    }

    /// Begins to count anew.
    pub(super) const fn reset(&mut self) {
        self.tries = 0;
    }

    /// Whether it is ever tried again.
    pub(super) const fn is_set(&self) -> bool {
        self.reconnect.is_some()
    }

    pub(super) fn again(&mut self) -> Again {
        let Some(Reconnect { first, most, attempts, .. }) = self.reconnect else {
            return Again::Never;
        };
        if attempts.is_some_and(|attempts| self.tries >= attempts) {
            self.reset();
            return Again::GiveUp;
        }
        let grown = first.max(SHORTEST).saturating_mul(1 << self.tries.min(31));
        self.tries = self.tries.saturating_add(1);
        Again::After(draw(grown.min(most).max(SHORTEST)))
    }
}

/// Anything up to the ceiling, which is applied before: a wait that is drawn first and cut then would be the
/// ceiling itself most of the time, for everybody.
fn draw(ceiling: Duration) -> Duration {
    let nanos = u64::try_from(ceiling.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(fastrand::u64(0..=nanos))
}

/// A client does not turn in a circle, whatever it was told.
const SHORTEST: Duration = Duration::from_millis(1);

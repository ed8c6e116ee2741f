//! Plain counters of what the kernel did.

use std::time::Duration;

/// How often the kernel did what, since it was made. Reading them costs nothing.
///
/// Got by [`Kernel::stats`](crate::Kernel::stats) and [`Context::stats`](crate::Context::stats).
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Turns of the loop.
    pub turns: u64,
    /// Calls of the system's wait for readiness.
    pub polls: u64,
    /// Readiness notices that the system gave.
    pub notices: u64,
    /// Events that went straight from a wheel to its session.
    pub direct: u64,
    /// Posted events that were delivered, timers not counted.
    pub posted: u64,
    /// Timers that rang.
    pub timers: u64,
    /// Events that no handler took.
    pub unhandled: u64,
    /// Handlers that panicked or returned an error.
    pub failures: u64,
    /// Handlers that took longer than the [limit](crate::Kernel::set_slow_limit).
    pub slow: u64,
    /// How long the loop was busy before it asked again what is ready, the last time: what a
    /// descriptor or a timer had to wait at worst.
    pub lag: Duration,
    /// The longest that it ever was.
    pub longest_lag: Duration,
    /// Turns that ended with events still due: the budget of a turn was used up.
    pub starved: u64,
}

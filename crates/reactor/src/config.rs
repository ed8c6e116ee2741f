//! The kernel's numbers, each with its reason, and what a program chooses between.

/// What happens when a handler panics or returns an error.
///
/// Before that the session, its ancestors and its descendants hear of it by the signal `DIE`, if they watch
/// it; if one of them calls it handled, nothing happens. Otherwise the failed session keeps what it owns until
/// it is stopped, and its `_stop` is called.
///
/// A panic is caught where the program is compiled to unwind, as is usual, and ends it with `panic = "abort"`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum OnException {
    /// Every session is stopped, and [`Kernel::run`](crate::Kernel::run) returns the error or resumes
    /// the panic (POE: an unhandled `DIE`).
    #[default]
    Stop,
    /// The session that failed is stopped, its descriptors are closed, its children go to its parent, and
    /// everyone else goes on. The failure is logged as an error and counted
    /// ([`Stats::failures`](crate::Stats::failures)).
    Isolate,
}

/// A wheel's share of a turn in bytes: one full read. libuv and redis chose the same; a peer that sends
/// without end then costs the others some 20 µs a turn.
pub(crate) const READ_BUDGET: usize = SHARED_BUFFER;

/// The read buffer that wheels share. Large enough that a bulk transfer is not made of system calls,
/// small enough to stay in the processor's second cache.
pub(crate) const SHARED_BUFFER: usize = 64 * 1024;

/// A wheel's share of a turn in events: 64 KiB of empty lines would be 65,536 of them.
pub(crate) const EVENT_BUDGET: u32 = 1024;

/// Queued events of a turn, and timers. At the 15 ns of an idle handler, 15 µs.
pub(crate) const DELIVER_BUDGET: u32 = 1024;

/// Events that other threads may have posted before they are told that the queue is full. A place costs
/// 24 bytes from the first.
pub(crate) const REMOTE_QUEUE: usize = 64 * 1024;

/// Events of other threads that a turn takes even if the loop has more to deliver than it can. Otherwise it
/// takes what fills its own share: the loop's queue must not grow by what theirs would have refused.
pub(crate) const FEWEST_TAKEN_IN: u32 = 64;

/// Threads that run jobs. They wait rather than compute, so it is not a matter of processors; libuv
/// has as many.
pub(crate) const WORKERS: usize = 4;

/// Jobs that may wait for a thread. If each blocks for a second, the last of them begins after four minutes.
pub(crate) const MOST_JOBS: usize = 1024;

/// How long a thread without a job waits for another. To start one takes some 20 µs, so a thousand
/// times as long would do; to keep one costs its stack, and a program that wants to fork.
pub(crate) const WORKER_PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);

/// While the queue refills, this many turns may pass without asking the system what is ready ...
pub(crate) const TURNS_PER_POLL: u32 = 64;

/// ... or this time, whichever is over first. Asking costs a microsecond or half of one.
pub(crate) const TIME_PER_POLL: std::time::Duration = std::time::Duration::from_micros(200);

/// Turns that may pass without reading the clock, as long as they deliver next to nothing: reading it
/// costs twice as much as an event.
pub(crate) const TURNS_PER_CLOCK: u32 = 4;

//! The choices of a kernel.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::id::KernelId;
use super::observe::Observer;
use super::seat::Seat;
use super::{Kernel, Letter, turn};
use crate::alias::Aliases;
use crate::clock::Clock;
use crate::config::{OnException, WORKERS};
use crate::desk::Desk;
use crate::name::Names;
use crate::session::{Kinds, Sessions};
use crate::signal::Signals;
use crate::signal::child::Children;
#[cfg(feature = "simulation")]
use crate::simulation::{Network, Simulated};
use crate::stats::Stats;
use crate::tags::Tags;
use crate::wheel_table::WheelTable;

/// The choices of a [`Kernel`]; got by [`Kernel::builder`].
pub struct KernelBuilder {
    clock: Clock,
    on_exception: OnException,
    strict: bool,
    slow_limit: Option<Duration>,
    workers: usize,
    #[cfg(feature = "simulation")]
    network: Option<Rc<dyn Network>>,
}

impl KernelBuilder {
    pub(super) fn new() -> Self {
        let strict = std::env::var_os("WHEELHOUSE_STRICT").is_some_and(|value| value == "1");
        let (clock, on_exception) = (Clock::system(), OnException::default());
        Self {
            clock,
            on_exception,
            strict,
            slow_limit: None,
            workers: WORKERS,
            #[cfg(feature = "simulation")]
            network: None,
        }
    }

    /// Where time comes from. Default: [`Clock::system`].
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What happens when a handler fails. Default: [`OnException::Stop`].
    #[must_use]
    pub const fn on_exception(mut self, choice: OnException) -> Self {
        self.on_exception = choice;
        self
    }

    /// Takes slips for failures (POE: `ASSERT_DEFAULT`). Default: off, unless the environment has
    /// `WHEELHOUSE_STRICT=1`.
    ///
    /// An event that its session does not handle, or whose payload is of another type than the handler
    /// takes, is a failure of that session; a post to a session that is gone, or to an alias that nobody
    /// has, is a failure of the session that posted it. Otherwise the first two are warnings in the log
    /// and the third is only an `Err`. The kernel's own events need no handler in either case.
    #[must_use]
    pub const fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Warns of handlers that take longer: see [`Kernel::set_slow_limit`]. Default: never.
    #[must_use]
    pub const fn slow_limit(mut self, limit: Duration) -> Self {
        self.slow_limit = Some(limit);
        self
    }

    /// How many threads run jobs at most ([`Context::run_blocking`](crate::Context::run_blocking)).
    /// Default: 4; at least 1.
    ///
    /// A thread starts when a job finds none free, and ends when it had no job for a second.
    #[must_use]
    pub fn workers(mut self, most: usize) -> Self {
        self.workers = most.max(1);
        self
    }

    /// What the kernel waits on, in the place of the system: see [`simulation`](crate::simulation).
    /// Default: the system. Only with the feature `simulation`.
    #[cfg(feature = "simulation")]
    #[must_use]
    pub fn network(mut self, network: Rc<dyn Network>) -> Self {
        self.network = Some(network);
        self
    }

    /// Makes the kernel.
    ///
    /// # Errors
    ///
    /// As [`Kernel::new`].
    pub fn build(self) -> io::Result<Kernel> {
        let observer = Observer::new(self.slow_limit);
        #[cfg_attr(not(feature = "simulation"), expect(unused_mut, reason = "only then changed"))]
        let mut desk = Desk::new(self.clock, self.workers)?;
        #[cfg(feature = "simulation")]
        if let Some(network) = self.network {
            desk.poller.simulated = Simulated::by(network);
        }
        Ok(Kernel {
            sessions: Sessions::new(),
            wheels: WheelTable::new(),
            desk,
            names: Names::new(),
            kinds: Kinds::default(),
            signals: Signals::default(),
            children: Children::default(),
            id: KernelId::new(),
            aliases: Aliases::default(),
            tags: Tags::default(),
            outbox: Rc::default(),
            stats: Stats::default(),
            on_exception: self.on_exception,
            strict: self.strict,
            observed: observer.is_on(),
            observer,
            current: Letter::OUTSIDE,
            seat: Seat::new(),
            depth: 0,
            stopping: false,
            failure: None,
            crashed: None,
            deaths: VecDeque::new(),
            dying: None,
            ending_doomed: false,
            late: Vec::new(),
            telling_at: None,
            changes: Vec::new(),
            pace: turn::Pace::default(),
        })
    }
}

impl fmt::Debug for KernelBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KernelBuilder")
            .field("clock", &self.clock)
            .field("on_exception", &self.on_exception)
            .field("strict", &self.strict)
            .field("slow_limit", &self.slow_limit)
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}

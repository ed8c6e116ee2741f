//! Time, and the only place that reads it.
//!
//! A [`Clock`] is the system's monotonic clock or a virtual one that a test moves. The kernel reads it
//! once a turn; everything else is told what time it is. Never looks at the wall clock.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Where a kernel takes its time from.
///
/// Cloning gives another hand on the same clock.
///
/// ```
/// use std::time::Duration;
/// use reactor::{Clock, Context, Kernel, States};
///
/// # fn main() -> std::io::Result<()> {
/// let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build()?;
/// let states = States::new()
///     .on_start(|_: &mut (), cx: &mut Context<'_>, ()| cx.delay("tick", Duration::from_secs(3600), ()))
///     .on("tick", |_: &mut (), _: &mut Context<'_>, ()| ());
/// kernel.spawn(&states, ());
/// kernel.run()?; // an hour, at once
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Clock {
    base: Instant,
    /// How far a virtual clock has come since `base`, in nanoseconds.
    virtual_nanos: Option<Rc<Cell<i64>>>,
}

/// Nanoseconds since the kernel's clock was made; before it, negative. Reaches 292 years either way,
/// and stays at the end of its range instead of overflowing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Moment(i64);

impl Clock {
    /// The system's monotonic clock, the default.
    #[must_use]
    pub fn system() -> Self {
        Self { base: read(), virtual_nanos: None }
    }

    /// A clock that stands still until it is moved.
    ///
    /// [`Kernel::run`](crate::Kernel::run) moves it to the next timer as soon as nothing else is left
    /// to do, so an hour's delay takes no time. Descriptors stay real: one that is ready is served
    /// before time moves, and when no timer waits the kernel waits for descriptors as ever.
    #[must_use]
    pub fn virtual_time() -> Self {
        Self { base: read(), virtual_nanos: Some(Rc::new(Cell::new(0))) }
    }

    /// Moves a virtual clock forward. The system's clock is left alone.
    pub fn advance(&self, by: Duration) {
        if let Some(nanos) = &self.virtual_nanos {
            nanos.set(Moment(nanos.get()).after(by).0);
        }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.instant(self.moment())
    }

    pub(crate) const fn is_virtual(&self) -> bool {
        self.virtual_nanos.is_some()
    }

    pub(crate) fn moment(&self) -> Moment {
        match &self.virtual_nanos {
            Some(nanos) => Moment(nanos.get()),
            None => self.moment_of(read()),
        }
    }

    pub(crate) fn moment_of(&self, instant: Instant) -> Moment {
        match instant.checked_duration_since(self.base) {
            Some(since) => Moment(nanos(since)),
            None => Moment(-nanos(self.base.duration_since(instant))),
        }
    }

    /// The nearest that an `Instant` can come to `moment`.
    pub(crate) fn instant(&self, moment: Moment) -> Instant {
        let distance = Duration::from_nanos(moment.0.unsigned_abs());
        let instant = if moment.0 < 0 {
            self.base.checked_sub(distance)
        } else {
            self.base.checked_add(distance)
        };
        instant.unwrap_or(self.base)
    }
}

impl Moment {
    pub(crate) const ZERO: Self = Self(0);

    /// This moment and a time more, at most the end of the range.
    pub(crate) fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(nanos(delay)))
    }

    /// How long it is from `earlier` to this; zero if it is not later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "this file is where time enters the kernel")]
fn read() -> Instant {
    Instant::now()
}

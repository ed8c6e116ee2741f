//! Time, and the only place that reads it.
//!
//! A [`Clock`] is the system's clocks or a virtual one that a test moves. The kernel reads it once a
//! turn; everything else is told what time it is. What waits is ordered by the monotonic clock alone. The
//! wall clock, which people and daemons step, is read only for timers that are set by it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

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
    /// Absent if this is the system's clock.
    hands: Option<Rc<Hands>>,
}

/// What a virtual clock shows.
#[derive(Debug)]
struct Hands {
    moment: Cell<Moment>,
    /// What the wall clock was last said to be, and when.
    wall: Cell<(SystemTime, Moment)>,
    /// How often the wall clock was stepped.
    steps: Cell<u64>,
}

/// Nanoseconds since the kernel's clock was made; before it, negative. Reaches 292 years either way,
/// and stays at the end of its range instead of overflowing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Moment(i64);

/// What the two clocks showed at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    wall: SystemTime,
    moment: Moment,
}

impl Clock {
    /// The system's monotonic clock and its wall clock, the default.
    #[must_use]
    pub fn system() -> Self {
        Self { base: read(), hands: None }
    }

    /// A clock that stands still until it is moved.
    ///
    /// [`Kernel::run`](crate::Kernel::run) moves it to the next timer as soon as nothing else is left
    /// to do, so an hour's delay takes no time. Descriptors stay real: one that is ready is served
    /// before time moves, and when no timer waits the kernel waits for descriptors as ever.
    ///
    /// Its wall clock begins at the system's, and moves with it.
    #[must_use]
    pub fn virtual_time() -> Self {
        let hands = Hands {
            moment: Cell::new(Moment::ZERO),
            wall: Cell::new((SystemTime::now(), Moment::ZERO)),
            steps: Cell::new(0),
        };
        Self { base: read(), hands: Some(Rc::new(hands)) }
    }

    /// Moves a virtual clock forward, its wall clock too. The system's clock is left alone.
    pub fn advance(&self, by: Duration) {
        if let Some(hands) = &self.hands {
            hands.moment.set(hands.moment.get().after(by));
        }
    }

    /// Steps a virtual clock's wall clock, forward or back, as an administrator does. Nothing else moves.
    /// A machine that slept for a while is the same: its monotonic clock stood still. The system's clock
    /// is left alone.
    pub fn set_wall(&self, time: SystemTime) {
        if let Some(hands) = &self.hands {
            hands.wall.set((time, hands.moment.get()));
            hands.steps.set(hands.steps.get() + 1);
        }
    }

    /// What time it is on the wall.
    #[must_use]
    pub fn wall(&self) -> SystemTime {
        let Some(hands) = &self.hands else { return SystemTime::now() };
        let (wall, then) = hands.wall.get();
        wall.checked_add(hands.moment.get().since(then)).unwrap_or(wall)
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.instant(self.moment())
    }

    pub(crate) const fn is_virtual(&self) -> bool {
        self.hands.is_some()
    }

    /// How often the wall clock was stepped, as far as the clock itself knows: a virtual one does.
    pub(crate) fn wall_steps(&self) -> u64 {
        self.hands.as_ref().map_or(0, |hands| hands.steps.get())
    }

    pub(crate) fn moment(&self) -> Moment {
        match &self.hands {
            Some(hands) => hands.moment.get(),
            None => self.moment_of(read()),
        }
    }

    /// What both clocks show.
    pub(crate) fn reading(&self) -> Reading {
        // In this order, the time that passes in between makes what is set by it later, not earlier.
        let wall = self.wall();
        Reading { wall, moment: self.moment() }
    }

    pub(crate) fn moment_of(&self, instant: Instant) -> Moment {
        match instant.checked_duration_since(self.base) {
            Some(since) => Moment(nanos(since)),
            None => Moment(-nanos(self.base.duration_since(instant))),
        }
    }

    /// The nearest that an `Instant` can come to `moment`.
    pub(crate) fn instant(&self, moment: Moment) -> Instant {
        moment.counted_from(self.base)
    }

    /// When the clock was made.
    pub(crate) const fn base(&self) -> Instant {
        self.base
    }
}

impl Reading {
    /// When the wall clock shows `time`, if nobody steps it.
    pub(crate) fn moment_of(self, time: SystemTime) -> Moment {
        match time.duration_since(self.wall) {
            Ok(ahead) => self.moment.after(ahead),
            Err(past) => self.moment.before(past.duration()),
        }
    }
}

impl Moment {
    pub(crate) const ZERO: Self = Self(0);

    #[inline]
    pub(crate) const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    #[inline]
    pub(crate) const fn as_nanos(self) -> i64 {
        self.0
    }

    /// The nearest that an `Instant` can come to this moment of the clock that was made at `base`.
    pub(crate) fn counted_from(self, base: Instant) -> Instant {
        let distance = Duration::from_nanos(self.0.unsigned_abs());
        let instant =
            if self.0 < 0 { base.checked_sub(distance) } else { base.checked_add(distance) };
        instant.unwrap_or(base)
    }

    /// This moment and a time more, at most the end of the range.
    #[inline]
    pub(crate) fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(nanos(delay)))
    }

    /// This moment and a time less, at least the beginning of the range.
    pub(crate) fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(time)))
    }

    /// How long it is from `earlier` to this; zero if it is not later.
    #[inline]
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

#[inline]
fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "this file is where time enters the kernel")]
fn read() -> Instant {
    Instant::now()
}

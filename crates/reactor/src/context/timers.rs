//! Timers, as a handler sets them.
//!
//! An alarm is for a time, a delay begins now; otherwise they are the same, and so are their ids.

use std::borrow::Cow;
use std::time::{Duration, Instant, SystemTime};

use super::Context;
use crate::error::NoSuchTimer;
use crate::event::EventName;
use crate::ids::TimerId;
use crate::payload::Payload;
use crate::timers::{Adjust, Removed};

/// # Timers
///
/// Every timer delivers an event to the session that set it, once, and keeps the session alive until
/// then. It rings never early, and as late as the loop is busy. Timers ring in the order of their times,
/// equals in the order in which they were set, among the posts: one that is due now comes after what was
/// posted before it, one that is overdue before. A time that is too far away to be counted in
/// nanoseconds since the kernel was made, 292 years, is as far away as can be.
///
/// What is called by name ([`alarm`](Self::alarm), [`delay`](Self::delay), their `_add`s and
/// [`alarm_clear`](Self::alarm_clear)) means this session's timers of that name, however they were set.
/// What is called by id means one timer of this session.
///
/// Delays and alarms are counted on a clock that nobody steps. One that is to ring when the clock on the
/// wall says so is set by [`alarm_at`](Self::alarm_at).
impl Context<'_> {
    /// Delivers `event` at a time, instead of every timer of this name that is set (POE: `alarm`). At
    /// once, if the time is past.
    pub fn alarm<T: 'static>(&mut self, event: impl EventName<T>, time: Instant, payload: T) {
        let (symbol, due) = (self.symbol_of(event), self.kernel.moment_of(time));
        self.kernel.replace_timers(self.session(), symbol, due, Payload::new(payload));
    }

    /// Delivers `event` at a time, besides the timers of this name that are set (POE: `alarm_add`).
    pub fn alarm_add<T: 'static>(&mut self, event: impl EventName<T>, time: Instant, payload: T) {
        self.alarm_set(event, time, payload);
    }

    /// Delivers `event` at a time, whatever other timers are set (POE: `alarm_set`).
    pub fn alarm_set<T: 'static>(
        &mut self,
        event: impl EventName<T>,
        time: Instant,
        payload: T,
    ) -> TimerId {
        let (symbol, due) = (self.symbol_of(event), self.kernel.moment_of(time));
        self.kernel.add_timer(self.session(), symbol, due, Payload::new(payload))
    }

    /// Delivers `event` when the clock on the wall shows a time, instead of every timer of this name that
    /// is set (POE: `alarm`).
    ///
    /// When somebody steps that clock, forward or back, the timer rings sooner or later accordingly; the
    /// same if the machine slept. At once, if the time is past.
    ///
    /// Uses a descriptor, one for all such timers of the kernel. If there is none to be had, which is
    /// logged, a step forward goes unnoticed until the next such timer is set.
    pub fn alarm_at<T: 'static>(
        &mut self,
        event: impl EventName<T>,
        time: SystemTime,
        payload: T,
    ) -> TimerId {
        let symbol = self.symbol_of(event);
        self.kernel.replace_timers_by_wall(self.session(), symbol, time, Payload::new(payload))
    }

    /// Delivers `event` after `delay`, instead of every timer of this name that is set (POE: `delay`).
    ///
    /// Counted from [`now`](Self::now), the time of this turn: a handler that has been busy for a while has
    /// used up that much of it. A delay of zero is delivered like a post made now.
    ///
    /// If one timer of this name is set, it is moved, which allocates nothing: an idle timeout may be set
    /// anew with every packet. Its payload is dropped.
    #[inline]
    pub fn delay<T: 'static>(&mut self, event: impl EventName<T>, delay: Duration, payload: T) {
        let (symbol, due) = (self.symbol_of(event), self.kernel.moment_after(delay));
        self.kernel.replace_timers(self.session(), symbol, due, Payload::new(payload));
    }

    /// Delivers `event` after `delay`, besides the timers of this name that are set (POE: `delay_add`).
    #[inline]
    pub fn delay_add<T: 'static>(&mut self, event: impl EventName<T>, delay: Duration, payload: T) {
        self.delay_set(event, delay, payload);
    }

    /// Delivers `event` after `delay`, whatever other timers are set (POE: `delay_set`).
    #[inline]
    pub fn delay_set<T: 'static>(
        &mut self,
        event: impl EventName<T>,
        delay: Duration,
        payload: T,
    ) -> TimerId {
        let (symbol, due) = (self.symbol_of(event), self.kernel.moment_after(delay));
        self.kernel.add_timer(self.session(), symbol, due, Payload::new(payload))
    }

    /// Moves a timer by some time, and returns the time for which it is set now (POE: `alarm_adjust`).
    ///
    /// Behind those that are set for that time already; by zero, it stays where it is. One set by
    /// [`alarm_at`](Self::alarm_at) goes on following the wall clock.
    ///
    /// ```
    /// use std::time::Duration;
    /// use reactor::{Adjust, Context, Kernel, States};
    ///
    /// const SECOND: Duration = Duration::from_secs(1);
    ///
    /// let states = States::new().on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
    ///     let timer = cx.delay_set("retry", SECOND, ());
    ///     assert_eq!(cx.alarm_adjust(timer, Adjust::Later(2 * SECOND)), Ok(cx.now() + 3 * SECOND));
    ///     assert_eq!(cx.delay_adjust(timer, SECOND), Ok(cx.now() + SECOND));
    ///     assert!(cx.alarm_remove(timer).is_ok());
    ///     assert!(cx.alarm_adjust(timer, Adjust::Earlier(SECOND)).is_err());
    /// });
    /// let mut kernel = Kernel::new()?;
    /// kernel.spawn(&states, ());
    /// kernel.run()?;
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Errors
    ///
    /// It rang already, was removed, or is another session's.
    pub fn alarm_adjust(&mut self, timer: TimerId, by: Adjust) -> Result<Instant, NoSuchTimer> {
        self.kernel.adjust_timer(self.session(), timer, by)
    }

    /// Has a timer begin anew, as a delay from now, and returns the time for which it is set now (POE:
    /// `delay_adjust`).
    ///
    /// Behind those that are set for that time already. One set by [`alarm_at`](Self::alarm_at) does not
    /// follow the wall clock any more.
    ///
    /// # Errors
    ///
    /// It rang already, was removed, or is another session's.
    pub fn delay_adjust(
        &mut self,
        timer: TimerId,
        delay: Duration,
    ) -> Result<Instant, NoSuchTimer> {
        let due = self.kernel.moment_after(delay);
        self.kernel.move_timer(self.session(), timer, due)
    }

    /// Removes every timer of this name, and says how many there were (POE: `alarm` or `delay` with a
    /// name and no time). Their payloads are dropped.
    pub fn alarm_clear(&mut self, name: impl Into<Cow<'static, str>>) -> usize {
        let symbol = self.symbol(name);
        self.kernel.clear_timers(self.session(), symbol)
    }

    /// Removes a timer, and gives back what it would have delivered (POE: `alarm_remove`). It will not
    /// ring, even if it is due.
    ///
    /// # Errors
    ///
    /// It rang already, was removed, or is another session's.
    #[inline]
    pub fn alarm_remove(&mut self, timer: TimerId) -> Result<Removed, NoSuchTimer> {
        self.kernel.remove_timer(self.session(), timer)
    }

    /// Removes every timer of this session, and gives them back, the soonest first (POE:
    /// `alarm_remove_all`).
    pub fn alarm_remove_all(&mut self) -> Vec<Removed> {
        self.kernel.remove_timers_of(self.session())
    }
}

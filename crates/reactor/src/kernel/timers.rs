//! Sessions' timers, and the ledger's share in them.

use std::time::{Duration, Instant, SystemTime};

use super::Kernel;
use crate::clock::Moment;
use crate::desk::Desk;
use crate::error::NoSuchTimer;
use crate::ids::{SessionId, TimerId};
use crate::name::Symbol;
use crate::payload::Payload;
use crate::queue::Stamp;
use crate::session::Hold;
use crate::timers::{Adjust, Removed, Timer};

impl Kernel {
    /// When the next posted event or timer is due: a time that is past if something waits already (POE:
    /// `get_next_event_time`). `None` if nothing waits.
    ///
    /// Looks through all timers that are due at about that time.
    #[must_use]
    pub fn next_event_time(&self) -> Option<Instant> {
        let posted = self.desk.queue.front().map(|stamp| stamp.due);
        let next = posted.into_iter().chain(self.desk.timers.next_due()).min();
        next.map(|due| self.desk.clock.instant(due))
    }

    /// How many posted events and timers wait (POE: `get_event_count`).
    #[must_use]
    pub fn event_count(&self) -> usize {
        self.desk.queue.len() + self.desk.timers.len()
    }

    /// Sets a timer beside those that are set.
    #[inline]
    pub(crate) fn add_timer(
        &mut self,
        session: SessionId,
        symbol: Symbol,
        due: Moment,
        payload: Payload,
    ) -> TimerId {
        self.read_posts();
        if self.observed {
            self.trace_timer(session, symbol, due);
        }
        self.sessions.add(session, Hold::Timer);
        let stamp = self.desk.stamp(due);
        self.desk.timers.set(stamp, Timer { payload, symbol, session })
    }

    /// Sets a timer instead of those of its name that the session has set.
    #[inline]
    pub(crate) fn replace_timers(
        &mut self,
        session: SessionId,
        symbol: Symbol,
        due: Moment,
        payload: Payload,
    ) -> TimerId {
        match self.desk.timers.newest(session, symbol) {
            // The case of an idle timeout: the timer stays, and nothing is allocated.
            Some(only) if !self.desk.timers.has_older(only) => {
                self.read_posts();
                if self.observed {
                    self.trace_timer(session, symbol, due);
                }
                let stamp = self.desk.stamp(due);
                let renewed = self.desk.timers.renew(only, stamp, payload);
                let (timer, old) = renewed.expect("a timer with a name has a payload");
                // Dropped when all is done: the drop is the program's code, and may panic.
                drop(old);
                timer
            }
            Some(_) => {
                self.clear_timers(session, symbol);
                self.add_timer(session, symbol, due, payload)
            }
            None => self.add_timer(session, symbol, due, payload),
        }
    }

    /// Removes the timers of a name that a session has set; says how many there were.
    pub(crate) fn clear_timers(&mut self, session: SessionId, symbol: Symbol) -> usize {
        let mut cleared = 0;
        let mut next = self.desk.timers.newest(session, symbol);
        while let Some(timer) = next {
            next = self.desk.timers.older(timer);
            let removed = self.desk.timers.remove(timer);
            self.sessions.release(session, Hold::Timer);
            cleared += 1;
            drop(removed);
        }
        cleared
    }

    pub(crate) fn remove_timer(
        &mut self,
        session: SessionId,
        timer: TimerId,
    ) -> Result<Removed, NoSuchTimer> {
        let removed = self.desk.timers.remove_of(session, timer);
        let (stamp, timer) = removed.ok_or(NoSuchTimer)?;
        self.sessions.release(session, Hold::Timer);
        Ok(self.removed(stamp, timer))
    }

    /// Removes every timer that a session has set, and hands them out, the soonest first.
    pub(crate) fn remove_timers_of(&mut self, session: SessionId) -> Vec<Removed> {
        let mut timers = self.desk.timers.remove_session(session);
        timers.sort_unstable_by_key(|(stamp, _)| *stamp);
        for _ in &timers {
            self.sessions.release(session, Hold::Timer);
        }
        timers.into_iter().map(|(stamp, timer)| self.removed(stamp, timer)).collect()
    }

    /// Moves a timer of a session to another time, behind its equals.
    pub(crate) fn move_timer(
        &mut self,
        session: SessionId,
        timer: TimerId,
        due: Moment,
    ) -> Result<Instant, NoSuchTimer> {
        self.timer_of(session, timer)?;
        self.read_posts();
        let stamp = self.desk.stamp(due);
        self.desk.timers.reset(timer, stamp);
        Ok(self.desk.clock.instant(due))
    }

    pub(crate) fn adjust_timer(
        &mut self,
        session: SessionId,
        timer: TimerId,
        by: Adjust,
    ) -> Result<Instant, NoSuchTimer> {
        self.timer_of(session, timer)?;
        let Stamp { due, .. } = self.desk.timers.stamp(timer).ok_or(NoSuchTimer)?;
        if by.is_nothing() {
            return Ok(self.desk.clock.instant(due));
        }
        // One that follows the wall clock goes on doing so, unless its time is beyond what clocks show.
        let Some(time) =
            self.desk.timers.wall_time(timer).and_then(|time| by.applied_to_wall(time))
        else {
            return self.move_timer(session, timer, by.applied_to(due));
        };
        let due = self.moment_of_wall(time);
        let moved = self.move_timer(session, timer, due);
        self.desk.timers.follow_wall(timer, time);
        moved
    }

    /// Sets a timer by the wall clock, instead of those of its name that the session has set.
    pub(crate) fn replace_timers_by_wall(
        &mut self,
        session: SessionId,
        symbol: Symbol,
        time: SystemTime,
        payload: Payload,
    ) -> TimerId {
        let due = self.moment_of_wall(time);
        let timer = self.replace_timers(session, symbol, due, payload);
        self.desk.timers.follow_wall(timer, time);
        timer
    }

    /// When a delay that begins now is over.
    #[inline]
    pub(crate) fn moment_after(&self, delay: Duration) -> Moment {
        self.desk.now.after(delay)
    }

    pub(crate) fn moment_of(&self, time: Instant) -> Moment {
        self.desk.clock.moment_of(time)
    }

    /// Asks a virtual clock whether its wall clock was stepped.
    pub(super) fn look_at_wall(&mut self) {
        if self.desk.wall_watch.was_stepped(&self.desk.clock) {
            self.follow_wall();
        }
    }

    /// The wall clock was stepped: moves what follows it to where it now says.
    pub(super) fn follow_wall(&mut self) {
        log::debug!(target: "reactor::timers", "the wall clock was stepped");
        let reading = self.desk.wall_watch.look_again(&self.desk.clock);
        self.desk.timers.reset_wall_times(|time| reading.moment_of(time));
    }

    /// The next timer is about to ring. If it follows the wall clock, and that was set back a moment ago,
    /// it waits on, which this says.
    #[cold]
    pub(super) fn is_early(&mut self) -> bool {
        let first = self.desk.timers.first();
        let time = first.and_then(|first| self.desk.timers.wall_time(first));
        if time.is_none_or(|time| time <= self.desk.clock.wall()) {
            return false;
        }
        self.follow_wall();
        // At the end of time there is no later.
        let due = first.and_then(|first| self.desk.timers.stamp(first)).map(|stamp| stamp.due);
        self.desk.timers.first() != first || due.is_some_and(|due| due > self.desk.now)
    }

    #[cold]
    fn trace_timer(&self, session: SessionId, symbol: Symbol, due: Moment) {
        log::trace!(
            target: "reactor::timers",
            "{} sets {} in {:?}", session.who(), self.names.text(symbol), due.since(self.desk.now)
        );
    }

    fn moment_of_wall(&mut self, time: SystemTime) -> Moment {
        let Desk { wall_watch, clock, poller, .. } = &mut self.desk;
        wall_watch.reading(clock, poller).moment_of(time)
    }

    /// Whether the session may do something with the timer.
    fn timer_of(&self, session: SessionId, timer: TimerId) -> Result<(), NoSuchTimer> {
        let found = self.desk.timers.get(timer).filter(|timer| timer.session == session);
        found.map(|_| ()).ok_or(NoSuchTimer)
    }

    fn removed(&self, stamp: Stamp, timer: Timer) -> Removed {
        let base = self.desk.clock.base();
        Removed::new(self.names.shared(timer.symbol), stamp.due, base, timer.payload)
    }
}

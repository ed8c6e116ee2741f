//! One turn of the loop: the only place that decides order.
//!
//! Wait for readiness, serve each wheel that is ready, take in what other threads posted, deliver what is
//! due, write what was written, stop the sessions that nothing reaches. `docs/src/turn.md` tells it step by
//! step.

use std::any::Any;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use mio::Token;

use super::{EventNames, Kernel, Letter};
use crate::clock::Moment;
use crate::config::{DELIVER_BUDGET, TIME_PER_POLL, TURNS_PER_CLOCK, TURNS_PER_POLL};
use crate::further::WatchId;
use crate::ids::{SessionId, WheelId};
use crate::name::Symbol;
use crate::payload::Parcel;
use crate::queue::{Entry, What};
use crate::session::Hold;
use crate::timers::{Ring, Timer};
use crate::token;
use crate::wheel::Readiness;

/// How long the loop has gone without asking the system.
#[derive(Debug)]
pub(super) struct Pace {
    polled: Moment,
    turns: u32,
    /// Events that the last turn delivered from the queue.
    delivered: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { polled: Moment::ZERO, turns: TURNS_PER_POLL, delivered: 0 }
    }
}

/// How long a turn may wait for readiness.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wait {
    /// Until something happens.
    ForWork,
    /// At most so long, and the system is asked in any case.
    AtMost(Duration),
}

impl Kernel {
    pub(super) fn turn(&mut self, wait: Wait) -> io::Result<()> {
        self.stats.turns += 1;
        self.poll(wait)?;
        self.ready();
        self.receive();
        self.deliver();
        self.flush();
        self.reap();
        // Whoever asks for the next timeout between two turns is told a time that is worth to wake for; and
        // may wait long, as we may.
        self.desk.timers.settle();
        self.desk.queue.rest();
        Ok(())
    }

    /// Learns what is ready and what time it is.
    fn poll(&mut self, wait: Wait) -> io::Result<()> {
        // Outside the loop, too, handles are dropped and postbacks called.
        self.current = Letter::OUTSIDE;
        self.tidy();
        if wait == Wait::ForWork && self.may_skip_poll() {
            return Ok(());
        }
        self.desk.now = self.desk.clock.moment();
        if self.stats.polls > 0 {
            self.stats.lag = self.desk.now.since(self.pace.polled);
            self.stats.longest_lag = self.stats.longest_lag.max(self.stats.lag);
        }
        if self.desk.timers.have_wall_times() {
            self.look_at_wall();
        }
        let timeout = self.timeout(wait);
        self.stats.polls += 1;
        self.wait(timeout)?;
        self.look_who_watches();
        self.desk.now = self.desk.clock.moment();
        self.pace = Pace { polled: self.desk.now, turns: 0, delivered: 0 };
        Ok(())
    }

    /// Whether this turn may do without asking the system: only the queue has work, and the system was
    /// asked a short while ago.
    fn may_skip_poll(&mut self) -> bool {
        self.pace.turns += 1;
        if self.desk.queue.is_empty() || self.desk.has_work() || self.pace.turns >= TURNS_PER_POLL {
            return false;
        }
        if self.pace.delivered >= TURNS_PER_CLOCK || self.pace.turns.is_multiple_of(TURNS_PER_CLOCK)
        {
            self.desk.now = self.desk.clock.moment();
        }
        self.desk.now.since(self.pace.polled) < TIME_PER_POLL
    }

    /// Whether something waits that neither the system nor the clock will announce.
    pub(super) fn has_work(&self) -> bool {
        self.desk.has_work()
            || self.desk.chores
            || self.outbox.any()
            || !self.desk.queue.is_empty()
            || self.sessions.has_marked()
    }

    /// How long to wait for readiness: not at all while there is work, else until the next timer.
    fn timeout(&mut self, wait: Wait) -> Option<Duration> {
        let most = match wait {
            Wait::ForWork => None,
            Wait::AtMost(most) => Some(most),
        };
        if self.has_work() {
            return Some(Duration::ZERO);
        }
        self.desk.timers.settle();
        let Some(due) = self.next_wake() else {
            if self.is_idle() {
                self.signal_everybody(Symbol::IDLE, None);
                return Some(Duration::ZERO);
            }
            return most;
        };
        let until = due.since(self.desk.now);
        Some(most.map_or(until, |most| most.min(until)))
    }

    /// When the clock has something for us.
    pub(super) fn next_wake(&self) -> Option<Moment> {
        // A virtual clock is moved to that time: it must be the timer's own.
        if self.desk.clock.is_virtual() {
            self.desk.timers.next_due()
        } else {
            self.desk.timers.next_look()
        }
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        match timeout {
            // On a virtual clock nobody waits for a timer: time moves, unless something is ready now.
            Some(until) if self.desk.clock.is_virtual() && self.desk.timers.len() > 0 => {
                self.desk.poller.wait(Some(Duration::ZERO))?;
                if !self.desk.poller.has_events() {
                    self.desk.clock.advance(until);
                }
                Ok(())
            }
            timeout => self.desk.poller.wait(timeout),
        }
    }

    /// Serves each wheel that is ready, its events delivered at once.
    #[inline(never)]
    fn ready(&mut self) {
        let still_ready = self.desk.again.len();
        if let Some(events) = self.desk.poller.take_events() {
            events.iter().for_each(|event| self.notice(event));
            self.clear_seat();
            self.desk.poller.return_events(events);
        }
        #[cfg(feature = "simulation")]
        self.ready_simulated();
        for _ in 0..still_ready {
            let Some(id) = self.desk.again.pop_front() else { break };
            if let Some(meta) = self.wheels.meta_mut(id) {
                meta.again = false;
                self.pull_wheel(id);
            }
        }
    }

    #[inline]
    fn notice(&mut self, event: &mio::event::Event) {
        #[cfg(feature = "faults")]
        if self.desk.poller.withholds(event.token()) {
            return;
        }
        self.stats.notices += 1;
        match WheelId::from_token(event.token()) {
            Some(id) => self.ready_wheel(id, Readiness::of(event)),
            None => self.notice_other(event),
        }
    }

    /// Something of the kernel's own is ready, or a further descriptor of a wheel.
    #[cold]
    fn notice_other(&mut self, event: &mio::event::Event) {
        self.clear_seat();
        match WatchId::from_token(event.token()) {
            Some(watch) => self.ready_further(&watch, Readiness::of(event)),
            None => self.notice_own(event.token()),
        }
    }

    pub(super) fn notice_own(&mut self, token: Token) {
        match token {
            token::SIGNALS => self.queue_signals(),
            token::REMOTE => self.answer_bell(),
            token::CLOCK => self.follow_wall(),
            other => match token::child_of(other) {
                Some(number) => self.look_at_child(number),
                None => debug_assert!(false, "nobody has {other:?}"),
            },
        }
    }

    /// Delivers what is due and was there when the step began, in the one order: due time, then who
    /// came first.
    fn deliver(&mut self) {
        let (now, limit) = (self.desk.now, self.desk.sequence + 1);
        self.tidy();
        let delivered = match self.desk.timers.peek_due(now, limit) {
            // What is set meanwhile is for the next step, however soon it is due.
            None => self.deliver_posts(),
            Some(_) => self.deliver_merged(now, limit),
        };
        self.stats.starved += u64::from(delivered == DELIVER_BUDGET);
        self.pace.delivered = delivered;
        self.desk.timers.release_held();
    }

    fn deliver_posts(&mut self) -> u32 {
        let posts = u32::try_from(self.desk.queue.len()).unwrap_or(u32::MAX).min(DELIVER_BUDGET);
        let mut left = posts;
        // Once for all of them, and once more after each handler that panics.
        while self.guard_handler(|kernel| kernel.deliver_some(&mut left)).is_none() {}
        posts
    }

    #[inline(never)]
    fn deliver_some(&mut self, left: &mut u32) {
        while *left > 0 {
            *left -= 1;
            self.deliver_posted();
        }
    }

    fn deliver_merged(&mut self, now: Moment, limit: u64) -> u32 {
        let mut left = DELIVER_BUDGET;
        while self.guard_handler(|kernel| kernel.deliver_due(&mut left, now, limit)).is_none() {}
        DELIVER_BUDGET - left
    }

    fn deliver_due(&mut self, left: &mut u32, now: Moment, limit: u64) {
        while *left > 0 {
            *left -= 1;
            if !self.deliver_first(now, limit) {
                *left += 1;
                return;
            }
        }
    }

    /// Delivers the first of what is due and not younger than the limit; says whether there was one.
    fn deliver_first(&mut self, now: Moment, limit: u64) -> bool {
        let posted = self.desk.queue.front().filter(|stamp| stamp.sequence < limit);
        let rings = self.desk.timers.peek_due(now, limit);
        match (posted, rings) {
            (None, None) => return false,
            (Some(posted), Some(rings)) if rings < posted => self.deliver_timer(),
            (None, Some(_)) => self.deliver_timer(),
            (Some(_), _) => self.deliver_posted(),
        }
        true
    }

    #[inline(always)]
    fn deliver_posted(&mut self) {
        let Some(&Entry { to, from, names, ref what, .. }) = self.desk.queue.pop() else { return };
        let mut boxed;
        let mut parcel = match *what {
            What::Plain(plain) => Parcel::plain(plain),
            What::Boxed => {
                boxed = self.desk.queue.take_boxed();
                let Some(content) = &mut boxed else { return };
                Parcel::placed(&mut **content)
            }
            other @ (What::Wheel(_)
            | What::Born
            | What::System(_)
            | What::Child(_)
            | What::Signal) => return self.deliver_other(to, from, names, other),
        };
        self.deliver_event(Letter { to, from, names }, &mut parcel);
    }

    /// What is no event of a session has come to the front of the queue.
    #[inline(never)]
    fn deliver_other(&mut self, to: SessionId, from: SessionId, names: EventNames, what: What) {
        match what {
            What::Plain(_) | What::Boxed => debug_assert!(false, "an event"),
            What::Wheel(id) => {
                self.pull_wheel(id);
                self.sessions.release(to, Hold::Queued);
            }
            What::Born => self.sessions.release(to, Hold::Queued),
            What::System(number) => self.deliver_system(number),
            What::Child(number) => self.look_at_child(number),
            What::Signal => {
                let payload = self.desk.queue.take_signal();
                self.deliver_sent(Letter { to, from, names }, payload);
            }
        }
    }

    /// Delivers a posted event.
    #[inline(always)]
    fn deliver_event(&mut self, letter: Letter, parcel: &mut Parcel<'_>) {
        let Letter { to, from, names } = letter;
        self.stats.posted += 1;
        self.current.write(to, from, names);
        // The sender is held until now: if it is gone, it was stopped by force.
        if from != to && !from.is_kernel() {
            if !self.sessions.contains(from) {
                self.discard(to, parcel);
                self.sessions.release(to, Hold::Queued);
                return;
            }
            self.sessions.release(from, Hold::Sent);
        }
        self.deliver_current(names.event(), Some(Hold::Queued), parcel);
    }

    /// A signal that a session sent has come to the front of the queue.
    fn deliver_sent(&mut self, letter: Letter, payload: Option<Rc<dyn Any>>) {
        let Letter { to, from, .. } = letter;
        self.sessions.release(to, Hold::Queued);
        let sent = from.is_kernel() || self.sessions.contains(from);
        if from != to {
            self.sessions.release(from, Hold::Sent);
        }
        // As an event, it goes with its sender or its receiver.
        if sent && (to.is_kernel() || self.sessions.contains(to)) {
            self.deliver_signal(letter, payload);
        } else {
            self.guard(to, "the drop of a signal's payload", |_| drop(payload));
        }
    }

    fn deliver_timer(&mut self) {
        if self.desk.timers.have_wall_times() && self.is_early() {
            return;
        }
        match self.desk.timers.pop() {
            Some(Ring::Timer(Timer { session, symbol, mut payload })) => {
                self.stats.timers += 1;
                let hold = Some(Hold::Timer);
                self.current.write(session, session, EventNames::one(symbol));
                self.deliver_current(symbol, hold, &mut payload.parcel());
            }
            Some(Ring::Alarm(slot)) => self.ring(slot),
            None => {}
        }
    }

    /// The alarm of a wheel rings.
    fn ring(&mut self, slot: u32) {
        let Some(id) = self.wheels.at(slot) else { return };
        if let Some(meta) = self.wheels.meta_mut(id) {
            meta.rang();
            self.pull_wheel(id);
        }
    }
}

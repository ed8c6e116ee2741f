//! One turn, and running: what is served, in which order, and when time moves.

use super::{Exception, KERNEL, Letter, Payload, Reference, Waiting, What};
use crate::op::End;

/// How long it is since the system was asked.
pub(super) struct Pace {
    polled: i64,
    turns: u32,
    delivered: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { polled: 0, turns: TURNS_PER_POLL, delivered: 0 }
    }
}

impl Reference {
    /// One turn, that waits at most so long, or for work.
    pub(super) fn turn(&mut self, most: Option<i64>) {
        self.counts.turns += 1;
        self.poll(most);
        self.ready();
        self.deliver();
        self.reap();
    }

    fn poll(&mut self, most: Option<i64>) {
        self.current = Letter::OUTSIDE;
        self.tidy();
        if most.is_none() && self.may_skip_poll() {
            return;
        }
        self.now = self.clock;
        self.counts.polls += 1;
        let times = self.waiting.iter().filter(|one| one.what.is_timer()).map(|one| one.due);
        let busy = !self.again.is_empty() || !self.queue_is_empty() || !self.marked.is_empty();
        match times.min() {
            Some(due) if !busy => {
                let until = (due - self.now).max(0);
                self.clock += most.map_or(until, |most| most.min(until));
            }
            None if !busy && self.is_idle() => self.signal_everybody("IDLE"),
            None if !busy && most.is_none() => {
                panic!("sleeps for ever: {}", crate::view::survey(self))
            }
            Some(_) | None => {}
        }
        self.now = self.clock;
        self.pace = Pace { polled: self.now, turns: 0, delivered: 0 };
    }

    fn may_skip_poll(&mut self) -> bool {
        self.pace.turns += 1;
        let polls = self.pace.turns >= TURNS_PER_POLL;
        if self.queue_is_empty() || !self.again.is_empty() || polls {
            return false;
        }
        if self.pace.delivered >= MANY_EVENTS || self.pace.turns.is_multiple_of(TURNS_PER_CLOCK) {
            self.now = self.clock;
        }
        self.now - self.pace.polled < TIME_PER_POLL
    }

    /// Serves the wheels that asked for it before the step began.
    fn ready(&mut self) {
        for _ in 0..self.again.len() {
            if self.again.is_empty() {
                return;
            }
            let key = self.again.remove(0);
            if let Some(wheel) = self.wheels.get_mut(&key) {
                wheel.again = false;
                self.pull(key);
            }
        }
    }

    /// Delivers one event of a wheel after the other, until it has no more.
    fn pull(&mut self, key: u64) {
        while let Some(wheel) = self.wheels.get_mut(&key) {
            let Some(left) = wheel.batches.first_mut() else { break };
            if *left > 0 {
                *left -= 1;
                let (to, number) = (wheel.session, key * 1000 + wheel.told);
                wheel.told += 1;
                if wheel.end == End::Release && wheel.batches.iter().all(|left| *left == 0) {
                    self.release_session(key);
                }
                self.counts.direct += 1;
                self.current = Letter::new(to, to, "tick");
                self.cut_short = false;
                self.deliver_current(Payload::Number(number), Some(key));
                if std::mem::take(&mut self.cut_short) {
                    return;
                }
                continue;
            }
            wheel.batches.remove(0);
            if !wheel.batches.is_empty() {
                self.ask_again(key);
            } else if wheel.end == End::Close {
                self.closing.push(key);
            }
            break;
        }
        self.tidy();
    }

    pub(super) fn ask_again(&mut self, key: u64) {
        if let Some(wheel) = self.wheels.get_mut(&key)
            && !std::mem::replace(&mut wheel.again, true)
        {
            self.again.push(key);
        }
    }

    fn release_session(&mut self, key: u64) {
        if let Some(wheel) = self.wheels.get_mut(&key)
            && std::mem::replace(&mut wheel.alive, false)
        {
            self.unsettled.push((wheel.session, super::WHEEL, false));
        }
    }

    pub(super) fn close_wheel(&mut self, key: u64) {
        if !self.wheels.contains_key(&key) {
            return;
        }
        self.settle();
        self.forget_waiting(|what| matches!(what, What::Alarm(wheel) if *wheel == key));
        if let Some(wheel) = self.wheels.remove(&key)
            && wheel.alive
        {
            self.released(wheel.session);
        }
    }

    /// Delivers what is due and was there when the step began.
    fn deliver(&mut self) {
        let (now, limit) = (self.now, self.sequence);
        self.tidy();
        let due = |one: &&Waiting| one.due <= now && one.number <= limit;
        let begun = self.waiting.iter().filter(due);
        let (rings, posts): (Vec<_>, Vec<_>) = begun.partition(|one| one.what.is_timer());
        // Unless a timer is due, all of them count, also those that end with everybody in this step.
        let least = if rings.is_empty() { posts.len() } else { 0 };
        let mut delivered = 0;
        while delivered < DELIVER_BUDGET {
            let all = self.waiting.iter().enumerate();
            let due = all.filter(|(_, one)| one.due <= now && one.number <= limit);
            let first = due.min_by_key(|(_, one)| (one.due, one.number));
            let Some((place, _)) = first else { break };
            let one = self.waiting.remove(place);
            self.deliver_one(one);
            delivered += 1;
        }
        self.pace.delivered = delivered.max(least.min(DELIVER_BUDGET));
    }

    fn deliver_one(&mut self, one: Waiting) {
        match one.what {
            What::Event { letter, payload } => {
                self.counts.posted += 1;
                self.current = letter;
                let sent = letter.from == KERNEL || self.sessions.contains_key(&letter.from);
                if letter.from != letter.to {
                    self.released(letter.from);
                }
                if sent {
                    self.deliver_current(payload, None);
                } else {
                    self.drop_payload(payload);
                    self.tidy();
                    self.released(letter.to);
                }
            }
            What::Timer { session, event, number, .. } => {
                self.counts.timers += 1;
                self.current = Letter::new(session, session, event);
                self.deliver_current(Payload::Parcel(number, None), None);
            }
            What::Born(session) => self.released(session),
            What::Pull { session, wheel } => {
                // It holds the session until the wheel was heard.
                self.pulling = Some(session);
                self.pull(wheel);
                self.pulling = None;
                self.released(session);
            }
            What::Alarm(wheel) => self.pull(wheel),
            What::Signal { letter, number } => {
                self.released(letter.to);
                let there = |who| who == KERNEL || self.sessions.contains_key(&who);
                let (sent, found) = (there(letter.from), there(letter.to));
                if letter.from != letter.to {
                    self.released(letter.from);
                }
                if sent && found {
                    self.deliver_signal(letter, number);
                }
            }
        }
    }

    /// Runs until nobody is left, or somebody failed.
    pub(super) fn run(&mut self) -> String {
        while !self.sessions.is_empty() {
            self.turn(None);
            if let Some(failure) = self.failure.take() {
                return failure.outcome();
            }
        }
        self.tidy();
        self.clear_queue();
        self.failure.take().map_or_else(|| "ok".into(), |failure| failure.outcome())
    }

    pub(super) fn run_one_turn(&mut self) -> String {
        self.turn(Some(0));
        match self.failure.take() {
            Some(failure) => failure.outcome(),
            None => format!("{}", !self.sessions.is_empty()),
        }
    }
}

impl Exception {
    /// What comes out of `run`.
    fn outcome(&self) -> String {
        format!("{}: {}", if self.panic { "panic" } else { "error" }, self.text)
    }
}

const TURNS_PER_POLL: u32 = 64;
const TURNS_PER_CLOCK: u32 = 4;
const MANY_EVENTS: usize = 4;
const TIME_PER_POLL: i64 = 200;
const DELIVER_BUDGET: usize = 1024;

//! The kernel's order against a naive model of it: a list, sorted.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use reactor::{Clock, Context, Kernel, SessionId, States, TimerId};

use crate::parts::Random;

const SESSIONS: usize = 4;
const OPERATIONS: u32 = 120_000;
/// So many may wait before less is added than is delivered.
const MANY: usize = 60;
const NAMES: [&str; 3] = ["red", "green", "blue"];

/// What waits, by the book: delivered in the order of (due, number).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Waiting {
    due: u64,
    number: u64,
    session: usize,
    /// Of a timer. A post has none.
    name: Option<usize>,
}

struct Model {
    random: Random,
    waiting: Vec<Waiting>,
    timers: Vec<(u64, TimerId)>,
    sessions: Vec<SessionId>,
    operations: u32,
    delivered: u32,
    /// What has this number or a greater one was sent since the step began: not to be delivered in it.
    fresh: u64,
    /// The turn in which the last event was delivered.
    turn: u64,
    next: u64,
    base: Instant,
}

type State = (usize, Rc<RefCell<Model>>);

impl Model {
    /// An event was delivered: it must be the one that the book says, and then some more are sent.
    fn heard(&mut self, me: usize, cx: &mut Context<'_>, number: u64) {
        self.delivered += 1;
        let turn = cx.stats().turns;
        if turn != self.turn {
            self.turn = turn;
            self.fresh = self.next;
        }
        let now = self.micros(cx.now());
        let candidates = self.waiting.iter().filter(|one| one.number < self.fresh);
        let first = *candidates.min().expect("something waits");
        assert_eq!(first.number, number, "delivered out of order at {now}; first is {first:?}");
        assert_eq!(first.session, me);
        assert!(first.due <= now, "{first:?} was delivered early, at {now}");
        self.waiting.retain(|one| one.number != number);
        self.timers.retain(|(timer, _)| *timer != number);
        // Most handlers do a few things; some do many, so that the queue fills and empties.
        let many =
            if self.waiting.len() < MANY { self.random.below(5) } else { self.random.below(2) };
        for _ in 0..many {
            self.operate(me, cx, now);
        }
    }

    fn operate(&mut self, me: usize, cx: &mut Context<'_>, now: u64) {
        if self.operations == OPERATIONS {
            return;
        }
        self.operations += 1;
        let number = self.next;
        let name = self.random.below(3) as usize;
        let delay = [0, 0, 1, 5, 20, 20, 100][self.random.below(7) as usize];
        let time = Duration::from_micros(delay);
        match self.random.below(10) {
            0..4 => {
                let to = self.random.below(SESSIONS as u64) as usize;
                cx.post(self.sessions[to], NAMES[name], number).expect("nobody has stopped");
                self.note(Waiting { due: now, number, session: to, name: None });
            }
            4..6 => {
                let theirs = |one: &Waiting| one.session == me && one.name == Some(name);
                self.waiting.retain(|one| !theirs(one));
                cx.delay(NAMES[name], time, number);
                self.note(Waiting { due: now + delay, number, session: me, name: Some(name) });
            }
            6..9 => {
                let timer = cx.delay_set(NAMES[name], time, number);
                self.timers.push((number, timer));
                if self.timers.len() > MANY {
                    self.timers.remove(0); // most likely it was replaced or rang long ago
                }
                self.note(Waiting { due: now + delay, number, session: me, name: Some(name) });
            }
            _ => self.remove(me, cx),
        }
    }

    /// Removes any timer whose id is known: it works if and only if the book has it as this session's.
    fn remove(&mut self, me: usize, cx: &mut Context<'_>) {
        if self.timers.is_empty() {
            return;
        }
        let chosen = self.random.below(self.timers.len() as u64) as usize;
        let (number, timer) = self.timers[chosen];
        let place = self.waiting.iter().position(|one| one.number == number);
        let mine = place.is_some_and(|place| self.waiting[place].session == me);
        assert_eq!(cx.alarm_remove(timer).is_ok(), mine, "timer {number} of {place:?}");
        if mine {
            self.waiting.swap_remove(place.expect("it is mine"));
        }
        if mine || place.is_none() {
            self.timers.swap_remove(chosen);
        }
    }

    fn is_going_on(&self) -> bool {
        self.operations < OPERATIONS || !self.waiting.is_empty()
    }

    /// What is posted from outside when nothing is left to do.
    fn prompt(&self, now: Instant) -> (SessionId, u64, u64) {
        (self.sessions[0], self.next, self.micros(now))
    }

    fn micros(&self, now: Instant) -> u64 {
        u64::try_from((now - self.base).as_micros()).expect("not that late")
    }

    fn note(&mut self, one: Waiting) {
        self.next += 1;
        self.waiting.push(one);
    }
}

#[test]
fn more_than_a_hundred_thousand_random_posts_and_timers_come_in_the_order_of_a_sorted_list() {
    let mut random = Random::from_environment();
    let clock = Clock::virtual_time();
    let mut kernel = Kernel::builder().clock(clock.clone()).build().unwrap();
    let model = Rc::new(RefCell::new(Model {
        random: random.fork(),
        waiting: Vec::new(),
        timers: Vec::new(),
        sessions: Vec::new(),
        operations: 0,
        delivered: 0,
        fresh: 0,
        turn: 0,
        next: 0,
        base: clock.now(),
    }));
    let heard = |(me, model): &mut State, cx: &mut Context<'_>, number: u64| {
        model.borrow_mut().heard(*me, cx, number);
    };
    // A timer that never rings keeps everybody alive.
    let hold = |_: &mut State, cx: &mut Context<'_>, ()| cx.delay("hold", Duration::MAX, ());
    let mut states = States::new().on_start(hold);
    for name in NAMES {
        states = states.on(name, heard);
    }
    for me in 0..SESSIONS {
        let session = kernel.spawn(&states, (me, Rc::clone(&model)));
        model.borrow_mut().sessions.push(session);
    }
    while model.borrow().is_going_on() {
        if model.borrow().waiting.is_empty() {
            let (to, number, due) = model.borrow_mut().prompt(clock.now());
            kernel.post(to, NAMES[0], number).expect("everybody is alive");
            model.borrow_mut().note(Waiting { due, number, session: 0, name: None });
        }
        // Time moves in small steps of many sizes, so that some timers fall due together.
        kernel.run_one_turn(Duration::from_micros(random.below(40))).expect("a turn");
    }
    let model = model.borrow();
    assert_eq!(model.operations, OPERATIONS);
    assert!(model.delivered > OPERATIONS / 3, "only {} were delivered", model.delivered);
}

//! Chance: what is done next.
//!
//! It chooses among what was made so far, and mostly among what is still there, so that most of what is
//! done can be done, and some cannot.

use std::collections::VecDeque;

use testkit::random::Random;

use crate::op::{
    ALIASES, ANSWERS, Ask, EVENTS, End, HEEDED, KERNEL, Kind, Load, Op, SET, SIGNALS, TAGS, To, Who,
};

pub struct Choice {
    pub random: Random,
    /// One thing that is done in so many may be the end of everybody.
    ending: u64,
    sessions: u32,
    /// The session that beats: nothing is done that could be its end alone.
    pub keeper: Who,
    /// Who was alive a short while ago, and who was born since.
    pub alive: Vec<Who>,
    keys: u64,
    /// The last timers and things to be held that were made, and by whom.
    timers: VecDeque<(u64, Who)>,
    held: VecDeque<(u64, Who)>,
    numbers: u64,
}

impl Choice {
    pub fn new(seed: u64, ending: u64) -> Self {
        Self {
            random: Random::new(seed),
            ending,
            sessions: 0,
            keeper: KERNEL,
            alive: Vec::new(),
            keys: 0,
            timers: VecDeque::new(),
            held: VecDeque::new(),
            numbers: 0,
        }
    }

    /// What a session, or somebody outside the loop, does next.
    pub fn next(&mut self, me: Who) -> Op {
        if me == KERNEL { self.choose_outside(me) } else { self.choose(me) }
    }

    /// The number of the next session.
    pub fn newborn(&mut self) -> Who {
        self.sessions += 1;
        self.alive.push(Who(self.sessions - 1));
        Who(self.sessions - 1)
    }

    pub fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}

impl Choice {
    fn choose(&mut self, me: Who) -> Op {
        match self.random.below(130) {
            0..20 => self.post(me),
            20..28 => self.call(me),
            28..46 => self.timer(me),
            46..58 => self.name(),
            58..78 => self.held(me),
            78..94 => self.family(),
            94..106 => self.signals(),
            106..112 => self.handlers(),
            112..126 => self.wheel(me),
            126 => Op::Busy(self.random.below(300).cast_signed()),
            127 if self.random.one_in(self.ending) => Op::Stop,
            _ => Op::Look(self.anybody()),
        }
    }

    /// What can be asked without being a session.
    fn choose_outside(&mut self, me: Who) -> Op {
        match self.random.below(20) {
            0..6 => self.post(me),
            6..9 => self.call(me),
            9..12 => Op::Spawn { kind: self.kind(), child: self.newborn() },
            12 => self.signal(),
            13..16 => self.name(),
            16 | 17 => self.use_held(me),
            18 => Op::Busy(self.random.below(300).cast_signed()),
            _ => Op::Look(self.anybody()),
        }
    }

    fn post(&mut self, me: Who) -> Op {
        Op::Post { to: self.to(), event: self.pick(EVENTS), load: self.load(me) }
    }

    fn call(&mut self, me: Who) -> Op {
        let other_reply = self.random.one_in(10);
        Op::Call { to: self.to(), event: self.pick(EVENTS), load: self.load(me), other_reply }
    }

    fn timer(&mut self, me: Who) -> Op {
        let (event, number) = (self.pick(EVENTS), self.number());
        let micros = self.pick([0, 0, 1, 5, 20, 20, 100, 1000]);
        match self.random.below(20) {
            0..6 => Op::Delay { event, micros, number },
            6 => Op::DelayAdd { event, micros, number },
            7..10 => Op::DelaySet { event, micros, number, key: self.new_timer(me) },
            10 if self.random.one_in(2) => Op::AlarmAdd { event, micros: micros - 10, number },
            10 => Op::Alarm { event, micros: micros - 10, number },
            11 => Op::AlarmSet { event, micros: micros - 10, number, key: self.new_timer(me) },
            12 | 13 => Op::AlarmAdjust { key: self.timer_of(me), micros: micros - 5 },
            14 | 15 => Op::DelayAdjust { key: self.timer_of(me), micros },
            16 => Op::AlarmClear(event),
            17 if me != self.keeper => Op::AlarmRemoveAll,
            _ => Op::AlarmRemove { key: self.timer_of(me) },
        }
    }

    fn name(&mut self) -> Op {
        let (alias, tag) = (self.pick(ALIASES), self.pick(TAGS));
        match self.random.below(12) {
            0..3 => Op::AliasSet(alias),
            3..5 => Op::AliasRemove(alias),
            5 => Op::AliasResolve(alias),
            6..8 => Op::Increment(self.anybody(), tag),
            _ => Op::Decrement(self.anybody(), tag),
        }
    }

    fn held(&mut self, me: Who) -> Op {
        let shelf = self.random.one_in(2);
        match self.random.below(14) {
            0..4 => Op::Postback { key: self.new_held(me), event: self.pick(ANSWERS), shelf },
            4..6 => Op::Callback { key: self.new_held(me), event: self.pick(ANSWERS) },
            _ => self.use_held(me),
        }
    }

    fn use_held(&mut self, me: Who) -> Op {
        let (key, number) = (self.held_by(me), self.number());
        match self.random.below(9) {
            0..4 => Op::Ring { key, number },
            4 => Op::Weaken { key },
            _ => Op::Drop { key },
        }
    }

    fn family(&mut self) -> Op {
        match self.random.below(16) {
            0..8 => Op::Spawn { kind: self.kind(), child: self.newborn() },
            8..11 => Op::DetachMyself,
            _ => Op::DetachChild(self.anybody()),
        }
    }

    fn signals(&mut self) -> Op {
        match self.random.below(12) {
            0..6 => Op::Sig { signal: self.watchable(), event: self.pick(HEEDED) },
            6 => Op::SigClear(self.watchable()),
            7 => Op::SigHandled,
            _ => self.signal(),
        }
    }

    /// Seldom one that the system knows too, and seldom a misspelt one.
    fn watchable(&mut self) -> &'static str {
        match self.random.below(40) {
            0 => "SIGHUP",
            1 => "KILL",
            _ => self.pick(["HEY", "IDLE", "DIE", "DIE", "UIDESTROY", "ZOMBIE", "HUP"]),
        }
    }

    /// Nearly always one that the keeper survives.
    fn signal(&mut self) -> Op {
        let fatal = self.random.one_in(self.ending);
        let everybody = self.random.one_in(4);
        let signal = if everybody && !fatal { "HEY" } else { self.pick(SIGNALS) };
        let who = if everybody { KERNEL } else { self.anybody() };
        let signal = if who == self.keeper { "HEY" } else { signal };
        let number = self.number();
        if signal == "HEY" && self.random.one_in(4) {
            return Op::Signal { to: To::Alias(self.pick(ALIASES)), signal, number };
        }
        Op::Signal { to: To::Session(who), signal, number }
    }

    fn handlers(&mut self) -> Op {
        let event = self.pick(SET);
        if self.random.one_in(3) {
            return Op::StateClear(event);
        }
        Op::State { event, version: self.number() }
    }

    fn wheel(&mut self, me: Who) -> Op {
        let batch = self.random.below(4) as u8;
        let ask = match self.random.below(4) {
            0 | 1 => Ask::Again,
            2 => Ask::At(self.random.below(100).cast_signed()),
            _ => Ask::Queue,
        };
        match self.random.below(7) {
            0..3 => {
                let end = self.pick([End::Close, End::Release, End::Stay]);
                let shelf = self.random.one_in(4);
                Op::Wheel { key: self.new_held(me), batch, end, ask, shelf }
            }
            3..6 => Op::Poke { key: self.held_by(me), batch, ask },
            _ => Op::Release { key: self.held_by(me) },
        }
    }

    fn to(&mut self) -> To {
        if self.random.one_in(5) {
            return To::Alias(self.pick(ALIASES));
        }
        To::Session(self.anybody())
    }

    fn load(&mut self, me: Who) -> Load {
        let number = self.number();
        if self.random.one_in(4) {
            return Load::Text(number);
        }
        let gift = self.random.one_in(4).then(|| self.held_by(me));
        Load::Parcel { number, gift }
    }

    fn kind(&mut self) -> Kind {
        self.pick([Kind::Full, Kind::Full, Kind::Full, Kind::Quiet, Kind::Default])
    }

    /// One that is alive, as a rule.
    fn anybody(&mut self) -> Who {
        match self.random.below(30) {
            0 => KERNEL,
            1 => self.keeper,
            _ if self.alive.is_empty() => self.keeper,
            2..8 => Who(self.sessions.saturating_sub(1 + self.random.below(9) as u32)),
            _ => self.alive[self.random.below(self.alive.len() as u64) as usize],
        }
    }

    fn new_timer(&mut self, me: Who) -> u64 {
        self.keys += 1;
        remember(&mut self.timers, (self.keys, me))
    }

    fn new_held(&mut self, me: Who) -> u64 {
        self.keys += 1;
        remember(&mut self.held, (self.keys, me))
    }

    fn timer_of(&mut self, me: Who) -> u64 {
        one_of(&mut self.random, &self.timers, me)
    }

    fn held_by(&mut self, me: Who) -> u64 {
        one_of(&mut self.random, &self.held, me)
    }

    fn pick<T: Copy, const N: usize>(&mut self, from: [T; N]) -> T {
        from[self.random.below(N as u64) as usize]
    }
}

fn remember(list: &mut VecDeque<(u64, Who)>, made: (u64, Who)) -> u64 {
    list.push_back(made);
    if list.len() > 40 {
        list.pop_front();
    }
    made.0
}

/// The key of one of the last that were made, mostly by this session.
fn one_of(random: &mut Random, list: &VecDeque<(u64, Who)>, me: Who) -> u64 {
    let mine = !random.one_in(3);
    let fits = |made: &&(u64, Who)| !mine || made.1 == me;
    let place = random.below(4) as usize;
    let found = list.iter().rev().filter(fits).take(place + 1).last();
    found.map_or(0, |(key, _)| *key)
}

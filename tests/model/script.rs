//! Chance: what each handler does, and what was told of it.
//!
//! Both kernels follow the same script. As long as they call the same handlers in the same order it gives
//! them the same things to do; so the first line of what is told that differs is where they parted.

use std::cell::RefCell;
use std::collections::VecDeque;

use reactor::OnException;
use testkit::random::Random;

use crate::op::{
    ALIASES, ANSWERS, Ask, Door, EVENTS, End, Ending, HEEDED, Heard, KERNEL, Kind, Load, Op, SET,
    SIGNALS, TAGS, To, Who,
};

/// What a history is like.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    pub on_exception: OnException,
    pub operations: u32,
    /// One handler in so many fails.
    pub failing: u64,
    /// One thing that is done in so many may be the end of everybody.
    pub ending: u64,
}

pub struct Script(RefCell<Inner>);

struct Inner {
    manner: Manner,
    random: Random,
    operations: u32,
    sessions: u32,
    /// The session that beats, of this life.
    keeper: Who,
    beats: u32,
    /// Who was alive a short while ago, and who was born since.
    alive: Vec<Who>,
    keys: u64,
    /// The last timers and things to be held that were made, and by whom.
    timers: VecDeque<(u64, Who)>,
    held: VecDeque<(u64, Who)>,
    numbers: u64,
    /// Nothing new is begun.
    calm: bool,
    told: Vec<String>,
    /// What the other kernel told.
    expected: Option<Vec<String>>,
    lost: bool,
}

impl Script {
    /// Written down, or compared with what was written down.
    pub fn new(seed: u64, manner: Manner, expected: Option<Vec<String>>) -> Self {
        Self(RefCell::new(Inner {
            manner,
            random: Random::new(seed),
            operations: 0,
            sessions: 0,
            keeper: KERNEL,
            beats: 0,
            alive: Vec::new(),
            keys: 0,
            timers: VecDeque::new(),
            held: VecDeque::new(),
            numbers: 0,
            calm: false,
            told: Vec::new(),
            expected,
            lost: false,
        }))
    }

    pub fn tell(&self, line: String) {
        let mut inner = self.0.borrow_mut();
        if inner.lost {
            return;
        }
        let place = inner.told.len();
        let differs = inner.expected.as_ref().is_some_and(|book| book.get(place) != Some(&line));
        inner.lost = differs;
        inner.told.push(line);
    }

    /// Whether the two have parted.
    pub fn is_lost(&self) -> bool {
        self.0.borrow().lost
    }

    pub fn is_calm(&self) -> bool {
        self.0.borrow().calm
    }

    pub fn set_calm(&self, calm: bool) {
        self.0.borrow_mut().calm = calm;
    }

    pub fn is_over(&self) -> bool {
        let inner = self.0.borrow();
        inner.lost || inner.operations >= inner.manner.operations
    }

    /// How much was done, or where the two parted.
    pub fn verdict(&self, seed: u64) -> Result<u32, String> {
        let inner = self.0.borrow();
        let book = inner.expected.as_deref().unwrap_or_default();
        if !inner.lost && inner.told.len() == book.len() {
            return Ok(inner.operations);
        }
        let place = if inner.lost { inner.told.len() - 1 } else { inner.told.len() };
        let before = inner.told[place.saturating_sub(60)..place].join("\n");
        let by_the_book = book.get(place).map_or("(nothing more)", String::as_str);
        let told = inner.told.get(place).map_or("(nothing more)", String::as_str);
        Err(format!(
            "SEED={seed}: parted after {} operations\n{before}\nby the book: {by_the_book}\n\
             the kernel : {told}\n{:?}",
            inner.operations, inner.manner
        ))
    }

    pub fn take_told(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut().told)
    }

    pub fn below(&self, limit: u64) -> u64 {
        self.0.borrow_mut().random.below(limit)
    }

    pub fn one_in(&self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    /// Who is alive, for those who choose from them.
    pub fn look_around(&self, door: &dyn Door) {
        let alive = door.alive();
        self.0.borrow_mut().alive = alive;
    }

    /// A session that keeps the others going, and ends its life in so many beats.
    pub fn begin_life(&self, door: &mut dyn Door, beats: u32) {
        self.set_calm(false);
        let child = {
            let mut inner = self.0.borrow_mut();
            inner.beats = beats;
            inner.keeper = inner.newborn();
            inner.keeper
        };
        self.perform(door, Op::Spawn { kind: Kind::Keeper, child });
    }

    /// Whether somebody will end this life.
    pub fn is_kept(&self, door: &dyn Door) -> bool {
        door.alive().contains(&self.0.borrow().keeper)
    }

    /// Does one thing that chance chooses.
    pub fn act(&self, me: Who, door: &mut dyn Door) {
        let op = self.0.borrow_mut().choose(me);
        self.perform(door, op);
    }

    /// A handler runs.
    pub fn heard(&self, heard: &Heard, door: &mut dyn Door) -> Ending {
        let Heard { me, event, version, sender, caller, payload, why, now, .. } = heard;
        let caller = caller.as_deref().unwrap_or("-");
        self.tell(format!("{now} {me}: {event}/{version} {payload} from {sender} in {caller}: {why}"));
        if self.is_lost() {
            door.perform(Op::Stop);
            return Ending::Return(0);
        }
        match event.as_str() {
            "beat" => self.beat(door),
            "_start" if self.0.borrow().keeper == *me => self.set_beat(door),
            "wind" => self.perform(door, Op::LetGo),
            "heed" | "obey" if self.one_in(2) => self.perform(door, Op::SigHandled),
            _ => {}
        }
        for _ in 0..self.how_much() {
            self.act(*me, door);
        }
        self.ending(heard)
    }

    /// Everybody lets go of everything.
    pub fn wind_down(&self, door: &mut dyn Door) {
        self.set_calm(true);
        self.perform(door, Op::LetAllGo);
    }

    fn beat(&self, door: &mut dyn Door) {
        self.look_around(door);
        let beats = self.0.borrow().beats;
        if beats == 0 || self.is_over() {
            self.wind_down(door);
        } else {
            self.0.borrow_mut().beats -= 1;
            self.set_beat(door);
        }
    }

    fn set_beat(&self, door: &mut dyn Door) {
        let micros = self.below(100).cast_signed();
        self.perform(door, Op::Delay { event: "beat", micros, number: 0 });
    }

    fn how_much(&self) -> u64 {
        if self.is_calm() || self.is_over() {
            return 0;
        }
        if self.one_in(40) { self.below(25) } else { self.below(4) }
    }

    fn perform(&self, door: &mut dyn Door, op: Op) {
        let begun = u32::from(!self.is_calm());
        self.0.borrow_mut().operations += begun;
        // Told before it is done: what it leads to comes between this and the answer.
        self.tell(format!("  {op:?}"));
        let answer = door.perform(op);
        self.tell(format!("  = {answer}"));
    }

    fn ending(&self, heard: &Heard) -> Ending {
        let mut inner = self.0.borrow_mut();
        let number = inner.number();
        let failing = inner.manner.failing;
        if inner.calm || heard.me == inner.keeper || !inner.random.one_in(failing) {
            return Ending::Return(number);
        }
        let text = format!("{} fails in {} ({number})", heard.me, heard.event);
        if heard.may_err && inner.random.one_in(2) {
            return Ending::Error(text);
        }
        Ending::Panic(text)
    }
}

impl Inner {
    fn choose(&mut self, me: Who) -> Op {
        if me == KERNEL {
            return self.choose_outside(me);
        }
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
            127 if self.random.one_in(self.manner.ending) => Op::Stop,
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
            6..10 => Op::DelaySet { event, micros, number, key: self.new_timer(me) },
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
        let fatal = self.random.one_in(self.manner.ending);
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

    fn newborn(&mut self) -> Who {
        self.sessions += 1;
        self.alive.push(Who(self.sessions - 1));
        Who(self.sessions - 1)
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

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
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

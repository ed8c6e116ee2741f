//! What each handler does, and what was told of it.
//!
//! Both kernels follow the same script. As long as they call the same handlers in the same order it gives
//! them the same things to do; so the first line of what is told that differs is where they parted.

use std::cell::RefCell;

use crate::choice::Choice;
use crate::op::{Door, Ending, Heard, KERNEL, Kind, Op, Who};
use reactor::OnException;

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
    choice: Choice,
    operations: u32,
    /// So often the keeper still beats in this life.
    beats: u64,
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
            choice: Choice::new(seed, manner.ending),
            operations: 0,
            beats: 0,
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
        self.0.borrow_mut().choice.random.below(limit)
    }

    pub fn one_in(&self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    /// Who is alive, for those who choose from them.
    pub fn look_around(&self, door: &dyn Door) {
        let alive = door.alive();
        self.0.borrow_mut().choice.alive = alive;
    }

    /// Begins with a session that keeps the others going, and ends that after some beats; or with another.
    pub fn begin_life(&self, door: &mut dyn Door, kept: bool) {
        self.set_calm(false);
        if !kept {
            self.0.borrow_mut().choice.keeper = KERNEL;
            let child = self.0.borrow_mut().choice.newborn();
            return self.perform(door, Op::Spawn { kind: Kind::Full, child });
        }
        let beats = self.below(30);
        let child = {
            let mut inner = self.0.borrow_mut();
            inner.beats = beats;
            inner.choice.keeper = inner.choice.newborn();
            inner.choice.keeper
        };
        self.perform(door, Op::Spawn { kind: Kind::Keeper, child });
    }

    /// Whether somebody will end this life.
    pub fn is_kept(&self, door: &dyn Door) -> bool {
        door.alive().contains(&self.0.borrow().choice.keeper)
    }

    /// Does one thing that chance chooses.
    pub fn act(&self, me: Who, door: &mut dyn Door) {
        let op = self.0.borrow_mut().choice.next(me);
        self.perform(door, op);
    }

    /// A handler runs.
    pub fn heard(&self, heard: &Heard, door: &mut dyn Door) -> Ending {
        let Heard { me, event, version, sender, caller, payload, why, now, turn, .. } = heard;
        let caller = caller.as_deref().unwrap_or("-");
        self.tell(format!(
            "{turn} at {now} {me}: {event}/{version} {payload} from {sender} in {caller}: {why}"
        ));
        if self.is_lost() {
            door.perform(Op::Stop);
            return Ending::Return(0);
        }
        match event.as_str() {
            "beat" => self.beat(door),
            "_start" if self.0.borrow().choice.keeper == *me => self.set_beat(door),
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
        let number = inner.choice.number();
        let failing = inner.manner.failing;
        if inner.calm || heard.me == inner.choice.keeper || !inner.choice.random.one_in(failing) {
            return Ending::Return(number);
        }
        let text = format!("{} fails in {} ({number})", heard.me, heard.event);
        if heard.may_err && inner.choice.random.one_in(2) {
            return Ending::Error(text);
        }
        Ending::Panic(text)
    }
}

//! A history: told by the reference, then by the kernel, and compared line by line.

use std::rc::Rc;

use crate::op::{Door, KERNEL, Op, Who};
use crate::real::Real;
use crate::reference::Reference;
use crate::script::{Manner, Script};

/// A kernel, as its program sees it.
pub trait World {
    fn perform(&mut self, op: Op) -> String;
    fn alive(&self) -> Vec<Who>;
    fn advance(&mut self, micros: i64);
    /// One turn that does not wait; says whether a session is left, or with what it failed.
    fn turn(&mut self) -> String;
    /// Runs until no session is left; says with what it failed.
    fn run(&mut self) -> String;
    fn survey(&self) -> String;
    fn is_empty(&self) -> bool;
}

/// What is done from outside the loop.
struct Program<'a>(&'a mut dyn World);

impl Door for Program<'_> {
    fn perform(&mut self, op: Op) -> String {
        self.0.perform(op)
    }

    fn alive(&self) -> Vec<Who> {
        self.0.alive()
    }
}

/// Lives one history with both; gives how many things were done in it, or where they parted.
pub fn compare(seed: u64, manner: Manner) -> Result<u32, String> {
    let book = Rc::new(Script::new(seed, manner, None));
    live(&mut Reference::new(&book, manner.on_exception), &book);
    let script = Rc::new(Script::new(seed, manner, Some(book.take_told())));
    live(&mut Real::new(&script, manner.on_exception), &script);
    script.verdict(seed)
}

/// Life after life, until enough was done.
fn live(world: &mut dyn World, script: &Script) {
    while !script.is_over() {
        // Some lives are left to themselves, and end when nobody has anything to do.
        let kept = !script.one_in(3);
        script.begin_life(&mut Program(world), kept);
        if !kept || script.one_in(2) {
            live_by_turns(world, script);
        }
        if script.is_over() {
            break;
        }
        if !script.is_kept(&Program(world)) {
            script.wind_down(&mut Program(world));
        }
        script.tell(format!("run: {}", world.run()));
        script.tell(world.survey());
    }
    script.wind_down(&mut Program(world));
    if script.is_lost() {
        world.perform(Op::Stop);
    }
    script.tell(format!("the end: {}", world.run()));
    script.tell(format!("nothing is left: {}", world.is_empty()));
}

fn live_by_turns(world: &mut dyn World, script: &Script) {
    for _ in 0..script.below(60) {
        script.look_around(&Program(world));
        for _ in 0..script.below(3) {
            script.act(KERNEL, &mut Program(world));
        }
        world.advance(script.below(40).cast_signed());
        let outcome = world.turn();
        let ends = outcome != "true";
        script.tell(format!("turn: {outcome}"));
        script.tell(world.survey());
        if ends || script.is_calm() || script.is_over() {
            return;
        }
    }
}

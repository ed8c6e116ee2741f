//! The reference as its program sees it, from inside and from outside of the loop.

use super::{Counts, Letter, Reference};
use crate::history::World;
use crate::op::{Door, KERNEL, Op, Who};
use crate::view::{View, survey};

impl Door for Reference {
    fn perform(&mut self, op: Op) -> String {
        self.act(self.current.to, op)
    }

    fn alive(&self) -> Vec<Who> {
        View::alive(self)
    }
}

/// The kernel, from outside the loop.
pub struct Outside<'a>(pub &'a mut Reference);

impl Door for Outside<'_> {
    fn perform(&mut self, op: Op) -> String {
        if matches!(
            op,
            Op::Post { .. } | Op::Call { .. } | Op::Spawn { .. } | Op::Signal { .. } | Op::LetAllGo
        ) {
            self.0.current = Letter::OUTSIDE;
            self.0.now = self.0.clock;
        }
        self.0.act(KERNEL, op)
    }

    fn alive(&self) -> Vec<Who> {
        View::alive(self.0)
    }
}

impl View for Reference {
    fn alive(&self) -> Vec<Who> {
        self.sessions.keys().copied().collect()
    }

    fn why(&self, who: Who) -> Option<String> {
        self.sessions.contains_key(&who).then(|| Self::why(self, who))
    }

    fn parent(&self, who: Who) -> Option<Who> {
        self.sessions.get(&who).map(|session| session.parent)
    }

    fn children(&self, who: Who) -> Vec<Who> {
        Self::children(self, who)
    }

    fn aliases(&self, who: Who) -> Option<Vec<String>> {
        if who != KERNEL && !self.sessions.contains_key(&who) {
            return None;
        }
        let theirs = self.aliases.iter().filter(|(_, owner)| *owner == who);
        let mut aliases: Vec<String> = theirs.map(|(name, _)| (*name).to_owned()).collect();
        aliases.sort_unstable();
        Some(aliases)
    }

    fn counts(&self) -> String {
        let Counts { turns, polls, posted, timers, direct, unhandled, failures } = self.counts;
        format!(
            "{turns} turns, {polls} polls, {posted} posted, {timers} timers, {direct} direct, \
             {unhandled} unhandled, {failures} failures, {} wheels",
            self.wheels.len()
        )
    }
}

impl World for Reference {
    fn perform(&mut self, op: Op) -> String {
        Outside(self).perform(op)
    }

    fn alive(&self) -> Vec<Who> {
        View::alive(self)
    }

    fn advance(&mut self, micros: i64) {
        self.clock += micros;
    }

    fn turn(&mut self) -> String {
        self.run_one_turn()
    }

    fn run(&mut self) -> String {
        Self::run(self)
    }

    fn survey(&self) -> String {
        survey(self)
    }

    fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.wheels.is_empty()
    }
}

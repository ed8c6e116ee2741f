//! Why a session lives: counted anew each time.

use super::{Phase, Reference, Waiting, What};
use crate::op::Who;

impl Reference {
    /// Why a session lives.
    pub(super) fn why(&self, who: Who) -> String {
        let words = self.ledger(who).into_iter().zip(WORDS).filter(|(count, _)| *count > 0);
        let words = words
            .map(|(count, (one, many))| format!("{count} {}", if count == 1 { one } else { many }));
        let words: Vec<String> = words.collect();
        if words.is_empty() { "nothing".into() } else { words.join(", ") }
    }

    pub(super) fn ledger(&self, who: Who) -> [i64; WORDS.len()] {
        let mut counts = [0; WORDS.len()];
        for Waiting { what, .. } in &self.waiting {
            match what {
                What::Event { letter, .. } | What::Signal { letter, .. } => {
                    counts[QUEUED] += i64::from(letter.to == who);
                    counts[SENT] += i64::from(letter.from == who && letter.to != who);
                }
                What::Born(session) | What::Pull { session, .. } => {
                    counts[QUEUED] += i64::from(*session == who);
                }
                What::Timer { session, .. } => counts[TIMER] += i64::from(*session == who),
                What::Alarm(_) => {}
            }
        }
        counts[QUEUED] += i64::from(self.sessions[&who].unborn);
        counts[QUEUED] += i64::from(self.pulling == Some(who));
        counts[WHEEL] += count(self.wheels.values(), |one| one.session == who && one.alive);
        counts[CHILD] += count(self.sessions.values(), |one| one.parent == who);
        counts[ALIAS] += count(&self.aliases, |(_, owner)| *owner == who);
        counts[TAG] += count(&self.tags, |(owner, ..)| *owner == who);
        counts[POSTBACK] += count(&self.postbacks, |owner| **owner == who);
        for (session, kind, holds) in &self.unsettled {
            if *session == who {
                counts[*kind] += if *holds { -1 } else { 1 };
            }
        }
        counts
    }

    /// One reason for a session to live is gone.
    pub(super) fn released(&mut self, who: Who) {
        let Some(session) = self.sessions.get(&who) else { return };
        if session.phase == Phase::Living && self.ledger(who).iter().all(|count| *count == 0) {
            self.session(who).phase = Phase::Marked;
            self.marked.push(who);
        }
    }
}

/// The entries of a ledger, in its order.
const WORDS: [(&str, &str); 8] = [
    ("queued event", "queued events"),
    ("sent event", "sent events"),
    ("timer", "timers"),
    ("wheel", "wheels"),
    ("child session", "child sessions"),
    ("alias", "aliases"),
    ("named reference", "named references"),
    ("postback", "postbacks"),
];
pub(super) const QUEUED: usize = 0;
pub(super) const SENT: usize = 1;
pub(super) const TIMER: usize = 2;
pub(super) const WHEEL: usize = 3;
pub(super) const CHILD: usize = 4;
pub(super) const ALIAS: usize = 5;
pub(super) const TAG: usize = 6;
pub(super) const POSTBACK: usize = 7;

fn count<T>(all: impl IntoIterator<Item = T>, which: impl Fn(&T) -> bool) -> i64 {
    let mut count = 0;
    all.into_iter().for_each(|one| count += i64::from(which(&one)));
    count
}

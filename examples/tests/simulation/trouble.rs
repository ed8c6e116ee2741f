//! What goes wrong, when, and for whom.

use std::ops::Range;
use std::time::Duration;

use fastrand::Rng;

use crate::journal::Story;

/// Homes are where clients live, by their number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trouble {
    /// A home and the server do not hear each other.
    Cut(usize),
    /// A home's connections are reset.
    Reset(usize),
    /// A home has no power.
    Crash(usize),
    ServerReset,
    ServerCrash,
    /// The server can open only so many more sockets.
    Limit(usize),
}

/// One thing that goes wrong, and how long it stays wrong.
#[derive(Clone, Debug)]
pub(crate) struct Spell {
    pub(crate) trouble: Trouble,
    pub(crate) time: Range<Duration>,
}

impl Spell {
    /// As chance has it: none at all in every third run, and in many runs none that hits all.
    pub(crate) fn some(random: &mut Rng, homes: usize, within: Duration) -> Vec<Self> {
        let (count, kinds) = match random.u8(..6) {
            0 | 1 => (0, 1),
            2..5 => (random.usize(1..5), 3),
            _ => (random.usize(1..4), 6),
        };
        let mut spells: Vec<Self> = Vec::new();
        for _ in 0..count {
            let home = random.usize(..homes);
            let trouble = match random.u8(..kinds) {
                0 => Trouble::Cut(home),
                1 => Trouble::Reset(home),
                2 => Trouble::Crash(home),
                3 => Trouble::ServerReset,
                4 => Trouble::ServerCrash,
                _ => Trouble::Limit(random.usize(..4)),
            };
            let begin = random_time(random, Duration::ZERO..within);
            let long = Duration::from_secs(if random.bool() { 5 } else { 60 });
            let end = match trouble {
                Trouble::Reset(_) | Trouble::ServerReset => begin,
                Trouble::Cut(_) | Trouble::Crash(_) | Trouble::ServerCrash | Trouble::Limit(_) => {
                    begin + random_time(random, Duration::ZERO..long)
                }
            };
            spells.push(Self { trouble, time: begin..end });
        }
        spells
    }

    /// Whether it could do harm to a client of this home. A cut does none that is short enough, once there is
    /// a connection.
    pub(crate) fn harms(&self, home: usize, story: &Story, patience: Duration) -> bool {
        let Some(began) = story.began else { return true };
        let overlaps = |end: Option<Duration>| {
            end.is_none_or(|end| self.time.start <= end) && began <= self.time.end
        };
        match self.trouble {
            Trouble::Cut(cut) if self.time.end - self.time.start <= patience => {
                cut == home && overlaps(story.connected)
            }
            Trouble::Cut(hit) | Trouble::Reset(hit) | Trouble::Crash(hit) => {
                hit == home && overlaps(story.ended)
            }
            Trouble::ServerReset | Trouble::ServerCrash | Trouble::Limit(_) => {
                overlaps(story.ended)
            }
        }
    }
}

pub(crate) fn random_time(random: &mut Rng, range: Range<Duration>) -> Duration {
    let micros = |time: Duration| u64::try_from(time.as_micros()).expect("some years");
    Duration::from_micros(random.u64(micros(range.start)..micros(range.end).max(1)))
}

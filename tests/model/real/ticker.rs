//! A wheel that tells numbers, so many each time that it is asked.

use std::collections::VecDeque;
use std::time::Duration;

use reactor::{Bound, Io, Readiness, Symbol, Wheel};

use crate::op::{Ask, End};

pub struct Ticker {
    key: u64,
    tick: Symbol,
    batches: VecDeque<u8>,
    end: End,
    told: u64,
}

impl Ticker {
    pub fn new(io: &mut Io<'_>, key: u64, tick: Symbol, (batch, end, ask): (u8, End, Ask)) -> Self {
        ask_for(io, ask);
        Self { key, tick, batches: VecDeque::from([batch]), end, told: 0 }
    }

    /// One more batch.
    pub fn poke(&mut self, io: &mut Io<'_>, batch: u8, ask: Ask) {
        self.batches.push_back(batch);
        io.hold_session();
        ask_for(io, ask);
    }

    /// It closes itself when it has told all.
    pub fn finish(&mut self, io: &mut Io<'_>) {
        self.batches.push_back(1);
        self.end = End::Close;
        io.again();
    }
}

fn ask_for(io: &mut Io<'_>, ask: Ask) {
    match ask {
        Ask::Again => io.again(),
        Ask::At(micros) => io.wake_at(io.now() + Duration::from_micros(micros.unsigned_abs())),
        Ask::Queue => io.queue(),
    }
}

impl Wheel for Ticker {
    type Event = (Bound<u64>, u64);

    fn ready(&mut self, _: Readiness) {}

    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        let left = self.batches.front_mut()?;
        if *left > 0 {
            *left -= 1;
            let number = self.key * 1000 + self.told;
            self.told += 1;
            if self.end == End::Release && self.batches.iter().all(|left| *left == 0) {
                io.release_session();
            }
            return Some((Bound::new(io.session(), self.tick), number));
        }
        self.batches.pop_front();
        if !self.batches.is_empty() {
            io.again();
        } else if self.end == End::Close {
            io.close();
        }
        None
    }
}

//! The descriptors that wheels watch beside their first.
//!
//! Owns who watches which, in tables of their own: a wheel that watches one descriptor, as most do, pays
//! nothing for those that watch several. Promises that a notice finds the wheel that watches now, or
//! nobody. Never registers anything: `desk.rs` does, which has the poller.

use std::collections::HashMap;
use std::os::fd::RawFd;

use mio::Token;
use rustc_hash::FxBuildHasher;

use crate::ids::WheelId;
use crate::token;

/// Names one descriptor that a wheel watches beside its first. Got from
/// [`Io::watch_also`](crate::Io::watch_also).
///
/// It is the wheel's, and stale once it is [unwatched](crate::Io::unwatch_also). Dropping it unwatches
/// nothing: that takes the kernel.
#[derive(PartialEq, Eq, Hash, Debug)]
pub struct WatchId(u32);

impl WatchId {
    /// The watch that has this token, or had it.
    pub(crate) fn from_token(token: Token) -> Option<Self> {
        token::further_of(token).map(Self)
    }

    pub(crate) const fn token(&self) -> Token {
        token::further(self.0)
    }
}

/// Who watches what, in both directions.
#[derive(Debug, Default)]
pub(crate) struct Further {
    watches: HashMap<u32, (WheelId, RawFd), FxBuildHasher>,
    /// The same by wheel. One that watches nothing more is not in it.
    numbers: HashMap<WheelId, Vec<u32>, FxBuildHasher>,
    /// The number given out last.
    last: u32,
}

impl Further {
    /// A name that nobody has. It is not given out again before two thousand million others were, so
    /// that a notice on its way to a watch that is gone is nobody else's.
    pub(crate) fn name(&mut self) -> WatchId {
        loop {
            self.last = (self.last + 1) % token::MOST_FURTHER;
            if !self.watches.contains_key(&self.last) {
                return WatchId(self.last);
            }
        }
    }

    pub(crate) fn insert(&mut self, watch: &WatchId, wheel: WheelId, fd: RawFd) {
        self.watches.insert(watch.0, (wheel, fd));
        self.numbers.entry(wheel).or_default().push(watch.0);
    }

    /// The wheel that a notice is for.
    pub(crate) fn wheel_of(&self, watch: &WatchId) -> Option<WheelId> {
        self.watches.get(&watch.0).map(|(wheel, _)| *wheel)
    }

    /// Takes out one watch of a wheel, and gives its descriptor, if it is there and the wheel's.
    pub(crate) fn remove(&mut self, watch: &WatchId, wheel: WheelId) -> Option<RawFd> {
        let numbers = self.numbers.get_mut(&wheel)?;
        let place = numbers.iter().position(|number| *number == watch.0)?;
        numbers.swap_remove(place);
        if numbers.is_empty() {
            self.numbers.remove(&wheel);
        }
        self.watches.remove(&watch.0).map(|(_, fd)| fd)
    }

    /// Takes out a watch of a wheel that closes, and gives its descriptor, as long as there is one.
    pub(crate) fn pop(&mut self, wheel: WheelId) -> Option<RawFd> {
        let last = *self.numbers.get(&wheel)?.last()?;
        self.remove(&WatchId(last), wheel)
    }

    /// What a wheel watches, in no order.
    pub(crate) fn of(&self, wheel: WheelId) -> impl Iterator<Item = RawFd> {
        let numbers = self.numbers.get(&wheel).into_iter().flatten();
        numbers.filter_map(|number| self.watches.get(number)).map(|(_, fd)| *fd)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (WatchId, RawFd)> {
        self.watches.iter().map(|(number, (_, fd))| (WatchId(*number), *fd))
    }

    pub(crate) fn len(&self) -> usize {
        self.watches.len()
    }
}

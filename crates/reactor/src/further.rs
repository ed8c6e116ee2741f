//! The further descriptors of wheels that watch more than one.
//!
//! Owns a line for each: whose it is, and its number. Promises that a late notice is nobody else's, as
//! the table of wheels does: a [`WatchId`] is a slot and a generation, and no two are the same in one
//! kernel. Wheels with one descriptor have no line here and pay for nothing.

use std::collections::HashMap;
use std::fmt;
use std::os::fd::RawFd;

use mio::Token;
use rustc_hash::FxBuildHasher;

use crate::arena::{Arena, Key};
use crate::ids::WheelId;

/// A further descriptor of a wheel: see [`Io::watch_also`](crate::Io::watch_also).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct WatchId(Key);

/// All further descriptors of a kernel.
#[derive(Debug, Default)]
pub(crate) struct Further {
    watched: Arena<Line>,
    by_wheel: HashMap<WheelId, Vec<WatchId>, FxBuildHasher>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) wheel: WheelId,
    pub(crate) fd: RawFd,
}

impl Further {
    pub(crate) fn add(&mut self, wheel: WheelId, fd: RawFd) -> WatchId {
        let id = WatchId(self.watched.insert(Line { wheel, fd }));
        self.by_wheel.entry(wheel).or_default().push(id);
        id
    }

    /// The wheel and the descriptor, if it is still watched.
    pub(crate) fn get(&self, id: WatchId) -> Option<Line> {
        self.watched.get(id.0).copied()
    }

    /// Takes the wheel's line out. Whether it has others still is not for the caller to know.
    pub(crate) fn remove(&mut self, id: WatchId) -> Option<Line> {
        let line = self.watched.remove(id.0)?;
        if let Some(ids) = self.by_wheel.get_mut(&line.wheel) {
            ids.retain(|its| *its != id);
        }
        Some(line)
    }

    /// Takes all lines of a wheel out.
    pub(crate) fn remove_all(&mut self, wheel: WheelId) -> Vec<Line> {
        let ids = self.by_wheel.remove(&wheel).unwrap_or_default();
        ids.into_iter().filter_map(|id| self.watched.remove(id.0)).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (WatchId, Line)> {
        self.watched.iter().map(|(key, line)| (WatchId(key), *line))
    }
}

impl WatchId {
    /// A token is a key with this bit, which no slot of a wheel has: tables do not grow so large.
    const MARK: usize = 1 << 31;

    #[expect(clippy::cast_possible_truncation, reason = "usize has 64 bits: see `ids.rs`")]
    pub(crate) const fn token(self) -> Token {
        Token(self.0.to_word() as usize | Self::MARK)
    }

    /// The further descriptor that a token is of, if it is of one.
    #[inline]
    pub(crate) fn from_token(token: Token) -> Option<Self> {
        if token.0 & Self::MARK == 0 {
            return None;
        }
        Key::from_word((token.0 & !Self::MARK) as u64).map(Self)
    }
}

impl fmt::Debug for WatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WatchId({}.{})", self.0.slot(), self.0.generation())
    }
}

//! What was put and not sent, to be put again on the next connection.
//!
//! Owns a copy of each item since all was sent last, and knows which of them are on their way. Promises their
//! order, and that there are never more than it may keep. Never encodes and never sends: `link.rs` does.

use std::collections::VecDeque;
use std::fmt;

pub(super) struct Kept<T> {
    /// How an item is copied; `None` if none is kept.
    copy: Option<fn(&T) -> T>,
    items: VecDeque<T>,
    /// How many of them, the oldest, were put on the connection that there is.
    put: usize,
    most: usize,
}

impl<T> Kept<T> {
    pub(super) const fn nothing() -> Self {
        Self { copy: None, items: VecDeque::new(), put: 0, most: MOST_KEPT }
    }

    pub(super) const fn keep_by(&mut self, copy: fn(&T) -> T) {
        self.copy = Some(copy);
    }

    pub(super) const fn set_most(&mut self, items: usize) {
        self.most = items;
    }

    pub(super) const fn is_wanted(&self) -> bool {
        self.copy.is_some()
    }

    pub(super) fn is_full(&self) -> bool {
        self.items.len() >= self.most
    }

    /// Whether there are some that were not put on the connection yet.
    pub(super) fn is_behind(&self) -> bool {
        self.put < self.items.len()
    }

    /// A copy to keep, if any is to be.
    pub(super) fn copy(&self, item: &T) -> Option<T> {
        self.copy.map(|copy| copy(item))
    }

    /// Keeps an item that was put on the connection, as all before it were.
    pub(super) fn push_put(&mut self, item: T) {
        debug_assert_eq!(self.put, self.items.len(), "items are put in their order");
        self.push(item);
        self.put = self.items.len();
    }

    /// Keeps an item for the next connection.
    pub(super) fn push(&mut self, item: T) {
        debug_assert!(!self.is_full(), "asked before");
        self.items.push_back(item);
    }

    /// All that was put on the connection was sent.
    pub(super) fn sent(&mut self) {
        self.items.drain(..self.put);
        self.put = 0;
    }

    /// There is another connection, on which nothing was put yet.
    pub(super) const fn begin_anew(&mut self) {
        self.put = 0;
    }

    /// Puts all of it, oldest first, until `put` says to stop.
    pub(super) fn put_again(&mut self, mut put: impl FnMut(T) -> PutAgain) {
        let Some(copy) = self.copy else { return };
        while let Some(item) = self.items.get(self.put) {
            match put(copy(item)) {
                PutAgain::Done => self.put += 1,
                PutAgain::Drop => drop(self.items.remove(self.put)),
                PutAgain::Stop => break,
            }
        }
    }
}

/// What became of an item that was put again.
pub(super) enum PutAgain {
    Done,
    /// It can never be sent.
    Drop,
    /// Nothing can be sent on this connection any more.
    Stop,
}

impl<T> fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("items", &self.items.len()).finish_non_exhaustive()
    }
}

/// Enough for what is said while a server restarts.
const MOST_KEPT: usize = 1024;

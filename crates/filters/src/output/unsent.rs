//! What is unsent, and what becomes of it.
//!
//! Owns one piece as it was put, or one buffer, followed by a queue of runs once something long was linked in.
//! Promises the order of the calls, and that no byte is moved more than a constant number of times. Never
//! changes the bytes of a piece: others may have a share in it.

use std::iter;

use bytes::{Buf, Bytes};

use super::Output;
use super::tail::Tail;
use crate::spare;

#[derive(Default)]
pub(crate) struct Unsent {
    /// The one piece there is. Invariants: not empty, and nothing is beside it.
    whole: Option<Bytes>,
    /// What goes first. Its capacity outlives its content.
    head: Vec<u8>,
    /// What goes after `head`, and how much of `head` has been sent.
    /// Invariants: never without both, and if `head` is empty it starts with a linked run.
    tail: Option<Box<Tail>>,
}

impl Unsent {
    /// One piece, which is not empty.
    #[inline(always)]
    pub(super) fn whole(piece: Bytes) -> Box<Self> {
        let mut unsent = spare::unsent();
        unsent.whole = Some(piece);
        unsent
    }

    #[inline(always)]
    pub(super) fn put_slice(&mut self, bytes: &[u8]) {
        if self.whole.is_none() && self.tail.is_none() {
            self.head.extend_from_slice(bytes);
        } else {
            self.put_behind(bytes);
        }
    }

    #[inline(always)]
    pub(super) fn reserve(&mut self, bytes: usize) {
        if self.tail.is_none() {
            // Without it the pieces find room one by one, as they would have.
            let _made = self.head.try_reserve(bytes);
        }
    }

    /// Appends where there is a piece, or some of what was put is sent, or linked.
    #[inline(never)]
    fn put_behind(&mut self, bytes: &[u8]) {
        self.split();
        match &mut self.tail {
            Some(tail) if tail.has_runs() => tail.put_slice(bytes),
            Some(_) | None => {
                self.reclaim_for(bytes.len());
                self.head.extend_from_slice(bytes);
            }
        }
    }

    #[inline(always)]
    pub(super) fn put_bytes(&mut self, bytes: Bytes) {
        if bytes.len() < Output::LINKED_FROM {
            self.put_slice(&bytes);
            spare::give_back(bytes);
        } else {
            self.link(bytes);
        }
    }

    #[inline(never)]
    fn link(&mut self, bytes: Bytes) {
        self.split();
        self.tail.get_or_insert_default().link(bytes);
    }

    /// Copies the piece, if it is short.
    pub(super) fn detach(&mut self) {
        if self.whole.as_ref().is_some_and(|piece| piece.len() < Output::LINKED_FROM) {
            self.split();
        }
    }

    /// Has the piece be the first of several.
    fn split(&mut self) {
        if let Some(piece) = self.whole.take() {
            self.put_bytes(piece);
        }
    }

    /// Drops the first `n` bytes, which are not all.
    pub(super) fn advance(&mut self, n: usize) {
        if let Some(piece) = &mut self.whole {
            return piece.advance(n);
        }
        let unsent = self.unsent_head().len();
        if n < unsent {
            self.advance_head(n);
            return;
        }
        self.head.clear();
        if self.tail.is_some() {
            self.advance_tail(n - unsent);
        }
    }

    /// Drops what comes after the first `len` bytes, of which there is at least one.
    pub(super) fn rewind(&mut self, len: usize) {
        if let Some(piece) = &mut self.whole {
            piece.truncate(len);
            return;
        }
        let unsent = self.unsent_head().len();
        if len <= unsent {
            let sent = self.head.len() - unsent;
            self.head.truncate(sent + len);
            self.tail = None;
            self.advance_head(sent);
        } else if let Some(tail) = &mut self.tail {
            tail.rewind(len - unsent);
        }
    }

    /// Drops everything but the buffer, which stays; hands the piece out that it had.
    #[inline(always)]
    pub(crate) fn clear(&mut self) -> Option<Bytes> {
        self.head.clear();
        if self.tail.is_some() {
            self.tail = None;
        }
        self.whole.take()
    }

    /// How much memory it keeps when it is empty.
    #[inline]
    pub(crate) const fn capacity(&self) -> usize {
        self.head.capacity()
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        match (&self.whole, &self.tail) {
            (Some(piece), _) => piece.len(),
            (None, None) => self.head.len(),
            (None, Some(tail)) => self.head.len() - tail.sent + tail.len(),
        }
    }

    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.head.is_empty() && self.whole.is_none() && self.tail.is_none()
    }

    #[inline(always)]
    pub(super) fn contiguous(&self) -> Option<&[u8]> {
        match (&self.whole, &self.tail) {
            (Some(piece), _) => Some(piece),
            (None, None) => Some(&self.head),
            (None, Some(tail)) if self.head.is_empty() => tail.single_run(),
            (None, Some(tail)) if tail.has_runs() => None,
            (None, Some(tail)) => Some(&self.head[tail.sent..]),
        }
    }

    pub(super) fn runs(&self) -> impl Iterator<Item = &[u8]> {
        let first = self.whole.as_deref().unwrap_or_else(|| self.unsent_head());
        let first = (!first.is_empty()).then_some(first);
        first.into_iter().chain(self.tail.iter().flat_map(|tail| tail.runs()))
    }

    pub(super) fn into_bytes(self) -> Bytes {
        match (self.whole, &self.tail) {
            (Some(piece), _) => piece,
            (None, None) => Bytes::from(self.head),
            (None, Some(tail)) if self.head.is_empty() => tail.to_bytes(),
            (None, Some(tail)) => {
                let head = &self.head[tail.sent..];
                let runs: Vec<_> = iter::once(head).chain(tail.runs()).collect();
                Bytes::from(runs.concat())
            }
        }
    }
}

/// What becomes of it as it is sent: its head, and the tail that moves up behind it.
impl Unsent {
    /// What of the head is not sent.
    fn unsent_head(&self) -> &[u8] {
        match &self.tail {
            None => &self.head,
            Some(tail) => &self.head[tail.sent..],
        }
    }

    /// Makes room for `n` bytes out of what has been sent, where that is worth it.
    ///
    /// A peer that reads steadily but never quite catches up would otherwise let the sent part grow
    /// for ever. Moving only when the sent part is at least as long as the rest charges each moved
    /// byte to one that was sent, and waiting until the capacity is used up keeps it rare.
    fn reclaim_for(&mut self, n: usize) {
        let unsent = self.unsent_head().len();
        let sent = self.head.len() - unsent;
        if self.head.capacity() - self.head.len() < n && sent >= unsent {
            self.head.copy_within(sent.., 0);
            self.head.truncate(unsent);
            self.tail = None;
        }
    }

    /// Notes that `n` bytes more of the head are sent, which are not all.
    #[inline(never)]
    fn advance_head(&mut self, n: usize) {
        if n > 0 {
            self.tail.get_or_insert_default().sent += n;
        }
    }

    /// Drops `n` bytes from the tail; `head` is empty. A copied run that comes to the front becomes
    /// the head, so that it can be appended to.
    fn advance_tail(&mut self, mut n: usize) {
        while let Some(tail) = &mut self.tail {
            tail.sent = 0;
            let copied = tail.advance_linked(&mut n);
            if !tail.has_runs() {
                self.tail = None;
            }
            let Some(run) = copied else { return };
            self.fill_head(run);
            if n < self.head.len() {
                self.advance_head(n);
                return;
            }
            n -= self.head.len();
            self.head.clear();
        }
    }

    /// Makes `run` the content of the empty head. Of the two buffers the larger one survives, to be used
    /// again, and each byte is copied here at most once.
    fn fill_head(&mut self, run: Vec<u8>) {
        if run.len() <= self.head.capacity() {
            self.head.extend_from_slice(&run);
        } else {
            self.head = run;
        }
    }
}

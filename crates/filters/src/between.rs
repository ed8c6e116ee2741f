//! What one filter has decoded and the next has not consumed.
//!
//! Owns these bytes. Promises the next filter what an [`Input`] promises it of the wire: the same
//! bytes again, without those it consumed, with more behind them. Never shows them twice for
//! nothing, and keeps no memory once all is consumed. `then.rs` and `stack.rs` have one
//! between every two filters.

use std::fmt;

use bytes::Bytes;

use crate::{Filter, FilterError, Input};

#[derive(Default)]
pub(crate) struct Between {
    bytes: Vec<u8>,
    /// Consumed bytes at the front. Invariant: less than `bytes.len()`, or both are zero.
    start: usize,
    /// The next filter has seen all of this and said that it needs more.
    not_enough: bool,
}

impl Between {
    /// Appends what a filter has decoded.
    pub(crate) fn push(&mut self, record: Bytes) {
        if self.bytes.is_empty() {
            self.bytes = Vec::from(record);
            self.not_enough = false;
        } else {
            self.push_slice(&record);
        }
    }

    /// Appends a copy of `bytes`.
    pub(crate) fn push_slice(&mut self, bytes: &[u8]) {
        self.make_room_for(bytes.len());
        self.bytes.extend_from_slice(bytes);
        self.not_enough = false;
    }

    /// Takes the last `n` bytes away again, or all if there are fewer.
    pub(crate) fn retract(&mut self, n: usize) {
        self.bytes.truncate(self.bytes.len() - n.min(self.len()));
        self.let_go_if_consumed();
    }

    /// Takes out all that is not consumed.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.drain(..std::mem::take(&mut self.start));
        bytes
    }

    /// Has `next` decode an item, unless it is known to need more. What it holds may have become an
    /// item since: by a change of its parameters, or when it read from elsewhere.
    #[inline]
    pub(crate) fn decode<F: Filter + ?Sized>(
        &mut self,
        next: &mut F,
    ) -> Result<Option<F::Item>, FilterError> {
        if self.not_enough && !next.holds_items() {
            return Ok(None);
        }
        let result = self.offer(|input| next.decode(input));
        self.not_enough = matches!(result, Ok(None));
        result
    }

    /// Has `next` finish with what there is.
    pub(crate) fn finish<F: Filter + ?Sized>(
        &mut self,
        next: &mut F,
    ) -> Result<Option<F::Item>, FilterError> {
        self.offer(|input| next.finish(input))
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether the next filter may make something of this alone.
    pub(crate) fn may_yield(&self) -> bool {
        !self.is_empty() && !self.not_enough
    }

    fn offer<R>(&mut self, take: impl FnOnce(&mut Input<'_>) -> R) -> R {
        let mut input = Input::new(&self.bytes[self.start..]);
        let result = take(&mut input);
        self.start += input.consumed();
        self.let_go_if_consumed();
        result
    }

    fn let_go_if_consumed(&mut self) {
        if self.start == self.bytes.len() {
            self.bytes = Vec::new();
            self.start = 0;
        }
    }

    /// Grows by what is there at most, and by no more than [`STEP`]: twice as much as a long record
    /// needs is too much. What was consumed makes room before.
    fn make_room_for(&mut self, n: usize) {
        if self.bytes.capacity() - self.bytes.len() < n {
            self.bytes.drain(..self.start);
            self.start = 0;
            self.bytes.reserve_exact(n.max(self.bytes.len().min(STEP)));
        }
    }
}

/// Counts, no content: it may be long, and it is somebody's mail.
impl fmt::Debug for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Between")
            .field("len", &self.len())
            .field("not_enough", &self.not_enough)
            .finish()
    }
}

/// Bytes that a buffer may have to spare: half of what a filter may hold beyond its limit.
const STEP: usize = 32_768;

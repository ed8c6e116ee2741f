//! Framings in series, changed while they work.
//!
//! Owns the filters and what lies between them. Promises that a change loses no byte and changes
//! no order: what a filter left behind goes to the next one. Never looks at the bytes, never takes
//! more from the wire than the filter there consumes. `stack/level.rs` is one of them; `then.rs` is
//! for a series that stays as it is.

mod level;

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;

use self::level::{Level, Stage, decode_through, encode_through};
use crate::{Filter, FilterError, Input, Output};

/// Any number of byte filters in series; POE's `Filter::Stackable`.
///
/// ```text
///               first                      last
///   wire  --->  filter  --->  ...  --->  filter  --->  session
///         <---          <---       <---          <---
///         unshift, shift                 push, pop
/// ```
///
/// What comes goes from the first filter to the last, what is put from the last to the first. An
/// empty stack passes bytes as they come, as [`Stream`](crate::Stream) does. (POE's dies.)
///
/// It works as a series made with [`Filter::then`] does, and what is said [there](crate::Then)
/// about limits, errors, answers and empty items is true here. In particular each filter is offered
/// the items of the one before one by one, so that `Stream.map_input(..)` maps records, and
/// `Stream.grep_input(..)` leaves them out. The session's end of a stack can be adapted like any
/// filter: `stack.records(n)`.
///
/// # Changes in mid-stream
///
/// A change holds for what has not been decoded, and for what is put from then on. Nothing that has
/// come is lost, doubled or overtaken by what came later:
///
/// - **Bytes that the first filter has not consumed are not the stack's.** They are offered to
///   whatever filter is first next.
/// - But if the first filter has seen bytes and asked for more, it is in the middle of a record.
///   Then these bytes are its own, and go past a filter that is [`unshift`](Self::unshift)ed before
///   it.
/// - **What a removed filter leaves goes to the next one** towards the session, before all that
///   comes later. These are, in this order: the items that it had made and nobody had asked for;
///   the bytes of the record that it had begun, as one item; the items of the filter before it that
///   it had not seen, each as it is.
/// - **What the last filter leaves goes to the session**, as items. If another filter is
///   [`push`](Self::push)ed first, it goes to that.
///
/// A filter that is removed can be put into a stream again if it keeps nothing of the old one, as
/// [`Stream`](crate::Stream) and its adapters; for others take a new one.
///
/// ```
/// use filters::{Filter, Input, Line, Stack};
///
/// let mut stack = Stack::new();
/// stack.push(Line::new());
/// let mut input = Input::new(b"DATA\r\nbody~QUIT~");
/// assert_eq!(stack.decode(&mut input)?.as_deref(), Some(&b"DATA"[..]));
///
/// stack.pop();
/// stack.push(Line::literal(b"~"));
/// assert_eq!(stack.decode(&mut input)?.as_deref(), Some(&b"body"[..]));
///
/// stack.pop();
/// assert_eq!(stack.decode(&mut input)?.as_deref(), Some(&b"QUIT~"[..]));
/// # Ok::<(), filters::FilterError>(())
/// ```
#[derive(Default)]
pub struct Stack {
    /// From the wire to the session.
    levels: Vec<Level>,
    /// What filters left that were the last. It is older than all that is in `levels`.
    left: VecDeque<Bytes>,
}

impl Stack {
    /// Returns an empty stack.
    ///
    /// ```
    /// # use filters::{Filter, Input, Stack};
    /// let item = Stack::new().decode(&mut Input::new(b"as it is"))?;
    /// assert_eq!(item.as_deref(), Some(&b"as it is"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[inline]
    pub const fn new() -> Self {
        Self { levels: Vec::new(), left: VecDeque::new() }
    }

    /// Adds a filter at the session's end; POE's `push`.
    ///
    /// ```
    /// # use filters::{Filter, Line, Output, Stack};
    /// let mut stack = Stack::new();
    /// stack.push(Line::literal(b";"));
    /// stack.push(Line::literal(b","));
    /// let mut out = Output::new();
    /// stack.encode("a".into(), &mut out)?;
    /// assert_eq!(out.contiguous(), Some(&b"a,;"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub fn push(&mut self, filter: impl Filter<Item = Bytes, Out = Bytes>) {
        self.levels.push(Level::new(Box::new(filter), std::mem::take(&mut self.left)));
    }

    /// Takes the filter at the session's end away; POE's `pop`.
    ///
    /// `None` if the stack is empty.
    pub fn pop(&mut self) -> Option<Box<dyn Filter<Item = Bytes, Out = Bytes>>> {
        let level = self.levels.pop()?;
        Some(level.leave_to(&mut self.left))
    }

    /// Adds a filter at the wire's end; POE's `unshift`.
    ///
    /// What the filters have consumed already does not go through it: when a protocol begins to be
    /// compressed, say, it is for what follows.
    ///
    /// ```
    /// # use filters::{Filter, Input, Line, Stack, Stream};
    /// let mut stack = Stack::new();
    /// stack.push(Line::new());
    /// let mut input = Input::new(b"in capitals:\r\nA\r\n");
    /// assert_eq!(stack.decode(&mut input)?.as_deref(), Some(&b"in capitals:"[..]));
    /// stack.unshift(Stream.map_input(|bytes| bytes.to_ascii_lowercase().into()));
    /// assert_eq!(stack.decode(&mut input)?.as_deref(), Some(&b"a"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub fn unshift(&mut self, filter: impl Filter<Item = Bytes, Out = Bytes>) {
        self.levels.insert(0, Level::new(Box::new(filter), VecDeque::new()));
    }

    /// Takes the filter at the wire's end away; POE's `shift`.
    ///
    /// `None` if the stack is empty.
    pub fn shift(&mut self) -> Option<Box<dyn Filter<Item = Bytes, Out = Bytes>>> {
        if self.levels.is_empty() {
            return None;
        }
        let level = self.levels.remove(0);
        let next = self.levels.first_mut().map_or(&mut self.left, |next| &mut next.unseen);
        Some(level.leave_to(next))
    }

    /// Returns how many filters there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.levels.len()
    }

    /// Returns whether there is no filter.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }
}

impl Filter for Stack {
    type Item = Bytes;
    type Out = Bytes;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        if let Some(left) = self.left.pop_front() {
            return Ok(Some(left));
        }
        decode_through(&mut self.levels, input, Stage::Flowing)
    }

    /// Finishes one filter after another, the first first.
    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        if let Some(left) = self.left.pop_front() {
            return Ok(Some(left));
        }
        decode_through(&mut self.levels, input, Stage::Ended)
    }

    fn holds_items(&self) -> bool {
        !self.left.is_empty() || self.levels.iter().any(Level::may_yield)
    }

    fn pending(&self) -> usize {
        let left: usize = self.left.iter().map(Bytes::len).sum();
        left + self.levels.iter().map(Level::pending).sum::<usize>()
    }

    /// What each filter has made nothing of, the last first.
    fn take_pending(&mut self) -> Vec<u8> {
        let mut pending: Vec<u8> = self.left.drain(..).flatten().collect();
        for level in self.levels.iter_mut().rev() {
            pending.append(&mut level.take_pending());
        }
        pending
    }

    fn has_answer(&self) -> bool {
        self.levels.iter().any(|level| level.filter.has_answer())
    }

    fn answer(&mut self, out: &mut Output) {
        for at in 0..self.levels.len() {
            let (before, rest) = self.levels.split_at_mut(at);
            let filter = &mut rest[0].filter;
            if filter.has_answer() {
                let mut answer = Output::new();
                filter.answer(&mut answer);
                let refused = encode_through(before, answer.into_bytes(), out);
                drop(refused);
            }
        }
    }

    /// Appends the item, encoded by each filter in turn, the last first.
    fn encode(&mut self, item: Bytes, out: &mut Output) -> Result<(), FilterError> {
        encode_through(&mut self.levels, item, out)
    }
}

/// Counts, no content: it may be long, and it is somebody's mail.
impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack")
            .field("levels", &self.levels)
            .field("left", &self.left.len())
            .finish()
    }
}

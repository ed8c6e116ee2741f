//! Two framings in series.
//!
//! Owns two filters and the bytes between them. Promises that the second decodes what the first
//! made, all of it and in order, and that the first is not asked for more until the second needs
//! it. Never looks at the bytes. `stack.rs` is a series that can be changed.

use crate::between::Between;
use crate::{Filter, FilterError, Input, Output};
use bytes::Bytes;

/// What [`Filter::then`] returns; POE's `Filter::Stackable`, of two and with types.
///
/// Bytes that come go through the first filter, which is at the wire, and what it decodes through
/// the next. What is put goes through the next filter, and what that encodes it to through the
/// first. An item that the next filter encodes to nothing goes no further.
///
/// The next filter sees bytes, not items of the first: two lines are as good as one with the same
/// bytes. It is offered each item when it comes, though, behind what it has not consumed, so that
/// [`Stream`](crate::Stream) yields the first filter's items one by one (but none for an empty
/// one). To have the items themselves, [map](Filter::map_input) the first filter.
///
/// Between the two there is what the next has not consumed and one item of the first, which is
/// bounded by the limits of both. It holds at most 32 KiB more than that.
///
/// When the peer ends in the middle of the next filter's record, what there is of it is
/// [pending](Filter::take_pending): bytes as the first filter decoded them, which nothing can put
/// back to the wire. So a filter that takes the place of both is offered these, and then what the
/// first has not read.
///
/// An error of either is an error of this. If the first cannot encode what the next made of an
/// item, the item is refused, and the next filter takes it for sent. What the next filter has to
/// [answer](Filter::answer) goes through the first, and is dropped if that refuses it.
#[derive(Debug)]
pub struct Then<A, B> {
    first: A,
    between: Between,
    next: B,
}

impl<A, B> Then<A, B> {
    pub(crate) fn new(first: A, next: B) -> Self {
        Self { first, between: Between::default(), next }
    }

    /// Returns the filter at the wire, to change its parameters.
    #[inline]
    pub fn first_mut(&mut self) -> &mut A {
        &mut self.first
    }

    /// Returns the filter behind it, to change its parameters.
    #[inline]
    pub fn next_mut(&mut self) -> &mut B {
        &mut self.next
    }
}

impl<A, B> Filter for Then<A, B>
where
    A: Filter<Item = Bytes, Out = Bytes>,
    B: Filter,
{
    type Item = B::Item;
    type Out = B::Out;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<B::Item>, FilterError> {
        loop {
            if let Some(item) = self.between.decode(&mut self.next)? {
                return Ok(Some(item));
            }
            let Some(bytes) = self.first.decode(input)? else { return Ok(None) };
            self.between.push(bytes);
        }
    }

    /// Finishes the first filter, then the next with what came of that.
    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<B::Item>, FilterError> {
        loop {
            if let Some(item) = self.between.decode(&mut self.next)? {
                return Ok(Some(item));
            }
            let Some(bytes) = self.first.finish(input)? else {
                return self.between.finish(&mut self.next);
            };
            self.between.push(bytes);
        }
    }

    #[inline]
    fn holds_items(&self) -> bool {
        self.next.holds_items() || self.between.may_yield() || self.first.holds_items()
    }

    #[inline]
    fn pending(&self) -> usize {
        self.next.pending() + self.between.len() + self.first.pending()
    }

    /// What the next filter has made nothing of, and then what the first has not.
    fn take_pending(&mut self) -> Vec<u8> {
        let mut pending = self.next.take_pending();
        pending.append(&mut self.between.take());
        pending.append(&mut self.first.take_pending());
        pending
    }

    #[inline]
    fn has_answer(&self) -> bool {
        self.first.has_answer() || self.next.has_answer()
    }

    fn answer(&mut self, out: &mut Output) {
        if self.first.has_answer() {
            self.first.answer(out);
        }
        if self.next.has_answer() {
            let mut answer = Output::new();
            self.next.answer(&mut answer);
            let refused = self.first.encode(answer.into_bytes(), out);
            drop(refused);
        }
    }

    fn encode(&mut self, item: B::Out, out: &mut Output) -> Result<(), FilterError> {
        let mut encoded = Output::new();
        self.next.encode(item, &mut encoded)?;
        if encoded.is_empty() {
            return Ok(());
        }
        self.first.encode(encoded.into_bytes(), out)
    }
}

/// The same parameters, a new stream.
impl<A: Clone, B: Clone> Clone for Then<A, B> {
    fn clone(&self) -> Self {
        Self::new(self.first.clone(), self.next.clone())
    }
}

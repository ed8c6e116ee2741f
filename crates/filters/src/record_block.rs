//! So many records as one list.
//!
//! Owns the records of the block that is not full. Promises that each block but the last has the
//! size that was set when it was handed over. Never drops a record; what waits to be sent waits
//! only if it is told to, and can be seen.

use std::fmt;
use std::num::NonZeroUsize;

use crate::adapter::{as_the_inner_filter, encode_all};
use crate::{Filter, FilterError, Input, Output};

/// What [`Filter::records`] returns; POE's `Filter::RecordBlock`.
///
/// It holds up to a block of records, so at most its size times what the filter in it allows one.
///
/// The records of an unfinished block are no bytes any more, so that
/// [`take_pending`](Filter::take_pending) cannot give them to the next filter: see
/// [`take_unfinished`](Self::take_unfinished).
///
/// ```
/// use std::num::NonZeroUsize;
///
/// use filters::{Filter, Input, Line};
///
/// let mut pairs = Line::new().records(NonZeroUsize::new(2).expect("two is not zero"));
/// let mut input = Input::new(b"a\nb\nc\n");
/// assert_eq!(pairs.decode(&mut input)?, Some(vec!["a".into(), "b".into()]));
/// assert_eq!(pairs.decode(&mut input)?, None);
/// assert_eq!(pairs.finish(&mut input)?, Some(vec!["c".into()])); // the peer has ended
/// # Ok::<(), filters::FilterError>(())
/// ```
pub struct RecordBlock<F: Filter> {
    filter: F,
    size: NonZeroUsize,
    block: Vec<F::Item>,
    put: Put,
    waiting: Vec<F::Out>,
}

/// Whether records wait for a block of them to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    AtOnce,
    InBlocks,
}

impl<F: Filter> RecordBlock<F> {
    pub(crate) fn new(filter: F, size: NonZeroUsize) -> Self {
        Self { filter, size, block: Vec::new(), put: Put::AtOnce, waiting: Vec::new() }
    }

    /// Has only whole blocks leave; POE's `CheckPut`.
    ///
    /// What is put beyond a multiple of the size waits here for the next, unknown to everybody
    /// else: a wheel does not count it, and drops it when it shuts down or the filter is replaced.
    /// See [`put_pending`](Self::put_pending) for what waits and [`uncheck_put`](Self::uncheck_put)
    /// for sending it. By default everything leaves at once, whatever its number.
    ///
    /// ```
    /// # use std::num::NonZeroUsize;
    /// # use filters::{Filter, Line, Output};
    /// let size = NonZeroUsize::new(3).expect("three is not zero");
    /// let mut blocks = Line::literal(b"\n").records(size).check_put();
    /// let mut out = Output::new();
    /// blocks.encode(vec!["a".into(), "b".into()], &mut out)?;
    /// assert!(out.is_empty());
    /// blocks.encode(vec!["c".into(), "d".into()], &mut out)?;
    /// assert_eq!(out.contiguous(), Some(&b"a\nb\nc\n"[..]));
    /// assert_eq!(blocks.put_pending(), ["d"]);
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[must_use]
    pub fn check_put(mut self) -> Self {
        self.put = Put::InBlocks;
        self
    }

    /// Has everything leave at once from now on; POE's `checkput(0)`.
    ///
    /// What waits leaves with the next list that is put, before it. That may be an empty one. (In
    /// POE it stays for ever.)
    ///
    /// ```
    /// # use std::num::NonZeroUsize;
    /// # use filters::{Filter, Line, Output};
    /// let size = NonZeroUsize::new(3).expect("three is not zero");
    /// let mut blocks = Line::literal(b"\n").records(size).check_put();
    /// let mut out = Output::new();
    /// blocks.encode(vec!["the last".into()], &mut out)?;
    /// blocks.uncheck_put();
    /// blocks.encode(vec![], &mut out)?;
    /// assert_eq!(out.contiguous(), Some(&b"the last\n"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub fn uncheck_put(&mut self) {
        self.put = Put::AtOnce;
    }

    /// Sets how many records make a block, from the next one on; POE's `blocksize`.
    ///
    /// Records that were collected already count: of five, a size of two makes two blocks at once,
    /// and one record waits.
    pub fn set_block_size(&mut self, size: NonZeroUsize) {
        self.size = size;
    }

    /// Takes out the records of the block that is not full; POE's `get_pending`.
    ///
    /// For whoever puts another filter in its place.
    #[must_use]
    pub fn take_unfinished(&mut self) -> Vec<F::Item> {
        std::mem::take(&mut self.block)
    }

    /// Returns how many records make a block; POE's `blocksize`.
    #[inline]
    pub fn block_size(&self) -> NonZeroUsize {
        self.size
    }

    /// Returns what was put and waits for the rest of its block; POE's `put_pending`.
    ///
    /// Always nothing unless there was [`check_put`](Self::check_put).
    #[inline]
    pub fn put_pending(&self) -> &[F::Out] {
        &self.waiting
    }

    /// Returns the filter in it.
    #[inline]
    pub fn get_ref(&self) -> &F {
        &self.filter
    }

    /// Returns the filter in it, to change its parameters.
    #[inline]
    pub fn get_mut(&mut self) -> &mut F {
        &mut self.filter
    }

    /// Takes the filter out of it. What else it holds is dropped.
    #[inline]
    pub fn into_inner(self) -> F {
        self.filter
    }

    /// Returns a block once there are enough records, which come from `next`.
    fn collect(
        &mut self,
        mut next: impl FnMut(&mut F) -> Result<Option<F::Item>, FilterError>,
    ) -> Result<Option<Vec<F::Item>>, FilterError> {
        while self.block.len() < self.size.get() {
            let Some(record) = next(&mut self.filter)? else { return Ok(None) };
            self.block.push(record);
        }
        let rest = self.block.split_off(self.size.get());
        Ok(Some(std::mem::replace(&mut self.block, rest)))
    }
}

impl<F: Filter> Filter for RecordBlock<F> {
    type Item = Vec<F::Item>;
    type Out = Vec<F::Out>;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Self::Item>, FilterError> {
        self.collect(|filter| filter.decode(input))
    }

    /// Yields the unfinished block, too, unless there is nothing in it.
    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<Self::Item>, FilterError> {
        let block = self.collect(|filter| filter.finish(input))?;
        Ok(block.or_else(|| (!self.block.is_empty()).then(|| self.take_unfinished())))
    }

    #[inline]
    fn holds_items(&self) -> bool {
        self.block.len() >= self.size.get() || self.filter.holds_items()
    }

    as_the_inner_filter!();

    /// Appends all records or none: one that cannot be expressed takes with it those that were put
    /// or waited with it.
    fn encode(&mut self, records: Self::Out, out: &mut Output) -> Result<(), FilterError> {
        let mut all = std::mem::take(&mut self.waiting);
        all.extend(records);
        if self.put == Put::InBlocks {
            self.waiting = all.split_off(all.len() - all.len() % self.size);
        }
        let result = encode_all(&mut self.filter, all, out);
        if result.is_err() {
            self.waiting.clear();
        }
        result
    }
}

/// The same parameters, a new stream.
impl<F: Filter + Clone> Clone for RecordBlock<F> {
    fn clone(&self) -> Self {
        Self { put: self.put, ..Self::new(self.filter.clone(), self.size) }
    }
}

/// Counts, no content: it may be long, and it is somebody's mail.
impl<F: Filter + fmt::Debug> fmt::Debug for RecordBlock<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordBlock")
            .field("filter", &self.filter)
            .field("size", &self.size)
            .field("block", &self.block.len())
            .field("put", &self.put)
            .field("waiting", &self.waiting.len())
            .finish()
    }
}

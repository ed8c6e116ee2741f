//! The trait every framing implements.
//!
//! Owns the contract between a framing and whoever reads and writes. Promises, for all its
//! implementors, that the cuts between reads do not show in the items. Never buffers input: that is
//! the caller's, so a filter swap loses nothing. `line.rs` is the example to copy from.

use std::num::NonZeroUsize;

use bytes::Bytes;

use crate::{
    FilterError, FlatMapInput, FlatMapOutput, GrepInput, GrepOutput, Input, MapInput, MapOutput,
    Output, RecordBlock, Then, TryMapInput, TryMapOutput,
};

/// Turns bytes into items and items into bytes.
///
/// The counterpart of POE's filter interface: [`decode`](Self::decode) is `get_one`,
/// [`encode`](Self::encode) is `put`. `get_one_start` has no counterpart because a filter keeps no
/// bytes as a rule: what it did not consume is offered to it again with more behind it, and to its
/// successor when it is replaced.
///
/// A filter may remember *where* it is (how much it has searched, which ending it settled on),
/// relying on this: successive calls see the same bytes without those consumed before, plus
/// whatever came since. So one filter value serves one stream.
///
/// ```
/// use bytes::Bytes;
/// use filters::{Filter, FilterError, Input, Output};
///
/// /// Records of exactly four bytes.
/// struct Word;
///
/// impl Filter for Word {
///     type Item = Bytes;
///     type Out = [u8; 4];
///
///     fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
///         Ok((input.len() >= 4).then(|| input.take(4)))
///     }
///
///     fn encode(&mut self, word: [u8; 4], out: &mut Output) -> Result<(), FilterError> {
///         out.put_slice(&word);
///         Ok(())
///     }
/// }
///
/// let mut input = Input::new(b"abcdef");
/// assert_eq!(Word.decode(&mut input)?.as_deref(), Some(&b"abcd"[..]));
/// assert_eq!(Word.decode(&mut input)?, None);
/// assert_eq!(Word.finish(&mut input)?, None); // half a word is no word
/// assert_eq!(input.as_slice(), b"ef");
///
/// let mut out = Output::new();
/// Word.encode(*b"wxyz", &mut out)?;
/// assert_eq!(out.contiguous(), Some(&b"wxyz"[..]));
/// # Ok::<(), FilterError>(())
/// ```
pub trait Filter: 'static {
    /// What decoding yields.
    type Item: 'static;

    /// What encoding takes.
    type Out: 'static;

    /// Takes at most one item from the front of `input`; POE's `get_one`.
    ///
    /// `Ok(None)` means that more bytes are needed. Bytes that belong to no item (the second half
    /// of a line ending) may be consumed with or without an item, so look at
    /// [`Input::consumed`] in either case. An item must consume at least one byte, or be made of
    /// bytes that were consumed before (see [`holds_items`](Self::holds_items)): a caller that asks
    /// until there is none must not ask for ever.
    ///
    /// # Errors
    ///
    /// [`FilterError`] when the bytes cannot be a record; final, see there.
    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Self::Item>, FilterError>;

    /// Takes what the end of the stream completes: the peer has ended and [`decode`](Self::decode)
    /// has nothing more. Called until it yields nothing.
    ///
    /// A framing in which the end of the stream may also end a record (a last line without its
    /// newline) overrides this and consumes what it returns. The default returns nothing and
    /// consumes nothing, which is right wherever a record says how long it is: half of one must not
    /// pass for a whole one, and the caller still sees in `input` that something was cut off.
    /// POE has no such call and drops the bytes.
    ///
    /// # Errors
    ///
    /// [`FilterError`] when the rest is not acceptable as a last record.
    #[inline]
    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<Self::Item>, FilterError> {
        let _ = input;
        Ok(None)
    }

    /// Whether [`decode`](Self::decode) may yield an item without any more input, of bytes that it
    /// consumed already.
    ///
    /// Then it is asked again though nothing has come. The default, `false`, is right for a filter
    /// that keeps no bytes; one that contains other filters, or makes several items of one record,
    /// has to know.
    #[inline]
    fn holds_items(&self) -> bool {
        false
    }

    /// How many bytes of content it consumed and has made no item of: a record is unfinished although
    /// nothing is left in the input.
    ///
    /// The default, none, is right for a filter that keeps no bytes.
    #[inline]
    fn pending(&self) -> usize {
        0
    }

    /// Takes out the bytes that it consumed and has made no item of; POE's `get_pending`.
    ///
    /// Called when another filter takes its place: that one is offered these bytes first, and then
    /// what was not consumed. The default, none, is right for a filter that keeps no bytes.
    #[inline]
    fn take_pending(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// Whether the framing itself has something to say to the peer, of what was decoded last: see
    /// [`answer`](Self::answer).
    #[inline]
    fn has_answer(&self) -> bool {
        false
    }

    /// Appends what the framing itself has to say to the peer, and owes it no more: the
    /// `100 Continue` that a client of HTTP waits for, say.
    ///
    /// Called after [`decode`](Self::decode) while [`has_answer`](Self::has_answer), unless nothing
    /// can be sent any more. The default says nothing.
    #[inline]
    fn answer(&mut self, out: &mut Output) {
        let _ = out;
    }

    /// Appends the bytes of one item to `out`; POE's `put`.
    ///
    /// # Errors
    ///
    /// [`FilterError`] when the framing cannot express the item. Nothing has been appended then,
    /// and the next item may well succeed.
    fn encode(&mut self, item: Self::Out, out: &mut Output) -> Result<(), FilterError>;

    /// Makes something else of each item that comes; POE's `Filter::Map` with `Get`.
    ///
    /// The adapters are made like those of an [`Iterator`], and each is a filter again.
    ///
    /// ```
    /// # use filters::{Filter, Input, Line};
    /// let mut lengths = Line::new().map_input(|line| line.len());
    /// assert_eq!(lengths.decode(&mut Input::new(b"four\r\n"))?, Some(4));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[inline]
    fn map_input<T, M>(self, map: M) -> MapInput<Self, M>
    where
        Self: Sized,
        M: FnMut(Self::Item) -> T + 'static,
    {
        MapInput::new(self, map)
    }

    /// Makes something else of each item that comes, or refuses it, which is final: the stream
    /// fails as it does when the framing is lost.
    ///
    /// ```
    /// # use filters::{Filter, FilterError, Input, Line};
    /// let mut text = Line::new().try_map_input(|line| {
    ///     let what = "not UTF-8".into();
    ///     String::from_utf8(line.into()).map_err(|_| FilterError::Malformed { at: 0, what })
    /// });
    /// let mut input = Input::new(b"text\n\xff\n");
    /// assert_eq!(text.decode(&mut input)?, Some(String::from("text")));
    /// assert!(text.decode(&mut input).is_err());
    /// # Ok::<(), FilterError>(())
    /// ```
    #[inline]
    fn try_map_input<T, M>(self, map: M) -> TryMapInput<Self, M>
    where
        Self: Sized,
        M: FnMut(Self::Item) -> Result<T, FilterError> + 'static,
    {
        TryMapInput::new(self, map)
    }

    /// Makes any number of items of each that comes.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use filters::{Filter, Input, Line};
    /// let words = |line: Bytes| line.split(|&b| b == b' ').map(<[u8]>::to_vec).collect::<Vec<_>>();
    /// let mut words = Line::new().flat_map_input(words);
    /// let mut input = Input::new(b"one two\n");
    /// assert_eq!(words.decode(&mut input)?.as_deref(), Some(&b"one"[..]));
    /// assert!(input.is_empty() && words.holds_items());
    /// assert_eq!(words.decode(&mut input)?.as_deref(), Some(&b"two"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[inline]
    fn flat_map_input<I, M>(self, map: M) -> FlatMapInput<Self, M, I>
    where
        Self: Sized,
        M: FnMut(Self::Item) -> I + 'static,
        I: IntoIterator,
    {
        FlatMapInput::new(self, map)
    }

    /// Makes each item that goes of something else; POE's `Filter::Map` with `Put`.
    ///
    /// ```
    /// # use filters::{Filter, Line, Output};
    /// let mut numbers = Line::literal(b"\n").map_output(|n: u32| n.to_string().into());
    /// let mut out = Output::new();
    /// numbers.encode(42, &mut out)?;
    /// assert_eq!(out.contiguous(), Some(&b"42\n"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[inline]
    fn map_output<T, M>(self, map: M) -> MapOutput<Self, M, T>
    where
        Self: Sized,
        M: FnMut(T) -> Self::Out + 'static,
    {
        MapOutput::new(self, map)
    }

    /// Makes each item that goes of something else, or refuses it: it is not sent then, and the
    /// next may well be.
    #[inline]
    fn try_map_output<T, M>(self, map: M) -> TryMapOutput<Self, M, T>
    where
        Self: Sized,
        M: FnMut(T) -> Result<Self::Out, FilterError> + 'static,
    {
        TryMapOutput::new(self, map)
    }

    /// Makes any number of items that go of each that is put. All of them go, or none does.
    ///
    /// ```
    /// # use filters::{Filter, Line, Output};
    /// let line = Line::literal(b"\n");
    /// let mut twice = line.flat_map_output(|word: &'static str| [word.into(), word.into()]);
    /// let mut out = Output::new();
    /// twice.encode("a", &mut out)?;
    /// assert_eq!(out.contiguous(), Some(&b"a\na\n"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[inline]
    fn flat_map_output<T, I, M>(self, map: M) -> FlatMapOutput<Self, M, T>
    where
        Self: Sized,
        M: FnMut(T) -> I + 'static,
        I: IntoIterator<Item = Self::Out>,
    {
        FlatMapOutput::new(self, map)
    }

    /// Leaves out the items that come and are not wanted; POE's `Filter::Grep` with `Get`.
    ///
    /// ```
    /// # use filters::{Filter, Input, Line};
    /// let mut filled = Line::new().grep_input(|line| !line.is_empty());
    /// let mut input = Input::new(b"\n\n\nline\n");
    /// assert_eq!(filled.decode(&mut input)?.as_deref(), Some(&b"line"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[inline]
    fn grep_input<P>(self, wanted: P) -> GrepInput<Self, P>
    where
        Self: Sized,
        P: FnMut(&Self::Item) -> bool + 'static,
    {
        GrepInput::new(self, wanted)
    }

    /// Leaves out the items that are put and not wanted; POE's `Filter::Grep` with `Put`.
    ///
    /// That is no error: what is left out encodes to nothing.
    #[inline]
    fn grep_output<P>(self, wanted: P) -> GrepOutput<Self, P>
    where
        Self: Sized,
        P: FnMut(&Self::Out) -> bool + 'static,
    {
        GrepOutput::new(self, wanted)
    }

    /// Makes a list of every `size` items that come, and takes lists to be sent; POE's
    /// `Filter::RecordBlock`.
    #[inline]
    fn records(self, size: NonZeroUsize) -> RecordBlock<Self>
    where
        Self: Sized,
    {
        RecordBlock::new(self, size)
    }

    /// Puts this filter at the wire and `next` behind it; POE's `Filter::Stackable`.
    ///
    /// `next` decodes what this decodes, and this encodes what `next` encodes.
    /// [`Stack`](crate::Stack) is a series that can be changed in mid-stream.
    ///
    /// ```
    /// # use filters::{Filter, Input, Line};
    /// let mut fields = Line::new().then(Line::literal(b","));
    /// let mut input = Input::new(b"a,b\r\n1,c\r\n");
    /// assert_eq!(fields.decode(&mut input)?.as_deref(), Some(&b"a"[..]));
    /// assert_eq!(fields.decode(&mut input)?.as_deref(), Some(&b"b1"[..])); // a field in two lines
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[inline]
    fn then<B: Filter>(self, next: B) -> Then<Self, B>
    where
        Self: Filter<Item = Bytes, Out = Bytes> + Sized,
    {
        Then::new(self, next)
    }
}

/// A boxed filter is a filter, so that one wheel can change between framings of the same item type.
///
/// ```
/// use bytes::Bytes;
/// use filters::{Filter, Input, Line, Stream};
///
/// let mut filter: Box<dyn Filter<Item = Bytes, Out = Bytes>> = Box::new(Line::new());
/// let mut input = Input::new(b"head\r\nbody");
/// assert_eq!(filter.decode(&mut input)?.as_deref(), Some(&b"head"[..]));
/// filter = Box::new(Stream);
/// assert_eq!(filter.decode(&mut input)?.as_deref(), Some(&b"body"[..]));
/// # Ok::<(), filters::FilterError>(())
/// ```
impl<F: Filter + ?Sized> Filter for Box<F> {
    type Item = F::Item;
    type Out = F::Out;

    #[inline]
    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Self::Item>, FilterError> {
        (**self).decode(input)
    }

    #[inline]
    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<Self::Item>, FilterError> {
        (**self).finish(input)
    }

    #[inline]
    fn holds_items(&self) -> bool {
        (**self).holds_items()
    }

    #[inline]
    fn pending(&self) -> usize {
        (**self).pending()
    }

    #[inline]
    fn take_pending(&mut self) -> Vec<u8> {
        (**self).take_pending()
    }

    #[inline]
    fn has_answer(&self) -> bool {
        (**self).has_answer()
    }

    #[inline]
    fn answer(&mut self, out: &mut Output) {
        (**self).answer(out);
    }

    #[inline]
    fn encode(&mut self, item: Self::Out, out: &mut Output) -> Result<(), FilterError> {
        (**self).encode(item, out)
    }
}

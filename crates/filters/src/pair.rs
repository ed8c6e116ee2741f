//! One framing in, another out.
//!
//! Owns a filter for each direction. Promises that neither sees anything of the other's. `then.rs`
//! has both directions go through both.

use crate::{Filter, FilterError, Input, Output};

/// Reads with one filter and writes with another; POE's `InputFilter` and `OutputFilter`.
///
/// What a framing has to [`answer`](Filter::answer) is the input filter's affair.
///
/// ```
/// use bytes::Bytes;
/// use filters::{Filter, Input, Line, Output, Pair, Stream};
///
/// let mut filter = Pair::new(Stream, Line::new());
/// let read = filter.decode(&mut Input::new(b"as it comes"))?;
/// assert_eq!(read.as_deref(), Some(&b"as it comes"[..]));
///
/// let mut out = Output::new();
/// filter.encode(Bytes::from("a line"), &mut out)?;
/// assert_eq!(out.contiguous(), Some(&b"a line\r\n"[..]));
/// # Ok::<(), filters::FilterError>(())
/// ```
#[derive(Debug, Default, Clone)]
pub struct Pair<I, O> {
    input: I,
    output: O,
}

impl<I, O> Pair<I, O> {
    /// Returns a filter that decodes as `input` does and encodes as `output` does.
    #[inline]
    pub const fn new(input: I, output: O) -> Self {
        Self { input, output }
    }

    /// Returns the filter that decodes; POE's `get_input_filter`.
    ///
    /// Whoever assigns another filter gives it what the old one had
    /// [pending](Filter::take_pending).
    #[inline]
    pub fn input_mut(&mut self) -> &mut I {
        &mut self.input
    }

    /// Returns the filter that encodes; POE's `get_output_filter`.
    ///
    /// Another may be assigned at any time: what was put is encoded already.
    ///
    /// ```
    /// # use filters::{Filter, Line, Output, Pair, Stream};
    /// let mut filter = Pair::new(Stream, Line::new());
    /// let mut out = Output::new();
    /// filter.encode("a".into(), &mut out)?;
    /// *filter.output_mut() = Line::literal(b"~");
    /// filter.encode("b".into(), &mut out)?;
    /// assert_eq!(out.contiguous(), Some(&b"a\r\nb~"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[inline]
    pub fn output_mut(&mut self) -> &mut O {
        &mut self.output
    }

    /// Returns both filters, the one that decodes first.
    #[inline]
    pub fn into_parts(self) -> (I, O) {
        (self.input, self.output)
    }
}

impl<I: Filter, O: Filter> Filter for Pair<I, O> {
    type Item = I::Item;
    type Out = O::Out;

    #[inline]
    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<I::Item>, FilterError> {
        self.input.decode(input)
    }

    #[inline]
    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<I::Item>, FilterError> {
        self.input.finish(input)
    }

    #[inline]
    fn holds_items(&self) -> bool {
        self.input.holds_items()
    }

    #[inline]
    fn pending(&self) -> usize {
        self.input.pending()
    }

    #[inline]
    fn take_pending(&mut self) -> Vec<u8> {
        self.input.take_pending()
    }

    #[inline]
    fn has_answer(&self) -> bool {
        self.input.has_answer()
    }

    #[inline]
    fn answer(&mut self, out: &mut Output) {
        self.input.answer(out);
    }

    #[inline]
    fn encode(&mut self, item: O::Out, out: &mut Output) -> Result<(), FilterError> {
        self.output.encode(item, out)
    }
}

//! Lines.
//!
//! Owns the limit and how far the current line has been searched. Promises the same lines, and the
//! same error behind the same line, for every way the same bytes can be cut into reads, and that no
//! byte is searched twice. Never keeps a byte of input, never looks at characters: an item is
//! bytes. `line/ending.rs` says what ends a line, `line/splitter.rs` finds it.

mod ending;
mod literal;
mod splitter;

use bytes::Bytes;

pub use self::ending::Ending;
pub use self::literal::Literal;
use self::splitter::Splitter;
use crate::{Filter, FilterError, Input, Output};

/// Lines, each an item without its ending; POE's `Filter::Line`.
///
/// Reads lines that end with CRLF, LFCR, CR or LF and writes CRLF, unless told otherwise. Content
/// is not looked at: an ending inside an item that is sent goes out as it is, and is a line of its
/// own to the receiver.
///
/// A line may have 16,384 bytes of content, see [`max_length`](Self::max_length). When the peer
/// ends without ending its last line, [`finish`](Filter::finish) yields what there is of it.
///
/// A clone has the same parameters and starts afresh.
///
/// ```
/// use bytes::Bytes;
/// use filters::{Filter, Input, Line, Output};
///
/// let mut line = Line::new();
/// let mut input = Input::new(b"ok\nlast");
/// assert_eq!(line.decode(&mut input)?.as_deref(), Some(&b"ok"[..]));
/// assert_eq!(line.decode(&mut input)?, None);
/// assert_eq!(line.finish(&mut input)?.as_deref(), Some(&b"last"[..]));
///
/// let mut out = Output::new();
/// line.encode(Bytes::from_static(b"bye"), &mut out)?;
/// assert_eq!(out.contiguous(), Some(&b"bye\r\n"[..]));
/// # Ok::<(), filters::FilterError>(())
/// ```
#[derive(Debug)]
pub struct Line {
    input: Splitter,
    output: Literal,
    /// As a short number, as is what follows: every connection has them.
    max_length: u32,
    /// Bytes at the front of the input in which no ending ends. Invariant, given what [`Filter`]
    /// says of successive calls: zero after a line, and at most what the last call left.
    searched: u32,
}

impl Line {
    /// Returns a filter that reads lines with [any](Ending::Any) ending and writes CRLF.
    ///
    /// ```
    /// # use filters::{Filter, Input, Line};
    /// let mut input = Input::new(b"a\r\n\r\nb\n");
    /// let mut line = Line::new();
    /// let lines: Vec<_> = std::iter::from_fn(|| line.decode(&mut input).ok()?).collect();
    /// assert_eq!(lines, ["a", "", "b"]);
    /// ```
    #[inline]
    pub fn new() -> Self {
        Self {
            input: Splitter::new(Ending::Any),
            output: Literal::CRLF,
            max_length: DEFAULT_MAX_LENGTH,
            searched: 0,
        }
    }

    /// Returns a filter that reads and writes lines with this ending; POE's `Literal`.
    ///
    /// ```
    /// # use filters::{Filter, Input, Line};
    /// let mut input = Input::new(b"a\nb~");
    /// assert_eq!(Line::literal(b"~").decode(&mut input)?.as_deref(), Some(&b"a\nb"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub fn literal(ending: impl Into<Literal>) -> Self {
        let ending = ending.into();
        Self::new().input(ending.clone()).output(ending)
    }

    /// Returns a filter that settles on the first ending it meets ([`Ending::Auto`]) and writes
    /// CRLF.
    ///
    /// ```
    /// # use filters::{Filter, Input, Line};
    /// let mut input = Input::new(b"a\nb\r\n");
    /// let mut line = Line::auto();
    /// assert_eq!(line.decode(&mut input)?.as_deref(), Some(&b"a"[..]));
    /// assert_eq!(line.decode(&mut input)?.as_deref(), Some(&b"b\r"[..])); // LF it is
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub fn auto() -> Self {
        Self::new().input(Ending::Auto)
    }

    /// Sets what ends a line that is read; POE's `InputLiteral`. By default [`Ending::Any`].
    ///
    /// ```
    /// # use filters::{Filter, Input, Line};
    /// let mut input = Input::new(b"a\nb\r\n");
    /// let mut line = Line::new().input(b"\r\n");
    /// assert_eq!(line.decode(&mut input)?.as_deref(), Some(&b"a\nb"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[must_use]
    pub fn input(mut self, ending: impl Into<Ending>) -> Self {
        self.input = Splitter::new(ending.into());
        self.searched = 0;
        self
    }

    /// Sets what is written after each line; POE's `OutputLiteral`. By default CRLF.
    ///
    /// ```
    /// # use filters::{Filter, Line, Output};
    /// let mut out = Output::new();
    /// Line::new().output(b"\n").encode("a".into(), &mut out)?;
    /// assert_eq!(out.contiguous(), Some(&b"a\n"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[must_use]
    pub fn output(mut self, ending: impl Into<Literal>) -> Self {
        self.output = ending.into();
        self
    }

    /// Sets how many bytes of content a line that is read may have; POE's `MaxLength`.
    ///
    /// By default 16,384 (POE: 64 MiB). The ending does not count. A longer line is
    /// [`FilterError::TooLong`] as soon as more than that has arrived, whether or not its end has;
    /// the lines before it are delivered first, and it is left unconsumed. 0 allows only empty
    /// lines.
    ///
    /// ```
    /// # use filters::{Filter, FilterError, Input, Line};
    /// let mut line = Line::new().max_length(3);
    /// let mut input = Input::new(b"abc\nabcd");
    /// assert_eq!(line.decode(&mut input)?.as_deref(), Some(&b"abc"[..]));
    /// assert_eq!(line.decode(&mut input), Err(FilterError::TooLong { limit: 3 }));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[must_use]
    pub fn max_length(mut self, bytes: usize) -> Self {
        self.max_length = short(bytes);
        self
    }

    /// Decides about a line whose end has not been found in `window`, the part of the input in
    /// which it would have to be.
    fn unfinished(&mut self, window: &[u8]) -> Result<Option<Bytes>, FilterError> {
        // What may be the beginning of an ending is not content yet. Counting it would refuse a
        // line of just the permitted length if its ending happens to be cut in two.
        let limit = self.max_length as usize;
        if window.len() > limit && window.len() - self.input.begun_at_end_of(window) > limit {
            return Err(FilterError::TooLong { limit });
        }
        self.searched = short(window.len());
        Ok(None)
    }
}

impl Filter for Line {
    type Item = Bytes;
    type Out = Bytes;

    #[inline]
    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        self.input.next_byte(input);
        let bytes = input.as_slice();
        // Beyond this, an ending would come too late: a peer cannot make us search more than that.
        let reach = (self.max_length as usize).saturating_add(self.input.width());
        let window = &bytes[..bytes.len().min(reach)];
        let Some(end) = self.input.find(window, self.searched as usize) else {
            return self.unfinished(window);
        };
        let line = input.take(end);
        self.input.ended(input);
        self.searched = 0;
        Ok(Some(line))
    }

    /// Yields the last line although nothing ends it, unless it is empty or too long.
    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        self.searched = 0;
        let limit = self.max_length as usize;
        if input.len() > limit {
            return Err(FilterError::TooLong { limit });
        }
        Ok((!input.is_empty()).then(|| input.take(input.len())))
    }

    /// Appends the line and the ending; never fails.
    #[inline]
    fn encode(&mut self, line: Bytes, out: &mut Output) -> Result<(), FilterError> {
        let ending = self.output.as_bytes();
        if line.len() < Output::LINKED_FROM {
            out.reserve(line.len() + ending.len());
        }
        out.put_bytes(line);
        out.put_slice(ending);
        Ok(())
    }
}

/// The same parameters, a new stream.
impl Clone for Line {
    fn clone(&self) -> Self {
        Self {
            input: self.input.fresh(),
            output: self.output.clone(),
            max_length: self.max_length,
            searched: 0,
        }
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

/// Longer than any line of the text protocols in use, short enough that ten thousand peers without
/// a newline are an inconvenience (160 MiB) rather than the end. Twisted's `LineReceiver` has the
/// same.
const DEFAULT_MAX_LENGTH: u32 = 16_384;

/// A length of four gigabytes or more is as good as any.
#[inline]
fn short(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

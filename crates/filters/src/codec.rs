//! The codecs of tokio as filters.
//!
//! Owns the codec and the bytes it has been given and has made no item of, because that is what
//! such a codec works on. Promises to give it no more than the limit, and that an error is the last
//! word. Never looks at the bytes, never runs anything of tokio.

use std::fmt;
use std::marker::PhantomData;

use bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

use crate::block::DEFAULT_MAX_LENGTH;
use crate::{Filter, FilterError, Input, Output};

/// A codec of `tokio_util` as a filter: whatever implements its
/// [`Decoder`] and [`Encoder`]. Needs the
/// feature `tokio-codec`.
///
/// There are codecs for many protocols. `Out` is what is encoded, by default what is decoded.
///
/// A codec works on a buffer of its own, so this filter keeps bytes: up to 65,536 of them, see
/// [`max_length`](Self::max_length). When another filter takes its place, that one gets what is left
/// in this buffer. Bytes that the codec has taken out, and remembers without having made an item of
/// them (a header whose record is still under way, say), are lost then: replace it after a whole
/// record.
///
/// The codec's errors become [`FilterError::Malformed`], at byte 0, with their text. They are
/// final, although some codecs could go on. At the end of the stream
/// [`decode_eof`](Decoder::decode_eof) is called; for most codecs half a record
/// is an error then.
///
/// ```
/// use filters::{Codec, Filter, Input, Output};
/// use tokio_util::codec::LinesCodec;
///
/// let mut lines: Codec<_, String> = Codec::new(LinesCodec::new_with_max_length(1000));
/// let mut input = Input::new(b"one\ntwo\nthr");
/// assert_eq!(lines.decode(&mut input)?.as_deref(), Some("one"));
/// assert_eq!(lines.decode(&mut input)?.as_deref(), Some("two"));
/// assert_eq!(lines.decode(&mut input)?, None);
/// assert_eq!(lines.finish(&mut input)?.as_deref(), Some("thr"));
///
/// let mut out = Output::new();
/// lines.encode("bye".to_owned(), &mut out)?;
/// assert_eq!(out.contiguous(), Some(&b"bye\n"[..]));
/// # Ok::<(), filters::FilterError>(())
/// ```
pub struct Codec<C: Decoder, Out = <C as Decoder>::Item> {
    codec: C,
    /// What the codec has been given and has not taken out.
    buffer: BytesMut,
    max_length: usize,
    /// The codec has not said yet that it needs more.
    holds_items: bool,
    /// What ended it. Boxed: it is rare, and a filter is there for each connection.
    failed: Option<Box<FilterError>>,
    out: PhantomData<fn(Out)>,
}

impl<C: Decoder, Out> Codec<C, Out> {
    /// Returns a filter that leaves the work to `codec`.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use filters::{Codec, Filter, Input};
    /// use tokio_util::codec::LengthDelimitedCodec;
    ///
    /// // It decodes `BytesMut` and encodes `Bytes`.
    /// let mut records: Codec<_, Bytes> = Codec::new(LengthDelimitedCodec::new());
    /// let mut input = Input::new(b"\0\0\0\x05hello");
    /// assert_eq!(records.decode(&mut input)?.as_deref(), Some(&b"hello"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub fn new(codec: C) -> Self {
        Self {
            codec,
            buffer: BytesMut::new(),
            max_length: DEFAULT_MAX_LENGTH,
            holds_items: false,
            failed: None,
            out: PhantomData,
        }
    }

    /// Sets how many bytes the codec may be given without making an item of them, or taking them
    /// out. By default 65,536.
    ///
    /// Beyond that it is [`FilterError::TooLong`]. Take it for the second line of defence: a codec
    /// with a limit of its own should have it set too, because what a codec puts aside itself is not
    /// seen here. Memory that it reserves in the buffer is taken back if it is more than twice the
    /// limit: `LengthDelimitedCodec` reserves what a record announces, up to 8 MiB.
    ///
    /// ```
    /// use filters::{Codec, Filter, FilterError, Input};
    /// use tokio_util::codec::LinesCodec;
    ///
    /// let mut lines: Codec<_, String> = Codec::new(LinesCodec::new()).max_length(5);
    /// let mut input = Input::new(b"four\ntoo long\n");
    /// assert_eq!(lines.decode(&mut input)?.as_deref(), Some("four"));
    /// assert_eq!(lines.decode(&mut input), Err(FilterError::TooLong { limit: 5 }));
    /// # Ok::<(), FilterError>(())
    /// ```
    #[must_use]
    pub fn max_length(mut self, bytes: usize) -> Self {
        self.max_length = bytes;
        self
    }
}

impl<C: Decoder<Error: fmt::Display>, Out> Codec<C, Out> {
    /// Asks the codec, and gives it more until it has an item or all there is.
    ///
    /// It is given more only when it has made all it can of what it has: what it has not taken out
    /// may have to be moved then, and should be no more than the beginning of a record. And it is
    /// never given what would be beyond the limit, so that what is too long does not depend on how
    /// much a read brings.
    fn next(&mut self, input: &mut Input<'_>) -> Result<Option<C::Item>, FilterError> {
        loop {
            if let Some(item) = self.ask()? {
                return Ok(Some(item));
            }
            if input.is_empty() {
                return Ok(None);
            }
            let room = self.max_length.saturating_sub(self.buffer.len());
            if room == 0 {
                return Err(FilterError::TooLong { limit: self.max_length });
            }
            let bytes = input.as_slice();
            let more = &bytes[..bytes.len().min(room)];
            self.buffer.extend_from_slice(more);
            input.skip(more.len());
            self.holds_items = true;
        }
    }

    /// Asks the codec, unless it has said that it needs more.
    fn ask(&mut self) -> Result<Option<C::Item>, FilterError> {
        if self.holds_items {
            let item = self.codec.decode(&mut self.buffer).map_err(malformed)?;
            self.holds_items = item.is_some();
            return Ok(item);
        }
        Ok(None)
    }

    /// Remembers what went wrong, and lets memory go that is of no use: when there is nothing in the
    /// buffer, and what was reserved for a record that would be too long.
    fn settle<T>(
        &mut self,
        result: Result<Option<T>, FilterError>,
    ) -> Result<Option<T>, FilterError> {
        if let Err(error) = &result {
            self.holds_items = false;
            self.failed = Some(Box::new(error.clone()));
        }
        if self.buffer.is_empty() && !self.holds_items {
            self.buffer = BytesMut::new();
        } else if self.buffer.capacity() > MOST_SPARE.max(self.max_length.saturating_mul(2)) {
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
        result
    }
}

impl<C, Out> Filter for Codec<C, Out>
where
    C: Decoder<Item: 'static, Error: fmt::Display> + Encoder<Out, Error: fmt::Display> + 'static,
    Out: 'static,
{
    type Item = C::Item;
    type Out = Out;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<C::Item>, FilterError> {
        if let Some(error) = &self.failed {
            return Err((**error).clone());
        }
        let result = self.next(input);
        self.settle(result)
    }

    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<C::Item>, FilterError> {
        if let Some(item) = self.decode(input)? {
            return Ok(Some(item));
        }
        let result = self.codec.decode_eof(&mut self.buffer).map_err(malformed);
        self.settle(result)
    }

    fn holds_items(&self) -> bool {
        self.holds_items
    }

    fn pending(&self) -> usize {
        self.buffer.len()
    }

    fn take_pending(&mut self) -> Vec<u8> {
        self.holds_items = false;
        std::mem::take(&mut self.buffer).into()
    }

    fn encode(&mut self, item: Out, out: &mut Output) -> Result<(), FilterError> {
        // A codec that fails may have written already: not to where it would be sent.
        let mut bytes = BytesMut::new();
        self.codec.encode(item, &mut bytes).map_err(malformed)?;
        out.put_bytes(bytes.freeze());
        Ok(())
    }
}

/// Counts, no content, and nothing of the codec, which may have some.
impl<C: Decoder, Out> fmt::Debug for Codec<C, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codec")
            .field("buffer", &self.buffer.len())
            .field("max_length", &self.max_length)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

fn malformed(error: impl fmt::Display) -> FilterError {
    FilterError::malformed(0, error)
}

/// With a limit so low that this is more, what a buffer has to spare is not worth a copy.
const MOST_SPARE: usize = 65_536;

//! Blocks of known length.
//!
//! Owns the limit and how the length is said. Promises that a length over the limit is refused
//! before the block arrives, in both directions, and that a header is consumed together with its
//! block. Never keeps a byte of input, never looks into a block. `length.rs` says how lengths are
//! read and written.

use bytes::Bytes;

use crate::length::{Decimal, Fixed, LengthCodec, U16Be, U16Le, U32Be, U32Le, Varint, whole_block};
use crate::{Filter, FilterError, Input, Output};

/// Blocks of bytes, each with its length before it or all of one size; POE's `Filter::Block`.
///
/// | constructor | before each block |
/// |---|---|
/// | [`Block::new`] | its length in decimal digits and a zero byte; POE's default |
/// | [`Block::fixed`] | nothing: all have one size |
/// | [`Block::u16_be`], [`Block::u16_le`] | its length in two bytes |
/// | [`Block::u32_be`], [`Block::u32_le`] | its length in four bytes |
/// | [`Block::varint`] | its length as a varint, as Protocol Buffers delimit messages |
/// | [`Block::with_codec`] | what you say |
///
/// A block may have 65,536 bytes, see [`max_length`](Self::max_length). Half a block is no block:
/// when the peer ends in the middle of one it stays unconsumed, header and all. An empty block
/// with a header is an item like any other.
///
/// ```
/// use bytes::Bytes;
/// use filters::{Block, Filter, Input, Output};
///
/// let mut block = Block::new();
/// let mut input = Input::new(b"5\0hello3\0wo");
/// assert_eq!(block.decode(&mut input)?.as_deref(), Some(&b"hello"[..]));
/// assert_eq!(block.decode(&mut input)?, None);
/// assert_eq!(input.as_slice(), b"3\0wo");
///
/// let mut out = Output::new();
/// block.encode(Bytes::from_static(b"bye"), &mut out)?;
/// assert_eq!(out.contiguous(), Some(&b"3\0bye"[..]));
/// # Ok::<(), filters::FilterError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<C = Decimal> {
    codec: C,
    max_length: usize,
}

impl Block<Decimal> {
    /// Returns a filter for blocks with their length in [decimal digits and a zero
    /// byte](Decimal) before them: what POE's `Filter::Block` does unless told otherwise.
    ///
    /// ```
    /// # use filters::{Block, Filter, Input};
    /// let mut input = Input::new(b"2\0ab");
    /// assert_eq!(Block::new().decode(&mut input)?.as_deref(), Some(&b"ab"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub const fn new() -> Self {
        Self::with_codec(Decimal)
    }
}

impl Block<Fixed> {
    /// Returns a filter for blocks of exactly `size` bytes; POE's `BlockSize`.
    ///
    /// The size is its own limit. An item of another size is not sent: longer ones are
    /// [`FilterError::TooLong`], shorter ones [`FilterError::Malformed`] (POE joins what is put and
    /// lets the receiver cut it as it may). Blocks of 0 bytes do not exist: both ways fail.
    ///
    /// ```
    /// # use filters::{Block, Filter, Input};
    /// let mut input = Input::new(b"abcdef");
    /// assert_eq!(Block::fixed(4).decode(&mut input)?.as_deref(), Some(&b"abcd"[..]));
    /// assert_eq!(Block::fixed(4).decode(&mut input)?, None);
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub const fn fixed(size: usize) -> Self {
        Self { codec: Fixed(size), max_length: size }
    }
}

impl Block<U16Be> {
    /// Returns a filter for blocks with their length in two bytes before them, the high one first.
    ///
    /// ```
    /// # use filters::{Block, Filter, Input};
    /// let mut input = Input::new(b"\0\x02ab");
    /// assert_eq!(Block::u16_be().decode(&mut input)?.as_deref(), Some(&b"ab"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub const fn u16_be() -> Self {
        Self::with_codec(U16Be)
    }
}

impl Block<U16Le> {
    /// Returns a filter for blocks with their length in two bytes before them, the low one first.
    ///
    /// ```
    /// # use filters::{Block, Filter, Input};
    /// let mut input = Input::new(b"\x02\0ab");
    /// assert_eq!(Block::u16_le().decode(&mut input)?.as_deref(), Some(&b"ab"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub const fn u16_le() -> Self {
        Self::with_codec(U16Le)
    }
}

impl Block<U32Be> {
    /// Returns a filter for blocks with their length in four bytes before them, the high one first.
    ///
    /// ```
    /// # use filters::{Block, Filter, Input};
    /// let mut input = Input::new(b"\0\0\0\x02ab");
    /// assert_eq!(Block::u32_be().decode(&mut input)?.as_deref(), Some(&b"ab"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub const fn u32_be() -> Self {
        Self::with_codec(U32Be)
    }
}

impl Block<U32Le> {
    /// Returns a filter for blocks with their length in four bytes before them, the low one first.
    ///
    /// ```
    /// # use filters::{Block, Filter, Input};
    /// let mut input = Input::new(b"\x02\0\0\0ab");
    /// assert_eq!(Block::u32_le().decode(&mut input)?.as_deref(), Some(&b"ab"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub const fn u32_le() -> Self {
        Self::with_codec(U32Le)
    }
}

impl Block<Varint> {
    /// Returns a filter for blocks with their length as a [varint](Varint) before them, the way
    /// messages of Protocol Buffers follow each other in a stream.
    ///
    /// ```
    /// # use filters::{Block, Filter, Input};
    /// let mut input = Input::new(b"\x02ab");
    /// assert_eq!(Block::varint().decode(&mut input)?.as_deref(), Some(&b"ab"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub const fn varint() -> Self {
        Self::with_codec(Varint)
    }
}

impl<C: LengthCodec> Block<C> {
    /// Returns a filter for blocks whose length `codec` reads and writes; POE's `LengthCodec`. See
    /// [there](LengthCodec) for one of your own.
    ///
    /// ```
    /// # use filters::{Block, Filter, Input};
    /// use filters::length::U32Be;
    ///
    /// let mut input = Input::new(b"\0\0\0\x02ab");
    /// let mut block = Block::with_codec(U32Be);
    /// assert_eq!(block.decode(&mut input)?.as_deref(), Some(&b"ab"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub const fn with_codec(codec: C) -> Self {
        Self { codec, max_length: DEFAULT_MAX_LENGTH }
    }

    /// Sets how many bytes a block may have, its header apart; POE's `MaxLength`.
    ///
    /// By default 65,536 (POE: 64 MiB), and the size itself for blocks of [one
    /// size](Block::fixed). A longer block is [`FilterError::TooLong`] as soon as its header
    /// says so, and one that is to be sent is so too (POE sends it). There is no counterpart of
    /// `MaxBuffer`: no more than one block is ever waited for.
    ///
    /// ```
    /// # use filters::{Block, Filter, FilterError, Input, Output};
    /// let mut block = Block::new().max_length(3);
    /// let too_long = FilterError::TooLong { limit: 3 };
    /// assert_eq!(block.decode(&mut Input::new(b"4\0")), Err(too_long.clone()));
    /// assert_eq!(block.encode("abcd".into(), &mut Output::new()), Err(too_long));
    /// ```
    #[must_use]
    pub fn max_length(mut self, bytes: usize) -> Self {
        self.max_length = bytes;
        self
    }
}

impl<C: LengthCodec> Filter for Block<C> {
    type Item = Bytes;
    type Out = Bytes;

    #[inline]
    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        let prefix = whole_block(&self.codec, self.max_length, input.as_slice())?;
        Ok(prefix.map(|prefix| {
            input.skip(prefix.width);
            input.take(prefix.length)
        }))
    }

    #[inline]
    fn encode(&mut self, block: Bytes, out: &mut Output) -> Result<(), FilterError> {
        if block.len() > self.max_length {
            return Err(FilterError::TooLong { limit: self.max_length });
        }
        self.codec.encode(block.len(), out)?;
        out.put_bytes(block);
        Ok(())
    }
}

impl Default for Block {
    fn default() -> Self {
        Self::new()
    }
}

/// All that two bytes can say, and a read of the wheels. What is longer is sent on purpose.
pub(crate) const DEFAULT_MAX_LENGTH: usize = 65_536;

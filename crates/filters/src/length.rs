//! How long the next block is.
//!
//! Owns the trait that reads and writes a length, and the check that every framing with lengths
//! makes: header in bounds, length in bounds, all of it there. Promises that a length is judged
//! before its block arrives, and that a header is looked at, at most, for the width its codec
//! admits. Never consumes: a header goes together with its block. `block.rs` is who asks.

mod decimal;
mod fixed;
mod integer;
mod varint;

pub use self::decimal::Decimal;
pub(crate) use self::decimal::{put_decimal, take_decimal};
pub use self::fixed::Fixed;
pub use self::integer::{U16Be, U16Le, U32Be, U32Le};
pub use self::varint::Varint;
use crate::{FilterError, Output};

/// Reads and writes the length before a block; POE's `LengthCodec`.
///
/// POE's is a pair of functions, of which the reading one takes the header out of the buffer. Here
/// it only says what it saw: [`Block`](crate::Block) consumes the header together with the block,
/// so that a filter that takes over in between finds both.
///
/// ```
/// use filters::length::{LengthCodec, Prefix};
/// use filters::{Block, Filter, FilterError, Input, Output};
///
/// /// One byte.
/// struct Short;
///
/// impl LengthCodec for Short {
///     const MAX_WIDTH: usize = 1;
///
///     fn decode(&self, bytes: &[u8]) -> Result<Option<Prefix>, FilterError> {
///         Ok(bytes.first().map(|&length| Prefix { width: 1, length: length.into() }))
///     }
///
///     fn encode(&self, length: usize, out: &mut Output) -> Result<(), FilterError> {
///         let length = u8::try_from(length).map_err(|_| FilterError::TooLong { limit: 255 })?;
///         out.put_slice(&[length]);
///         Ok(())
///     }
/// }
///
/// let mut input = Input::new(b"\x05hello\x02");
/// let mut block = Block::with_codec(Short);
/// assert_eq!(block.decode(&mut input)?.as_deref(), Some(&b"hello"[..]));
/// assert_eq!(block.decode(&mut input)?, None);
/// # Ok::<(), FilterError>(())
/// ```
pub trait LengthCodec: 'static {
    /// The most bytes that a header may have.
    ///
    /// [`decode`](Self::decode) is shown no more. If it still asks for more then, that is
    /// [`FilterError::Malformed`]: nobody can send a header for ever.
    const MAX_WIDTH: usize;

    /// Reads the header at the front of `bytes`, or returns `None` if it is not all there.
    ///
    /// `bytes` may go on behind the header, and may be empty. A length too great for `usize` is
    /// said as [`usize::MAX`], which no block has.
    ///
    /// # Errors
    ///
    /// [`FilterError::Malformed`] as soon as the bytes cannot be the beginning of a header: it
    /// must not depend on how much of it is there already.
    fn decode(&self, bytes: &[u8]) -> Result<Option<Prefix>, FilterError>;

    /// Appends the header of a block of `length` bytes.
    ///
    /// # Errors
    ///
    /// [`FilterError::TooLong`] when the header cannot express that length. Nothing has been
    /// appended then.
    fn encode(&self, length: usize, out: &mut Output) -> Result<(), FilterError>;
}

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// How many bytes the header itself has.
    pub width: usize,
    /// How many bytes follow it.
    pub length: usize,
}

/// Reads the header at the front of `bytes` if the whole block is behind it.
///
/// Its cost does not depend on how much of the block is there, so that asking at every read is fine.
pub(crate) fn whole_block<C: LengthCodec>(
    codec: &C,
    max_length: usize,
    bytes: &[u8],
) -> Result<Option<Prefix>, FilterError> {
    if bytes.is_empty() {
        // Nobody has said anything, and so nothing wrong: not even where there is no header.
        return Ok(None);
    }
    let header = &bytes[..bytes.len().min(C::MAX_WIDTH)];
    let Some(prefix) = codec.decode(header)? else {
        if header.len() == C::MAX_WIDTH {
            return Err(FilterError::Malformed {
                at: header.len(),
                what: "a length without end".into(),
            });
        }
        return Ok(None);
    };
    let whole = prefix.width.checked_add(prefix.length);
    let Some(whole) = whole.filter(|_| prefix.length <= max_length) else {
        return Err(FilterError::TooLong { limit: max_length });
    };
    if whole == 0 {
        // An item made of nothing could be made for ever.
        return Err(FilterError::Malformed { at: 0, what: "a block of no bytes".into() });
    }
    Ok((bytes.len() >= whole).then_some(prefix))
}

//! A length in seven bits at a time.
//!
//! Owns nothing. Promises to read whatever of ten bytes is a number of 64 bits, and to write the
//! shortest form. Never zigzag: lengths have no sign.

use super::{LengthCodec, Prefix};
use crate::{FilterError, Output};

/// A varint as in Protocol Buffers (LEB128): seven bits a byte, the low ones first, the high bit set
/// in all bytes but the last. See [`Block::varint`](crate::Block::varint).
///
/// This is how streams of protobuf messages are delimited. As their readers do, it takes longer
/// forms than need be (`80 00` for 0) up to ten bytes, because some writers reserve room for the
/// greatest length beforehand; it writes the shortest one. What does not fit in 64 bits is
/// [`FilterError::Malformed`].
///
/// ```
/// use filters::length::{LengthCodec, Prefix, Varint};
///
/// assert_eq!(Varint.decode(b"\x96\x01")?, Some(Prefix { width: 2, length: 150 }));
/// assert_eq!(Varint.decode(b"\x96")?, None);
/// # Ok::<(), filters::FilterError>(())
/// ```
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Varint;

impl LengthCodec for Varint {
    const MAX_WIDTH: usize = 10;

    #[inline]
    fn decode(&self, bytes: &[u8]) -> Result<Option<Prefix>, FilterError> {
        let mut length: u64 = 0;
        for (at, &byte) in bytes.iter().enumerate().take(Self::MAX_WIDTH) {
            // The tenth byte holds the one bit that is left, and is the last.
            if at == Self::MAX_WIDTH - 1 && byte > 1 {
                return Err(FilterError::Malformed {
                    at,
                    what: "a length of more than 64 bits".into(),
                });
            }
            length |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                let length = length.try_into().unwrap_or(usize::MAX);
                return Ok(Some(Prefix { width: at + 1, length }));
            }
        }
        Ok(None)
    }

    #[inline]
    fn encode(&self, length: usize, out: &mut Output) -> Result<(), FilterError> {
        let mut bytes = [0; Self::MAX_WIDTH];
        let mut width = 0;
        let mut rest = length;
        loop {
            let [low, ..] = rest.to_le_bytes();
            rest >>= 7;
            bytes[width] = if rest == 0 { low & 0x7f } else { low | 0x80 };
            width += 1;
            if rest == 0 {
                break;
            }
        }
        out.put_slice(&bytes[..width]);
        Ok(())
    }
}

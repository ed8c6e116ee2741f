//! A length that both sides know.
//!
//! Owns the one size. Promises that what is sent has it. Never writes a header: there is none.

use super::{LengthCodec, Prefix};
use crate::{FilterError, Output};

/// No header, each block has this many bytes; POE's `BlockSize`. See
/// [`Block::fixed`](crate::Block::fixed).
///
/// ```
/// use filters::length::{Fixed, LengthCodec, Prefix};
///
/// assert_eq!(Fixed(4).decode(b"")?, Some(Prefix { width: 0, length: 4 }));
/// # Ok::<(), filters::FilterError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixed(pub usize);

impl LengthCodec for Fixed {
    const MAX_WIDTH: usize = 0;

    #[inline]
    fn decode(&self, _bytes: &[u8]) -> Result<Option<Prefix>, FilterError> {
        Ok(Some(Prefix { width: 0, length: self.0 }))
    }

    #[inline]
    fn encode(&self, length: usize, _out: &mut Output) -> Result<(), FilterError> {
        if length > self.0 {
            return Err(FilterError::TooLong { limit: self.0 });
        }
        if length < self.0 || length == 0 {
            return Err(FilterError::Malformed {
                at: length,
                what: "shorter than a block is".into(),
            });
        }
        Ok(())
    }
}

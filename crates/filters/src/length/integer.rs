//! A length in a fixed number of bytes.
//!
//! Owns nothing. Promises to write only what it can read. Never signed, never counts itself: where
//! a protocol's length includes its header, that is a codec of the protocol's own.

use super::{LengthCodec, Prefix};
use crate::{FilterError, Output};

/// One codec: its name, the integer, and which way round.
macro_rules! integer {
    ($(#[$doc:meta])* $name:ident, $integer:ty, $from:ident, $to:ident) => {
        $(#[$doc])*
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
        pub struct $name;

        impl LengthCodec for $name {
            const MAX_WIDTH: usize = size_of::<$integer>();

            #[inline]
            fn decode(&self, bytes: &[u8]) -> Result<Option<Prefix>, FilterError> {
                Ok(bytes.first_chunk().map(|&header| {
                    let length = <$integer>::$from(header).try_into().unwrap_or(usize::MAX);
                    Prefix { width: Self::MAX_WIDTH, length }
                }))
            }

            #[inline]
            fn encode(&self, length: usize, out: &mut Output) -> Result<(), FilterError> {
                let length = <$integer>::try_from(length).map_err(|_| {
                    let limit = <$integer>::MAX.try_into().unwrap_or(usize::MAX);
                    FilterError::TooLong { limit }
                })?;
                out.put_slice(&length.$to());
                Ok(())
            }
        }
    };
}

integer! {
    /// Two bytes, the high one first: network order. See [`Block::u16_be`](crate::Block::u16_be).
    ///
    /// ```
    /// use filters::length::{LengthCodec, Prefix, U16Be};
    ///
    /// assert_eq!(U16Be.decode(b"\x01\x02")?, Some(Prefix { width: 2, length: 0x0102 }));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    U16Be, u16, from_be_bytes, to_be_bytes
}

integer! {
    /// Two bytes, the low one first. See [`Block::u16_le`](crate::Block::u16_le).
    ///
    /// ```
    /// use filters::length::{LengthCodec, Prefix, U16Le};
    ///
    /// assert_eq!(U16Le.decode(b"\x01\x02")?, Some(Prefix { width: 2, length: 0x0201 }));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    U16Le, u16, from_le_bytes, to_le_bytes
}

integer! {
    /// Four bytes, the high one first: network order. See [`Block::u32_be`](crate::Block::u32_be).
    ///
    /// ```
    /// use filters::length::{LengthCodec, Prefix, U32Be};
    ///
    /// assert_eq!(U32Be.decode(b"\0\0\x01\x02")?, Some(Prefix { width: 4, length: 0x0102 }));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    U32Be, u32, from_be_bytes, to_be_bytes
}

integer! {
    /// Four bytes, the low one first. See [`Block::u32_le`](crate::Block::u32_le).
    ///
    /// ```
    /// use filters::length::{LengthCodec, Prefix, U32Le};
    ///
    /// assert_eq!(U32Le.decode(b"\x01\x02\0\0")?, Some(Prefix { width: 4, length: 0x0201 }));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    U32Le, u32, from_le_bytes, to_le_bytes
}

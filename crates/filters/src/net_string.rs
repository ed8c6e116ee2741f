//! Netstrings.
//!
//! Owns the limit. Promises that there is one way to write a string, and that any other is refused
//! at the first byte that is wrong. Never keeps a byte of input. `length/decimal.rs` reads the
//! digits.

use bytes::Bytes;

use crate::block::DEFAULT_MAX_LENGTH;
use crate::length::{Decimal, LengthCodec, Prefix, put_decimal, take_decimal, whole_block};
use crate::{Filter, FilterError, Input, Output};

/// Netstrings, as in `5:hello,`: a length in decimal digits, a colon, the string and a comma.
///
/// As [D. J. Bernstein](https://cr.yp.to/proto/netstrings.txt) defined them, and as SCGI, QMTP and
/// others use them. It is strict: leading zeros, white space and a missing comma are
/// [`FilterError::Malformed`]. POE has no such filter in its core.
///
/// A string may have 65,536 bytes, see [`max_length`](Self::max_length). Half a string is none: when
/// the peer ends in the middle of one it stays unconsumed.
///
/// ```
/// use bytes::Bytes;
/// use filters::{Filter, Input, NetString, Output};
///
/// let mut strings = NetString::new();
/// let mut input = Input::new(b"5:hello,0:,3:wo");
/// assert_eq!(strings.decode(&mut input)?.as_deref(), Some(&b"hello"[..]));
/// assert_eq!(strings.decode(&mut input)?.as_deref(), Some(&b""[..]));
/// assert_eq!(strings.decode(&mut input)?, None);
/// assert_eq!(input.as_slice(), b"3:wo");
///
/// let mut out = Output::new();
/// strings.encode(Bytes::from_static(b"bye"), &mut out)?;
/// assert_eq!(out.contiguous(), Some(&b"3:bye,"[..]));
/// # Ok::<(), filters::FilterError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetString {
    max_length: usize,
}

impl NetString {
    /// Returns a filter for netstrings of up to 65,536 bytes.
    ///
    /// ```
    /// # use filters::{Filter, Input, NetString};
    /// let mut input = Input::new(b"2:ab,");
    /// assert_eq!(NetString::new().decode(&mut input)?.as_deref(), Some(&b"ab"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub const fn new() -> Self {
        Self { max_length: DEFAULT_MAX_LENGTH }
    }

    /// Sets how many bytes a string may have, all else apart. By default 65,536.
    ///
    /// A longer one is [`FilterError::TooLong`] as soon as its length has been read, and one that is
    /// to be sent is so too.
    ///
    /// ```
    /// # use filters::{Filter, FilterError, Input, NetString};
    /// let mut strings = NetString::new().max_length(3);
    /// let too_long = FilterError::TooLong { limit: 3 };
    /// assert_eq!(strings.decode(&mut Input::new(b"4:")), Err(too_long));
    /// ```
    #[must_use]
    pub fn max_length(mut self, bytes: usize) -> Self {
        self.max_length = bytes;
        self
    }
}

impl Filter for NetString {
    type Item = Bytes;
    type Out = Bytes;

    #[inline]
    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        let bytes = input.as_slice();
        let Some(prefix) = whole_block(&Digits, self.max_length, bytes)? else {
            return Ok(None);
        };
        let at = prefix.width + prefix.length;
        match bytes.get(at) {
            None => Ok(None),
            Some(b',') => {
                input.skip(prefix.width);
                let string = input.take(prefix.length);
                input.skip(1);
                Ok(Some(string))
            }
            Some(_) => Err(FilterError::Malformed { at, what: "no comma after a string".into() }),
        }
    }

    #[inline]
    fn encode(&mut self, string: Bytes, out: &mut Output) -> Result<(), FilterError> {
        if string.len() > self.max_length {
            return Err(FilterError::TooLong { limit: self.max_length });
        }
        Digits.encode(string.len(), out)?;
        out.put_bytes(string);
        out.put_slice(b",");
        Ok(())
    }
}

impl Default for NetString {
    fn default() -> Self {
        Self::new()
    }
}

/// What is before a netstring's string.
struct Digits;

impl LengthCodec for Digits {
    const MAX_WIDTH: usize = Decimal::MAX_WIDTH;

    #[inline]
    fn decode(&self, bytes: &[u8]) -> Result<Option<Prefix>, FilterError> {
        if let [b'0', b'0'..=b'9', ..] = bytes {
            return Err(FilterError::Malformed { at: 0, what: "a leading zero".into() });
        }
        take_decimal(bytes, b':')
    }

    #[inline]
    fn encode(&self, length: usize, out: &mut Output) -> Result<(), FilterError> {
        put_decimal(length, b':', out);
        Ok(())
    }
}

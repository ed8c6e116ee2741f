//! A length in decimal digits, as POE and netstrings have it.
//!
//! Owns the reading and writing of digits up to the byte that ends them. Promises to stop at the
//! first byte that is wrong and after twenty digits, and that a number too great is the greatest.
//! Never skips a byte to find a digit. POE does, and waits for ever where there is none.

use super::{LengthCodec, Prefix};
use crate::{FilterError, Output};

/// Decimal digits and a zero byte, as in `5\0hello`; the default of POE's `Filter::Block`.
///
/// Reads one to twenty digits, leading zeros among them, and writes no leading zeros. Where POE
/// drops other bytes before the digits with a warning, they are [`FilterError::Malformed`] here:
/// nobody can say what they were meant for.
///
/// ```
/// use filters::length::{Decimal, LengthCodec, Prefix};
///
/// assert_eq!(Decimal.decode(b"12\0hello")?, Some(Prefix { width: 3, length: 12 }));
/// assert_eq!(Decimal.decode(b"12")?, None);
/// assert!(Decimal.decode(b"hello").is_err());
/// # Ok::<(), filters::FilterError>(())
/// ```
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Decimal;

impl LengthCodec for Decimal {
    const MAX_WIDTH: usize = MAX_DIGITS + 1;

    #[inline]
    fn decode(&self, bytes: &[u8]) -> Result<Option<Prefix>, FilterError> {
        take_decimal(bytes, b'\0')
    }

    #[inline]
    fn encode(&self, length: usize, out: &mut Output) -> Result<(), FilterError> {
        put_decimal(length, b'\0', out);
        Ok(())
    }
}

/// Reads one to twenty digits and the byte `end`.
pub(crate) fn take_decimal(bytes: &[u8], end: u8) -> Result<Option<Prefix>, FilterError> {
    let mut length: usize = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte.is_ascii_digit() && at < MAX_DIGITS {
            length = length.saturating_mul(10).saturating_add(usize::from(byte - b'0'));
        } else if byte == end && at > 0 {
            return Ok(Some(Prefix { width: at + 1, length }));
        } else {
            return Err(FilterError::Malformed { at, what: "not a decimal length".into() });
        }
    }
    Ok(None)
}

/// Appends `length` in digits, and the byte `end`.
pub(crate) fn put_decimal(length: usize, end: u8, out: &mut Output) {
    let mut digits = [end; MAX_DIGITS + 1];
    let mut first = MAX_DIGITS;
    let mut rest = length;
    loop {
        first -= 1;
        digits[first] = b"0123456789"[rest % 10];
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.put_slice(&digits[first..]);
}

/// As many as the greatest number of 64 bits has.
const MAX_DIGITS: usize = 20;

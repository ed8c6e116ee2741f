//! Bytes as they come.
//!
//! Owns nothing. Promises that what goes in comes out, once and in order. Never waits for more, so
//! where one item ends is up to the network. `line.rs` has the framing most protocols start with.

use bytes::Bytes;

use crate::{Filter, FilterError, Input, Output};

/// No framing: an item is everything that has arrived; POE's `Filter::Stream`.
///
/// It has no limit of its own, being bounded by what it is offered: one read.
///
/// ```
/// use bytes::Bytes;
/// use filters::{Filter, Input, Output, Stream};
///
/// let mut input = Input::new(b"any\0thing");
/// assert_eq!(Stream.decode(&mut input)?.as_deref(), Some(&b"any\0thing"[..]));
/// assert_eq!(Stream.decode(&mut input)?, None);
///
/// let mut out = Output::new();
/// Stream.encode(Bytes::from_static(b"as it is"), &mut out)?;
/// assert_eq!(out.contiguous(), Some(&b"as it is"[..]));
/// # Ok::<(), filters::FilterError>(())
/// ```
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Stream;

impl Filter for Stream {
    type Item = Bytes;
    type Out = Bytes;

    #[inline(always)]
    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        Ok((!input.is_empty()).then(|| input.take(input.len())))
    }

    #[inline(always)]
    fn encode(&mut self, item: Bytes, out: &mut Output) -> Result<(), FilterError> {
        out.put_bytes(item);
        Ok(())
    }
}

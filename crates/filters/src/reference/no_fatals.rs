//! Values, of which one may be bad.
//!
//! Owns a filter for values. Promises that the value behind a bad one is the next item. Never hides
//! that the framing is lost: that is an error here too.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Reference;
use crate::{Filter, FilterError, Format, Input, Output};

/// A [`Reference`] that goes on after a value it can make nothing of; POE's `NoFatals`.
///
/// Made by [`Reference::no_fatals`]. An item is a value, or why it is none: it does not decompress,
/// decompresses to more than the limit, or is not of that type. It still fails where it cannot tell
/// where the next value begins: when there is junk instead of a length, or a length beyond the
/// limit. (POE makes records of those too, and never finds the next value.)
///
/// ```
/// # #[cfg(feature = "json")] {
/// use filters::{Filter, Input, Json, Reference};
///
/// let mut numbers = Reference::<Json, u8>::new().no_fatals();
/// assert!(matches!(numbers.decode(&mut Input::new(b"4\0junk")), Ok(Some(Err(_)))));
/// assert!(numbers.decode(&mut Input::new(b"junk")).is_err());
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct NoFatals<F, In, Out = In>(pub(super) Reference<F, In, Out>);

impl<F, In, Out> Filter for NoFatals<F, In, Out>
where
    F: Format,
    In: DeserializeOwned + 'static,
    Out: Serialize + 'static,
{
    type Item = Result<In, FilterError>;
    type Out = Out;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Self::Item>, FilterError> {
        let Some(prefix) = self.0.whole(input)? else { return Ok(None) };
        let value = self.0.thaw(prefix, input.as_slice());
        input.skip(prefix.width + prefix.length);
        Ok(Some(value))
    }

    fn encode(&mut self, value: Out, out: &mut Output) -> Result<(), FilterError> {
        self.0.encode(value, out)
    }
}

//! What a value looks like in bytes.
//!
//! Owns the trait, and the formats at hand. Promises that a format reads all of the bytes or none.
//! Never frames: `reference.rs` does. Never bounds: the bytes are bounded when they come here.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Values to bytes and back; POE's `Serializer`, with its `nfreeze` and `thaw`.
///
/// One of your own, for a format of which there is a crate, is two lines:
///
/// ```
/// # #[cfg(feature = "json")] {
/// use filters::{Filter, Format, Input, Reference};
/// use serde::Serialize;
/// use serde::de::DeserializeOwned;
///
/// /// JSON for the human eye.
/// #[derive(Default)]
/// struct Pretty;
///
/// impl Format for Pretty {
///     type Error = serde_json::Error;
///
///     fn freeze<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, serde_json::Error> {
///         serde_json::to_vec_pretty(value)
///     }
///
///     fn thaw<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, serde_json::Error> {
///         serde_json::from_slice(bytes)
///     }
/// }
///
/// let mut input = Input::new(b"8\0[\n1, 2\n]");
/// let numbers = Reference::<Pretty, Vec<u8>>::new().decode(&mut input)?;
/// assert_eq!(numbers, Some(vec![1, 2]));
/// # }
/// # Ok::<(), filters::FilterError>(())
/// ```
pub trait Format: 'static {
    /// Its text becomes that of a [`FilterError::Malformed`](crate::FilterError::Malformed).
    type Error: fmt::Display;

    /// Makes bytes of a value.
    ///
    /// # Errors
    ///
    /// When the format cannot express the value.
    fn freeze<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, Self::Error>;

    /// Makes a value of all of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are no such value, or more than one. They came from a peer: never panic.
    fn thaw<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Self::Error>;
}

/// JSON (RFC 8259), of `serde_json`. Needs the feature `json`.
///
/// For peers of any language. Values may be nested 128 deep.
///
/// ```
/// use filters::{Format, Json};
///
/// assert_eq!(Json.freeze(&("tea", 2))?, br#"["tea",2]"#);
/// assert_eq!(Json.thaw::<(String, u8)>(br#" ["tea",2] "#)?, ("tea".into(), 2));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg(feature = "json")]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Json;

#[cfg(feature = "json")]
impl Format for Json {
    type Error = serde_json::Error;

    fn freeze<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(value)
    }

    fn thaw<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

/// [Postcard](https://postcard.jamesmunns.com/wire-format), of the crate of that name. Needs the feature
/// `postcard`.
///
/// Short and fast, for peers in Rust that know the same types: the bytes do not say what they are.
///
/// ```
/// use filters::{Format, Postcard};
///
/// assert_eq!(Postcard.freeze(&("tea", 2_u32))?, b"\x03tea\x02");
/// assert_eq!(Postcard.thaw::<(String, u32)>(b"\x03tea\x02")?, ("tea".into(), 2));
/// assert!(Postcard.thaw::<(String, u32)>(b"\x03tea\x02more").is_err());
/// # Ok::<(), postcard::Error>(())
/// ```
#[cfg(feature = "postcard")]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Postcard;

#[cfg(feature = "postcard")]
impl Format for Postcard {
    type Error = postcard::Error;

    fn freeze<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_allocvec(value)
    }

    fn thaw<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, postcard::Error> {
        match postcard::take_from_bytes(bytes)? {
            (value, []) => Ok(value),
            (_, [..]) => Err(postcard::Error::DeserializeBadEncoding),
        }
    }
}

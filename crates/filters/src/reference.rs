//! Values.
//!
//! Owns the limit and what becomes of a value on its way. Promises that the size of a value is judged
//! three times: announced, unpacked, and before it is sent. Never keeps a byte of input.
//! `reference/format.rs` says what a value looks like, `block.rs` how it is framed.

mod format;
mod no_fatals;
mod packing;

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::format::Format;
#[cfg(feature = "json")]
pub use self::format::Json;
#[cfg(feature = "postcard")]
pub use self::format::Postcard;
pub use self::no_fatals::NoFatals;
use self::packing::Packing;
use crate::block::DEFAULT_MAX_LENGTH;
use crate::length::{Decimal, LengthCodec, Prefix, whole_block};
use crate::{Filter, FilterError, Input, Output};

/// Values of any type that serde knows; POE's `Filter::Reference`.
///
/// `F` is the [format](Format): `Json`, `Postcard`, or one of your own. `In` is what comes, `Out` what
/// goes. A value is framed as POE does it, like a [`Block`](crate::Block): the length of what follows
/// in decimal digits, a zero byte, and the serialised value. Perl's `Storable`, POE's default, is
/// nothing that another language reads; but with JSON on both sides, or YAML through a format of
/// your own, a POE program understands it.
///
/// A serialised value may have 65,536 bytes, see [`max_length`](Self::max_length). What cannot be a
/// value of type `In` is [`FilterError::Malformed`], and so final, unless
/// [`no_fatals`](Self::no_fatals).
///
/// The limit is one of bytes. A value takes more memory than its bytes, by a factor that depends on
/// its type: an empty string is one byte or two, and 24 in a `Vec<String>`. A type that contains itself
/// may be nested as deep as the record is long, which can exhaust the stack: `Json` stops at 128,
/// `Postcard` does not. Nor does it end in time where a few bytes announce any number of items that have
/// no bytes, as in a `Vec<()>`. So keep such types away from strangers who speak `Postcard`.
///
/// ```
/// # #[cfg(feature = "json")] {
/// use filters::{Filter, Input, Json, Output, Reference};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Debug, PartialEq)]
/// struct Order { pieces: u32, of: String }
///
/// let mut orders = Reference::<Json, Order>::new();
/// let mut out = Output::new();
/// orders.encode(Order { pieces: 2, of: "tea".into() }, &mut out)?;
/// assert_eq!(out.contiguous(), Some(&b"23\0{\"pieces\":2,\"of\":\"tea\"}"[..]));
///
/// let mut input = Input::new(b"23\0{\"pieces\":2,\"of\":\"tea\"}");
/// assert_eq!(orders.decode(&mut input)?, Some(Order { pieces: 2, of: "tea".into() }));
/// # }
/// # Ok::<(), filters::FilterError>(())
/// ```
pub struct Reference<F, In, Out = In> {
    format: F,
    packing: Packing,
    max_length: usize,
    types: PhantomData<fn(Out) -> In>,
}

impl<F: Format + Default, In, Out> Reference<F, In, Out> {
    /// Returns a filter for values in this format.
    ///
    /// ```
    /// # #[cfg(feature = "json")] {
    /// use filters::{Filter, Input, Json, Reference};
    ///
    /// let mut input = Input::new(b"7\0[1,2,3]");
    /// let mut numbers = Reference::<Json, Vec<u8>>::new();
    /// assert_eq!(numbers.decode(&mut input)?, Some(vec![1, 2, 3]));
    /// # }
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub fn new() -> Self {
        Self::with_format(F::default())
    }
}

impl<F: Format, In, Out> Reference<F, In, Out> {
    /// Returns a filter for values in a format that has something to know; POE's `Serializer` as an
    /// object.
    ///
    /// ```
    /// # #[cfg(feature = "json")] {
    /// use filters::{Json, Reference};
    ///
    /// let numbers: Reference<Json, Vec<u8>> = Reference::with_format(Json);
    /// # }
    /// ```
    pub const fn with_format(format: F) -> Self {
        Self { format, packing: Packing::Plain, max_length: DEFAULT_MAX_LENGTH, types: PhantomData }
    }

    /// Compresses what goes and decompresses what comes (zlib, RFC 1950); POE's `Compression`.
    ///
    /// Both sides have to. Needs the feature `compression`. Compressing takes about 250 KiB of memory
    /// for the moment, decompressing 11. A few bytes may decompress to a thousand times as
    /// many: [`max_length`](Self::max_length) bounds those too, and no more than it is decompressed.
    ///
    /// ```
    /// # #[cfg(feature = "json")] {
    /// use filters::{Filter, Json, Output, Reference};
    ///
    /// let mut plain = Output::new();
    /// Reference::<Json, String>::new().encode("na".repeat(1000), &mut plain)?;
    /// let mut packed = Output::new();
    /// Reference::<Json, String>::new().compression().encode("na".repeat(1000), &mut packed)?;
    /// assert!(packed.len() < plain.len() / 10);
    /// # }
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[cfg(feature = "compression")]
    #[must_use]
    pub fn compression(mut self) -> Self {
        self.packing = Packing::Zlib;
        self
    }

    /// Sets how many bytes a serialised value may have, before and after compression.
    ///
    /// By default 65,536 (POE: `MaxBuffer`, 512 MiB). A longer one is [`FilterError::TooLong`] as
    /// soon as its length has been read, or as soon as so much has been decompressed; and one that
    /// is to be sent is so too.
    ///
    /// ```
    /// # #[cfg(feature = "json")] {
    /// use filters::{Filter, FilterError, Input, Json, Reference};
    ///
    /// let mut numbers = Reference::<Json, Vec<u8>>::new().max_length(3);
    /// let too_long = FilterError::TooLong { limit: 3 };
    /// assert_eq!(numbers.decode(&mut Input::new(b"7\0")), Err(too_long));
    /// # }
    /// ```
    #[must_use]
    pub fn max_length(mut self, bytes: usize) -> Self {
        self.max_length = bytes;
        self
    }

    /// Makes an item of what cannot be a value: its error; POE's `NoFatals`.
    ///
    /// ```
    /// # #[cfg(feature = "json")] {
    /// use filters::{Filter, Input, Json, Reference};
    ///
    /// let mut numbers = Reference::<Json, u8>::new().no_fatals();
    /// let mut input = Input::new(b"3\x002561\x007");
    /// assert!(matches!(numbers.decode(&mut input)?, Some(Err(_)))); // more than a byte
    /// assert_eq!(numbers.decode(&mut input)?, Some(Ok(7)));
    /// # }
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[must_use]
    pub fn no_fatals(self) -> NoFatals<F, In, Out> {
        NoFatals(self)
    }

    /// Finds the next value, if all of it is there.
    fn whole(&self, input: &Input<'_>) -> Result<Option<Prefix>, FilterError> {
        whole_block(&Decimal, self.max_length, input.as_slice())
    }
}

impl<F: Format, In: DeserializeOwned, Out> Reference<F, In, Out> {
    /// Makes a value of what `prefix` announces at the front of `bytes`.
    fn thaw(&self, prefix: Prefix, bytes: &[u8]) -> Result<In, FilterError> {
        let packed = &bytes[prefix.width..prefix.width + prefix.length];
        let bad = |error: &dyn fmt::Display| FilterError::malformed(prefix.width, error);
        let frozen = self.packing.unpack(packed, self.max_length, bad)?;
        self.format.thaw(&frozen).map_err(|error| bad(&error))
    }
}

impl<F, In, Out> Filter for Reference<F, In, Out>
where
    F: Format,
    In: DeserializeOwned + 'static,
    Out: Serialize + 'static,
{
    type Item = In;
    type Out = Out;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<In>, FilterError> {
        let Some(prefix) = self.whole(input)? else { return Ok(None) };
        let value = self.thaw(prefix, input.as_slice())?;
        input.skip(prefix.width + prefix.length);
        Ok(Some(value))
    }

    fn encode(&mut self, value: Out, out: &mut Output) -> Result<(), FilterError> {
        let too_long = FilterError::TooLong { limit: self.max_length };
        let frozen =
            self.format.freeze(&value).map_err(|error| FilterError::malformed(0, error))?;
        if frozen.len() > self.max_length {
            return Err(too_long);
        }
        let packed = self.packing.pack(frozen);
        // What does not compress becomes a little longer.
        if packed.len() > self.max_length {
            return Err(too_long);
        }
        Decimal.encode(packed.len(), out)?;
        out.put_bytes(Bytes::from(packed));
        Ok(())
    }
}

impl<F: Format + Default, In, Out> Default for Reference<F, In, Out> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Clone, In, Out> Clone for Reference<F, In, Out> {
    fn clone(&self) -> Self {
        Self { format: self.format.clone(), ..*self }
    }
}

impl<F: fmt::Debug, In, Out> fmt::Debug for Reference<F, In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference")
            .field("format", &self.format)
            .field("packing", &self.packing)
            .field("max_length", &self.max_length)
            .finish()
    }
}

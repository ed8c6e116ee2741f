//! What becomes of a serialised value before it is framed.
//!
//! Owns the choice. Promises that nothing is unpacked beyond the limit: a peer can make a thousand
//! bytes of one. Never packs what it was not told to.

use std::borrow::Cow;
use std::fmt;

use crate::FilterError;

#[derive(Debug, Clone, Copy)]
pub(super) enum Packing {
    /// Nothing.
    Plain,
    /// Compressed, with the header and the checksum of zlib.
    #[cfg(feature = "compression")]
    Zlib,
}

impl Packing {
    pub(super) fn pack(self, frozen: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Plain => frozen,
            #[cfg(feature = "compression")]
            Self::Zlib => miniz_oxide::deflate::compress_to_vec_zlib(&frozen, LEVEL),
        }
    }

    /// What was packed, if that is at most `limit` bytes. `bad` makes an error of what is wrong.
    #[cfg_attr(
        not(feature = "compression"),
        expect(unused_variables, clippy::unnecessary_wraps, reason = "nothing can be wrong then")
    )]
    pub(super) fn unpack<'a>(
        self,
        packed: &'a [u8],
        limit: usize,
        bad: impl Fn(&dyn fmt::Display) -> FilterError,
    ) -> Result<Cow<'a, [u8]>, FilterError> {
        match self {
            Self::Plain => Ok(packed.into()),
            #[cfg(feature = "compression")]
            Self::Zlib => unzip(packed, limit, bad).map(Cow::Owned),
        }
    }
}

#[cfg(feature = "compression")]
fn unzip(
    packed: &[u8],
    limit: usize,
    bad: impl Fn(&dyn fmt::Display) -> FilterError,
) -> Result<Vec<u8>, FilterError> {
    use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_zlib_with_limit};

    decompress_to_vec_zlib_with_limit(packed, limit).map_err(|error| {
        if error.status == TINFLStatus::HasMoreOutput {
            FilterError::TooLong { limit }
        } else {
            bad(&error)
        }
    })
}

/// Zlib's own default, and so POE's.
#[cfg(feature = "compression")]
const LEVEL: u8 = 6;

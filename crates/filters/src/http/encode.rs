//! Messages, written.
//!
//! Owns what is common to requests and responses: fields, lengths, chunks, and where in a body that is
//! sent in pieces the stream is. Promises that a peer finds the end of what was sent, or that an error
//! says it would not. Whether a message has a body is decided in `server/answers.rs` and
//! `client/requests.rs`.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};

use super::survey;
use crate::{FilterError, Output};

/// A body that is being sent in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    /// None is.
    Nothing,
    /// So many bytes are still owed.
    Sized(u64),
    Chunked,
    /// It ends with the connection.
    ToEnd,
    /// There is none to be sent, whatever is put.
    Dropped,
}

impl Sending {
    /// Appends a piece.
    pub(super) fn data(&mut self, piece: Bytes, out: &mut Output) -> Result<(), FilterError> {
        match self {
            Self::Nothing => return Err(misuse("data without a head")),
            Self::Sized(left) => {
                *left = left
                    .checked_sub(piece.len() as u64)
                    .ok_or_else(|| misuse("more data than the content-length says"))?;
                out.put_bytes(piece);
            }
            Self::Chunked if piece.is_empty() => {} // would be the end
            Self::Chunked => {
                let mut digits = [0; 16];
                out.put_slice(hexadecimal(piece.len() as u64, &mut digits));
                out.put_slice(b"\r\n");
                out.put_bytes(piece);
                out.put_slice(b"\r\n");
            }
            Self::ToEnd => out.put_bytes(piece),
            Self::Dropped => {}
        }
        Ok(())
    }

    /// Ends the body.
    pub(super) fn end(
        &mut self,
        trailers: &HeaderMap,
        out: &mut Output,
    ) -> Result<(), FilterError> {
        match self {
            Self::Nothing => return Err(misuse("an end without a head")),
            Self::Sized(0) | Self::ToEnd | Self::Dropped => {}
            Self::Sized(_) => return Err(misuse("less data than the content-length says")),
            Self::Chunked => {
                out.put_slice(b"0\r\n");
                fields(trailers, &[], out);
                out.put_slice(b"\r\n");
            }
        }
        *self = Self::Nothing;
        Ok(())
    }
}

/// What an application has set that concerns the framing.
#[derive(Debug, Default, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "options that are there or not")]
pub(super) struct Said {
    pub(super) length: Option<u64>,
    pub(super) close: bool,
    pub(super) keep_alive: bool,
}

impl Said {
    /// Looks through all fields once, which is less than looking each of these up.
    pub(super) fn by(headers: &HeaderMap) -> Result<Self, FilterError> {
        let mut said = Self::default();
        for (name, value) in headers {
            match *name {
                header::CONTENT_LENGTH => said.note_length(value.as_bytes())?,
                header::CONNECTION => said.note_connection(value.as_bytes()),
                header::TRANSFER_ENCODING => {
                    return Err(misuse("the transfer coding is chosen by the filter"));
                }
                _ => {}
            }
        }
        Ok(said)
    }

    /// Like [`by`](Self::by), of a message whose body is at hand.
    pub(super) fn of(headers: &HeaderMap, body: &Bytes) -> Result<Self, FilterError> {
        let said = Self::by(headers)?;
        said.fits(body)?;
        Ok(said)
    }

    pub(super) fn fits(&self, body: &Bytes) -> Result<(), FilterError> {
        if self.length.is_some_and(|length| length != body.len() as u64) {
            return Err(misuse("the content-length is not that of the body"));
        }
        Ok(())
    }

    fn note_length(&mut self, value: &[u8]) -> Result<(), FilterError> {
        match survey::number(value) {
            Ok(length) if self.length.is_none() => self.length = Some(length),
            Ok(_) | Err(_) => return Err(misuse("the content-length is no number")),
        }
        Ok(())
    }

    fn note_connection(&mut self, value: &[u8]) {
        for option in survey::tokens(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }
}

/// Appends all fields but those named.
pub(super) fn fields(headers: &HeaderMap, without: &[HeaderName], out: &mut Output) {
    for (name, value) in headers {
        if !without.contains(name) {
            out.put_slice(name.as_str().as_bytes());
            out.put_slice(b": ");
            out.put_slice(value.as_bytes());
            out.put_slice(b"\r\n");
        }
    }
}

pub(super) fn content_length(length: u64, out: &mut Output) {
    let mut digits = [0; 20];
    out.put_slice(b"content-length: ");
    out.put_slice(decimal(length, &mut digits));
    out.put_slice(b"\r\n");
}

pub(super) fn chunked(out: &mut Output) {
    out.put_slice(b"transfer-encoding: chunked\r\n");
}

/// An item that cannot be sent as it is, or not now.
pub(super) fn misuse(what: &'static str) -> FilterError {
    FilterError::Malformed { at: 0, what: what.into() }
}

fn decimal(mut n: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b"0123456789"[(n % 10) as usize];
        n /= 10;
        if n == 0 {
            return &digits[at..];
        }
    }
}

fn hexadecimal(mut n: u64, digits: &mut [u8; 16]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b"0123456789abcdef"[(n % 16) as usize];
        n /= 16;
        if n == 0 {
            return &digits[at..];
        }
    }
}

//! The head of a message: where it ends, and its fields.
//!
//! Owns how far an unfinished head has been searched. Promises that no byte of it is searched twice,
//! and that the values share one copy of the head. Knows neither requests nor responses: those are
//! `server/request.rs` and `client/response.rs`; what its fields say of the body is `survey.rs`.

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use httparse::Header;

use super::fault::Fault;
use super::survey::Survey;
use crate::Input;

/// What a peer may make us keep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of a head, and of the trailers.
    pub(super) head: usize,
    /// Fields of a head, and of the trailers.
    pub(super) headers: usize,
    /// Bytes of a body that is gathered.
    pub(super) content: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: 64 * 1024, headers: STACKED, content: 1024 * 1024 }
    }
}

impl Limits {
    /// Refuses to keep any amount of what is for another filter, which may never come, or cannot be
    /// read before something else is known.
    pub(super) fn check_kept(&self, input: &Input<'_>) -> Result<(), Fault> {
        let limit = self.head.max(READ);
        if input.len() <= limit {
            return Ok(());
        }
        let reason = "too much comes before the answer";
        Err(Fault::too_long(StatusCode::PAYLOAD_TOO_LARGE, reason, limit))
    }
}

/// How far a head has been searched for its end.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Bytes at the front of the input in which no head ends.
    searched: usize,
}

impl Search {
    pub(super) const fn is_fresh(&self) -> bool {
        self.searched == 0
    }

    /// The length of the head at the front of `bytes`, with the empty line that ends it.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        // The newline before the empty line may be among what was searched.
        let mut at = self.searched.saturating_sub(2);
        while let Some(newline) = memchr::memchr(b'\n', &bytes[at..]) {
            at += newline + 1;
            match bytes[at..] {
                [b'\n', ..] => return Some(at + 1),
                [b'\r', b'\n', ..] => return Some(at + 2),
                _ => {}
            }
        }
        self.searched = bytes.len();
        None
    }
}

/// Moves past empty lines, which some clients send behind a body (RFC 9112, 2.2). Says whether
/// something else is there.
pub(super) fn skip_empty_lines(input: &mut Input<'_>) -> bool {
    loop {
        match input.as_slice() {
            [] | [b'\r'] => return false,
            [b'\n', ..] => input.skip(1),
            [b'\r', b'\n', ..] => input.skip(2),
            _ => return true,
        }
    }
}

/// Calls `parse` with room for so many fields, as a rule on the stack.
pub(super) fn with_room<'b, R>(
    headers: usize,
    parse: impl FnOnce(&mut [MaybeUninit<Header<'b>>]) -> R,
) -> R {
    if headers <= STACKED {
        parse(&mut [const { MaybeUninit::uninit() }; STACKED][..headers])
    } else {
        let mut room = Vec::new();
        room.resize_with(headers, MaybeUninit::uninit);
        parse(&mut room)
    }
}

/// The fields of a head, which share `copy`, a copy of `head`; and what they say of the message.
pub(super) fn fields(
    parsed: &[Header<'_>],
    head: &[u8],
    copy: &Bytes,
) -> Result<(HeaderMap, Survey), Fault> {
    let mut survey = Survey::default();
    let mut map = HeaderMap::with_capacity(parsed.len());
    for header in parsed {
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|_| Fault::bad("a field has no proper name"))?;
        survey.note(&name, header.value);
        let value = HeaderValue::from_maybe_shared(shared(header.value, head, copy))
            .map_err(|_| Fault::bad("a field has no proper value"))?;
        map.try_append(name, value).map_err(|_| TOO_MANY)?;
    }
    Ok((map, survey))
}

/// The part of `copy` that corresponds to `part` of `head`.
pub(super) fn shared(part: &[u8], head: &[u8], copy: &Bytes) -> Bytes {
    if part.is_empty() {
        return Bytes::new();
    }
    let start = part.as_ptr().addr() - head.as_ptr().addr();
    copy.slice(start..start + part.len())
}

/// The fields behind a chunked body; `section` ends with an empty line.
pub(super) fn trailers(section: &[u8], limits: &Limits) -> Result<HeaderMap, Fault> {
    let mut room = vec![httparse::EMPTY_HEADER; limits.headers];
    let parsed = match httparse::parse_headers(section, &mut room) {
        Ok(httparse::Status::Complete((_, parsed))) => parsed,
        Ok(httparse::Status::Partial) => return Err(Fault::bad("the trailers are not fields")),
        Err(error) => return Err(malformed(error)),
    };
    let copy = Bytes::copy_from_slice(section);
    Ok(fields(parsed, section, &copy)?.0)
}

/// What a server answers when it cannot read a head.
pub(super) fn malformed(error: httparse::Error) -> Fault {
    match error {
        httparse::Error::TooManyHeaders => TOO_MANY,
        httparse::Error::Version => Fault::new(
            StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            "only HTTP/1.0 and HTTP/1.1 are spoken",
        ),
        httparse::Error::HeaderName => Fault::bad("a field has no proper name"),
        httparse::Error::HeaderValue => Fault::bad("a field has no proper value"),
        httparse::Error::NewLine => Fault::bad("a line does not end as lines do"),
        httparse::Error::Status => Fault::bad("no status"),
        httparse::Error::Token => Fault::bad("the first line is not one of HTTP"),
    }
}

const TOO_MANY: Fault =
    Fault::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the head has too many fields");

/// What a wheel reads at once.
const READ: usize = 64 * 1024;

/// A browser sends some twenty fields. Room for this many is 3 KiB of stack.
const STACKED: usize = 100;

//! The head of a response.
//!
//! Owns what a head says of the body that follows. `head.rs` finds where it ends.

use bytes::Bytes;
use http::{Response, StatusCode, Version};

use super::Asked;
use crate::Input;
use crate::http::body::Body;
use crate::http::chunked::Chunked;
use crate::http::fault::Fault;
use crate::http::head::{self, Limits, Search};
use crate::http::survey::{Length, Survey};

/// A response whose head has come.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) response: Response<()>,
    /// The bytes it was.
    pub(super) raw: Bytes,
    survey: Survey,
}

/// Takes a head off the front of `input`, if it is complete.
pub(super) fn take(
    search: &mut Search,
    input: &mut Input<'_>,
    limits: &Limits,
) -> Result<Option<Head>, Fault> {
    let bytes = input.as_slice();
    let window = &bytes[..bytes.len().min(limits.head)];
    let at_once = if search.is_fresh() { read(window, limits).ok().flatten() } else { None };
    let (head, length) = match at_once {
        Some(read) => read,
        None => match search.end(window) {
            Some(end) => read(&window[..end], limits)?
                .ok_or(Fault::bad("the head ends before it is complete"))?,
            None => return incomplete(window, limits).map(|()| None),
        },
    };
    *search = Search::default();
    input.skip(length);
    Ok(Some(head))
}

/// What a head says that is there in part: see `server/request.rs`.
fn incomplete(window: &[u8], limits: &Limits) -> Result<(), Fault> {
    if let Some(newline) = memchr::memchr(b'\n', window) {
        read(&window[..=newline], limits)?;
    }
    if window.len() < limits.head {
        return Ok(());
    }
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    Err(Fault::too_long(status, "the head is too long", limits.head))
}

/// Reads a head and says how long it is, if it is complete.
fn read(bytes: &[u8], limits: &Limits) -> Result<Option<(Head, usize)>, Fault> {
    head::with_room(limits.headers, |room| {
        let mut parsed = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        match config.parse_response_with_uninit_headers(&mut parsed, bytes, room) {
            Ok(httparse::Status::Complete(length)) => {
                Ok(Some((build(&parsed, &bytes[..length])?, length)))
            }
            Ok(httparse::Status::Partial) => Ok(None),
            Err(error) => Err(head::malformed(error)),
        }
    })
}

fn build(parsed: &httparse::Response<'_, '_>, bytes: &[u8]) -> Result<Head, Fault> {
    let raw = Bytes::copy_from_slice(bytes);
    let (headers, survey) = head::fields(parsed.headers, bytes, &raw)?;
    let mut response = Response::new(());
    *response.status_mut() = parsed
        .code
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or(Fault::bad("the status is not one"))?;
    *response.version_mut() =
        if parsed.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
    *response.headers_mut() = headers;
    Ok(Head { response, raw, survey })
}

impl Head {
    /// Another response to the same request will follow. 101 is the last of HTTP.
    pub(super) fn is_interim(&self) -> bool {
        let status = self.response.status();
        status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
    }

    /// Whether what follows is not HTTP.
    pub(super) fn hands_over(&self, asked: Asked) -> bool {
        let status = self.response.status();
        status == StatusCode::SWITCHING_PROTOCOLS
            || (asked == Asked::Connect && status.is_success())
    }

    /// How the body is delimited (RFC 9112, 6.3).
    pub(super) fn body(&self, asked: Asked) -> Result<Body, Fault> {
        let status = self.response.status();
        let none = asked == Asked::Head
            || status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || self.hands_over(asked);
        if none {
            return Ok(Body::Sized(0));
        }
        Ok(match self.survey.length(self.response.version())? {
            Length::Unsaid => Body::ToEnd,
            Length::Known(length) => Body::Sized(length),
            Length::Chunked => Body::Chunked(Chunked::Size),
        })
    }

    /// Whether the connection ends with this response.
    pub(super) fn is_last(&self) -> bool {
        self.survey.is_last(self.response.version())
    }
}

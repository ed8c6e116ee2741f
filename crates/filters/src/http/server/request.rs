//! The head of a request.
//!
//! Owns what makes a head acceptable. Promises the same verdict for every way the bytes can come.
//! `head.rs` finds where it ends.

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, Version};

use super::flights::{Asked, Flight};
use crate::Input;
use crate::http::body::Body;
use crate::http::chunked::Chunked;
use crate::http::fault::Fault;
use crate::http::head::{self, Limits, Search};
use crate::http::survey::{Expects, Length, Survey};

/// A request whose head has come.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) request: Request<()>,
    /// The bytes it was.
    pub(super) raw: Bytes,
    pub(super) flight: Flight,
    /// Whether the client waits to be told to go on.
    pub(super) expects: bool,
    pub(super) verdict: Result<Option<Body>, Fault>,
}

/// Takes a head off the front of `input`, if it is complete. What cannot be read at all is an error.
pub(super) fn take(
    search: &mut Search,
    input: &mut Input<'_>,
    limits: &Limits,
) -> Result<Option<Head>, Fault> {
    let bytes = input.as_slice();
    let window = &bytes[..bytes.len().min(limits.head)];
    // Nearly always all of it is there at once: then it is not searched for its end first.
    let at_once = if search.is_fresh() { read(window, limits).ok().flatten() } else { None };
    let (head, length) = match at_once {
        Some(read) => read,
        None => match search.end(window) {
            Some(end) => read_whole(&window[..end], limits)?,
            None => return incomplete(window, limits).map(|()| None),
        },
    };
    *search = Search::default();
    input.skip(length);
    Ok(Some(head))
}

/// A head whose end has not come may be wrong already. It is only looked at where that does not depend
/// on how much has come: a first line that is there, and a head that is too long.
fn incomplete(window: &[u8], limits: &Limits) -> Result<(), Fault> {
    let line = memchr::memchr(b'\n', window).map(|newline| &window[..=newline]);
    if let Some(line) = line {
        read(line, limits)?;
    }
    if window.len() < limits.head {
        return Ok(());
    }
    let (status, reason) = match line {
        Some(_) => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the head is too long"),
        None => (StatusCode::URI_TOO_LONG, "the first line is too long"),
    };
    Err(Fault::too_long(status, reason, limits.head))
}

fn read_whole(bytes: &[u8], limits: &Limits) -> Result<(Head, usize), Fault> {
    read(bytes, limits)?.ok_or(Fault::bad("the head ends before it is complete"))
}

/// Reads a head and says how long it is, if it is complete.
fn read(bytes: &[u8], limits: &Limits) -> Result<Option<(Head, usize)>, Fault> {
    head::with_room(limits.headers, |room| {
        let mut parsed = httparse::Request::new(&mut []);
        match parsed.parse_with_uninit_headers(bytes, room) {
            Ok(httparse::Status::Complete(length)) => {
                Ok(Some((build(&parsed, &bytes[..length])?, length)))
            }
            Ok(httparse::Status::Partial) => Ok(None),
            Err(error) => Err(head::malformed(error)),
        }
    })
}

fn build(parsed: &httparse::Request<'_, '_>, bytes: &[u8]) -> Result<Head, Fault> {
    const COMPLETE: &str = "a complete head has a first line";
    let raw = Bytes::copy_from_slice(bytes);
    let method = Method::from_bytes(parsed.method.expect(COMPLETE).as_bytes())
        .map_err(|_| Fault::bad("the method is not one"))?;
    let target = parsed.path.expect(COMPLETE).as_bytes();
    let uri = uri(&method, head::shared(target, bytes, &raw))?;
    let (headers, survey) = head::fields(parsed.headers, bytes, &raw)?;

    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.version_mut() =
        if parsed.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
    *request.headers_mut() = headers;

    let flight = flight(&request, &survey);
    let verdict = judge(request.version(), &survey);
    let expects = survey.expects == Expects::Continue && request.version() == Version::HTTP_11;
    Ok(Head { request, raw, flight, expects, verdict })
}

/// The target of a request: a path, a whole URI, the host of a `CONNECT`, or the asterisk of an
/// `OPTIONS` (RFC 9112, 3.2).
fn uri(method: &Method, target: Bytes) -> Result<Uri, Fault> {
    if target.len() > MAX_URI {
        return Err(Fault::too_long(StatusCode::URI_TOO_LONG, "the URI is too long", MAX_URI));
    }
    if target.contains(&b'#') {
        return Err(Fault::bad("the URI has a fragment")); // which `Uri` would drop
    }
    let first = target.first().copied();
    let uri = Uri::from_maybe_shared(target).map_err(|_| Fault::bad("the URI is not one"))?;
    let proper = match first {
        Some(b'/') => *method != Method::CONNECT,
        Some(b'*') => *method == Method::OPTIONS && uri.path() == "*",
        Some(_) | None if *method == Method::CONNECT => {
            uri.scheme().is_none() && uri.port().is_some()
        }
        Some(_) | None => uri.scheme().is_some(),
    };
    if proper { Ok(uri) } else { Err(Fault::bad("the URI is of the wrong form")) }
}

fn flight(request: &Request<()>, survey: &Survey) -> Flight {
    let version = request.version();
    let asked = match *request.method() {
        Method::HEAD => Asked::Head,
        Method::CONNECT => Asked::Connect,
        _ if survey.upgrade && version == Version::HTTP_11 => Asked::Upgrade,
        _ => Asked::Other,
    };
    Flight { asked, version, last: survey.is_last(version) }
}

/// How the body is delimited; `None` if there is none.
fn judge(version: Version, survey: &Survey) -> Result<Option<Body>, Fault> {
    let length = survey.length(version)?;
    if survey.host_is_bad {
        return Err(Fault::bad("the host is not one host"));
    }
    if survey.hosts == 0 && version == Version::HTTP_11 {
        return Err(Fault::bad("there is no host"));
    }
    if survey.expects == Expects::Other {
        return Err(Fault::new(
            StatusCode::EXPECTATION_FAILED,
            "the expectation is not known here",
        ));
    }
    match length {
        Length::Unsaid if survey.encoded => {
            Err(Fault::new(StatusCode::LENGTH_REQUIRED, "the content has no length"))
        }
        Length::Unsaid | Length::Known(0) => Ok(None),
        Length::Known(length) => Ok(Some(Body::Sized(length))),
        Length::Chunked => Ok(Some(Body::Chunked(Chunked::Size))),
    }
}

/// What a `Uri` can hold.
const MAX_URI: usize = 65_534;

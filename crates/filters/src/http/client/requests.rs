//! Requests, written.
//!
//! Owns what a request needs beyond what the application sets: a host, a length or chunks.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri, Version, header};

use super::{Asked, Server};
use crate::http::encode::{self, Said, Sending, misuse};
use crate::{FilterError, Output};

/// How the body of a request is delimited.
enum Delimited {
    /// There is none, or the application says how long it is.
    AsItIs,
    Counted(u64),
    Chunked,
}

impl Server {
    /// Appends a whole request.
    pub(super) fn whole<B>(
        &mut self,
        head: &Request<B>,
        body: Bytes,
        out: &mut Output,
    ) -> Result<(), FilterError> {
        self.check()?;
        let delimited = match Said::of(head.headers(), &body)?.length {
            Some(_) => Delimited::AsItIs,
            None if body.is_empty() && !expects_content(head.method()) => Delimited::AsItIs,
            None => Delimited::Counted(body.len() as u64),
        };
        write_head(head, &delimited, out)?;
        out.put_bytes(body);
        self.asked.push_back(Asked::by(head.method()));
        Ok(())
    }

    /// Appends the head of a request that is sent in pieces.
    pub(super) fn begin<B>(
        &mut self,
        head: &Request<B>,
        out: &mut Output,
    ) -> Result<(), FilterError> {
        self.check()?;
        let (delimited, sending) = match Said::by(head.headers())?.length {
            Some(length) => (Delimited::AsItIs, Sending::Sized(length)),
            None if head.version() == Version::HTTP_10 => {
                return Err(misuse("HTTP/1.0 needs a content-length"));
            }
            None => (Delimited::Chunked, Sending::Chunked),
        };
        write_head(head, &delimited, out)?;
        self.sending = sending;
        self.asked.push_back(Asked::by(head.method()));
        Ok(())
    }

    fn check(&self) -> Result<(), FilterError> {
        if self.sending == Sending::Nothing {
            Ok(())
        } else {
            Err(misuse("a request before the end of the one before it"))
        }
    }
}

/// Whether a server wonders about a request of this method without a length.
fn expects_content(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

fn write_head<B>(
    head: &Request<B>,
    delimited: &Delimited,
    out: &mut Output,
) -> Result<(), FilterError> {
    let target = target(head.method(), head.uri())?;
    out.put_slice(head.method().as_str().as_bytes());
    out.put_slice(b" ");
    out.put_slice(target.as_bytes());
    let old = head.version() == Version::HTTP_10;
    out.put_slice(if old { b" HTTP/1.0\r\n" } else { b" HTTP/1.1\r\n" });
    host(head.headers(), head.uri(), out);
    encode::fields(head.headers(), &[], out);
    match delimited {
        Delimited::Counted(length) => encode::content_length(*length, out),
        Delimited::Chunked => encode::chunked(out),
        Delimited::AsItIs => {}
    }
    out.put_slice(b"\r\n");
    Ok(())
}

/// What is asked for, as it stands in the first line (RFC 9112, 3.2).
fn target<'a>(method: &Method, uri: &'a Uri) -> Result<&'a str, FilterError> {
    if *method == Method::CONNECT {
        return uri
            .authority()
            .map(http::uri::Authority::as_str)
            .ok_or_else(|| misuse("a tunnel needs to know where to"));
    }
    if *method == Method::OPTIONS && uri.path() == "*" {
        return Ok("*");
    }
    let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    if target.starts_with('/') { Ok(target) } else { Err(misuse("the URI has no path")) }
}

/// Appends the host that the URI names, unless the application does. Without either it is empty, as the
/// RFC has it.
fn host(headers: &HeaderMap, uri: &Uri, out: &mut Output) {
    if headers.contains_key(header::HOST) {
        return;
    }
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    // Who the user is, is nobody's host.
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    out.put_slice(b"host: ");
    out.put_slice(host.as_bytes());
    out.put_slice(b"\r\n");
}

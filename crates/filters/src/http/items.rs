//! The items of the HTTP filters.
//!
//! Owns nothing but their shapes. The messages themselves are those of the crate `http`.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};

#[cfg(doc)]
use super::{HttpClient, Httpd};

/// Marks a filter whose bodies are gathered: an item is a whole message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gathered {}

/// Marks a filter whose bodies are streamed: an item is a [`Piece`] of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streamed {}

/// What an [`Httpd`] makes of what a client sends.
#[derive(Debug)]
pub enum Received<T> {
    /// A request, or a piece of one.
    Request {
        /// The request, or the piece.
        item: T,
        /// Whether the connection ends with the answer to this request: then put the answer and shut
        /// the wheel down. The client asked for it, or speaks HTTP/1.0. Nothing comes behind the last
        /// request. It is the same for all pieces of a request.
        last: bool,
    },
    /// What came is no request, or not one that may be. Nothing comes behind it.
    Rejected(Box<Rejected>),
}

/// Why a client is turned away, and what to tell it: put [`response`](Self::response), then shut the
/// wheel down. POE delivers such a response where a request is expected.
///
/// If requests before it have not been answered yet, their answers go first.
///
/// | status | |
/// |---|---|
/// | 400 | it is not HTTP, or could be understood in two ways, or ends in the middle |
/// | 411 | content is announced by `Content-Encoding`, and its length is not |
/// | 413 | the body is longer than [`max_content`](Httpd::max_content), or too much comes behind an upgrade |
/// | 414, 431 | the first line, or the head, is longer than [`max_head`](Httpd::max_head) |
/// | 417 | an expectation other than `100-continue` |
/// | 501 | a transfer coding other than `chunked` |
/// | 503 | more than [`max_pipelined`](Httpd::max_pipelined) requests wait for their answers |
/// | 505 | a version other than 1.0 and 1.1 |
#[derive(Debug)]
#[non_exhaustive]
pub struct Rejected {
    /// The answer, with the reason as its text.
    pub response: Response<Bytes>,
    /// The head of the request, if it could be read and was not delivered before.
    pub request: Option<Request<()>>,
    /// What was wrong, in words for a log.
    pub reason: &'static str,
}

/// A piece of a message that comes: first the head, then the body as it comes, then the end.
///
/// How the body is cut into pieces depends on the network and means nothing.
#[derive(Debug)]
pub enum Piece<H> {
    /// The head; `H` is `Request<()>` or `Response<()>`.
    Head(H),
    /// Bytes of the body, at least one.
    Data(Bytes),
    /// The end of the message, and the fields behind its body, which only a chunked one can have.
    /// They are the peer's afterthoughts: what they say is not part of the head.
    End(HeaderMap),
}

/// A message that is sent, whole or in pieces.
///
/// A [`Piece`] is also one, and so is a `Response<Bytes>` or a `Request<Bytes>`, so a wheel's `put`
/// takes these.
#[derive(Debug)]
pub enum Outgoing<H> {
    /// A whole message.
    Whole {
        /// Its head; `H` is `Request<()>` or `Response<()>`.
        head: H,
        /// Its body.
        body: Bytes,
    },
    /// The head of a message whose body follows in pieces, up to [`End`](Self::End). With a
    /// `Content-Length` there must be just so much; else the body is sent chunked, or, to a client that
    /// speaks HTTP/1.0, until the connection ends.
    Head(H),
    /// Bytes of the body.
    Data(Bytes),
    /// The end of the message, and the fields that go behind its body. They are dropped unless it is
    /// sent chunked.
    End(HeaderMap),
}

impl<H> From<Piece<H>> for Outgoing<H> {
    fn from(piece: Piece<H>) -> Self {
        match piece {
            Piece::Head(head) => Self::Head(head),
            Piece::Data(data) => Self::Data(data),
            Piece::End(trailers) => Self::End(trailers),
        }
    }
}

impl From<Response<Bytes>> for Outgoing<Response<()>> {
    fn from(response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        Self::Whole { head: Response::from_parts(head, ()), body }
    }
}

impl From<Request<Bytes>> for Outgoing<Request<()>> {
    fn from(request: Request<Bytes>) -> Self {
        let (head, body) = request.into_parts();
        Self::Whole { head: Request::from_parts(head, ()), body }
    }
}

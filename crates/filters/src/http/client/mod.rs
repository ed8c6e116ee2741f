//! The client's side: requests out, responses in.
//!
//! Owns the parameters and what was asked. Promises that each response is read as the answer to its
//! request, and that half a response never passes for a whole one. The two kinds of filter are in
//! `gathered.rs` and `streamed.rs`.

mod gathered;
mod requests;
mod response;
mod streamed;

use std::collections::VecDeque;
use std::marker::PhantomData;

use http::Method;

use self::gathered::Unfinished;
use self::response::Head;
use super::body::Body;
use super::encode::Sending;
use super::fault::Fault;
use super::head::{Limits, Search, skip_empty_lines};
use super::items::{Gathered, Streamed};
use crate::{FilterError, Input};

#[cfg(doc)]
use super::{Outgoing, Piece};

/// HTTP/1.x for a client: requests out, responses in.
///
/// [`new`](HttpClient::new) makes a filter whose items are whole messages,
/// [`streaming`](HttpClient::streaming) one whose items are [`Piece`]s. Requests may be sent without
/// waiting; the responses come in their order.
///
/// It sees to `Host`, which it takes from the URI, `Content-Length`, chunks, and to which responses
/// have no body. What goes into the first line is the path of the URI. Interim responses (100 to 199)
/// are skipped, or delivered when streaming. It sets no limit on time.
///
/// The connection can be used again unless the response says otherwise: after `Connection: close`, or
/// HTTP/1.0 without `keep-alive`, what comes is thrown away. After a success that answers a
/// `CONNECT`, or a 101, what comes is left to the filter that takes this one's place: 64 KiB, or
/// [`max_head`](HttpClient::max_head) if that is more, and no more.
///
/// # Errors
///
/// Decoding fails with [`FilterError`] when a response cannot be read, or could be understood in two
/// ways, or is too long, or comes unasked, or when the stream ends in the middle of it. That the stream
/// ends before a response has begun is no error: the session knows what it waits for.
///
/// A clone has the same parameters and starts afresh.
///
/// ```
/// use bytes::Bytes;
/// use filters::http::HttpClient;
/// use filters::{Filter, Input, Output};
/// use http::Request;
///
/// let mut client = HttpClient::new();
/// let mut out = Output::new();
/// client.encode(Request::get("http://poe.perl.org/?x").body(Bytes::new()).unwrap(), &mut out)?;
/// assert_eq!(out.contiguous(), Some(&b"GET /?x HTTP/1.1\r\nhost: poe.perl.org\r\n\r\n"[..]));
///
/// let mut input = Input::new(b"HTTP/1.1 200 Fine\r\nContent-Length: 5\r\n\r\nhello");
/// let response = client.decode(&mut input)?.unwrap();
/// assert_eq!((response.status().as_u16(), &response.body()[..]), (200, &b"hello"[..]));
/// # Ok::<(), filters::FilterError>(())
/// ```
#[derive(Debug)]
pub struct HttpClient<M = Gathered> {
    server: Server,
    partial: Partial,
    mode: PhantomData<fn() -> M>,
}

/// The response of which a part has come.
#[derive(Debug)]
enum Partial {
    None,
    Gathering(Box<Unfinished>),
    Streaming(Body),
}

/// What a client knows of the other end.
#[derive(Debug)]
struct Server {
    limits: Limits,
    search: Search,
    phase: Phase,
    /// The requests whose responses have not come, the oldest first.
    asked: VecDeque<Asked>,
    /// The request that is being sent in pieces.
    sending: Sending,
    /// What happens at the end of the response that is coming.
    next: Phase,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Open,
    /// What comes is for another filter.
    HandedOver,
    /// What comes is thrown away.
    Over,
    Failed(FilterError),
}

/// What a response has to know of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// A head only.
    Head,
    /// A tunnel.
    Connect,
    Other,
}

impl Asked {
    fn by(method: &Method) -> Self {
        match *method {
            Method::HEAD => Self::Head,
            Method::CONNECT => Self::Connect,
            _ => Self::Other,
        }
    }
}

impl HttpClient<Gathered> {
    /// Returns a filter whose items are whole responses and whole requests.
    ///
    /// The fields behind a chunked body are checked and dropped.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use filters::{Filter, Input, Output, http::HttpClient};
    /// let mut client = HttpClient::new();
    /// client.encode(http::Request::new(Bytes::new()), &mut Output::new())?;
    /// let mut input = Input::new(b"HTTP/1.0 200 OK\r\n\r\nall there is");
    /// assert!(client.decode(&mut input)?.is_none()); // it ends with the connection
    /// assert_eq!(client.finish(&mut input)?.unwrap().body(), "all there is");
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub fn new() -> Self {
        Self::with(Limits::default())
    }

    /// Sets how long the body of a response may be, in bytes. By default 1 MiB.
    ///
    /// A longer one is [`FilterError::TooLong`], as soon as it is announced.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use filters::{Filter, FilterError, Input, Output, http::HttpClient};
    /// let mut client = HttpClient::new().max_content(10);
    /// client.encode(http::Request::new(Bytes::new()), &mut Output::new())?;
    /// let mut input = Input::new(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n");
    /// assert_eq!(client.decode(&mut input).unwrap_err(), FilterError::TooLong { limit: 10 });
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[must_use]
    pub fn max_content(mut self, bytes: usize) -> Self {
        self.server.limits.content = bytes;
        self
    }
}

impl HttpClient<Streamed> {
    /// Returns a filter whose items are [`Piece`]s of responses, and which is put [`Outgoing`]s.
    ///
    /// It has no limit on bodies, of which it keeps nothing. An interim response is a [`Piece::Head`]
    /// with a status from 100 to 199: neither body nor end follows, but another head. 101 is the last
    /// one and has an end.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use filters::{Filter, Input, Output, http::{HttpClient, Outgoing, Piece}};
    /// let mut client = HttpClient::streaming();
    /// let mut out = Output::new();
    /// let head = http::Request::put("http://a/b").body(()).unwrap();
    /// client.encode(Outgoing::Head(head), &mut out)?;
    /// client.encode(Outgoing::Data(Bytes::from("cde")), &mut out)?;
    /// client.encode(Outgoing::End(http::HeaderMap::new()), &mut out)?;
    /// let sent = b"PUT /b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\ncde\r\n0\r\n\r\n";
    /// assert_eq!(out.contiguous(), Some(&sent[..]));
    ///
    /// let mut input = Input::new(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    /// assert!(matches!(client.decode(&mut input)?, Some(Piece::Head(head)) if head.status() == 201));
    /// assert!(matches!(client.decode(&mut input)?, Some(Piece::End(_))));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub fn streaming() -> Self {
        Self::with(Limits::default())
    }
}

impl<M> HttpClient<M> {
    /// Sets how long a head may be, in bytes, with its first line and the empty one that ends it. By
    /// default 64 KiB. The fields behind a chunked body have the same limit.
    ///
    /// A longer one is [`FilterError::TooLong`].
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use filters::{Filter, FilterError, Input, Output, http::HttpClient};
    /// let mut client = HttpClient::new().max_head(20);
    /// client.encode(http::Request::new(Bytes::new()), &mut Output::new())?;
    /// let mut input = Input::new(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n");
    /// assert_eq!(client.decode(&mut input).unwrap_err(), FilterError::TooLong { limit: 20 });
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[must_use]
    pub fn max_head(mut self, bytes: usize) -> Self {
        self.server.limits.head = bytes;
        self
    }

    /// Sets how many fields a head may have. By default 100. Room for that many is made for each head
    /// that is read.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use filters::{Filter, Input, Output, http::HttpClient};
    /// let mut client = HttpClient::new().max_headers(0);
    /// client.encode(http::Request::new(Bytes::new()), &mut Output::new())?;
    /// let mut input = Input::new(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    /// assert!(client.decode(&mut input).is_err());
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[must_use]
    pub fn max_headers(mut self, fields: usize) -> Self {
        self.server.limits.headers = fields;
        self
    }

    fn with(limits: Limits) -> Self {
        let server = Server {
            limits,
            search: Search::default(),
            phase: Phase::Open,
            asked: VecDeque::new(),
            sending: Sending::Nothing,
            next: Phase::Open,
        };
        Self { server, partial: Partial::None, mode: PhantomData }
    }
}

impl Server {
    /// The next head, and what was asked for.
    fn head(&mut self, input: &mut Input<'_>) -> Result<Option<(Head, Asked)>, FilterError> {
        match &self.phase {
            Phase::Open => {}
            Phase::HandedOver => {
                let kept = self.limits.check_kept(input);
                return kept.map(|()| None).map_err(|fault| self.fail(fault));
            }
            Phase::Over => {
                input.skip(input.len());
                return Ok(None);
            }
            Phase::Failed(error) => return Err(error.clone()),
        }
        if self.search.is_fresh() && !skip_empty_lines(input) {
            return Ok(None);
        }
        let Some(asked) = self.asked.front().copied() else {
            return Err(self.fail(Fault::bad("a response that nobody asked for")));
        };
        match response::take(&mut self.search, input, &self.limits) {
            Ok(Some(head)) => Ok(Some((head, asked))),
            Ok(None) => Ok(None),
            Err(fault) => Err(self.fail(fault)),
        }
    }

    /// The head of a response that is no interim one has come: decides what comes behind its body.
    fn answered(&mut self, head: &Head, asked: Asked, body: &Body) {
        self.asked.pop_front();
        self.next = if head.hands_over(asked) {
            Phase::HandedOver
        } else if head.is_last() || matches!(body, Body::ToEnd) {
            Phase::Over
        } else {
            Phase::Open
        };
    }

    /// The response has been delivered to its end.
    fn ended(&mut self) {
        self.phase = std::mem::replace(&mut self.next, Phase::Open);
    }

    fn fail(&mut self, fault: Fault) -> FilterError {
        let error = FilterError::from(fault);
        self.phase = Phase::Failed(error.clone());
        error
    }

    /// The stream has ended, and no response is coming.
    fn finish(&mut self, input: &mut Input<'_>) -> Result<(), FilterError> {
        let fresh = self.search.is_fresh();
        match &self.phase {
            Phase::Open if !fresh || skip_empty_lines(input) => Err(self.fail(CUT_OFF)),
            Phase::Open | Phase::HandedOver | Phase::Over => Ok(()),
            Phase::Failed(error) => Err(error.clone()),
        }
    }
}

/// The same parameters, a new stream.
impl<M> Clone for HttpClient<M> {
    fn clone(&self) -> Self {
        Self::with(self.server.limits)
    }
}

impl Default for HttpClient<Gathered> {
    fn default() -> Self {
        Self::new()
    }
}

const CUT_OFF: Fault = Fault::bad("the stream ends in the middle of a response");

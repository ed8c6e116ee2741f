//! The server's side: requests in, responses out.
//!
//! Owns the parameters and the request that is being read. Promises an answerable item for everything
//! that comes: a server that is sent rubbish can still say so. The two kinds of filter are in
//! `gathered.rs` and `streamed.rs`, what they have in common in `connection.rs`.

mod answers;
mod connection;
mod flights;
mod gathered;
mod request;
mod streamed;

use std::marker::PhantomData;

use self::connection::Connection;
use self::gathered::Unfinished;
use self::streamed::Open;
use super::head::Limits;
use super::items::{Gathered, Streamed};

#[cfg(doc)]
use super::{Outgoing, Piece, Received, Rejected};

/// HTTP/1.x for a server: requests in, responses out; POE's `Filter::HTTPD`.
///
/// [`new`](Httpd::new) makes a filter whose items are whole requests, [`streaming`](Httpd::streaming)
/// one whose items are [`Piece`]s. Either takes the answers in the order of the requests; many
/// requests may wait for theirs.
///
/// Each item says whether it is the `last` of its connection. If it is, put the answer and shut the
/// wheel down; do the same if the answer itself says `Connection: close`. See [`Received`].
///
/// It sees to keep-alive, pipelining, chunks, `Content-Length`, `Connection`, and, unless it is
/// streaming, to `Expect: 100-continue`. It does not set `Date`, having no clock, and sets no limit
/// on time.
///
/// What is refused is an item, [`Rejected`], with the answer to put; it never fails. Behind it, and
/// behind the last request, everything that comes is thrown away. Refused is whatever could be
/// understood in two ways: two lengths, a length with a transfer coding, folded fields, a space before
/// a colon, chunks that are not to the letter. Empty lines before a request are skipped. A head may end
/// its lines with LF alone. HTTP/0.9, which POE answers, is refused.
///
/// After a `CONNECT`, or a request with `Upgrade`, nothing is read until it is answered. If the answer
/// is a success, or a 101, what comes then is left to the filter that takes this one's place. More than
/// 64 KiB, or [`max_head`](Httpd::max_head) if that is more, is not kept: the client is refused.
///
/// A clone has the same parameters and starts afresh.
///
/// ```
/// use bytes::Bytes;
/// use filters::http::{Httpd, Received};
/// use filters::{Filter, Input, Output};
/// use http::Response;
///
/// let mut httpd = Httpd::new();
/// let mut input = Input::new(b"GET //a HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n");
/// let Some(Received::Request { item, last }) = httpd.decode(&mut input)? else { panic!() };
/// assert_eq!((item.uri().path(), last), ("//a", true));
///
/// let mut out = Output::new();
/// httpd.encode(Response::new(Bytes::from("hello")), &mut out)?;
/// let sent = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
/// assert_eq!(out.contiguous(), Some(&sent[..]));
/// # Ok::<(), filters::FilterError>(())
/// ```
#[derive(Debug)]
pub struct Httpd<M = Gathered> {
    connection: Connection,
    partial: Partial,
    mode: PhantomData<fn() -> M>,
}

/// The request of which a part has come.
#[derive(Debug)]
enum Partial {
    None,
    Gathering(Box<Unfinished>),
    Streaming(Open),
}

impl Httpd<Gathered> {
    /// Returns a filter whose items are whole requests and whole responses.
    ///
    /// The fields behind a chunked body are checked and dropped. An answer with the status of an
    /// interim one, 100 to 199, is one: another has to follow, but for 101. What is put as the body of
    /// an answer to `HEAD`, or of a 204 or 304, is not sent. A `Content-Length` need not be set.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use filters::{Filter, Input, Output, http::{Httpd, Received}};
    /// let mut httpd = Httpd::new();
    /// let post = b"POST / HTTP/1.0\r\nContent-Length: 9\r\n\r\nname=POE ";
    /// let Some(Received::Request { item, last: true }) = httpd.decode(&mut Input::new(post))? else {
    ///     panic!()
    /// };
    /// assert_eq!(item.body(), "name=POE ");
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub fn new() -> Self {
        Self::with(Limits::default(), MAX_PIPELINED)
    }

    /// Sets how long the body of a request may be, in bytes; POE's `MaxContent`. By default 1 MiB.
    ///
    /// A longer one is [`Rejected`] with 413, as soon as it is announced.
    ///
    /// ```
    /// # use filters::{Filter, Input, http::{Httpd, Received}};
    /// let mut httpd = Httpd::new().max_content(10);
    /// let mut input = Input::new(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
    /// let Some(Received::Rejected(rejected)) = httpd.decode(&mut input)? else { panic!() };
    /// assert_eq!(rejected.response.status(), 413);
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[must_use]
    pub fn max_content(mut self, bytes: usize) -> Self {
        self.connection.limits.content = bytes;
        self
    }
}

impl Httpd<Streamed> {
    /// Returns a filter whose items are [`Piece`]s of requests, and which is put [`Outgoing`]s; POE's
    /// `Streaming`.
    ///
    /// It has no limit on bodies, of which it keeps nothing. A request that turns out to be bad in the
    /// middle of its body is [`Rejected`] then. A client that expects a `100 Continue` gets it from the
    /// session, which puts a response with that status. To HTTP/1.0 an answer ends with the
    /// connection, whatever the client asked for, because its length may not be known.
    ///
    /// ```
    /// # use filters::{Filter, Input, http::{Httpd, Piece, Received}};
    /// let mut httpd = Httpd::streaming();
    /// let put = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    /// let mut input = Input::new(put);
    /// let mut pieces = Vec::new();
    /// while let Some(Received::Request { item, .. }) = httpd.decode(&mut input)? {
    ///     pieces.push(item);
    /// }
    /// assert!(matches!(&pieces[..], [Piece::Head(_), Piece::Data(data), Piece::End(_)] if data == "abc"));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub fn streaming() -> Self {
        Self::with(Limits::default(), MAX_PIPELINED)
    }
}

impl<M> Httpd<M> {
    /// Sets how long a head may be, in bytes, with its first line and the empty one that ends it. By
    /// default 64 KiB. The fields behind a chunked body have the same limit.
    ///
    /// A longer one is [`Rejected`] with 431, or with 414 if its first line is what is long.
    ///
    /// ```
    /// # use filters::{Filter, Input, http::{Httpd, Received}};
    /// let mut httpd = Httpd::new().max_head(20);
    /// let mut input = Input::new(b"GET /a-long-way-to-go HTTP/1.1\r\n");
    /// let Some(Received::Rejected(rejected)) = httpd.decode(&mut input)? else { panic!() };
    /// assert_eq!(rejected.response.status(), 414);
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[must_use]
    pub fn max_head(mut self, bytes: usize) -> Self {
        self.connection.limits.head = bytes;
        self
    }

    /// Sets how many fields a head may have. By default 100. With more it is [`Rejected`] with 431.
    ///
    /// Room for that many is made for each head that is read.
    ///
    /// ```
    /// # use filters::{Filter, Input, http::{Httpd, Received}};
    /// let mut httpd = Httpd::new().max_headers(1);
    /// let mut input = Input::new(b"GET / HTTP/1.1\r\nHost: a\r\nAccept: b\r\n\r\n");
    /// let Some(Received::Rejected(rejected)) = httpd.decode(&mut input)? else { panic!() };
    /// assert_eq!(rejected.response.status(), 431);
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[must_use]
    pub fn max_headers(mut self, fields: usize) -> Self {
        self.connection.limits.headers = fields;
        self
    }

    /// Sets how many requests may wait for their answers. By default 100.
    ///
    /// With more, the client is [`Rejected`] with 503. A session that cannot answer at once can pause
    /// the input of its wheel instead.
    ///
    /// ```
    /// # use filters::{Filter, Input, http::{Httpd, Received}};
    /// let mut httpd = Httpd::new().max_pipelined(1);
    /// let mut input = Input::new(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    /// assert!(matches!(httpd.decode(&mut input)?, Some(Received::Request { .. })));
    /// let Some(Received::Rejected(rejected)) = httpd.decode(&mut input)? else { panic!() };
    /// assert_eq!(rejected.response.status(), 503);
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    #[must_use]
    pub fn max_pipelined(mut self, requests: usize) -> Self {
        self.connection.pipelined = requests;
        self
    }

    fn with(limits: Limits, pipelined: usize) -> Self {
        let connection = Connection::new(limits, pipelined);
        Self { connection, partial: Partial::None, mode: PhantomData }
    }
}

/// The same parameters, a new stream.
impl<M> Clone for Httpd<M> {
    fn clone(&self) -> Self {
        Self::with(self.connection.limits, self.connection.pipelined)
    }
}

impl Default for Httpd<Gathered> {
    fn default() -> Self {
        Self::new()
    }
}

/// No client in use has more than a handful on their way.
const MAX_PIPELINED: usize = 100;

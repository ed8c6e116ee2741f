//! Plays the part of a wheel, for filters whose items are messages.

use std::fmt::Debug;

use bytes::Bytes;
use filters::http::{HttpClient, Httpd, Piece, Received, Rejected};
use filters::{Filter, FilterError, Input, Output};
use http::{HeaderMap, Request, Response};

pub use crate::feed::unsent;

/// A stream with a filter at its end.
#[derive(Debug)]
pub struct Stream<F> {
    pub filter: F,
    /// What was offered and not consumed.
    pub rest: Vec<u8>,
    pub failed: Option<FilterError>,
}

impl<F: Filter> Stream<F>
where
    F::Item: Debug,
{
    pub fn new(filter: F) -> Self {
        Self { filter, rest: Vec::new(), failed: None }
    }

    /// What comes of another read. After the last item nothing must be held.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<F::Item> {
        self.rest.extend_from_slice(bytes);
        let mut items = Vec::new();
        while self.failed.is_none() {
            let held = self.filter.holds_items();
            let before = self.rest.len();
            let Some(item) = self.take(F::decode) else {
                assert!(!self.filter.holds_items(), "it holds items and gives none");
                break;
            };
            assert!(self.rest.len() < before || held, "{item:?} came out of nothing");
            items.push(item);
        }
        items
    }

    /// What comes of the end.
    pub fn end(&mut self) -> Vec<F::Item> {
        let mut items = Vec::new();
        while self.failed.is_none() {
            let Some(item) = self.take(F::finish) else { break };
            items.push(item);
        }
        items
    }

    pub fn put(&mut self, item: impl Into<F::Out>) -> Vec<u8> {
        let mut out = Output::new();
        self.filter.encode(item.into(), &mut out).expect("this item can be encoded");
        unsent(&out)
    }

    /// What is refused must leave no trace.
    pub fn cannot_put(&mut self, item: impl Into<F::Out>) -> FilterError {
        let mut out = Output::new();
        let error = self.filter.encode(item.into(), &mut out).expect_err("it cannot be encoded");
        assert!(out.is_empty(), "{error}, and yet something was put");
        error
    }

    pub fn answer(&mut self) -> Vec<u8> {
        let mut out = Output::new();
        if self.filter.has_answer() {
            self.filter.answer(&mut out);
            assert!(!self.filter.has_answer(), "it is said once");
        }
        unsent(&out)
    }

    fn take(
        &mut self,
        ask: impl FnOnce(&mut F, &mut Input<'_>) -> Result<Option<F::Item>, FilterError>,
    ) -> Option<F::Item> {
        let mut input = Input::new(&self.rest);
        let result = ask(&mut self.filter, &mut input);
        let consumed = input.consumed();
        self.rest.drain(..consumed);
        result.unwrap_or_else(|error| {
            self.failed = Some(error);
            None
        })
    }
}

/// What a server makes of a stream, whole.
pub fn served(bytes: &[u8]) -> Vec<Received<Request<Bytes>>> {
    Stream::new(Httpd::new()).read(bytes)
}

/// The one request of a stream.
pub fn request(bytes: &[u8]) -> Request<Bytes> {
    let mut items = served(bytes);
    assert_eq!(items.len(), 1, "{items:?}");
    accepted(items.remove(0))
}

pub fn accepted<T: Debug>(item: Received<T>) -> T {
    match item {
        Received::Request { item, .. } => item,
        Received::Rejected(rejected) => panic!("{rejected:?}"),
    }
}

/// Why the one item of a stream is none. Nothing that follows may be taken for a request.
pub fn rejected(bytes: &[u8]) -> Rejected {
    let mut stream = Stream::new(Httpd::new());
    let mut items = stream.read(bytes);
    assert_eq!(items.len(), 1, "{items:?}");
    assert!(stream.read(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").is_empty());
    assert!(stream.rest.is_empty() && stream.end().is_empty());
    match items.remove(0) {
        Received::Rejected(rejected) => *rejected,
        Received::Request { item, .. } => panic!("{item:?}"),
    }
}

pub fn status(bytes: &[u8]) -> u16 {
    rejected(bytes).response.status().as_u16()
}

/// A client that has asked for all of these.
pub fn asked(methods: &[&str]) -> Stream<HttpClient> {
    let mut stream = Stream::new(HttpClient::new());
    for method in methods {
        stream
            .put(Request::builder().method(*method).uri("http://a:1/").body(Bytes::new()).unwrap());
    }
    stream
}

pub fn response(status: u16, body: &'static str) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::from(body)).unwrap()
}

pub fn get(uri: &str) -> Request<Bytes> {
    Request::get(uri).body(Bytes::new()).unwrap()
}

/// Items as text, so that they can be compared; pieces of data are joined.
pub fn told<T: Tell>(items: Vec<T>) -> String {
    let mut text = String::new();
    for item in items {
        item.tell(&mut text);
    }
    text
}

pub trait Tell {
    fn tell(self, text: &mut String);
}

impl Tell for Request<Bytes> {
    fn tell(self, text: &mut String) {
        let (head, body) = self.into_parts();
        Request::from_parts(head, ()).tell(text);
        text.push_str(&format!("{body:?}\n"));
    }
}

impl Tell for Request<()> {
    fn tell(self, text: &mut String) {
        let head = (self.method(), self.uri(), self.version());
        text.push_str(&format!("{head:?} {}\n", fields(self.headers())));
    }
}

impl Tell for Response<Bytes> {
    fn tell(self, text: &mut String) {
        let (head, body) = self.into_parts();
        Response::from_parts(head, ()).tell(text);
        text.push_str(&format!("{body:?}\n"));
    }
}

impl Tell for Response<()> {
    fn tell(self, text: &mut String) {
        text.push_str(&format!("{} {}\n", self.status(), fields(self.headers())));
    }
}

impl<T: Tell> Tell for Received<T> {
    fn tell(self, text: &mut String) {
        match self {
            Self::Request { item, last } => {
                if last && !text.contains("last:") {
                    text.push_str("last:\n");
                }
                item.tell(text);
            }
            Self::Rejected(rejected) => {
                text.push_str(&format!("rejected: {}\n", rejected.reason));
                rejected.response.tell(text);
                if let Some(request) = rejected.request {
                    request.tell(text);
                }
            }
        }
    }
}

impl<H: Tell> Tell for Piece<H> {
    fn tell(self, text: &mut String) {
        match self {
            Self::Head(head) => head.tell(text),
            Self::Data(data) => {
                assert!(!data.is_empty(), "a piece has at least one byte");
                for byte in data {
                    text.push_str(&format!("{byte:02x}"));
                }
            }
            Self::End(trailers) => text.push_str(&format!("end {}\n", fields(&trailers))),
        }
    }
}

fn fields(headers: &HeaderMap) -> String {
    format!("{headers:?}")
}

/// All that a stream in these reads comes to, its end included.
pub fn outcome<F: Filter>(stream: &mut Stream<F>, reads: &[&[u8]]) -> String
where
    F::Item: Debug + Tell,
{
    let mut text = String::new();
    for read in reads {
        for item in stream.read(read) {
            item.tell(&mut text);
        }
    }
    for item in stream.end() {
        item.tell(&mut text);
    }
    if let Some(error) = &stream.failed {
        text.push_str(&format!("failed: {error}\n"));
    }
    text
}

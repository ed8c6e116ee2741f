//! However a stream is cut into reads, the messages and the errors are the same.

use filters::Filter;
use filters::http::{HttpClient, Httpd};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::kit::{Stream, Tell, get, outcome};
use crate::feed::cases;

/// Streams of requests, good and bad.
const REQUESTS: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\n\nGET /a?b HTTP/1.1\nHost: a\nX: y\n\nGET /2 HTTP/1.0\r\n\r\nGET /3 HTTP/1.1\r\n\r\n",
    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n\r\n\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n01\r\nd\r\n0\r\nT: u\r\n\r\n\
    OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nrest",
    "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
    "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n13\r\nx",
    "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno field\r\n\r\n",
    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 17\r\n\r\nx",
    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nxyGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "ELEPHANT\r\n\r\n",
    "GET / HTTP/3.0\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nbad field\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX: 0123456789012345678901234567890123456789012345678901234567890123456789\
    012345678901234567890123456789\r\n\r\n",
    "bad line\r\nX: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234\
    0123456789012345678901234567890",
    "GET /0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\
    012345678901234567890 HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n1: 1\r\n2: 2\r\n3: 3\r\n4: 4\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\
    GET / HTTP/1.1\r\nHost: a\r\n\r\n",
];

/// Streams of responses, good and bad; two were asked for.
const RESPONSES: &[&str] = &[
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc\r\nHTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: u\r\n\r\n\
    HTTP/1.0 404 Not Found\r\nX: y\r\n\r\nto the end",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
    "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\nab",
    "HTTP/1.1 200 OK\r\n\r\n01234567890123456789",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    "HTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    "220 mail.example.org ESMTP\r\n",
];

fn server() -> Httpd {
    Httpd::new().max_head(120).max_headers(4).max_content(16).max_pipelined(3)
}

/// The filters, each with a stream for it.
fn check(kind: Kind, stream: &[u8], cuts: &[Index]) {
    match kind {
        Kind::Server => same(stream, cuts, || Stream::new(server())),
        Kind::StreamingServer => same(stream, cuts, || {
            Stream::new(Httpd::streaming().max_head(120).max_headers(4).max_pipelined(3))
        }),
        Kind::Client => same(stream, cuts, || {
            let mut stream = Stream::new(HttpClient::new().max_head(120).max_content(16));
            for _ in 0..2 {
                stream.put(get("/"));
            }
            stream
        }),
        Kind::StreamingClient => same(stream, cuts, || {
            let mut stream = Stream::new(HttpClient::streaming().max_head(120));
            for _ in 0..2 {
                stream.put(get("/"));
            }
            stream
        }),
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Server,
    StreamingServer,
    Client,
    StreamingClient,
}

fn same<F: Filter>(stream: &[u8], cuts: &[Index], fresh: impl Fn() -> Stream<F>)
where
    F::Item: Tell + std::fmt::Debug,
{
    let whole = outcome(&mut fresh(), &[stream]);
    for at in 0..=stream.len() {
        let (left, right) = stream.split_at(at);
        assert_eq!(outcome(&mut fresh(), &[left, right]), whole, "cut at {at}");
    }
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(outcome(&mut fresh(), &bytes), whole, "byte by byte");
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    let reads: Vec<&[u8]> = places.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
    assert_eq!(outcome(&mut fresh(), &reads), whole, "cut at {places:?}");
}

#[test]
fn p16_every_split_of_a_sample_gives_the_same_messages() {
    for stream in REQUESTS {
        check(Kind::Server, stream.as_bytes(), &[]);
        check(Kind::StreamingServer, stream.as_bytes(), &[]);
    }
    for stream in RESPONSES {
        check(Kind::Client, stream.as_bytes(), &[]);
        check(Kind::StreamingClient, stream.as_bytes(), &[]);
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn p16_every_split_of_a_spoilt_sample_gives_the_same_messages(
        of_server in any::<bool>(),
        streaming in any::<bool>(),
        which in any::<Index>(),
        spoilt in prop::collection::vec((any::<Index>(), select(b"\r\n\0 :;,0a\xff".to_vec())), 0..3),
        cuts in prop::collection::vec(any::<Index>(), 0..8),
    ) {
        let samples = if of_server { REQUESTS } else { RESPONSES };
        let mut stream = which.get(samples).as_bytes().to_vec();
        for (place, byte) in spoilt {
            let at = place.index(stream.len());
            stream[at] = byte;
        }
        let kind = match (of_server, streaming) {
            (true, false) => Kind::Server,
            (true, true) => Kind::StreamingServer,
            (false, false) => Kind::Client,
            (false, true) => Kind::StreamingClient,
        };
        check(kind, &stream, &cuts);
    }
}

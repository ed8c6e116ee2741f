//! Whatever comes, nobody panics, and nobody keeps more than may be kept.

use bytes::Bytes;
use filters::Filter;
use filters::http::{HttpClient, Httpd};
use http::Request;
use proptest::prelude::*;
use proptest::sample::select;

use super::kit::{Stream, Tell, outcome};
use crate::feed::cases;

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn nothing_that_comes_makes_anyone_panic(stream in stream()) {
        let reads = [&stream[..stream.len() / 2], &stream[stream.len() / 2..]];
        swallows(Httpd::new().max_content(20), &reads);
        swallows(Httpd::streaming(), &reads);
        swallows(asking(HttpClient::new().max_content(20)), &reads);
        swallows(asking(HttpClient::streaming()), &reads);
    }
}

/// The words of the protocol in disorder.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = vec![
        b"GET / HTTP/1.1\r\n",
        b"PUT / HTTP/1.1\r\nHost: a\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"Host: a\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 18446744073709551615\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: ",
        b"0\r\n",
        b"5\r\n",
        b"5\r\nabcde\r\n",
        b"7fffffffffffffff\r\n",
        b"ffffffffffffffff\r\n",
        b"Expect: 100-continue\r\n",
        b"HTTP/1.1 100 \r\n\r\n",
        b"Connection: upgrade\r\n",
        b"\0",
        b"\xff\xfe",
        b" ",
        b"\n",
        b"abcdefghij",
        b"CONNECT a:1 HTTP/1.0\r\n",
    ];
    prop::collection::vec(select(words), 0..16).prop_map(|words| words.concat())
}

fn asking<M>(mut client: HttpClient<M>) -> HttpClient<M>
where
    HttpClient<M>: Filter,
    <HttpClient<M> as Filter>::Out: From<Request<Bytes>>,
{
    let request = Request::get("/").body(Bytes::new()).unwrap();
    client.encode(request.into(), &mut filters::Output::new()).unwrap();
    client
}

fn swallows<F: Filter>(filter: F, reads: &[&[u8]])
where
    F::Item: Tell + std::fmt::Debug,
{
    let mut stream = Stream::new(filter);
    let told = outcome(&mut stream, reads);
    assert!(stream.failed.is_some() || !told.contains("failed"));
    assert!(stream.filter.take_pending().len() <= reads.concat().len() + 64);
}

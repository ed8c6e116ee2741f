//! Messages in pieces.

use bytes::Bytes;
use filters::http::{HttpClient, Httpd, Outgoing, Piece, Received};
use http::{HeaderMap, Request, Response};

use super::kit::{Stream, accepted, told};

fn head(fields: &[(&str, &str)]) -> Outgoing<Response<()>> {
    let mut head = Response::builder();
    for (name, value) in fields {
        head = head.header(*name, *value);
    }
    Outgoing::Head(head.body(()).unwrap())
}

fn data<H>(text: &'static str) -> Outgoing<H> {
    Outgoing::Data(Bytes::from(text))
}

fn end<H>() -> Outgoing<H> {
    Outgoing::End(HeaderMap::new())
}

fn server(request: &str) -> Stream<filters::http::Httpd<filters::http::Streamed>> {
    let mut stream = Stream::new(Httpd::streaming());
    assert!(!stream.read(request.as_bytes()).is_empty());
    stream
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn an_answer_without_a_length_is_chunked() {
    let mut stream = server(GET);
    assert_eq!(stream.put(head(&[])), b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_eq!(stream.put(data("0123456789abcdef")), b"10\r\n0123456789abcdef\r\n");
    assert_eq!(stream.put(data("")), b"", "this would be the end");
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", 7.into());
    assert_eq!(stream.put(Outgoing::End(trailers)), b"0\r\nx-sum: 7\r\n\r\n");
    stream.cannot_put(data("x"));
    stream.cannot_put(end());
}

#[test]
fn an_answer_with_a_length_is_held_to_it() {
    let mut stream = server(GET);
    assert!(stream.put(head(&[("content-length", "3")])).ends_with(b"content-length: 3\r\n\r\n"));
    stream.cannot_put(data("abcd"));
    assert_eq!(stream.put(data("ab")), b"ab");
    stream.cannot_put(end());
    stream.cannot_put(head(&[]));
    assert_eq!(stream.put(data("c")), b"c");
    assert_eq!(stream.put(end()), b"");
}

#[test]
fn to_http_1_0_an_answer_ends_with_the_connection() {
    let mut stream = Stream::new(Httpd::streaming());
    let items = stream.read(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert!(items.iter().all(|item| matches!(item, Received::Request { last: true, .. })));
    assert_eq!(stream.put(head(&[])), b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    assert_eq!(stream.put(data("abc")), b"abc");
    assert_eq!(stream.put(end()), b"");
    stream.cannot_put(head(&[]));
}

#[test]
fn the_pieces_of_a_body_that_there_cannot_be_are_dropped() {
    let mut stream = server("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(stream.put(head(&[("content-length", "3")])).ends_with(b"content-length: 3\r\n\r\n"));
    assert_eq!(stream.put(data("abcdef")), b"");
    assert_eq!(stream.put(end()), b"");
}

#[test]
fn trailers_are_delivered_apart() {
    let mut stream = Stream::new(Httpd::streaming());
    let mut items = stream.read(
        b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: b\r\nX: y\r\n\r\n",
    );
    let Piece::End(trailers) = accepted(items.pop().unwrap()) else { panic!("{}", told(items)) };
    assert_eq!((trailers.len(), trailers["host"].as_bytes()), (2, &b"b"[..]));
    let Piece::Head(request) = accepted(items.pop().unwrap()) else { panic!("no head") };
    assert_eq!(request.headers()["host"], "a");
}

#[test]
fn a_bad_body_turns_up_behind_its_head() {
    let mut stream = Stream::new(Httpd::streaming());
    let put = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab";
    let mut items = stream.read(put.as_bytes());
    assert_eq!(items.len(), 3);
    let Some(Received::Rejected(rejected)) = items.pop() else { panic!("{}", told(items)) };
    assert!(rejected.request.is_none());
    let sent = stream.put(rejected.response);
    assert!(sent.starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
    stream.cannot_put(head(&[]));

    let mut stream = server("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na");
    assert!(matches!(&stream.end()[..], [Received::Rejected(_)]), "it ends in the middle");
    assert!(stream.end().is_empty());
}

#[test]
fn an_early_answer_does_not_lose_the_rest_of_the_request() {
    let mut stream = server("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
    stream.put(Response::new(Bytes::from("enough")));
    assert_eq!(told(stream.read(format!("cd{GET}").as_bytes())).matches("GET").count(), 1);
}

#[test]
fn a_relay_passes_pieces_on() {
    let mut client = Stream::new(HttpClient::streaming());
    let mut server = Stream::new(Httpd::streaming());
    let put = "PUT /a HTTP/1.1\r\nhost: b\r\nContent-Length: 3\r\n\r\nabc";
    let sent: Vec<u8> = server
        .read(put.as_bytes())
        .into_iter()
        .flat_map(|item| client.put(accepted(item)))
        .collect();
    assert_eq!(sent.to_ascii_lowercase(), put.to_ascii_lowercase().as_bytes());
    let answer = "HTTP/1.1 201 Created\r\nx: y\r\ncontent-length: 2\r\n\r\nok";
    let sent: Vec<u8> =
        client.read(answer.as_bytes()).into_iter().flat_map(|piece| server.put(piece)).collect();
    assert_eq!(String::from_utf8(sent).unwrap(), answer);
}

#[test]
fn an_upload_of_unknown_length_needs_http_1_1() {
    let mut client = Stream::new(HttpClient::streaming());
    let old = Request::put("/").version(http::Version::HTTP_10).body(()).unwrap();
    client.cannot_put(Outgoing::Head(old));
    let head = Request::put("/").body(()).unwrap();
    assert!(client.put(Outgoing::Head(head)).ends_with(b"transfer-encoding: chunked\r\n\r\n"));
    client.cannot_put(Request::new(Bytes::new()));
    assert_eq!(client.put(data("x")), b"1\r\nx\r\n");
    assert_eq!(client.put(end()), b"0\r\n\r\n");
    assert!(client.put(Request::new(Bytes::new())).starts_with(b"GET /"));
}

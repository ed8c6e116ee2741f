//! What a client sends and reads.

use bytes::Bytes;
use filters::http::{HttpClient, Piece};
use http::{Request, StatusCode};

use super::kit::{Stream, asked, get, told};

#[test]
fn the_first_line_and_the_host_come_from_the_uri() {
    let cases = [
        ("http://a", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
        ("http://u:p@a:8/b?c", "GET /b?c HTTP/1.1\r\nhost: a:8\r\n\r\n"),
        ("http://[::1]:8//b", "GET //b HTTP/1.1\r\nhost: [::1]:8\r\n\r\n"),
        ("/b", "GET /b HTTP/1.1\r\nhost: \r\n\r\n"),
    ];
    for (uri, expected) in cases {
        let sent = Stream::new(HttpClient::new()).put(get(uri));
        assert_eq!(String::from_utf8(sent).unwrap(), expected);
    }
    let mut client = Stream::new(HttpClient::new());
    let own = Request::get("http://a/").header("host", "b").body(Bytes::new()).unwrap();
    assert_eq!(client.put(own), b"GET / HTTP/1.1\r\nhost: b\r\n\r\n");
    let connect = |uri: &str| Request::connect(uri).body(Bytes::new()).unwrap();
    assert_eq!(client.put(connect("a:1")), b"CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n");
    client.cannot_put(connect("/"));
    let options = Request::options("*").body(Bytes::new()).unwrap();
    assert!(client.put(options).starts_with(b"OPTIONS * HTTP/1.1\r\n"));
    client.cannot_put(get("*"));
}

#[test]
fn a_body_has_a_length_and_a_post_always_has() {
    let mut client = Stream::new(HttpClient::new());
    let post = |body: &'static str| Request::post("http://a").body(Bytes::from(body)).unwrap();
    assert!(client.put(post("xyz")).ends_with(b"content-length: 3\r\n\r\nxyz"));
    assert!(client.put(post("")).ends_with(b"content-length: 0\r\n\r\n"));
    let mut wrong = post("xyz");
    wrong.headers_mut().insert("content-length", 4.into());
    client.cannot_put(wrong);
    let old = Request::get("http://a").version(http::Version::HTTP_10).body(Bytes::new()).unwrap();
    assert!(client.put(old).starts_with(b"GET / HTTP/1.0\r\n"));
}

#[test]
fn what_has_no_body_is_read_without() {
    let mut client = asked(&["HEAD", "GET", "GET", "GET"]);
    let items = client.read(
        b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n\
        HTTP/1.1 204 No Content\r\n\r\n\
        HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n\
        HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    );
    let bodies: Vec<_> =
        items.iter().map(|item| (item.status().as_u16(), item.body().as_ref())).collect();
    assert_eq!(bodies, [(200, &b""[..]), (204, b""), (304, b""), (200, b"a")]);
    assert!(client.end().is_empty() && client.failed.is_none());
}

#[test]
fn interim_responses_are_skipped() {
    let mut client = asked(&["GET"]);
    let items = client.read(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\
        HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
    );
    assert_eq!((items.len(), items[0].status()), (1, StatusCode::OK));

    let mut client = Stream::new(HttpClient::streaming());
    client.put(get("http://a"));
    let items = client.read(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    assert!(matches!(
        &items[..],
        [Piece::Head(a), Piece::Head(b), Piece::End(_)] if a.status() == 100 && b.status() == 204
    ));
}

#[test]
fn a_body_may_end_with_the_stream() {
    for head in ["HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"] {
        let mut client = asked(&["GET"]);
        assert!(client.read(head.as_bytes()).is_empty());
        assert!(client.read(b"some").is_empty() && client.read(b"thing").is_empty());
        let items = client.end();
        assert_eq!((items.len(), items[0].body().as_ref()), (1, &b"something"[..]));
    }
}

#[test]
fn half_a_response_never_passes_for_a_whole_one() {
    let whole =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: u\r\n\r\n";
    for end in 1..whole.len() {
        let mut client = asked(&["GET"]);
        assert!(client.read(&whole.as_bytes()[..end]).is_empty(), "{end}");
        assert!(client.end().is_empty() && client.failed.is_some(), "{end}");
    }
    let mut client = asked(&["GET"]);
    assert!(client.read(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc").is_empty());
    assert!(client.end().is_empty());
    assert!(client.failed.unwrap().to_string().contains("ends in the middle"));

    let mut client = Stream::new(HttpClient::streaming());
    client.put(get("http://a"));
    assert_eq!(client.read(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc").len(), 2);
    assert!(client.end().is_empty() && client.failed.is_some());

    // None at all is another matter: the session sees the stream end.
    let mut client = asked(&["GET"]);
    assert!(client.end().is_empty() && client.failed.is_none());
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let bad = [
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/2 200\r\n",
        "SSH-2.0-OpenSSH\r\n",
    ];
    for bytes in bad {
        let mut client = asked(&["GET"]);
        assert!(client.read(bytes.as_bytes()).is_empty(), "{bytes}");
        let error = client.failed.take().expect(bytes);
        // It is final, and consumes nothing more.
        let left = client.rest.len();
        assert!(client.read(b"HTTP/1.1 204 No Content\r\n\r\n").is_empty());
        assert_eq!((client.failed, client.rest.len()), (Some(error), left + 27));
    }
}

#[test]
fn a_host_in_a_response_means_nothing() {
    let mut stream = asked(&["GET"]);
    let items =
        stream.read(b"HTTP/1.1 200 OK\r\nHost: a, b\r\nHost: c d\r\nContent-Length: 1\r\n\r\nx");
    assert_eq!((items.len(), &stream.failed), (1, &None));
}

#[test]
fn nobody_asked() {
    let mut client = asked(&["GET"]);
    assert_eq!(
        client.read(b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n").len(),
        1
    );
    assert!(client.failed.unwrap().to_string().contains("nobody asked"));
}

#[test]
fn behind_the_last_response_nothing_is_one() {
    let mut client = asked(&["GET", "GET"]);
    let one = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na";
    assert_eq!(client.read(one.repeat(2).as_bytes()).len(), 1);
    assert!(client.rest.is_empty() && client.failed.is_none());
}

#[test]
fn a_tunnel_is_another_filters() {
    for (method, status) in [("CONNECT", "200 OK"), ("GET", "101 Switching Protocols")] {
        let mut client = asked(&[method]);
        let items = client
            .read(format!("HTTP/1.1 {status}\r\nContent-Length: 9\r\n\r\n\x16\x03").as_bytes());
        assert_eq!((items.len(), &client.rest[..]), (1, &b"\x16\x03"[..]), "{}", told(items));
        assert!(client.end().is_empty() && client.failed.is_none());
    }
}

#[test]
fn a_body_over_the_limit_is_refused() {
    for bytes in [
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n",
        "HTTP/1.1 200 OK\r\n\r\nabcd",
    ] {
        let mut client = Stream::new(HttpClient::new().max_content(3));
        client.put(get("http://a"));
        assert!(client.read(bytes.as_bytes()).is_empty());
        assert_eq!(client.failed.unwrap().to_string(), "record exceeds 3 bytes");
    }
}

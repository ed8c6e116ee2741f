//! Requests, by the letter of RFC 9112 and 9110; what smugglers send is refused.

use bytes::Bytes;
use filters::http::{Httpd, Received};

use super::kit::{Stream, accepted, rejected, request, response, served, status};

fn with(fields: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n0123456789").into_bytes()
}

#[test]
fn p_smuggled_requests_find_no_two_readers() {
    let bad = [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length:\r\n",
        "Content-Length : 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: x\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding : chunked\r\n",
        "X: y\r\n Transfer-Encoding: chunked\r\n",
        "X: y\r\n\tfolded\r\n",
        " X: y\r\n",
        "X\0: y\r\n",
        "X: y\0\r\n",
        "X: y\rTransfer-Encoding: chunked\r\n",
        ": nameless\r\n",
        "no colon\r\n",
        "Host: b\r\n",
    ];
    for fields in bad {
        assert_eq!(status(&with(fields)), 400, "{fields:?}");
    }
    for fields in ["Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: \x0bchunked\r\n"] {
        assert!(matches!(status(&with(fields)), 400 | 501), "{fields:?}");
    }
    assert_eq!(status(&with("Transfer-Encoding: gzip\r\n")), 501);
    assert_eq!(status(&with("Transfer-Encoding: xchunked\r\n")), 501);
    assert_eq!(status(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
    assert_eq!(status(&with("Content-Length: 99999999999999999999\r\n")), 413);
}

#[test]
fn chunks_are_to_the_letter() {
    let chunked = |body: &str| {
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n{body}")
            .into_bytes()
    };
    let good = [
        ("0\r\n\r\n", ""),
        ("3\r\nabc\r\n0\r\n\r\n", "abc"),
        ("0A;x=\"y\"\r\n0123456789\r\n1 ; z\r\na\r\n000\r\nT: u\r\n\r\n", "0123456789a"),
    ];
    for (body, content) in good {
        assert_eq!(request(&chunked(body)).body(), content);
    }
    let bad = [
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabc0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "\r\nabc\r\n",
        "-3\r\nabc\r\n",
        "+3\r\nabc\r\n",
        "0x3\r\nabc\r\n",
        " 3\r\nabc\r\n",
        "3 x\r\nabc\r\n",
        "3;a\rb\r\nabc\r\n",
        "g\r\n",
        "0\r\nno field\r\n\r\n",
        "0\r\nT: u\n\n",
        "0\r\n folded: x\r\n\r\n",
    ];
    for body in bad {
        assert_eq!(status(&chunked(body)), 400, "{body:?}");
    }
    assert_eq!(status(&chunked("10000000000000000\r\n")), 413);
    assert_eq!(status(&chunked("ffffffffffffffff\r\n")), 413);
    assert_eq!(status(&chunked(&format!("1;{}", "x".repeat(1100)))), 400);
}

#[test]
fn requests_may_follow_each_other_at_once() {
    let items = served(
        b"POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n\
        PUT /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\ncd\
        GET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    let items: Vec<_> = items
        .into_iter()
        .map(accepted)
        .map(|request| (request.uri().path().to_owned(), request.body().clone()))
        .collect();
    let expected = [("/1", "ab"), ("/2", "cd"), ("/3", "")];
    assert_eq!(items, expected.map(|(uri, body)| (uri.to_owned(), Bytes::from(body))));
}

#[test]
fn whether_it_is_the_last_is_told_with_it() {
    let cases = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", true),
        ("GET / HTTP/1.0\r\n\r\n", true),
        ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", false),
        ("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", true),
    ];
    for (head, expected) in cases {
        // Behind the last one nothing is a request, whatever it looks like.
        let mut items = served(head.repeat(2).as_bytes());
        assert_eq!(items.len(), if expected { 1 } else { 2 }, "{head}");
        let Received::Request { last, .. } = items.remove(0) else { panic!("{head}") };
        assert_eq!(last, expected, "{head}");
    }
}

#[test]
fn targets_are_of_the_form_their_method_wants() {
    let get = |line: &str| format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes();
    let absolute = request(&get("GET http://b:8/c?d"));
    assert_eq!((absolute.uri().host(), absolute.uri().path()), (Some("b"), "/c"));
    let connect = request(&get("CONNECT b:443"));
    assert_eq!(connect.uri().authority().unwrap().as_str(), "b:443");
    for line in [
        "GET *",
        "GET /a#b",
        "GET b:443",
        "GET b",
        "CONNECT /",
        "CONNECT b",
        "CONNECT *",
        "OPTIONS *x",
    ] {
        assert_eq!(status(&get(line)), 400, "{line}");
    }
}

#[test]
fn a_host_is_one_host() {
    assert_eq!(status(b"GET / HTTP/1.1\r\n\r\n"), 400);
    assert_eq!(status(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
    for host in ["a b", "a/b", "u@a", "a,b", "a\\b"] {
        assert_eq!(
            status(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()),
            400,
            "{host}"
        );
    }
    for host in ["", "[::1]:80", "a-b.c_d:8080"] {
        request(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
    }
}

#[test]
fn other_versions_are_505() {
    for version in ["HTTP/2.0", "HTTP/1.2", "HTTP/3"] {
        assert_eq!(status(format!("GET / {version}\r\n").as_bytes()), 505, "{version}");
    }
    assert_eq!(status(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
    assert_eq!(status(b"GET / http/1.1\r\n"), 505);
}

#[test]
fn a_client_that_waits_is_told_to_go_on() {
    let put = b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
    let mut stream = Stream::new(Httpd::new());
    assert!(stream.read(put).is_empty());
    assert_eq!(stream.answer(), b"HTTP/1.1 100 Continue\r\n\r\n");
    assert!(stream.read(b"a").is_empty() && stream.answer().is_empty());
    assert_eq!(accepted(stream.read(b"b").remove(0)).body(), "ab");

    // It did not wait.
    let mut stream = Stream::new(Httpd::new());
    assert!(stream.read(&[&put[..], b"a"].concat()).is_empty());
    assert_eq!(stream.answer(), b"");
    let mut stream = Stream::new(Httpd::new());
    assert!(stream.read(put).is_empty() && stream.read(b"a").is_empty());
    assert_eq!(stream.answer(), b"");

    // It need not even try.
    let mut stream = Stream::new(Httpd::new().max_content(1));
    assert!(
        matches!(&stream.read(put)[..], [Received::Rejected(it)] if it.response.status() == 413)
    );
    assert_eq!(stream.answer(), b"");

    let other = b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: the best\r\nContent-Length: 2\r\n\r\n";
    assert_eq!(status(other), 417);
    let old = b"PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    let mut stream = Stream::new(Httpd::new());
    assert!(stream.read(old).is_empty() && stream.answer().is_empty());
}

#[test]
fn nobody_is_told_to_go_on_before_the_answers_of_earlier_requests() {
    let put = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    let mut stream = Stream::new(Httpd::new());
    assert_eq!(stream.read(format!("GET / HTTP/1.1\r\nHost: a\r\n\r\n{put}").as_bytes()).len(), 1);
    assert_eq!(stream.answer(), b"");
    let sent = stream.put(response(200, "x"));
    assert_eq!(sent, b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxHTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(stream.answer(), b"");
}

#[test]
fn a_stream_that_ends_in_the_middle_says_so() {
    for part in [
        "G",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na",
    ] {
        let mut stream = Stream::new(Httpd::new());
        assert!(stream.read(part.as_bytes()).is_empty());
        let items = stream.end();
        assert!(
            matches!(&items[..], [Received::Rejected(it)] if it.response.status() == 400),
            "{part}"
        );
        assert!(stream.rest.is_empty());
        assert!(stream.put(response(400, "")).ends_with(b"connection: close\r\n\r\n"));
    }
    let mut stream = Stream::new(Httpd::new());
    assert!(stream.read(b"\r\n").is_empty() && stream.end().is_empty());
}

#[test]
fn the_reason_is_for_the_log_and_for_the_client() {
    let rejected = rejected(&with("Content-Length: 1\r\nContent-Length: 2\r\n"));
    assert_eq!(rejected.reason, "there are two lengths");
    assert_eq!(rejected.response.body(), "there are two lengths\n");
    assert_eq!(rejected.request.unwrap().method(), "POST");
}

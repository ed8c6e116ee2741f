//! What a server sends.

use bytes::Bytes;
use filters::http::{Httpd, Received};
use http::{Response, header};

use super::kit::{Stream, response, told};

fn asked(requests: &str) -> Stream<Httpd> {
    let mut stream = Stream::new(Httpd::new());
    assert!(!stream.read(requests.as_bytes()).is_empty());
    stream
}

fn put(stream: &mut Stream<Httpd>, response: Response<Bytes>) -> String {
    String::from_utf8(stream.put(response)).unwrap()
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
const OLD: &str = "GET / HTTP/1.0\r\n\r\n";
const OLD_ALIVE: &str = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
const LAST: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[test]
fn a_length_is_added_and_a_word_about_the_connection_where_it_is_needed() {
    let cases = [
        (GET, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
        (OLD, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"),
        (OLD_ALIVE, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nok"),
        (LAST, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"),
        (HEAD, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"),
    ];
    for (request, expected) in cases {
        assert_eq!(put(&mut asked(request), response(200, "ok")), expected, "{request}");
    }
}

#[test]
fn what_has_no_body_gets_none() {
    for status in [204, 304] {
        let sent = put(&mut asked(GET), response(status, ""));
        assert!(!sent.contains("content-length") && sent.ends_with("\r\n\r\n"), "{sent}");
    }
    let sent = put(&mut asked(GET), response(204, "lost"));
    assert_eq!(sent, "HTTP/1.1 204 No Content\r\n\r\n");
    let mut described = response(304, "");
    described.headers_mut().insert(header::CONTENT_LENGTH, 77.into());
    assert!(put(&mut asked(GET), described.clone()).contains("content-length: 77"));
    *described.status_mut() = http::StatusCode::OK;
    assert!(put(&mut asked(HEAD), described).contains("content-length: 77"));
    assert!(!put(&mut asked(HEAD), response(200, "")).contains("content-length"));
}

#[test]
fn answers_meet_their_requests() {
    let mut stream = asked(&[HEAD, GET, HEAD, LAST].concat());
    let sent = [(); 4].map(|()| put(&mut stream, response(200, "ok")));
    assert!(sent[0].ends_with("\r\n\r\n") && sent[2] == sent[0]);
    assert!(sent[1].ends_with("\r\n\r\nok") && sent[3].ends_with("close\r\n\r\nok"));
    stream.cannot_put(response(200, "one too many"));
}

#[test]
fn an_answer_may_end_the_connection() {
    let mut stream = asked(&GET.repeat(2));
    let mut last = response(200, "");
    last.headers_mut().insert(header::CONNECTION, "close".parse().unwrap());
    let sent = put(&mut stream, last);
    assert_eq!(sent.matches("close").count(), 1);
    stream.cannot_put(response(200, ""));
    assert!(stream.read(GET.as_bytes()).is_empty() && stream.rest.is_empty());
}

#[test]
fn a_length_that_is_wrong_cannot_be_sent() {
    let mut stream = asked(GET);
    for (name, value) in
        [("content-length", "3"), ("content-length", "x"), ("transfer-encoding", "chunked")]
    {
        let mut bad = response(200, "ok");
        bad.headers_mut().insert(name, value.parse().unwrap());
        stream.cannot_put(bad);
    }
    assert_eq!(
        put(&mut stream, response(200, "ok")),
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    );
}

#[test]
fn an_interim_answer_is_not_the_answer() {
    let mut stream = asked(GET);
    let mut hints = response(103, "");
    hints.headers_mut().insert(header::LINK, "</a.css>".parse().unwrap());
    assert_eq!(put(&mut stream, hints), "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n");
    assert!(put(&mut stream, response(200, "ok")).ends_with("ok"));
    let mut old = asked(OLD);
    assert_eq!(put(&mut old, response(103, "")), "");
    assert!(put(&mut old, response(200, "ok")).ends_with("ok"));
}

#[test]
fn behind_an_upgrade_nothing_is_read_until_it_is_answered() {
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    for (request, status) in [(upgrade, 101), ("CONNECT b:1 HTTP/1.1\r\nHost: b\r\n\r\n", 200)] {
        let mut stream = asked(&format!("{request}{GET}"));
        assert_eq!(stream.rest, GET.as_bytes());
        let sent = put(&mut stream, response(status, ""));
        assert!(!sent.contains("content-length") && !sent.contains("close"), "{sent}");
        assert!(stream.read(b"more").is_empty() && stream.end().is_empty());
        assert_eq!(stream.rest, [GET.as_bytes(), b"more"].concat(), "it is another filter's");
    }
    for request in [upgrade, "CONNECT b:1 HTTP/1.1\r\nHost: b\r\n\r\n"] {
        let mut stream = asked(&format!("{request}{GET}"));
        put(&mut stream, response(404, ""));
        assert_eq!(stream.read(b"").len(), 1, "it was HTTP after all");
    }
}

#[test]
fn who_was_turned_away_is_told_so_in_his_turn() {
    let mut stream = Stream::new(Httpd::new());
    let mut items = stream.read(format!("{GET}ELEPHANT\r\n").as_bytes());
    let Some(Received::Rejected(rejected)) = items.pop() else { panic!("{}", told(items)) };
    assert!(put(&mut stream, response(200, "ok")).ends_with("ok"));
    let sent = put(&mut stream, rejected.response);
    assert!(sent.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{sent}");
    assert_eq!(sent.matches("connection: close\r\n").count(), 1);
    stream.cannot_put(response(200, ""));
}

#[test]
fn a_server_may_speak_up_before_it_hangs_up() {
    let mut stream = Stream::new(Httpd::new());
    let sent = put(&mut stream, response(408, ""));
    assert!(sent.contains("connection: close\r\n"), "{sent}");
    stream.cannot_put(response(200, ""));
}

//! POE's scenarios for `Filter::HTTPD`, and those of its regressions.

use bytes::Bytes;
use filters::http::{Httpd, Piece, Received};
use http::{Request, Response, Version};

use super::kit::{Stream, accepted, rejected, request, response, served, status, unsent};
use filters::{Filter, Output};

#[test]
fn a_get() {
    let request = request(b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!((request.method().as_str(), request.uri().path()), ("GET", "/"));
    assert_eq!((request.version(), request.headers().len()), (Version::HTTP_10, 0));
    assert!(request.body().is_empty());
}

#[test]
fn a_get_with_fields() {
    let request = request(
        b"GET /a?b=c HTTP/1.1\r\nHost: localhost\r\nUser-Agent: x\r\nFrom: a@b\r\nX-Many:  v w  \r\n\r\n",
    );
    let field = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(field("host"), "localhost");
    assert_eq!(
        (field("user-agent"), field("from"), field("x-many")),
        ("x".into(), "a@b".into(), "v w".into())
    );
    assert_eq!(request.uri().query(), Some("b=c"));
}

#[test]
fn a_post_with_a_form() {
    let request = request(
        b"POST /foo.mhtml HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\
        Content-Type: application/x-www-form-urlencoded\r\n\r\nI=like&tasty=pie\r\n",
    );
    assert_eq!(
        (request.method().as_str(), request.body().as_ref()),
        ("POST", &b"I=like&tasty=pie\r\n"[..])
    );
}

#[test]
fn a_head_and_an_options_asterisk() {
    assert_eq!(request(b"HEAD /foo.mhtml HTTP/1.1\r\nHost: a\r\n\r\n").method(), "HEAD");
    let options = request(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((options.method().as_str(), options.uri().path()), ("OPTIONS", "*"));
}

#[test]
fn a_multipart_post() {
    let body = b"--xYz\r\nContent-Disposition: form-data; name=\"I\"\r\n\r\nlike\r\n--xYz--\r\n";
    let head = format!(
        "POST /foo HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=xYz\r\n\
        Content-Length: {}\r\n\r\n",
        body.len()
    );
    assert_eq!(request(&[head.as_bytes(), body].concat()).body().as_ref(), body);
}

#[test]
fn nothing_comes_of_a_post_until_its_last_byte() {
    let bytes = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd";
    let mut stream = Stream::new(Httpd::new());
    let (last, rest) =
        bytes.chunks(2).collect::<Vec<_>>().split_last().map(|(a, b)| (*a, b.to_vec())).unwrap();
    for read in rest {
        assert!(stream.read(read).is_empty());
    }
    assert_eq!(accepted(stream.read(last).remove(0)).body(), "abcd");
}

#[test]
fn empty_lines_around_a_request_are_nothing() {
    let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut stream = Stream::new(Httpd::new());
    assert_eq!(stream.read(&[b"\r\n\n", &get[..], b"\r\n"].concat()).len(), 1);
    assert!(stream.read(b"\n\r\n").is_empty());
    assert_eq!(stream.read(get).len(), 1);
    assert!(stream.read(b"\r\n").is_empty() && stream.end().is_empty());
}

#[test]
fn garbage_behind_a_request_is_refused_behind_it() {
    let items = served(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGARBAGE!\r\n");
    assert!(matches!(&items[..], [Received::Request { .. }, Received::Rejected(_)]), "{items:?}");
    // And where the request was the last, it is thrown away, as POE does.
    assert_eq!(served(b"GET / HTTP/1.0\r\n\r\nGARBAGE!\r\n").len(), 1);
}

#[test]
fn a_response_with_latin_1_and_a_binary_body_is_one_piece() {
    let body: Vec<u8> = (0..=255).collect();
    let mut response = Response::new(Bytes::from(body.clone()));
    response.headers_mut().insert("x-name", http::HeaderValue::from_bytes(b"\xe9t\xe9").unwrap());
    let mut out = Output::new();
    Httpd::new().encode(response, &mut out).unwrap();
    let sent = out.contiguous().expect("one piece").to_vec();
    assert_eq!(sent, unsent(&out));
    assert!(sent.ends_with(&body) && sent.windows(3).any(|three| three == b"\xe9t\xe9"));
}

#[test]
fn what_is_no_request_is_refused_at_the_end_of_its_line() {
    for line in ["ELEPHANT\r\n", "fifteen\r\n", "GET\t/x\r\n", "GET /\r\n", "GET / HTTP/0.9\r\n"] {
        let status = status(line.as_bytes());
        assert!(matches!(status, 400 | 505), "{line:?}: {status}");
    }
}

#[test]
fn encoded_content_without_a_length_is_411_with_the_request() {
    let rejected = rejected(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\n\r\n");
    assert_eq!(rejected.response.status(), 411);
    assert_eq!(rejected.request.unwrap().uri().path(), "/a");
}

#[test]
fn the_case_of_a_method_is_kept() {
    assert_eq!(request(b"gEt / HTTP/1.1\r\nHost: a\r\n\r\n").method().as_str(), "gEt");
}

#[test]
fn the_body_of_a_get_or_head_is_no_request() {
    for method in ["GET", "HEAD"] {
        let inner = "POST /b HTTP/1.1\r\nHost: b\r\n\r\n";
        let all = format!(
            "{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{inner}",
            inner.len()
        );
        assert_eq!(request(all.as_bytes()).body(), inner);
    }
}

#[test]
fn a_gigabyte_is_413_at_once() {
    let rejected = rejected(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n");
    assert_eq!(rejected.response.status(), 413);
    assert!(rejected.request.is_some());
}

#[test]
fn max_content_is_the_longest() {
    let post = |length: usize| {
        format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{}",
            "x".repeat(length)
        )
    };
    let read =
        |length| Stream::new(Httpd::new().max_content(10)).read(post(length).as_bytes()).remove(0);
    assert_eq!(accepted(read(5)).body(), "xxxxx");
    assert_eq!(accepted(read(10)).body().len(), 10);
    assert!(matches!(read(15), Received::Rejected(it) if it.response.status() == 413));
}

#[test]
fn two_slashes_are_a_path() {
    assert_eq!(request(b"GET //foo/bar HTTP/1.0\r\n\r\n").uri(), "//foo/bar");
    assert_eq!(request(b"GET //foo/bar HTTP/1.0\r\n\r\n").uri().path(), "//foo/bar");
}

#[test]
fn streaming_uploads_over_one_connection() {
    let one = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"g\"\r\n\r\ndata\r\n--b--\r\n";
    let two = "a=1&b=2";
    let post = |body: &str| {
        format!("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let all = post(one) + &post(two) + "GET /q?x=y HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut stream = Stream::new(Httpd::streaming());
    let mut bodies = Vec::new();
    for read in all.as_bytes().chunks(7) {
        for item in stream.read(read) {
            match accepted(item) {
                Piece::Head(head) => bodies.push((head.uri().to_string(), Vec::new())),
                Piece::Data(data) => bodies.last_mut().unwrap().1.extend_from_slice(&data),
                Piece::End(trailers) => {
                    assert!(trailers.is_empty());
                    let sent = stream_answer(&mut stream.filter);
                    assert!(sent.starts_with(b"HTTP/1.1 200 OK\r\n"));
                }
            }
        }
    }
    let expected = [("/up", one), ("/up", two), ("/q?x=y", "")];
    let bodies: Vec<_> =
        bodies.iter().map(|(uri, body)| (uri.as_str(), str::from_utf8(body).unwrap())).collect();
    assert_eq!(bodies, expected);
}

fn stream_answer<F: Filter>(filter: &mut F) -> Vec<u8>
where
    F::Out: From<Response<Bytes>>,
{
    let mut out = Output::new();
    filter.encode(response(200, "ok").into(), &mut out).unwrap();
    unsent(&out)
}

#[test]
fn a_request_of_the_client_is_what_the_server_reads() {
    let mut client = Stream::new(filters::http::HttpClient::new());
    let sent = client.put(Request::post("http://me@h:8/p").body(Bytes::from("b")).unwrap());
    assert_eq!(sent, b"POST /p HTTP/1.1\r\nhost: h:8\r\ncontent-length: 1\r\n\r\nb");
}

//! curl and wrk ask a server of whole messages.

use bytes::Bytes;
use http::{Request, Response};
use reactor::Context;
use wheels::ReadWrite;
use wheels::filter::http::{Httpd, Received};

use super::site::{Manner, Site, Then};
use crate::program::Program;

/// Says in its answer what it was asked, and in which words.
#[derive(Clone, Debug)]
pub(super) struct Repeat {
    httpd: Httpd,
}

impl Repeat {
    pub(super) fn new() -> Self {
        Self { httpd: Httpd::new() }
    }
}

impl Manner for Repeat {
    type Filter = Httpd;

    fn filter(&self) -> Httpd {
        self.httpd.clone()
    }

    fn came(
        &mut self,
        cx: &mut Context<'_>,
        wheel: &ReadWrite<Httpd>,
        item: Received<Request<Bytes>>,
    ) -> Then {
        let (response, last) = match item {
            Received::Request { item, last } => (repeat(&item), last),
            Received::Rejected(rejected) => (rejected.response, true),
        };
        wheel.put(cx, response);
        if last { Then::End } else { Then::GoOn }
    }
}

fn repeat(request: &Request<Bytes>) -> Response<Bytes> {
    let (method, uri, body) = (request.method(), request.uri(), request.body());
    let mut answer =
        format!("{method} {uri} {:?} {}\n", request.version(), body.len()).into_bytes();
    answer.extend_from_slice(body);
    Response::new(answer.into())
}

#[test]
fn a_get_a_head_and_a_post() {
    let mut site = Site::serve(Repeat::new());
    let url = site.url("/a?b=c");
    assert_eq!(site.curl(&[&url]), "GET /a?b=c HTTP/1.1 0\n");
    assert_eq!(site.curl(&["-d", "x=1&y", &url]), "POST /a?b=c HTTP/1.1 5\nx=1&y");
    let head = site.curl(&["--head", &url]);
    assert_eq!(head, "HTTP/1.1 200 OK\r\ncontent-length: 23\r\n\r\n", "of HEAD instead of GET");
    site.end();
}

#[test]
fn one_connection_serves_as_many_requests_as_it_is_used_for() {
    let mut site = Site::serve(Repeat::new());
    let (a, b, c) = (site.url("/a"), site.url("/b"), site.url("/c"));
    let said =
        site.curl(&["-d", "body", &a, &b, "--next", "-sS", "--head", &c, "--next", "-sS", &c]);
    let (posts, rest) = said.split_at(said.find("HTTP/1.1 200").expect("a head"));
    assert_eq!(posts, "POST /a HTTP/1.1 4\nbodyPOST /b HTTP/1.1 4\nbody");
    assert!(rest.ends_with("\r\n\r\nGET /c HTTP/1.1 0\n"), "{rest}");
    site.run_until_told("the end of the connection", |told| told.ends == 1);
    assert_eq!(site.told.borrow().opened, 1);
    site.end();
}

#[test]
fn http_1_0_gets_one_answer_and_the_end_unless_it_asks_for_more() {
    let mut site = Site::serve(Repeat::new());
    let url = site.url("/old");
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n";
    let said = site.curl(&["-0", "-i", "-H", "Connection: close", &url, &url]);
    assert_eq!(said, format!("{head}connection: close\r\n\r\nGET /old HTTP/1.0 0\n").repeat(2));
    assert_eq!(site.told.borrow().opened, 2);

    let said = site.curl(&["-0", "-i", "-H", "Connection: keep-alive", &url, &url]);
    assert_eq!(
        said,
        format!("{head}connection: keep-alive\r\n\r\nGET /old HTTP/1.0 0\n").repeat(2)
    );
    assert_eq!(site.told.borrow().opened, 3);
    site.end();
}

/// curl would wait for a minute, and the test would be over before.
#[test]
fn who_expects_to_be_told_to_continue_is_told() {
    let mut site = Site::serve(Repeat::new());
    let url = site.url("/");
    let body = "x".repeat(500_000);
    let mut curl = Site::start_curl(&[
        "-v",
        "--expect100-timeout",
        "600",
        "-H",
        "Expect: 100-continue",
        "-T",
        "-",
        "-H",
        "Transfer-Encoding: chunked",
        &url,
    ]);
    let feeder = curl.feed(body.clone().into());
    let (status, said) = curl.run_to_end(&mut site.kernel);
    feeder.join();
    assert!(status.success(), "{}", curl.noted());
    let noted = curl.noted();
    let interim = noted.lines().filter(|line| line.starts_with("< HTTP/1.1 100 Continue")).count();
    assert_eq!(interim, 1, "{noted}");
    assert!(said.starts_with(b"PUT / HTTP/1.1 500000\n") && said.ends_with(body.as_bytes()));
    site.end();
}

#[test]
fn a_body_that_is_too_long_is_refused_and_curl_hears_why() {
    let mut site = Site::serve(Repeat { httpd: Httpd::new().max_content(1000) });
    let url = site.url("/");
    let body = "x".repeat(100_000);
    let code = ["-o", "/dev/null", "-w", "%{http_code} %{size_upload} %{errormsg}"];
    // It is announced, and curl waits: nothing of it is sent.
    let waits = ["--expect100-timeout", "600", "-H", "Expect: 100-continue", "-d", &body, &url];
    assert_eq!(site.curl(&[&code[..], &waits].concat()), "413 0 ");
    // It is announced, and on its way.
    let hurries = ["-H", "Expect:", "-d", &body, &url];
    let said = site.curl(&[&code[..], &hurries].concat());
    assert!(said.starts_with("413 "), "{said}");
    // It is not announced.
    let chunked = ["-H", "Expect:", "-H", "Transfer-Encoding: chunked", "-d", &body, &url];
    let said = site.curl(&[&code[..], &chunked].concat());
    assert!(said.starts_with("413 "), "{said}");
    // What fits is taken.
    assert_eq!(&site.curl(&[&code[..], &["-d", &body[..1000], &url]].concat())[..4], "200 ");
    assert_eq!(site.told.borrow().opened, 4);
    site.end();
}

/// An offer of HTTP/2 that is not taken up.
#[test]
fn an_upgrade_that_is_not_granted_is_a_request_like_any_other() {
    let mut site = Site::serve(Repeat::new());
    let url = site.url("/");
    let offers = ["-H", "Connection: Upgrade, HTTP2-Settings", "-H", "Upgrade: h2c"];
    let said = site.curl(&[&offers[..], &["-d", "body", &url, &url]].concat());
    assert_eq!(said, "POST / HTTP/1.1 4\nbody".repeat(2));
    assert_eq!(site.told.borrow().opened, 1);
    site.end();
}

#[test]
fn fifty_connections_in_a_hurry_get_nothing_but_answers() {
    let mut site = Site::serve(Repeat::new());
    let mut wrk = Program::start("wrk", &["-t1", "-c50", "-d2s", &site.url("/")]);
    let (status, said) = wrk.run_to_end(&mut site.kernel);
    let said = String::from_utf8(said).unwrap();
    assert!(status.success(), "{said}{}", wrk.noted());
    assert!(!said.contains("Non-2xx") && !said.contains("Socket errors"), "{said}");
    let line = said.lines().find(|line| line.contains(" requests in ")).expect("a sum");
    let requests: u64 = line.trim().split(' ').next().unwrap().parse().unwrap();
    assert!(requests > 0, "{said}");
    // It leaves without reading the last answers.
    site.run_until_told("the end of all", |told| told.ends + told.failures.len() == told.opened);
    assert!(site.told.borrow().opened >= 50);
    for failure in site.told.borrow_mut().failures.drain(..) {
        assert!([ECONNRESET, EPIPE].contains(&failure.errnum), "{failure}");
    }
    site.end();
}

const EPIPE: i32 = 32;
const ECONNRESET: i32 = 104;

//! The web server.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::symlink;
use std::process::Stdio;

use rustix::process::Signal;

use crate::folder::Folder;
use crate::program::{End, Program, Server};

const LONG: usize = 32 << 20;

/// A server of a folder, which lies in another.
struct Site {
    folder: Folder,
    server: Server,
}

impl Site {
    fn new(name: &str) -> Self {
        Self::patient(name, "60")
    }

    fn patient(name: &str, seconds: &str) -> Self {
        let folder = Folder::new(name);
        fs::create_dir_all(folder.at("site/sub")).unwrap();
        fs::write(folder.at("secret"), "secret").unwrap();
        fs::write(folder.at("site/a b.txt"), "0123456789").unwrap();
        fs::write(folder.at("site/sub/index.html"), "<p>").unwrap();
        fs::write(folder.at("site/empty"), "").unwrap();
        let arguments = [folder.at("site"), seconds.to_owned()];
        let arguments = arguments.each_ref().map(String::as_str);
        let server = Server::start_program("http_server", &arguments, None);
        Self { folder, server }
    }

    fn connect(&self) -> Browser {
        Browser(BufReader::new(self.server.connect()))
    }

    /// Asks on a connection of its own.
    fn ask(&self, request: &str, fields: &str) -> Answer {
        let mut browser = self.connect();
        browser.asks(request, fields);
        browser.is_answered()
    }

    fn end(self) {
        assert_eq!(self.server.end(Signal::TERM), End::silent(0));
    }
}

struct Browser(BufReader<TcpStream>);

impl Browser {
    fn asks(&mut self, request: &str, fields: &str) {
        self.sends(format!("{request} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    }

    fn sends(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "after {head:?}");
        }
        head
    }

    fn is_answered(&mut self) -> Answer {
        let head = self.head();
        let answer = Answer { head, body: Vec::new() };
        let length = answer.field("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        Answer { body, ..answer }
    }

    /// What comes before the end.
    fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        rest
    }
}

struct Answer {
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn status(&self) -> &str {
        &self.head[9..12]
    }

    fn field(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&prefix))
    }

    #[track_caller]
    fn is(&self, status: &str, body: &str) {
        assert_eq!((self.status(), String::from_utf8_lossy(&self.body)), (status, body.into()));
    }
}

#[test]
fn files_are_found_by_their_paths() {
    let site = Site::new("http_files");
    let answer = site.ask("GET /a%20b.txt", "");
    answer.is("200", "0123456789");
    assert_eq!(answer.field("content-type"), Some("text/plain; charset=utf-8"));
    assert!(answer.field("date").is_some());
    let answer = site.ask("GET /sub/?x=y", "");
    answer.is("200", "<p>");
    assert_eq!(answer.field("content-type"), Some("text/html; charset=utf-8"));
    let answer = site.ask("GET //sub", "");
    answer.is("301", "301 Moved Permanently\n");
    assert_eq!(answer.field("location"), Some("/sub/"));
    site.ask("GET /empty", "").is("200", "");
    site.ask("GET /", "").is("404", "404 Not Found\n");
    site.ask("GET /nothing", "").is("404", "404 Not Found\n");
    site.ask("GET /empty/", "").is("404", "404 Not Found\n");
    site.ask("GET /%4", "").is("400", "400 Bad Request\n");
    site.end();
}

#[test]
fn nothing_outside_of_the_directory_is_served() {
    let site = Site::new("http_outside");
    symlink("../secret", site.folder.at("site/out")).unwrap();
    symlink(site.folder.at("secret"), site.folder.at("site/far_out")).unwrap();
    symlink("a b.txt", site.folder.at("site/in")).unwrap();
    let paths = [
        "/../secret",
        "/sub/../../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/out",
        "/far_out",
        "//etc/passwd",
        "/secret%00",
    ];
    for path in paths {
        let answer = site.ask(&format!("GET {path}"), "");
        assert_eq!(answer.status(), "404", "{path}");
    }
    site.ask("GET /in", "").is("200", "0123456789");
    site.ask("GET /sub/../in", "").is("200", "0123456789");
    site.end();
}

#[test]
fn many_requests_on_a_connection_are_answered_in_their_order() {
    let site = Site::new("http_order");
    File::create(site.folder.at("site/long")).unwrap().set_len(LONG as u64).unwrap();
    let mut browser = site.connect();
    for request in ["GET /a%20b.txt", "HEAD /long", "GET /long", "GET /sub/", "HEAD /a%20b.txt"] {
        browser.asks(request, "");
    }
    browser.asks("GET /empty", "Connection: close\r\n");
    browser.is_answered().is("200", "0123456789");
    let head = browser.head();
    assert!(head.contains(&format!("content-length: {LONG}\r\n")), "{head}");
    let long = browser.is_answered();
    assert_eq!((long.status(), long.body.len()), ("200", LONG));
    browser.is_answered().is("200", "<p>");
    assert!(browser.head().contains("content-length: 10\r\n"));
    browser.is_answered().is("200", "");
    assert_eq!(browser.rest(), b"");
    site.end();
}

#[test]
fn of_a_long_file_no_more_is_read_than_is_sent() {
    let site = Site::new("http_long");
    let length = 256 << 20;
    File::create(site.folder.at("site/long")).unwrap().set_len(length).unwrap();
    let mut browsers: Vec<Browser> = (0..8).map(|_| site.connect()).collect();
    for browser in &mut browsers {
        browser.asks("GET /long", "");
        browser.head();
    }
    for browser in &mut browsers {
        let got = std::io::copy(&mut browser.0.by_ref().take(length), &mut std::io::sink());
        assert_eq!(got.unwrap(), length);
        browser.asks("GET /sub/", "");
        browser.is_answered().is("200", "<p>");
    }
    let status = fs::read_to_string(format!("/proc/{}/status", site.server.program.id())).unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let most: u64 = most.trim_end_matches("kB").trim().parse().unwrap();
    assert!(most < 64 << 10, "{most} KiB");
    drop(browsers);
    site.end();
}

#[test]
fn a_part_of_a_file_is_sent_or_nothing_if_it_has_not_changed() {
    let site = Site::new("http_parts");
    let part = |range: &str| site.ask("GET /a%20b.txt", &format!("Range: {range}\r\n"));
    for (range, said, body) in [
        ("bytes=2-4", "bytes 2-4/10", "234"),
        ("bytes=8-99", "bytes 8-9/10", "89"),
        ("bytes=9-", "bytes 9-9/10", "9"),
        ("bytes=-3", "bytes 7-9/10", "789"),
        ("bytes=-99", "bytes 0-9/10", "0123456789"),
    ] {
        let answer = part(range);
        answer.is("206", body);
        assert_eq!(answer.field("content-range"), Some(said));
    }
    for range in ["bytes=10-", "bytes=-0", "bytes=99-100"] {
        let answer = part(range);
        answer.is("416", "416 Range Not Satisfiable\n");
        assert_eq!(answer.field("content-range"), Some("bytes */10"));
    }
    for range in ["bytes=4-2", "bytes=0-1,3-4", "bytes=-", "lines=1-2", "bytes=x-"] {
        part(range).is("200", "0123456789");
    }
    let answer = site.ask("GET /a%20b.txt", "Range: bytes=0-1\r\nIf-Range: \"x\"\r\n");
    answer.is("200", "0123456789");
    let modified = answer.field("last-modified").unwrap();
    let known = |date: &str| site.ask("GET /a%20b.txt", &format!("If-Modified-Since: {date}\r\n"));
    known(modified).is("304", "");
    known("Thu, 01 Jan 1970 00:00:00 GMT").is("200", "0123456789");
    known("yesterday").is("200", "0123456789");
    site.end();
}

#[test]
fn what_is_posted_is_counted() {
    let site = Site::new("http_post");
    let counted = "{\"bytes\":8,\"lines\":2}\n";
    let mut browser = site.connect();
    browser.asks("POST /api/count", "Content-Length: 8\r\n");
    browser.sends("one\n");
    browser.sends("two\n");
    browser.is_answered().is("200", counted);
    let fields = "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n";
    browser.asks("POST /api/count", fields);
    assert_eq!(browser.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    browser.sends("6\r\none\ntw\r\n2\r\no\n\r\n0\r\n\r\n");
    browser.is_answered().is("200", counted);
    browser.asks("GET /api/status", "");
    let answer = browser.is_answered();
    assert_eq!(answer.field("content-type"), Some("application/json"));
    let body = String::from_utf8(answer.body).unwrap();
    assert!(body.starts_with("{\"uptime\":"), "{body}");
    assert!(body.ends_with(",\"requests\":3,\"connections\":1}\n"), "{body}");
    drop(browser);
    site.end();
}

#[test]
fn what_cannot_be_done_is_answered_with_the_reason() {
    let site = Site::patient("http_refused", "1");
    for (request, allowed) in [
        ("GET /api/count", "POST"),
        ("DELETE /api/status", "GET, HEAD"),
        ("PUT /a%20b.txt", "GET, HEAD"),
    ] {
        let answer = site.ask(request, "");
        answer.is("405", "405 Method Not Allowed\n");
        assert_eq!(answer.field("allow"), Some(allowed));
    }
    let length = (1 << 20) + 1;
    let mut browser = site.connect();
    browser.asks("POST /api/count", &format!("Content-Length: {length}\r\n"));
    browser.is_answered().is("413", "413 Payload Too Large\n");
    assert_eq!(browser.rest(), b"");
    let mut browser = site.connect();
    browser.asks("POST /api/count", "Transfer-Encoding: chunked\r\n");
    browser.sends(format!("{length:x}\r\n"));
    browser.sends(vec![b'x'; length]);
    browser.is_answered().is("413", "413 Payload Too Large\n");
    assert_eq!(browser.rest(), b"");
    let mut browser = site.connect();
    browser.sends("rubbish\r\n\r\n");
    assert_eq!(browser.is_answered().status(), "400");
    assert_eq!(browser.rest(), b"");
    // A second for the head, and one for the body.
    for (request, body) in [("GET / HTTP/1.1\r\nHo", ""), ("POST / HTTP/1.1\r\nHost: a\r\n", "x")] {
        let mut browser = site.connect();
        browser.sends(request);
        if !body.is_empty() {
            browser.sends(format!("Content-Length: 2\r\n\r\n{body}"));
        }
        browser.is_answered().is("408", "408 Request Timeout\n");
        assert_eq!(browser.rest(), b"");
    }
    site.end();
}

#[test]
fn the_end_of_the_server_waits_for_the_answers_that_were_begun() {
    let site = Site::new("http_end");
    File::create(site.folder.at("site/long")).unwrap().set_len(LONG as u64).unwrap();
    let (mut idle, mut busy) = (site.connect(), site.connect());
    idle.asks("GET /sub/", "");
    idle.is_answered().is("200", "<p>");
    busy.asks("GET /long", "");
    let head = busy.head();
    let mut posting = site.connect();
    posting.asks("POST /api/count", "Content-Length: 4\r\nExpect: 100-continue\r\n");
    posting.head();
    site.server.program.kill(Signal::TERM);
    assert_eq!(idle.rest(), b"");
    posting.sends("one\n");
    let answer = posting.is_answered();
    answer.is("200", "{\"bytes\":4,\"lines\":1}\n");
    assert_eq!(answer.field("connection"), Some("close"));
    assert_eq!(posting.rest(), b"");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!(busy.rest().len(), LONG);
    assert_eq!(site.server.program.end(), End::silent(0));
}

#[test]
fn a_browser_that_has_no_more_to_ask_gets_its_answer() {
    let site = Site::new("http_half");
    File::create(site.folder.at("site/long")).unwrap().set_len(LONG as u64).unwrap();
    let mut browser = site.connect();
    browser.asks("GET /long", "");
    browser.asks("GET /a%20b.txt", "");
    browser.0.get_ref().shutdown(Shutdown::Write).unwrap();
    assert_eq!(browser.is_answered().body.len(), LONG);
    browser.is_answered().is("200", "0123456789");
    assert_eq!(browser.rest(), b"");
    site.end();
}

#[test]
fn bad_arguments_of_the_web_server_are_answered_with_its_usage() {
    for arguments in
        [&["7777"][..], &["127.0.0.1:0", ".", "soon"], &["127.0.0.1:0", ".", "1", "more"]]
    {
        let end = Program::start("http_server", arguments, Stdio::null()).end();
        let usage = "usage: http_server [ADDR:PORT [DIRECTORY [SECONDS]]]\n";
        assert_eq!(end, End::complained(2, usage), "{arguments:?}");
    }
    let end = Program::start("http_server", &["127.0.0.1:0", "/nowhere"], Stdio::null()).end();
    assert_eq!(end, End::complained(1, "/nowhere: No such file or directory (os error 2)\n"));
}

//! The crawler, on sites that a test makes up.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use crate::program::{self, End, Program};

const USAGE: &str =
    "usage: web_crawler [--connections N] [--pages N] [--depth N] [--seconds N] URL...\n";

/// Answers each path with what a function makes of it.
struct Site {
    address: SocketAddr,
    asked: Arc<Asked>,
}

/// How many requests wait for their answers, and how many did at most.
#[derive(Default)]
struct Asked {
    now: AtomicUsize,
    at_most: AtomicUsize,
}

type Page = fn(&str) -> Option<String>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Manners {
    KeepsOpen,
    /// Closes after each answer, and has not said that it would.
    HangsUp,
}

impl Site {
    fn open(manners: Manners, page: Page) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Asked::default());
        let all_asked = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, asked) = (stream.unwrap(), Arc::clone(&all_asked));
                thread::spawn(move || serve(&stream, &asked, manners, page));
            }
        });
        Self { address, asked }
    }

    fn crawl(&self, options: &[&str], path: &str) -> End {
        let url = format!("http://{}{path}", self.address);
        Program::start("web_crawler", &[options, &[&url]].concat(), Stdio::null()).end()
    }

    fn most_at_once(&self) -> usize {
        self.asked.at_most.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: &TcpStream, asked: &Asked, manners: Manners, page: Page) {
    let mut reader = BufReader::new(stream);
    while let Some(path) = request(&mut reader) {
        asked.at_most.fetch_max(asked.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        // Whoever is not answered waits until they give up.
        let Some(page) = page(&path) else { continue };
        asked.now.fetch_sub(1, Ordering::SeqCst);
        stream.write_all(page.as_bytes()).unwrap();
        if manners == Manners::HangsUp {
            break;
        }
    }
}

/// The path of the next request.
fn request(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head.split(' ').nth(1)?.to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "a page may be no answer at all")]
fn html(body: &str) -> Option<String> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html";
    Some(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// The paths that were fetched, and what was said of all of them.
fn paths(end: &End) -> (BTreeSet<String>, String) {
    let mut lines: Vec<&str> = end.stdout.lines().collect();
    let count = lines.pop().expect("a count at the end");
    let path = |line: &&str| {
        let url = line.split(' ').nth(2).expect("status, bytes and url");
        let path = url.splitn(4, '/').nth(3).expect("a path");
        format!("/{path}")
    };
    let paths: BTreeSet<String> = lines.iter().map(path).collect();
    assert_eq!(paths.len(), lines.len(), "each page once: {}", end.stdout);
    (paths, count.to_owned())
}

fn set<const N: usize>(paths: [&str; N]) -> BTreeSet<String> {
    paths.map(str::to_owned).into()
}

/// A page that links to nineteen.
fn star(path: &str) -> Option<String> {
    let links = (1..20).map(|page| format!("<a href='/page/{page}'>"));
    html(&if path == "/" { links.collect() } else { String::from("here\n") })
}

/// Each page links to the next.
fn chain(path: &str) -> Option<String> {
    let page: u32 = path.trim_start_matches('/').parse().ok()?;
    html(&format!("<a href={}>", page + 1))
}

#[test]
fn a_site_is_crawled_with_no_more_connections_than_it_may_have() {
    let site = Site::open(Manners::KeepsOpen, star);
    let end = site.crawl(&["--connections", "2"], "/");
    let (paths, count) = paths(&end);
    assert_eq!((paths.len(), end.code, end.stderr.as_str()), (20, Some(0), ""));
    let start = star("/").unwrap();
    let bytes = start.len() - start.find("\r\n\r\n").unwrap() - 4 + 19 * "here\n".len();
    assert_eq!(count, format!("20 pages, {bytes} bytes, 0 failed, 2 connections"));
    assert!(site.most_at_once() <= 2);
}

#[test]
fn every_page_is_fetched_of_a_server_that_hangs_up() {
    let site = Site::open(Manners::HangsUp, star);
    let end = site.crawl(&["--connections", "3"], "/");
    let (paths, count) = paths(&end);
    assert_eq!((paths.len(), end.code), (20, Some(0)));
    assert!(count.starts_with("20 pages, ") && count.contains(" 0 failed"), "{count}");
    assert!(site.most_at_once() <= 3);
}

#[test]
fn pages_are_fetched_side_by_side() {
    static ALL_THERE: Barrier = Barrier::new(4);
    let site = Site::open(Manners::KeepsOpen, |path| {
        if path == "/" {
            return html("<a href=1><a href=2><a href=3><a href=4>");
        }
        ALL_THERE.wait();
        html("")
    });
    let (paths, count) = paths(&site.crawl(&["--connections", "4"], "/"));
    assert_eq!(paths, set(["/", "/1", "/2", "/3", "/4"]));
    assert!(count.ends_with(" 0 failed, 4 connections"), "{count}");
}

#[test]
fn links_are_followed_so_far_and_no_farther() {
    let site = Site::open(Manners::KeepsOpen, chain);
    let (by_depth, _) = paths(&site.crawl(&["--depth", "3"], "/1"));
    assert_eq!(by_depth, set(["/1", "/2", "/3", "/4"]));
    let (by_pages, _) = paths(&site.crawl(&["--pages", "2"], "/1"));
    assert_eq!(by_pages, set(["/1", "/2"]));
}

#[test]
fn links_are_understood_however_they_are_written() {
    let site = Site::open(Manners::KeepsOpen, |path| {
        match path {
        "/" => Some("HTTP/1.1 302 Found\r\nLocation: /deep/er/\r\nContent-Length: 0\r\n\r\n".into()),
        "/deep/er/" => html(
            "<a href=page><A HREF = '../up#there'> <a href=\"/top?a&amp;b\"><a href='?query'>
             <a href='#here'><a href=./page><a href='../../../../root'><a href=\"https://127.0.0.1/\">
             <a href='http://elsewhere.example/'><a href='mailto:me'><a href=''><a href='sp ace'><a href",
        ),
        _ => html("<a href='/'>"),
    }
    });
    let (paths, _) = paths(&site.crawl(&[], "/"));
    let expected =
        ["/", "/deep/er/", "/deep/er/page", "/deep/up", "/top?a&b", "/deep/er/?query", "/root"];
    assert_eq!(paths, set(expected));
}

#[test]
fn a_page_that_does_not_come_is_given_up() {
    let site = Site::open(Manners::KeepsOpen, |path| match path {
        "/" => html("<a href='/silent'><a href='/half'><a href='/nonsense'>"),
        "/half" => html("half of it").map(|page| page[..page.len() - 5].to_owned()),
        "/nonsense" => Some("no HTTP\r\n\r\n".into()),
        _ => None,
    });
    let end = site.crawl(&["--seconds", "1"], "/");
    assert_eq!(end.code, Some(0), "{end:?}");
    let (_, count) = paths(&end);
    assert!(count.starts_with("1 pages, ") && count.contains(" 3 failed"), "{count}");
    for (path, why) in
        [("/silent", "idle_timeout: "), ("/half", "timeout: "), ("/nonsense", "decode: ")]
    {
        let begin = format!("000 0 http://{}{path} ", site.address);
        let told = end.stdout.lines().find_map(|line| line.strip_prefix(&begin));
        assert!(told.is_some_and(|told| told.contains(why)), "{path} in {}", end.stdout);
    }
}

#[test]
fn a_page_that_trickles_in_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
        request(&mut BufReader::new(&stream)).unwrap();
        stream.write_all(head).unwrap();
        // A byte now and then: it is never silent.
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        while stream.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            stream.write_all(b"x").ok();
        }
    });
    let end = Program::start("web_crawler", &["--seconds", "1", &url], Stdio::null()).end();
    let begin = format!("000 0 {url} frame_timeout: ");
    assert!(end.stdout.starts_with(&begin), "{end:?}");
    server.join().unwrap();
}

#[test]
fn a_crawler_that_reaches_nobody_says_so() {
    let nobody = program::refusing();
    let url = format!("http://{}/", nobody.local_addr().unwrap());
    let end = Program::start("web_crawler", &[&url], Stdio::null()).end();
    assert_eq!((end.code, end.stderr.as_str()), (Some(1), "nothing could be fetched\n"));
    let said = format!("000 0 {url} connect: Connection refused\n");
    assert_eq!(end.stdout, said + "0 pages, 0 bytes, 1 failed, 0 connections\n");
}

#[test]
fn bad_arguments_of_the_crawler_are_answered_with_its_usage() {
    let bad: [&[&str]; 7] = [
        &[],
        &["127.0.0.1"],
        &["https://127.0.0.1/"],
        &["http://me@127.0.0.1/"],
        &["--pages", "0", "http://127.0.0.1/"],
        &["--depth", "http://127.0.0.1/"],
        &["http://127.0.0.1/", "--seconds"],
    ];
    for arguments in bad {
        let end = Program::start("web_crawler", arguments, Stdio::null()).end();
        assert_eq!(end, End::complained(2, USAGE), "{arguments:?}");
    }
}

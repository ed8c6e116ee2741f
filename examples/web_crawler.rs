//! A crawler: fetches pages and follows their links within the same host, several at a time and never
//! more than it may. It prints `status bytes url` for each page, with 000 and the reason for one that
//! cannot be fetched, and at the end how many there were.
//!
//! ```text
//! python3 -m http.server --bind 127.0.0.1 8000
//! cargo run --release -p examples --example web_crawler -- --connections 4 --pages 100 http://127.0.0.1:8000/
//! ```

use std::collections::{HashSet, VecDeque};
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::uri::{Authority, Uri};
use http::{Request, Response, Version};
use reactor::{Context, Event, Kernel, Signal, States, WheelMap};
use wheels::filter::http::HttpClient;
use wheels::{Established, Failure, Input, Operation, ReadWrite, SocketFactory};

const CONNECTED: Event<Established> = Event::new("connected");
const GOT_RESPONSE: Event<Input<Response<Bytes>>> = Event::new("got_response");

type Done = Result<(), Box<dyn Error>>;

struct Crawler {
    most: Limits,
    /// What was ever to be fetched: nothing is fetched twice, and the waiting are never more than pages.
    seen: HashSet<Uri>,
    waiting: VecDeque<Page>,
    connecting: WheelMap<(SocketFactory, Page)>,
    asked: WheelMap<Asked>,
    count: Count,
}

struct Limits {
    connections: usize,
    pages: usize,
    /// How many links from where it starts.
    depth: usize,
    /// To connect, until an answer begins, and from its first byte to its last.
    time: Duration,
}

struct Page {
    url: Uri,
    depth: usize,
}

/// A connection that owes us an answer.
struct Asked {
    server: ReadWrite<HttpClient>,
    page: Page,
    used_before: bool,
}

#[derive(Default)]
struct Count {
    pages: usize,
    bytes: usize,
    failed: usize,
    connections: usize,
}

impl Crawler {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Done {
        examples::end_on_signals(cx)?;
        self.go_on(cx)
    }

    /// Begins as much as may be. When nothing is left to do nothing keeps the session, which ends.
    fn go_on(&mut self, cx: &mut Context<'_>) -> Done {
        while self.connecting.len() + self.asked.len() < self.most.connections {
            let Some(page) = self.waiting.pop_front() else { break };
            let connecting = SocketFactory::connect(endpoint(&page.url))
                .connect_timeout(self.most.time)
                .resolve_timeout(self.most.time)
                .build(cx, &CONNECTED, "not_connected");
            self.connecting.insert(connecting.id(), (connecting, page));
        }
        if !self.connecting.is_empty() || !self.asked.is_empty() {
            return Ok(());
        }
        self.say_count()?;
        if self.count.pages > 0 { Ok(()) } else { Err("nothing could be fetched".into()) }
    }

    fn connected(&mut self, cx: &mut Context<'_>, made: Established) {
        let Some((_, page)) = self.connecting.remove(&made.wheel) else { return };
        self.count.connections += 1;
        let server = ReadWrite::builder(made.socket)
            .filter(HttpClient::new())
            .idle_timeout(self.most.time)
            .frame_timeout(self.most.time)
            .build(cx, &GOT_RESPONSE, "got_failure");
        self.ask(cx, Asked { server, page, used_before: false });
    }

    fn ask(&mut self, cx: &mut Context<'_>, asked: Asked) {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = asked.page.url.clone();
        asked.server.put(cx, request);
        self.asked.insert(asked.server.id(), asked);
    }

    fn got_response(&mut self, cx: &mut Context<'_>, input: Input<Response<Bytes>>) -> Done {
        let Some(asked) = self.asked.remove(&input.wheel) else { return Ok(()) };
        let response = input.item;
        let (status, bytes) = (response.status().as_u16(), response.body().len());
        writeln!(io::stdout(), "{status} {bytes} {}", asked.page.url)?;
        self.count.pages += 1;
        self.count.bytes += bytes;
        self.follow(&asked.page, &response);
        // A connection that stays open serves the next page of its host; any other closes here.
        let same_host = |page: &Page| page.url.authority() == asked.page.url.authority();
        if stays_open(&response)
            && let Some(at) = self.waiting.iter().position(same_host)
        {
            let page = self.waiting.remove(at).expect("found there");
            self.ask(cx, Asked { page, used_before: true, ..asked });
        }
        self.go_on(cx)
    }

    /// Keeps what the page leads to for later.
    fn follow(&mut self, page: &Page, response: &Response<Bytes>) {
        if response.status().is_redirection() {
            let to = text(response.headers(), header::LOCATION);
            self.want(page, to, page.depth);
        } else if text(response.headers(), header::CONTENT_TYPE).starts_with("text/html") {
            let html = String::from_utf8_lossy(response.body());
            hrefs(&html).iter().for_each(|link| self.want(page, link, page.depth + 1));
        }
    }

    fn want(&mut self, from: &Page, link: &str, depth: usize) {
        if depth <= self.most.depth
            && self.seen.len() < self.most.pages
            && let Some(url) = resolve(&from.url, link)
            && self.seen.insert(url.clone())
        {
            self.waiting.push_back(Page { url, depth });
        }
    }

    fn not_connected(&mut self, cx: &mut Context<'_>, failure: Failure) -> Done {
        let Some((_, page)) = self.connecting.remove(&failure.wheel) else { return Ok(()) };
        self.failed(cx, &page, &failure)
    }

    fn got_failure(&mut self, cx: &mut Context<'_>, failure: Failure) -> Done {
        let Some(asked) = self.asked.remove(&failure.wheel) else { return Ok(()) };
        // A server may close an idle connection just when it is asked: then it is asked again.
        let closed = matches!(failure.operation, Operation::Read | Operation::Write);
        if asked.used_before && closed {
            self.waiting.push_front(asked.page);
            return self.go_on(cx);
        }
        self.failed(cx, &asked.page, &failure)
    }

    fn failed(&mut self, cx: &mut Context<'_>, page: &Page, failure: &Failure) -> Done {
        self.count.failed += 1;
        writeln!(io::stdout(), "000 0 {} {failure}", page.url)?;
        self.go_on(cx)
    }

    fn got_signal(&mut self, _: &mut Context<'_>, signal: Signal) -> io::Result<()> {
        log::info!("{signal}: good bye");
        self.say_count()
    }

    fn say_count(&self) -> io::Result<()> {
        let Count { pages, bytes, failed, connections } = self.count;
        let said = format!("{failed} failed, {connections} connections");
        writeln!(io::stdout(), "{pages} pages, {bytes} bytes, {said}")
    }
}

fn endpoint(url: &Uri) -> String {
    let authority = url.authority().map_or("", Authority::as_str);
    let has_port = url.host() != Some(authority);
    if has_port { authority.to_owned() } else { format!("{authority}:80") }
}

fn stays_open(response: &Response<Bytes>) -> bool {
    let close = text(response.headers(), header::CONNECTION).eq_ignore_ascii_case("close");
    response.version() == Version::HTTP_11 && !close
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// What the page links to, as it is written there. This is no parser: it finds `href`s, in comments too.
fn hrefs(mut html: &str) -> Vec<String> {
    let mut found = Vec::new();
    let is_name = |name: &[u8]| name.eq_ignore_ascii_case(b"href");
    while let Some(at) = html.as_bytes().windows(4).position(is_name) {
        html = html[at + 4..].trim_start();
        let Some(value) = html.strip_prefix('=') else { continue };
        let value = value.trim_start();
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote),
            Some(_) | None => value.split_once(|end: char| end.is_whitespace() || end == '>'),
        };
        let (link, rest) = value.unwrap_or_default();
        found.push(link.trim().replace("&amp;", "&"));
        html = rest;
    }
    found
}

/// Where a link of this page leads to, if that is on the same host.
fn resolve(page: &Uri, link: &str) -> Option<Uri> {
    let link = link.split('#').next().filter(|link| !link.is_empty())?;
    let host = page.authority()?;
    let (folder, _) = page.path().rsplit_once('/')?;
    let url = match link.split(['/', '?']).next()? {
        scheme if scheme.contains(':') => link.to_owned(),
        "" if link.starts_with("//") => format!("http:{link}"),
        "" if link.starts_with('/') => format!("http://{host}{link}"),
        "" => format!("http://{host}{}{link}", page.path()),
        _ => format!("http://{host}{folder}/{link}"),
    };
    let url: Uri = url.parse().ok()?;
    if url.scheme_str() != Some("http") || url.authority() != Some(host) {
        return None;
    }
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    format!("http://{host}{}{query}", without_dots(url.path())).parse().ok()
}

/// `/a/./b/../c` is `/a/c`.
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    for part in path.split('/').skip(1) {
        match part {
            "." => {}
            ".." => drop(kept.pop()),
            part => kept.push(part),
        }
    }
    let is_folder = path.ends_with("/.") || path.ends_with("/..");
    format!("/{}{}", kept.join("/"), if is_folder && !kept.is_empty() { "/" } else { "" })
}

fn parse(arguments: &[String]) -> Option<Crawler> {
    let options = [("--connections", 4), ("--pages", 100), ("--depth", 5), ("--seconds", 10)];
    let ([connections, pages, depth, seconds], urls) = examples::numbers(arguments, options)?;
    let time = Duration::from_secs(seconds as u64);
    let most = Limits { connections, pages, depth, time };
    let (mut seen, mut waiting) = (HashSet::new(), VecDeque::new());
    for url in urls {
        let url: Uri = url.parse().ok()?;
        if url.scheme_str() != Some("http") || endpoint(&url).contains('@') {
            return None;
        }
        if seen.insert(url.clone()) {
            waiting.push_back(Page { url, depth: 0 });
        }
    }
    let (connecting, asked) = (WheelMap::default(), WheelMap::default());
    let is_any = !waiting.is_empty();
    is_any.then(|| Crawler { most, seen, waiting, connecting, asked, count: Count::default() })
}

fn main() -> ExitCode {
    examples::main(
        "web_crawler [--connections N] [--pages N] [--depth N] [--seconds N] URL...",
        parse,
        |crawler| {
            let states = States::new()
                .try_on("_start", Crawler::start)
                .on(&CONNECTED, Crawler::connected)
                .try_on("not_connected", Crawler::not_connected)
                .try_on(&GOT_RESPONSE, Crawler::got_response)
                .try_on("got_failure", Crawler::got_failure)
                .try_on("got_signal", Crawler::got_signal);
            let mut kernel = Kernel::new()?;
            kernel.spawn(&states, crawler);
            kernel.run()
        },
    )
}

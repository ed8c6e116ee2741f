//! curl sends to and takes from a server that never has all of a body.

use std::cell::Cell;
use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use reactor::Context;
use wheels::filter::http::{Httpd, Outgoing, Piece, Received, Streamed};
use wheels::{Put, ReadWrite};

use super::site::{HIGH, Manner, Pattern, Site, Then};

/// Longer than all buffers on the way together.
const LONG: usize = 100_000_000;

/// Takes the pattern and says how much came, or gives so much of it as is asked for.
#[derive(Clone)]
struct Depot {
    pattern: Rc<Pattern>,
    notes: Rc<Notes>,
    /// After how many bytes of a body it takes a break.
    patience: usize,
    request: Request<()>,
    came: usize,
    /// How much goes, and has gone.
    length: usize,
    sent: usize,
    last: bool,
}

#[derive(Default, Debug)]
struct Notes {
    /// Most bytes of a body that were there at once.
    held: Cell<usize>,
    unsent: Cell<usize>,
    pauses: Cell<usize>,
    /// How often there was room again.
    lows: Cell<usize>,
}

type Wheel = ReadWrite<Httpd<Streamed>>;

impl Depot {
    fn new(patience: usize) -> (Self, Rc<Notes>) {
        let notes = Rc::<Notes>::default();
        let depot = Self {
            pattern: Rc::new(Pattern::new()),
            notes: Rc::clone(&notes),
            patience,
            request: Request::default(),
            came: 0,
            length: 0,
            sent: 0,
            last: false,
        };
        (depot, notes)
    }

    fn begin(&mut self, cx: &mut Context<'_>, wheel: &Wheel, request: Request<()>) -> Then {
        if request.headers().contains_key("expect") {
            let go_on = Response::builder().status(StatusCode::CONTINUE).body(()).unwrap();
            assert!(matches!(wheel.put(cx, Outgoing::Head(go_on)), Put::Queued));
        }
        self.came = 0;
        self.request = request;
        Then::GoOn
    }

    fn take(&mut self, data: &[u8]) -> Then {
        assert!(self.pattern.is_at(self.came, data), "what came at {}", self.came);
        self.notes.held.set(self.notes.held.get().max(data.len()));
        let breaks = self.came / self.patience;
        self.came += data.len();
        if breaks == self.came / self.patience {
            return Then::GoOn;
        }
        self.notes.pauses.set(self.notes.pauses.get() + 1);
        Then::Pause
    }

    fn answer(&mut self, cx: &mut Context<'_>, wheel: &Wheel) -> Then {
        if self.request.method() != Method::GET {
            let body = format!("{} bytes\n", self.came);
            wheel.put(cx, Response::new(Bytes::from(body)));
            return self.then();
        }
        let mut head = Response::new(());
        self.length = self.request.uri().path()[1..].parse().expect("a length");
        self.sent = 0;
        if self.request.uri().query() == Some("counted") {
            head.headers_mut().insert("content-length", self.length.into());
        }
        wheel.put(cx, Outgoing::Head(head));
        self.send(cx, wheel)
    }

    /// Sends as long as there is room.
    fn send(&mut self, cx: &mut Context<'_>, wheel: &Wheel) -> Then {
        while self.sent < self.length {
            let piece = self.pattern.piece(self.sent, self.length - self.sent);
            self.sent += piece.len();
            let put = wheel.put(cx, Outgoing::Data(piece));
            self.notes.unsent.set(self.notes.unsent.get().max(wheel.unsent(cx)));
            match put {
                Put::Queued => {}
                Put::High => return Then::GoOn,
                Put::Refused(_) | Put::Unencodable(_) => panic!("{put:?}"),
            }
        }
        self.length = 0;
        assert!(matches!(wheel.put(cx, Outgoing::End(HeaderMap::new())), Put::Queued | Put::High));
        self.then()
    }

    fn then(&self) -> Then {
        if self.last { Then::End } else { Then::GoOn }
    }
}

impl Manner for Depot {
    type Filter = Httpd<Streamed>;

    fn filter(&self) -> Self::Filter {
        Httpd::streaming()
    }

    fn came(
        &mut self,
        cx: &mut Context<'_>,
        wheel: &Wheel,
        item: Received<Piece<Request<()>>>,
    ) -> Then {
        let item = match item {
            Received::Request { item, last } => {
                self.last = last;
                item
            }
            Received::Rejected(rejected) => panic!("{rejected:?}"),
        };
        match item {
            Piece::Head(request) => self.begin(cx, wheel, request),
            Piece::Data(data) => self.take(&data),
            Piece::End(_) => self.answer(cx, wheel),
        }
    }

    fn low(&mut self, cx: &mut Context<'_>, wheel: &Wheel) -> Then {
        self.notes.lows.set(self.notes.lows.get() + 1);
        if self.length == 0 { Then::GoOn } else { self.send(cx, wheel) }
    }
}

/// Takes what the site sends, all of it.
#[track_caller]
fn download(site: &mut Site, length: usize, args: &[&str]) {
    let said = Site::start_curl(args).finish(&mut site.kernel);
    assert_eq!(said.len(), length);
    assert!(Pattern::new().is_at(0, &said), "other bytes than were sent");
}

/// Sends the site so much of the pattern.
#[track_caller]
fn upload(site: &mut Site, length: usize, args: &[&str]) {
    let mut curl = Site::start_curl(&[&["-T", "-"], args].concat());
    let feeder = curl.feed(Pattern::new().whole(length));
    let said = curl.finish(&mut site.kernel);
    feeder.join();
    assert_eq!(String::from_utf8_lossy(&said), format!("{length} bytes\n"));
}

#[test]
fn a_long_body_in_chunks_is_never_held() {
    let (depot, notes) = Depot::new(usize::MAX);
    let mut site = Site::serve(depot);
    let url = site.url("/");
    upload(&mut site, LONG, &["-H", "Transfer-Encoding: chunked", "-H", "Expect:", &url]);
    assert!((1..=64 * 1024).contains(&notes.held.get()), "{notes:?}");
    site.end();
}

#[test]
fn a_long_body_waits_for_a_server_that_takes_breaks() {
    let (depot, notes) = Depot::new(1_000_000);
    let mut site = Site::serve(depot);
    let url = site.url("/");
    let length = 30_000_000;
    upload(&mut site, length, &["-H", "Transfer-Encoding: chunked", "-H", "Expect:", &url]);
    assert_eq!(notes.pauses.get(), 30);
    site.end();
}

/// It is the session that says so here: see `who_expects_to_be_told_to_continue_is_told`.
#[test]
fn a_client_that_waits_is_told_to_continue() {
    let (depot, _) = Depot::new(usize::MAX);
    let mut site = Site::serve(depot);
    let url = site.url("/");
    let waits = ["--expect100-timeout", "600", "-H", "Expect: 100-continue", &url];
    upload(&mut site, 1_000_000, &waits);
    site.end();
}

#[test]
fn a_long_answer_is_sent_as_fast_as_it_is_taken() {
    for query in ["", "?counted"] {
        let (depot, notes) = Depot::new(usize::MAX);
        let mut site = Site::serve(depot);
        let url = site.url(&format!("/{LONG}{query}"));
        download(&mut site, LONG, &[&url]);
        // The piece that reaches the mark is on top of it.
        assert!(notes.unsent.get() <= HIGH + 70_000, "{notes:?}");
        assert!(notes.lows.get() > 0, "curl, and the disk, cannot be as fast as this");
        site.end();
    }
}

#[test]
fn http_1_0_gets_a_long_answer_to_the_end_of_the_connection() {
    let (depot, _) = Depot::new(usize::MAX);
    let mut site = Site::serve(depot);
    let url = site.url("/10000000");
    download(&mut site, 10_000_000, &["-0", &url]);
    let said = site.curl(&["-0", "-i", &site.url("/0")]);
    assert_eq!(said, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    site.end();
}

#[test]
fn one_connection_takes_turns_in_both_directions() {
    let (depot, _) = Depot::new(100_000);
    let mut site = Site::serve(depot);
    let (get, put) = (site.url("/300000"), site.url("/"));
    let file = testkit::unix::Folder::new();
    let path = file.at("body");
    std::fs::write(&path, Pattern::new().whole(300_000)).unwrap();
    let path = path.to_str().unwrap();
    let next = ["--next", "-sS"];
    let chunked = ["-H", "Transfer-Encoding: chunked", "-T", path, &put];
    let counted = ["-T", path, &put];
    let args = [&[&get[..]], &next[..], &chunked, &next, &counted, &next, &[&get]].concat();
    let said = Site::start_curl(&args).finish(&mut site.kernel);
    let whole = Pattern::new().whole(300_000);
    let words = b"300000 bytes\n";
    assert_eq!(said, [&whole[..], words, words, &whole].concat());
    assert_eq!(site.told.borrow().opened, 1);
    site.end();
}

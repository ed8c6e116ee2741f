//! Requests to the server that comes with Python.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use bytes::Bytes;
use http::{Method, Request, Response};
use reactor::Context;
use testkit::unix::Folder;
use wheels::filter::http::{HttpClient, Outgoing, Piece, Streamed};
use wheels::{ReadWrite, SocketFactory};

use super::site::{Manner, Pattern, Site, Then};
use crate::program::Program;

const SERVER: &str = "
import functools, http.server, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = sys.argv[1]
    def do_GET(self):
        if self.path != '/unsized':
            return super().do_GET()
        self.send_response(200)
        self.send_header('Connection', 'close')
        self.end_headers()
        with open(self.directory + '/long', 'rb') as file:
            self.copyfile(file, self.wfile)
handler = functools.partial(Handler, directory=sys.argv[2])
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
print(server.server_address[1], flush=True)
server.serve_forever()
";

const LONG: usize = 10_000_000;

/// A folder with a short and a long file in it, and the server of both.
struct Server {
    python: Program,
    _folder: Folder,
}

impl Server {
    fn start(protocol: &str) -> Self {
        let folder = Folder::new();
        std::fs::write(folder.at("short"), "a few words\n").expect("a file of ours");
        std::fs::write(folder.at("long"), Pattern::new().whole(LONG)).expect("a file of ours");
        let path = folder.path.to_str().expect("a simple name");
        let python = Program::start("python3", &["-c", SERVER, protocol, path]);
        Self { python, _folder: folder }
    }

    /// A session that is connected to it.
    fn visit<M: Manner>(
        &mut self,
        make: impl FnOnce(&dyn Fn(Method, &str) -> Request<()>) -> M,
    ) -> Site {
        let mut kernel = reactor::Kernel::new().expect("a kernel");
        let port: u16 = self.python.run_until_line(&mut kernel).parse().expect("a port");
        let ask = |method, path: &str| {
            let uri = format!("http://127.0.0.1:{port}{path}");
            Request::builder().method(method).uri(uri).body(()).expect("a request")
        };
        Site::new(make(&ask), SocketFactory::connect(("127.0.0.1", port)))
    }
}

type Answers = Rc<RefCell<Vec<Response<Bytes>>>>;

/// Asks for whole messages.
#[derive(Clone, Debug)]
struct Asks {
    requests: VecDeque<Request<()>>,
    /// How many requests wait for their answers.
    at_once: usize,
    answers: Answers,
}

impl Asks {
    fn ask(&mut self, cx: &mut Context<'_>, wheel: &ReadWrite<HttpClient>) {
        if let Some(request) = self.requests.pop_front() {
            wheel.put(cx, request.map(|()| Bytes::new()));
        }
    }
}

impl Manner for Asks {
    type Filter = HttpClient;

    fn filter(&self) -> HttpClient {
        HttpClient::new().max_content(LONG)
    }

    fn opened(&mut self, cx: &mut Context<'_>, wheel: &ReadWrite<HttpClient>) {
        for _ in 0..self.at_once {
            self.ask(cx, wheel);
        }
    }

    fn came(
        &mut self,
        cx: &mut Context<'_>,
        wheel: &ReadWrite<HttpClient>,
        answer: Response<Bytes>,
    ) -> Then {
        self.answers.borrow_mut().push(answer);
        self.ask(cx, wheel);
        Then::GoOn
    }
}

/// What is answered to these requests, on one connection, so many of them on their way at a time.
fn answers(protocol: &str, at_once: usize, asked: &[(Method, &str)]) -> Vec<Response<Bytes>> {
    let mut server = Server::start(protocol);
    let answers = Answers::default();
    let mut site = server.visit(|ask| Asks {
        requests: asked.iter().map(|(method, path)| ask(method.clone(), path)).collect(),
        at_once,
        answers: Rc::clone(&answers),
    });
    site.run_until_told("all answers", |told| {
        assert_eq!(told.failures, []);
        answers.borrow().len() == asked.len()
    });
    assert_eq!(site.told.borrow().opened, 1);
    site.end();
    answers.take()
}

/// Python ends the connection with whatever it does not find.
#[test]
fn one_connection_serves_requests_one_at_a_time_and_all_at_once() {
    let asked = [
        (Method::GET, "/short"),
        (Method::HEAD, "/long"),
        (Method::GET, "/long"),
        (Method::GET, "/short"),
        (Method::GET, "/missing"),
    ];
    check(&answers("HTTP/1.1", 1, &asked));
    check(&answers("HTTP/1.1", 5, &asked));
    let missing = answers("HTTP/1.1", 1, &[(Method::HEAD, "/missing")]);
    assert_eq!((missing[0].status().as_u16(), missing[0].body().len()), (404, 0));
    assert_ne!(missing[0].headers()["content-length"], "0");
}

fn check(answers: &[Response<Bytes>]) {
    let [short, head, long, again, missing] = answers else { panic!("{}", answers.len()) };
    assert_eq!((short.status().as_u16(), &short.body()[..]), (200, &b"a few words\n"[..]));
    assert_eq!((head.status().as_u16(), head.body().len()), (200, 0));
    assert_eq!(head.headers()["content-length"], "10000000");
    assert_eq!((long.status().as_u16(), long.body().len()), (200, LONG));
    assert!(Pattern::new().is_at(0, long.body()), "other bytes than are in the file");
    assert_eq!(again.body(), "a few words\n");
    assert_eq!(missing.status(), 404);
    assert_eq!(missing.headers()["connection"], "close");
    assert!(!missing.body().is_empty());
}

#[test]
fn http_1_0_answers_once_and_a_body_without_a_length_ends_with_the_connection() {
    for (protocol, path) in
        [("HTTP/1.0", "/long"), ("HTTP/1.0", "/unsized"), ("HTTP/1.1", "/unsized")]
    {
        let answers = answers(protocol, 1, &[(Method::GET, path)]);
        let [answer] = &answers[..] else { panic!("{}", answers.len()) };
        assert_eq!(answer.headers().contains_key("content-length"), path == "/long");
        assert_eq!(answer.body().len(), LONG, "{protocol} {path}");
        assert!(Pattern::new().is_at(0, answer.body()), "other bytes than are in the file");
    }
}

/// Takes a body in pieces, with a break after each megabyte.
#[derive(Clone)]
struct Sips {
    request: Request<()>,
    pattern: Rc<Pattern>,
    sipped: Rc<RefCell<Sipped>>,
}

#[derive(Default, Debug)]
struct Sipped {
    heads: usize,
    bytes: usize,
    breaks: usize,
    ended: bool,
}

impl Manner for Sips {
    type Filter = HttpClient<Streamed>;

    fn filter(&self) -> Self::Filter {
        HttpClient::streaming()
    }

    fn opened(&mut self, cx: &mut Context<'_>, wheel: &ReadWrite<Self::Filter>) {
        wheel.put(cx, Outgoing::Whole { head: self.request.clone(), body: Bytes::new() });
    }

    fn came(
        &mut self,
        _: &mut Context<'_>,
        _: &ReadWrite<Self::Filter>,
        piece: Piece<Response<()>>,
    ) -> Then {
        let mut sipped = self.sipped.borrow_mut();
        assert!(!sipped.ended, "{piece:?} behind the end");
        match piece {
            Piece::Head(head) => {
                assert_eq!(head.status(), 200);
                sipped.heads += 1;
            }
            Piece::Data(data) => {
                assert!(self.pattern.is_at(sipped.bytes, &data), "what came at {}", sipped.bytes);
                sipped.bytes += data.len();
                if sipped.bytes / 1_000_000 > sipped.breaks {
                    sipped.breaks = sipped.bytes / 1_000_000;
                    return Then::Pause;
                }
            }
            Piece::End(_) => sipped.ended = true,
        }
        Then::GoOn
    }
}

#[test]
fn a_body_is_taken_with_breaks() {
    for (protocol, path) in [("HTTP/1.1", "/long"), ("HTTP/1.0", "/unsized")] {
        let mut server = Server::start(protocol);
        let sipped = Rc::<RefCell<Sipped>>::default();
        let mut site = server.visit(|ask| Sips {
            request: ask(Method::GET, path),
            pattern: Rc::new(Pattern::new()),
            sipped: Rc::clone(&sipped),
        });
        site.run_until_told("the end of the body", |_| sipped.borrow().ended);
        let sipped = sipped.borrow();
        assert_eq!((sipped.heads, sipped.bytes, sipped.breaks), (1, LONG, 10), "{protocol}");
        site.end();
    }
}

//! A web server: the files of a directory, and two addresses for programs.
//!
//! ```text
//! RUST_LOG=info cargo run --release -p examples --example http_server -- 127.0.0.1:7777 docs
//! curl -i http://127.0.0.1:7777/src/SUMMARY.md
//! curl --data-binary @Cargo.lock http://127.0.0.1:7777/api/count
//! curl http://127.0.0.1:7777/api/status
//! ```
//!
//! `GET` and `HEAD` give the file at a path, and of a directory its `index.html`; `files.rs` finds it. A
//! long file is read no faster than it is sent. The log has a line for each request. Ctrl-C ends the server
//! as soon as the answers to what was asked are sent.

mod files;

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use components::{Client, TcpServer};
use http::header::{self, HeaderMap};
use http::{Method, Request, Response, StatusCode};
use reactor::{Event, Kernel};
use wheels::filter::http::{Httpd, Outgoing, Piece, Received, Streamed};
use wheels::{Failure, Operation, Put};

use files::{Body, Files, Part, page, with};

struct Site {
    files: Files,
    /// How long a request may take to come: its head, and then its body.
    patience: Duration,
    began: Instant,
    requests: u64,
}

/// What is going on in a connection: a request comes, or a long file goes.
#[derive(Default)]
struct Exchange {
    request: Option<Request<()>>,
    /// The connection ends with the answer.
    last: bool,
    /// How much there was of the body, which is not kept.
    bytes: usize,
    lines: usize,
    sending: Option<Part>,
}

type Browser<'a> = Client<'a, Httpd<Streamed>, Exchange>;

/// All of a request's body should have come by now.
const BODY_IS_DUE: Event<()> = Event::new("body_is_due");
const MOST_BODY: usize = 1024 * 1024;

impl Site {
    fn got(&mut self, browser: &mut Browser<'_>, received: Received<Piece<Request<()>>>) {
        match received {
            Received::Request { item: Piece::Head(head), last } => {
                *browser.state() = Exchange { last, ..Exchange::default() };
                self.begin(browser, head);
            }
            Received::Request { item: Piece::Data(data), .. } => count(browser, &data),
            Received::Request { item: Piece::End(_), .. } => self.answer(browser),
            Received::Rejected(rejected) => {
                log::info!("{}: {}", browser.peer(), rejected.reason);
                browser.put(rejected.response);
                browser.shutdown();
            }
        }
    }

    /// Until the answer is sent there is something to finish.
    fn begin(&self, browser: &mut Browser<'_>, head: Request<()>) {
        browser.set_busy(true);
        let headers = head.headers();
        let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        if length > MOST_BODY {
            return refuse(browser, StatusCode::PAYLOAD_TOO_LARGE);
        }
        if headers.contains_key(header::EXPECT) {
            let mut go_on = Response::new(());
            *go_on.status_mut() = StatusCode::CONTINUE;
            browser.put(Outgoing::Head(go_on));
        }
        if length > 0 || headers.contains_key(header::TRANSFER_ENCODING) {
            browser.delay(&BODY_IS_DUE, self.patience, ());
        }
        browser.state().request = Some(head);
    }

    /// The request is complete.
    fn answer(&mut self, browser: &mut Browser<'_>) {
        let Some(request) = browser.state().request.take() else { return };
        browser.delay_clear(&BODY_IS_DUE);
        self.requests += 1;
        let mut response = self.response_to(&request, browser);
        let status = response.status();
        log::info!("{} {} {} {status}", browser.peer(), request.method(), request.uri());
        if browser.clients().is_draining() {
            response = with(response, header::CONNECTION, "close");
            browser.state().last = true;
        }
        let (head, body) = dated(response).into_parts();
        let mut head = Response::from_parts(head, ());
        let body = match body {
            Body::Ready(body) => body,
            Body::Long(part) => {
                head = with(head, header::CONTENT_LENGTH, &part.left().to_string());
                if request.method() == Method::GET {
                    browser.put(Outgoing::Head(head));
                    browser.state().sending = Some(part);
                    // What is asked meanwhile is answered afterwards.
                    browser.pause_input();
                    return go_on(browser);
                }
                Bytes::new()
            }
        };
        browser.put(Outgoing::Whole { head, body });
        end(browser);
    }

    fn response_to(&self, request: &Request<()>, browser: &mut Browser<'_>) -> Response<Body> {
        let reads = [Method::GET, Method::HEAD].contains(request.method());
        let refused = |allow| with(page(StatusCode::METHOD_NOT_ALLOWED), header::ALLOW, allow);
        match request.uri().path() {
            "/api/count" if request.method() == Method::POST => {
                let Exchange { bytes, lines, .. } = browser.state();
                json(format!("{{\"bytes\":{bytes},\"lines\":{lines}}}\n"))
            }
            "/api/count" => refused("POST"),
            _ if !reads => refused("GET, HEAD"),
            "/api/status" => {
                let uptime = (browser.cx().now() - self.began).as_secs();
                let (requests, connections) = (self.requests, browser.clients().len());
                let counts = format!("\"requests\":{requests},\"connections\":{connections}");
                json(format!("{{\"uptime\":{uptime},{counts}}}\n"))
            }
            path => self.files.get(path, request.headers()),
        }
    }
}

fn count(browser: &mut Browser<'_>, data: &[u8]) {
    let exchange = browser.state();
    exchange.bytes += data.len();
    exchange.lines += data.iter().filter(|byte| **byte == b'\n').count();
    if exchange.bytes > MOST_BODY {
        refuse(browser, StatusCode::PAYLOAD_TOO_LARGE);
    }
}

/// There is room for more of a long file, or for another answer.
fn go_on(browser: &mut Browser<'_>) {
    loop {
        let Some(part) = &mut browser.state().sending else { return browser.resume_input() };
        let piece = match part.read() {
            Ok(Some(piece)) => Outgoing::Data(piece),
            Ok(None) => break,
            Err(error) => {
                // What there is must not look like all of it.
                log::warn!("a file that is being sent: {error}");
                return browser.abort();
            }
        };
        if !matches!(browser.put(piece), Put::Queued) {
            return;
        }
    }
    browser.state().sending = None;
    if let Put::Queued = browser.put(Outgoing::End(HeaderMap::new())) {
        browser.resume_input();
    }
    end(browser);
}

fn end(browser: &mut Browser<'_>) {
    browser.set_busy(false);
    if browser.state().last {
        browser.shutdown();
    }
}

/// Answers, and ends the connection.
fn refuse(browser: &mut Browser<'_>, status: StatusCode) {
    log::info!("{}: {status}", browser.peer());
    let mut response = Response::new(Bytes::from(format!("{status}\n")));
    *response.status_mut() = status;
    browser.put(dated(with(response, header::CONNECTION, "close")));
    browser.shutdown();
}

/// Half a request is answered. Who has asked for nothing gets nothing.
fn failed(browser: &mut Browser<'_>, failure: &Failure) {
    log::debug!("{}: {failure}", browser.peer());
    if failure.operation == Operation::FrameTimeout {
        refuse(browser, StatusCode::REQUEST_TIMEOUT);
    }
}

fn dated<B>(response: Response<B>) -> Response<B> {
    with(response, header::DATE, &httpdate::fmt_http_date(SystemTime::now()))
}

fn json(text: String) -> Response<Body> {
    let response = Response::new(Body::Ready(text.into()));
    with(response, header::CONTENT_TYPE, "application/json")
}

pub(crate) struct Settings {
    pub(crate) address: SocketAddr,
    pub(crate) directory: String,
    pub(crate) patience: Duration,
}

fn serve(settings: Settings) -> io::Result<()> {
    let mut kernel = Kernel::new()?;
    start(&mut kernel, settings)?;
    kernel.run()
}

pub(crate) fn start(kernel: &mut Kernel, settings: Settings) -> io::Result<()> {
    let Settings { address, directory, patience } = settings;
    let files = Files::below(&directory)
        .map_err(|error| io::Error::new(error.kind(), format!("{directory}: {error}")))?;
    let site = Site { files, patience, began: kernel.now(), requests: 0 };
    TcpServer::with_clients(Httpd::streaming, |_: &mut Site, _| Exchange::default())
        .listen(address)
        .concurrency(10_000)
        .per_address(1_000)
        .listening(|_, _, up| examples::listening(&up))
        .error(move |_, _, failure| examples::not_listening(&failure, address))
        .client_input(Site::got)
        .on_client(&BODY_IS_DUE, |_, browser, ()| refuse(browser, StatusCode::REQUEST_TIMEOUT))
        .client_error(|_, browser, failure| failed(browser, &failure))
        .client_high(256 * 1024, |_, browser| browser.pause_input())
        .client_low(64 * 1024, |_, browser| go_on(browser))
        .frame_timeout(patience)
        .idle_timeout(Duration::from_secs(60))
        .drain_on_signals(Duration::from_secs(10))
        .spawn(kernel, site);
    Ok(())
}

fn main() -> ExitCode {
    examples::main(
        "http_server [ADDR:PORT [DIRECTORY [SECONDS]]]",
        |arguments| {
            let mut arguments = arguments.iter();
            let address = arguments.next().map_or("127.0.0.1:7777", String::as_str).parse().ok()?;
            let directory = arguments.next().map_or(".", String::as_str).into();
            let seconds = arguments.next().map_or(Ok(10), |seconds| seconds.parse()).ok()?;
            let patience = Duration::from_secs(seconds);
            arguments.next().is_none().then_some(Settings { address, directory, patience })
        },
        serve,
    )
}

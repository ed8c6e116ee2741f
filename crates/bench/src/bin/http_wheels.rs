//! "Hello" over HTTP, with `Httpd` on wheels, and with the date as a server has it: read from the clock
//! once a second. To be driven by `wrk`. Takes `ADDR:PORT`.

#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use bench::args::listen_address;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, DATE, HeaderValue};
use http::{Request, Response};
use reactor::{Context, Event, Kernel, States, WheelMap};
use wheels::filter::http::{Httpd, Received};
use wheels::{Established, Failure, Input, ReadWrite, SocketFactory};

const GOT_CLIENT: Event<Established> = Event::new("got_client");
const GOT_REQUEST: Event<Input<Received<Request<Bytes>>>> = Event::new("got_request");

struct Hello {
    address: SocketAddr,
    listener: Option<SocketFactory>,
    clients: WheelMap<ReadWrite<Httpd>>,
    date: HeaderValue,
}

impl Hello {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> io::Result<()> {
        let listener =
            SocketFactory::listen(self.address).build(cx, &GOT_CLIENT, "got_listen_failure");
        listener.local_addr(cx).map_or(Ok(()), examples::say_listening)?;
        self.listener = Some(listener);
        cx.delay("second", SECOND, ());
        Ok(())
    }

    fn second(&mut self, cx: &mut Context<'_>, (): ()) {
        self.date = now();
        cx.delay("second", SECOND, ());
    }

    fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
        let wheel = ReadWrite::builder(client.socket).filter(Httpd::new()).build(
            cx,
            &GOT_REQUEST,
            "got_failure",
        );
        self.clients.insert(wheel.id(), wheel);
    }

    fn got_request(&mut self, cx: &mut Context<'_>, input: Input<Received<Request<Bytes>>>) {
        let Some(client) = self.clients.get(&input.wheel) else { return };
        let (response, last) = match input.item {
            Received::Request { last, .. } => (self.hello(), last),
            Received::Rejected(rejected) => (rejected.response, true),
        };
        client.put(cx, response);
        if last && let Some(client) = self.clients.remove(&input.wheel) {
            client.shutdown(cx);
        }
    }

    fn got_failure(&mut self, cx: &mut Context<'_>, failure: Failure) {
        if let Some(client) = self.clients.remove(&failure.wheel) {
            client.shutdown(cx);
        }
    }

    fn got_listen_failure(&mut self, _: &mut Context<'_>, failure: Failure) -> Result<(), Failure> {
        Err(failure)
    }

    fn hello(&self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from_static(b"Hello, World!"));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        headers.insert(DATE, self.date.clone());
        response
    }
}

fn now() -> HeaderValue {
    let date = httpdate::fmt_http_date(SystemTime::now());
    HeaderValue::from_str(&date).expect("a date is a value")
}

const SECOND: Duration = Duration::from_secs(1);

fn main() -> io::Result<()> {
    let session = States::new()
        .try_on("_start", Hello::start)
        .on(&GOT_CLIENT, Hello::got_client)
        .on(&GOT_REQUEST, Hello::got_request)
        .on("got_failure", Hello::got_failure)
        .on("second", Hello::second)
        .try_on("got_listen_failure", Hello::got_listen_failure);
    let mut kernel = Kernel::new()?;
    let address = listen_address();
    let clients = WheelMap::default();
    kernel.spawn(&session, Hello { address, listener: None, clients, date: now() });
    kernel.run()
}

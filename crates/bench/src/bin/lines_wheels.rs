//! An echo server of lines by hand: a listener and a wheel for each connection, in one session.
//!
//! Takes `ADDR:PORT [--limits]`. With `--limits` each wheel has the four limits of time that a
//! `TcpServer` sets unless told otherwise.

#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bench::args::{announce, listen_address, takes};
use bytes::Bytes;
use reactor::{Context, Event, Kernel, States, WheelMap};
use wheels::filter::Line;
use wheels::{Address, Established, Failure, Input, ReadWrite, SocketFactory};

const GOT_CLIENT: Event<Established> = Event::new("got_client");
const GOT_LINE: Event<Input<Bytes>> = Event::new("got_line");
const GOT_FAILURE: Event<Failure> = Event::new("got_failure");

struct Server {
    address: SocketAddr,
    limits: bool,
    listener: Option<SocketFactory>,
    clients: WheelMap<ReadWrite<Line>>,
}

impl Server {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> io::Result<()> {
        let listener =
            SocketFactory::listen(self.address).build(cx, &GOT_CLIENT, "got_listen_failure");
        let address = listener.local_addr(cx).as_ref().and_then(Address::as_ip);
        self.listener = Some(listener);
        announce(address.ok_or_else(|| io::Error::other("it does not listen"))?)
    }

    fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
        let mut wheel = ReadWrite::builder(client.socket).filter(Line::literal(b"\n"));
        if self.limits {
            wheel = wheel
                .idle_timeout(Duration::from_secs(5 * 60))
                .frame_timeout(Duration::from_secs(30))
                .stall_timeout(Duration::from_secs(60))
                .lifetime(Duration::from_secs(24 * 60 * 60));
        }
        let wheel = wheel.build(cx, &GOT_LINE, &GOT_FAILURE);
        self.clients.insert(wheel.id(), wheel);
    }

    fn got_line(&mut self, cx: &mut Context<'_>, line: Input<Bytes>) {
        if let Some(client) = self.clients.get(&line.wheel) {
            let _put = client.put(cx, line.item);
        }
    }

    fn got_failure(&mut self, cx: &mut Context<'_>, failure: Failure) {
        if let Some(client) = self.clients.remove(&failure.wheel) {
            client.shutdown(cx);
        }
    }
}

fn main() -> io::Result<()> {
    let limits = takes("--limits");
    let server = States::new()
        .try_on("_start", Server::start)
        .on(&GOT_CLIENT, Server::got_client)
        .on(&GOT_LINE, Server::got_line)
        .on(&GOT_FAILURE, Server::got_failure);
    let mut kernel = Kernel::new()?;
    let (address, clients) = (listen_address(), WheelMap::default());
    kernel.spawn(&server, Server { address, limits, listener: None, clients });
    kernel.run()
}

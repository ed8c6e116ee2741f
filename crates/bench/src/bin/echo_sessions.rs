//! The echo server again, with a session of its own for each client.

#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use reactor::{Context, Event, Kernel, States};
use wheels::filter::Stream;
use wheels::{Address, Established, Failure, Input, ReadWrite, Socket, SocketFactory};

const GOT_CLIENT: Event<Established> = Event::new("got_client");
const GOT_INPUT: Event<Input<Bytes>> = Event::new("got_input");
const GOT_FAILURE: Event<Failure> = Event::new("got_failure");

struct Server {
    address: SocketAddr,
    listener: Option<SocketFactory>,
    client: States<Client>,
}

impl Server {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> io::Result<()> {
        let listener =
            SocketFactory::listen(self.address).build(cx, &GOT_CLIENT, "got_listen_failure");
        let address = listener.local_addr(cx).as_ref().and_then(Address::as_ip);
        self.listener = Some(listener);
        bench::args::announce(address.ok_or_else(|| io::Error::other("it does not listen"))?)
    }

    fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
        cx.spawn(&self.client, Client { socket: Some(client.socket), wheel: None });
    }
}

/// One client's session.
struct Client {
    socket: Option<Socket>,
    wheel: Option<ReadWrite<Stream>>,
}

impl Client {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        let socket = self.socket.take();
        self.wheel =
            socket.map(|socket| ReadWrite::builder(socket).build(cx, &GOT_INPUT, &GOT_FAILURE));
    }

    fn got_input(&mut self, cx: &mut Context<'_>, input: Input<Bytes>) {
        if let Some(wheel) = &self.wheel {
            let _put = wheel.put(cx, input.item);
        }
    }

    fn got_failure(&mut self, cx: &mut Context<'_>, _: Failure) {
        if let Some(wheel) = self.wheel.take() {
            wheel.shutdown(cx);
        }
    }
}

fn main() -> io::Result<()> {
    let client = States::new()
        .on_start(Client::start)
        .on(&GOT_INPUT, Client::got_input)
        .on(&GOT_FAILURE, Client::got_failure);
    let server = States::new().try_on("_start", Server::start).on(&GOT_CLIENT, Server::got_client);
    let mut kernel = Kernel::new()?;
    let address = bench::args::listen_address();
    kernel.spawn(&server, Server { address, listener: None, client });
    kernel.run()
}

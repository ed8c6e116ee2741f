//! A chat server by hand: a listener and a wheel for each client, in one session. The room is all there is
//! of the protocol of the example `chat_server`. Takes `ADDR:PORT`.

#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddr;

use bench::args::{announce, listen_address};
use bytes::Bytes;
use reactor::{Context, Event, Kernel, States, WheelMap};
use wheels::filter::Line;
use wheels::{Address, Established, Failure, Input, ReadWrite, SocketFactory};

const GOT_CLIENT: Event<Established> = Event::new("got_client");
const GOT_LINE: Event<Input<Bytes>> = Event::new("got_line");
const GOT_FAILURE: Event<Failure> = Event::new("got_failure");

struct Server {
    address: SocketAddr,
    listener: Option<SocketFactory>,
    clients: WheelMap<Client>,
}

struct Client {
    wheel: ReadWrite<Line>,
    nick: Option<Bytes>,
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
        let wheel = ReadWrite::builder(client.socket).filter(Line::new()).build(
            cx,
            &GOT_LINE,
            &GOT_FAILURE,
        );
        let _put = wheel.put(cx, Bytes::from_static(b"* your nickname?"));
        self.clients.insert(wheel.id(), Client { wheel, nick: None });
    }

    fn got_line(&mut self, cx: &mut Context<'_>, line: Input<Bytes>) {
        let Some(client) = self.clients.get_mut(&line.wheel) else { return };
        let Some(nick) = &client.nick else {
            client.nick = Some(line.item);
            return;
        };
        let said = Bytes::from([b"<", &nick[..], b"> ", &line.item[..]].concat());
        for (id, client) in self.clients.iter() {
            if id != line.wheel && client.nick.is_some() {
                let _put = client.wheel.put(cx, said.clone());
            }
        }
    }

    fn got_failure(&mut self, cx: &mut Context<'_>, failure: Failure) {
        if let Some(client) = self.clients.remove(&failure.wheel) {
            client.wheel.shutdown(cx);
        }
    }
}

fn main() -> io::Result<()> {
    let server = States::new()
        .try_on("_start", Server::start)
        .on(&GOT_CLIENT, Server::got_client)
        .on(&GOT_LINE, Server::got_line)
        .on(&GOT_FAILURE, Server::got_failure);
    let mut kernel = Kernel::new()?;
    let (address, clients) = (listen_address(), WheelMap::default());
    kernel.spawn(&server, Server { address, listener: None, clients });
    kernel.run()
}

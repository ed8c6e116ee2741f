//! A proxy of TCP: a session for each client, with a wheel to either side. What either side has sent before
//! it ended reaches the other. Its twin in Perl is `proxy.pl`.

use std::error::Error;
use std::process::ExitCode;

use bytes::Bytes;
use reactor::{Context, Kernel, States, WheelId};
use wheels::filter::Stream;
use wheels::{Established, Failure, Input, ReadWrite, Socket, SocketFactory};

struct Proxy {
    port: u16,
    server_port: u16,
    client: States<Client>,
    listener: Option<SocketFactory>,
}

struct Client {
    socket: Option<Socket>,
    server_port: u16,
    client: Option<ReadWrite<Stream>>,
    connecting: Option<SocketFactory>,
    server: Option<ReadWrite<Stream>>,
    ending: bool,
}

fn main() -> ExitCode {
    examples::main("port_proxy [PORT [SERVER_PORT]]", ports, |ports| {
        let mut kernel = Kernel::new()?;
        start(&mut kernel, ports);
        kernel.run()
    })
}

pub(crate) fn start(kernel: &mut Kernel, (port, server_port): (u16, u16)) {
    let proxy = States::new()
        .try_on("_start", Proxy::start)
        .on("got_client", Proxy::got_client)
        .on("got_listen_error", Proxy::got_listen_error)
        .on("got_signal", examples::got_signal);
    let client = States::new()
        .on_start(Client::client_start)
        .on("got_server", Client::got_server)
        .on("got_connect_error", Client::got_connect_error)
        .on("client_input", Client::client_input)
        .on("server_input", Client::server_input)
        .on("got_error", Client::got_error)
        .on("got_flush", Client::got_flush);
    kernel.spawn(&proxy, Proxy { port, server_port, client, listener: None });
}

fn ports(arguments: &[String]) -> Option<(u16, u16)> {
    match arguments {
        [port, server_port] => Some((port.parse().ok()?, server_port.parse().ok()?)),
        fewer => Some((examples::port(fewer)?, 7777)),
    }
}

impl Proxy {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Result<(), Box<dyn Error>> {
        examples::end_on_signals(cx)?;
        let listener = SocketFactory::listen(("127.0.0.1", self.port));
        let listener = listener.build(cx, "got_client", "got_listen_error");
        listener.local_addr(cx).map_or(Ok(()), examples::say_listening)?;
        self.listener = Some(listener);
        Ok(())
    }

    fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
        let (socket, server_port) = (Some(client.socket), self.server_port);
        let (client, connecting, server) = (None, None, None);
        let state = Client { socket, server_port, client, connecting, server, ending: false };
        cx.spawn(&self.client, state);
    }

    fn got_listen_error(&mut self, _: &mut Context<'_>, failure: Failure) {
        eprintln!("{failure}");
        self.listener = None;
    }
}

impl Client {
    fn client_start(&mut self, cx: &mut Context<'_>, (): ()) {
        let Some(socket) = self.socket.take() else { return };
        let client = ReadWrite::builder(socket).flushed_event("got_flush");
        let client = client.build(cx, "client_input", "got_error");
        client.pause_input(cx);
        self.client = Some(client);
        let connecting = SocketFactory::connect(("127.0.0.1", self.server_port));
        self.connecting = Some(connecting.build(cx, "got_server", "got_connect_error"));
    }

    fn got_server(&mut self, cx: &mut Context<'_>, server: Established) {
        self.connecting = None;
        let server = ReadWrite::builder(server.socket).flushed_event("got_flush");
        self.server = Some(server.build(cx, "server_input", "got_error"));
        self.client.iter().for_each(|client| client.resume_input(cx));
    }

    fn got_connect_error(&mut self, _: &mut Context<'_>, failure: Failure) {
        eprintln!("{failure}");
        self.client = None;
        self.connecting = None;
    }

    fn client_input(&mut self, cx: &mut Context<'_>, input: Input<Bytes>) {
        if let Some(server) = &self.server {
            server.put(cx, input.item);
        }
    }

    fn server_input(&mut self, cx: &mut Context<'_>, input: Input<Bytes>) {
        if let Some(client) = &self.client {
            client.put(cx, input.item);
        }
    }

    /// One side has ended or broken. The other has, when it was sent what there is.
    fn got_error(&mut self, cx: &mut Context<'_>, failure: Failure) {
        for side in [&mut self.client, &mut self.server] {
            if let Some(wheel) = side
                && (wheel.id() == failure.wheel || wheel.unsent(cx) == 0)
            {
                *side = None;
            }
        }
        self.ending = true;
    }

    fn got_flush(&mut self, _: &mut Context<'_>, _: WheelId) {
        if self.ending {
            self.client = None;
            self.server = None;
        }
    }
}

//! An echo server for two clients at a time, with what `TcpServer` calls back: `later TEXT` comes back after
//! a while, `quit` ends the connection, `stop` the listener. Its twin in Perl is `tcp_server.pl`.

use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use components::{SHUTDOWN, TcpServer};
use reactor::{Context, Event, Kernel, SignalError};
use wheels::filter::Line;
use wheels::{Descriptor, Established, Failure, Listening};

#[derive(Default)]
struct Echo {
    clients: u32,
}

/// The number of a client is its state.
type Client<'a> = components::Client<'a, Line, u32>;

const LATER: Event<Bytes> = Event::new("later");

fn main() -> ExitCode {
    examples::main("port_tcp_server [PORT]", examples::port, |port| {
        let mut kernel = Kernel::new()?;
        start(&mut kernel, port);
        kernel.run()
    })
}

pub(crate) fn start(kernel: &mut Kernel, port: u16) {
    TcpServer::with_clients(Line::new, |_: &mut Echo, _| 0)
        .alias("echo")
        .listen(("127.0.0.1", port))
        .concurrency(2)
        .started(Echo::started)
        .listening(Echo::listening)
        .error(Echo::error)
        .stopped(Echo::stopped)
        .client_pre_connect(Echo::client_pre_connect)
        .client_connected(Echo::client_connected)
        .client_input(Echo::client_input)
        .client_error(Echo::client_error)
        .client_disconnected(Echo::client_disconnected)
        .on_client(&LATER, Echo::later)
        .on("got_signal", |echo, clients, signal| {
            examples::got_signal(echo, clients.cx(), signal);
        })
        .spawn(kernel, Echo::default());
}

impl Echo {
    fn started(&mut self, cx: &mut Context<'_>) -> Result<(), SignalError> {
        examples::end_on_signals(cx)
    }

    fn listening(&mut self, _: &mut Context<'_>, listening: Listening) {
        examples::say(format_args!("listening on {}", listening.local_addr));
    }

    fn error(&mut self, _: &mut Context<'_>, failure: Failure) {
        eprintln!("{failure}");
    }

    fn stopped(&mut self, _: &mut Context<'_>) {
        examples::say(format_args!("stopped after {} clients", self.clients));
    }

    fn client_pre_connect(&mut self, _: &mut Context<'_>, made: Established) -> Option<Descriptor> {
        examples::say(format_args!("client from {}", made.peer.ip()?));
        Some(made.socket.into())
    }

    fn client_connected(&mut self, client: &mut Client<'_>) {
        self.clients += 1;
        *client.state() = self.clients;
        client.put(format!("welcome, client {}", self.clients));
    }

    fn client_input(&mut self, client: &mut Client<'_>, line: Bytes) {
        if line.starts_with(b"later ") {
            client.delay(&LATER, Duration::from_millis(20), line.slice(6..));
        } else if line == "quit" {
            client.put("bye");
            client.shutdown();
        } else if line == "stop" {
            client.cx().post("echo", &SHUTDOWN, ()).ok();
        } else {
            client.put(line);
        }
    }

    fn client_error(&mut self, client: &mut Client<'_>, failure: Failure) {
        let (number, Failure { operation, errnum, .. }) = (client.state(), failure);
        examples::say(format_args!("client {number}: {operation} error {errnum}"));
    }

    fn client_disconnected(&mut self, client: &mut Client<'_>) {
        examples::say(format_args!("client {} is gone", client.state()));
    }

    fn later(&mut self, client: &mut Client<'_>, text: Bytes) {
        client.put([b"now ", &text[..]].concat());
    }
}

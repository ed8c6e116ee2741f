//! A client for the echo server: sends its input line by line and prints what comes back.
//!
//! ```text
//! cargo run --release -p examples --example echo_server
//! echo hello | cargo run --release -p examples --example echo_client -- 127.0.0.1:7777
//! ```

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use bytes::Bytes;
use reactor::{Context, Event, Kernel, States, WheelId};
use wheels::filter::Line;
use wheels::{Descriptor, Established, Failure, Input, ReadWrite, SocketFactory};

const CONNECTED: Event<Established> = Event::new("connected");

struct Client {
    address: SocketAddr,
    connecting: Option<SocketFactory>,
    server: Option<ReadWrite<Line>>,
    stdin: Option<ReadWrite<Line>>,
}

impl Client {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Result<(), Box<dyn std::error::Error>> {
        examples::end_on_signals(cx)?;
        self.connecting = Some(
            SocketFactory::builder()
                .remote_address(self.address.ip())
                .remote_port(self.address.port())
                .build(cx, &CONNECTED, "not_connected"),
        );
        Ok(())
    }

    fn connected(&mut self, cx: &mut Context<'_>, made: Established) -> io::Result<()> {
        self.connecting = None;
        self.server = Some(
            ReadWrite::builder(made.socket)
                .filter(Line::literal(b"\n"))
                .high_mark(64 * 1024, "server_is_slow")
                .low_mark(16 * 1024, "server_is_free")
                .build(cx, "got_answer", "server_ended"),
        );
        self.stdin = Some(
            ReadWrite::builder(Descriptor::stdin()?)
                .filter(Line::literal(b"\n").max_length(1024 * 1024))
                .build(cx, "got_line", "stdin_ended"),
        );
        Ok(())
    }

    fn not_connected(&mut self, _: &mut Context<'_>, failure: Failure) -> Result<(), String> {
        Err(format!("{failure} ({})", self.address))
    }

    fn got_line(&mut self, cx: &mut Context<'_>, line: Input<Bytes>) {
        if let Some(server) = &self.server {
            server.put(cx, line.item);
        }
    }

    fn got_answer(&mut self, _: &mut Context<'_>, line: Input<Bytes>) -> io::Result<()> {
        let mut stdout = io::stdout();
        stdout.write_all(&line.item)?;
        stdout.write_all(b"\n")
    }

    fn server_is_slow(&mut self, cx: &mut Context<'_>, _: WheelId) {
        self.stdin.iter().for_each(|stdin| stdin.pause_input(cx));
    }

    fn server_is_free(&mut self, cx: &mut Context<'_>, _: WheelId) {
        self.stdin.iter().for_each(|stdin| stdin.resume_input(cx));
    }

    /// Tell the server that no more comes. It answers what it has and ends too.
    fn stdin_ended(&mut self, cx: &mut Context<'_>, failure: Failure) -> Result<(), Failure> {
        self.stdin = None;
        self.server.iter().for_each(|server| server.shutdown_output(cx));
        if failure.is_end() { Ok(()) } else { Err(failure) }
    }

    fn server_ended(&mut self, _: &mut Context<'_>, failure: Failure) -> Result<(), Failure> {
        self.server = None;
        self.stdin = None;
        if failure.is_end() { Ok(()) } else { Err(failure) }
    }
}

fn connect(address: SocketAddr) -> io::Result<()> {
    let client = States::new()
        .try_on("_start", Client::start)
        .try_on(&CONNECTED, Client::connected)
        .try_on("not_connected", Client::not_connected)
        .on("got_line", Client::got_line)
        .try_on("got_answer", Client::got_answer)
        .on("server_is_slow", Client::server_is_slow)
        .on("server_is_free", Client::server_is_free)
        .try_on("stdin_ended", Client::stdin_ended)
        .try_on("server_ended", Client::server_ended)
        .on("got_signal", examples::got_signal);
    let mut kernel = Kernel::new()?;
    kernel.spawn(&client, Client { address, connecting: None, server: None, stdin: None });
    kernel.run()
}

fn main() -> ExitCode {
    examples::main(
        "echo_client ADDR:PORT",
        |arguments| match arguments {
            [address] => address.parse().ok(),
            _ => None,
        },
        connect,
    )
}

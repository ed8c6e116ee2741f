//! A server that gives everyone back their lines, in rot13: the program of the manual of
//! `POE::Wheel::SocketFactory`. Its twin in Perl is `ports/rot13_server.pl`.
//!
//! ```text
//! cargo run --release -p examples --example rot13_server
//! echo Uryyb | nc -N 127.0.0.1 12345
//! ```

use std::error::Error;
use std::process::ExitCode;

use bytes::Bytes;
use reactor::{Context, Kernel, States, WheelMap};
use wheels::filter::Line;
use wheels::{Established, Failure, Input, ReadWrite, SocketFactory};

struct Rot13 {
    port: u16,
    server: Option<SocketFactory>,
    clients: WheelMap<ReadWrite<Line>>,
}

fn main() -> ExitCode {
    examples::main("rot13_server [PORT]", examples::port, |port| {
        let mut kernel = Kernel::new()?;
        start(&mut kernel, port);
        kernel.run()
    })
}

pub(crate) fn start(kernel: &mut Kernel, port: u16) {
    let rot13 = States::new()
        .try_on("_start", Rot13::start)
        .on("on_client_accept", Rot13::on_client_accept)
        .on("on_server_error", Rot13::on_server_error)
        .on("on_client_input", Rot13::on_client_input)
        .on("on_client_error", Rot13::on_client_error)
        .on("got_signal", examples::got_signal);
    kernel.spawn(&rot13, Rot13 { port, server: None, clients: WheelMap::default() });
}

impl Rot13 {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Result<(), Box<dyn Error>> {
        examples::end_on_signals(cx)?;
        let server = SocketFactory::builder().bind_port(self.port);
        let server = server.build(cx, "on_client_accept", "on_server_error");
        server.local_addr(cx).map_or(Ok(()), examples::say_listening)?;
        self.server = Some(server);
        Ok(())
    }

    fn on_client_accept(&mut self, cx: &mut Context<'_>, client: Established) {
        let wheel = ReadWrite::builder(client.socket).filter(Line::new());
        let wheel = wheel.build(cx, "on_client_input", "on_client_error");
        self.clients.insert(wheel.id(), wheel);
    }

    fn on_server_error(&mut self, _: &mut Context<'_>, failure: Failure) {
        eprintln!("Server {} error {}: {}", failure.operation, failure.errnum, failure.errstr);
        self.server = None;
    }

    fn on_client_input(&mut self, cx: &mut Context<'_>, input: Input<Bytes>) {
        if let Some(client) = self.clients.get(&input.wheel) {
            client.put(cx, input.item.iter().copied().map(rot13).collect::<Bytes>());
        }
    }

    /// What was put is sent before the end; the twin deletes the wheel, and with it what was not sent yet.
    fn on_client_error(&mut self, cx: &mut Context<'_>, failure: Failure) {
        if let Some(client) = self.clients.remove(&failure.wheel) {
            client.shutdown(cx);
        }
    }
}

const fn rot13(byte: u8) -> u8 {
    match byte {
        b'a'..=b'm' | b'A'..=b'M' => byte + 13,
        b'n'..=b'z' | b'N'..=b'Z' => byte - 13,
        other => other,
    }
}

//! An echo server: gives everyone back what they send, as it comes or, with `--lines`, line by line.
//!
//! ```text
//! cargo run --release -p examples --example echo_server
//! cargo run --release -p examples --example echo_client -- 127.0.0.1:7777
//! ```

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use bytes::Bytes;
use reactor::{Context, Event, Kernel, States, WheelId, WheelMap};
use wheels::filter::{Filter, Line, Stream};
use wheels::{Established, Failure, Input, ReadWrite, SocketFactory};

const GOT_CLIENT: Event<Established> = Event::new("got_client");
const GOT_INPUT: Event<Input<Bytes>> = Event::new("got_input");

struct Echo<F: Filter> {
    address: SocketAddr,
    new_filter: fn() -> F,
    listener: Option<SocketFactory>,
    clients: WheelMap<ReadWrite<F>>,
}

impl<F: Filter<Item = Bytes, Out = Bytes>> Echo<F> {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Result<(), Box<dyn std::error::Error>> {
        examples::end_on_signals(cx)?;
        let listener =
            SocketFactory::listen(self.address).build(cx, &GOT_CLIENT, "got_listen_failure");
        listener.local_addr(cx).map_or(Ok(()), examples::say_listening)?;
        self.listener = Some(listener);
        Ok(())
    }

    fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
        log::info!("{} accepted", client.peer);
        let wheel = ReadWrite::builder(client.socket)
            .filter((self.new_filter)())
            .high_mark(256 * 1024, "client_is_slow")
            .low_mark(64 * 1024, "client_is_free")
            .build(cx, &GOT_INPUT, "got_failure");
        self.clients.insert(wheel.id(), wheel);
    }

    fn got_input(&mut self, cx: &mut Context<'_>, input: Input<Bytes>) {
        if let Some(client) = self.clients.get(&input.wheel) {
            client.put(cx, input.item);
        }
    }

    fn client_is_slow(&mut self, cx: &mut Context<'_>, wheel: WheelId) {
        if let Some(client) = self.clients.get(&wheel) {
            client.pause_input(cx);
        }
    }

    fn client_is_free(&mut self, cx: &mut Context<'_>, wheel: WheelId) {
        if let Some(client) = self.clients.get(&wheel) {
            client.resume_input(cx);
        }
    }

    /// The client ended or broke. What is still to be sent is sent.
    fn got_failure(&mut self, cx: &mut Context<'_>, failure: Failure) {
        log::info!("wheel {} closes: {failure}", failure.wheel);
        if let Some(client) = self.clients.remove(&failure.wheel) {
            client.shutdown(cx);
        }
    }

    fn got_listen_failure(&mut self, cx: &mut Context<'_>, failure: Failure) -> Result<(), String> {
        if self.listener.as_ref().and_then(|listener| listener.local_addr(cx)).is_none() {
            return Err(format!("{failure} ({})", self.address));
        }
        log::warn!("{failure}"); // descriptors ran out, say: it goes on by itself
        Ok(())
    }
}

fn serve((address, lines): (SocketAddr, bool)) -> io::Result<()> {
    let mut kernel = Kernel::new()?;
    if lines {
        start(&mut kernel, address, || Line::literal(b"\n"));
    } else {
        start(&mut kernel, address, || Stream);
    }
    kernel.run()
}

pub(crate) fn start<F>(kernel: &mut Kernel, address: SocketAddr, new_filter: fn() -> F)
where
    F: Filter<Item = Bytes, Out = Bytes>,
{
    let echo = States::new()
        .try_on("_start", Echo::start)
        .on(&GOT_CLIENT, Echo::got_client)
        .on(&GOT_INPUT, Echo::got_input)
        .on("client_is_slow", Echo::client_is_slow)
        .on("client_is_free", Echo::client_is_free)
        .on("got_failure", Echo::got_failure)
        .try_on("got_listen_failure", Echo::got_listen_failure)
        .on("got_signal", examples::got_signal);
    kernel.spawn(&echo, Echo { address, new_filter, listener: None, clients: WheelMap::default() });
}

fn main() -> ExitCode {
    examples::main(
        "echo_server [ADDR:PORT] [--lines]",
        |arguments| match arguments {
            [] => Some((([127, 0, 0, 1], 7777).into(), false)),
            [lines] if lines == "--lines" => Some((([127, 0, 0, 1], 7777).into(), true)),
            [address] => Some((address.parse().ok()?, false)),
            [address, lines] if lines == "--lines" => Some((address.parse().ok()?, true)),
            _ => None,
        },
        serve,
    )
}

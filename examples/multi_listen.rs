//! A server that is reached in many ways, all of them one listener: on one port of every interface by IPv4
//! and IPv6, and wherever else it is told. It says where one came in.
//!
//! ```text
//! cargo run --release -p examples --example multi_listen -- 7777 127.0.0.1:7778 /tmp/multi_listen
//! nc -6 localhost 7777; nc 127.0.0.1 7778; nc -U /tmp/multi_listen
//! ```

use std::io;
use std::process::ExitCode;

use reactor::{Context, Event, Kernel, States, WheelId, WheelMap};
use wheels::filter::Line;
use wheels::{Established, Failure, Listening, ReadWrite, SocketFactory, SocketFactoryBuilder};

const LISTENING: Event<Listening> = Event::new("listening");
const GOT_CLIENT: Event<Established> = Event::new("got_client");

struct Door {
    port: u16,
    also: Vec<String>,
    listener: Option<SocketFactory>,
    clients: WheelMap<ReadWrite<Line>>,
}

impl Door {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Result<(), Box<dyn std::error::Error>> {
        examples::end_on_signals(cx)?;
        let everywhere = SocketFactory::listen_everywhere(self.port).listening_event(&LISTENING);
        let listener = self.also.drain(..).fold(everywhere, SocketFactoryBuilder::also);
        self.listener = Some(listener.build(cx, &GOT_CLIENT, "got_listen_failure"));
        Ok(())
    }

    fn listening(&mut self, _: &mut Context<'_>, up: Listening) -> io::Result<()> {
        examples::say_listening(up.local_addr)
    }

    fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
        let Ok(here) = client.socket.local_addr() else { return };
        let welcome = format!("you are {}, and came in at {here}", client.peer);
        log::info!("{welcome}");
        let client = ReadWrite::builder(client.socket)
            .filter(Line::new())
            .flushed_event("got_flushed")
            .build(cx, "ignored", "got_failure");
        client.put(cx, welcome);
        self.clients.insert(client.id(), client);
    }

    fn got_flushed(&mut self, cx: &mut Context<'_>, wheel: WheelId) {
        if let Some(client) = self.clients.remove(&wheel) {
            client.shutdown(cx);
        }
    }

    fn got_failure(&mut self, _: &mut Context<'_>, failure: Failure) {
        self.clients.remove(&failure.wheel);
    }

    fn got_listen_failure(&mut self, cx: &mut Context<'_>, failure: Failure) -> Result<(), String> {
        if self.listener.as_ref().and_then(|listener| listener.local_addr(cx)).is_none() {
            return Err(failure.to_string());
        }
        log::warn!("{failure}"); // descriptors ran out, say: it goes on by itself
        Ok(())
    }
}

fn serve(settings: (u16, Vec<String>)) -> io::Result<()> {
    let mut kernel = Kernel::new()?;
    start(&mut kernel, settings);
    kernel.run()
}

pub(crate) fn start(kernel: &mut Kernel, (port, also): (u16, Vec<String>)) {
    let door = States::new()
        .try_on("_start", Door::start)
        .try_on(&LISTENING, Door::listening)
        .on(&GOT_CLIENT, Door::got_client)
        .on("got_flushed", Door::got_flushed)
        .on("got_failure", Door::got_failure)
        .try_on("got_listen_failure", Door::got_listen_failure)
        .on("got_signal", examples::got_signal);
    kernel.spawn(&door, Door { port, also, listener: None, clients: WheelMap::default() });
}

fn main() -> ExitCode {
    examples::main(
        "multi_listen [PORT [ADDR:PORT | PATH]...]",
        |arguments| match arguments {
            [] => Some((7777, Vec::new())),
            [port, also @ ..] => Some((port.parse().ok()?, also.to_vec())),
        },
        serve,
    )
}

//! An echo server of datagrams: gives everyone back what they send, message by message.
//!
//! ```text
//! cargo run --release --example udp_echo
//! echo hello | nc -u -w1 127.0.0.1 7777
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

use reactor::{Context, Event, Kernel, States};
use wheels::{Datagram, Established, Failure, Message, Sent, SocketFactory};

const GOT_SOCKET: Event<Established> = Event::new("got_socket");
const GOT_MESSAGE: Event<Message> = Event::new("got_message");

struct Echo {
    address: SocketAddr,
    factory: Option<SocketFactory>,
    wheel: Option<Datagram>,
}

impl Echo {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Result<(), Box<dyn Error>> {
        examples::end_on_signals(cx)?;
        let factory = SocketFactory::datagram(self.address);
        self.factory = Some(factory.build(cx, &GOT_SOCKET, "got_no_socket"));
        Ok(())
    }

    fn got_socket(&mut self, cx: &mut Context<'_>, made: Established) -> std::io::Result<()> {
        examples::say_listening(made.socket.local_addr()?)?;
        self.wheel = Some(Datagram::builder(made.socket).build(cx, &GOT_MESSAGE, "got_failure"));
        Ok(())
    }

    fn got_no_socket(&mut self, _: &mut Context<'_>, failure: Failure) -> Result<(), String> {
        Err(format!("{failure} ({})", self.address))
    }

    fn got_message(&mut self, cx: &mut Context<'_>, message: Message) {
        let Some(wheel) = &self.wheel else { return };
        log::info!("{} bytes from {}", message.length, message.from);
        if let Sent::Dropped(payload) = wheel.send_to(cx, message.payload, message.from) {
            log::warn!("an answer of {} bytes too many", payload.len());
        }
    }

    /// Of one message, or of one peer: the others are served.
    fn got_failure(&mut self, _: &mut Context<'_>, failure: Failure) {
        log::warn!("{failure}");
    }
}

fn serve(address: SocketAddr) -> std::io::Result<()> {
    let echo = States::new()
        .try_on("_start", Echo::start)
        .try_on(&GOT_SOCKET, Echo::got_socket)
        .try_on("got_no_socket", Echo::got_no_socket)
        .on(&GOT_MESSAGE, Echo::got_message)
        .on("got_failure", Echo::got_failure)
        .on("got_signal", examples::got_signal);
    let mut kernel = Kernel::new()?;
    kernel.spawn(&echo, Echo { address, factory: None, wheel: None });
    kernel.run()
}

fn main() -> ExitCode {
    examples::main(
        "udp_echo [ADDR:PORT]",
        |arguments| match arguments {
            [] => Some(([127, 0, 0, 1], 7777).into()),
            [address] => address.parse().ok(),
            _ => None,
        },
        serve,
    )
}

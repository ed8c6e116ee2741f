//! An echo server of datagrams: gives everyone back what they send, message by message.
//!
//! ```text
//! cargo run --release --example udp_echo
//! echo hello | nc -u -w1 127.0.0.1 7777
//! ```

use std::error::Error;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;

use reactor::{Context, Event, Kernel, States};
use wheels::{Datagram, Failure, Message, Sent, Socket};

const GOT_MESSAGE: Event<Message> = Event::new("got_message");

struct Echo {
    address: SocketAddr,
    wheel: Option<Datagram>,
}

impl Echo {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Result<(), Box<dyn Error>> {
        examples::end_on_signals(cx)?;
        let socket = UdpSocket::bind(self.address)?;
        examples::say_listening(socket.local_addr()?)?;
        let socket = Socket::try_from(socket)?;
        self.wheel = Some(Datagram::builder(socket).build(cx, &GOT_MESSAGE, "got_failure"));
        Ok(())
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

fn serve(address: SocketAddr) -> io::Result<()> {
    let echo = States::new()
        .try_on("_start", Echo::start)
        .on(&GOT_MESSAGE, Echo::got_message)
        .on("got_failure", Echo::got_failure)
        .on("got_signal", examples::got_signal);
    let mut kernel = Kernel::new()?;
    kernel.spawn(&echo, Echo { address, wheel: None });
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

//! An echo server of datagrams: gives everyone back what they send, message by message.
//!
//! ```text
//! cargo run --release -p examples --example udp_echo
//! echo hello | nc -u -w1 127.0.0.1 7777
//! ```

use std::net::SocketAddr;
use std::process::ExitCode;

use reactor::{Context, Kernel, SignalError, States};
use wheels::{Datagram, Established, Failure, Message, SocketFactory};

struct Echo {
    address: SocketAddr,
    factory: Option<SocketFactory>,
    wheel: Option<Datagram>,
}

impl Echo {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Result<(), SignalError> {
        examples::end_on_signals(cx)?;
        let builder = SocketFactory::datagram(self.address);
        self.factory = Some(builder.build(cx, "got_socket", "got_failure"));
        Ok(())
    }

    fn got_socket(&mut self, cx: &mut Context<'_>, made: Established) -> std::io::Result<()> {
        examples::say_listening(made.socket.local_addr()?)?;
        self.wheel = Some(Datagram::builder(made.socket).build(cx, "got_message", "got_failure"));
        Ok(())
    }

    fn got_message(&mut self, cx: &mut Context<'_>, message: Message) {
        if let Some(wheel) = &self.wheel {
            wheel.send_to(cx, message.payload, message.from);
        }
    }

    /// Of one message, and the others are served; or there is no socket.
    fn got_failure(&mut self, _: &mut Context<'_>, failure: Failure) -> Result<(), String> {
        log::warn!("{failure}");
        self.wheel.is_some().then_some(()).ok_or_else(|| format!("{failure} ({})", self.address))
    }
}

fn serve(address: SocketAddr) -> std::io::Result<()> {
    let mut kernel = Kernel::new()?;
    start(&mut kernel, address);
    kernel.run()
}

pub(crate) fn start(kernel: &mut Kernel, address: SocketAddr) {
    let echo = States::new()
        .try_on("_start", Echo::start)
        .try_on("got_socket", Echo::got_socket)
        .on("got_message", Echo::got_message)
        .try_on("got_failure", Echo::got_failure)
        .on("got_signal", examples::got_signal);
    kernel.spawn(&echo, Echo { address, factory: None, wheel: None });
}

fn main() -> ExitCode {
    let address = |arguments: &[String]| match arguments {
        [] => Some(([127, 0, 0, 1], 7777).into()),
        [address] => address.parse().ok(),
        _ => None,
    };
    examples::main("udp_echo [ADDR:PORT]", address, serve)
}

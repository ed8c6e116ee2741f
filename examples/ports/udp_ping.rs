//! Datagrams: `ping TEXT` is answered with `pong TEXT` and how often this peer has pinged, `stop` ends
//! the program. Its twin in Perl is `udp_ping.pl`.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::process::ExitCode;

use reactor::{Context, Kernel, States};
use wheels::{Address, Datagram, Established, Failure, Message, SocketFactory};

struct Ping {
    port: u16,
    factory: Option<SocketFactory>,
    socket: Option<Datagram>,
    count: HashMap<Address, u64>,
}

fn main() -> ExitCode {
    examples::main("port_udp_ping [PORT]", examples::port, |port| {
        let ping = States::new()
            .try_on("_start", Ping::start)
            .try_on("got_socket", Ping::got_socket)
            .on("got_datagram", Ping::got_datagram)
            .on("stop", Ping::stop)
            .on("got_error", Ping::got_error)
            .on("got_signal", examples::got_signal);
        let mut kernel = Kernel::new()?;
        kernel.spawn(&ping, Ping { port, factory: None, socket: None, count: HashMap::new() });
        kernel.run()
    })
}

impl Ping {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Result<(), Box<dyn Error>> {
        examples::end_on_signals(cx)?;
        let factory = SocketFactory::datagram(("127.0.0.1", self.port));
        self.factory = Some(factory.build(cx, "got_socket", "got_error"));
        Ok(())
    }

    fn got_socket(&mut self, cx: &mut Context<'_>, made: Established) -> io::Result<()> {
        examples::say_listening(made.socket.local_addr()?)?;
        let socket = Datagram::builder(made.socket).largest(1500);
        self.socket = Some(socket.build(cx, "got_datagram", "got_error"));
        Ok(())
    }

    fn got_datagram(&mut self, cx: &mut Context<'_>, message: Message) {
        let Some(socket) = &self.socket else { return };
        if let Some(text) = message.payload.strip_prefix(b"ping ") {
            let count = self.count.entry(message.from.clone()).or_default();
            *count += 1;
            let answer = [b"pong ", text, format!(" {count}").as_bytes()].concat();
            socket.send_to(cx, answer, message.from);
        } else if message.payload == "stop" {
            let answer = format!("stopped after {} peers", self.count.len());
            socket.send_to(cx, answer, message.from);
            cx.yield_("stop", ());
        } else {
            socket.send_to(cx, "what?", message.from);
        }
    }

    fn stop(&mut self, _: &mut Context<'_>, (): ()) {
        self.socket = None;
    }

    fn got_error(&mut self, _: &mut Context<'_>, failure: Failure) {
        eprintln!("{failure}");
    }
}

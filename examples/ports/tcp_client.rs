//! A client that does sums for its server, with what `TcpClient` calls back: `N * N` is answered, `bye` ends
//! it. Whenever the server ends the connection it comes again. Its twin in Perl is `tcp_client.pl`.

use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use components::TcpClient;
use reactor::{Context, Kernel, SignalError};
use wheels::Failure;
use wheels::filter::Line;

#[derive(Default)]
struct Sums {
    visits: u32,
    done: bool,
}

type Server<'a> = components::Server<'a, Line>;

fn main() -> ExitCode {
    examples::main("port_tcp_client [PORT]", examples::port, |port| {
        let mut kernel = Kernel::new()?;
        start(&mut kernel, port);
        kernel.run()
    })
}

pub(crate) fn start(kernel: &mut Kernel, port: u16) {
    TcpClient::new(Line::new)
        .alias("client")
        .connect(("127.0.0.1", port))
        .started(Sums::started)
        .connected(Sums::connected)
        .connect_error(Sums::connect_error)
        .disconnected(Sums::disconnected)
        .server_input(Sums::server_input)
        .server_error(Sums::server_error)
        .server_flushed(Sums::server_flushed)
        .on("got_signal", |sums, server, signal| {
            examples::got_signal(sums, server.cx(), signal);
        })
        .spawn(kernel, Sums::default());
}

impl Sums {
    fn started(&mut self, cx: &mut Context<'_>) -> Result<(), SignalError> {
        examples::end_on_signals(cx)?;
        examples::say("started");
        Ok(())
    }

    fn connected(&mut self, server: &mut Server<'_>) {
        self.visits += 1;
        examples::say("connected");
        server.put(format!("visit {}", self.visits));
    }

    fn connect_error(&mut self, _: &mut Server<'_>, failure: Failure) {
        let Failure { operation, errnum, errstr, .. } = failure;
        examples::say(format_args!("{operation} error {errnum}: {errstr}"));
    }

    fn disconnected(&mut self, server: &mut Server<'_>) {
        examples::say("disconnected");
        if !self.done {
            server.reconnect_after(Duration::from_millis(20));
        }
    }

    fn server_input(&mut self, server: &mut Server<'_>, line: Bytes) {
        if let Some((a, b)) = factors(&line) {
            server.put((a * b).to_string());
        } else if line == "bye" {
            self.done = true;
            server.put(format!("bye after {} visits", self.visits));
            server.shutdown();
        } else {
            server.put([b"what is ", &line[..], b"?"].concat());
        }
    }

    fn server_error(&mut self, _: &mut Server<'_>, failure: Failure) {
        let Failure { operation, errnum, .. } = failure;
        examples::say(format_args!("{operation} error {errnum}"));
    }

    fn server_flushed(&mut self, _: &mut Server<'_>) {
        examples::say("all is sent");
    }
}

/// The numbers of `N * N`, of five digits at most.
fn factors(line: &[u8]) -> Option<(u64, u64)> {
    let (a, b) = std::str::from_utf8(line).ok()?.split_once(" * ")?;
    let fits = |digits: &str| digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if fits(a) && fits(b) { Some((a.parse().ok()?, b.parse().ok()?)) } else { None }
}

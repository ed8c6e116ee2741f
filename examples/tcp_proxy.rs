//! A proxy for TCP: whoever connects to it is connected to another server, and neither notices.
//!
//! ```text
//! python3 -m http.server --bind 127.0.0.1 8000
//! RUST_LOG=info cargo run --release -p examples --example tcp_proxy -- 127.0.0.1:7777 127.0.0.1:8000
//! curl http://127.0.0.1:7777/
//! ```
//!
//! Bytes go from one socket to the other within the system, where that is possible, and no faster than they
//! are taken. A client that says no more may still be answered. The log has a line for each connection, with
//! how much went up to the server and how much came down. Ctrl-C ends the proxy when all connections have
//! ended, and after ten seconds in any case; once more ends it at once.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use components::TcpServer;
use reactor::{Event, Kernel, WheelId};
use wheels::filter::Stream;
use wheels::{Endpoint, Established, Failure, Operation, ReadWrite, SocketFactory};

/// Each connection is a session, which has a clone of this.
#[derive(Clone)]
struct Proxy {
    upstream: String,
}

/// A connection, beyond the client's own stream.
#[derive(Default)]
struct Link {
    connecting: Option<SocketFactory>,
    upstream: Option<ReadWrite<Stream>>,
    /// Which of the two streams has ended. The other one may go on for long.
    ended: Option<WheelId>,
}

type Client<'a> = components::Client<'a, Stream, Link>;

const CONNECTED: Event<Established> = Event::new("upstream_connected");
const NOT_CONNECTED: Event<Failure> = Event::new("upstream_not_connected");
const ENDED: Event<Failure> = Event::new("upstream_ended");

/// How long neither side may say anything.
const IDLE: Duration = Duration::from_secs(10 * 60);

/// How long a side may take nothing of what there is for it.
const STALL: Duration = Duration::from_secs(60);

impl Proxy {
    /// What the client says waits until there is somebody to say it to.
    fn client_connected(&mut self, client: &mut Client<'_>) {
        client.pause_input();
        client.set_busy(true);
        let factory = SocketFactory::connect(Endpoint::from(self.upstream.as_str()))
            .resolve_timeout(Duration::from_secs(5))
            .connect_timeout(Duration::from_secs(5))
            .build(client.cx(), &CONNECTED, &NOT_CONNECTED);
        client.state().connecting = Some(factory);
    }

    fn not_connected(&mut self, client: &mut Client<'_>, failure: Failure) {
        log::warn!("{}: {failure} ({})", client.peer(), self.upstream);
        client.shutdown();
    }

    /// From here on everything goes by itself, the end of either side included.
    fn connected(&mut self, client: &mut Client<'_>, made: Established) {
        let upstream = ReadWrite::builder(made.socket)
            .idle_timeout(IDLE)
            .stall_timeout(STALL)
            .build(client.cx(), "unread", &ENDED);
        let (link, stream, cx) = client.parts();
        if let Some(stream) = stream {
            wheels::pipe(cx, stream, &upstream);
        }
        link.connecting = None;
        link.upstream = Some(upstream);
        client.resume_input();
    }

    /// Of either side. An end was passed on already.
    fn ended(&mut self, client: &mut Client<'_>, failure: Failure) {
        let before = client.state().ended;
        if failure.operation == Operation::Pipe {
            return; // to the other side, which tells itself what happened to it
        }
        if failure.is_end() && before.is_none() {
            client.state().ended = Some(failure.wheel);
            return;
        }
        log_totals(client, &failure);
        let Some(upstream) = client.state().upstream.take() else { return };
        // A side that breaks when it has said all there was to say does not matter to the other. But what
        // was cut off must not look like something whole.
        if failure.is_end() || before == Some(failure.wheel) {
            upstream.shutdown(client.cx());
            client.shutdown();
        } else {
            upstream.abort(client.cx());
            client.abort();
        }
    }
}

fn log_totals(client: &mut Client<'_>, failure: &Failure) {
    let peer = client.peer();
    let (link, stream, cx) = client.parts();
    let up = stream.map_or(0, |stream| stream.received(cx));
    let down = link.upstream.as_ref().map_or(0, |upstream| upstream.received(cx));
    log::info!("{peer}: {up} bytes up, {down} bytes down, {failure}");
}

pub(crate) struct Settings {
    pub(crate) listen: String,
    pub(crate) upstream: String,
    pub(crate) patience: Duration,
}

fn serve(settings: Settings) -> io::Result<()> {
    let mut kernel = Kernel::new()?;
    start(&mut kernel, settings);
    kernel.run()
}

pub(crate) fn start(kernel: &mut Kernel, settings: Settings) {
    let Settings { listen, upstream, patience } = settings;
    TcpServer::with_clients(|| Stream, |_: &mut Proxy, _| Link::default())
        .listen(listen.as_str())
        .concurrency(10_000)
        .per_address(1_000)
        .listening(|_, _, up| examples::listening(&up))
        .error(move |_, _, failure| examples::not_listening(&failure, &listen))
        .session_per_client()
        .client_connected(Proxy::client_connected)
        .on_client(&NOT_CONNECTED, Proxy::not_connected)
        .on_client(&CONNECTED, Proxy::connected)
        .on_client(&ENDED, Proxy::ended)
        .client_error(Proxy::ended)
        .stay_on_error()
        .idle_timeout(IDLE)
        .stall_timeout(STALL)
        .lifetime(None)
        .drain_on_signals(patience)
        .spawn(kernel, Proxy { upstream });
}

fn main() -> ExitCode {
    examples::main(
        "tcp_proxy LISTEN UPSTREAM [SECONDS]",
        |arguments| {
            let (listen, upstream, seconds) = match arguments {
                [listen, upstream] => (listen.clone(), upstream.clone(), 10),
                [listen, upstream, seconds] => {
                    (listen.clone(), upstream.clone(), seconds.parse().ok()?)
                }
                _ => return None,
            };
            Some(Settings { listen, upstream, patience: Duration::from_secs(seconds) })
        },
        serve,
    )
}

//! Ten thousand connections opened, used and closed, and then everything is as it was.

use std::collections::HashMap;
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};

use bytes::Bytes;
use reactor::{Context, Event, Kernel, States, WheelId};
use testkit::leak::{self, Descriptors};
use testkit::net::{self, Ending, Peer};
use wheels::filter::Stream;
use wheels::{Established, Failure, Input, ReadWrite, SocketFactory};

const CONNECTIONS: usize = 10_000;
const AT_ONCE: usize = 100;

/// What a second round may add. A list that forgot to forget one small thing for each connection would
/// be above it.
const GROWTH: usize = 256 * 1024;

const GOT_CLIENT: Event<Established> = Event::new("got_client");
const GOT_INPUT: Event<Input<Bytes>> = Event::new("got_input");
const GOT_FAILURE: Event<Failure> = Event::new("got_failure");
const LISTEN: Event<(), SocketAddr> = Event::new("listen");
const CLOSE: Event<()> = Event::new("close");

pub(crate) fn ten_thousand_connections_leave_nothing() {
    let before = Descriptors::note();
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on_start(|_: &mut Echo, cx: &mut Context<'_>, ()| Echo::stay(cx))
        .on(&LISTEN, Echo::listen)
        .on(&CLOSE, |echo: &mut Echo, _: &mut Context<'_>, ()| echo.listener = None)
        .on(&GOT_CLIENT, Echo::got_client)
        .on(&GOT_INPUT, Echo::got_input)
        .on(&GOT_FAILURE, Echo::got_failure);
    let session = kernel.spawn(&states, Echo::default());
    let quiet = Descriptors::note();

    let mut round = || {
        // A listener for each round: a port has no more than so many clients in a minute.
        let addr = kernel.call(session, &LISTEN, ()).unwrap();
        let peers = Peer::play(move || (0..CONNECTIONS / AT_ONCE).for_each(|_| play(addr)));
        peers.run(&mut kernel);
        let left = "the last connections to be closed";
        net::run_until_kernel(&mut kernel, left, |kernel| kernel.wheel_count() == 1);
        kernel.call(session, &CLOSE, ()).unwrap();
        assert_eq!((kernel.wheel_count(), kernel.session_count()), (0, 1));
        quiet.assert_same();
        leak::private_memory()
    };
    let first = round();
    let second = round();
    let grown = second.saturating_sub(first);
    assert!(grown <= GROWTH, "{first} bytes, and then {grown} more");

    kernel.stop();
    assert_eq!(kernel.session_count(), 0);
    drop(kernel);
    before.assert_same();
}

/// A batch of clients, and what each does. All are connected before the first does anything.
fn play(addr: SocketAddr) {
    for (number, mut client) in net::connect_all(addr, AT_ONCE).into_iter().enumerate() {
        match number % 4 {
            0 => {
                client.write_all(b"hello").unwrap();
                assert_eq!(net::read_exact(&mut client, 5), b"hello");
            }
            1 => half_close(&mut client),
            2 => {
                client.write_all(b"lost").unwrap();
                net::reset(client);
            }
            _ => net::reset(client),
        }
    }
}

fn half_close(client: &mut TcpStream) {
    client.write_all(b"good bye").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(net::read_to_end(client), Ending::Closed(b"good bye".to_vec()));
}

#[derive(Default)]
struct Echo {
    listener: Option<SocketFactory>,
    clients: HashMap<WheelId, ReadWrite<Stream>>,
}

impl Echo {
    fn stay(cx: &mut Context<'_>) {
        cx.delay("never", std::time::Duration::from_secs(86_400), ());
    }

    fn listen(&mut self, cx: &mut Context<'_>, (): ()) -> SocketAddr {
        let builder = SocketFactory::builder().bind_address("127.0.0.1");
        let listener = builder.build(cx, &GOT_CLIENT, &GOT_FAILURE);
        let addr = listener.local_addr(cx).and_then(|addr| addr.as_ip()).expect("it listens");
        self.listener = Some(listener);
        addr
    }

    fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
        let wheel = ReadWrite::builder(client.socket).build(cx, &GOT_INPUT, &GOT_FAILURE);
        self.clients.insert(wheel.id(), wheel);
    }

    fn got_input(&mut self, cx: &mut Context<'_>, input: Input<Bytes>) {
        if let Some(client) = self.clients.get(&input.wheel) {
            client.put(cx, input.item);
        }
    }

    fn got_failure(&mut self, cx: &mut Context<'_>, failure: Failure) {
        let Some(client) = self.clients.remove(&failure.wheel) else { return };
        if failure.is_end() {
            client.shutdown(cx);
        }
    }
}

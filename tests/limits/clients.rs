//! Clients that connect again and again, and many that lose their server at once.

use std::cell::{Cell, RefCell};
use std::net::TcpListener;
use std::rc::Rc;
use std::time::{Duration, Instant};

use components::{Reconnect, Server, TcpClient};
use reactor::{Clock, Kernel};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};
use testkit::leak::{self, Descriptors};
use testkit::net::{self, Peer, Reserved};
use wheels::filter::Line;

const CONNECTIONS: usize = 1_000;

/// What a second round may add.
const GROWTH: usize = 256 * 1024;

pub(crate) fn a_thousand_connections_of_a_client_leave_nothing() {
    let before = Descriptors::note();
    let mut kernel = Kernel::new().expect("a kernel");
    let quiet = Descriptors::note();
    let mut round = || {
        let (listener, addr) = net::listener();
        let peer = Peer::play(move || (0..CONNECTIONS).for_each(|number| play(&listener, number)));
        TcpClient::new(Line::new)
            .connect(addr)
            .keep_unsent()
            .reconnect(Reconnect::new().first(Duration::ZERO).most(Duration::ZERO))
            .connected(|count: &mut usize, server: &mut Server<'_, Line>| {
                server.put("hello");
                *count += 1;
                // Of three ends one is ours.
                if *count == CONNECTIONS {
                    server.shutdown();
                } else if count.is_multiple_of(3) {
                    server.reconnect();
                }
            })
            .server_error(|_, _, _| {})
            .spawn(&mut kernel, 0);
        peer.run(&mut kernel);
        net::run_until_kernel(&mut kernel, "its end", |kernel| kernel.session_count() == 0);
        assert_eq!(kernel.wheel_count(), 0);
        quiet.assert_same();
        leak::private_memory()
    };
    let first = round();
    let second = round();
    let grown = second.saturating_sub(first);
    assert!(grown <= GROWTH, "{first} bytes, and then {grown} more");
    drop(kernel);
    before.assert_same();
}

/// The server's end of a connection.
fn play(listener: &TcpListener, number: usize) {
    let mut stream = net::accept(listener);
    net::read_exact(&mut stream, 7);
    if number.is_multiple_of(2) {
        net::reset(stream);
    }
}

pub(crate) fn p62_a_thousand_clients_that_lose_their_server_come_back_spread_out() {
    let before = getrlimit(Resource::Nofile);
    let enough = Some(3 * CONNECTIONS as u64);
    setrlimit(Resource::Nofile, Rlimit { current: enough, ..before }).expect("setrlimit");
    let port = Reserved::new([127, 0, 0, 1]);
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
    listener.set_reuse_address(true).expect("SO_REUSEADDR");
    listener.bind(&port.addr.into()).expect("bind");
    listener.listen(1024).expect("listen");

    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().expect("a kernel");
    let connected = Rc::new(Cell::new(0));
    let times = Rc::new(RefCell::new(Vec::<Instant>::new()));
    for _ in 0..CONNECTIONS {
        let (connected, times) = (Rc::clone(&connected), Rc::clone(&times));
        TcpClient::new(Line::new)
            .connect(port.addr)
            .reconnect(Reconnect::new().first(Duration::from_secs(5)))
            .connected(move |(), _| connected.set(connected.get() + 1))
            .connect_error(move |(), server, _| {
                times.borrow_mut().push(server.cx().now());
                server.shutdown();
            })
            .spawn(&mut kernel, ());
    }
    net::run_until(&mut kernel, "all clients", || connected.get() == CONNECTIONS);
    let accepted: Vec<_> =
        (0..CONNECTIONS).map(|_| listener.accept().expect("it is connected")).collect();
    let lost = kernel.now();
    drop((listener, accepted));
    kernel.run().expect("run");

    let mut bins = [0; 51];
    for time in times.borrow().iter() {
        let bin = (*time - lost).as_millis() / 100;
        bins[usize::try_from(bin).expect("a few seconds")] += 1;
    }
    assert_eq!(bins.iter().sum::<usize>(), CONNECTIONS);
    // Twenty in a tenth of a second, on average.
    assert!(bins.iter().all(|bin| *bin <= 60), "{bins:?}");
    setrlimit(Resource::Nofile, before).expect("setrlimit");
}

//! A network with a hundred ports, or ten.

use std::net::{Ipv4Addr, TcpListener, TcpStream};

use testkit::net::{self, Ending};
use testkit::private;
use testkit::rig::{Host, Rig, cause};
use wheels::{Operation, SocketFactory};

const EADDRNOTAVAIL: i32 = 99;
const ECONNREFUSED: i32 = 111;
const PORTS: usize = 100;

pub(crate) fn p74_when_no_port_is_left_it_is_told_and_one_that_is_free_again_is_used() {
    private::set("ipv4/ip_local_port_range", "40000 40099").expect("it could be set before");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 7_777)).expect("bind");
    let addr = listener.local_addr().expect("local address");
    let mut rig = Rig::start(|_, cx| Host::stay(cx));
    let connect = move |host: &mut Host, cx: &mut reactor::Context<'_>| {
        host.factories.clear();
        host.build(cx, SocketFactory::connect(addr));
    };
    let mut servers = Vec::new();
    for made in 1..=PORTS {
        rig.act(connect);
        rig.run_until_established(made);
        servers.push(net::accept(&listener));
    }
    assert_eq!(rig.failures(), []);

    for told in 1..=3 {
        rig.act(connect);
        rig.run_until("the failure", |heard| heard.len() == PORTS + told);
    }
    for failure in rig.failures() {
        assert_eq!(cause(&failure), (Operation::Connect, EADDRNOTAVAIL));
        assert_eq!(failure.to_string(), "connect: Cannot assign requested address");
    }

    // Who is reset has no connection to remember, and so its port is free.
    let server = servers.swap_remove(50);
    let client = server.peer_addr().expect("the peer");
    net::reset(server);
    let socket = rig.act(move |host, _| {
        let is_it = |socket: &wheels::Socket| socket.local_addr().is_ok_and(|addr| addr == client);
        let place = host.sockets.iter().position(is_it).expect("it is the session's");
        host.sockets.swap_remove(place)
    });
    let mut stream = TcpStream::from(socket);
    stream.set_nonblocking(false).expect("a blocking socket");
    assert_eq!(net::read_to_end(&mut stream), Ending::Reset(vec![]));
    drop(stream);
    rig.act(connect);
    rig.run_until_established(PORTS + 1);
    assert_eq!(rig.failures().len(), 3);
}

/// The near end has one of ten ports, and so has the far end, where nobody listens: one connect in ten
/// meets itself.
pub(crate) fn p07_who_tries_every_port_of_a_small_network_never_meets_itself() {
    const TRIES: u16 = 1_000;
    private::set("ipv4/ip_local_port_range", "40000 40009").expect("it could be set before");
    assert!(meets_itself(), "the test is about nothing");
    let mut rig = Rig::start(|_, cx| Host::stay(cx));
    for number in 0..TRIES {
        rig.act(move |host, cx| {
            host.factories.clear();
            host.build(cx, SocketFactory::connect((Ipv4Addr::LOCALHOST, 40_000 + number % 10)));
        });
        rig.run_until("the failure", |heard| heard.len() > usize::from(number));
    }
    let refused = (Operation::Connect, ECONNREFUSED);
    assert!(rig.peers().is_empty());
    assert!(rig.failures().iter().all(|failure| cause(failure) == refused));
    assert!(!is_anybody_there(), "one squats on its port");
}

/// Whether somebody who does not look finds a peer, sooner or later.
fn meets_itself() -> bool {
    let stream = (0..10_000).find_map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, 40_000)).ok());
    stream.map(net::reset).is_some()
}

/// Whether a port of the network is in use.
fn is_anybody_there() -> bool {
    (40_000..40_010).any(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err())
}

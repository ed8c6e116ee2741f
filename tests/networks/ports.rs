//! A network with a hundred ports.

use std::net::{Ipv4Addr, TcpListener, TcpStream};

use testkit::net::{self, Ending};
use testkit::private;
use testkit::rig::{Host, Rig, cause};
use wheels::{Operation, SocketFactory};

const EADDRNOTAVAIL: i32 = 99;
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

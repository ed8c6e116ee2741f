//! Connecting: one end, made or failed, and only when it is sure.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use socket2::SockRef;
use testkit::machine::has_ipv6;
use testkit::net::{self, Peer, Refusing, Reserved, Silent};
use testkit::rig::{Heard, Host, Rig, cause};
use wheels::faults::{self, Call};
use wheels::{Failure, Operation, SocketFactory, SocketFactoryBuilder};

const ECONNREFUSED: i32 = 111;
const ECONNRESET: i32 = 104;
const ENOTCONN: i32 = 107;
const ENETUNREACH: i32 = 101;

#[test]
fn a_connection_has_the_peers_address_and_its_own() {
    let (listener, addr) = net::listener();
    let mut rig = staying(to(addr));
    rig.run_until_established(1);
    let server = net::accept(&listener);

    let id = rig.act(|host, _| host.factory().id());
    assert_eq!(rig.heard(), [Heard::Established { peer: addr.into(), wheel: id }]);
    let (local, peer) = rig.act(|host, _| {
        let socket = &host.sockets[0];
        (socket.local_addr().unwrap(), socket.peer_addr().unwrap())
    });
    assert_eq!(local, server.peer_addr().unwrap());
    assert_eq!(peer, addr);
}

#[test]
fn a_connection_may_be_an_ipv6_one() {
    if !has_ipv6("a_connection_may_be_an_ipv6_one") {
        return;
    }
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let mut rig = connecting(to(addr));
    rig.run_until_established(1);
    assert_eq!(rig.peers(), [addr]);
}

#[test]
fn a_connection_may_have_a_near_end_of_choice() {
    let (listener, addr) = net::listener();
    let near = Ipv4Addr::new(127, 0, 0, 5);
    let mut rig = connecting(to(addr).bind_address(near));
    rig.run_until_established(1);
    assert_eq!(net::accept(&listener).peer_addr().unwrap().ip(), near);

    let reserved = Reserved::new(Ipv4Addr::UNSPECIFIED);
    let port = reserved.addr.port();
    let mut rig = connecting(to(addr).bind_port(port).reuse(true));
    rig.run_until_established(1);
    assert_eq!(net::accept(&listener).peer_addr().unwrap().port(), port);
}

#[test]
fn a_connection_to_a_port_alone_of_ipv6_is_bound_to_any_ipv6_address() {
    if !has_ipv6("a_connection_to_a_port_alone_of_ipv6_is_bound_to_any_ipv6_address") {
        return;
    }
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let reserved = Reserved::new(Ipv6Addr::UNSPECIFIED);
    let port = reserved.addr.port();
    let mut rig = connecting(to(addr).bind_port(port).reuse(true));
    rig.run_until_established(1);
    let near = SocketAddr::new(addr.ip(), port);
    assert_eq!(listener.accept().unwrap().1, near);
}

#[test]
fn a_connection_that_was_made_is_the_sessions_to_use_as_a_stream() {
    let (listener, addr) = net::listener();
    let mut rig = Rig::start(move |host, cx| {
        host.build(cx, to(addr));
        host.react(|host, cx, heard| {
            if let Heard::Established { .. } = heard {
                let id = host.stream(cx);
                host.streams[&id].put(cx, "ping");
            }
        });
    });
    let server = Peer::play(move || {
        let mut server = net::accept(&listener);
        assert_eq!(net::read_exact(&mut server, 4), b"ping");
        server.write_all(b"pong").unwrap();
    });
    rig.run_to_end();
    server.join();
    let [Heard::Established { .. }, Heard::Came(pong), Heard::Failed(end), Heard::Stopped] =
        &rig.heard()[..]
    else {
        panic!("{:?}", rig.heard());
    };
    assert_eq!((&pong.item[..], end.is_end()), (&b"pong"[..], true));
}

#[test]
fn p05_a_connect_that_is_refused_is_one_failure_and_no_success() {
    let port = Refusing::new();
    let failure = failure_of(to(port.addr));
    assert_eq!(cause(&failure), (Operation::Connect, ECONNREFUSED));
    assert_eq!(failure.to_string(), "connect: Connection refused");
}

#[test]
fn p05_a_writable_socket_without_a_peer_is_waited_for() {
    let (listener, addr) = net::listener();
    faults::fail_next(Call::PeerAddr, ENOTCONN);
    let mut rig = staying(to(addr));
    rig.run_until("the question for the peer", |_| faults::pending() == 0);
    assert_eq!(rig.heard(), []);

    // The next that the system has to say is that something came in.
    let mut server = net::accept(&listener);
    server.write_all(b"welcome").unwrap();
    rig.run_until_established(1);
    assert_eq!(rig.peers(), [addr]);
    let near = rig.act(|host, _| host.sockets[0].local_addr().unwrap());
    assert_eq!(near, server.peer_addr().unwrap());
}

#[test]
fn p05_the_error_of_the_socket_counts_more_than_its_peer() {
    // Made and broken before anybody looked.
    let (listener, addr) = net::listener();
    let mut rig = Rig::start(move |host, cx| {
        host.build(cx, to(addr));
        net::reset(net::accept(&listener));
    });
    rig.run_to_end();
    let failures = rig.failures();
    assert_eq!(failures.len(), 1, "{:?}", rig.heard());
    assert_eq!(cause(&failures[0]), (Operation::Connect, ECONNRESET));
    assert!(rig.peers().is_empty());
}

#[test]
fn a_connection_that_the_peer_has_ended_already_is_made_all_the_same() {
    let (listener, addr) = net::listener();
    let mut rig = Rig::start(move |host, cx| {
        Host::stay(cx);
        host.build(cx, to(addr));
        let mut server = net::accept(&listener);
        server.write_all(b"421 go away\r\n").unwrap();
    });
    rig.run_until_established(1);
    let socket = rig.act(|host, _| host.sockets.pop().unwrap());
    let mut stream = std::net::TcpStream::from(socket);
    stream.set_nonblocking(false).unwrap();
    assert_eq!(net::read_to_end(&mut stream), net::Ending::Closed(b"421 go away\r\n".to_vec()));
}

#[test]
fn p05_a_connect_to_a_full_queue_is_neither_made_nor_failed() {
    let silent = Silent::new();
    let mut rig = connecting(to(silent.addr));
    for _ in 0..20 {
        rig.turn();
    }
    assert_eq!(rig.heard(), []);
    assert!(rig.is_alive(), "who connects keeps the session");
    assert!(rig.kernel.stats().turns >= 20 && rig.kernel.stats().notices <= 1);
}

#[test]
fn a_connect_that_fails_at_once_is_told_from_the_queue() {
    // The broadcast address: TCP has no use for it.
    let rig = Rig::start(|host, cx| {
        host.build(cx, to(SocketAddr::from(([255; 4], 9))));
        assert_eq!(host.heard(), []);
    });
    let failure = rig.only_failure();
    assert_eq!(cause(&failure), (Operation::Connect, ENETUNREACH));
}

#[test]
fn p07_a_socket_that_meets_itself_is_refused() {
    let families = if has_ipv6("p07 over IPv6") { 2 } else { 1 };
    for host in ["127.0.7.1", "::1"].into_iter().take(families) {
        let ip: IpAddr = host.parse().unwrap();
        let reserved = Reserved::new(ip);
        let port = reserved.addr.port();
        let builder = SocketFactory::builder().bind_address(ip).bind_port(port).reuse(true);
        let failure = failure_of(builder.remote_address(ip).remote_port(port));
        assert_eq!(cause(&failure), (Operation::Connect, ECONNREFUSED), "{host}");
        // And it squats there no longer.
        drop(reserved);
        drop(TcpListener::bind((ip, port)).unwrap());
    }
}

#[test]
fn p48_a_connection_sends_small_writes_at_once() {
    let (_listener, addr) = net::listener();
    let mut rig = staying(to(addr));
    rig.run_until_established(1);
    assert!(rig.act(|host, _| SockRef::from(&host.sockets[0]).tcp_nodelay().unwrap()));
}

#[test]
fn many_connections_at_once_are_each_told_once() {
    let (listener, addr) = net::listener();
    let closed = Refusing::new();
    let refused = closed.addr;
    let mut rig = Rig::start(move |host, cx| {
        for round in 0..100 {
            host.build(cx, to(if round % 2 == 0 { addr } else { refused }));
        }
    });
    rig.run_to_end();
    assert_eq!(rig.peers(), [addr; 50]);
    let causes: Vec<_> = rig.failures().iter().map(cause).collect();
    assert_eq!(causes, [(Operation::Connect, ECONNREFUSED); 50]);
    drop((listener, closed));
}

pub(crate) fn to(addr: SocketAddr) -> SocketFactoryBuilder {
    SocketFactory::builder().remote_address(addr.ip()).remote_port(addr.port())
}

/// A session that connects, and stays alive to be asked what came of it.
fn staying(builder: SocketFactoryBuilder) -> Rig {
    Rig::start(move |host, cx| {
        Host::stay(cx);
        host.build(cx, builder);
    })
}

pub(crate) fn connecting(builder: SocketFactoryBuilder) -> Rig {
    Rig::start(move |host, cx| {
        host.build(cx, builder);
    })
}

fn failure_of(builder: SocketFactoryBuilder) -> Failure {
    connecting(builder).only_failure()
}

#[test]
fn a_connection_that_is_made_at_once_is_not_watched_and_one_on_its_way_is() {
    let (_listener, addr) = net::listener();
    let mut rig = staying(to(addr));
    rig.run_until_established(1);
    assert_eq!(rig.kernel.stats().notices, 0);

    // The queue is full; then there is room, and the client's system tries again.
    let (socket, addr) = net::bound();
    socket.listen(0).unwrap();
    let waiting = net::connect(addr);
    rig.act(move |host, cx| host.build(cx, to(addr)));
    rig.turn();
    assert_eq!(rig.peers().len(), 1);
    drop((socket.accept().unwrap(), waiting));
    rig.run_until_established(2);
    assert_ne!(rig.kernel.stats().notices, 0);
}

//! Datagram sockets as a factory makes them: bound, connected, both, or neither.

use std::os::unix::net::UnixDatagram;

use rustix::io::Errno;
use wheels::{
    Address, Datagram, Domain, Established, Operation, SocketFactory, SocketFactoryBuilder,
    SocketType, UnixAddress,
};

use crate::support::{Rig, receive, udp, udp_at};
use crate::unix::Directory;

/// What it makes, in a wheel that echoes.
fn wheel_of(builder: SocketFactoryBuilder) -> (Rig, Option<Address>, Address) {
    let (mut rig, made) = Rig::made_by(builder);
    let Established { socket, peer, .. } = made;
    assert_eq!(socket.socket_type(), SocketType::Dgram);
    rig.act(|host, cx| {
        host.echoes = true;
        host.build(cx, Datagram::builder(socket));
    });
    let local = rig.act(|host, cx| host.wheel().local_addr(cx));
    (rig, local, peer)
}

#[test]
fn bound_udp_of_both_families_receives_and_answers() {
    for at in ["127.0.0.1:0", "[::1]:0"] {
        let (mut rig, local, peer) = wheel_of(SocketFactory::datagram(at));
        let local = local.unwrap().as_ip().unwrap();
        assert!(peer.as_ip().unwrap().ip().is_unspecified());
        let client = udp_at(at);
        client.send_to(b"hello", local).unwrap();
        rig.run_until_messages(1);
        assert_eq!(receive(&client), (b"hello".to_vec(), local));
        rig.end();
    }
}

#[test]
fn connected_udp_needs_no_bind_and_hears_its_peer_alone() {
    for at in ["127.0.0.1:0", "[::1]:0"] {
        let server = udp_at(at);
        let place = server.local_addr().unwrap();
        let (mut rig, local, peer) =
            wheel_of(SocketFactory::connect(place).socket_type(SocketType::Dgram));
        assert_eq!(peer, Address::Ip(place));
        let local = local.unwrap().as_ip().unwrap();
        udp_at(at).send_to(b"stranger", local).unwrap();
        rig.send(b"hello");
        rig.turn();
        assert_eq!(receive(&server), (b"hello".to_vec(), local));
        server.send_to(b"back", local).unwrap();
        rig.run_until_messages(1);
        assert_eq!(rig.payloads(), [b"back"]);
        assert_eq!(receive(&server).0, b"back");
        rig.end();
    }
}

#[test]
fn bound_and_connected_udp_is_both() {
    let server = udp();
    let place = server.local_addr().unwrap();
    let builder =
        SocketFactory::datagram("127.0.0.1:0").remote_address(place.ip()).remote_port(place.port());
    let (mut rig, local, peer) = wheel_of(builder);
    assert_eq!(peer, Address::Ip(place));
    rig.send(b"hello");
    rig.turn();
    assert_eq!(receive(&server), (b"hello".to_vec(), local.unwrap().as_ip().unwrap()));
    rig.end();
}

#[test]
fn udp_that_is_neither_bound_nor_connected_sends_to_anybody_and_is_answered() {
    for (domain, at) in [(Domain::Inet, "127.0.0.1:0"), (Domain::Inet6, "[::1]:0")] {
        let builder = SocketFactory::builder().socket_domain(domain).socket_type(SocketType::Dgram);
        let (mut rig, _, peer) = wheel_of(builder);
        assert!(peer.as_ip().unwrap().ip().is_unspecified());
        let server = udp_at(at);
        let to = server.local_addr().unwrap();
        rig.act(move |host, cx| host.wheel().send_to(cx, "hello", to));
        rig.turn();
        let (payload, from) = receive(&server);
        assert_eq!(payload, b"hello");
        server.send_to(b"back", from).unwrap();
        rig.run_until_messages(1);
        assert_eq!(rig.payloads(), [b"back"]);
        rig.end();
    }
}

#[test]
fn bound_unix_datagrams_receive_and_answer() {
    let place = Directory::new("bound");
    let (mut rig, local, _) =
        wheel_of(SocketFactory::datagram(UnixAddress::from(place.path("server"))));
    assert_eq!(local, Some(Address::Unix(place.path("server").into())));
    let client = UnixDatagram::bind(place.path("client")).unwrap();
    client.set_read_timeout(Some(testkit::net::PATIENCE)).unwrap();
    client.send_to(b"hello", place.path("server")).unwrap();
    rig.run_until_messages(1);
    let mut buffer = [0; 10];
    assert_eq!(client.recv(&mut buffer).unwrap(), 5);
    rig.end();
}

#[test]
fn unbound_unix_datagrams_send_to_any_path() {
    let place = Directory::new("unbound");
    let server = UnixDatagram::bind(place.path("server")).unwrap();
    server.set_read_timeout(Some(testkit::net::PATIENCE)).unwrap();
    let builder =
        SocketFactory::builder().socket_domain(Domain::Unix).socket_type(SocketType::Dgram);
    let (mut rig, local, peer) = wheel_of(builder);
    assert_eq!((local, peer), (None, Address::Unix(UnixAddress::Unnamed)));
    let to = Address::Unix(place.path("server").into());
    rig.act(move |host, cx| host.wheel().send_to(cx, "hello", to));
    rig.turn();
    let mut buffer = [0; 10];
    assert_eq!(server.recv(&mut buffer).unwrap(), 5);
    rig.end();
}

#[test]
fn connected_unix_datagrams_send_to_their_peer() {
    let place = Directory::new("connected");
    let server = UnixDatagram::bind(place.path("server")).unwrap();
    server.set_read_timeout(Some(testkit::net::PATIENCE)).unwrap();
    let builder = SocketFactory::unix_connect(place.path("server")).socket_type(SocketType::Dgram);
    let (mut rig, _, peer) = wheel_of(builder);
    assert_eq!(peer, Address::Unix(place.path("server").into()));
    rig.send(b"hello");
    rig.turn();
    let mut buffer = [0; 10];
    assert_eq!(server.recv(&mut buffer).unwrap(), 5);
    rig.end();
}

/// Whatever was asked for: the second would get all that is for the first.
#[test]
fn p55_a_second_bind_to_one_port_fails_and_the_first_goes_on() {
    let (mut rig, place) = Rig::udp();
    for reuse in [false, true] {
        rig.act(move |host, cx| {
            let second = SocketFactory::datagram(place).reuse(reuse);
            host.factories.push(second.build(cx, "made", "failed"));
        });
    }
    rig.run_until_heard(2);
    assert_eq!(rig.failures(), [(Operation::Bind, Errno::ADDRINUSE.raw_os_error()); 2]);
    udp().send_to(b"hello", place).unwrap();
    rig.run_until_messages(1);
    rig.end();
}

/// The first asked for it too.
#[test]
fn p55_two_factories_that_ask_to_reuse_one_port_get_it_once() {
    let mut rig = Rig::start();
    let factory = |place| SocketFactory::datagram(place).reuse(true);
    rig.act(move |host, cx| {
        let first = factory(([127, 0, 0, 1], 0).into()).build(cx, "made", "failed");
        let place = first.local_addr(cx).and_then(|addr| addr.as_ip()).expect("it is bound");
        host.factories.push(first);
        host.factories.push(factory(place).build(cx, "made", "failed"));
    });
    rig.run_until_heard(1);
    assert_eq!(rig.failures(), [(Operation::Bind, Errno::ADDRINUSE.raw_os_error())]);
    assert_eq!(rig.act(|host, _| host.made.len()), 1);
    rig.end();
}

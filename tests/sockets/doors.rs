//! Several sockets in one factory: all of them or none, each in its turn, and none forgotten.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

use reactor::Clock;
use socket2::SockRef;
use testkit::machine::has_ipv6;
use testkit::net;
use testkit::rig::{Heard, LISTENING, Rig, cause};
use testkit::unix::Folder;
use wheels::{Address, Operation, Socket, SocketFactory, SocketFactoryBuilder, UnixAddress};

use crate::bad_parameters::EADDRINUSE;
use crate::names::stuck;

/// How many connections a listener accepts in a turn at most.
const SHARE: usize = 64;

#[test]
fn a_client_of_any_family_is_told_by_where_it_came_in() {
    let ipv6 = has_ipv6("a_client_of_any_family_is_told_by_where_it_came_in over IPv6");
    let folder = Folder::new();
    let path = folder.at("socket");
    let mut builder = two().also(path.clone());
    if ipv6 {
        builder = builder.also("[::1]:0");
    }
    let (mut rig, addrs) = listening(builder);
    assert_eq!(addrs.len(), if ipv6 { 4 } else { 3 });
    assert_eq!(addrs[2].path(), Some(&*path));
    assert_eq!(rig.act(|host, cx| host.factory().local_addr(cx)), Some(addrs[0].clone()));

    let unix = UnixStream::connect(&path).unwrap();
    rig.run_until_established(1);
    let mut clients = Vec::new();
    for addr in addrs.iter().filter_map(Address::as_ip) {
        clients.push(net::connect(addr));
        rig.run_until_established(1 + clients.len());
    }
    let mut expected = vec![Address::from(UnixAddress::Unnamed)];
    expected.extend(clients.iter().map(|client| Address::from(client.local_addr().unwrap())));
    assert_eq!(rig.peers(), expected);
    let came_in: Vec<_> =
        rig.act(|host, _| host.sockets.iter().map(|socket| socket.local_addr().unwrap()).collect());
    let mut expected = addrs;
    expected.rotate_left(2);
    if ipv6 {
        // The path first, then the two of IPv4, then IPv6.
        expected[1..].rotate_left(1);
    }
    assert_eq!(came_in, expected);
    drop(unix);
}

#[test]
fn all_are_told_before_any_client() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let to = path.clone();
    let mut rig = Rig::start(move |host, cx| {
        host.build(cx, two().also(to.clone()).listening_event(&LISTENING));
        let addr = host.factory().local_addr(cx).unwrap().as_ip().unwrap();
        drop((net::connect(addr), UnixStream::connect(to).unwrap()));
        assert!(host.listening.is_empty(), "not inside of build");
    });
    rig.run_until_established(2);
    assert_eq!(
        rig.heard()[..3],
        [Heard::Word("listening"), Heard::Word("listening"), Heard::Word("listening")]
    );
    assert_eq!(rig.heard().len(), 5);
    rig.act(move |host, cx| {
        let (id, addrs) = (host.factory().id(), host.factory().local_addrs(cx));
        assert!(host.listening.iter().all(|up| up.wheel == id));
        let told: Vec<_> = host.listening.iter().map(|up| up.local_addr.clone()).collect();
        assert_eq!(told, addrs);
        assert_eq!(told[2].path(), Some(&*path));
    });
}

#[test]
fn a_paused_listener_is_told_all_the_same() {
    let mut rig = Rig::start(|host, cx| {
        host.build(cx, two().listening_event(&LISTENING));
        host.factory().pause_accept(cx);
    });
    let addr = rig.act(|host, cx| host.factory().local_addr(cx)).unwrap().as_ip().unwrap();
    let _client = net::connect(addr);
    turns(&mut rig);
    assert_eq!(rig.heard(), [Heard::Word("listening"), Heard::Word("listening")]);
}

#[test]
fn a_listener_that_is_dropped_before_it_was_told_tells_nothing() {
    let mut rig = Rig::start(|host, cx| {
        host.build(cx, two().listening_event(&LISTENING));
        host.factories.clear();
    });
    rig.run_to_end();
    assert_eq!(rig.heard(), [Heard::Stopped]);
}

#[test]
fn a_listener_dropped_when_the_first_of_its_addresses_is_told_tells_no_other() {
    let mut rig = Rig::start(|host, cx| {
        host.build(cx, two().listening_event(&LISTENING));
        host.react(|host, _, _| host.factories.clear());
    });
    rig.run_to_end();
    assert_eq!(rig.heard(), [Heard::Word("listening"), Heard::Stopped]);
}

#[test]
fn a_listener_at_a_name_is_told_when_it_is_up() {
    let (mut rig, gate) = stuck(Clock::system());
    rig.act(|host, cx| {
        let builder = SocketFactory::listen("localhost:0").also("127.0.0.1:0");
        host.build(cx, builder.listening_event(&LISTENING));
        assert!(host.factory().local_addrs(cx).is_empty(), "none before all are known");
    });
    drop(gate);
    rig.run_until("two addresses", |heard| heard.len() == 2);
    assert_eq!(rig.heard(), [Heard::Word("listening"), Heard::Word("listening")]);
    let (told, addrs) = rig.act(|host, cx| {
        let told: Vec<_> = host.listening.iter().map(|up| up.local_addr.clone()).collect();
        (told, host.factory().local_addrs(cx))
    });
    assert_eq!(told, addrs);
    assert!(told[0].ip().unwrap().is_loopback());
    for addr in told {
        drop(net::connect(addr.as_ip().unwrap()));
    }
    rig.run_until_established(2);
}

#[test]
fn one_address_that_cannot_be_had_closes_all_others_and_none_is_told() {
    let (_other, taken) = net::listener();
    let folder = Folder::new();
    let first = free_port();
    for bad in [taken.to_string(), "localhost:no-such-service".into()] {
        let builder = SocketFactory::listen(first).also(folder.at("socket")).also(bad.as_str());
        let rig = Rig::start(move |host, cx| {
            host.build(cx, builder.listening_event(&LISTENING));
        });
        let failure = rig.only_failure();
        if bad == taken.to_string() {
            assert_eq!(cause(&failure), (Operation::Bind, EADDRINUSE));
        } else {
            assert_eq!(failure.operation, Operation::GetServByName);
        }
        assert_eq!(folder.names(), [""; 0], "the path went with its socket");
        drop(TcpListener::bind(first).unwrap());
    }
}

#[test]
fn while_accepting_is_paused_nobody_is_let_in_anywhere() {
    let (mut rig, addrs) = listening(two());
    rig.act(|host, cx| host.factory().pause_accept(cx));
    let clients: Vec<_> = tcp(&addrs).iter().map(|addr| net::connect_all(*addr, 5)).collect();
    turns(&mut rig);
    assert_eq!(rig.heard(), []);
    rig.act(|host, cx| host.factory().resume_accept(cx));
    rig.run_until_established(10);
    // By both addresses: two clients may have one port, to different doors.
    let accepted = rig.act(|host, _| {
        let addrs = |socket: &Socket| (socket.local_addr().unwrap(), socket.peer_addr().unwrap());
        host.sockets.iter().map(addrs).collect::<Vec<_>>()
    });
    for (door, of_door) in tcp(&addrs).into_iter().zip(&clients) {
        let in_order: Vec<_> =
            accepted.iter().filter(|(local, _)| *local == door).map(|(_, peer)| peer).collect();
        let came: Vec<_> = of_door.iter().map(|client| client.local_addr().unwrap()).collect();
        assert!(in_order.into_iter().eq(&came), "in the order they came: {accepted:?}, {came:?}");
    }
    // And again.
    rig.act(|host, cx| host.factory().pause_accept(cx));
    let _late: Vec<_> = tcp(&addrs).into_iter().map(net::connect).collect();
    turns(&mut rig);
    assert_eq!(rig.peers().len(), 10);
    rig.act(|host, cx| host.factory().resume_accept(cx));
    rig.run_until_established(12);
}

#[test]
fn a_pause_in_the_handler_of_a_client_holds_for_all_sockets() {
    let (mut rig, addrs) = listening(two());
    rig.act(|host, _| host.react(|host, cx, _| host.factory().pause_accept(cx)));
    let _clients: Vec<_> = tcp(&addrs).iter().map(|addr| net::connect_all(*addr, 3)).collect();
    for made in 1..=6 {
        rig.run_until_established(made);
        turns(&mut rig);
        assert_eq!(rig.peers().len(), made);
        rig.act(|host, cx| host.factory().resume_accept(cx));
    }
}

#[test]
fn p72_while_accepting_is_paused_each_socket_wakes_the_loop_once_at_most() {
    let (mut rig, addrs) = listening(two());
    rig.act(|host, cx| host.factory().pause_accept(cx));
    let before = rig.kernel.stats().notices;
    let mut clients = Vec::new();
    for _ in 0..50 {
        for addr in tcp(&addrs) {
            clients.push(net::connect(addr));
            rig.turn();
        }
    }
    let notices = rig.kernel.stats().notices - before;
    assert!(notices <= 2, "{notices} notices");
    rig.act(|host, cx| host.factory().resume_accept(cx));
    rig.run_until_established(100);
}

#[test]
fn a_flood_at_one_socket_does_not_keep_a_client_of_another_waiting() {
    for flooded in [0, 1] {
        let (mut rig, addrs) = listening(two());
        let addrs = tcp(&addrs);
        let flood = net::connect_all(addrs[flooded], 5 * SHARE);
        let before = rig.kernel.stats().turns;
        let client = net::connect(addrs[1 - flooded]);
        let local: Address = client.local_addr().unwrap().into();
        while !rig.peers().contains(&local) {
            let turns = rig.kernel.stats().turns - before;
            assert!(turns < 3, "not after {turns} turns, {} others", rig.peers().len());
            rig.turn();
        }
        assert!(rig.peers().len() <= 2 * SHARE, "after {} others", rig.peers().len());
        rig.run_until_established(flood.len() + 1);
    }
}

#[test]
fn sockets_that_all_have_many_clients_take_turns() {
    let (mut rig, addrs) = listening(two().also("127.0.0.1:0").also("127.0.0.1:0"));
    let addrs = tcp(&addrs);
    // So that all are known to be ready when the first is let in.
    rig.act(|host, cx| host.factory().pause_accept(cx));
    let clients: Vec<_> = addrs.iter().map(|addr| net::connect_all(*addr, 10)).collect();
    turns(&mut rig);
    rig.act(|host, cx| host.factory().resume_accept(cx));
    rig.run_until_established(40);
    let came_in: Vec<_> = rig.act(|host, _| {
        host.sockets.iter().map(|socket| socket.local_addr().unwrap().as_ip().unwrap()).collect()
    });
    for round in came_in.chunks(4) {
        assert!(addrs.iter().all(|addr| round.contains(addr)), "{came_in:?}");
    }
    drop(clients);
}

#[test]
fn p02_who_waits_at_any_socket_is_served_without_another_edge() {
    let (mut rig, addrs) = listening(two());
    let _clients: Vec<_> =
        tcp(&addrs).iter().map(|addr| net::connect_all(*addr, 2 * SHARE)).collect();
    rig.run_until_established(4 * SHARE);
    assert!(rig.kernel.stats().notices <= 2);
}

#[test]
fn p54_everywhere_a_client_has_the_address_of_its_family() {
    let ipv6 = has_ipv6("everywhere_a_client_has_the_address_of_its_family over IPv6");
    let (mut rig, addrs) = listening(SocketFactory::listen_everywhere(0));
    let port = addrs[0].as_ip().unwrap().port();
    let mut clients = vec![net::connect((Ipv4Addr::LOCALHOST, port).into())];
    if ipv6 {
        rig.run_until_established(1);
        clients.push(net::connect((Ipv6Addr::LOCALHOST, port).into()));
        let alone = rig.act(|host, cx| {
            let sockets = host.factory().try_clone_fds(cx).unwrap();
            SockRef::from(&sockets[0]).only_v6().unwrap()
        });
        assert!(alone);
    }
    rig.run_until_established(clients.len());
    assert_eq!(rig.peers(), locals(&clients));
}

#[test]
fn p54_an_ipv6_listener_leaves_ipv4_alone_unless_told_otherwise() {
    if !has_ipv6("an_ipv6_listener_leaves_ipv4_alone_unless_told_otherwise") {
        return;
    }
    let (mut rig, addrs) = listening(SocketFactory::listen("[::]:0"));
    let port = addrs[0].as_ip().unwrap().port();
    let other = SocketFactory::listen((Ipv4Addr::UNSPECIFIED, port));
    // Both on one port, if nobody else has it.
    let both = rig.act(move |host, cx| {
        host.build(cx, other);
        host.factories[1].local_addr(cx)
    });
    assert!(both.is_none_or(|addr| addr.port() == Some(port.into())));

    let (mut rig, addrs) = listening(SocketFactory::listen("[::]:0").only_v6(false));
    let port = addrs[0].as_ip().unwrap().port();
    let v4 = net::connect((Ipv4Addr::LOCALHOST, port).into());
    rig.run_until_established(1);
    let v6 = net::connect((Ipv6Addr::LOCALHOST, port).into());
    rig.run_until_established(2);
    assert_eq!(rig.peers(), locals(&[v4, v6]), "an IPv4 client by its IPv4 address");
}

#[test]
fn also_hands_over_datagram_sockets_of_every_family() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let builder = SocketFactory::datagram("127.0.0.1:0").also("127.0.0.1:0").also(path.clone());
    let mut rig = Rig::start(|host, cx| {
        host.build(cx, builder);
        assert_eq!(host.factory().local_addrs(cx).len(), 3, "bound before they are handed over");
    });
    rig.run_to_end();
    let any: Address = (Ipv4Addr::UNSPECIFIED, 0).into();
    assert_eq!(rig.peers(), [any.clone(), any, UnixAddress::Unnamed.into()]);
    assert_eq!(rig.failures(), []);
}

#[test]
fn in_virtual_time_a_paused_factory_of_many_sockets_sleeps() {
    let clock = Clock::virtual_time();
    let mut rig = Rig::start_on(clock.clone(), |host, cx| {
        host.build(cx, two());
        host.factory().pause_accept(cx);
        testkit::rig::Host::stay(cx);
    });
    let addrs = rig.act(|host, cx| host.factory().local_addrs(cx));
    let _clients: Vec<_> = tcp(&addrs).iter().map(|addr| net::connect_all(*addr, 3)).collect();
    turns(&mut rig);
    let began = clock.now();
    let hour = std::time::Duration::from_secs(3600);
    rig.kernel.run_one_turn(hour).unwrap();
    assert_eq!(clock.now() - began, hour);
}

fn two() -> SocketFactoryBuilder {
    SocketFactory::listen("127.0.0.1:0").also("127.0.0.1:0")
}

fn listening(builder: SocketFactoryBuilder) -> (Rig, Vec<Address>) {
    let mut rig = Rig::start(|host, cx| {
        host.build(cx, builder);
    });
    let addrs = rig.act(|host, cx| host.factory().local_addrs(cx));
    (rig, addrs)
}

fn tcp(addrs: &[Address]) -> Vec<SocketAddr> {
    addrs.iter().map(|addr| addr.as_ip().expect("an internet address")).collect()
}

fn locals(clients: &[TcpStream]) -> Vec<Address> {
    clients.iter().map(|client| client.local_addr().unwrap().into()).collect()
}

/// A port that was free a moment ago, on an address that no other test has.
fn free_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 11, 1), 0)).unwrap();
    listener.local_addr().unwrap()
}

fn turns(rig: &mut Rig) {
    for _ in 0..5 {
        rig.turn();
    }
}

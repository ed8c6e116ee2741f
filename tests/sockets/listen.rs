//! Listening: where, and who else may.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use testkit::machine::has_ipv6;
use testkit::net::{self, Reserved};
use testkit::rig::{Heard, Rig, cause};
use wheels::{Operation, SocketFactory};

use crate::bad_parameters::EADDRINUSE;

#[test]
fn a_listener_knows_its_port_right_after_it_was_built() {
    let builder = SocketFactory::builder().bind_address("127.0.0.1").bind_port(0);
    let (mut rig, addr) = Rig::listening(builder);
    assert_eq!(addr.ip(), Ipv4Addr::LOCALHOST);
    assert_ne!(addr.port(), 0);

    let client = net::connect(addr);
    rig.run_until_established(1);
    assert_eq!(rig.peers(), [client.local_addr().unwrap()]);
    let (local, peer, wheel) = rig.act(|host, _| {
        let socket = &host.sockets[0];
        (socket.local_addr().unwrap(), socket.peer_addr().unwrap(), host.factory().id())
    });
    assert_eq!((&local, &peer), (&addr.into(), &client.local_addr().unwrap().into()));
    assert_eq!(rig.heard(), [Heard::Established { peer, wheel }]);
}

#[test]
fn a_listener_may_be_an_ipv6_one() {
    if !has_ipv6("a_listener_may_be_an_ipv6_one") {
        return;
    }
    let builder = SocketFactory::builder().bind_address("::1");
    let (mut rig, addr) = Rig::listening(builder);
    assert_eq!(addr.ip(), Ipv6Addr::LOCALHOST);

    let client = net::connect(addr);
    rig.run_until_established(1);
    assert_eq!(rig.peers(), [client.local_addr().unwrap()]);
}

#[test]
fn without_an_address_it_listens_on_all_ipv4_interfaces() {
    let (mut rig, addr) = Rig::listening(SocketFactory::builder());
    assert_eq!(addr.ip(), Ipv4Addr::UNSPECIFIED);
    assert_ne!(addr.port(), 0);

    for host in [[127, 0, 0, 1], [127, 0, 0, 2]] {
        drop(net::connect(SocketAddr::from((host, addr.port()))));
    }
    rig.run_until_established(2);
}

#[test]
fn a_port_alone_is_listened_on_at_all_ipv4_interfaces() {
    let reserved = Reserved::new(Ipv4Addr::UNSPECIFIED);
    let port = reserved.addr.port();
    let builder = SocketFactory::builder().bind_port(port).reuse(true);
    let (mut rig, addr) = Rig::listening(builder);
    assert_eq!(addr, SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));

    drop(net::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
    rig.run_until_established(1);
}

#[test]
fn with_reuse_a_server_starts_again_beside_a_connection_of_its_last_life() {
    // Of two sockets at one port, both must agree to it.
    let builder = SocketFactory::builder().bind_address("127.0.3.1");
    let (mut rig, addr) = Rig::listening(builder.clone().reuse(true));
    let _client = net::connect(addr);
    rig.run_until_established(1);
    // Like the system's own remains (TIME_WAIT), but for as long as the test likes.
    let _remains = rig.act(|host, _| host.sockets.pop());
    rig.act(|host, _| host.factories.clear());
    rig.run_to_end();

    let builder = builder.bind_port(addr.port());
    let again = builder.clone();
    let rig = Rig::start(|host, cx| {
        host.build(cx, again);
    });
    assert_eq!(cause(&rig.only_failure()), (Operation::Bind, EADDRINUSE));

    let (mut rig, again) = Rig::listening(builder.reuse(true));
    assert_eq!(again, addr);
    drop(net::connect(addr));
    rig.run_until_established(1);
}

#[test]
fn reuse_does_not_let_two_listen_on_one_port() {
    let builder = SocketFactory::builder().bind_address("127.0.0.1").reuse(true);
    let (_first, addr) = Rig::listening(builder.clone());
    let rig = Rig::start(move |host, cx| {
        host.build(cx, builder.bind_port(addr.port()));
    });
    let failure = rig.only_failure();
    // The system may find out when it binds or when it listens.
    assert!(matches!(failure.operation, Operation::Bind | Operation::Listen), "{failure}");
    assert_eq!(failure.errnum, EADDRINUSE);
}

/// A reload, as it is written in POE: `delete $heap->{listener}`, and a new one.
#[test]
fn the_port_of_a_listener_that_was_dropped_is_the_next_ones_in_the_same_handler() {
    let builder = SocketFactory::builder().bind_address("127.0.0.1").reuse(true);
    let (mut rig, addr) = Rig::listening(builder.clone());
    let again = rig.act(move |host, cx| {
        host.factories.clear();
        host.listen(cx, builder.bind_port(addr.port()))
    });
    assert_eq!(again, addr);
    drop(net::connect(addr));
    rig.run_until_established(1);
    // In its own event, too.
    rig.act(move |host, _| {
        host.react(move |host, cx, _| {
            host.factories.clear();
            let builder = SocketFactory::builder().bind_address("127.0.0.1").reuse(true);
            assert_eq!(host.listen(cx, builder.bind_port(addr.port())), addr);
        });
    });
    for clients in 2..=3 {
        drop(net::connect(addr));
        rig.run_until_established(clients);
    }
}

#[test]
fn two_listeners_of_a_session_tell_whose_connection_it_is() {
    let builder = || SocketFactory::builder().bind_address("127.0.0.1");
    let (mut rig, first) = Rig::listening(builder());
    let second = rig.act(move |host, cx| host.listen(cx, builder()));
    let ids = rig.act(|host, _| [host.factories[0].id(), host.factories[1].id()]);

    let to_second = net::connect(second).local_addr().unwrap();
    rig.run_until_established(1);
    let to_first = net::connect(first).local_addr().unwrap();
    rig.run_until_established(2);
    let expected = [
        Heard::Established { peer: to_second.into(), wheel: ids[1] },
        Heard::Established { peer: to_first.into(), wheel: ids[0] },
    ];
    assert_eq!(rig.heard(), expected);
}

//! What a factory can be asked and told: in every state, and nothing comes of it but what should.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};

use reactor::{Clock, Context};
use testkit::net::{self, Refusing, Silent};
use testkit::rig::{Heard, Host, Rig, cause};
use testkit::unix::Folder;
use wheels::{
    Address, Established, Failure, Operation, Socket, SocketFactory, SocketFactoryBuilder,
    SocketType,
};

use crate::names::stuck;
use crate::support::staying;

const ECONNREFUSED: i32 = 111;

#[test]
fn the_success_event_may_change_while_it_listens() {
    let (mut rig, addr) = Rig::listening(local());
    drop(net::connect(addr));
    rig.run_until_established(1);
    rig.act(|host, cx| {
        other_events(cx);
        host.factory().set_success_event(cx, "other success");
    });
    drop(net::connect(addr));
    rig.run_until("the other event", |heard| heard.len() == 2);
    assert_eq!(rig.heard()[1], Heard::Word("success"));
    rig.act(|host, cx| host.factory().set_success_event(cx, "established"));
    drop(net::connect(addr));
    rig.run_until_established(2);
}

#[test]
fn both_events_may_change_while_it_connects() {
    let (_listener, addr) = net::listener();
    let mut rig = staying(SocketFactory::connect(addr));
    rig.act(change_events);
    rig.run_until("an event", |heard| !heard.is_empty());
    assert_eq!(rig.heard(), [Heard::Word("success")]);

    let refusing = Refusing::new();
    let mut rig = staying(SocketFactory::connect(refusing.addr));
    rig.act(change_events);
    rig.run_until("an event", |heard| !heard.is_empty());
    assert_eq!(rig.heard(), [Heard::Word("failure")]);
}

#[test]
fn both_events_may_change_before_what_happened_in_build_is_told() {
    let mut rig = Rig::start(|host, cx| {
        host.build(cx, SocketFactory::datagram("127.0.0.1:0"));
        change_events(host, cx);
        host.factories.rotate_left(1);
        host.build(cx, SocketFactory::listen("nowhere"));
        host.factories.rotate_left(1);
        host.factory().set_failure_event(cx, "other failure");
    });
    rig.run_to_end();
    let expected = [Heard::Word("success"), Heard::Word("failure"), Heard::Stopped];
    assert_eq!(rig.heard(), expected);
}

#[test]
fn both_events_may_change_while_a_name_is_looked_up() {
    let (mut rig, gate) = stuck(Clock::system());
    rig.act(|host, cx| {
        host.build(cx, SocketFactory::listen("localhost:0"));
        change_events(host, cx);
    });
    drop(gate);
    rig.run_until_listening();
    let addr = rig.act(|host, cx| host.factory().local_addr(cx).unwrap().as_ip().unwrap());
    drop(net::connect(addr));
    rig.run_until("an event", |heard| !heard.is_empty());
    assert_eq!(rig.heard(), [Heard::Word("success")]);
}

#[test]
fn a_paused_listener_stays_paused_when_its_events_change() {
    // POE's `event` resumes it (F9).
    let (mut rig, addr) = Rig::listening(local());
    rig.act(|host, cx| {
        host.factory().pause_accept(cx);
        change_events(host, cx);
    });
    drop(net::connect(addr));
    turns(&mut rig);
    assert_eq!(rig.heard(), []);
    rig.act(|host, cx| host.factory().resume_accept(cx));
    rig.run_until("an event", |heard| !heard.is_empty());
    assert_eq!(rig.heard(), [Heard::Word("success")]);
}

#[test]
fn the_events_of_a_finished_factory_may_change_and_nothing_comes_of_it() {
    // POE dies (F9).
    let (_listener, addr) = net::listener();
    for builder in [
        SocketFactory::connect(addr),
        SocketFactory::datagram("127.0.0.1:0"),
        SocketFactory::listen("nowhere"),
    ] {
        let mut rig = staying(builder);
        rig.run_until("the end", |heard| !heard.is_empty());
        rig.act(change_events);
        turns(&mut rig);
        assert_eq!(rig.heard().len(), 1);
    }
}

#[test]
fn it_knows_its_address_while_it_is_bound_and_its_own() {
    let (_listener, addr) = net::listener();
    let silent = Silent::new();
    let local_addr = |host: &mut Host, cx: &mut Context<'_>| host.factory().local_addr(cx);
    // Nothing is bound before the name is known.
    let (mut rig, gate) = stuck(Clock::system());
    rig.act(|host, cx| host.build(cx, SocketFactory::listen("localhost:0")));
    assert_eq!(rig.act(local_addr), None);
    drop(gate);
    rig.run_until_listening();
    assert!(rig.act(local_addr).is_some());
    // On its way it has a near end, and then it has given it away.
    let mut rig = staying(SocketFactory::connect(silent.addr).bind_address("127.0.12.1"));
    let near = rig.act(local_addr).unwrap();
    assert_eq!(near.ip(), Some([127, 0, 12, 1].into()));
    let mut rig = staying(SocketFactory::connect(addr));
    let near = rig.act(local_addr).unwrap();
    rig.run_until_established(1);
    assert_eq!(rig.act(local_addr), None);
    assert_eq!(rig.act(|host, _| host.sockets[0].local_addr().unwrap()), near);
    // A datagram socket, before it is handed over.
    let mut rig = Rig::start(move |host, cx| {
        host.build(cx, SocketFactory::datagram("127.0.0.1:0"));
        assert!(local_addr(host, cx).is_some());
        host.build(cx, SocketFactory::builder().socket_type(SocketType::Dgram));
        assert_eq!(host.factories[1].local_addr(cx), None, "bound nowhere");
        Host::stay(cx);
    });
    rig.run_until_established(2);
    assert_eq!(rig.act(local_addr), None);
    // A failed one has none, though POE shows an unbound one.
    let mut rig = staying(SocketFactory::listen("192.0.2.1:0"));
    assert_eq!(rig.act(local_addr), None);
    rig.run_until("the failure", |heard| heard.len() == 1);
    assert_eq!(rig.act(local_addr), None);
}

#[test]
fn pausing_what_does_not_listen_changes_nothing() {
    let (_listener, addr) = net::listener();
    let mut rig = Rig::start(move |host, cx| {
        let datagram = SocketFactory::datagram("127.0.0.1:0");
        for builder in [SocketFactory::connect(addr), datagram, SocketFactory::listen("nowhere")] {
            host.build(cx, builder);
        }
        host.factories.iter().for_each(|factory| factory.pause_accept(cx));
    });
    rig.run_to_end();
    assert_eq!((rig.peers().len(), rig.failures().len()), (2, 1));
}

#[test]
fn a_listener_that_gives_its_sockets_away_loses_no_client() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let (mut rig, addr) = Rig::listening(local().also(path.clone()));
    let mut clients = net::connect_all(addr, 3);
    let mut unix = UnixStream::connect(&path).unwrap();
    let sockets = rig.act(|host, cx| host.factories.remove(0).into_sockets(cx));
    assert_eq!(rig.kernel.wheel_count(), 0);
    rig.run_to_end();
    assert_eq!(rig.heard(), [Heard::Stopped]);

    let [tcp_socket, unix_socket] = <[Socket; 2]>::try_from(sockets).unwrap();
    assert_eq!(unix_socket.local_addr().unwrap().path(), Some(&*path));
    assert_eq!(folder.names(), ["socket"], "it goes with its socket");
    let listener = TcpListener::from(OwnedFd::from(tcp_socket));
    listener.set_nonblocking(false).unwrap();
    for client in &mut clients {
        net::accept(&listener).write_all(b"here").unwrap();
        assert_eq!(net::read_exact(client, 4), b"here");
    }
    let listener = UnixListener::from(OwnedFd::from(unix_socket));
    listener.set_nonblocking(false).unwrap();
    listener.accept().unwrap().0.write_all(b"here").unwrap();
    let mut text = String::new();
    unix.read_to_string(&mut text).unwrap();
    assert_eq!(text, "here");
    assert_eq!(folder.names(), ["socket"], "who has but the descriptor has not the path");
}

#[test]
fn a_socket_that_was_given_away_takes_its_path_with_it() {
    let folder = Folder::new();
    let builder = SocketFactory::unix_listen(folder.at("socket"));
    let mut rig = staying(builder);
    let sockets = rig.act(|host, cx| host.factories.remove(0).into_sockets(cx));
    assert_eq!(folder.names(), ["socket"]);
    drop(sockets);
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn a_paused_listener_gives_its_sockets_and_their_clients_to_another() {
    let (mut rig, addr) = Rig::listening(local().also("127.0.0.1:0"));
    rig.act(|host, cx| host.factory().pause_accept(cx));
    let other = rig.act(|host, cx| host.factory().local_addrs(cx))[1].as_ip().unwrap();
    let clients = [net::connect(addr), net::connect(other), net::connect(addr)];
    turns(&mut rig);
    rig.act(|host, cx| {
        let sockets = host.factories.remove(0).into_sockets(cx);
        let listeners = sockets.into_iter().map(OwnedFd::from);
        let heir = SocketFactory::builder().build_on(cx, listeners, "established", "failed");
        assert_eq!(heir.local_addrs(cx).len(), 2);
        host.factories.push(heir);
    });
    rig.run_until_established(3);
    let peers = rig.peers();
    let locals = clients.map(|client| Address::from(client.local_addr().unwrap()));
    assert!(locals.iter().all(|local| peers.contains(local)), "{peers:?}");
}

#[test]
fn clones_of_the_sockets_share_the_clients() {
    let (mut rig, addr) = Rig::listening(local());
    let clones = rig.act(|host, cx| host.factory().try_clone_fds(cx)).unwrap();
    let [clone] = <[OwnedFd; 1]>::try_from(clones).unwrap();
    drop(net::connect(addr));
    rig.run_until_established(1);
    rig.act(|host, cx| host.factory().pause_accept(cx));
    let client = net::connect(addr);
    turns(&mut rig);
    rig.act(|host, _| host.factories.clear());
    rig.run_to_end();
    // Nobody listens but the clone, and the client is there still.
    let listener = TcpListener::from(clone);
    listener.set_nonblocking(false).unwrap();
    assert_eq!(net::accept(&listener).peer_addr().unwrap(), client.local_addr().unwrap());
}

#[test]
fn what_does_not_listen_has_no_sockets_to_give() {
    let silent = Silent::new();
    let to: SocketAddr = silent.addr;
    let (mut rig, gate) = stuck(Clock::system());
    let others = rig.kernel.wheel_count();
    rig.act(move |host, cx| {
        let builders = [
            SocketFactory::connect(to),
            SocketFactory::datagram("127.0.0.1:0"),
            SocketFactory::listen("nowhere"),
            SocketFactory::listen("localhost:0"),
        ];
        for builder in builders {
            let id = host.build(cx, builder);
            assert!(host.factories[0].try_clone_fds(cx).unwrap().is_empty());
            let factory = host.factories.remove(0);
            assert_eq!(factory.id(), id);
            assert!(factory.into_sockets(cx).is_empty());
        }
    });
    assert_eq!(rig.kernel.wheel_count(), others, "they are gone");
    drop(gate);
    turns(&mut rig);
    assert_eq!(rig.heard(), []);
}

#[test]
fn a_refused_connect_is_told_by_the_event_of_that_time() {
    let refusing = Refusing::new();
    let mut rig = staying(SocketFactory::connect(refusing.addr));
    rig.act(|host, cx| {
        change_events(host, cx);
        host.factory().set_failure_event(cx, "failed");
    });
    rig.run_until("the failure", |heard| !heard.is_empty());
    assert_eq!(cause(&rig.failures()[0]), (Operation::Connect, ECONNREFUSED));
}

/// Handlers that note a word.
fn other_events(cx: &mut Context<'_>) {
    let success = |host: &mut Host, cx: &mut Context<'_>, made: Established| {
        host.sockets.push(made.socket);
        host.hear(cx, Heard::Word("success"));
    };
    cx.state("other success", success).expect("no handler of that name");
    let failure = |host: &mut Host, cx: &mut Context<'_>, _: Failure| {
        host.hear(cx, Heard::Word("failure"));
    };
    cx.state("other failure", failure).expect("no handler of that name");
}

fn change_events(host: &mut Host, cx: &mut Context<'_>) {
    other_events(cx);
    host.factory().set_success_event(cx, "other success");
    host.factory().set_failure_event(cx, "other failure");
}

fn local() -> SocketFactoryBuilder {
    SocketFactory::builder().bind_address("127.0.0.1")
}

fn turns(rig: &mut Rig) {
    for _ in 0..5 {
        rig.turn();
    }
}

#[test]
fn a_listener_may_be_paused_before_its_name_is_known() {
    let (mut rig, gate) = stuck(Clock::system());
    rig.act(|host, cx| {
        host.build(cx, SocketFactory::listen("localhost:0"));
        host.factory().pause_accept(cx);
    });
    drop(gate);
    rig.run_until_listening();
    let addr = rig.act(|host, cx| host.factory().local_addr(cx).unwrap().as_ip().unwrap());
    let client = net::connect(addr);
    turns(&mut rig);
    assert!(rig.peers().is_empty());
    rig.act(|host, cx| host.factory().resume_accept(cx));
    rig.run_until_established(1);
    assert_eq!(rig.peers(), [client.local_addr().unwrap()]);
}

//! Accepting: everybody, in order, and never too many at once.

use std::net::SocketAddr;

use socket2::{Domain, SockRef, Socket, Type};
use testkit::machine::has_ipv6;
use testkit::net::{self, Peer};
use testkit::rig::{Heard, Host, Rig, cause};
use wheels::{Operation, SocketFactory, SocketFactoryBuilder};

const ECONNRESET: i32 = 104;
/// How many connections a listener accepts in a turn at most.
const SHARE: usize = 64;

#[test]
fn p02_who_waits_when_the_share_is_used_up_is_served_without_another_edge() {
    let (mut rig, addr) = Rig::listening(local());
    let clients = net::connect_all(addr, SHARE + 40);
    // All of them wait before the loop runs: there is one notice, and no other.
    rig.run_until_established(clients.len());
    assert_eq!(rig.peers(), locals(&clients), "in the order they came");
    assert_eq!(rig.kernel.stats().notices, 1);
}

#[test]
fn p02_who_waits_when_a_handler_pauses_is_served_without_another_edge() {
    let (mut rig, addr) = Rig::listening(local());
    rig.act(|host, _| {
        host.react(|host, cx, heard| match heard {
            Heard::Established { .. } => {
                host.factory().pause_accept(cx);
                Host::say(cx, "go on");
            }
            Heard::Word(_) => host.factory().resume_accept(cx),
            Heard::Failed(_) | Heard::Came(_) | Heard::Stopped => {}
        });
    });
    let clients = net::connect_all(addr, 10);
    rig.run_until_established(clients.len());
    assert_eq!(rig.peers(), locals(&clients));
    assert_eq!(rig.kernel.stats().notices, 1);
    let words = rig.heard().iter().filter(|heard| matches!(heard, Heard::Word(_))).count();
    assert!(words >= clients.len() - 1, "one connection between two words: {words}");
}

#[test]
fn p02_a_queue_of_one_is_served_to_the_last_client() {
    let (mut rig, addr) = Rig::listening(local().listen_queue(1));
    rig.act(|host, cx| {
        host.factory().pause_accept(cx);
        host.react(|host, cx, heard| match heard {
            Heard::Established { .. } => {
                let id = host.stream(cx);
                host.streams[&id].put(cx, "x");
                host.factory().pause_accept(cx);
                Host::say(cx, "go on");
            }
            Heard::Word(_) => host.factory().resume_accept(cx),
            Heard::Failed(_) | Heard::Came(_) | Heard::Stopped => {}
        });
    });
    let client = move |_| {
        Peer::play(move || {
            let mut stream = net::connect(addr);
            // Whom the system let in by a cookie and then had no room for must speak first to be heard.
            net::dribble(&mut stream, b"x");
            net::read_exact(&mut stream, 1)
        })
    };
    let clients: Vec<_> = (0..6).map(client).collect();
    rig.act(|_, cx| Host::say(cx, "begin"));
    for client in clients {
        assert_eq!(client.run(&mut rig.kernel), b"x");
    }
    assert_eq!(rig.peers().len(), 6);
}

#[test]
fn a_queue_is_as_long_as_it_was_asked_to_be() {
    let (_rig, addr) = Rig::listening(local().listen_queue(1));
    let clients: Vec<Socket> = (0..10).map(|_| begin_to_connect(addr)).collect();
    let made = clients.iter().filter(|client| client.peer_addr().is_ok()).count();
    assert!(made <= 2, "the system admits one more than it was told, not {made}");
}

#[test]
fn p04_a_client_that_is_gone_already_is_accepted_and_then_found_reset() {
    let (mut rig, addr) = Rig::listening(local());
    rig.act(|host, _| {
        host.react(|host, cx, heard| {
            if let Heard::Established { .. } = heard {
                host.stream(cx);
            }
        });
    });
    let client = net::connect(addr);
    let peer = client.local_addr().unwrap();
    net::reset(client);

    rig.run_until("the end of the stream", |heard| heard.len() >= 2);
    let [Heard::Established { peer: told, .. }, Heard::Failed(failure)] = &rig.heard()[..] else {
        panic!("{:?}", rig.heard());
    };
    assert_eq!(*told, peer);
    assert_eq!(cause(failure), (Operation::Read, ECONNRESET));
    assert!(
        rig.act(|host, _| host.streams.contains_key(&host.streams.values().next().unwrap().id()))
    );
}

#[test]
fn p04_many_clients_that_are_gone_do_not_keep_the_others_out() {
    let (mut rig, addr) = Rig::listening(local());
    let mut expected = Vec::new();
    let mut stayed = Vec::new();
    for round in 0..50 {
        let client = net::connect(addr);
        expected.push(client.local_addr().unwrap());
        if round % 2 == 0 {
            net::reset(client);
        } else {
            stayed.push(client);
        }
    }
    rig.run_until_established(50);
    assert_eq!(rig.peers(), expected);
    assert_eq!(rig.failures(), []);
}

#[test]
fn a_client_that_has_sent_and_closed_before_is_heard_all_the_same() {
    let (mut rig, addr) = Rig::listening(local());
    rig.act(|host, _| {
        host.react(|host, cx, heard| {
            if let Heard::Established { .. } = heard {
                host.stream(cx);
            }
        });
    });
    let mut client = net::connect(addr);
    net::dribble(&mut client, b"hi");
    drop(client);
    rig.run_until(
        "the end of the stream",
        |heard| matches!(heard.last(), Some(Heard::Failed(failure)) if failure.is_end()),
    );
    let came: Vec<u8> = rig.heard().iter().flat_map(bytes).collect();
    assert_eq!(came, b"hi");
}

#[test]
fn p48_an_accepted_connection_sends_small_writes_at_once() {
    let families = if has_ipv6("p48 over IPv6") { 2 } else { 1 };
    for host in ["127.0.0.1", "::1"].into_iter().take(families) {
        let (mut rig, addr) = Rig::listening(SocketFactory::builder().bind_address(host));
        let _client = net::connect(addr);
        rig.run_until_established(1);
        assert!(rig.act(|host, _| SockRef::from(&host.sockets[0]).tcp_nodelay().unwrap()));
    }
}

#[test]
fn p49_a_burst_is_let_in_by_the_system_while_the_loop_is_busy() {
    let (mut rig, addr) = Rig::listening(local());
    let clients = net::connect_all(addr, 300);
    let told: Vec<SocketAddr> = clients.iter().map(|client| client.peer_addr().unwrap()).collect();
    assert_eq!(told, [addr; 300]);
    rig.run_until_established(300);
}

#[test]
fn p50_a_burst_is_accepted_in_a_handful_of_turns_and_none_takes_too_many() {
    let (mut rig, addr) = Rig::listening(local());
    rig.turn();
    let clients = net::connect_all(addr, 200);
    let mut counts = vec![0];
    while rig.peers().len() < clients.len() {
        rig.turn();
        counts.push(rig.peers().len());
        assert!(counts.len() <= 200_usize.div_ceil(SHARE) + 4, "{counts:?}");
    }
    let most = counts.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert_eq!(most, Some(SHARE), "{counts:?}");
}

#[test]
fn p50_two_listeners_share_a_turn() {
    let (mut rig, first) = Rig::listening(local());
    let second = rig.act(|host, cx| host.listen(cx, local()));
    let ids = rig.act(|host, _| [host.factories[0].id(), host.factories[1].id()]);
    let _clients = [net::connect_all(first, 100), net::connect_all(second, 100)];
    rig.turn();
    let of = |id| {
        let is_of =
            |heard: &&Heard| matches!(heard, Heard::Established { wheel, .. } if *wheel == id);
        rig.heard().iter().filter(is_of).count()
    };
    assert_eq!(ids.map(of), [SHARE, SHARE]);
}

fn local() -> SocketFactoryBuilder {
    SocketFactory::builder().bind_address("127.0.0.1")
}

fn locals(clients: &[std::net::TcpStream]) -> Vec<SocketAddr> {
    clients.iter().map(|client| client.local_addr().unwrap()).collect()
}

fn bytes(heard: &Heard) -> Vec<u8> {
    match heard {
        Heard::Came(input) => input.item.to_vec(),
        Heard::Established { .. } | Heard::Failed(_) | Heard::Word(_) | Heard::Stopped => {
            Vec::new()
        }
    }
}

fn begin_to_connect(to: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).unwrap();
    socket.set_nonblocking(true).unwrap();
    if let Err(error) = socket.connect(&to.into()) {
        assert_eq!(error.raw_os_error(), Some(115), "EINPROGRESS");
    }
    socket
}

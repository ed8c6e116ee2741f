//! Limits: of descriptors, of ports, of who may share them.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use testkit::{Conditions, Simulation};
use wheels::{SocketFactory, SocketOptions};

use crate::kit::{Heard, Player, client, echo, leave, two_hosts};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn p01_whoever_finds_no_descriptor_left_waits_until_there_is_one() {
    let (mut simulation, here, there) = two_hosts(1);
    let server = echo(&mut simulation, here);
    // The listener, what it keeps in reserve, and two clients.
    let most = simulation.open_sockets(here) + 2;
    simulation.limit_descriptors(here, most);
    let clients: Vec<Player> =
        (0..2).map(|_| client(&mut simulation, there, SocketOptions::new())).collect();
    simulation.run_for(SECOND).expect("it runs");
    assert_eq!(server.told.lines(), ["made", "made"]);
    assert_eq!(simulation.open_sockets(here), most);
    let late = client(&mut simulation, there, SocketOptions::new());
    simulation.run_for(SECOND).expect("it runs");
    assert!(server.told.has("accept EMFILE"), "{:?}", server.told.lines());
    assert_eq!(server.told.count("made"), 2);
    assert!(simulation.open_sockets(here) <= most);
    simulation.limit_descriptors(here, most + 10);
    let later = client(&mut simulation, there, SocketOptions::new());
    simulation.run_for(10 * SECOND).expect("it runs");
    assert!(later.told.has("made") && server.told.count("made") >= 3);
    for player in clients.iter().chain([&late, &later]) {
        leave(&mut simulation, there, player);
    }
    simulation.run_for(SECOND).expect("it runs");
    leave(&mut simulation, here, &server);
    simulation.run().expect("it runs");
    assert_eq!((simulation.open_sockets(here), simulation.connections()), (0, 0));
}

#[test]
fn a_client_without_descriptors_is_told_so() {
    let (mut simulation, _, there) = two_hosts(1);
    simulation.limit_descriptors(there, 0);
    let player = client(&mut simulation, there, SocketOptions::new());
    simulation.run_for(SECOND).expect("it runs");
    assert!(player.told.has("socket EMFILE"), "{:?}", player.told.lines());
}

#[test]
fn listeners_that_share_a_port_share_the_clients() {
    let (mut simulation, here, there) = two_hosts(1);
    let listen = |simulation: &mut Simulation| {
        let player = simulation.on(here, Player::join);
        simulation.on(here, |kernel| {
            player.act(kernel, |part, cx| {
                let options = SocketOptions::new().reuse_port();
                part.listen(cx, SocketFactory::listen(("0.0.0.0", 7)).options(options));
            });
        });
        player
    };
    let servers = [listen(&mut simulation), listen(&mut simulation)];
    simulation.run_for(SECOND).expect("it runs");
    for _ in 0..100 {
        client(&mut simulation, there, SocketOptions::new());
    }
    simulation.run_for(10 * SECOND).expect("it runs");
    let [one, other] = servers.map(|server| server.told.count("made"));
    assert_eq!(one + other, 100);
    assert!(one >= 10 && other >= 10, "{one} and {other}");
    // Who does not want to share is not let in.
    let alone = echo(&mut simulation, here);
    assert!(alone.told.has("bind EADDRINUSE"), "{:?}", alone.told.lines());
}

#[test]
fn there_are_as_many_connections_to_one_place_as_there_are_ports() {
    let (mut simulation, here, there) = two_hosts(1);
    let server = echo(&mut simulation, here);
    let address = simulation.address(here);
    let player = simulation.on(there, Player::join);
    simulation.on(there, |kernel| {
        player.act(kernel, move |part, cx| {
            for _ in 0..3 {
                // Each as if the port were its own: the second finds it taken towards this server.
                let builder = SocketFactory::connect((address, 7)).bind_port(5000).reuse(true);
                part.connect(cx, builder);
            }
        });
    });
    simulation.run_for(SECOND).expect("it runs");
    assert_eq!(player.told.count("made"), 1);
    assert_eq!(player.told.count("connect EADDRNOTAVAIL"), 2, "{:?}", player.told.lines());
    assert_eq!(server.told.count("made"), 1);
}

#[test]
fn a_number_that_a_socket_had_belongs_to_who_has_it_now() {
    let (mut simulation, here, there) = two_hosts(1);
    let server = echo(&mut simulation, here);
    let address = simulation.address(here);
    let player = simulation.on(there, Player::join);
    simulation.on(there, |kernel| {
        player.act(kernel, move |part, cx| part.connect(cx, SocketFactory::connect((address, 7))));
    });
    simulation.run_for(SECOND).expect("it runs");
    assert!(player.told.has("made"));
    simulation.on(there, |kernel| {
        player.act(kernel, |part, cx| {
            // The first end of a pair of the system's gets the number that this leaves.
            part.sockets.clear();
            let (one, other) = UnixStream::pair().expect("a pair");
            for end in [other, one] {
                let socket = OwnedFd::from(end).try_into().expect("a socket");
                part.sockets.push(socket);
                part.stream(cx);
            }
            part.put(cx, "through the system");
        });
    });
    // What the system has is looked at when its host has a turn.
    for _ in 0..10 {
        simulation.on(there, |_| {});
        simulation.run_for(SECOND).expect("it runs");
    }
    assert_eq!(player.told.bytes(), "through the system".len(), "{:?}", player.told.lines());
    assert_eq!(server.told.lines(), ["made", "end"]);
}

#[test]
fn nothing_is_left_after_a_storm() {
    for seed in 0..5 {
        let (mut simulation, here, there) = two_hosts(seed);
        simulation.set_conditions(Conditions::rough());
        let server = echo(&mut simulation, here);
        let mut players = Vec::new();
        for _ in 0..50 {
            let player = simulation.on(there, Player::join);
            players.push(player.clone());
            simulation.on(there, |kernel| {
                player.act(kernel, |part, cx| {
                    part.react(|part, cx, heard| match heard {
                        Heard::Made => {
                            part.stream(cx);
                            part.put(cx, "hello");
                        }
                        Heard::Came | Heard::End | Heard::Failed => part.leave(cx),
                        Heard::Flushed => {}
                    });
                    part.connect(cx, SocketFactory::connect(("server", 7)));
                });
            });
        }
        simulation.run_for(1000 * SECOND).expect("it runs");
        assert!(!simulation.is_running(there), "seed {seed}: a client stays");
        assert_eq!(server.told.count("made"), 50, "seed {seed}");
        leave(&mut simulation, here, &server);
        simulation.run().expect("it runs");
        let left = (simulation.open_sockets(here), simulation.open_sockets(there));
        assert_eq!((left, simulation.connections()), ((0, 0), 0), "seed {seed}");
    }
}

//! Names of hosts, and their addresses.

use std::io;
use std::time::Duration;

use testkit::Simulation;
use wheels::{SocketFactory, SocketOptions};

use crate::kit::{Player, client, echo, two_hosts};

/// What a client on a host tells that connects to this.
fn tries(simulation: &mut Simulation, from: &str, to: &'static str) -> Vec<String> {
    let host = match simulation.host(from) {
        Ok(host) => host,
        Err(error) => panic!("{error}"),
    };
    let player = simulation.on(host, Player::join);
    simulation.on(host, |kernel| {
        player.act(kernel, move |part, cx| part.connect(cx, SocketFactory::connect((to, 7))));
    });
    simulation.run_for(Duration::from_secs(10)).expect("it runs");
    player.told.lines()
}

#[test]
fn hosts_are_found_by_name_in_either_case_and_by_address() {
    let (mut simulation, here, _) = two_hosts(1);
    echo(&mut simulation, here);
    assert_eq!(tries(&mut simulation, "a", "server"), ["made"]);
    assert_eq!(tries(&mut simulation, "b", "SERVER"), ["made"]);
    assert_eq!(tries(&mut simulation, "c", "10.0.0.1"), ["made"]);
    assert_eq!(simulation.address(here).to_string(), "10.0.0.1");
}

#[test]
fn a_loopback_is_its_hosts_own() {
    let (mut simulation, here, _) = two_hosts(1);
    echo(&mut simulation, here);
    assert_eq!(tries(&mut simulation, "a", "localhost"), ["connect ECONNREFUSED"]);
    let player = simulation.on(here, Player::join);
    simulation.on(here, |kernel| {
        player.act(kernel, |part, cx| {
            for name in ["localhost", "127.0.0.1", "server", "10.0.0.1", "0.0.0.0"] {
                part.connect(cx, SocketFactory::connect((name, 7)));
            }
        });
    });
    simulation.run_for(Duration::from_secs(10)).expect("it runs");
    assert_eq!(player.told.lines(), ["made"; 5]);
}

#[test]
fn a_name_that_no_host_has_is_not_found() {
    let (mut simulation, ..) = two_hosts(1);
    let told = tries(&mut simulation, "a", "nowhere");
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("getaddrinfo"), "{told:?}");
}

#[test]
fn a_name_is_one_hosts_and_no_address() {
    let mut simulation = Simulation::new(1).expect("a simulation");
    simulation.host("server").expect("a host");
    let kind =
        |simulation: &mut Simulation, name: &str| simulation.host(name).map_err(|e| e.kind());
    assert_eq!(kind(&mut simulation, "Server"), Err(io::ErrorKind::AlreadyExists));
    for name in ["", "localhost", "10.0.0.1", "::1"] {
        assert_eq!(kind(&mut simulation, name), Err(io::ErrorKind::InvalidInput), "{name}");
    }
}

#[test]
fn who_listens_to_both_families_is_found_by_both() {
    let (mut simulation, here, there) = two_hosts(1);
    let server = simulation.on(here, Player::join);
    simulation.on(here, |kernel| {
        server.act(kernel, |part, cx| {
            part.listen(cx, SocketFactory::listen(("::", 7)).only_v6(false));
        });
    });
    simulation.run_for(Duration::from_secs(1)).expect("it runs");
    let clients = [there, here].map(|host| client(&mut simulation, host, SocketOptions::new()));
    let told = tries(&mut simulation, "a", "10.0.0.1");
    simulation.run_for(Duration::from_secs(1)).expect("it runs");
    assert_eq!(told, ["made"]);
    assert_eq!(clients.map(|client| client.told.lines()), [["made"]; 2]);
    assert_eq!(tries(&mut simulation, "b", "fd00::1"), ["made"]);
    assert_eq!(server.told.count("made"), 4);
}

#[test]
fn who_listens_to_one_family_leaves_the_other_alone() {
    let (mut simulation, here, _) = two_hosts(1);
    let server = simulation.on(here, Player::join);
    simulation.on(here, |kernel| {
        server.act(kernel, |part, cx| {
            part.listen(cx, SocketFactory::listen(("::", 7)).only_v6(true));
        });
    });
    assert_eq!(tries(&mut simulation, "a", "10.0.0.1"), ["connect ECONNREFUSED"]);
    assert_eq!(tries(&mut simulation, "b", "fd00::1"), ["made"]);
    assert!(server.listens().is_some());
}

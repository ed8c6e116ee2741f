//! Calls that fail because a test wants it, on a network that does not exist.

use std::time::Duration;

use wheels::SocketOptions;
use wheels::faults::{self, Call, Fault};

use crate::kit::{client, echo, put, two_hosts};

#[test]
fn nothing_of_a_simulated_socket_goes_by_the_system_though_calls_are_short() {
    let (mut simulation, here, there) = two_hosts(1);
    let server = echo(&mut simulation, here);
    let player = client(&mut simulation, there, SocketOptions::new());
    simulation.run_for(Duration::from_secs(1)).expect("it runs");
    faults::on_each(Call::Send, Fault::Short(1));
    faults::on_each(Call::Recv, Fault::Short(1));
    for _ in 0..10 {
        // Several, so that they are sent in one call.
        for _ in 0..3 {
            put(&mut simulation, there, &player, vec![b'.'; 5000]);
        }
        simulation.run_for(Duration::from_secs(1)).expect("it runs");
    }
    faults::clear();
    assert_eq!(server.told.bytes(), 150_000);
    assert!(player.told.bytes() >= "echo".len());
}

#[test]
fn a_call_of_a_simulated_socket_can_fail() {
    let (mut simulation, _, there) = two_hosts(1);
    // One for each of the server's addresses.
    for _ in 0..2 {
        faults::fail_next(Call::Socket, nix::errno::Errno::ENOBUFS as i32);
    }
    let player = client(&mut simulation, there, SocketOptions::new());
    simulation.run_for(Duration::from_secs(1)).expect("it runs");
    assert!(player.told.has("socket ENOBUFS"), "{:?}", player.told.lines());
    assert_eq!(faults::pending(), 0);
}

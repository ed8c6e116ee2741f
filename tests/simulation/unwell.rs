//! Networks that fail: partitions, crashes, resets, and how long it takes until who is concerned knows.

use std::time::Duration;

use testkit::{Conditions, HostId, Simulation};
use wheels::{SocketFactory, SocketOptions};

use crate::kit::{Heard, Player, client, echo, echo_with, leave, put, two_hosts};

const SECOND: Duration = Duration::from_secs(1);

/// An echo server, and a client that is connected to it.
fn connected(options: &SocketOptions) -> (Simulation, [HostId; 2], [Player; 2]) {
    let (mut simulation, here, there) = two_hosts(1);
    let server = echo_with(&mut simulation, here, options.clone());
    let client = client(&mut simulation, there, options.clone());
    simulation.run_for(SECOND).expect("it runs");
    assert!(server.told.has("made") && client.told.has("made"));
    (simulation, [here, there], [server, client])
}

/// How long it takes until a player tells something like this.
fn time_until(simulation: &mut Simulation, player: &Player, line: &str) -> Duration {
    let began = simulation.elapsed();
    while !player.told.has(line) {
        let waited = simulation.elapsed() - began;
        assert!(waited < 3000 * SECOND, "waited in vain for {line}: {:?}", player.told.lines());
        simulation.run_for(Duration::from_millis(100)).expect("it runs");
    }
    simulation.elapsed() - began
}

fn assert_within(time: Duration, least: u64, most: u64) {
    let bounds = Duration::from_secs(least)..=Duration::from_secs(most);
    assert!(bounds.contains(&time), "{time:?} is not within {bounds:?}");
}

#[test]
fn what_is_sent_in_a_partition_arrives_when_it_has_healed() {
    let (mut simulation, [here, there], [server, client]) = connected(&SocketOptions::new());
    simulation.partition(here, there);
    put(&mut simulation, there, &client, "a");
    simulation.run_for(60 * SECOND).expect("it runs");
    assert_eq!((server.told.bytes(), client.told.bytes()), (0, 0), "the partition leaks");
    simulation.heal(there, here);
    // What was lost is sent again at the latest after as long as it has been tried.
    simulation.run_for(60 * SECOND).expect("it runs");
    assert_eq!((server.told.bytes(), client.told.bytes()), (1, 4));
}

#[test]
fn a_connection_that_who_crashed_has_not_confirmed_is_forgotten_by_the_listener() {
    let (mut simulation, here, there) = two_hosts(1);
    let latency = Duration::from_millis(10);
    simulation.set_conditions(Conditions::calm().latency(latency..=latency));
    let server = echo(&mut simulation, here);
    let client = client(&mut simulation, there, SocketOptions::new());
    // The question has arrived, and the answer; the confirmation is under way.
    while !client.told.has("made") {
        simulation.run_for(latency / 10).expect("it runs");
    }
    simulation.partition(here, there);
    simulation.crash(there);
    simulation.run_for(1000 * SECOND).expect("it runs");
    assert_eq!((simulation.connections(), server.told.lines().len()), (0, 0));
}

#[test]
fn what_nobody_acknowledges_is_given_up_after_a_quarter_of_an_hour() {
    let (mut simulation, [here, there], [server, client]) = connected(&SocketOptions::new());
    simulation.partition(here, there);
    put(&mut simulation, there, &client, "a");
    let time = time_until(&mut simulation, &client, "read ETIMEDOUT");
    assert_within(time, 924, 926);
    // Who has sent nothing knows nothing.
    assert_eq!(server.told.lines(), ["made"]);
    simulation.heal(here, there);
    leave(&mut simulation, there, &client);
    simulation.run_for(1000 * SECOND).expect("it runs");
    assert_eq!(server.told.lines(), ["made"], "and never will, unless it sends something");
}

#[test]
fn both_who_have_sent_something_give_up() {
    let (mut simulation, [here, there], [server, client]) = connected(&SocketOptions::new());
    put(&mut simulation, there, &client, "a");
    simulation.run_for(SECOND).expect("it runs");
    simulation.partition(here, there);
    put(&mut simulation, there, &client, "a");
    put(&mut simulation, here, &server, "b");
    time_until(&mut simulation, &client, "read ETIMEDOUT");
    time_until(&mut simulation, &server, "read ETIMEDOUT");
}

#[test]
fn p42_a_user_timeout_ends_what_nobody_acknowledges() {
    let options = SocketOptions::new().user_timeout(30 * SECOND);
    let (mut simulation, [here, there], [_, client]) = connected(&options);
    simulation.partition(here, there);
    put(&mut simulation, there, &client, "a");
    assert_within(time_until(&mut simulation, &client, "read ETIMEDOUT"), 30, 31);
}

#[test]
fn p42_keepalive_finds_a_dead_peer_where_nothing_is_sent() {
    let options = SocketOptions::new().keepalive(60 * SECOND, 10 * SECOND, 3);
    let (mut simulation, [here, there], [server, client]) = connected(&options);
    simulation.run_for(600 * SECOND).expect("it runs");
    assert_eq!(server.told.lines(), ["made"], "all is well");
    simulation.partition(here, there);
    // Up to a minute until it is asked first, and three times ten seconds of no answer.
    assert_within(time_until(&mut simulation, &server, "read ETIMEDOUT"), 30, 91);
    assert_within(time_until(&mut simulation, &client, "read ETIMEDOUT"), 0, 1);
}

#[test]
fn p42_a_dead_peer_timeout_finds_both() {
    let options = SocketOptions::new().dead_peer_timeout(80 * SECOND);
    for sends in [false, true] {
        let (mut simulation, [here, there], [server, client]) = connected(&options);
        put(&mut simulation, there, &client, "a");
        simulation.run_for(SECOND).expect("it runs");
        simulation.crash(there);
        if sends {
            put(&mut simulation, here, &server, "b");
        }
        assert_within(time_until(&mut simulation, &server, "read ETIMEDOUT"), 39, 92);
    }
}

#[test]
fn keepalive_that_is_answered_again_keeps_the_connection() {
    let options = SocketOptions::new().keepalive(60 * SECOND, 10 * SECOND, 3);
    let (mut simulation, [here, there], [server, client]) = connected(&options);
    simulation.partition(here, there);
    simulation.run_for(70 * SECOND).expect("it runs");
    simulation.heal(here, there);
    simulation.run_for(600 * SECOND).expect("it runs");
    assert_eq!((server.told.lines().len(), client.told.lines().len()), (1, 1));
}

#[test]
fn a_user_timeout_ends_who_is_alive_and_does_not_read() {
    let options = SocketOptions::new().user_timeout(20 * SECOND);
    let (mut simulation, [here, there], [server, client]) = connected(&options);
    simulation.on(here, |kernel| {
        server.act(kernel, |part, cx| part.streams[0].pause_input(cx));
    });
    put(&mut simulation, there, &client, vec![b'.'; 1_000_000]);
    assert_within(time_until(&mut simulation, &client, "write ETIMEDOUT"), 19, 22);
}

#[test]
fn a_connection_that_nobody_answers_is_asked_for_as_long_as_linux_does() {
    let (mut simulation, here, there) = two_hosts(1);
    let server = echo(&mut simulation, here);
    simulation.partition(here, there);
    let address = simulation.address(here);
    let player = simulation.on(there, Player::join);
    simulation.on(there, |kernel| {
        player.act(kernel, move |part, cx| {
            let patient = SocketFactory::connect((address, 7)).connect_timeout(1000 * SECOND);
            part.connect(cx, patient);
        });
    });
    simulation.run_for(100 * SECOND).expect("it runs");
    assert_eq!(player.told.lines(), Vec::<String>::new());
    // It was asked for at 67 s for the last time: this comes too late.
    simulation.heal(here, there);
    assert_within(time_until(&mut simulation, &player, "connect ETIMEDOUT"), 30, 32);
    assert_eq!(server.told.lines(), Vec::<String>::new());
}

#[test]
fn a_reset_that_is_lost_is_not_sent_again() {
    let (mut simulation, [here, there], [server, client]) = connected(&SocketOptions::new());
    simulation.on(there, |kernel| {
        client.act(kernel, |part, cx| part.streams[0].pause_input(cx));
    });
    put(&mut simulation, here, &server, "never read");
    simulation.run_for(SECOND).expect("it runs");
    simulation.partition(here, there);
    leave(&mut simulation, there, &client);
    simulation.run_for(SECOND).expect("it runs");
    simulation.heal(here, there);
    simulation.run_for(1000 * SECOND).expect("it runs");
    assert_eq!(server.told.lines(), ["made"], "it has not heard of the reset");
    put(&mut simulation, here, &server, "anybody?");
    time_until(&mut simulation, &server, "read ECONNRESET");
}

#[test]
fn a_connection_is_made_when_the_partition_heals_in_time() {
    let (mut simulation, here, there) = two_hosts(1);
    echo(&mut simulation, here);
    simulation.partition(here, there);
    let client = client(&mut simulation, there, SocketOptions::new());
    simulation.run_for(5 * SECOND).expect("it runs");
    simulation.heal(here, there);
    assert_within(time_until(&mut simulation, &client, "made"), 0, 4);
}

#[test]
fn who_was_cut_off_while_a_connection_was_confirmed_is_not_let_in() {
    let (mut simulation, here, there) = two_hosts(1);
    let server = echo(&mut simulation, here);
    let client = client(&mut simulation, there, SocketOptions::new());
    while !client.told.has("made") {
        simulation.run_for(Duration::from_micros(10)).expect("it runs");
    }
    simulation.partition(here, there);
    simulation.run_for(100 * SECOND).expect("it runs");
    assert_eq!(server.told.lines(), Vec::<String>::new(), "nobody was accepted");
    simulation.heal(here, there);
    put(&mut simulation, there, &client, "a");
    time_until(&mut simulation, &client, "read ECONNRESET");
    assert_eq!(server.told.lines(), Vec::<String>::new());
}

#[test]
fn who_talks_to_a_host_that_was_booted_is_reset() {
    let (mut simulation, [here, there], [_, client]) = connected(&SocketOptions::new());
    simulation.crash(here);
    assert!(!simulation.is_running(here));
    assert_eq!(simulation.open_sockets(here), 0);
    simulation.run_for(60 * SECOND).expect("it runs");
    assert_eq!(client.told.lines(), ["made"], "nobody tells");
    simulation.boot(here).expect("it boots");
    put(&mut simulation, there, &client, "a");
    assert_within(time_until(&mut simulation, &client, "read ECONNRESET"), 0, 1);
    leave(&mut simulation, there, &client);
    simulation.run().expect("it runs");
    assert_eq!(simulation.connections(), 0);
}

#[test]
fn the_end_of_who_awaits_an_answer_is_reset_by_a_host_that_was_booted() {
    let (mut simulation, [here, there], [_, client]) = connected(&SocketOptions::new());
    simulation.crash(here);
    simulation.boot(here).expect("it boots");
    simulation.on(there, |kernel| {
        client.act(kernel, |part, cx| part.streams[0].shutdown_output(cx));
    });
    time_until(&mut simulation, &client, "read ECONNRESET");
}

#[test]
fn a_booted_host_refuses_until_somebody_listens() {
    let (mut simulation, [here, there], _) = connected(&SocketOptions::new());
    simulation.crash(here);
    simulation.boot(here).expect("it boots");
    let early = client(&mut simulation, there, SocketOptions::new());
    time_until(&mut simulation, &early, "connect ECONNREFUSED");
    echo(&mut simulation, here);
    let late = client(&mut simulation, there, SocketOptions::new());
    time_until(&mut simulation, &late, "made");
}

#[test]
fn connections_are_reset_at_both_ends() {
    let (mut simulation, [here, _], [server, client]) = connected(&SocketOptions::new());
    assert_eq!(simulation.connections(), 1);
    assert_eq!(simulation.reset_connections(here), 1);
    time_until(&mut simulation, &server, "read ECONNRESET");
    time_until(&mut simulation, &client, "read ECONNRESET");
    assert_eq!(simulation.reset_connections(here), 0);
}

#[test]
fn a_writer_that_is_stuck_hears_of_a_partition() {
    let (mut simulation, [here, there], [server, client]) = connected(&SocketOptions::new());
    simulation.on(here, |kernel| {
        server.act(kernel, |part, cx| part.streams[0].pause_input(cx));
    });
    put(&mut simulation, there, &client, vec![b'.'; 1_000_000]);
    simulation.run_for(SECOND).expect("it runs");
    simulation.partition(here, there);
    assert_within(time_until(&mut simulation, &client, "write ETIMEDOUT"), 923, 927);
}

#[test]
fn nobody_knows_an_address_that_no_host_has() {
    let (mut simulation, _, there) = two_hosts(1);
    let player = simulation.on(there, Player::join);
    simulation.on(there, |kernel| {
        player.act(kernel, |part, cx| {
            part.react(|part, cx, heard| {
                if *heard == Heard::Failed {
                    part.leave(cx);
                }
            });
            part.connect(cx, SocketFactory::connect(("10.9.9.9", 7)));
        });
    });
    assert_within(time_until(&mut simulation, &player, "connect EHOSTUNREACH"), 3, 4);
}

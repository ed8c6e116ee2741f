//! The same seed, the same run.

use std::collections::BTreeSet;
use std::time::Duration;

use testkit::{Conditions, Simulation};
use wheels::{SocketFactory, SocketOptions};

use crate::kit::{Heard, Player, echo};

/// What happened in a run of some clients with troubles, told from all sides.
fn transcript(seed: u64) -> (u64, Duration, Vec<Vec<String>>) {
    let mut simulation = Simulation::new(seed).expect("a simulation");
    simulation.set_conditions(Conditions::rough());
    let server = simulation.host("server").expect("a host");
    let mut players = vec![echo(&mut simulation, server)];
    let clients: Vec<_> =
        (0..5).map(|number| simulation.host(&format!("client{number}")).expect("a host")).collect();
    for _ in 0..4 {
        for host in &clients {
            let player = simulation.on(*host, Player::join);
            simulation.on(*host, |kernel| {
                player.act(kernel, |part, cx| {
                    part.react(|part, cx, heard| match heard {
                        Heard::Made => {
                            part.stream(cx);
                            part.put(cx, "hello, who is there?");
                        }
                        Heard::Came => part.put(cx, "and again"),
                        Heard::End | Heard::Failed => part.leave(cx),
                        Heard::Flushed => part.tell("flushed"),
                    });
                    let options = SocketOptions::new().dead_peer_timeout(Duration::from_secs(20));
                    part.connect(cx, SocketFactory::connect(("server", 7)).options(options));
                });
            });
            players.push(player);
        }
        simulation.run_for(Duration::from_millis(300)).expect("it runs");
    }
    simulation.partition(server, clients[0]);
    simulation.reset_connections(clients[1]);
    simulation.crash(clients[2]);
    simulation.run_for(Duration::from_secs(2)).expect("it runs");
    simulation.heal(server, clients[0]);
    simulation.run_for(Duration::from_secs(5)).expect("it runs");
    let told = players.iter().map(|player| player.told.lines()).collect();
    (simulation.digest(), simulation.elapsed(), told)
}

#[test]
fn the_same_seed_is_the_same_run() {
    // Numbers of descriptors are no part of it, nor is what other threads do with theirs.
    let first: Vec<_> = (0..4).map(transcript).collect();
    let holes: Vec<_> =
        (0..40).map(|_| std::fs::File::open("/dev/null").expect("a file")).collect();
    let kept: Vec<_> =
        holes.into_iter().enumerate().filter(|(number, _)| number % 3 == 0).collect();
    let second: Vec<_> = (0..4).map(transcript).collect();
    drop(kept);
    assert_eq!(first, second);
}

#[test]
fn another_seed_is_another_run() {
    let (mut digests, mut stories) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..8 {
        let (digest, _, story) = transcript(seed);
        digests.insert(digest);
        stories.insert(story);
    }
    assert_eq!(digests.len(), 8);
    assert!(stories.len() > 4, "{} different stories of 8", stories.len());
}

//! Virtual time: when it moves, how far, and what it costs to let it pass.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use reactor::{Context, States};
use testkit::{Conditions, Simulation};
use wheels::{Established, SocketFactory, SocketOptions};

use crate::kit::{Player, client, echo, leave, put, two_hosts};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn time_stands_still_until_it_is_told_to_move() {
    let (mut simulation, here, there) = two_hosts(1);
    echo(&mut simulation, here);
    client(&mut simulation, there, SocketOptions::new());
    let before = simulation.elapsed();
    simulation.on(here, |_| {});
    assert_eq!(simulation.elapsed(), before);
    simulation.run_for(Duration::ZERO).expect("it runs");
    assert!(simulation.elapsed() - before < Duration::from_micros(10), "but for a turn or two");
}

#[test]
fn it_runs_for_as_long_as_it_is_told_and_hardly_longer() {
    let (mut simulation, here, there) = two_hosts(1);
    simulation.run_for(3 * SECOND).expect("it runs");
    assert_eq!(simulation.elapsed(), 3 * SECOND, "nobody is there, and time passes");
    echo(&mut simulation, here);
    client(&mut simulation, there, SocketOptions::new());
    let before = simulation.elapsed();
    simulation.run_for(SECOND).expect("it runs");
    let over = simulation.elapsed() - before - SECOND;
    assert!(over < Duration::from_micros(10), "{over:?}");
}

#[test]
fn to_ask_a_host_something_does_not_make_it_run() {
    let (mut simulation, here, _) = two_hosts(1);
    assert_eq!(simulation.on(here, |kernel| kernel.session_count()), 0);
    assert!(!simulation.is_running(here));
}

#[test]
fn a_delay_ends_at_its_time() {
    let (mut simulation, here, _) = two_hosts(1);
    let rang = Rc::new(Cell::new(None));
    let place = Rc::clone(&rang);
    let states = States::new()
        .on_start(|(): &mut (), cx: &mut Context<'_>, ()| {
            cx.delay("rang", 3600 * SECOND, ());
        })
        .on("rang", move |(): &mut (), cx: &mut Context<'_>, ()| place.set(Some(cx.now())));
    let began = simulation.clock().now();
    simulation.on(here, |kernel| kernel.spawn(&states, ()));
    assert!(simulation.is_running(here));
    simulation.run().expect("it runs");
    let after = rang.get().expect("it rang") - began;
    assert!(
        (3600 * SECOND..3600 * SECOND + Duration::from_millis(1)).contains(&after),
        "{after:?}"
    );
    assert!(!simulation.is_running(here));
}

#[test]
fn it_runs_until_everybody_waits_for_somebody_else() {
    let (mut simulation, here, _) = two_hosts(1);
    let states = States::new()
        .on_start(|listener: &mut Option<SocketFactory>, cx: &mut Context<'_>, ()| {
            let factory = SocketFactory::listen(("0.0.0.0", 7));
            *listener = Some(factory.build(cx, "made", "failed"));
        })
        .on("made", |_: &mut Option<SocketFactory>, _: &mut Context<'_>, _: Established| {});
    simulation.on(here, |kernel| kernel.spawn(&states, None));
    simulation.run().expect("it runs");
    assert!(simulation.elapsed() < SECOND);
    assert!(simulation.is_running(here), "it still listens");
}

#[test]
fn a_session_that_yields_for_ever_does_not_stop_time() {
    let (mut simulation, here, there) = two_hosts(1);
    let server = echo(&mut simulation, here);
    let states = States::new()
        .on_start(|(): &mut (), cx: &mut Context<'_>, ()| cx.yield_("again", ()))
        .on("again", |(): &mut (), cx: &mut Context<'_>, ()| cx.yield_("again", ()));
    simulation.on(here, |kernel| kernel.spawn(&states, ()));
    let player = client(&mut simulation, there, SocketOptions::new());
    simulation.run_for(Duration::from_millis(20)).expect("it runs");
    assert!(server.told.has("made") && player.told.has("made"), "the others are served");
    assert!(simulation.elapsed() < Duration::from_millis(30));
}

/// How long it takes until a line is echoed, ten times.
fn round_trips(conditions: Conditions) -> Vec<Duration> {
    let (mut simulation, here, there) = two_hosts(1);
    simulation.set_conditions(conditions);
    echo(&mut simulation, here);
    let player = client(&mut simulation, there, SocketOptions::new());
    simulation.run_for(10 * SECOND).expect("it runs");
    (1..=10)
        .map(|number| {
            put(&mut simulation, there, &player, "x");
            let began = simulation.elapsed();
            while player.told.bytes() < number * "echo".len() {
                simulation.run_for(Duration::from_micros(100)).expect("it runs");
                assert!(simulation.elapsed() < 1000 * SECOND, "no echo");
            }
            simulation.elapsed() - began
        })
        .collect()
}

#[test]
fn an_echo_takes_twice_the_latency() {
    let millis = Duration::from_millis;
    for time in round_trips(Conditions::calm().latency(millis(100)..=millis(200))) {
        assert!((millis(200)..millis(401)).contains(&time), "{time:?}");
    }
    for time in round_trips(Conditions::calm()) {
        assert!((Duration::from_micros(400)..millis(3)).contains(&time), "{time:?}");
    }
}

#[test]
fn an_idle_hour_of_a_hundred_connections_is_nothing() {
    let (mut simulation, here, there) = two_hosts(1);
    let server = echo(&mut simulation, here);
    let options = SocketOptions::new().dead_peer_timeout(60 * SECOND);
    let clients: Vec<Player> =
        (0..100).map(|_| client(&mut simulation, there, options.clone())).collect();
    simulation.run_for(10 * SECOND).expect("it runs");
    assert_eq!(server.told.count("made"), 100);
    let turns = |simulation: &mut Simulation| {
        simulation.on(here, |kernel| kernel.stats().turns)
            + simulation.on(there, |kernel| kernel.stats().turns)
    };
    let before = turns(&mut simulation);
    simulation.run_for(3600 * SECOND).expect("it runs");
    let spent = turns(&mut simulation) - before;
    assert!(spent <= 10, "{spent} turns of nothing");
    for client in &clients {
        leave(&mut simulation, there, client);
    }
    simulation.run_for(SECOND).expect("it runs");
    assert_eq!(server.told.count("end"), 100);
}

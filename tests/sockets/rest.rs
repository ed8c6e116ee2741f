//! Something ran out: a listener turns away who waits, rests, and comes back.
//!
//! In virtual time, so that a rest is exactly as long as it should be.

use std::time::Duration;

use reactor::Clock;
use testkit::net::{self, Ending};
use testkit::rig::{Rig, cause};
use wheels::faults::{self, Call};
use wheels::{Operation, SocketFactory, SocketFactoryBuilder};

const EMFILE: i32 = 24;
/// ENOMEM ENFILE EMFILE ENOBUFS, and one that no manual of accept(2) has (EDOM).
const EXHAUSTED: [i32; 5] = [12, 23, EMFILE, 105, 33];

const REST: Duration = Duration::from_millis(100);
const ALMOST: Duration = Duration::from_millis(99);
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn p03_what_ran_out_is_one_failure_and_a_rest() {
    for errnum in EXHAUSTED {
        let (mut rig, clock, addr) = listening();
        let mut turned_away = net::connect(addr);
        exhaust(&mut rig, errnum);
        assert_eq!(rig.failures().len(), 1, "error {errnum}");
        assert_eq!(cause(&rig.failures()[0]), (Operation::Accept, errnum));
        assert_eq!(net::read_to_end(&mut turned_away), Ending::Closed(Vec::new()));

        let late = net::connect(addr);
        turns(&mut rig);
        clock.advance(ALMOST);
        turns(&mut rig);
        assert!(rig.peers().is_empty(), "error {errnum}: it rests, though it has told so");
        clock.advance(REST - ALMOST);
        turns(&mut rig);
        assert_eq!(rig.peers(), [late.local_addr().unwrap()], "error {errnum}");
        assert_eq!(rig.failures().len(), 1, "error {errnum}");
    }
}

#[test]
fn p03_a_rest_that_is_not_told_is_as_long_as_one_that_is() {
    let (mut rig, clock, addr) = listening();
    let _first = net::connect(addr);
    exhaust(&mut rig, EMFILE);
    clock.advance(REST);
    turns(&mut rig);
    let _second = net::connect(addr);
    exhaust(&mut rig, EMFILE);
    assert_eq!(rig.failures().len(), 1, "told less than five seconds ago");

    let late = net::connect(addr);
    turns(&mut rig);
    clock.advance(ALMOST);
    turns(&mut rig);
    assert!(rig.peers().is_empty());
    clock.advance(REST - ALMOST);
    turns(&mut rig);
    assert_eq!(rig.peers(), [late.local_addr().unwrap()]);
}

#[test]
fn p01_one_failure_in_five_seconds_tells_and_nobody_spins() {
    let (mut rig, clock, addr) = listening();
    for _ in 0..1000 {
        faults::fail_next(Call::Accept, EMFILE);
    }
    let _waiting = net::connect(addr);
    let (began, before) = (clock.now(), rig.kernel.stats());
    while clock.now() - began < Duration::from_secs(12) {
        rig.kernel.run_one_turn(HOUR).unwrap();
    }
    assert_eq!(rig.failures().len(), 3, "at once, after five seconds and after ten");
    assert!(rig.peers().is_empty());
    // Two calls a rest: the one that fails, and the one that would turn a client away.
    assert_eq!(1000 - faults::pending(), 2 * 121);
    let stats = rig.kernel.stats();
    assert!(stats.polls - before.polls <= 2 * 121 + 5, "{stats:?}");
    faults::clear();
    rig.run_until_established(1);
}

#[test]
fn p01_a_client_that_comes_while_accepting_rests_is_no_reason_to_try() {
    let (mut rig, _clock, addr) = listening();
    let _first = net::connect(addr);
    exhaust(&mut rig, EMFILE);
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(net::connect(addr));
        turns(&mut rig);
    }
    assert!(rig.peers().is_empty());
    rig.run_until_established(10);
}

#[test]
fn p01_a_wheel_that_closes_ends_the_rest() {
    let (mut rig, clock, addr) = listening();
    let (_first, _second) = (net::connect(addr), net::connect(addr));
    rig.run_until_established(2);
    rig.act(|host, cx| (host.stream(cx), host.stream(cx)));
    let _turned_away = net::connect(addr);
    exhaust(&mut rig, EMFILE);

    let late = net::connect(addr);
    turns(&mut rig);
    assert_eq!(rig.peers().len(), 2);
    let began = clock.now();
    rig.act(|host, _| host.streams.clear());
    turns(&mut rig);
    assert_eq!(clock.now(), began);
    assert_eq!(rig.peers().last(), Some(&late.local_addr().unwrap().into()));
}

#[test]
fn p01_a_wheel_that_closes_ends_the_rest_though_a_client_comes_in_the_same_moment() {
    let (mut rig, clock, addr) = listening();
    let _first = net::connect(addr);
    rig.run_until_established(1);
    rig.act(|host, cx| host.stream(cx));
    let _turned_away = net::connect(addr);
    exhaust(&mut rig, EMFILE);

    let began = clock.now();
    // Both are news to the listener in its next turn.
    rig.act(|host, _| host.streams.clear());
    let late = net::connect(addr);
    turns(&mut rig);
    assert_eq!(clock.now(), began);
    assert_eq!(rig.peers().last(), Some(&late.local_addr().unwrap().into()));
}

#[test]
fn a_rest_does_not_end_because_accepting_is_paused_and_resumed() {
    let (mut rig, clock, addr) = listening();
    let _turned_away = net::connect(addr);
    exhaust(&mut rig, EMFILE);
    let late = net::connect(addr);
    rig.act(|host, cx| {
        host.factory().pause_accept(cx);
        host.factory().resume_accept(cx);
    });
    turns(&mut rig);
    rig.act(|host, cx| host.factory().resume_accept(cx));
    turns(&mut rig);
    assert!(rig.peers().is_empty());
    clock.advance(REST);
    turns(&mut rig);
    assert_eq!(rig.peers(), [late.local_addr().unwrap()]);
}

#[test]
fn a_rest_that_ends_while_accepting_is_paused_is_over_when_it_is_resumed() {
    let (mut rig, clock, addr) = listening();
    let _turned_away = net::connect(addr);
    exhaust(&mut rig, EMFILE);
    rig.act(|host, cx| host.factory().pause_accept(cx));
    let late = net::connect(addr);
    turns(&mut rig);
    clock.advance(HOUR / 2);
    turns(&mut rig);
    assert!(rig.peers().is_empty());
    rig.act(|host, cx| host.factory().resume_accept(cx));
    turns(&mut rig);
    assert_eq!(rig.peers(), [late.local_addr().unwrap()]);
}

#[test]
fn a_wheel_that_closes_while_accepting_is_paused_ends_the_rest_when_it_is_resumed() {
    let (mut rig, clock, addr) = listening();
    let _first = net::connect(addr);
    rig.run_until_established(1);
    rig.act(|host, cx| host.stream(cx));
    let _turned_away = net::connect(addr);
    exhaust(&mut rig, EMFILE);

    let began = clock.now();
    rig.act(|host, cx| host.factory().pause_accept(cx));
    let late = net::connect(addr);
    rig.act(|host, _| host.streams.clear());
    turns(&mut rig);
    assert_eq!(rig.peers().len(), 1);
    rig.act(|host, cx| host.factory().resume_accept(cx));
    turns(&mut rig);
    assert_eq!(clock.now(), began);
    assert_eq!(rig.peers().last(), Some(&late.local_addr().unwrap().into()));
}

#[test]
fn a_listener_that_rests_may_be_dropped() {
    let (mut rig, clock, addr) = listening();
    let mut turned_away = net::connect(addr);
    exhaust(&mut rig, EMFILE);
    assert_eq!(net::read_to_end(&mut turned_away), Ending::Closed(Vec::new()));
    rig.act(|host, _| host.factories.clear());
    clock.advance(HOUR);
    rig.run_to_end();
    assert_eq!(rig.failures().len(), 1);
}

/// A session that listens in virtual time. A far alarm is there so that a turn waits for nobody.
fn listening() -> (Rig, Clock, std::net::SocketAddr) {
    let clock = Clock::virtual_time();
    let (mut rig, addr) = Rig::listening_on(clock.clone(), local());
    rig.act(|_, cx| cx.delay("never", HOUR, ()));
    (rig, clock, addr)
}

fn local() -> SocketFactoryBuilder {
    SocketFactory::builder().bind_address("127.0.0.1")
}

/// Makes the next accept fail, and runs until it has.
fn exhaust(rig: &mut Rig, errnum: i32) {
    faults::fail_next(Call::Accept, errnum);
    let what = "accept to fail";
    rig.run_until(what, |_| faults::pending() == 0);
}

/// Turns in which no time passes: enough for whatever is ready.
fn turns(rig: &mut Rig) {
    for _ in 0..5 {
        rig.turn();
    }
}

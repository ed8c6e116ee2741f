//! How long connecting may take, in virtual time: exactly as long as it was given.

use std::time::Duration;

use reactor::Clock;
use socket2::Type;
use testkit::net::{self, Silent};
use testkit::rig::{Host, Rig, cause};
use testkit::unix::{self, Folder};
use wheels::{Address, Operation, SocketFactory, SocketFactoryBuilder, SocketType};

const EAGAIN: i32 = 11;
const ETIMEDOUT: i32 = 110;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_connect_that_takes_too_long_has_failed_at_its_time_and_not_before() {
    let silent = Silent::new();
    for (builder, timeout) in [
        (SocketFactory::connect(silent.addr), MINUTE),
        (SocketFactory::connect(silent.addr).connect_timeout(7 * SECOND), 7 * SECOND),
        (SocketFactory::connect(silent.addr).connect_timeout(Duration::ZERO), Duration::ZERO),
    ] {
        let (rig, took) = fails(builder);
        assert_eq!(took, timeout);
        let failures = rig.failures();
        assert_eq!(cause(&failures[0]), (Operation::Connect, ETIMEDOUT));
        assert_eq!(failures[0].to_string(), "connect: Connection timed out");
    }
}

#[test]
fn a_timeout_beyond_all_time_is_none() {
    let silent = Silent::new();
    let builder = SocketFactory::connect(silent.addr).connect_timeout(Duration::MAX);
    let (mut rig, _clock) = connecting(builder);
    assert!(rig.is_alive());
    for _ in 0..10 {
        rig.kernel.run_one_turn(HOUR).unwrap();
    }
    assert_eq!(rig.heard(), []);
    rig.act(|host, _| host.factories.clear());
}

#[test]
fn a_connection_that_was_made_does_not_time_out() {
    let (_listener, addr) = net::listener();
    let (mut rig, _clock) = connecting(SocketFactory::connect(addr).connect_timeout(HOUR));
    rig.run_until_established(1);
    for _ in 0..3 {
        rig.kernel.run_one_turn(2 * HOUR).unwrap();
    }
    assert_eq!((rig.peers(), rig.failures()), (vec![addr.into()], vec![]));
}

#[test]
fn p06_a_unix_connect_to_a_full_queue_fails_when_its_time_is_up() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let _listener = unix::listening(&path, 0);
    let _first = unix::try_connect(&path, Type::STREAM).unwrap();
    let (rig, took) = fails(SocketFactory::unix_connect(&path).connect_timeout(9 * SECOND));
    assert_eq!(took, 9 * SECOND);
    let failures = rig.failures();
    assert_eq!(cause(&failures[0]), (Operation::Connect, EAGAIN));
    assert_eq!(failures[0].to_string(), "connect: Resource temporarily unavailable");
    // Tried ten times a second at most, and more often only in the beginning.
    assert!(rig.kernel.stats().turns < 120, "{:?}", rig.kernel.stats());
}

#[test]
fn p06_a_unix_connect_to_a_full_queue_is_made_when_there_is_room() {
    for kind in [Type::STREAM, Type::SEQPACKET] {
        let folder = Folder::new();
        let path = folder.at("socket");
        let listener = unix::bound(&path, kind);
        listener.listen(0).unwrap();
        let _first = unix::try_connect(&path, kind).unwrap();
        let builder = SocketFactory::unix_connect(&path);
        let builder = match kind {
            Type::SEQPACKET => builder.socket_type(SocketType::SeqPacket),
            _ => builder,
        };
        let (mut rig, clock) = connecting(builder.bind_address(folder.at("client")));
        let began = clock.now();
        while clock.now() - began < 10 * SECOND {
            rig.kernel.run_one_turn(SECOND).unwrap();
        }
        assert_eq!(rig.heard(), [], "neither made nor failed");
        let near = rig.act(|host, cx| host.factory().local_addr(cx));
        assert_eq!(near.as_ref().and_then(Address::path), Some(&*folder.at("client")));

        let (first, _) = listener.accept().unwrap();
        let before = clock.now();
        rig.run_until_established(1);
        assert!(clock.now() - before <= Duration::from_millis(100), "it is tried often");
        let (second, name) = listener.accept().unwrap();
        assert_eq!(name.as_pathname(), Some(&*folder.at("client")), "the same socket is tried");
        assert_eq!(rig.peers()[0].path(), Some(&*path));
        drop((first, second));
    }
}

#[test]
fn p06_three_that_wait_for_one_place_get_it_one_after_another() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let listener = unix::listening(&path, 0);
    let to = path.clone();
    let mut rig = Rig::start_on(Clock::virtual_time(), move |host, cx| {
        Host::stay(cx);
        for _ in 0..4 {
            host.build(cx, SocketFactory::unix_connect(&to));
        }
    });
    let mut accepted = Vec::new();
    for made in 1..=4 {
        rig.run_until_established(made);
        for _ in 0..20 {
            rig.kernel.run_one_turn(SECOND).unwrap();
        }
        assert_eq!(rig.peers().len(), made, "there is one place");
        accepted.push(listener.accept().unwrap());
    }
    assert_eq!(rig.failures(), []);
}

#[test]
fn a_unix_listener_that_goes_while_its_queue_is_full_has_refused() {
    const ECONNREFUSED: i32 = 111;
    let folder = Folder::new();
    let path = folder.at("socket");
    let listener = unix::listening(&path, 0);
    let _first = unix::try_connect(&path, Type::STREAM).unwrap();
    let (mut rig, _clock) = connecting(SocketFactory::unix_connect(&path));
    for _ in 0..10 {
        rig.kernel.run_one_turn(SECOND).unwrap();
    }
    drop(listener);
    rig.run_until("the failure", |heard| !heard.is_empty());
    assert_eq!(cause(&rig.failures()[0]), (Operation::Connect, ECONNREFUSED));
}

/// A session that connects in virtual time, and stays alive.
fn connecting(builder: SocketFactoryBuilder) -> (Rig, Clock) {
    let clock = Clock::virtual_time();
    let rig = Rig::start_on(clock.clone(), move |host, cx| {
        Host::stay(cx);
        host.build(cx, builder);
    });
    (rig, clock)
}

/// Runs until it has failed; says how long that took.
fn fails(builder: SocketFactoryBuilder) -> (Rig, Duration) {
    let (mut rig, clock) = connecting(builder);
    let began = clock.now();
    // Each turn that has nothing to do moves the clock to the next time at which there is.
    while rig.heard().is_empty() {
        rig.kernel.run_one_turn(HOUR).unwrap();
    }
    assert!(rig.peers().is_empty());
    (rig, clock.now() - began)
}

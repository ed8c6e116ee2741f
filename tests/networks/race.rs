//! Several addresses of one name (RFC 8305).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use testkit::net::Silent;
use testkit::private::{self, SILENT_V4, SILENT_V6};
use testkit::rig::cause;
use wheels::faults::{self, Call};
use wheels::{Failure, Operation};

use crate::stage::{STAGGER, Stage, to};

const ECONNREFUSED: i32 = 111;
const ETIMEDOUT: i32 = 110;
const EAFNOSUPPORT: i32 = 97;

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
const SILENCE: IpAddr = IpAddr::V6(SILENT_V6);
const MORE_SILENCE: IpAddr = IpAddr::V4(SILENT_V4);

/// On a network that nobody else is on, every port is free, and refuses.
const NOBODY: u16 = 7_777;

const INSTANT: Duration = Duration::from_millis(1);

fn listener(ip: IpAddr) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((ip, 0)).expect("bind");
    let addr = listener.local_addr().expect("local address");
    (listener, addr)
}

pub(crate) fn p53_a_silent_address_costs_a_quarter_of_a_second() {
    let (_listener, addr) = listener(V4);
    let mut stage = Stage::connecting(&[SILENCE, V4], addr.port());
    stage.advance(STAGGER - INSTANT);
    assert_eq!((stage.rig.heard(), stage.sockets()), (vec![], 1));
    stage.advance(INSTANT);
    stage.rig.run_until_established(1);
    assert_eq!(stage.rig.peers(), [addr]);
    assert_eq!(stage.elapsed(), STAGGER);
    assert_eq!(stage.sockets(), 1, "the other is closed");
    stage.rig.act(|host, _| host.sockets.clear());
    assert_eq!(stage.sockets(), 0);
}

pub(crate) fn p53_a_refused_address_is_followed_by_the_next_at_once() {
    let (_listener, addr) = listener(V4);
    let mut stage = Stage::connecting(&[V6, V4], addr.port());
    stage.rig.run_until_established(1);
    assert_eq!(stage.rig.peers(), [addr]);
    assert_eq!(stage.elapsed(), Duration::ZERO);
    assert_eq!(stage.rig.failures(), []);
}

pub(crate) fn p53_all_addresses_are_tried_and_the_last_failure_says_how_many() {
    let ips =
        ["::1", "127.0.0.1", "127.0.0.2", "127.0.0.3"].map(|ip| ip.parse().expect("an address"));
    let mut stage = Stage::connecting(&ips, NOBODY);
    stage.rig.run_until("the failure", |heard| !heard.is_empty());
    let failures = stage.rig.failures();
    assert_eq!(causes(&failures), [(Operation::Connect, ECONNREFUSED)]);
    assert_eq!(failures[0].errstr, "Connection refused (4 addresses tried)");
    assert_eq!((stage.elapsed(), stage.sockets()), (Duration::ZERO, 0));
}

pub(crate) fn p53_a_silent_address_is_waited_for_when_all_others_have_refused() {
    let mut stage =
        Stage::connecting_with(&[SILENCE, V4], NOBODY, |to| to.connect_timeout(10 * STAGGER));
    stage.advance(STAGGER);
    stage.advance(9 * STAGGER - INSTANT);
    assert_eq!((stage.rig.heard(), stage.sockets()), (vec![], 1));
    stage.advance(INSTANT);
    let failures = stage.rig.failures();
    assert_eq!(causes(&failures), [(Operation::Connect, ETIMEDOUT)]);
    assert_eq!(failures[0].errstr, "Connection timed out (2 addresses tried)");
    assert_eq!(stage.sockets(), 0);
}

pub(crate) fn p53_one_of_three_on_their_way_wins_and_the_others_are_closed() {
    let full = Silent::new();
    let mut stage = Stage::connecting(&[SILENCE, MORE_SILENCE, V4], full.addr.port());
    stage.advance(STAGGER);
    assert_eq!(stage.sockets(), 2);
    stage.advance(STAGGER);
    assert_eq!((stage.rig.heard(), stage.sockets()), (vec![], 3));
    // The system tries again by itself.
    let _accepted = full.admit();
    stage.rig.run_until_established(1);
    assert_eq!(stage.rig.peers(), [full.addr]);
    assert_eq!(stage.sockets(), 2, "with the one that was let in before");
    assert_eq!(stage.rig.kernel.wheel_count(), 1);
    stage.rig.act(|host, _| host.sockets.clear());
    assert_eq!(stage.sockets(), 1);
}

pub(crate) fn p53_when_the_time_is_up_all_on_their_way_are_closed() {
    let third = Ipv4Addr::from_bits(SILENT_V4.to_bits() + 1).into();
    let mut stage = Stage::connecting_with(&[SILENCE, MORE_SILENCE, third], NOBODY, |to| {
        to.connect_timeout(4 * STAGGER)
    });
    stage.advance(STAGGER);
    stage.advance(STAGGER);
    stage.advance(2 * STAGGER - INSTANT);
    assert_eq!((stage.rig.heard(), stage.sockets()), (vec![], 3));
    stage.advance(INSTANT);
    let failures = stage.rig.failures();
    assert_eq!(causes(&failures), [(Operation::Connect, ETIMEDOUT)]);
    assert_eq!(failures[0].errstr, "Connection timed out (3 addresses tried)");
    assert_eq!(stage.sockets(), 0);
    stage.advance(10 * STAGGER);
    assert_eq!(stage.rig.heard().len(), 1);
}

pub(crate) fn p53_a_near_end_leaves_the_addresses_of_its_family() {
    let (_listener, addr) = listener(V4);
    let mut stage = Stage::connecting_with(&[SILENCE, V4], addr.port(), |to| to.bind_address(V4));
    stage.rig.run_until_established(1);
    assert_eq!(stage.rig.peers(), [addr]);
    assert_eq!(stage.elapsed(), Duration::ZERO);
    // Of the others nothing is told, whichever would come last.
    for near in ["127.0.0.1", "::1", "four.test", "six.test"] {
        let builder = to(&[V6, V4], NOBODY).bind_address(near);
        names_of_one_family(&[V6, V4]);
        let mut stage = Stage::begin(|host, cx| {
            host.build(cx, builder);
        });
        stage.rig.run_until("the failure", |heard| !heard.is_empty());
        stage.run_to_end();
        let failures = stage.rig.failures();
        assert_eq!(causes(&failures), [(Operation::Connect, ECONNREFUSED)], "{near}");
        assert_eq!(failures[0].errstr, "Connection refused", "{near}");
    }
}

pub(crate) fn p53_a_near_end_of_another_family_than_all_addresses_is_a_failure() {
    let builder = to(&[V4], NOBODY).bind_address("six.test");
    names_of_one_family(&[V4]);
    let mut stage = Stage::begin(|host, cx| {
        host.build(cx, builder);
    });
    stage.rig.run_until("the failure", |heard| !heard.is_empty());
    stage.run_to_end();
    let failures = stage.rig.failures();
    assert_eq!(causes(&failures), [(Operation::Bind, EAFNOSUPPORT)]);
    assert_eq!(failures[0].errstr, "[::1]:0 is no address of AF_INET");
}

/// Beside the name of these addresses.
fn names_of_one_family(ips: &[IpAddr]) {
    let many: String = ips.iter().map(|ip| format!("{ip} many.test\n")).collect();
    private::names(&format!("{many}127.0.0.1 four.test\n::1 six.test\n"));
}

fn causes(failures: &[Failure]) -> Vec<(Operation, i32)> {
    failures.iter().map(cause).collect()
}

pub(crate) fn p53_an_attempt_that_the_system_refuses_is_followed_by_the_next_at_once() {
    const EIO: i32 = 5;
    let _listeners = [V4, V6].map(|ip| TcpListener::bind((ip, NOBODY)).expect("bind"));
    for call in [Call::Socket, Call::SetSockOpt, Call::Connect, Call::PeerAddr] {
        faults::fail_next(call, EIO);
        let mut stage = Stage::connecting(&[V6, V4], NOBODY);
        stage.rig.run_until_established(1);
        assert_eq!(faults::pending(), 0, "{call:?}");
        assert_eq!(stage.rig.peers(), [SocketAddr::new(V4, NOBODY)], "{call:?}");
        assert_eq!(stage.rig.failures(), [], "{call:?}");
        assert_eq!((stage.elapsed(), stage.sockets()), (Duration::ZERO, 1), "{call:?}");
        // The next one, too, has an end, and only one.
        faults::fail_next(call, EIO);
        faults::fail_next(call, EIO);
        let mut stage = Stage::connecting(&[V6, V4], NOBODY);
        stage.rig.run_until("the failure", |heard| !heard.is_empty());
        assert_eq!(faults::pending(), 0, "{call:?}");
        let failure = stage.rig.failures().remove(0);
        assert_eq!(failure.errnum, EIO, "{call:?}");
        assert!(failure.errstr.ends_with("Input/output error (2 addresses tried)"), "{failure}");
        stage.advance(10 * STAGGER);
        assert_eq!((stage.rig.heard().len(), stage.sockets()), (1, 0), "{call:?}");
    }
}

pub(crate) fn p53_a_further_attempt_that_cannot_be_watched_leaves_the_first_on_its_way() {
    let mut stage = Stage::connecting(&[SILENCE, MORE_SILENCE], NOBODY);
    faults::fail_next(Call::WatchAlso, 12);
    stage.advance(STAGGER);
    assert_eq!(faults::pending(), 0);
    assert_eq!((stage.rig.heard(), stage.sockets()), (vec![], 1));
    stage.advance(Duration::from_secs(60));
    assert_eq!(causes(&stage.rig.failures()), [(Operation::Connect, ETIMEDOUT)]);
    assert_eq!(stage.sockets(), 0);
}

pub(crate) fn p53_a_near_port_of_choice_is_that_of_all_attempts() {
    let nearby: IpAddr = Ipv4Addr::new(127, 0, 0, 2).into();
    let full = Silent::new();
    let port = full.addr.port();
    let _listener = TcpListener::bind((nearby, port)).expect("bind");
    let mut stage = Stage::connecting_with(&[V4, nearby], port, |to| to.bind_port(NOBODY));
    stage.advance(STAGGER);
    stage.rig.run_until_established(1);
    let near = stage.rig.act(|host, _| host.sockets[0].local_addr());
    assert_eq!(near.expect("it is bound").as_ip().map(|addr| addr.port()), Some(NOBODY));
}

pub(crate) fn p53_a_factory_that_is_dropped_amid_its_attempts_leaves_nothing() {
    for attempts in 1..=3 {
        let third = Ipv4Addr::from_bits(SILENT_V4.to_bits() + 1).into();
        let builder = to(&[SILENCE, MORE_SILENCE, third], NOBODY);
        // Nothing else keeps the session.
        let mut stage = Stage::begin(|host, cx| {
            host.build(cx, builder);
        });
        stage.await_attempt();
        for _ in 1..attempts {
            stage.advance(STAGGER);
        }
        assert_eq!(stage.sockets(), attempts);
        stage.rig.act(|host, _| host.factories.clear());
        assert_eq!(stage.sockets(), 0);
        stage.run_to_end();
        assert_eq!(stage.rig.heard(), [testkit::rig::Heard::Stopped]);
    }
}

//! accept(2) fails: whose fault it is decides what becomes of it.

use std::time::Duration;

use reactor::Context;
use testkit::net::{self, Ending};
use testkit::rig::{Heard, Host, Rig, cause};
use wheels::faults::{self, Call, Fault};
use wheels::{Operation, SocketFactory};

/// The connection's own: EPERM EINTR EPROTO ENONET ENOPROTOOPT ENETDOWN ENETUNREACH ECONNABORTED
/// ETIMEDOUT EHOSTDOWN EHOSTUNREACH.
const OF_THE_PEER: [i32; 11] = [1, 4, 71, 64, 92, 100, 101, 103, 110, 112, 113];

/// EBADF EFAULT EINVAL ENOTSOCK EOPNOTSUPP.
const FATAL: [i32; 5] = [9, 14, 22, 88, 95];

#[test]
fn p03_a_clients_failure_is_passed_over_and_the_next_is_accepted() {
    for errnum in OF_THE_PEER {
        let (mut rig, addr) = Rig::listening(SocketFactory::builder().bind_address("127.0.0.1"));
        faults::fail_next(Call::Accept, errnum);
        let client = net::connect(addr);
        // In the very turn in which it is ready: nothing rests.
        rig.turn();
        assert_eq!(rig.peers(), [client.local_addr().unwrap()], "error {errnum}");
        assert_eq!(rig.failures(), [], "error {errnum}");
        assert_eq!(faults::pending(), 0);
    }
}

#[test]
fn p03_failures_of_many_clients_are_passed_over_within_the_share_of_a_turn() {
    let (mut rig, addr) = Rig::listening(SocketFactory::builder().bind_address("127.0.0.1"));
    for _ in 0..20 {
        OF_THE_PEER.iter().for_each(|errnum| faults::fail_next(Call::Accept, *errnum));
    }
    let client = net::connect(addr);
    let asked = faults::pending();
    rig.turn();
    assert_eq!(asked - faults::pending(), 64, "a failed accept costs what a good one does");
    rig.run_until_established(1);
    assert_eq!(rig.heard().len(), 1);
    assert_eq!(rig.peers(), [client.local_addr().unwrap()]);
    assert_eq!(faults::pending(), 0);
}

/// As under a filter of system calls, or a security module that leaves the client in the queue.
#[test]
fn p03_a_listener_whose_every_accept_fails_rests_and_says_so_once() {
    const EPERM: i32 = 1;
    let (mut rig, addr) = Rig::listening(SocketFactory::builder().bind_address("127.0.0.1"));
    faults::from_nth(Call::Accept, 0, Fault::Error(EPERM));
    let client = net::connect(addr);
    rig.run_until("a failure", |heard| !heard.is_empty());
    assert_eq!(rig.failures().iter().map(cause).collect::<Vec<_>>(), [(Operation::Accept, EPERM)]);
    let rest = rig.kernel.next_timeout();
    assert!(rest > Some(Duration::ZERO), "it goes on at once: {rest:?}");
    faults::clear();
    rig.run_until_established(1);
    assert_eq!(rig.peers(), [client.local_addr().unwrap()]);
    assert_eq!(rig.heard().len(), 2);
}

#[test]
fn p03_a_socket_that_cannot_accept_is_one_failure_and_the_end_of_the_listener() {
    for errnum in FATAL {
        let (mut rig, addr) = Rig::listening(SocketFactory::builder().bind_address("127.0.5.1"));
        rig.act(|host, _| host.react(inert));
        faults::fail_next(Call::Accept, errnum);
        let mut clients = net::connect_all(addr, 2);
        // Though the session holds the factory still, it ends: there is nothing to wait for.
        rig.run_to_end();
        let [Heard::Failed(failure), Heard::Stopped] = &rig.heard()[..] else {
            panic!("error {errnum}: {:?}", rig.heard());
        };
        assert_eq!(cause(failure), (Operation::Accept, errnum));
        for client in &mut clients {
            assert!(matches!(net::read_to_end(client), Ending::Closed(_) | Ending::Reset(_)));
        }
    }
}

#[test]
fn p03_other_listeners_go_on_when_one_ends() {
    let (mut rig, first) = Rig::listening(SocketFactory::builder().bind_address("127.0.0.1"));
    let second =
        rig.act(|host, cx| host.listen(cx, SocketFactory::builder().bind_address("127.0.0.1")));
    faults::fail_next(Call::Accept, FATAL[0]);
    let _gone = net::connect(first);
    rig.run_until("the failure", |heard| heard.len() == 1);
    let client = net::connect(second);
    rig.run_until_established(1);
    assert_eq!(rig.peers(), [client.local_addr().unwrap()]);
}

/// What the session finds when it hears of the failure: a listener that is none any more.
fn inert(host: &mut Host, cx: &mut Context<'_>, heard: &Heard) {
    if let Heard::Failed(failure) = heard {
        assert_eq!(failure.wheel, host.factory().id());
        assert_eq!(host.factory().local_addr(cx), None);
        host.factory().resume_accept(cx);
    }
}

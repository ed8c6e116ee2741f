//! What is wrong from the first: one failure each, in its turn of the queue, and no panic.

use std::net::{Ipv4Addr, TcpListener};

use testkit::net;
use testkit::rig::{Heard, Host, Rig, cause};
use wheels::{Failure, Operation, SocketFactory, SocketFactoryBuilder};

pub(crate) const EADDRINUSE: i32 = 98;
const EADDRNOTAVAIL: i32 = 99;
const EINVAL: i32 = 22;

#[test]
fn a_port_that_is_taken_is_one_failure_of_bind() {
    let (_other, addr) = net::listener();
    let builder = SocketFactory::builder().bind_address("127.0.0.1").bind_port(addr.port());
    let failure = failure_of(builder);
    assert_eq!(cause(&failure), (Operation::Bind, EADDRINUSE));
    assert_eq!(failure.to_string(), "bind: Address already in use");
    assert_eq!(failure.unsent, 0);
}

#[test]
fn the_failure_comes_after_what_was_posted_before_and_before_what_was_posted_after() {
    let (_other, addr) = net::listener();
    let mut rig = Rig::start(move |host, cx| {
        Host::say(cx, "before");
        host.build(cx, SocketFactory::builder().bind_address(addr.ip()).bind_port(addr.port()));
        assert_eq!(host.heard(), [], "not inside of build");
        Host::say(cx, "after");
    });
    assert_eq!(rig.heard(), [], "not before the next turn");
    rig.run_to_end();
    let [Heard::Word("before"), Heard::Failed(_), Heard::Word("after"), Heard::Stopped] =
        &rig.heard()[..]
    else {
        panic!("{:?}", rig.heard());
    };
}

#[test]
fn an_address_that_is_not_ours_is_a_failure_of_bind() {
    // TEST-NET-1 and its sister: nobody has an address there.
    for foreign in ["192.0.2.1", "2001:db8::1"] {
        let failure = failure_of(SocketFactory::builder().bind_address(foreign));
        assert_eq!(cause(&failure), (Operation::Bind, EADDRNOTAVAIL), "{foreign}");
        assert_eq!(failure.to_string(), "bind: Cannot assign requested address");
    }
}

#[test]
fn a_remote_address_without_a_port_is_a_failure_of_connect() {
    let failure = failure_of(SocketFactory::builder().remote_address("127.0.0.1"));
    assert_eq!(cause(&failure), (Operation::Connect, EINVAL));
    assert_eq!(failure.to_string(), "connect: a remote address without a remote port");
}

#[test]
fn a_remote_port_without_an_address_is_a_failure_of_connect_and_not_a_listener() {
    let failure = failure_of(SocketFactory::builder().remote_port(80));
    assert_eq!(cause(&failure), (Operation::Connect, EINVAL));
    assert_eq!(failure.to_string(), "connect: a remote port without a remote address");
}

#[test]
fn two_ends_of_different_families_are_a_failure_of_bind() {
    let (_other, addr) = net::listener();
    let to_v4 = SocketFactory::builder().remote_address(addr.ip()).remote_port(addr.port());
    let failure = failure_of(to_v4.bind_address("::1"));
    assert_eq!(failure.operation, Operation::Bind);
    let to_v6 = SocketFactory::builder().remote_address("::1").remote_port(addr.port());
    let failure = failure_of(to_v6.bind_address("127.0.0.1"));
    assert_eq!(failure.operation, Operation::Bind);
}

#[test]
fn the_address_of_a_near_end_may_be_taken_too() {
    let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 6), 0)).unwrap();
    let taken = listener.local_addr().unwrap();
    let builder = SocketFactory::builder().remote_address(taken.ip()).remote_port(taken.port());
    let failure = failure_of(builder.bind_address(taken.ip()).bind_port(taken.port()));
    assert_eq!(cause(&failure), (Operation::Bind, EADDRINUSE));
}

#[test]
fn many_failures_come_in_the_order_of_their_builds() {
    let mut rig = Rig::start(|host, cx| {
        for text in ["a", "b", "c"] {
            host.build(cx, SocketFactory::listen(text));
        }
    });
    rig.run_to_end();
    let words: Vec<String> =
        rig.failures().iter().map(|failure| failure.errstr.to_string()).collect();
    let expected = ["a", "b", "c"].map(|text| format!("neither host:port nor a path: {text:?}"));
    assert_eq!(words, expected);
}

/// Builds it in a session that has nothing else. The failure is the only thing that the session hears,
/// it is about this wheel, and then the session ends though it holds the factory still.
fn failure_of(builder: SocketFactoryBuilder) -> Failure {
    let rig = Rig::start(|host, cx| {
        let id = host.build(cx, builder);
        host.react(move |host, cx, heard| match heard {
            Heard::Failed(failure) => {
                assert_eq!(failure.wheel, id);
                inert(host, cx);
            }
            Heard::Established { .. } | Heard::Came(_) | Heard::Word(_) | Heard::Stopped => {}
        });
        inert(host, cx);
    });
    rig.only_failure()
}

/// A factory that has failed does nothing, whatever is asked of it.
fn inert(host: &Host, cx: &mut reactor::Context<'_>) {
    let factory = host.factory();
    assert_eq!(factory.local_addr(cx), None);
    factory.pause_accept(cx);
    factory.resume_accept(cx);
}

//! Options: on what a listener accepts, on what connects; and those that are refused.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::SockRef;
use testkit::machine::has_ipv6;
use testkit::net;
use testkit::rig::{Host, Rig, cause};
use wheels::faults::{self, Call};
use wheels::{Failure, Operation, Socket, SocketFactory, SocketFactoryBuilder, SocketOptions};

use crate::bad_parameters::EADDRINUSE;
use crate::connect::to;

const EIO: i32 = 5;
const ENODEV: i32 = 19;
const EINVAL: i32 = 22;
const EOPNOTSUPP: i32 = 95;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn what_is_accepted_has_the_options_of_its_listener() {
    let families = if has_ipv6("options of what is accepted over IPv6") { 2 } else { 1 };
    for local in ["127.0.0.1", "::1"].into_iter().take(families) {
        let builder = SocketFactory::builder().bind_address(local);
        let (mut rig, addr) = Rig::listening(builder.options(many()));
        let _client = net::connect(addr);
        rig.run_until_established(1);
        rig.act(move |host, _| check_many(&host.sockets[0], addr));
    }
}

#[test]
fn what_connects_has_the_options_too() {
    let families = if has_ipv6("options of what connects over IPv6") { 2 } else { 1 };
    for local in ["127.0.0.1:0", "[::1]:0"].into_iter().take(families) {
        let listener = TcpListener::bind(local).unwrap();
        let addr = listener.local_addr().unwrap();
        let mut rig = connecting(to(addr).options(many()));
        rig.run_until_established(1);
        rig.act(move |host, _| check_many(&host.sockets[0], addr));
    }
}

#[test]
fn small_writes_wait_only_if_that_was_asked_for() {
    let options = SocketOptions::new().nagle();
    let builder = SocketFactory::builder().bind_address("127.0.0.1").options(options.clone());
    let (mut accepting, addr) = Rig::listening(builder);
    let mut connecting = connecting(to(addr).options(options));
    for rig in [&mut connecting, &mut accepting] {
        rig.run_until_established(1);
        assert!(!rig.act(|host, _| SockRef::from(&host.sockets[0]).tcp_nodelay().unwrap()));
    }
}

#[test]
fn a_port_is_shared_by_listeners_that_all_agree_to_it() {
    let shared = || SocketFactory::builder().options(SocketOptions::new().reuse_port());
    let (mut rig, addr) = Rig::listening(shared().bind_address("127.0.0.1"));
    let builder = || SocketFactory::builder().bind_address(addr.ip()).bind_port(addr.port());
    assert_eq!(cause(&failure_of(builder())), (Operation::Bind, EADDRINUSE));

    let second = shared().bind_address(addr.ip()).bind_port(addr.port());
    assert_eq!(rig.act(|host, cx| host.listen(cx, second)), addr);
    // Whichever of the two the system chooses.
    let _clients = net::connect_all(addr, 20);
    rig.run_until_established(20);
}

#[test]
fn an_option_that_is_refused_is_one_failure_that_names_it() {
    let (_listener, addr) = net::listener();
    let cases = [
        (SocketOptions::new().broadcast(), EOPNOTSUPP, "SO_BROADCAST: Operation not supported"),
        (SocketOptions::new().device("nosuch0"), ENODEV, "SO_BINDTODEVICE: No such device"),
        (
            SocketOptions::new().user_timeout(Duration::ZERO),
            EINVAL,
            "TCP_USER_TIMEOUT: Invalid argument",
        ),
        (SocketOptions::new().hop_limit(0), EINVAL, "IP_TTL: Invalid argument"),
    ];
    for (options, errnum, text) in cases {
        for builder in [SocketFactory::builder(), to(addr)] {
            let failure = failure_of(builder.options(options.clone()));
            assert_eq!(cause(&failure), (Operation::SetSockOpt, errnum));
            assert_eq!(failure.to_string(), format!("setsockopt: {text}"));
        }
    }
}

#[test]
fn whichever_option_the_system_refuses_is_named() {
    let alone = || SocketOptions::new().nagle();
    let cases = [
        (SocketOptions::new(), "TCP_NODELAY"),
        (alone().keepalive(SECOND, SECOND, 1), "SO_KEEPALIVE"),
        (alone().user_timeout(SECOND), "TCP_USER_TIMEOUT"),
        (alone().receive_buffer(20_000), "SO_RCVBUF"),
        (alone().send_buffer(20_000), "SO_SNDBUF"),
        (alone().traffic_class(0), "IP_TOS"),
        (alone().hop_limit(1), "IP_TTL"),
        (alone().mark(0), "SO_MARK"),
        (alone().device("lo"), "SO_BINDTODEVICE"),
        (alone().reuse_port(), "SO_REUSEPORT"),
    ];
    for (options, name) in cases {
        faults::fail_next(Call::SetSockOpt, EIO);
        let failure = failure_of(SocketFactory::builder().options(options));
        assert_eq!(cause(&failure), (Operation::SetSockOpt, EIO));
        assert_eq!(failure.to_string(), format!("setsockopt: {name}: Input/output error"));
        assert_eq!(faults::pending(), 0);
    }
}

/// Every option of TCP that takes no privilege, each with a value that no socket has by itself.
fn many() -> SocketOptions {
    SocketOptions::new()
        .keepalive(33 * SECOND, 7 * SECOND, 5)
        .user_timeout(Duration::from_millis(12_345))
        .receive_buffer(20_000)
        .send_buffer(30_000)
        .traffic_class(46 << 2)
        .hop_limit(33)
        .device("lo")
}

fn check_many(socket: &Socket, addr: SocketAddr) {
    let socket = SockRef::from(socket);
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), 33 * SECOND);
    assert_eq!(socket.tcp_keepalive_interval().unwrap(), 7 * SECOND);
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 5);
    assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_millis(12_345)));
    assert!(socket.tcp_nodelay().unwrap());
    // Linux keeps twice as much.
    assert_eq!(socket.recv_buffer_size().unwrap(), 40_000);
    assert_eq!(socket.send_buffer_size().unwrap(), 60_000);
    assert_eq!(socket.tos_v4().unwrap(), 46 << 2);
    assert_eq!(socket.ttl_v4().unwrap(), 33);
    if addr.is_ipv6() {
        assert_eq!(socket.tclass_v6().unwrap(), 46 << 2);
        assert_eq!(socket.unicast_hops_v6().unwrap(), 33);
    }
    assert_eq!(socket.device().unwrap().as_deref(), Some(&b"lo"[..]));
}

fn connecting(builder: SocketFactoryBuilder) -> Rig {
    Rig::start(move |host, cx| {
        Host::stay(cx);
        host.build(cx, builder);
    })
}

fn failure_of(builder: SocketFactoryBuilder) -> Failure {
    let rig = Rig::start(move |host, cx| {
        host.build(cx, builder);
    });
    rig.only_failure()
}

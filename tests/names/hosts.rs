//! Hosts, by `/etc/hosts` and by the server.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};

use testkit::net::Refusing;
use testkit::private;
use testkit::rig::{Rig, cause};
use wheels::{Domain, Operation, SocketFactory};

use crate::server::Server;

const ECONNREFUSED: i32 = 111;
const EAI_NONAME: i32 = -2;
const EAI_AGAIN: i32 = -3;

pub(crate) fn a_name_of_both_families_is_connected_to_where_somebody_listens() {
    private::names("::1 both.test\n127.0.0.1 both.test\n");
    let four = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    let six = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).expect("bind");
    for listener in [four, six] {
        let addr = listener.local_addr().expect("local address");
        let mut rig = Rig::start(move |host, cx| {
            let builder = SocketFactory::builder().remote_address("both.test");
            host.build(cx, builder.remote_port(addr.port()));
        });
        rig.run_to_end();
        assert_eq!(rig.peers(), [addr]);
        assert_eq!(rig.failures(), []);
    }
}

pub(crate) fn an_address_that_is_there_twice_is_tried_once() {
    private::names("127.0.0.1 twice.test\n127.0.0.1 twice.test\n127.0.0.1 twice.test\n");
    let nobody = Refusing::new();
    let port = nobody.addr.port();
    let by_name = Rig::start(move |host, cx| {
        host.build(cx, SocketFactory::builder().remote_address("twice.test").remote_port(port));
    });
    let by_number = Rig::start(move |host, cx| {
        host.build(cx, SocketFactory::builder().remote_address("127.0.0.1").remote_port(port));
    });
    let failure = by_name.only_failure();
    assert_eq!(cause(&failure), (Operation::Connect, ECONNREFUSED));
    assert_eq!(failure.errstr, by_number.only_failure().errstr, "one address was tried");
}

pub(crate) fn a_name_that_nobody_has_is_told_in_the_systems_words() {
    private::names("");
    let mut server = Server::start();
    let mut rig = Rig::start(|host, cx| {
        host.build(cx, SocketFactory::builder().remote_address("nobody.test").remote_port(1));
    });
    server.await_lookups(&mut rig.kernel, "nobody.test", 1);
    server.speak_until(&mut rig, None, 1);
    let failure = rig.only_failure();
    assert_eq!(cause(&failure), (Operation::GetAddrInfo, EAI_NONAME));
    if cfg!(target_env = "gnu") {
        assert_eq!(failure.to_string(), "getaddrinfo: Name or service not known");
    }
}

pub(crate) fn a_name_without_an_address_of_the_family_that_was_asked_for_is_a_failure() {
    private::names("127.0.0.1 four.test\n");
    let mut server = Server::start();
    let mut rig = Rig::start(|host, cx| {
        let builder = SocketFactory::builder().socket_domain(Domain::Inet6);
        host.build(cx, builder.remote_address("four.test").remote_port(1));
    });
    server.speak_until(&mut rig, Some(Ipv4Addr::LOCALHOST), 1);
    let (operation, errnum) = cause(&rig.only_failure());
    assert_eq!(operation, Operation::GetAddrInfo);
    assert!(errnum < 0, "{errnum} is no errno");
}

pub(crate) fn a_server_that_cannot_be_reached_is_a_failure_that_may_pass() {
    private::names("");
    let rig = Rig::start(|host, cx| {
        host.build(cx, SocketFactory::builder().remote_address("far.test").remote_port(1));
    });
    let failure = rig.only_failure();
    assert_eq!(cause(&failure), (Operation::GetAddrInfo, EAI_AGAIN));
    if cfg!(target_env = "gnu") {
        assert_eq!(failure.errstr, "Temporary failure in name resolution");
    }
}

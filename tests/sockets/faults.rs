//! Each call of the system that fails while a factory is built: one failure, and nothing is left.

use testkit::logs;
use testkit::net::{self, Silent};
use testkit::rig::{Rig, cause};
use testkit::unix::Folder;
use wheels::faults::{self, Call};
use wheels::{Operation, SocketFactory, SocketFactoryBuilder};

const EIO: i32 = 5;
const ENOBUFS: i32 = 105;

#[test]
fn a_listener_tells_which_call_failed() {
    let calls = [
        (Call::Socket, Operation::Socket),
        (Call::SetSockOpt, Operation::SetSockOpt),
        (Call::Bind, Operation::Bind),
        (Call::Listen, Operation::Listen),
    ];
    for (call, operation) in calls {
        let builder = SocketFactory::builder().bind_address("127.0.0.1").reuse(true);
        fails_once(builder, call, operation);
    }
}

#[test]
fn a_listener_needs_its_options_set_without_reuse_too() {
    let builder = SocketFactory::builder().bind_address("127.0.0.1");
    fails_once(builder, Call::SetSockOpt, Operation::SetSockOpt);
}

#[test]
fn a_connection_tells_which_call_failed() {
    let calls = [
        (Call::Socket, Operation::Socket),
        (Call::SetSockOpt, Operation::SetSockOpt),
        (Call::Bind, Operation::Bind),
        (Call::Connect, Operation::Connect),
        (Call::PeerAddr, Operation::GetPeerName),
    ];
    let (_listener, addr) = net::listener();
    for (call, operation) in calls {
        let builder = SocketFactory::builder()
            .bind_address("127.0.0.1")
            .remote_address(addr.ip())
            .remote_port(addr.port());
        fails_once(builder, call, operation);
    }
}

#[test]
fn a_socket_that_cannot_be_watched_is_a_failure_of_epoll_ctl() {
    let listening = SocketFactory::builder().bind_address("127.0.0.1");
    // What is made at once is not watched.
    let silent = Silent::new();
    for builder in [listening, SocketFactory::connect(silent.addr)] {
        let ((), warnings) = logs::capture_warnings(|| {
            fails_once(builder, Call::Watch, Operation::Watch);
        });
        assert_eq!(warnings, []);
    }
}

#[test]
fn one_of_several_sockets_that_cannot_be_watched_closes_all() {
    let folder = Folder::new();
    let ((), warnings) = logs::capture_warnings(|| {
        let builder = SocketFactory::unix_listen(folder.at("socket")).also("127.0.0.1:0");
        fails_once(builder, Call::WatchAlso, Operation::Watch);
    });
    assert_eq!(folder.names(), [""; 0]);
    // Such as that a descriptor was closed while it was watched.
    assert_eq!(warnings, []);
}

#[test]
fn a_listener_that_cannot_be_watched_after_a_pause_has_failed() {
    for call in [Call::Watch, Call::WatchAlso] {
        let ((), warnings) = logs::capture_warnings(|| {
            let mut rig = Rig::start(|host, cx| {
                let builder = SocketFactory::listen("127.0.0.1:0").also("127.0.0.1:0");
                host.build(cx, builder);
                host.factory().pause_accept(cx);
            });
            let addrs = rig.act(|host, cx| host.factory().local_addrs(cx));
            let _clients: Vec<_> =
                addrs.iter().map(|addr| net::connect(addr.as_ip().unwrap())).collect();
            // Both are left alone, since somebody came.
            rig.turn();
            rig.turn();
            faults::fail_next(call, EIO);
            rig.act(|host, cx| host.factory().resume_accept(cx));
            assert_eq!(cause(&rig.only_failure()), (Operation::Watch, EIO), "{call:?}");
            assert_eq!(faults::pending(), 0);
        });
        assert_eq!(warnings, []);
    }
}

#[test]
fn words_of_an_error_are_the_systems_without_its_number() {
    faults::fail_next(Call::Socket, ENOBUFS);
    let rig = Rig::start(|host, cx| {
        host.build(cx, SocketFactory::builder());
    });
    assert_eq!(rig.only_failure().to_string(), "socket: No buffer space available");
}

fn fails_once(builder: SocketFactoryBuilder, call: Call, operation: Operation) {
    faults::fail_next(call, EIO);
    let rig = Rig::start(|host, cx| {
        let id = host.build(cx, builder);
        host.react(move |host, cx, _| {
            assert_eq!(host.factory().id(), id);
            assert_eq!(host.factory().local_addr(cx), None);
        });
    });
    assert_eq!(cause(&rig.only_failure()), (operation, EIO), "{call:?}");
    assert_eq!(faults::pending(), 0, "{call:?} was called");
}

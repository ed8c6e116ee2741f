//! What remains of a factory: nothing, however it ended.

use std::net::SocketAddr;

use testkit::leak::{Descriptors, descriptors};
use testkit::net::{self, Refusing, Silent};
use testkit::rig::{Heard, Host, Rig};
use wheels::faults::{self, Call};
use wheels::{ListenAccept, SocketFactory, SocketFactoryBuilder};

const EIO: i32 = 5;

pub(crate) fn p39_every_failure_of_a_build_gives_its_descriptors_back() {
    let (listener, addr) = net::listener();
    let silent = Silent::new();
    let listening = || local().reuse(true);
    let mut cases: Vec<(SocketFactoryBuilder, Option<Call>)> = Vec::new();
    for call in [Call::Socket, Call::SetSockOpt, Call::Bind, Call::Listen] {
        cases.push((listening(), Some(call)));
    }
    for call in [Call::Socket, Call::SetSockOpt, Call::Bind, Call::Connect, Call::PeerAddr] {
        cases.push((to(addr).bind_address("127.0.0.1"), Some(call)));
    }
    cases.push((local().bind_port(silent.addr.port()), None));
    cases.push((SocketFactory::builder().bind_address("192.0.2.1"), None));
    cases.push((to(SocketAddr::from(([255; 4], 9))), None));
    cases.push((SocketFactory::builder().remote_port(1), None));
    for (builder, call) in cases {
        let story = format!("{builder:?}, {call:?} failing");
        fails_and_leaves_nothing(builder, call, &story);
    }
    drop((listener, silent));
}

/// While the session holds the failed factory still.
fn fails_and_leaves_nothing(builder: SocketFactoryBuilder, call: Option<Call>, story: &str) {
    let mut rig = Rig::start(|_, cx| Host::stay(cx));
    let before = Descriptors::note();
    if let Some(call) = call {
        faults::fail_next(call, EIO);
    }
    rig.act(|host, cx| host.build(cx, builder));
    rig.run_until(story, |heard| !heard.is_empty());
    assert!(matches!(&rig.heard()[..], [Heard::Failed(_)]), "{story}: {:?}", rig.heard());
    assert_eq!(before.opened_since().len(), 0, "{story}");
    assert_eq!(faults::pending(), 0, "{story}");
}

pub(crate) fn a_refused_connect_is_closed_before_it_is_told() {
    let port = Refusing::new();
    let addr = port.addr;
    let mut rig = Rig::start(|_, cx| Host::stay(cx));
    let before = descriptors();
    rig.act(move |host, cx| {
        host.build(cx, to(addr));
        host.react(move |_, _, _| assert_eq!(descriptors(), before));
    });
    rig.run_until("the failure", |heard| heard.len() == 1);
}

pub(crate) fn a_listener_that_ends_closes_its_socket_and_its_reserve() {
    let mut rig = Rig::start(|_, cx| Host::stay(cx));
    let before = Descriptors::note();
    let addr = rig.act(|host, cx| host.listen(cx, local()));
    assert_eq!(before.opened_since().len(), 2);
    faults::fail_next(Call::Accept, 22);
    drop(net::connect(addr));
    rig.run_until("the failure", |heard| heard.len() == 1);
    before.assert_same();
}

pub(crate) fn a_wheel_on_a_listener_closes_it_and_what_is_no_listener() {
    let mut rig = Rig::start(|_, cx| Host::stay(cx));
    let before = Descriptors::note();
    let listener = net::listener().0;
    rig.act(|host, cx| {
        host.accept(cx, ListenAccept::builder(listener));
        host.accept(cx, ListenAccept::builder(net::bound().0));
    });
    rig.run_until("the failure", |heard| heard.len() == 1);
    assert_eq!(before.opened_since().len(), 2, "a listener and its reserve");
    rig.act(|host, _| host.acceptors.clear());
    before.assert_same();
}

pub(crate) fn a_connection_is_the_sessions_alone() {
    let (listener, addr) = net::listener();
    let mut rig = Rig::start(|_, cx| Host::stay(cx));
    let before = Descriptors::note();
    rig.act(move |host, cx| host.build(cx, to(addr)));
    rig.run_until_established(1);
    assert_eq!(before.opened_since().len(), 1);
    // The factory is held still, but has no part in it any more.
    rig.act(|host, _| host.sockets.clear());
    before.assert_same();
    drop(listener);
}

pub(crate) fn a_factory_dropped_on_its_way_closes_its_socket() {
    let silent = Silent::new();
    let addr = silent.addr;
    let mut rig = Rig::start(|_, cx| Host::stay(cx));
    let before = Descriptors::note();
    rig.act(move |host, cx| host.build(cx, to(addr)));
    rig.turn();
    assert_eq!(before.opened_since().len(), 1);
    // Closed before the next event is delivered to anyone.
    rig.act(|host, _| host.factories.clear());
    before.assert_same();
    rig.turn();
    assert_eq!(rig.heard(), []);
}

pub(crate) fn a_kernel_that_is_dropped_closes_all() {
    let (listener, addr) = net::listener();
    let silent = Silent::new();
    let hanging = silent.addr;
    let before = Descriptors::note();
    let mut rig = Rig::start(move |host, cx| {
        host.listen(cx, local());
        host.build(cx, to(addr));
        host.build(cx, to(hanging));
        host.build(cx, SocketFactory::listen("nowhere"));
    });
    rig.run_until_established(1);
    rig.act(|host, cx| host.stream(cx));
    drop(rig);
    before.assert_same();
    drop((listener, silent));
}

pub(crate) fn a_session_that_stops_closes_all() {
    let (listener, addr) = net::listener();
    let silent = Silent::new();
    let hanging = silent.addr;
    let before = Descriptors::note();
    let mut rig = Rig::start(move |host, cx| {
        host.listen(cx, local());
        host.build(cx, to(addr));
        host.build(cx, to(hanging));
    });
    let kernels_own = before.opened_since().len() - 4;
    rig.run_until_established(1);
    rig.kernel.stop();
    assert_eq!(before.opened_since().len(), kernels_own);
    assert_eq!((rig.kernel.wheel_count(), rig.kernel.session_count()), (0, 0));
    drop((listener, silent));
}

fn local() -> SocketFactoryBuilder {
    SocketFactory::builder().bind_address("127.0.0.1")
}

fn to(addr: SocketAddr) -> SocketFactoryBuilder {
    SocketFactory::builder().remote_address(addr.ip()).remote_port(addr.port())
}

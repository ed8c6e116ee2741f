//! One question of many wheels.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use testkit::net;
use testkit::private;
use testkit::rig::{Host, Rig, cause};
use wheels::{Operation, SocketFactory, SocketFactoryBuilder};

use crate::server::Server;

const LOCALHOST: Option<Ipv4Addr> = Some(Ipv4Addr::LOCALHOST);
const ETIMEDOUT: i32 = 110;

/// A listener whose address is known by the server alone.
fn stage() -> (TcpListener, SocketAddr, Server) {
    private::names("");
    let (listener, addr) = net::listener();
    (listener, addr, Server::start())
}

fn seek(name: &str, addr: SocketAddr) -> SocketFactoryBuilder {
    SocketFactory::builder().remote_address(name).remote_port(addr.port())
}

pub(crate) fn a_hundred_wheels_ask_once_and_all_are_answered() {
    let (_listener, addr, mut server) = stage();
    let mut rig = Rig::start(move |host, cx| {
        for _ in 0..100 {
            host.build(cx, seek("many.test", addr));
        }
    });
    server.await_lookups(&mut rig.kernel, "many.test", 1);
    server.speak_until(&mut rig, LOCALHOST, 100);
    assert_eq!(rig.peers(), vec![addr; 100]);
    assert_eq!(server.count("many.test"), 1);
}

pub(crate) fn an_answer_is_not_kept_for_who_asks_later() {
    let (_listener, addr, mut server) = stage();
    let mut rig = Rig::start(|_, cx| Host::stay(cx));
    for times in 1..=3 {
        rig.act(move |host, cx| host.build(cx, seek("again.test", addr)));
        server.await_lookups(&mut rig.kernel, "again.test", times);
        server.speak_until(&mut rig, LOCALHOST, times);
    }
    assert_eq!(server.count("again.test"), 3);
}

pub(crate) fn who_tries_again_as_soon_as_it_has_failed_asks_anew() {
    let (_listener, addr, mut server) = stage();
    let mut rig = Rig::start(move |host, cx| {
        host.build(cx, seek("retry.test", addr));
        host.build(cx, seek("retry.test", addr));
        let mut first = true;
        host.react(move |host, cx, _| {
            // The second has the answer too, and has not heard it yet.
            if std::mem::take(&mut first) {
                host.build(cx, seek("retry.test", addr));
            }
        });
    });
    server.speak_until(&mut rig, None, 3);
    assert_eq!(rig.failures().len(), 3);
    assert_eq!(server.count("retry.test"), 2);
}

pub(crate) fn one_that_gives_up_leaves_the_lookup_to_the_others() {
    let (_listener, addr, mut server) = stage();
    let mut rig = Rig::start(move |host, cx| {
        Host::stay(cx);
        let impatient = seek("slow.test", addr).resolve_timeout(Duration::from_millis(1));
        host.build(cx, impatient);
        host.build(cx, seek("slow.test", addr));
        host.build(cx, seek("slow.test", addr));
    });
    let (impatient, patient) = rig.act(|host, _| {
        // The first to ask need not be the last to wait.
        host.factories.pop();
        (host.factories[0].id(), host.factories[1].id())
    });
    server.await_lookups(&mut rig.kernel, "slow.test", 1);
    rig.run_until("the time of the first", |heard| !heard.is_empty());
    let [failure] = &rig.failures()[..] else { panic!("{:?}", rig.heard()) };
    assert_eq!(cause(failure), (Operation::GetAddrInfo, ETIMEDOUT));
    assert_eq!(failure.wheel, impatient);
    rig.act(|host, _| drop(host.factories.remove(0)));
    server.speak_until(&mut rig, LOCALHOST, 2);
    assert_eq!(rig.act(|host, _| host.factory().id()), patient);
    assert_eq!(rig.peers(), [addr]);
    assert_eq!(rig.failures().len(), 1);
    assert_eq!(server.count("slow.test"), 1);
}

//! How long a factory lives, what it keeps alive, and what goes with it.

use testkit::net::{self, Ending, Refusing, Silent};
use testkit::rig::{Heard, Host, Rig};
use wheels::SocketFactory;

use crate::connect::{connecting, to};

#[test]
fn a_listener_keeps_its_session_alive_and_a_dropped_one_does_not() {
    let (mut rig, addr) = Rig::listening(SocketFactory::builder().bind_address("127.0.4.1"));
    for _ in 0..5 {
        rig.turn();
    }
    assert_eq!(rig.kernel.why_alive(rig.session).as_deref(), Some("1 wheel"));
    rig.act(|host, _| host.factories.clear());
    assert_eq!(rig.kernel.wheel_count(), 0, "closed when the handler returned");
    rig.run_to_end();
    assert_eq!(rig.heard(), [Heard::Stopped]);
    refused(addr);
}

#[test]
fn a_factory_that_connected_keeps_its_session_no_longer() {
    let (_listener, addr) = net::listener();
    let mut rig = connecting(to(addr));
    // The session holds the factory and the socket still, but nothing will happen to it any more.
    rig.run_to_end();
    assert!(matches!(&rig.heard()[..], [Heard::Established { .. }, Heard::Stopped]));
}

#[test]
fn a_factory_that_failed_keeps_its_session_no_longer() {
    let port = Refusing::new();
    let mut rig = connecting(to(port.addr));
    rig.run_to_end();
    assert!(matches!(&rig.heard()[..], [Heard::Failed(_), Heard::Stopped]));
}

#[test]
fn p66_each_factory_holds_its_session_until_its_work_is_done_and_lets_go_once() {
    let (_listener, addr) = net::listener();
    let refusing = Refusing::new();
    let refused = refusing.addr;
    let mut rig = Rig::start(move |host, cx| {
        host.build(cx, local());
        let finite = [
            SocketFactory::connect(addr),
            SocketFactory::connect(refused),
            SocketFactory::connect("127.0.0.1:no-such-service"),
            SocketFactory::builder().remote_port(1),
            SocketFactory::datagram("127.0.0.1:0").also("127.0.0.1:0"),
            SocketFactory::datagram("127.0.0.1:no-such-service"),
        ];
        for builder in finite {
            host.build(cx, builder);
        }
    });
    rig.run_until("all that there is to tell", |heard| heard.len() == 7);
    assert_eq!(rig.kernel.why_alive(rig.session).as_deref(), Some("1 wheel"));
    rig.act(|host, _| host.factories.truncate(1));
    rig.turn();
    assert_eq!(rig.kernel.why_alive(rig.session).as_deref(), Some("1 wheel"));
    rig.act(|host, _| host.factories.clear());
    rig.run_to_end();
}

#[test]
fn a_finished_factory_may_be_asked_and_dropped_at_leisure() {
    let (_listener, addr) = net::listener();
    let mut rig = connecting(to(addr));
    let other = rig.act(|host, cx| host.listen(cx, local()));
    rig.run_until_established(1);
    rig.act(|host, cx| {
        let factory = host.factories.remove(0);
        assert_eq!(factory.local_addr(cx), None);
        factory.pause_accept(cx);
        factory.resume_accept(cx);
    });
    drop(net::connect(other));
    rig.run_until_established(2);
    assert_eq!(rig.failures(), []);
}

#[test]
fn who_drops_a_factory_on_its_way_hears_nothing() {
    let silent = Silent::new();
    let mut rig = connecting(to(silent.addr));
    rig.turn();
    rig.act(|host, _| host.factories.clear());
    rig.run_to_end();
    assert_eq!(rig.heard(), [Heard::Stopped]);
}

#[test]
fn who_drops_a_factory_that_has_connected_unheard_hears_nothing() {
    let (listener, addr) = net::listener();
    let mut rig = connecting(to(addr));
    let mut server = net::accept(&listener);
    rig.act(|host, _| host.factories.clear());
    assert!(matches!(net::read_to_end(&mut server), Ending::Closed(_) | Ending::Reset(_)));
    rig.run_to_end();
    assert_eq!(rig.heard(), [Heard::Stopped]);
}

#[test]
fn a_failed_factory_that_is_dropped_before_its_failure_came_tells_nothing() {
    let mut rig = Rig::start(|host, cx| {
        host.build(cx, SocketFactory::listen("nowhere"));
        host.factories.clear();
        host.build(cx, SocketFactory::listen("elsewhere"));
        Host::say(cx, "last");
    });
    rig.run_to_end();
    let [Heard::Failed(failure), Heard::Word("last"), Heard::Stopped] = &rig.heard()[..] else {
        panic!("{:?}", rig.heard());
    };
    assert_eq!(failure.errstr, "neither host:port nor a path: \"elsewhere\"");
}

#[test]
fn a_failed_factory_dropped_by_an_event_before_its_failure_tells_nothing() {
    let mut rig = Rig::start(|host, cx| {
        Host::say(cx, "drop it");
        host.build(cx, SocketFactory::listen("nowhere"));
        host.react(|host, _, _| host.factories.clear());
    });
    rig.run_to_end();
    assert_eq!(rig.heard(), [Heard::Word("drop it"), Heard::Stopped]);
}

#[test]
fn a_connecting_factory_may_be_dropped_in_its_own_success() {
    let (listener, addr) = net::listener();
    let mut rig = Rig::start(move |host, cx| {
        host.build(cx, to(addr));
        host.react(|host, _, _| host.factories.clear());
    });
    rig.run_to_end();
    assert_eq!(rig.peers(), [addr]);
    drop(listener);
}

#[test]
fn a_listener_may_be_dropped_in_its_own_success_and_accepts_no_more() {
    let (mut rig, addr) = Rig::listening(SocketFactory::builder().bind_address("127.0.4.2"));
    rig.act(|host, _| host.react(|host, _, _| host.factories.clear()));
    let clients = net::connect_all(addr, 3);
    rig.run_to_end();
    assert_eq!(rig.peers(), [clients[0].local_addr().unwrap()], "in the order they came");
    refused(addr);
}

#[test]
fn a_factory_may_be_dropped_in_its_own_failure() {
    let port = Refusing::new();
    let addr = port.addr;
    let mut rig = Rig::start(move |host, cx| {
        host.build(cx, to(addr));
        host.build(cx, SocketFactory::listen("nowhere"));
        host.react(|host, _, heard| {
            if let Heard::Failed(failure) = heard {
                host.factories.retain(|factory| factory.id() != failure.wheel);
            }
        });
    });
    rig.run_to_end();
    assert_eq!(rig.failures().len(), 2);
}

#[test]
fn a_success_may_build_the_next_factory_and_drop_all_others() {
    let (listener, addr) = net::listener();
    let mut rig = Rig::start(move |host, cx| {
        host.build(cx, to(addr));
        host.build(cx, to(addr));
        let mut next = 1;
        host.react(move |host, cx, heard| {
            host.factories.clear();
            if matches!(heard, Heard::Established { .. }) && next < 10 {
                next += 1;
                host.build(cx, to(addr));
            }
        });
    });
    rig.run_to_end();
    // The second of the first two was dropped by the first of them, or it was the other way round.
    assert_eq!(rig.peers(), [addr; 10]);
    drop(listener);
}

#[test]
fn a_session_that_stops_closes_its_listener() {
    let (mut rig, addr) = Rig::listening(SocketFactory::builder().bind_address("127.0.4.3"));
    let mut waiting = net::connect(addr);
    rig.kernel.stop();
    assert_eq!((rig.kernel.session_count(), rig.kernel.wheel_count()), (0, 0));
    assert_eq!(rig.heard(), [Heard::Stopped]);
    refused(addr);
    assert!(matches!(net::read_to_end(&mut waiting), Ending::Closed(_) | Ending::Reset(_)));
}

#[test]
fn a_kernel_that_is_dropped_closes_its_listeners() {
    let (rig, addr) = Rig::listening(SocketFactory::builder().bind_address("127.0.4.4"));
    drop(rig);
    refused(addr);
}

#[test]
fn an_event_that_nobody_handles_closes_the_connection() {
    let (listener, addr) = net::listener();
    let states = reactor::States::new().on_start(
        move |kept: &mut Option<SocketFactory>, cx: &mut reactor::Context<'_>, ()| {
            *kept = Some(to(addr).build(cx, "nobody", "nobody"));
        },
    );
    let mut kernel = reactor::Kernel::new().unwrap();
    kernel.spawn(&states, None);
    net::run_to_end(&mut kernel);
    assert_eq!(kernel.stats().unhandled, 1);
    let mut server = net::accept(&listener);
    assert_eq!(net::read_to_end(&mut server), Ending::Closed(Vec::new()));
}

fn local() -> wheels::SocketFactoryBuilder {
    SocketFactory::builder().bind_address("127.0.0.1")
}

/// Nobody listens there. Each test has a loopback address of its own, so nobody else does.
fn refused(addr: std::net::SocketAddr) {
    let error = std::net::TcpStream::connect_timeout(&addr, net::PATIENCE).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

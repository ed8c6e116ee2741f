//! `wheel_accept`, and what `all_errors` asks of a `SocketFactory`.

use std::net::Ipv4Addr;
use std::time::Duration;

use reactor::Context;
use socket2::{Domain, SockRef, Socket, Type};
use testkit::rig::{Heard, Host, Rig, cause};
use testkit::unix::Folder;
use wheels::{ListenAccept, Operation, SocketFactory};

use crate::support::failure_of;

const EPROTONOSUPPORT: i32 = 93;

/// An existing listener with a queue of five; wrong event names, put right afterwards; five connectors;
/// and an alarm that lets go of it.
#[test]
fn wheel_accept() {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    listener.listen(5).unwrap();
    let addr = listener.local_addr().unwrap().as_socket().unwrap();
    let mut rig = Rig::start(move |host, cx| {
        let acceptor = ListenAccept::builder(listener).build(cx, "wrong", "wrong too");
        acceptor.set_accept_event(cx, "established");
        acceptor.set_failure_event(cx, "failed");
        assert_eq!(acceptor.local_addr(cx), Some(addr.into()));
        let id = acceptor.id();
        host.acceptors.push(acceptor);
        for _ in 0..5 {
            host.build(cx, SocketFactory::connect(addr));
        }
        let let_go = |host: &mut Host, _: &mut Context<'_>, ()| host.acceptors.clear();
        cx.state("let_go", let_go).expect("no handler of that name");
        let mut accepted = 0;
        host.react(move |host, cx, heard| match heard {
            Heard::Established { wheel, .. } if *wheel == id => {
                accepted += 1;
                // It does not block, as those that connect do not (F14).
                let socket = host.sockets.last().expect("stored already");
                assert!(SockRef::from(socket).nonblocking().unwrap());
                if accepted == 5 {
                    cx.delay("let_go", Duration::from_millis(1), ());
                }
            }
            Heard::Failed(failure) => panic!("{failure}"),
            Heard::Established { .. } | Heard::Came(_) | Heard::Word(_) | Heard::Stopped => {}
        });
    });
    rig.run_to_end();
    let established =
        rig.heard().iter().filter(|heard| matches!(heard, Heard::Established { .. })).count();
    assert_eq!(established, 10, "five were let in and five have connected");
    assert_eq!(rig.kernel.stats().unhandled, 0);
}

/// There it warns of events given as references, which does not compile here; it warns of a protocol for
/// a path, and dies of one that it does not know how to use.
#[test]
fn all_errors_a_protocol_that_does_not_fit() {
    let folder = Folder::new();
    let builder = SocketFactory::unix_listen(folder.at("socket")).socket_protocol("tcp");
    let failure = failure_of(builder);
    assert_eq!(cause(&failure), (Operation::Socket, EPROTONOSUPPORT));

    // Whether ICMP may be used is the system's to say. Either way it is told, once.
    let mut rig = Rig::start(|host, cx| {
        host.build(cx, SocketFactory::builder().socket_protocol(1));
    });
    rig.run_to_end();
    match &rig.heard()[..] {
        [Heard::Failed(failure), Heard::Stopped] => {
            assert!([Operation::Socket, Operation::GetProtoByNumber].contains(&failure.operation));
        }
        [Heard::Established { .. }, Heard::Stopped] => {}
        other => panic!("{other:?}"),
    }
}

//! One factory by itself: the sockets that it makes, or the failure that it tells.

use std::os::fd::{AsFd, OwnedFd};

use reactor::Context;
use socket2::SockRef;
use testkit::net;
use testkit::rig::{Heard, Host, Rig, cause};
use wheels::{Address, Failure, Operation, Socket, SocketFactoryBuilder};

/// A session with one factory, which stays alive whatever becomes of that.
pub(crate) fn staying(builder: SocketFactoryBuilder) -> Rig {
    Rig::start(move |host, cx| {
        Host::stay(cx);
        host.build(cx, builder);
    })
}

/// What a factory made: the sockets that it listens with, or those that it handed over.
#[track_caller]
pub(crate) fn sockets_of(builder: &SocketFactoryBuilder) -> Vec<OwnedFd> {
    let mut rig = staying(builder.clone());
    loop {
        let sockets = rig.act(|host, cx| {
            let listening = host.factory().try_clone_fds(cx).expect("a descriptor");
            let handed = host.sockets.drain(..).map(OwnedFd::from);
            listening.into_iter().chain(handed).collect::<Vec<_>>()
        });
        if !sockets.is_empty() {
            return sockets;
        }
        assert_eq!(rig.failures(), [], "{builder:?}");
        assert!(rig.is_alive(), "nothing came of {builder:?}");
        rig.kernel.run_one_turn(net::PATIENCE).expect("a turn");
    }
}

/// As [`sockets_of`], of a factory that makes one.
#[track_caller]
pub(crate) fn socket_of(builder: &SocketFactoryBuilder) -> OwnedFd {
    let sockets = sockets_of(builder);
    let [socket] = sockets.try_into().expect("one socket");
    socket
}

pub(crate) fn local_addr(socket: impl AsFd) -> Address {
    same(socket).local_addr().expect("getsockname")
}

pub(crate) fn peer_addr(socket: impl AsFd) -> Address {
    same(socket).peer_addr().expect("getpeername")
}

fn same(socket: impl AsFd) -> Socket {
    let same = socket.as_fd().try_clone_to_owned().expect("a descriptor");
    Socket::try_from(same).expect("a socket")
}

/// The family, type and protocol of a socket, as the system has them.
pub(crate) fn kind_of(socket: impl AsFd) -> (i32, i32, i32) {
    let socket = SockRef::from(&socket);
    let domain = socket.domain().expect("SO_DOMAIN");
    let kind = socket.r#type().expect("SO_TYPE");
    let protocol = socket.protocol().expect("SO_PROTOCOL");
    (domain.into(), kind.into(), protocol.map_or(0, Into::into))
}

/// Builds it in a session that has nothing else. The failure is the only thing that the session hears,
/// it is about this wheel, and then the session ends though it holds the factory still.
#[track_caller]
pub(crate) fn failure_of(builder: SocketFactoryBuilder) -> Failure {
    let rig = Rig::start(|host, cx| {
        let id = host.build(cx, builder);
        host.react(move |host, cx, heard| match heard {
            Heard::Failed(failure) => {
                assert_eq!(failure.wheel, id);
                assert_eq!(host.factory().local_addr(cx), None);
                inert(host, cx);
            }
            Heard::Established { .. } | Heard::Came(_) | Heard::Word(_) | Heard::Stopped => {}
        });
        inert(host, cx);
    });
    rig.only_failure()
}

/// A factory that has failed, or will, does nothing, whatever is asked of it.
fn inert(host: &Host, cx: &mut Context<'_>) {
    let factory = host.factory();
    assert!(factory.try_clone_fds(cx).expect("nothing to clone").is_empty());
    factory.pause_accept(cx);
    factory.resume_accept(cx);
}

/// A factory, and what it tells.
type Row = (SocketFactoryBuilder, Operation, i32, &'static str);

/// Each fails while it is built, which is told in its turn of the queue.
#[track_caller]
pub(crate) fn at_once<const N: usize>(rows: [Row; N]) {
    for row in rows {
        check(&row);
        let (builder, ..) = row;
        let mut rig = Rig::start(move |host, cx| {
            Host::say(cx, "before");
            host.build(cx, builder);
            assert_eq!(host.heard(), [], "not inside of build");
            Host::say(cx, "after");
        });
        rig.run_to_end();
        let [Heard::Word("before"), Heard::Failed(_), Heard::Word("after"), Heard::Stopped] =
            &rig.heard()[..]
        else {
            panic!("{:?}", rig.heard());
        };
    }
}

/// Each fails when the system has answered.
#[track_caller]
pub(crate) fn later<const N: usize>(rows: [Row; N]) {
    rows.iter().for_each(check);
}

#[track_caller]
fn check((builder, operation, errnum, words): &Row) {
    let failure = failure_of(builder.clone());
    assert_eq!(cause(&failure), (*operation, *errnum), "{builder:?}");
    assert_eq!(failure.errstr, *words, "{builder:?}");
    assert_eq!(failure.to_string(), format!("{operation}: {words}"));
    assert_eq!((failure.unsent, failure.is_end()), (0, false));

    // Nothing of a factory that was dropped before.
    let builder = builder.clone();
    let mut rig = Rig::start(move |host, cx| {
        host.build(cx, builder);
        host.factories.clear();
    });
    rig.run_to_end();
    assert_eq!(rig.heard(), [Heard::Stopped]);
}

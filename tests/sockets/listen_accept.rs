//! `ListenAccept`: accepting on a listener that somebody else made.

use std::fs::File;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixName, UnixListener, UnixStream};
use std::time::Duration;

use reactor::{Clock, WheelId};
use socket2::{SockRef, Type};
use testkit::machine::has_ipv6;
use testkit::net::{self, Ending};
use testkit::rig::{Heard, Host, Rig, cause};
use testkit::unix::{self, Folder};
use wheels::faults::{self, Call};
use wheels::{
    Address, ListenAccept, Operation, SocketFactory, SocketOptions, SocketType, UnixAddress,
};

use crate::support::staying;

const EINVAL: i32 = 22;
const EMFILE: i32 = 24;
const ENOTSOCK: i32 = 88;
const ECONNABORTED: i32 = 103;

#[test]
fn a_listener_of_tcp_is_accepted_on() {
    let (listener, addr) = net::listener();
    let (mut rig, id) = accepting(listener);
    let client = net::connect(addr);
    let local = Address::from(client.local_addr().unwrap());
    assert_eq!(accepted(&mut rig, id), (local, SocketType::Stream));
    assert_eq!(rig.act(|host, cx| host.acceptors[0].local_addr(cx)), Some(addr.into()));
}

#[test]
fn a_listener_of_ipv6_is_accepted_on() {
    if !has_ipv6("a_listener_of_ipv6_is_accepted_on") {
        return;
    }
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let (mut rig, id) = accepting(listener);
    let client = net::connect(addr);
    let local = Address::from(client.local_addr().unwrap());
    assert_eq!(accepted(&mut rig, id), (local, SocketType::Stream));
}

#[test]
fn a_listener_at_a_path_is_accepted_on() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let (mut rig, id) = accepting(UnixListener::bind(&path).unwrap());
    let _client = UnixStream::connect(&path).unwrap();
    assert_eq!(accepted(&mut rig, id), (UnixAddress::Unnamed.into(), SocketType::Stream));
    let local = rig.act(|host, cx| host.acceptors[0].local_addr(cx));
    assert_eq!(local, Some(UnixAddress::Path(path).into()));
}

#[test]
fn a_listener_at_an_abstract_name_is_accepted_on() {
    let name = format!("listen_accept-{}", std::process::id());
    let name = UnixName::from_abstract_name(name).unwrap();
    let (mut rig, id) = accepting(UnixListener::bind_addr(&name).unwrap());
    let _client = UnixStream::connect_addr(&name).unwrap();
    assert_eq!(accepted(&mut rig, id), (UnixAddress::Unnamed.into(), SocketType::Stream));
}

#[test]
fn a_descriptor_that_listens_for_messages_in_order_is_accepted_on() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let listener = unix::bound(&path, Type::SEQPACKET);
    listener.listen(5).unwrap();
    let (mut rig, id) = accepting(OwnedFd::from(listener));
    let _client = unix::try_connect(&path, Type::SEQPACKET).unwrap();
    assert_eq!(accepted(&mut rig, id), (UnixAddress::Unnamed.into(), SocketType::SeqPacket));
}

#[test]
fn a_socket_that_a_factory_gave_away_is_accepted_on_with_those_who_wait_and_leaves_its_path() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let mut rig = staying(SocketFactory::unix_listen(&path));
    rig.act(|host, cx| host.factory().pause_accept(cx));
    let _client = UnixStream::connect(&path).unwrap();
    let id = rig.act(|host, cx| {
        let [socket] = host.factories.remove(0).into_sockets(cx).try_into().unwrap();
        host.accept(cx, ListenAccept::builder(socket))
    });
    assert_eq!(accepted(&mut rig, id), (UnixAddress::Unnamed.into(), SocketType::Stream));
    rig.act(|host, _| host.acceptors.clear());
    assert_eq!(folder.names(), ["socket"]);
}

#[test]
fn who_waited_before_there_was_a_wheel_is_accepted_in_order() {
    let (listener, addr) = net::listener();
    let clients = net::connect_all(addr, 100);
    let (mut rig, _) = accepting(listener);
    rig.turn();
    assert_eq!(rig.peers().len(), 64, "a share of the turn");
    rig.run_until_established(100);
    assert_eq!(rig.peers(), locals(&clients));
}

#[test]
fn p02_a_listener_that_blocks_is_made_not_to() {
    let (listener, addr) = net::listener();
    let same = listener.try_clone().unwrap();
    let (mut rig, id) = accepting(listener);
    assert!(SockRef::from(&same).nonblocking().unwrap());
    // A client whom another holder of the listener took: nobody is there.
    let client = net::connect(addr);
    drop(same.accept().unwrap());
    rig.turn();
    assert_eq!(rig.heard(), []);
    let other = net::connect(addr);
    assert_eq!(accepted(&mut rig, id).0, other.local_addr().unwrap());
    drop(client);
}

#[test]
fn two_wheels_on_one_listener_have_each_client_once() {
    let (listener, addr) = net::listener();
    let same = listener.try_clone().unwrap();
    let (mut rig, _) = accepting(listener);
    rig.act(|host, cx| host.accept(cx, ListenAccept::builder(same)));
    let clients = net::connect_all(addr, 100);
    rig.run_until_established(100);
    turns(&mut rig);
    let mut peers: Vec<_> = rig.peers().iter().map(ToString::to_string).collect();
    let mut locals: Vec<_> = locals(&clients).iter().map(ToString::to_string).collect();
    peers.sort();
    locals.sort();
    assert_eq!(peers, locals);
    assert_eq!(rig.failures(), []);
}

#[test]
fn what_does_not_listen_is_one_failure_of_listen() {
    let stream = UnixStream::pair().unwrap().0;
    let bound = net::bound().0;
    let datagrams = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for fd in [OwnedFd::from(stream), bound.into(), datagrams.into()] {
        let words = format!("descriptor {} does not listen", fd.as_raw_fd());
        assert_eq!(refused(fd), (EINVAL, words));
    }
    let words = || "Socket operation on non-socket".to_owned();
    let pipe = io::pipe().unwrap().0;
    let null = File::open("/dev/null").unwrap();
    for fd in [OwnedFd::from(pipe), null.into()] {
        assert_eq!(refused(fd), (ENOTSOCK, words()));
    }
}

#[test]
fn what_does_not_listen_is_closed_before_it_is_told() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut rig = Rig::start(move |host, cx| {
        host.react(move |host, _, heard| {
            if matches!(heard, Heard::Failed(_)) {
                assert_eq!(host.acceptors.len(), 1, "the wheel is held");
                assert_eq!(theirs.read(&mut [0]).unwrap(), 0);
            }
        });
        host.accept(cx, ListenAccept::builder(ours));
    });
    rig.run_to_end();
    assert_eq!(rig.failures().len(), 1);
}

#[test]
fn a_failure_is_told_in_its_turn_and_not_at_all_of_a_wheel_that_is_gone() {
    let null = || OwnedFd::from(File::open("/dev/null").unwrap());
    let mut rig = Rig::start(move |host, cx| {
        Host::say(cx, "before");
        host.accept(cx, ListenAccept::builder(null()));
        assert_eq!(host.heard(), [], "not inside of build");
        Host::say(cx, "after");
        host.accept(cx, ListenAccept::builder(null()));
        host.acceptors.pop();
    });
    rig.run_to_end();
    let [Heard::Word("before"), Heard::Failed(_), Heard::Word("after"), Heard::Stopped] =
        &rig.heard()[..]
    else {
        panic!("{:?}", rig.heard());
    };
}

#[test]
fn clients_wait_during_a_pause_whatever_is_renamed_and_come_in_order() {
    let (listener, addr) = net::listener();
    let (mut rig, _) = accepting(listener);
    rig.act(|host, cx| host.acceptors[0].pause_accept(cx));
    let clients = net::connect_all(addr, 5);
    turns(&mut rig);
    rig.act(|host, cx| {
        host.acceptors[0].set_accept_event(cx, "established");
        host.acceptors[0].set_failure_event(cx, "failed");
    });
    turns(&mut rig);
    assert_eq!(rig.heard(), []);
    assert!(rig.is_alive());
    rig.act(|host, cx| host.acceptors[0].resume_accept(cx));
    rig.run_until_established(5);
    assert_eq!(rig.peers(), locals(&clients));
}

#[test]
fn the_wheel_keeps_its_session_alive_and_closes_the_listener_when_it_is_dropped() {
    let (listener, addr) = net::listener();
    let (mut rig, _) = accepting(listener);
    turns(&mut rig);
    assert_eq!(rig.kernel.why_alive(rig.session).as_deref(), Some("1 wheel"));
    let mut waiting = net::connect(addr);
    rig.act(|host, _| host.acceptors.clear());
    assert!(matches!(net::read_to_end(&mut waiting), Ending::Closed(_) | Ending::Reset(_)));
    let refused = TcpStream::connect(addr).expect_err("nobody listens");
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    rig.run_to_end();
    assert_eq!(rig.heard(), [Heard::Stopped]);
}

#[test]
fn nobody_is_told_of_after_the_wheel_was_dropped_though_more_wait() {
    let (listener, addr) = net::listener();
    let _clients = net::connect_all(addr, 5);
    let (mut rig, _) = accepting(listener);
    rig.act(|host, _| host.react(|host, _, _| host.acceptors.clear()));
    rig.run_to_end();
    assert!(matches!(&rig.heard()[..], [Heard::Established { .. }, Heard::Stopped]));
}

#[test]
fn options_come_to_what_is_accepted() {
    for (options, nodelay) in [(SocketOptions::new(), true), (SocketOptions::new().nagle(), false)]
    {
        let (listener, addr) = net::listener();
        let mut rig = Rig::start(|host, cx| {
            host.accept(cx, ListenAccept::builder(listener).options(options));
        });
        let _client = net::connect(addr);
        rig.run_until_established(1);
        let told = rig.act(|host, _| SockRef::from(&host.sockets[0]).tcp_nodelay().unwrap());
        assert_eq!(told, nodelay);
    }
}

#[test]
fn an_option_that_the_listener_does_not_have_is_a_failure() {
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.at("socket")).unwrap();
    let rig = Rig::start(|host, cx| {
        let options = SocketOptions::new().nagle();
        host.accept(cx, ListenAccept::builder(listener).options(options));
    });
    assert_eq!(rig.only_failure().operation, Operation::SetSockOpt);
}

#[test]
fn p03_a_client_that_is_gone_already_is_passed_over() {
    let (listener, addr) = net::listener();
    let (mut rig, id) = accepting(listener);
    faults::fail_next(Call::Accept, ECONNABORTED);
    let client = net::connect(addr);
    assert_eq!(accepted(&mut rig, id).0, client.local_addr().unwrap());
    assert_eq!((rig.failures(), faults::pending()), (vec![], 0));
}

#[test]
fn p03_a_listener_that_cannot_accept_is_one_failure_and_over() {
    let (listener, addr) = net::listener();
    let (mut rig, _) = accepting(listener);
    faults::fail_next(Call::Accept, EINVAL);
    let _clients = net::connect_all(addr, 2);
    rig.run_to_end();
    assert_eq!(rig.heard().len(), 2);
    assert_eq!(cause(&rig.failures()[0]), (Operation::Accept, EINVAL));
}

#[test]
fn p01_out_of_descriptors_who_waits_is_turned_away_and_accepting_rests_and_goes_on() {
    let clock = Clock::virtual_time();
    let (listener, addr) = net::listener();
    let mut rig = Rig::start_on(clock.clone(), move |host, cx| {
        Host::stay(cx);
        host.accept(cx, ListenAccept::builder(listener));
    });
    let mut turned_away = net::connect(addr);
    faults::fail_next(Call::Accept, EMFILE);
    rig.run_until("a failure", |heard| !heard.is_empty());
    assert_eq!(cause(&rig.failures()[0]), (Operation::Accept, EMFILE));
    assert_eq!(net::read_to_end(&mut turned_away), Ending::Closed(Vec::new()));

    let late = net::connect(addr);
    clock.advance(Duration::from_millis(99));
    turns(&mut rig);
    assert!(rig.peers().is_empty());
    clock.advance(Duration::from_millis(1));
    turns(&mut rig);
    assert_eq!(rig.peers(), [late.local_addr().unwrap()]);
    assert_eq!(rig.failures().len(), 1);
}

/// A session with one wheel, and which.
fn accepting(listener: impl Into<OwnedFd>) -> (Rig, WheelId) {
    let builder = ListenAccept::builder(listener);
    let mut rig = Rig::start(|host, cx| {
        host.accept(cx, builder);
    });
    let id = rig.act(|host, _| host.acceptors[0].id());
    (rig, id)
}

/// Runs until a connection is there, the first, which does not block; says whose and of which type.
#[track_caller]
fn accepted(rig: &mut Rig, id: WheelId) -> (Address, SocketType) {
    rig.run_until_established(1);
    let established = rig.heard().into_iter().find_map(|heard| match heard {
        Heard::Established { peer, wheel } => Some((peer, wheel)),
        Heard::Failed(_) | Heard::Came(_) | Heard::Word(_) | Heard::Stopped => None,
    });
    let (peer, wheel) = established.expect("one connection");
    assert_eq!(wheel, id);
    let kind = rig.act(|host, _| {
        assert!(SockRef::from(&host.sockets[0].as_fd()).nonblocking().unwrap());
        host.sockets[0].socket_type()
    });
    (peer, kind)
}

/// The number and the words of the one failure, after which the session ends though it holds the wheel.
#[track_caller]
fn refused(fd: OwnedFd) -> (i32, String) {
    let rig = Rig::start(|host, cx| {
        let id = host.accept(cx, ListenAccept::builder(fd));
        assert_eq!(host.acceptors[0].local_addr(cx), None);
        host.react(move |host, cx, heard| {
            if let Heard::Failed(failure) = heard {
                assert_eq!(failure.wheel, id);
                host.acceptors[0].pause_accept(cx);
                host.acceptors[0].resume_accept(cx);
            }
        });
    });
    let failure = rig.only_failure();
    assert_eq!(failure.operation, Operation::Listen);
    (failure.errnum, failure.errstr.into_owned())
}

fn locals(clients: &[TcpStream]) -> Vec<SocketAddr> {
    clients.iter().map(|client| client.local_addr().unwrap()).collect()
}

fn turns(rig: &mut Rig) {
    (0..5).for_each(|_| rig.turn());
}

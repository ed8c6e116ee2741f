//! What the network says about messages that were sent closes nothing.

use std::net::TcpListener;

use rustix::io::Errno;
use wheels::Operation;

use crate::support::{Heard, Rig, receive, udp};

const REFUSED: i32 = Errno::CONNREFUSED.raw_os_error();

#[test]
fn p23_answers_to_clients_that_are_gone_do_not_end_the_service_of_others() {
    let (mut rig, addr) = Rig::udp();
    rig.act(|host, _| host.echoes = true);
    let client = udp();
    for round in 1..=200 {
        udp().send_to(b"gone", addr).unwrap();
        client.send_to(b"here", addr).unwrap();
        rig.run_until_messages(2 * round);
        let served = rig.messages().len();
        rig.run_until("an answer", |rig| rig.act(|host, cx| host.wheel().unsent(cx) == 0));
        assert_eq!((receive(&client).0, served), (b"here".to_vec(), 2 * round));
    }
    assert_eq!(rig.failures(), []);
    rig.end();
}

#[test]
fn p23_a_connected_socket_tells_each_refusal_and_is_there_when_its_peer_comes() {
    let peer = udp();
    let place = peer.local_addr().unwrap();
    let socket = udp();
    let addr = socket.local_addr().unwrap();
    socket.connect(place).unwrap();
    drop(peer);
    let mut rig = Rig::with(socket);
    for round in 1..=20 {
        rig.send(b"anybody?");
        rig.run_until("a refusal", |rig| rig.failures().len() >= round);
    }
    let told = rig.failures();
    let of_network = |(operation, errnum): &(Operation, i32)| {
        matches!(operation, Operation::Read | Operation::Write) && *errnum == REFUSED
    };
    assert!(told.iter().all(of_network), "{told:?}");

    let peer = std::net::UdpSocket::bind(place).unwrap();
    peer.send_to(b"at last", addr).unwrap();
    rig.run_until_messages(1);
    rig.send(b"welcome");
    rig.run_until("sent", |rig| rig.act(|host, cx| host.wheel().unsent(cx) == 0));
    peer.set_read_timeout(Some(testkit::net::PATIENCE)).unwrap();
    assert_eq!(receive(&peer).0, b"welcome");
    rig.end();
}

#[test]
fn a_message_that_is_too_long_is_a_failure_of_that_message_alone() {
    let (mut rig, _) = Rig::udp();
    let peer = udp();
    let to = peer.local_addr().unwrap();
    rig.act(move |host, cx| {
        host.wheel().send_to(cx, "before", to);
        host.wheel().send_to(cx, vec![0; 65_508], to);
        host.wheel().send_to(cx, "behind", to);
    });
    rig.run_until_hears(&Heard::Flushed);
    let too_long = Heard::Failed(Operation::Write, Errno::MSGSIZE.raw_os_error(), 65_508);
    assert_eq!(rig.heard(), [too_long, Heard::Flushed]);
    assert_eq!((receive(&peer).0, receive(&peer).0), (b"before".to_vec(), b"behind".to_vec()));
    rig.end();
}

#[test]
fn sending_to_nobody_is_a_failure_of_the_message() {
    let (mut rig, _) = Rig::udp();
    rig.send(b"whom?");
    rig.run_until_heard(1);
    assert_eq!(rig.failures(), [(Operation::Write, Errno::DESTADDRREQ.raw_os_error())]);
    rig.end();
}

#[test]
fn failures_that_wait_to_be_told_hold_up_what_is_sent_and_are_all_told() {
    let (mut rig, _) = Rig::udp();
    let queued = rig.act(|host, cx| {
        let sent = (0..10_000).map(|_| host.wheel().send(cx, "whom?"));
        sent.filter(|sent| *sent == wheels::Sent::Queued).count()
    });
    // As many as may wait, and those whose failure is known.
    assert!((1024..=1024 + 64).contains(&queued), "{queued}");
    rig.run_until_hears(&Heard::Flushed);
    let refused = (Operation::Write, Errno::DESTADDRREQ.raw_os_error());
    assert_eq!(rig.failures(), vec![refused; queued]);
    assert_eq!(rig.heard().len(), queued + 1);
    let dropped = rig.act(|host, cx| host.wheel().dropped(cx));
    assert_eq!(dropped, 10_000 - queued as u64);
    rig.end();
}

#[test]
fn an_address_of_another_family_is_a_failure_of_the_message() {
    let (mut rig, _) = Rig::udp();
    rig.act(|host, cx| {
        let path = wheels::Address::Unix("/nowhere".into());
        host.wheel().send_to(cx, "path", path);
    });
    rig.run_until_heard(1);
    assert!(matches!(rig.heard()[0], Heard::Failed(Operation::Write, _, 4)), "{:?}", rig.heard());
    rig.end();
}

#[test]
fn a_socket_of_a_stream_is_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut rig = Rig::with(stream);
    assert_eq!(rig.heard(), []);
    rig.run_until_heard(1);
    let errnum = Errno::SOCKTNOSUPPORT.raw_os_error();
    assert_eq!(rig.failures(), [(Operation::Socket, errnum)]);
    let sent = rig.act(|host, cx| host.wheel().send(cx, "lost"));
    assert_eq!(sent, wheels::Sent::Dropped("lost".into()));
    rig.end();
}

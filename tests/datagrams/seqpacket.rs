//! Messages over a connection: they end, and empty ones do not end them.

use std::os::fd::OwnedFd;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
    socketpair,
};

use wheels::Operation;
use wheels::faults::{self, Call};

use crate::support::{END, Heard, Rig};

const EINTR: i32 = 4;
const ENOTCONN: i32 = 107;

fn pair() -> (Rig, OwnedFd) {
    let flags = SocketFlags::CLOEXEC;
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
    (Rig::with(ours), theirs)
}

fn say(peer: &OwnedFd, payload: &[u8]) {
    send(peer, payload, SendFlags::empty()).unwrap();
}

#[test]
fn messages_come_whole_and_then_the_end_once() {
    let (mut rig, peer) = pair();
    say(&peer, b"one");
    say(&peer, b"two");
    drop(peer);
    rig.run_until_hears(&END);
    for _ in 0..5 {
        rig.turn();
    }
    assert_eq!(rig.payloads(), [b"one", b"two"]);
    assert_eq!(rig.heard().len(), 3);
    rig.end();
}

#[test]
fn p24_an_empty_message_of_a_connection_is_not_its_end() {
    let (mut rig, peer) = pair();
    say(&peer, b"");
    rig.run_until_heard(1);
    say(&peer, b"after");
    rig.run_until_heard(2);
    assert_eq!(rig.payloads(), [&b""[..], b"after"]);
    drop(peer);
    rig.run_until_hears(&END);
    rig.end();
}

#[test]
fn a_signal_while_a_connection_is_asked_whether_it_goes_on_is_not_its_failure() {
    let (mut rig, peer) = pair();
    (0..2).for_each(|_| faults::fail_next(Call::Poll, EINTR));
    say(&peer, b"");
    rig.run_until_heard(1);
    assert_eq!((rig.payloads(), rig.failures()), (vec![Vec::new()], Vec::new()));
    assert_eq!(faults::pending(), 0);
    drop(peer);
    rig.run_until_hears(&END);
    rig.end();
}

#[test]
fn p24_what_was_sent_behind_an_empty_message_comes_though_the_sender_is_gone() {
    let (mut rig, peer) = pair();
    for payload in [&b"one"[..], b"", b"", b"two"] {
        say(&peer, payload);
    }
    drop(peer);
    rig.run_until_hears(&END);
    assert_eq!(rig.payloads(), [&b"one"[..], b"", b"", b"two"]);
    rig.end();
}

#[test]
fn what_is_sent_arrives_message_by_message() {
    let (mut rig, peer) = pair();
    rig.send(b"one");
    rig.send(b"two");
    rig.run_until_hears(&Heard::Flushed);
    let mut buffer = [0; 10];
    for said in [b"one", b"two"] {
        let (len, _) = recv(&peer, &mut buffer[..], RecvFlags::empty()).unwrap();
        assert_eq!(&buffer[..len], said);
    }
    rig.end();
}

#[test]
fn an_answer_to_who_sent_it_goes_over_the_connection_though_nobody_has_a_name() {
    let (mut rig, peer) = pair();
    rig.act(|host, _| host.echoes = true);
    say(&peer, b"hello");
    rig.run_until_heard(2);
    assert_eq!(rig.heard()[1], Heard::Flushed);
    let mut buffer = [0; 10];
    let (len, _) = recv(&peer, &mut buffer[..], RecvFlags::empty()).unwrap();
    assert_eq!(&buffer[..len], b"hello");
    rig.end();
}

#[test]
fn a_socket_that_nobody_connected_is_told_so_once() {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
    let mut rig = Rig::with(socket);
    rig.run_until_heard(1);
    for _ in 0..5 {
        rig.turn();
    }
    assert_eq!(rig.failures(), [(Operation::Read, ENOTCONN)]);
    rig.send(b"to nobody");
    rig.run_until_heard(2);
    assert_eq!(rig.heard()[1], Heard::Failed(Operation::Write, ENOTCONN, 9));
    rig.end();
}

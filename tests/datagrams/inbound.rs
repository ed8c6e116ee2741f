//! What comes in: whole, from whom, the empty and the long, in fair shares.

use rustix::io::Errno;
use wheels::faults::{self, Call};
use wheels::{Address, Datagram, Operation, Socket};

use crate::support::{Heard, Note, Rig, receive, udp, udp_at};

#[test]
fn a_message_tells_what_it_says_and_who_sent_it_and_is_answered() {
    for host in ["127.0.0.1:0", "[::1]:0"] {
        let server = udp_at(host);
        let addr = server.local_addr().unwrap();
        let mut rig = Rig::with(server);
        rig.act(|host, _| host.echoes = true);
        let client = udp_at(host);
        client.send_to(b"hello", addr).unwrap();
        rig.run_until_hears(&Heard::Flushed);
        let message = &rig.messages()[0];
        assert_eq!((&message.payload[..], message.length), (&b"hello"[..], 5));
        assert_eq!(message.from, Address::Ip(client.local_addr().unwrap()));
        assert!(!message.is_truncated);
        assert_eq!(receive(&client), (b"hello".to_vec(), addr));
        rig.end();
    }
}

#[test]
fn p24_empty_messages_are_messages_and_end_nothing() {
    let (mut rig, addr) = Rig::udp();
    let client = udp();
    for round in 1..=100 {
        for _ in 0..100 {
            client.send_to(b"", addr).unwrap();
        }
        rig.run_until_messages(100 * round);
    }
    client.send_to(b"alive", addr).unwrap();
    rig.run_until_messages(10_001);
    let payloads = rig.payloads();
    assert!(payloads[..10_000].iter().all(Vec::is_empty));
    assert_eq!(payloads[10_000], b"alive");
    assert_eq!(rig.failures(), []);
    rig.end();
}

#[test]
fn p24_who_sends_empty_messages_without_pause_does_not_hold_up_the_others() {
    let (flooded, other) = (udp(), udp());
    let (busy, quiet) = (flooded.local_addr().unwrap(), other.local_addr().unwrap());
    let mut rig = Rig::with(flooded);
    rig.act(|host, cx| host.build(cx, Datagram::builder(Socket::try_from(other).unwrap())));
    let client = udp();
    for _ in 0..150 {
        client.send_to(b"", busy).unwrap();
    }
    client.send_to(b"ping", quiet).unwrap();
    rig.run_until_messages(151);
    let place = rig.payloads().iter().position(|payload| payload == b"ping").unwrap();
    assert!(place <= 64 + 1, "after {place} empty ones");
    rig.end();
}

#[test]
fn p25_a_message_that_does_not_fit_says_so_and_how_long_it_was() {
    let server = udp();
    let addr = server.local_addr().unwrap();
    let builder = Datagram::builder(Socket::try_from(server).unwrap()).largest(10);
    let mut rig = Rig::with_built(builder);
    let client = udp();
    for len in [100, 10, 11] {
        client.send_to(&vec![b'x'; len], addr).unwrap();
    }
    rig.run_until_messages(3);
    let told = |message: &Note| (message.payload.len(), message.length, message.is_truncated);
    let told: Vec<_> = rig.messages().iter().map(told).collect();
    assert_eq!(told, [(10, 100, true), (10, 10, false), (10, 11, true)]);
    rig.end();
}

#[test]
fn p25_who_wants_messages_of_any_length_gets_them() {
    for largest in [0, 1 << 40, usize::MAX] {
        let server = udp();
        let addr = server.local_addr().unwrap();
        let builder = Datagram::builder(Socket::try_from(server).unwrap()).largest(largest);
        let mut rig = Rig::with_built(builder);
        udp().send_to(b"x", addr).unwrap();
        rig.run_until_messages(1);
        assert_eq!(rig.payloads(), [b"x"]);
        rig.end();
    }
}

#[test]
fn p25_the_longest_message_of_udp_comes_whole() {
    let (mut rig, addr) = Rig::udp();
    let longest = vec![7; 65_507];
    udp().send_to(&longest, addr).unwrap();
    rig.run_until_messages(1);
    assert_eq!(rig.payloads(), [longest]);
    rig.end();
}

#[test]
fn messages_of_many_come_in_the_order_in_which_they_were_sent() {
    let (mut rig, addr) = Rig::udp();
    let clients = [udp(), udp(), udp()];
    let mut sent = Vec::new();
    for number in 0..90_u8 {
        let client = &clients[usize::from(number) % 3];
        client.send_to(&vec![number; usize::from(number)], addr).unwrap();
        sent.push((vec![number; usize::from(number)], client.local_addr().unwrap().into()));
    }
    rig.run_until_messages(90);
    let came = rig.messages().into_iter().map(|message| (message.payload.to_vec(), message.from));
    assert_eq!(came.collect::<Vec<_>>(), sent);
    rig.end();
}

#[test]
fn a_paused_wheel_tells_nothing_and_what_waited_is_told_when_it_is_resumed() {
    let (mut rig, addr) = Rig::udp();
    let client = udp();
    rig.act(|host, cx| host.wheel().pause_input(cx));
    for _ in 0..10 {
        client.send_to(b"waits", addr).unwrap();
    }
    for _ in 0..5 {
        rig.turn();
    }
    assert_eq!(rig.heard(), []);
    rig.act(|host, cx| host.wheel().resume_input(cx));
    rig.run_until_messages(10);
    rig.end();
}

#[test]
fn a_wheel_that_is_dropped_tells_nothing_more() {
    let (mut rig, addr) = Rig::udp();
    let client = udp();
    for _ in 0..10 {
        client.send_to(b"late", addr).unwrap();
    }
    rig.act(|host, _| host.wheels.clear());
    for _ in 0..5 {
        rig.turn();
    }
    assert_eq!(rig.heard(), []);
    rig.end();
}

#[test]
fn a_failure_of_receiving_is_told_and_receiving_goes_on() {
    let (mut rig, addr) = Rig::udp();
    let nomem = Errno::NOMEM.raw_os_error();
    faults::fail_next(Call::Recv, nomem);
    udp().send_to(b"hello", addr).unwrap();
    rig.run_until_messages(1);
    assert_eq!(rig.failures(), [(Operation::Read, nomem)]);
    rig.end();
}

#[test]
fn an_ipv4_sender_is_told_as_such_on_a_socket_of_both_families() {
    let server = udp_at("[::]:0");
    let port = server.local_addr().unwrap().port();
    let mut rig = Rig::with(server);
    let client = udp();
    client.send_to(b"four", ("127.0.0.1", port)).unwrap();
    rig.run_until_messages(1);
    let from = rig.messages()[0].from.clone();
    assert_eq!(from, Address::Ip(client.local_addr().unwrap()));
    rig.act(move |host, cx| host.wheel().send_to(cx, "back", from));
    rig.run_until_hears(&Heard::Flushed);
    assert_eq!(receive(&client).0, b"back");
    rig.end();
}

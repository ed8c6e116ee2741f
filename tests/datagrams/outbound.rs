//! What goes out: in order, as it was given, within bounds.

use rustix::io::Errno;
use wheels::faults::{self, Call};
use wheels::{Datagram, Sent, Socket};

use crate::support::{Heard, Rig, receive, udp};

#[test]
fn messages_of_any_lengths_to_several_peers_arrive_as_they_were_sent() {
    let (mut rig, _) = Rig::udp();
    let peers = [udp(), udp()];
    let places = [peers[0].local_addr().unwrap(), peers[1].local_addr().unwrap()];
    // Runs of one length, a shorter one behind them, empty ones, and turns of peers.
    let lengths = [5, 5, 5, 3, 5, 0, 0, 9, 9, 1, 1, 1, 2, 1400, 1400, 1400, 7];
    let mut sent = [Vec::new(), Vec::new()];
    let mut parcels = Vec::new();
    for (number, length) in lengths.iter().cycle().take(100).enumerate() {
        let payload = vec![u8::try_from(number).unwrap(); *length];
        let peer = usize::from(number % 7 > 4);
        sent[peer].push(payload.clone());
        parcels.push((payload, places[peer]));
    }
    rig.act(move |host, cx| {
        for (payload, to) in parcels {
            assert_eq!(host.wheel().send_to(cx, payload, to), Sent::Queued);
        }
    });
    rig.run_until_hears(&Heard::Flushed);
    for (peer, sent) in peers.iter().zip(&sent) {
        for payload in sent {
            assert_eq!(&receive(peer).0, payload);
        }
    }
    rig.end();
}

#[test]
fn that_all_is_sent_is_told_once() {
    let (mut rig, _) = Rig::udp();
    let peer = udp();
    let to = peer.local_addr().unwrap();
    for round in 1..=2 {
        rig.act(move |host, cx| {
            host.wheel().send_to(cx, "one", to);
            host.wheel().send_to(cx, "two", to);
            assert_eq!(host.wheel().unsent(cx), 6);
        });
        rig.run_until_heard(round);
        rig.turn();
        assert_eq!(rig.heard(), vec![Heard::Flushed; round]);
    }
    rig.end();
}

#[test]
fn p46_what_finds_no_room_is_given_back_and_counted() {
    let socket = udp();
    let builder = Datagram::builder(Socket::try_from(socket).unwrap()).most_unsent(3, 10);
    let mut rig = Rig::with_built(builder);
    let to = udp().local_addr().unwrap();
    rig.act(move |host, cx| {
        let wheel = host.wheel();
        faults::fail_next(Call::Send, Errno::NOBUFS.raw_os_error());
        assert_eq!(wheel.send_to(cx, "12345", to), Sent::Queued);
        assert_eq!(wheel.send_to(cx, "1234", to), Sent::Queued);
        // The next one makes it try to send, which fails.
        assert_eq!(wheel.send_to(cx, "12", to), Sent::Dropped("12".into()));
        assert_eq!(wheel.send_to(cx, "1", to), Sent::Queued);
        assert_eq!(wheel.send_to(cx, "", to), Sent::Dropped("".into()));
        assert_eq!((wheel.unsent(cx), wheel.dropped(cx)), (10, 2));
    });
    rig.run_until("sent", |rig| rig.act(|host, cx| host.wheel().unsent(cx) == 0));
    rig.end();
}

/// The numbers that `docs/src/promises.md` gives.
#[test]
fn p46_a_thousand_and_24_messages_or_a_mebibyte_wait_by_default() {
    for (length, most) in [(1, 1_024), (1 << 14, 64), (1 << 15, 32)] {
        let mut rig = Rig::with_built(Datagram::builder(Socket::try_from(udp()).unwrap()));
        let to = udp().local_addr().unwrap();
        rig.act(move |host, cx| {
            let wheel = host.wheel();
            // When so many have been put as are sent at once; it is a while before it tries again.
            faults::fail_next(Call::Send, Errno::NOBUFS.raw_os_error());
            for _ in 0..most {
                assert_eq!(wheel.send_to(cx, vec![0; length], to), Sent::Queued);
            }
            assert!(matches!(wheel.send_to(cx, vec![0; length], to), Sent::Dropped(_)));
            assert_eq!((wheel.unsent(cx), wheel.dropped(cx)), (most * length, 1));
        });
        assert_eq!(faults::pending(), 0);
        rig.end();
    }
}

#[test]
fn p46_a_system_without_buffers_is_tried_again_in_good_time() {
    let clock = reactor::Clock::virtual_time();
    let mut rig = Rig::start_on(clock.clone());
    let (socket, peer) = (udp(), udp());
    let to = peer.local_addr().unwrap();
    rig.act(|host, cx| host.build(cx, Datagram::builder(Socket::try_from(socket).unwrap())));
    for _ in 0..3 {
        faults::fail_next(Call::Send, Errno::NOBUFS.raw_os_error());
    }
    rig.act(move |host, cx| host.wheel().send_to(cx, "late", to));
    for (millis, left) in [(0, 2), (1, 1), (2, 0)] {
        clock.advance(std::time::Duration::from_millis(millis));
        // However often it turns, it tries once.
        for _ in 0..5 {
            rig.turn();
        }
        assert_eq!((faults::pending(), rig.act(|host, cx| host.wheel().unsent(cx))), (left, 4));
    }
    clock.advance(std::time::Duration::from_millis(4));
    rig.turn();
    assert_eq!(receive(&peer).0, b"late");
    assert_eq!(rig.heard(), []);
    rig.end();
}

#[test]
fn a_thousand_messages_of_one_handler_are_all_sent() {
    let (mut rig, _) = Rig::udp();
    let sink = udp();
    let to = sink.local_addr().unwrap();
    rig.act(move |host, cx| {
        for _ in 0..5_000 {
            assert_eq!(host.wheel().send_to(cx, "64", to), Sent::Queued);
        }
        assert_eq!(host.wheel().dropped(cx), 0);
    });
    rig.run_until_hears(&Heard::Flushed);
    rig.end();
}

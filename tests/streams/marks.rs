//! High, low and flushed: what is told of the output, once each, in order.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use reactor::WheelId;
use rustix::fs::{OFlags, fcntl_setfl};
use testkit::net::{self, Peer};
use wheels::filter::Stream;
use wheels::{Put, ReadWrite, ReadWriteBuilder};

use crate::data::noise;
use crate::support::{FLUSHED, HIGH, Heard, LOW, Rig, narrow_pair, pair};

fn all_told(
    builder: ReadWriteBuilder<Stream>,
    high: usize,
    low: usize,
) -> ReadWriteBuilder<Stream> {
    builder.high_mark(high, &HIGH).low_mark(low, &LOW).flushed_event(&FLUSHED)
}

#[test]
fn each_round_tells_high_then_low_then_flushed_once() {
    let (ours, mut peer) = narrow_pair();
    let mut rig = Rig::new(all_told(ReadWrite::builder(ours), 100_000, 20_000));
    for _ in 0..3 {
        let puts = rig.act(|host, cx| [1, 2, 3].map(|_| host.put(cx, noise(400_000))));
        assert_eq!(puts, [Put::High, Put::High, Put::High]);
        rig.turns(3);
        assert_eq!(rig.heard(), [Heard::High]);
        rig.read_meanwhile(&mut peer, 1_200_000);
        rig.turns(3);
        assert_eq!(rig.take_heard(), [Heard::High, Heard::Low, Heard::Flushed]);
    }
}

#[test]
fn what_the_session_sees_when_it_is_told_is_what_it_was_told() {
    let (ours, mut peer) = narrow_pair();
    let mut rig = Rig::new(all_told(ReadWrite::builder(ours), 100_000, 20_000));
    rig = rig.react(|host, cx, heard| {
        let unsent = host.stream().unsent(cx);
        match heard {
            Heard::High => assert!(unsent >= 100_000, "{unsent}"),
            Heard::Low => assert!(unsent <= 20_000, "{unsent}"),
            Heard::Flushed => assert_eq!(unsent, 0),
            other => panic!("{other:?}"),
        }
    });
    for round in 0..20 {
        rig.act(move |host, cx| drop(host.put(cx, noise(50_000 + round * 40_000))));
        rig.read_meanwhile(&mut peer, 50_000 + round * 40_000);
        rig.turns(3);
    }
    let told = rig.take_heard();
    let count = |what: &Heard| told.iter().filter(|heard| *heard == what).count();
    assert_eq!(count(&Heard::Flushed), 20);
    assert_eq!(count(&Heard::High), count(&Heard::Low));
    assert!(count(&Heard::High) > 10);
}

/// Or a session that waits for it would wait for ever.
#[test]
fn a_put_that_says_high_is_followed_by_low() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(all_told(ReadWrite::builder(ours), 1000, 100));
    for len in [999, 1000, 5000, 60_000, 100_000] {
        let said = rig.act(move |host, cx| host.put(cx, noise(len)));
        rig.read_meanwhile(&mut peer, len);
        rig.turns(3);
        let told = rig.take_heard();
        let whole = match said {
            Put::High => vec![Heard::High, Heard::Low, Heard::Flushed],
            _ => vec![Heard::Flushed],
        };
        assert_eq!(told, whole, "{len} bytes");
    }
}

/// A pipe that is full takes nothing, so that it is known to the byte what is unsent.
#[test]
fn marks_are_reached_and_passed_to_the_byte() {
    let (mut theirs, mut ours) = std::io::pipe().expect("pipe");
    fcntl_setfl(&ours, OFlags::NONBLOCK).expect("fcntl");
    while ours.write(&[0; 4096]).is_ok() {}
    let mut rig = Rig::new(all_told(ReadWrite::builder(OwnedFd::from(ours)), 8193, 4096));
    let put = |rig: &mut Rig<Stream>, len| {
        let put = rig.act(move |host, cx| host.put(cx, noise(len)));
        rig.turns(3);
        put
    };
    assert_eq!(put(&mut rig, 8192), Put::Queued);
    assert_eq!(rig.heard(), []);
    assert_eq!(put(&mut rig, 1), Put::High);
    assert_eq!(rig.heard(), [Heard::High]);
    // Room for one page, which leaves one byte too many, and then for another.
    for told in [&[Heard::High][..], &[Heard::High, Heard::Low]] {
        theirs.read_exact(&mut [0; 4096]).expect("read");
        rig.notice();
        assert_eq!(rig.heard(), told);
    }
}

/// A file takes a share of the turn at each write.
#[test]
fn marks_crossed_to_and_fro_in_one_handler_are_told_in_order() {
    let file = rustix::fs::memfd_create("sink", rustix::fs::MemfdFlags::CLOEXEC).expect("memfd");
    let mut rig = Rig::new(all_told(ReadWrite::builder(file), 100_000, 20_000));
    let mut first = true;
    rig = rig.react(move |host, cx, heard| {
        if *heard == Heard::High && std::mem::replace(&mut first, false) {
            while host.stream().unsent(cx) > 20_000 {
                let _put = host.put(cx, "x");
            }
            assert_eq!(host.put(cx, noise(1 << 20)), Put::High);
        }
    });
    rig.act(|host, cx| drop(host.put(cx, noise(1 << 20))));
    rig.until("all of it", |heard| heard.contains(&Heard::Flushed));
    let notes = [Heard::High, Heard::Low, Heard::High, Heard::Low, Heard::Flushed];
    assert_eq!(rig.heard()[..5], notes);
}

/// Both were noted by one write; what is put in the handler of the one undoes the other.
#[test]
fn flushed_is_not_told_when_the_handler_of_low_put_more() {
    let (ours, mut peer) = narrow_pair();
    let mut rig = Rig::new(all_told(ReadWrite::builder(ours), 1, 0));
    let mut first = true;
    rig = rig.react(move |host, cx, heard| {
        if *heard == Heard::Flushed {
            assert_eq!(host.stream().unsent(cx), 0);
        } else if *heard == Heard::Low && std::mem::replace(&mut first, false) {
            let _put = host.put(cx, noise(400_000));
        }
    });
    rig.act(|host, cx| drop(host.put(cx, noise(400_000))));
    rig.read_meanwhile(&mut peer, 800_000);
    rig.turns(3);
    let notes = [Heard::High, Heard::Low, Heard::High, Heard::Low, Heard::Flushed];
    assert_eq!(rig.heard(), notes);
}

#[test]
fn a_low_mark_above_the_high_one_is_taken_as_just_below_it() {
    let (ours, mut peer) = narrow_pair();
    let mut rig = Rig::new(all_told(ReadWrite::builder(ours), 100_000, 500_000));
    rig = rig.react(|host, cx, heard| {
        if *heard == Heard::Low {
            let unsent = host.stream().unsent(cx);
            assert!(unsent < 100_000, "{unsent}");
        }
    });
    rig.act(|host, cx| drop(host.put(cx, noise(400_000))));
    rig.turns(3);
    assert_eq!(rig.heard(), [Heard::High]);
    rig.read_meanwhile(&mut peer, 400_000);
    rig.turns(3);
    assert_eq!(rig.heard(), [Heard::High, Heard::Low, Heard::Flushed]);
}

#[test]
fn a_high_mark_of_zero_is_told_when_anything_is_left_unsent() {
    let (ours, mut peer) = narrow_pair();
    let mut rig = Rig::new(all_told(ReadWrite::builder(ours), 0, 0));
    rig.act(|host, cx| drop(host.put(cx, "short")));
    rig.turns(3);
    assert_eq!(rig.take_heard(), [Heard::Flushed]);
    rig.act(|host, cx| drop(host.put(cx, noise(400_000))));
    rig.turns(3);
    assert_eq!(rig.heard(), [Heard::High]);
    rig.read_meanwhile(&mut peer, 400_005);
    rig.turns(3);
    assert_eq!(rig.heard(), [Heard::High, Heard::Low, Heard::Flushed]);
}

#[test]
fn flushed_is_told_once_for_all_that_one_handler_put() {
    let (ours, _peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours).flushed_event(&FLUSHED));
    for round in 1..=3 {
        rig.act(|host, cx| (0..5).for_each(|_| drop(host.put(cx, "word"))));
        rig.turns(3);
        assert_eq!(rig.heard(), vec![Heard::Flushed; round]);
    }
}

#[test]
fn nothing_is_flushed_by_putting_nothing() {
    let (ours, _peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours).flushed_event(&FLUSHED));
    assert_eq!(rig.act(|host, cx| host.put(cx, "")), Put::Queued);
    rig.turns(3);
    assert_eq!(rig.heard(), []);
    rig.act(|host, cx| drop(host.put(cx, "word")));
    rig.turns(3);
    assert_eq!(rig.heard(), [Heard::Flushed]);
}

/// The first is so long that it is written while the handler goes on.
#[test]
fn flushed_is_not_told_while_something_put_later_is_unsent() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours).flushed_event(&FLUSHED));
    rig = rig.react(|host, cx, _| assert_eq!(host.stream().unsent(cx), 0));
    rig.act(|host, cx| {
        let _put = host.put(cx, noise(64 << 10));
        assert_eq!(host.stream().unsent(cx), 0, "it is written at once");
        let _put = host.put(cx, noise(15 << 20));
        assert!(host.stream().unsent(cx) > 0);
    });
    rig.turns(3);
    assert_eq!(rig.heard(), []);
    let client = Peer::play(move || {
        net::read_exact(&mut peer, (64 << 10) + (15 << 20));
        peer
    });
    rig.hear(1);
    let _peer = client.run(&mut rig.kernel);
    rig.turns(3);
    assert_eq!(rig.heard(), [Heard::Flushed]);
}

#[test]
fn nobody_is_told_what_nobody_asked_for() {
    let (ours, mut peer) = narrow_pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| drop(host.put(cx, noise(400_000))));
    rig.read_meanwhile(&mut peer, 400_000);
    rig.turns(3);
    assert_eq!(rig.heard(), []);
    assert_eq!(rig.kernel.stats().unhandled, 0);
}

/// The failure says it all: nothing came below the low mark by being sent.
#[test]
fn what_fails_is_neither_low_nor_flushed() {
    let (ours, _peer) = narrow_pair();
    let builder = ReadWrite::builder(ours).most_unsent(1 << 20);
    let mut rig = Rig::new(all_told(builder, 100_000, 20_000));
    rig.act(|host, cx| while !matches!(host.put(cx, noise(100_000)), Put::Refused(_)) {});
    rig.turns(5);
    let told = rig.heard();
    assert!(matches!(told[..], [Heard::High, Heard::Failed(..)]), "{told:?}");
}

#[test]
fn low_lets_the_session_put_more_and_each_crossing_is_told() {
    let (ours, mut peer) = narrow_pair();
    let mut rig = Rig::new(all_told(ReadWrite::builder(ours), 50_000, 10_000));
    let mut left = 20;
    rig = rig.react(move |host, cx, heard| {
        if *heard == Heard::Low && left > 0 {
            left -= 1;
            let _put = host.put(cx, noise(100_000));
        }
    });
    rig.act(|host, cx| drop(host.put(cx, noise(100_000))));
    rig.read_meanwhile(&mut peer, 2_100_000);
    rig.turns(3);
    let told = rig.take_heard();
    let (notes, flushed): (Vec<_>, Vec<_>) =
        told.into_iter().partition(|heard| *heard != Heard::Flushed);
    let rounds: Vec<_> = (0..21).flat_map(|_| [Heard::High, Heard::Low]).collect();
    assert_eq!(notes, rounds);
    assert!(!flushed.is_empty());
}

#[test]
fn notes_carry_the_stream_they_are_of() {
    let pairs = [pair(), pair(), pair()];
    let (ours, _peers): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let builders = ours.into_iter().map(|ours| ReadWrite::builder(ours).flushed_event(&FLUSHED));
    let mut rig = Rig::start(reactor::Clock::system(), builders.collect::<Vec<_>>());
    let mut order: Vec<WheelId> = rig.act(|host, cx| {
        host.wheels.values().for_each(|wheel| drop(wheel.put(cx, "word")));
        host.wheels.keys().copied().collect()
    });
    rig.hear(3);
    let mut told: Vec<WheelId> = rig.heard_of().iter().filter_map(|(wheel, _)| *wheel).collect();
    order.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, order);
}

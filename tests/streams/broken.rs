//! Connections that break: what came is told first, and what did not leave is counted.

use std::io::Write;

use testkit::net::{self, Ending};
use wheels::faults::{self, Call};
use wheels::filter::Line;
use wheels::{Operation, Put, ReadWrite};

use crate::data::noise;
use crate::support::{
    END, FLUSHED, Heard, Rig, half_close, item, items, narrow_pair, pair, wide_pair,
};

const EINTR: i32 = 4;
const EAGAIN: i32 = 11;
const EPIPE: i32 = 32;
const ECONNRESET: i32 = 104;

fn position(told: &[Heard], what: impl Fn(&Heard) -> bool) -> usize {
    told.iter().position(what).unwrap_or_else(|| panic!("{told:?}"))
}

fn is_write_failure(heard: &Heard) -> bool {
    matches!(heard, Heard::Failed(Operation::Write, ..))
}

#[test]
fn p73_a_peer_that_asks_and_resets_is_heard_before_the_answer_fails() {
    let (ours, mut peer) = pair();
    peer.write_all(b"one\ntwo\n").expect("write");
    net::reset(peer);
    let rig = Rig::new(ReadWrite::builder(ours).filter(Line::new()));
    let told = rig.react(|host, cx, heard| {
        if matches!(heard, Heard::Item(_)) {
            let _put = host.put(cx, "answer");
        }
    });
    let told = told.end();
    assert_eq!(told[..2], ["one", "two"].map(item));
    let failed = position(&told, is_write_failure);
    assert!(failed >= 2, "{told:?}");
    let Heard::Failed(_, EPIPE | ECONNRESET, 16) = told[failed] else { panic!("{told:?}") };
    assert_eq!(told.iter().filter(|heard| is_write_failure(heard)).count(), 1);
}

#[test]
fn p73_a_peer_that_asks_and_closes_both_ways_is_heard_before_the_answer_fails() {
    let (ours, mut peer) = pair();
    peer.write_all(b"one\n").expect("write");
    drop(peer);
    let mut rig =
        Rig::new(ReadWrite::builder(ours).filter(Line::new())).react(|host, cx, heard| {
            // It has its answers one by one: the first is what makes the peer's system reset.
            match heard {
                Heard::Item(_) | Heard::Word(_) if host.put(cx, "answer") == Put::Queued => {
                    cx.yield_("word", "again");
                }
                _ => {}
            }
        });
    rig.until("the failure", |heard| heard.iter().any(is_write_failure));
    let mut told = rig.end();
    told.retain(|heard| !matches!(heard, Heard::Word(_)));
    let [first, END, Heard::Failed(Operation::Write, EPIPE | ECONNRESET, 8), Heard::Stopped] =
        &told[..]
    else {
        panic!("{told:?}");
    };
    assert_eq!(*first, item("one"));
}

/// More than one share of a turn.
#[test]
fn p73_all_that_came_is_told_before_a_write_failure() {
    const ALL: usize = 150_000;
    let (ours, mut peer) = wide_pair();
    peer.write_all(&noise(ALL)).expect("write");
    let mut answered = false;
    let mut rig = Rig::new(ReadWrite::builder(ours)).react(move |host, cx, heard| {
        if matches!(heard, Heard::Item(_)) && !answered {
            answered = true;
            faults::fail_next(Call::Send, EPIPE);
            let _put = host.put(cx, "answer");
        }
    });
    rig.until("the failure", |heard| heard.iter().any(is_write_failure));
    let told = rig.heard();
    assert_eq!(told.last(), Some(&Heard::Failed(Operation::Write, EPIPE, 6)));
    assert!(items(&told).concat() == noise(ALL), "it was not all told before");
}

#[test]
fn many_small_records_are_all_told_before_a_write_failure() {
    const LINES: usize = 50_000;
    let (ours, mut peer) = wide_pair();
    peer.write_all(&[b'\n'; LINES]).expect("write");
    let mut answered = false;
    let filter = Line::literal(b"\n");
    let mut rig =
        Rig::new(ReadWrite::builder(ours).filter(filter)).react(move |host, cx, heard| {
            if matches!(heard, Heard::Item(_)) && !answered {
                answered = true;
                faults::fail_next(Call::Send, EPIPE);
                let _put = host.put(cx, "answer");
            }
        });
    rig.until("the failure", |heard| heard.iter().any(is_write_failure));
    assert_eq!(position(&rig.heard(), is_write_failure), LINES);
}

#[test]
fn a_write_failure_is_told_once_and_input_goes_on() {
    for errnum in [EPIPE, ECONNRESET] {
        let (ours, mut peer) = pair();
        let mut rig = Rig::new(ReadWrite::builder(ours).flushed_event(&FLUSHED));
        faults::fail_next(Call::Send, errnum);
        rig.act(|host, cx| drop(host.put(cx, "answer")));
        assert_eq!(rig.hear(1), [Heard::Failed(Operation::Write, errnum, 6)]);
        let put = rig.act(|host, cx| host.put(cx, "another"));
        assert_eq!(put, Put::Refused("another".into()));
        peer.write_all(b"are you there?").expect("write");
        rig.hear(2);
        half_close(&peer);
        let told = rig.end();
        assert_eq!(told[1..], [item("are you there?"), END, Heard::Stopped]);
    }
}

#[test]
fn a_failure_of_a_stream_that_has_ended_is_told_before_its_session_stops() {
    let (ours, peer) = pair();
    let rig = Rig::new(ReadWrite::builder(ours)).react(|host, cx, heard| {
        if *heard == END {
            faults::fail_next(Call::Send, EPIPE);
            let _put = host.put(cx, "answer");
        }
    });
    half_close(&peer);
    assert_eq!(rig.end(), [END, Heard::Failed(Operation::Write, EPIPE, 6), Heard::Stopped]);
}

/// The same, put by a timer: nothing else will look at the stream again.
#[test]
fn a_failure_long_after_the_end_is_told_too() {
    let (ours, peer) = pair();
    let rig = Rig::new(ReadWrite::builder(ours)).react(|host, cx, heard| match heard {
        Heard::Word(_) => {
            faults::fail_next(Call::Send, EPIPE);
            let _put = host.put(cx, "answer");
        }
        heard if *heard == END => {
            cx.delay("word", std::time::Duration::from_millis(20), "now");
        }
        _ => {}
    });
    half_close(&peer);
    let failed = Heard::Failed(Operation::Write, EPIPE, 6);
    assert_eq!(rig.end(), [END, Heard::Word("now"), failed, Heard::Stopped]);
}

#[test]
fn a_read_that_fails_is_told_once_after_what_was_read() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours).filter(Line::new()));
    peer.write_all(b"one\ntwo\nunfinished").expect("write");
    rig.hear(2);
    faults::fail_next(Call::Recv, ECONNRESET);
    peer.write_all(b" business").expect("write");
    let failed = Heard::Failed(Operation::Read, ECONNRESET, 0);
    assert_eq!(rig.end(), [item("one"), item("two"), failed, Heard::Stopped]);
}

#[test]
fn a_real_reset_is_told_as_the_system_says_it() {
    let (ours, peer) = pair();
    let rig = Rig::new(ReadWrite::builder(ours));
    net::reset(peer);
    assert_eq!(rig.end(), [Heard::Failed(Operation::Read, ECONNRESET, 0), Heard::Stopped]);
}

#[test]
fn interrupted_calls_are_made_again() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    (0..3).for_each(|_| faults::fail_next(Call::Recv, EINTR));
    (0..3).for_each(|_| faults::fail_next(Call::Send, EINTR));
    peer.write_all(b"hello").expect("write");
    assert_eq!(rig.hear(1), [item("hello")]);
    rig.act(|host, cx| drop(host.put(cx, "hello yourself")));
    rig.turn();
    assert_eq!(net::read_exact(&mut peer, 14), b"hello yourself");
    assert_eq!(faults::pending(), 0);
}

#[test]
fn calls_that_would_block_are_made_again_when_the_system_says_so() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.notice();
    faults::fail_next(Call::Recv, EAGAIN);
    faults::fail_next(Call::Send, EAGAIN);
    peer.write_all(b"hel").expect("write");
    rig.notice();
    assert_eq!(rig.heard(), []);
    rig.act(|host, cx| drop(host.put(cx, "answer")));
    rig.turns(3);
    assert_eq!(rig.act(|host, cx| host.stream().unsent(cx)), 6);
    peer.write_all(b"lo").expect("write");
    assert_eq!(rig.hear(1), [item("hello")]);
    assert_eq!(net::read_exact(&mut peer, 6), b"answer");
    assert_eq!(faults::pending(), 0);
}

#[test]
fn p73_what_is_unsent_when_the_peer_resets_is_counted() {
    let (ours, peer) = narrow_pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| drop(host.put(cx, noise(1 << 20))));
    rig.turns(3);
    let unsent = rig.act(|host, cx| host.stream().unsent(cx));
    net::reset(peer);
    let told = rig.end();
    let failed = position(&told, is_write_failure);
    let Heard::Failed(_, EPIPE | ECONNRESET, counted) = told[failed] else { panic!("{told:?}") };
    assert_eq!(counted, unsent);
}

#[test]
fn a_stream_whose_reading_failed_still_sends() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours)).react(|host, cx, heard| {
        if matches!(heard, Heard::Failed(..)) {
            let _put = host.put(cx, "I cannot hear you");
            host.take().shutdown(cx);
        }
    });
    faults::fail_next(Call::Recv, ECONNRESET);
    peer.write_all(b"hello").expect("write");
    rig.hear(1);
    let told = rig.end();
    assert_eq!(told, [Heard::Failed(Operation::Read, ECONNRESET, 0), Heard::Stopped]);
    let (Ending::Closed(bytes) | Ending::Reset(bytes)) = net::read_to_end(&mut peer);
    assert_eq!(bytes, b"I cannot hear you");
}

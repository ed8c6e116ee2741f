//! Closing in order: all that was put arrives, and nobody waits for ever.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use reactor::Clock;
use testkit::net::{self, Ending, Peer};
use wheels::faults::{self, Call};
use wheels::filter::Line;
use wheels::{Operation, Put, ReadWrite};

use crate::data::{Noise, noise};
use crate::support::{
    END, FLUSHED, HIGH, Heard, LOW, Rig, half_close, item, narrow_pair, pair, still_pair,
};

const EPIPE: i32 = 32;
const ETIMEDOUT: i32 = 110;
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn p12_a_slow_reader_gets_all_of_the_answer_though_its_request_was_not_read() {
    const ANSWER: usize = 4 << 20;
    let (ours, mut peer) = narrow_pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| host.stream().pause_input(cx));
    peer.write_all(&[b'x'; 1000]).expect("write");
    rig.notice();
    rig.act(|host, cx| {
        let _put = host.put(cx, noise(ANSWER));
        host.take().shutdown(cx);
    });
    let client = Peer::play(move || {
        let (mut noise, mut buffer) = (Noise::default(), [0; 8192]);
        loop {
            let count = peer.read(&mut buffer).expect("no reset before the end");
            if count == 0 {
                return noise.at;
            }
            noise.check(&buffer[..count]);
            // More that nobody reads.
            peer.write_all(b"x").expect("write");
        }
    });
    assert_eq!(client.run(&mut rig.kernel), ANSWER);
    assert_eq!(rig.end(), [Heard::Stopped]);
}

#[test]
fn p12_what_comes_after_it_was_shut_down_is_thrown_away_untold() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours).filter(Line::new()));
    peer.write_all(b"one\ntwo\nthree\nhalf").expect("write");
    rig = rig.react(|host, cx, heard| {
        if matches!(heard, Heard::Item(_)) {
            let _put = host.put(cx, "bye");
            host.take().shutdown(cx);
        }
    });
    let client = Peer::play(move || {
        peer.write_all(&[b'\n'; 300_000]).expect("write");
        half_close(&peer);
        net::read_to_end(&mut peer)
    });
    assert_eq!(client.run(&mut rig.kernel), Ending::Closed(b"bye\r\n".into()));
    assert_eq!(rig.end(), [item("one"), Heard::Stopped]);
}

#[test]
fn a_peer_that_reads_nothing_is_left_when_its_time_is_over() {
    let clock = Clock::virtual_time();
    let (ours, _peer) = still_pair();
    let mut rig = Rig::timed(&clock, ReadWrite::builder(ours).linger(7 * SECOND));
    let began = clock.now();
    rig.act(|host, cx| {
        let _put = host.put(cx, noise(8 << 20));
        host.take().shutdown(cx);
    });
    let told = rig.end();
    let [Heard::Failed(Operation::Shutdown, ETIMEDOUT, unsent), Heard::Stopped] = told[..] else {
        panic!("{told:?}");
    };
    assert!(unsent > 0 && unsent < 8 << 20, "{unsent}");
    assert_eq!(clock.now(), began + 7 * SECOND);
}

#[test]
fn p12_what_was_not_sent_in_time_does_not_look_whole() {
    let clock = Clock::virtual_time();
    let (ours, mut peer) = narrow_pair();
    let mut rig = Rig::timed(&clock, ReadWrite::builder(ours).linger(7 * SECOND));
    rig.act(|host, cx| {
        let _put = host.put(cx, noise(8 << 20));
        host.take().shutdown(cx);
    });
    rig.end();
    let Ending::Reset(came) = net::read_to_end(&mut peer) else { panic!("no reset") };
    assert!(came.len() < 8 << 20, "{}", came.len());
}

#[test]
fn p12_what_is_aborted_does_not_look_whole() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| host.take().abort(cx));
    assert_eq!(net::read_to_end(&mut peer), Ending::Reset(Vec::new()));
    assert_eq!(rig.end(), [Heard::Stopped]);
}

#[test]
fn a_peer_that_does_not_end_is_left_in_silence_when_its_time_is_over() {
    let clock = Clock::virtual_time();
    let (ours, mut peer) = pair();
    let mut rig = Rig::timed(&clock, ReadWrite::builder(ours));
    let began = clock.now();
    rig.act(|host, cx| {
        let _put = host.put(cx, "bye");
        host.take().shutdown(cx);
    });
    assert_eq!(rig.end(), [Heard::Stopped]);
    assert_eq!(clock.now(), began + 30 * SECOND);
    assert_eq!(net::read_to_end(&mut peer), Ending::Closed(b"bye".into()));
}

#[test]
fn a_peer_that_reads_now_and_then_is_not_left() {
    let clock = Clock::virtual_time();
    let (ours, mut peer) = narrow_pair();
    let mut rig = Rig::timed(&clock, ReadWrite::builder(ours));
    rig.act(|host, cx| {
        let _put = host.put(cx, noise(2 << 20));
        host.take().shutdown(cx);
    });
    rig.turn();
    // Four minutes in all, of which none passes without progress.
    for _ in 0..12 {
        clock.advance(20 * SECOND);
        rig.read_meanwhile(&mut peer, 100_000);
    }
    assert!(rig.is_alive());
    clock.advance(29 * SECOND);
    rig.turn();
    assert!(rig.is_alive());
    clock.advance(2 * SECOND);
    rig.turn();
    let told = rig.end();
    assert!(matches!(told[0], Heard::Failed(Operation::Shutdown, ETIMEDOUT, _)), "{told:?}");
}

#[test]
fn it_closes_at_once_when_the_peer_has_ended() {
    let clock = Clock::virtual_time();
    let (ours, peer) = pair();
    let rig = Rig::timed(&clock, ReadWrite::builder(ours)).react(|host, cx, heard| {
        if *heard == END {
            let _put = host.put(cx, "bye");
            host.take().shutdown(cx);
        }
    });
    let began = clock.now();
    half_close(&peer);
    assert_eq!(rig.end(), [END, Heard::Stopped]);
    assert_eq!(clock.now(), began);
}

#[test]
fn it_closes_as_soon_as_the_peer_ends() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| {
        let _put = host.put(cx, "bye");
        host.take().shutdown(cx);
    });
    rig.turns(5);
    assert_eq!(net::read_to_end(&mut peer), Ending::Closed(b"bye".into()));
    assert!(rig.is_alive(), "the peer may still send");
    drop(peer);
    assert_eq!(rig.end(), [Heard::Stopped]);
}

/// They are noted by one and the same write, the last.
#[test]
fn all_notes_of_the_last_write_are_told_before_it_closes() {
    let (ours, mut peer) = narrow_pair();
    let builder = ReadWrite::builder(ours).flushed_event(&FLUSHED);
    let mut rig = Rig::new(builder.high_mark(1, &HIGH).low_mark(0, &LOW));
    half_close(&peer);
    rig.act(|_, cx| cx.delay_set("word", SECOND / 1000, "later"));
    rig.until("the end", |heard| heard.contains(&END));
    rig.take_heard();
    rig.act(|host, cx| {
        let _put = host.put(cx, noise(1 << 20));
        host.take().shutdown(cx);
    });
    let client = Peer::play(move || net::read_to_end(&mut peer));
    client.run(&mut rig.kernel);
    let mut told = rig.end();
    told.retain(|heard| !matches!(heard, Heard::Word(_)));
    assert_eq!(told, [Heard::High, Heard::Low, Heard::Flushed, Heard::Stopped]);
}

#[test]
fn a_write_that_fails_after_it_was_shut_down_is_told_and_ends_it() {
    let clock = Clock::virtual_time();
    let (ours, mut peer) = pair();
    let mut rig = Rig::timed(&clock, ReadWrite::builder(ours));
    let began = clock.now();
    faults::fail_next(Call::Send, EPIPE);
    rig.act(|host, cx| {
        let _put = host.put(cx, "bye");
        host.take().shutdown(cx);
    });
    assert_eq!(rig.end(), [Heard::Failed(Operation::Write, EPIPE, 3), Heard::Stopped]);
    assert_eq!(clock.now(), began, "there is nothing to wait for");
    assert_eq!(net::read_to_end(&mut peer), Ending::Closed(vec![]));
}

#[test]
fn what_failed_is_closed_at_once_when_it_is_shut_down() {
    let clock = Clock::virtual_time();
    let (ours, mut peer) = pair();
    let mut rig = Rig::timed(&clock, ReadWrite::builder(ours)).react(|host, cx, heard| {
        if matches!(heard, Heard::Failed(..)) {
            host.take().shutdown(cx);
        }
    });
    let began = clock.now();
    faults::fail_next(Call::Send, EPIPE);
    rig.act(|host, cx| drop(host.put(cx, "hello")));
    assert_eq!(rig.end(), [Heard::Failed(Operation::Write, EPIPE, 5), Heard::Stopped]);
    assert_eq!(clock.now(), began, "there is nothing to wait for");
    assert_eq!(net::read_to_end(&mut peer), Ending::Closed(vec![]));
}

#[test]
fn a_peer_that_cannot_be_told_of_the_end_is_left_when_its_time_is_over() {
    let clock = Clock::virtual_time();
    let (ours, mut peer) = pair();
    let mut rig = Rig::timed(&clock, ReadWrite::builder(ours).linger(SECOND));
    faults::fail_next(Call::Shutdown, 107);
    rig.act(|host, cx| {
        let _put = host.put(cx, "bye");
        host.take().shutdown(cx);
    });
    assert_eq!(rig.end(), [Heard::Stopped]);
    assert_eq!(net::read_to_end(&mut peer), Ending::Closed(b"bye".into()));
}

#[test]
fn a_linger_of_zero_does_not_wait() {
    let clock = Clock::virtual_time();
    let (ours, mut peer) = pair();
    let mut rig = Rig::timed(&clock, ReadWrite::builder(ours).linger(Duration::ZERO));
    let began = clock.now();
    rig.act(|host, cx| {
        let _put = host.put(cx, "bye");
        host.take().shutdown(cx);
    });
    assert_eq!(rig.end(), [Heard::Stopped]);
    assert_eq!(clock.now(), began);
    assert_eq!(net::read_to_end(&mut peer), Ending::Closed(b"bye".into()));
}

#[test]
fn after_its_output_was_shut_down_input_goes_on_and_nothing_more_is_put() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours).filter(Line::new()));
    let refused = rig.act(|host, cx| {
        let _put = host.put(cx, "last words");
        host.stream().shutdown_output(cx);
        host.put(cx, "too late")
    });
    assert_eq!(refused, Put::Refused("too late".into()));
    rig.turns(5);
    assert_eq!(net::read_to_end(&mut peer), Ending::Closed(b"last words\r\n".into()));
    peer.write_all(b"an answer\nand more").expect("write");
    peer.shutdown(Shutdown::Write).expect("shutdown");
    let lines = ["an answer", "and more"].map(item);
    let told: Vec<_> = lines.into_iter().chain([END, Heard::Stopped]).collect();
    assert_eq!(rig.end(), told);
}

#[test]
fn a_peer_that_breaks_after_it_was_shut_down_is_not_told_of() {
    let (ours, peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| host.take().shutdown(cx));
    rig.turns(3);
    net::reset(peer);
    assert_eq!(rig.end(), [Heard::Stopped]);
}

#[test]
fn shutting_the_output_down_twice_and_then_all_is_fine() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| {
        let _put = host.put(cx, "bye");
        host.stream().shutdown_output(cx);
        host.stream().shutdown_output(cx);
    });
    rig.turns(3);
    rig.act(|host, cx| {
        host.stream().shutdown_output(cx);
        host.take().shutdown(cx);
    });
    rig.turns(3);
    assert_eq!(net::read_to_end(&mut peer), Ending::Closed(b"bye".into()));
    drop(peer);
    assert_eq!(rig.end(), [Heard::Stopped]);
}

/// A session that stops takes what lingers with it.
#[test]
fn a_kernel_that_stops_does_not_linger() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| host.take().shutdown(cx));
    rig.turns(3);
    assert!(rig.is_alive());
    rig.act(|_, cx| cx.stop());
    assert_eq!(rig.end(), [Heard::Stopped]);
    assert_eq!(net::read_to_end(&mut peer), Ending::Closed(vec![]));
}

/// It was let go of, and nobody could close it any more.
#[test]
fn a_stream_that_another_kernel_was_to_shut_down_is_closed() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    let (others, _its_peer) = pair();
    let mut other = Rig::new(ReadWrite::builder(others));
    let stream = rig.act(|host, _| host.take());
    other.act(move |host, cx| {
        stream.shutdown(cx);
        assert_eq!(host.put(cx, "x"), Put::Queued, "the wheel of the same id is another one");
    });
    assert_eq!(rig.end(), [Heard::Stopped]);
    assert_eq!(net::read_to_end(&mut peer), Ending::Closed(vec![]));
}

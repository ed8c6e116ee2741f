//! A stream keeps its session alive while it reads or has something to send.

use testkit::net::{self, Ending, Peer};
use wheels::faults::{self, Call};
use wheels::filter::{Line, Stream};
use wheels::{Operation, ReadWrite};

use crate::data::noise;
use crate::support::{END, FLUSHED, Heard, Rig, half_close, item, narrow_pair, pair};

#[test]
fn an_open_stream_keeps_its_session() {
    let (ours, _peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.turns(10);
    assert_eq!(rig.kernel.why_alive(rig.session).as_deref(), Some("1 wheel"));
}

#[test]
fn a_paused_stream_keeps_its_session() {
    let (ours, peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| host.stream().pause_input(cx));
    drop(peer);
    rig.notice();
    rig.turns(10);
    assert!(rig.is_alive());
}

#[test]
fn a_stream_that_has_ended_does_not_though_it_is_held() {
    let (ours, peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    drop(peer);
    let told = rig.hear(2);
    assert_eq!(told, [END, Heard::Stopped]);
    // The same turn.
    assert!(!rig.is_alive());
    assert_eq!(rig.kernel.wheel_count(), 0);
}

#[test]
fn a_stream_that_refuses_its_input_does_not() {
    let (ours, mut peer) = pair();
    let rig = Rig::new(ReadWrite::builder(ours).filter(Line::new().max_length(0)));
    std::io::Write::write_all(&mut peer, b"x\n").expect("write");
    let told = rig.end();
    assert!(matches!(told[..], [Heard::Failed(Operation::Decode, ..), Heard::Stopped]), "{told:?}");
}

#[test]
fn after_the_end_it_lives_until_all_is_sent() {
    const ANSWER: usize = 2 << 20;
    let (ours, mut peer) = narrow_pair();
    let mut rig = Rig::new(ReadWrite::builder(ours)).react(|host, cx, heard| {
        if *heard == END {
            let _put = host.put(cx, noise(ANSWER));
        }
    });
    half_close(&peer);
    rig.hear(1);
    rig.turns(20);
    assert!(rig.is_alive());
    let client = Peer::play(move || net::read_to_end(&mut peer));
    let answer = client.run(&mut rig.kernel);
    assert!(answer == Ending::Closed(noise(ANSWER)), "another answer");
    assert_eq!(rig.end(), [END, Heard::Stopped]);
}

#[test]
fn what_was_put_before_the_end_is_sent_after_it() {
    const ANSWER: usize = 2 << 20;
    let (ours, mut peer) = narrow_pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| drop(host.put(cx, noise(ANSWER))));
    half_close(&peer);
    rig.hear(1);
    rig.turns(20);
    assert_eq!(rig.heard(), [END]);
    assert!(rig.read_meanwhile(&mut peer, ANSWER) == noise(ANSWER));
    assert_eq!(rig.end(), [END, Heard::Stopped]);
}

#[test]
fn a_stream_whose_output_fails_after_the_end_lets_it_go() {
    let (ours, peer) = narrow_pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| drop(host.put(cx, noise(2 << 20))));
    half_close(&peer);
    rig.hear(1);
    net::reset(peer);
    let told = rig.end();
    let [END, Heard::Failed(Operation::Write, ..), Heard::Stopped] = told[..] else {
        panic!("{told:?}");
    };
}

#[test]
fn a_stream_whose_output_failed_keeps_it_while_it_reads() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    faults::fail_next(Call::Send, 32);
    rig.act(|host, cx| drop(host.put(cx, "x")));
    rig.hear(1);
    rig.turns(10);
    assert!(rig.is_alive());
    std::io::Write::write_all(&mut peer, b"hello").expect("write");
    drop(peer);
    assert_eq!(rig.end()[1..], [item("hello"), END, Heard::Stopped]);
}

#[test]
fn a_stream_shut_down_keeps_it_until_it_is_closed() {
    let (ours, peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| host.take().shutdown(cx));
    rig.turns(10);
    assert_eq!(rig.kernel.why_alive(rig.session).as_deref(), Some("1 wheel"));
    assert_eq!(rig.kernel.wheel_count(), 1);
    drop(peer);
    assert_eq!(rig.end(), [Heard::Stopped]);
}

/// It let go of its session when it refused the input, and takes hold of it again.
#[test]
fn a_stream_that_refused_its_input_and_is_shut_down_keeps_it_until_the_peer_ends() {
    let (ours, mut peer) = pair();
    let builder = ReadWrite::builder(ours).filter(Line::new().max_length(0));
    let mut rig = Rig::new(builder).react(|host, cx, heard| {
        if matches!(heard, Heard::Failed(..)) {
            host.take().shutdown(cx);
        }
    });
    std::io::Write::write_all(&mut peer, b"x\n").expect("write");
    rig.hear(1);
    rig.turns(10);
    assert!(rig.is_alive(), "the peer may still send");
    assert_eq!(net::read_to_end(&mut peer), Ending::Closed(vec![]));
    drop(peer);
    assert_eq!(rig.end().last(), Some(&Heard::Stopped));
}

#[test]
fn a_stream_dropped_by_its_session_takes_it_along() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, _| drop(host.take()));
    assert_eq!(rig.kernel.wheel_count(), 0, "closed when the handler returns");
    assert_eq!(net::read_to_end(&mut peer), Ending::Closed(vec![]));
    assert_eq!(rig.end(), [Heard::Stopped]);
}

/// The end of the output's news comes first, then that of the session.
#[test]
fn the_session_ends_when_the_end_is_told_and_what_it_puts_then_keeps_it() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours)).react(|host, cx, heard| {
        if *heard == END {
            let _put = host.put(cx, "one");
            let _put = host.put(cx, "two");
        }
    });
    half_close(&peer);
    let client = Peer::play(move || net::read_to_end(&mut peer));
    assert_eq!(client.run(&mut rig.kernel), Ending::Closed(b"onetwo".into()));
    assert_eq!(rig.end(), [END, Heard::Stopped]);
}

/// Also when the put that reached the high mark was written at once, in a handler that was called to tell
/// that all was sent.
#[test]
fn a_session_is_told_that_all_was_sent_however_it_was_written() {
    for by_flush in [false, true] {
        let (ours, peer) = pair();
        let builder = ReadWrite::builder(ours).flushed_event(&FLUSHED).high_mark(10, "nobody");
        let mut rounds = 0;
        let rig: Rig<Stream> = Rig::new(builder).react(move |host, cx, heard| {
            let again = *heard == END || *heard == Heard::Flushed && rounds < 3;
            if again {
                rounds += 1;
                let _put = host.put(cx, if by_flush { "short" } else { "longer than the mark" });
                if by_flush {
                    host.stream().flush(cx);
                }
            }
        });
        half_close(&peer);
        let told = rig.end();
        assert_eq!(told, [&[END][..], &vec![Heard::Flushed; 3], &[Heard::Stopped]].concat());
    }
}

//! Two streams that are joined: every byte passes, and nobody is held up but who should be.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reactor::{Clock, Context, WheelId};
use socket2::SockRef;
use testkit::net::{self, Ending, Peer};
use wheels::filter::{Filter, FilterError, Input, Line, Output, Pair, Stream};
use wheels::{Operation, Put, ReadWrite, ReadWriteBuilder, Socket, pipe};

use crate::data::{Dice, Noise, noise};
use crate::support::{
    END, FLUSHED, Framing, HIGH, Heard, Host, LOW, Rig, half_close, item, narrow_pair, pair,
};

const EPIPE: i32 = 32;
const ECONNRESET: i32 = 104;
const EMSGSIZE: i32 = 90;

/// What is unsent by the sink when the source has to wait: the default.
const HIGH_MARK: usize = 64 * 1024;

/// What the system holds of a narrow connection: so much less may be unsent when it took its time to take it.
const LATE: usize = 40 * 1024;

/// The source is told that its sink is gone.
pub(crate) const BROKEN: Heard = Heard::Failed(Operation::Pipe, EPIPE, 0);

/// Two streams, the first and the second.
pub(crate) fn two<F: Framing>(
    one: ReadWriteBuilder<F>,
    other: ReadWriteBuilder<F>,
) -> (Rig<F>, [WheelId; 2]) {
    let mut rig = Rig::start(Clock::system(), [one, other]);
    let ids = rig.act(|host, _| ids(host));
    (rig, ids)
}

/// The session lives on without its streams.
pub(crate) fn stay<F: Framing>(rig: &mut Rig<F>) {
    rig.act(|_, cx| cx.delay("word", Duration::from_secs(86_400), "never"));
}

fn ids<F: Framing>(host: &Host<F>) -> [WheelId; 2] {
    let mut ids: Vec<_> = host.wheels.keys().copied().collect();
    ids.sort_unstable();
    ids.try_into().expect("two streams")
}

/// Two streams, each of which is piped to the other.
pub(crate) fn joined(one: Socket, other: Socket) -> (Rig<Stream>, [WheelId; 2]) {
    let (mut rig, ids) = two(ReadWrite::builder(one), ReadWrite::builder(other));
    rig.act(move |host, cx| pipe(cx, &host.wheels[&ids[0]], &host.wheels[&ids[1]]));
    (rig, ids)
}

/// Two streams, of which the first is piped to the second.
pub(crate) fn led<F: Framing>(
    one: ReadWriteBuilder<F>,
    other: ReadWriteBuilder<F>,
) -> (Rig<F>, [WheelId; 2]) {
    let (mut rig, ids) = two(one, other);
    rig.act(move |host, cx| host.wheels[&ids[0]].pipe_to(cx, &host.wheels[&ids[1]]));
    (rig, ids)
}

/// Writes until the system has taken no more for many turns; says how much it took.
fn flood<F: Framing>(rig: &mut Rig<F>, peer: &mut TcpStream, noise: &mut Noise) -> usize {
    let (began, mut idle) = (noise.at, 0);
    peer.set_nonblocking(true).expect("non-blocking");
    while idle < 300 {
        let bytes = noise.next(10_000);
        match peer.write(bytes) {
            Ok(count) => (noise.at, idle) = (noise.at - bytes.len() + count, 0),
            Err(_) => (noise.at, idle) = (noise.at - bytes.len(), idle + 1),
        }
        rig.turn();
    }
    peer.set_nonblocking(false).expect("blocking");
    noise.at - began
}

/// Reads to the end while the loop turns.
fn read_to_end<F: Framing>(rig: &mut Rig<F>, peer: &mut TcpStream) -> Vec<u8> {
    let (mut bytes, began) = (Vec::new(), Instant::now());
    peer.set_nonblocking(true).expect("non-blocking");
    while let Err(error) = peer.read_to_end(&mut bytes) {
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert!(began.elapsed() < net::PATIENCE, "no end after {} bytes", bytes.len());
        rig.turn();
    }
    peer.set_nonblocking(false).expect("blocking");
    bytes
}

/// A peer that took little takes more, so that the test does not last.
pub(crate) fn widen(peer: &TcpStream) {
    SockRef::from(peer).set_recv_buffer_size(1 << 20).expect("SO_RCVBUF");
}

fn unsent<F: Framing>(rig: &mut Rig<F>, id: WheelId) -> usize {
    rig.act(move |host, cx| host.wheels[&id].unsent(cx))
}

/// Sends so many bytes in pieces of any size.
fn send(peer: &mut TcpStream, len: usize, seed: u64) {
    let (mut noise, mut dice) = (Noise::default(), Dice(seed));
    while noise.at < len {
        peer.write_all(noise.next(dice.roll(100_000).min(len - noise.at))).expect("write");
    }
    half_close(peer);
}

/// Reads to the end in pieces of any size, now and then not at all for a while; says how much it was.
fn receive(peer: &mut TcpStream, seed: u64) -> usize {
    let (mut noise, mut dice) = (Noise::default(), Dice(seed));
    let mut buffer = vec![0; 200_000];
    loop {
        if dice.roll(64) == 1 {
            std::thread::sleep(Duration::from_millis(2));
        }
        let most = dice.roll(buffer.len());
        match peer.read(&mut buffer[..most]).expect("read") {
            0 => return noise.at,
            count => noise.check(&buffer[..count]),
        }
    }
}

#[test]
fn what_comes_by_either_goes_out_by_the_other_and_not_to_the_session() {
    let ((one, mut client), (other, mut server)) = (pair(), pair());
    let (mut rig, _) = joined(one, other);
    client.write_all(b"question").expect("write");
    assert_eq!(rig.read_meanwhile(&mut server, 8), b"question");
    server.write_all(b"answer").expect("write");
    assert_eq!(rig.read_meanwhile(&mut client, 6), b"answer");
    assert_eq!(rig.heard(), []);
}

#[test]
fn what_has_come_is_counted_whether_it_passed_this_process_by_or_not() {
    let ((one, mut client), (other, mut server)) = (pair(), pair());
    let (mut rig, [first, second]) = joined(one, other);
    let received =
        |rig: &mut Rig<Stream>, id: WheelId| rig.act(move |host, cx| host.wheels[&id].received(cx));
    // Little at once is read, much is spliced.
    for (question, total) in [(noise(5), 5), (noise(1 << 20), (1 << 20) + 5)] {
        let sent = question.clone();
        let mut writer = client.try_clone().expect("dup");
        let writer = Peer::play(move || writer.write_all(&sent).expect("write"));
        assert_eq!(rig.read_meanwhile(&mut server, question.len()), question);
        writer.run(&mut rig.kernel);
        assert_eq!(received(&mut rig, first), total);
        assert_eq!(received(&mut rig, second), 0);
    }
    server.write_all(b"answer").expect("write");
    assert_eq!(rig.read_meanwhile(&mut client, 6), b"answer");
    assert_eq!(received(&mut rig, second), 6);
}

#[test]
fn every_byte_passes_in_both_directions_at_once_whatever_the_pieces_and_the_readers() {
    const LEN: usize = 64 << 20;
    for (narrow, len) in [(false, LEN), (true, LEN / 64)] {
        let make = || if narrow { narrow_pair() } else { pair() };
        let ((one, client), (other, server)) = (make(), make());
        let (mut rig, ids) = joined(one, other);
        let peers = [(client, 7), (server, 8)].map(|(mut peer, seed)| {
            let mut writer = peer.try_clone().expect("dup");
            let writer = Peer::play(move || send(&mut writer, len, seed));
            (writer, Peer::play(move || receive(&mut peer, seed)))
        });
        rig = rig.react(move |host, cx, heard| {
            assert!([END, Heard::Stopped].contains(heard), "{heard:?}");
            for id in ids {
                let unsent = host.wheels[&id].unsent(cx);
                assert!(unsent < 2 * HIGH_MARK, "{unsent} unsent");
            }
        });
        for (writer, reader) in peers {
            writer.run(&mut rig.kernel);
            assert_eq!(reader.run(&mut rig.kernel), len);
        }
        assert_eq!(rig.end(), [END, END, Heard::Stopped]);
    }
}

#[test]
fn a_half_close_is_passed_on_and_the_answer_comes_back_a_thousand_times() {
    for round in 0..1000 {
        let ((one, mut client), (other, mut server)) = (pair(), pair());
        let (mut rig, [first, second]) = joined(one, other);
        let question = noise(round % 50);
        client.write_all(&question).expect("write");
        half_close(&client);
        assert_eq!(read_to_end(&mut rig, &mut server), question);
        server.write_all(b"answered").expect("write");
        half_close(&server);
        assert_eq!(read_to_end(&mut rig, &mut client), b"answered");
        rig.hear(2);
        assert_eq!(rig.heard_of()[..2], [(Some(first), END), (Some(second), END)]);
    }
}

/// All of it leaves before the end is passed on.
#[test]
fn what_waits_behind_a_slow_reader_comes_before_the_half_close() {
    let ((one, mut client), (other, mut server)) = (pair(), narrow_pair());
    let (mut rig, _) = joined(one, other);
    let mut sent = Noise::default();
    flood(&mut rig, &mut client, &mut sent);
    half_close(&client);
    let reader = Peer::play(move || receive(&mut server, 3));
    assert_eq!(reader.run(&mut rig.kernel), sent.at);
    assert_eq!(rig.end(), [END, END, Heard::Stopped]);
}

#[test]
fn p14_a_reader_that_does_not_read_holds_up_the_sender_and_no_more_is_kept_than_two_high_marks() {
    let ((one, mut client), (other, mut server)) = (pair(), narrow_pair());
    let (mut rig, [_, second]) = joined(one, other);
    let mut noise = Noise::default();
    flood(&mut rig, &mut client, &mut noise);
    let kept = unsent(&mut rig, second);
    assert!((HIGH_MARK - LATE..2 * HIGH_MARK).contains(&kept), "{kept}");
    widen(&server);
    let all = rig.read_meanwhile(&mut server, noise.at);
    Noise::default().check(&all);
    let more = flood(&mut rig, &mut client, &mut noise);
    assert!(more > 0, "it goes on");
    assert_eq!(rig.heard(), []);
}

#[test]
fn the_sinks_own_marks_hold_and_are_told_as_ever() {
    let ((one, mut client), (other, mut server)) = (pair(), narrow_pair());
    let sink = ReadWrite::builder(other).high_mark(300_000, &HIGH).low_mark(1000, &LOW);
    let (mut rig, [_, second]) = led(ReadWrite::builder(one), sink.flushed_event(&FLUSHED));
    let mut noise = Noise::default();
    flood(&mut rig, &mut client, &mut noise);
    let kept = unsent(&mut rig, second);
    assert!((300_000 - LATE..300_000 + HIGH_MARK).contains(&kept), "{kept}");
    let flushed = |heard: &[Heard]| heard.iter().filter(|it| **it != Heard::Flushed).count();
    assert_eq!(flushed(&rig.heard()), 1, "{:?}", rig.heard());
    widen(&server);
    Noise::default().check(&rig.read_meanwhile(&mut server, noise.at));
    rig.turns(3);
    let mut told = rig.heard();
    assert_eq!(told.pop(), Some(Heard::Flushed));
    told.retain(|heard| *heard != Heard::Flushed);
    assert_eq!(told.len() % 2, 0, "{told:?}");
    for round in told.chunks(2) {
        assert_eq!(round, [Heard::High, Heard::Low]);
    }
}

/// The most that may be unsent is less than the mark, and than what one read brings.
#[test]
fn a_pipe_never_makes_its_sink_fail_for_what_is_unsent() {
    for high in [None, Some(1 << 20)] {
        let ((one, mut client), (other, mut server)) = (pair(), narrow_pair());
        let mut sink = ReadWrite::builder(other).most_unsent(10_000).filter(Line::new());
        if let Some(high) = high {
            sink = sink.high_mark(high, &HIGH);
        }
        let source = ReadWrite::builder(one).filter(Line::new());
        let (mut rig, [_, second]) = led(source, sink);
        client.set_nonblocking(true).expect("non-blocking");
        let (mut lines, mut idle) = (0, 0);
        while idle < 300 {
            let sent = client.write(&[b'x', b'y', b'\r', b'\n'].repeat(1000));
            (lines, idle) = sent.map_or((lines, idle + 1), |sent| (lines + sent / 4, 0));
            rig.turn();
        }
        assert!(unsent(&mut rig, second) < 5_000 + 4);
        widen(&server);
        rig.read_meanwhile(&mut server, lines * 4);
        assert_eq!(rig.heard(), []);
    }
}

/// In the middle of a transfer that passes the process by.
#[test]
fn what_the_session_puts_goes_in_between_and_nothing_is_lost_or_moved() {
    const LEN: usize = 32 << 20;
    let ((one, mut client), (other, mut server)) = (pair(), pair());
    let (mut rig, [_, second]) = led(ReadWrite::builder(one), ReadWrite::builder(other));
    let writer = Peer::play(move || {
        client.write_all(&vec![b'.'; LEN]).expect("write");
        half_close(&client);
    });
    let reader = Peer::play(move || {
        let Ending::Closed(bytes) = net::read_to_end(&mut server) else { panic!("reset") };
        bytes
    });
    let mut puts = 0;
    while !writer.is_done() {
        let put = rig.act(move |host, cx| host.wheels[&second].put(cx, format!("<{puts}>")));
        assert!(matches!(put, Put::Queued | Put::High), "{put:?}");
        puts += 1;
        rig.turn();
    }
    let bytes = reader.run(&mut rig.kernel);
    let words: String =
        bytes.iter().filter(|byte| **byte != b'.').map(|byte| char::from(*byte)).collect();
    let expected: String = (0..puts).map(|put| format!("<{put}>")).collect();
    assert!(words == expected, "words are lost, moved or cut");
    assert_eq!(bytes.len(), LEN + expected.len());
    writer.join();
}

/// What the session puts counts.
#[test]
fn a_source_waits_for_what_the_session_put_to_its_sink() {
    let ((one, mut client), (other, mut server)) = (pair(), narrow_pair());
    let (mut rig, [_, second]) = led(ReadWrite::builder(one), ReadWrite::builder(other));
    rig.act(move |host, cx| drop(host.wheels[&second].put(cx, noise(9_000_000))));
    rig.turns(3);
    let before = unsent(&mut rig, second);
    let behind = noise(2 * LATE);
    client.write_all(&behind).expect("write");
    rig.turns(50);
    assert!(unsent(&mut rig, second) <= before, "it was read");
    widen(&server);
    rig.read_meanwhile(&mut server, 9_000_000);
    assert_eq!(rig.read_meanwhile(&mut server, behind.len()), behind);
}

#[test]
fn the_sessions_pause_and_that_of_the_pipe_do_not_undo_each_other() {
    let ((one, mut client), (other, mut server)) = (pair(), narrow_pair());
    let (mut rig, [first, second]) = led(ReadWrite::builder(one), ReadWrite::builder(other));
    let mut noise = Noise::default();
    flood(&mut rig, &mut client, &mut noise);
    let kept = unsent(&mut rig, second);
    rig.act(move |host, cx| {
        host.wheels[&first].pause_input(cx);
        host.wheels[&first].resume_input(cx);
    });
    rig.turns(20);
    assert!(unsent(&mut rig, second) <= kept, "the session's undid the pipe's");
    rig.act(move |host, cx| host.wheels[&first].pause_input(cx));
    let mut got = 0;
    widen(&server);
    server.set_nonblocking(true).expect("non-blocking");
    let mut idle = 0;
    while idle < 300 {
        match server.read(&mut [0; 100_000]) {
            Ok(count) => (got, idle) = (got + count, 0),
            Err(_) => idle += 1,
        }
        rig.turn();
    }
    assert!(got < noise.at, "the pipe's undid the session's");
    assert_eq!(unsent(&mut rig, second), 0);
    rig.act(move |host, cx| host.wheels[&first].resume_input(cx));
    rig.read_meanwhile(&mut server, noise.at - got);
}

#[test]
fn a_source_that_is_held_up_is_not_idle() {
    let ((one, mut client), (other, mut server)) = (pair(), narrow_pair());
    let clock = Clock::virtual_time();
    let source = ReadWrite::builder(one).idle_timeout(Duration::from_secs(10));
    let mut rig = Rig::start(clock.clone(), [source, ReadWrite::builder(other)]);
    let [first, second] = rig.act(|host, _| ids(host));
    rig.act(move |host, cx| host.wheels[&first].pipe_to(cx, &host.wheels[&second]));
    let mut noise = Noise::default();
    flood(&mut rig, &mut client, &mut noise);
    for _ in 0..10 {
        clock.advance(Duration::from_secs(11));
        rig.turns(3);
    }
    assert_eq!(rig.heard(), []);
    widen(&server);
    rig.read_meanwhile(&mut server, noise.at);
    clock.advance(Duration::from_secs(9));
    rig.turns(3);
    assert_eq!(rig.heard(), [], "its time begins when it is read again");
    clock.advance(Duration::from_secs(2));
    rig.turns(3);
    assert!(matches!(rig.heard()[..], [Heard::Failed(Operation::IdleTimeout, ..)]));
}

#[test]
fn of_a_sink_that_breaks_both_streams_are_told_and_what_is_unread_is_kept() {
    let ((one, mut client), (other, server)) = (pair(), narrow_pair());
    let (mut rig, [first, second]) = led(ReadWrite::builder(one), ReadWrite::builder(other));
    let mut sent = Noise::default();
    flood(&mut rig, &mut client, &mut sent);
    stay(&mut rig);
    net::reset(server);
    rig.hear(2);
    rig.turns(20);
    let mut told = rig.heard_of();
    assert_eq!(told.len(), 3, "{told:?}");
    let place =
        told.iter().position(|it| *it == (Some(first), BROKEN)).expect("the source is told");
    told.remove(place);
    assert!(told.iter().all(|(wheel, _)| *wheel == Some(second)), "{told:?}");
    // The news of a reset comes by whichever call is first, of input or of output, or by both.
    let unsent = told.iter().map(|(_, heard)| match heard {
        Heard::Failed(Operation::Read | Operation::Write, _, unsent) => *unsent,
        other => panic!("{other:?}"),
    });
    assert!(unsent.sum::<usize>() >= HIGH_MARK - LATE);
    rig.take_heard();
    rig.act(move |host, cx| host.wheels[&first].unpipe(cx));
    rig.hear(1);
    let heard = rig.heard();
    let [Heard::Item(rest), ..] = &heard[..] else { panic!("{heard:?}") };
    assert!(!rest.is_empty());
}

#[test]
fn another_sink_can_take_the_place_of_one_that_is_gone() {
    let ((one, mut client), (other, server)) = (pair(), pair());
    let (mut rig, [first, second]) = led(ReadWrite::builder(one), ReadWrite::builder(other));
    stay(&mut rig);
    drop(server);
    rig.hear(1);
    rig.act(move |host, _| host.wheels.remove(&second));
    rig.turns(3);
    assert_eq!(rig.take_heard(), [END, BROKEN]);
    client.write_all(b"for the next").expect("write");
    rig.turns(10);
    assert_eq!(rig.heard(), []);
    let (third, mut server) = pair();
    rig.act(move |host, cx| {
        let third = host.build(cx, ReadWrite::builder(third));
        host.wheels[&first].pipe_to(cx, &host.wheels[&third]);
    });
    assert_eq!(rig.read_meanwhile(&mut server, 12), b"for the next");
    half_close(&client);
    assert_eq!(read_to_end(&mut rig, &mut server), b"");
}

#[test]
fn a_sink_that_is_closed_already_is_told_at_once() {
    let ((one, _client), (other, _server)) = (pair(), pair());
    let (mut rig, [first, second]) = two(ReadWrite::builder(one), ReadWrite::builder(other));
    rig.act(move |host, cx| {
        host.wheels[&second].shutdown_output(cx);
        host.wheels[&first].pipe_to(cx, &host.wheels[&second]);
    });
    assert_eq!(rig.hear(1), [BROKEN]);
    rig.turns(10);
    assert_eq!(rig.heard(), [BROKEN], "once");
}

/// A stream that was cut off must not look like one that was completed.
#[test]
fn a_reset_of_the_source_is_told_and_not_passed_on() {
    let ((one, mut client), (other, mut server)) = (pair(), pair());
    let (mut rig, [first, second]) = joined(one, other);
    client.write_all(b"half").expect("write");
    assert_eq!(rig.read_meanwhile(&mut server, 4), b"half");
    net::reset(client);
    assert_eq!(rig.hear(1)[0], Heard::Failed(Operation::Read, ECONNRESET, 0));
    assert_eq!(rig.heard_of()[0].0, Some(first));
    stay(&mut rig);
    rig.turns(10);
    server.set_nonblocking(true).expect("non-blocking");
    let error = server.read(&mut [0; 8]).expect_err("neither bytes nor an end");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    server.write_all(b"more").expect("write");
    rig.turns(10);
    let mut told = rig.heard_of().split_off(1);
    told.sort_by_key(|(wheel, _)| *wheel);
    let write = Heard::Failed(Operation::Write, EPIPE, 4);
    assert_eq!(told, [(Some(first), write), (Some(second), BROKEN)]);
}

/// Whichever handle the handler of the end drops, and both.
#[test]
fn a_handle_may_be_dropped_in_a_handler_and_the_other_stream_is_told() {
    for dropped in [[true, false], [false, true], [true, true]] {
        let ((one, client), (other, _server)) = (pair(), pair());
        let (rig, ids) = joined(one, other);
        let mut rig = rig.react(move |host, _, heard| {
            if *heard == END {
                let gone = ids.iter().zip(dropped).filter(|(_, dropped)| *dropped);
                gone.for_each(|(id, _)| drop(host.wheels.remove(id)));
            }
        });
        half_close(&client);
        rig.hear(2);
        rig.turns(5);
        // Of the first, which has ended, there is nothing to tell any more.
        let then = if dropped == [true, false] { BROKEN } else { Heard::Stopped };
        assert_eq!(rig.heard()[..2], [END, then]);
        assert_eq!(rig.end().last(), Some(&Heard::Stopped));
    }
}

#[test]
fn after_unpipe_what_comes_is_the_sessions_again() {
    let ((one, mut client), (other, mut server)) = (pair(), narrow_pair());
    let (mut rig, [first, second]) = led(ReadWrite::builder(one), ReadWrite::builder(other));
    let mut sent = Noise::default();
    flood(&mut rig, &mut client, &mut sent);
    rig.act(move |host, cx| host.wheels[&first].unpipe(cx));
    half_close(&client);
    rig.until("the end", |heard| heard.last() == Some(&END));
    let came: Vec<_> = crate::support::items(&rig.heard()).concat();
    let all = rig.read_meanwhile(&mut server, sent.at - came.len());
    let mut check = Noise::default();
    check.check(&all);
    check.check(&came);
    assert_eq!(unsent(&mut rig, second), 0);
    server.set_nonblocking(true).expect("non-blocking");
    let error = server.read(&mut [0; 8]).expect_err("the end is not passed on");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_stream_that_is_piped_to_itself_is_an_echo() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| host.stream().pipe_to(cx, host.stream()));
    let mut writer = peer.try_clone().expect("dup");
    let writer = Peer::play(move || send(&mut writer, 8 << 20, 5));
    let reader = Peer::play(move || receive(&mut peer, 6));
    assert_eq!(reader.run(&mut rig.kernel), 8 << 20);
    writer.join();
    assert_eq!(rig.end(), [END, Heard::Stopped]);
}

#[test]
fn several_may_pipe_to_one_and_all_are_held_up() {
    let ((one, mut first), (two, mut second), (sink, mut server)) = (pair(), pair(), narrow_pair());
    let builders = [one, two, sink].map(ReadWrite::builder);
    let mut rig = Rig::start(Clock::system(), builders);
    let sink = rig.act(|host, cx| {
        let mut ids: Vec<_> = host.wheels.keys().copied().collect();
        ids.sort_unstable();
        host.wheels[&ids[0]].pipe_to(cx, &host.wheels[&ids[2]]);
        host.wheels[&ids[1]].pipe_to(cx, &host.wheels[&ids[2]]);
        ids[2]
    });
    let (mut noise, mut other) = (Noise::default(), Noise::default());
    let mut sent = flood(&mut rig, &mut first, &mut noise);
    sent += flood(&mut rig, &mut second, &mut other);
    let kept = unsent(&mut rig, sink);
    assert!((HIGH_MARK - LATE..2 * HIGH_MARK).contains(&kept), "{kept}");
    widen(&server);
    rig.read_meanwhile(&mut server, sent);
    assert_eq!(rig.heard(), []);
}

#[test]
fn lines_become_lines_with_the_endings_of_the_sink() {
    let ((one, mut client), (other, mut server)) = (pair(), pair());
    let source = ReadWrite::builder(one).filter(Line::new());
    let sink = ReadWrite::builder(other).filter(Line::new().output(b"\n"));
    let (mut rig, _) = led(source, sink);
    client.write_all(b"first\r\nsec").expect("write");
    assert_eq!(rig.read_meanwhile(&mut server, 6), b"first\n");
    client.write_all(b"ond\r\nrest").expect("write");
    half_close(&client);
    let all = read_to_end(&mut rig, &mut server);
    assert_eq!(all, b"second\nrest\n");
    assert_eq!(rig.hear(1)[0], END);
}

#[test]
fn lines_go_into_a_stream_of_bytes_without_their_endings() {
    let ((one, mut client), (other, mut server)) = (pair(), pair());
    let mut rig = Rig::new(ReadWrite::builder(one).filter(Line::new()));
    let _sink = rig.act(move |host, cx| {
        let sink = ReadWrite::builder(other).build(cx, "item", "failed");
        host.stream().pipe_to(cx, &sink);
        sink
    });
    client.write_all(b"one\r\ntwo\r\n").expect("write");
    assert_eq!(rig.read_meanwhile(&mut server, 6), b"onetwo");
}

/// Lines of at most three bytes.
pub(crate) struct Short;

impl Filter for Short {
    type Item = Bytes;
    type Out = Bytes;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        Stream.decode(input)
    }

    fn encode(&mut self, item: Bytes, out: &mut Output) -> Result<(), FilterError> {
        if item.len() > 3 {
            return Err(FilterError::TooLong { limit: 3 });
        }
        out.put_bytes(item);
        Ok(())
    }
}

#[test]
fn an_item_that_the_sink_cannot_express_ends_the_pipe_and_both_are_told() {
    let ((one, mut client), (other, mut server)) = (pair(), pair());
    let mut rig = Rig::new(ReadWrite::builder(one).filter(Line::new()));
    let first = rig.act(|host, _| host.stream().id());
    let sink = rig.act(move |host, cx| {
        let sink = ReadWrite::builder(other).filter(Short).build(cx, "item", "failed");
        host.stream().pipe_to(cx, &sink);
        sink
    });
    client.write_all(b"one\r\nlonger\r\ntwo\r\n").expect("write");
    assert_eq!(rig.read_meanwhile(&mut server, 3), b"one");
    rig.hear(2);
    rig.turns(10);
    let mut told = rig.heard_of();
    told.sort_by_key(|(wheel, _)| *wheel);
    let encode = Heard::Failed(Operation::Encode, EMSGSIZE, 0);
    assert_eq!(told, [(Some(first), BROKEN), (Some(sink.id()), encode)]);
    let put = rig.act(move |_, cx| sink.put(cx, "yes"));
    assert_eq!(put, Put::Queued, "the sink is none the worse");
    rig.take_heard();
    rig.act(|host, cx| host.stream().unpipe(cx));
    assert_eq!(rig.hear(1), [item("two")]);
}

#[test]
fn another_filter_on_the_source_ends_the_pipe() {
    let ((one, mut client), (other, _server)) = (pair(), pair());
    let (mut rig, [first, _]) = led(ReadWrite::builder(one), ReadWrite::builder(other));
    let _changed = rig.act(move |host, cx| {
        let wheel = host.wheels.remove(&first).expect("it is held");
        wheel.set_filter(cx, Line::new(), "item")
    });
    client.write_all(b"line\n").expect("write");
    assert_eq!(rig.hear(1), [item("line")]);
}

#[test]
fn another_filter_on_the_sink_is_a_sink_that_is_gone() {
    let ((one, _client), (other, _server)) = (pair(), pair());
    let (mut rig, [first, second]) = led(ReadWrite::builder(one), ReadWrite::builder(other));
    let _changed = rig.act(move |host, cx| {
        let wheel = host.wheels.remove(&second).expect("it is held");
        wheel.set_filter(cx, Line::new(), "item")
    });
    rig.hear(1);
    assert_eq!(rig.heard_of(), [(Some(first), BROKEN)]);
}

#[test]
fn what_was_read_before_there_was_a_pipe_goes_first() {
    let ((one, mut client), (other, mut server)) = (pair(), pair());
    let source = ReadWrite::builder(one).unread(noise(20_000));
    let (mut rig, _) = led(source, ReadWrite::builder(other));
    client.write_all(b"then this").expect("write");
    let all = rig.read_meanwhile(&mut server, 20_009);
    assert!(all == [&noise(20_000)[..], b"then this"].concat());
}

/// Both are at an end, and what the reader has not taken yet still leaves.
#[test]
fn after_both_ends_a_shutdown_of_both_loses_nothing() {
    let ((one, mut client), (other, mut server)) = (pair(), narrow_pair());
    let (rig, ids) = joined(one, other);
    let mut ends = 0;
    let mut rig = rig.react(move |host, cx, heard| {
        ends += u32::from(*heard == END);
        if ends == 2 && !host.wheels.is_empty() {
            ids.iter().for_each(|id| host.wheels.remove(id).expect("held").shutdown(cx));
        }
    });
    half_close(&server);
    let mut sent = Noise::default();
    flood(&mut rig, &mut client, &mut sent);
    half_close(&client);
    let reader = Peer::play(move || receive(&mut server, 9));
    assert_eq!(reader.run(&mut rig.kernel), sent.at);
    let client = Peer::play(move || net::read_to_end(&mut client));
    assert_eq!(client.run(&mut rig.kernel), Ending::Closed(Vec::new()));
    assert_eq!(rig.end(), [END, END, Heard::Stopped]);
}

/// A filter that panics when another takes its place.
struct Clinging;

impl Filter for Clinging {
    type Item = Bytes;
    type Out = Bytes;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        Stream.decode(input)
    }

    fn encode(&mut self, item: Bytes, out: &mut Output) -> Result<(), FilterError> {
        Stream.encode(item, out)
    }
}

impl Drop for Clinging {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            resume_unwind(Box::new("on purpose"));
        }
    }
}

/// The source is told as of every sink that is gone, and the peer of the sink that it is.
#[track_caller]
fn breaks_with_its_sink<G: Filter<Out = Bytes>>(
    filter: G,
    change: impl FnOnce(&mut Context<'_>, ReadWrite<G>) + 'static,
) where
    G::Item: Into<Bytes>,
{
    let ((one, mut client), (other, mut server)) = (pair(), pair());
    let mut rig = Rig::new(ReadWrite::builder(one));
    stay(&mut rig);
    let sink = rig.act(move |host, cx| {
        let sink = ReadWrite::builder(other).filter(filter).build(cx, "item", "failed");
        pipe(cx, host.stream(), &sink);
        sink
    });
    client.write_all(b"one").expect("write");
    assert_eq!(rig.read_meanwhile(&mut server, 3), b"one");
    let panicked =
        rig.act(move |_, cx| catch_unwind(AssertUnwindSafe(|| change(cx, sink))).is_err());
    assert!(panicked);
    assert_eq!(rig.hear(1), [BROKEN]);
    assert_eq!(read_to_end(&mut rig, &mut server), b"", "it is closed");
    client.write_all(b"two").expect("write");
    rig.turns(10);
    assert_eq!((rig.heard(), rig.kernel.wheel_count()), (vec![BROKEN], 1));
}

#[test]
fn a_sink_that_panics_while_its_filter_is_changed_is_gone_and_its_source_is_told() {
    breaks_with_its_sink(Clinging, |cx, sink| drop(sink.set_filter(cx, Line::new(), "line")));
    breaks_with_its_sink(Pair::new(Stream, Clinging), |cx, sink| {
        drop(sink.set_output_filter(cx, Line::new()));
    });
    breaks_with_its_sink(Pair::new(Clinging, Stream), |cx, sink| {
        drop(sink.set_input_filter(cx, Line::new(), "line"));
    });
}

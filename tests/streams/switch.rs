//! Another filter in the middle of a stream: nothing is lost, nothing comes twice, nothing comes late.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use bytes::Bytes;
use reactor::{Context, Event, States};
use testkit::net::Peer;
use wheels::filter::{Filter, Line, Stream};
use wheels::{Operation, Put, ReadWrite};

use crate::data::noise;
use crate::support::{self, Heard, Rig, half_close, items, pair};
use crate::switching::{ACT, Act, END, Held, Said, Talk, WORD, body, framing, line};

const EMSGSIZE: i32 = 90;

#[test]
fn lines_and_bodies_by_turns_come_whole_however_they_are_cut() {
    let all = b"5\r\nhello3\r\na\r\nGET\r\n\r\n2\r\n\r\n1\r\nxbye\r\n";
    let whole = [
        line("5"),
        body("hello"),
        line("3"),
        body("a\r\n"),
        line("GET"),
        line(""),
        line("2"),
        body("\r\n"),
        line("1"),
        body("x"),
        line("bye"),
    ];
    for cut in 0..=all.len() {
        let mut talk = Talk::new();
        talk.peer.write_all(&all[..cut]).expect("write");
        talk.turns(3);
        talk.peer.write_all(&all[cut..]).expect("write");
        talk.turns(3);
        assert_eq!(talk.said(), whole, "cut at {cut}");
    }
}

/// Some of it was read by somebody else before.
#[test]
fn lines_and_bodies_by_turns_come_whole_though_some_of_it_was_read_before() {
    let all = b"5\r\nhello3\r\nabcbye\r\n";
    let whole = [line("5"), body("hello"), line("3"), body("abc"), line("bye")];
    for cut in 0..=all.len() {
        let mut talk = Talk::of(|builder| builder.filter(framing()).unread(&all[..cut]));
        talk.peer.write_all(&all[cut..]).expect("write");
        talk.turns(4);
        assert_eq!(talk.said(), whole, "cut at {cut}");
    }
}

#[test]
fn bodies_longer_than_a_read_come_whole() {
    const LEN: usize = 300_000;
    let mut talk = Talk::new();
    let mut peer = talk.peer.try_clone().expect("dup");
    let writing = Peer::play(move || {
        for _ in 0..3 {
            peer.write_all(format!("{LEN}\r\n").as_bytes()).expect("write");
            peer.write_all(&noise(LEN)).expect("write");
        }
        peer.write_all(b"bye\r\n").expect("write");
    });
    writing.run(&mut talk.kernel);
    let said = talk.hear(7);
    let bodies: Vec<_> = said.iter().filter(|said| matches!(said, Said::Body(_))).collect();
    assert_eq!(bodies.len(), 3);
    assert!(bodies.iter().all(|body| **body == Said::Body(noise(LEN).to_vec())));
    assert_eq!(said.last(), Some(&line("bye")));
}

#[test]
fn what_was_read_is_told_before_any_other_event() {
    let mut talk = Talk::new();
    talk.act(|_, cx| cx.yield_(&WORD, "posted before it was read"));
    talk.peer.write_all(b"5\r\nhello3\r\nabcbye\r\n").expect("write");
    let said = talk.hear(6);
    let lines = [line("5"), body("hello"), line("3"), body("abc"), line("bye")];
    assert_eq!(said[..5], lines);
    assert_eq!(said[5..], [Said::Word("posted before it was read")]);
}

#[test]
fn what_was_put_leaves_as_it_was_encoded() {
    let mut talk = Talk::new();
    talk.act(|talker, cx| {
        let long = noise(2 << 20);
        assert_eq!(talker.held.as_ref().map(|held| held.put(cx, long)), Some(Put::Queued));
        talker.change(|held| held.into_body(cx, 1));
        let _put = talker.held.as_ref().map(|held| held.put(cx, "as it is"));
        talker.change(|held| held.into_lines(cx));
        let _put = talker.held.as_ref().map(|held| held.put(cx, "a line"));
    });
    let mut peer = talk.peer.try_clone().expect("dup");
    let reading = Peer::play(move || {
        let mut bytes = vec![0; (2 << 20) + 2 + 8 + 8];
        peer.read_exact(&mut bytes).expect("read");
        bytes
    });
    let bytes = reading.run(&mut talk.kernel);
    assert!(bytes[..2 << 20] == noise(2 << 20));
    assert_eq!(&bytes[2 << 20..], b"\r\nas it isa line\r\n");
}

#[test]
fn half_a_line_that_waits_is_input_to_the_next_filter() {
    let mut talk = Talk::new();
    talk.peer.write_all(b"one\r\nhalf").expect("write");
    talk.turns(3);
    assert_eq!(talk.said(), [line("one")]);
    talk.act(|talker, cx| talker.read_body(cx, 100));
    talk.turns(2);
    assert_eq!(talk.said(), [line("one"), body("half")]);
}

/// The handle was given to another session, which is told nothing.
#[test]
fn another_session_may_change_the_filter_and_the_first_is_told() {
    let mut talk = Talk::new();
    talk.peer.write_all(b"half").expect("write");
    talk.turns(3);
    const THERE: Event<Held> = Event::new("there");
    let states =
        States::new().on(&THERE, |kept: &mut Option<Held>, cx: &mut Context<'_>, it: Held| {
            *kept = Some(it.into_body(cx, 2).into_body(cx, 3));
            cx.delay("never", Duration::from_secs(1000), ());
        });
    let other = talk.kernel.spawn(&states, None);
    talk.act(move |talker, cx| {
        let held = talker.held.take().expect("it is held");
        cx.post(other, &THERE, held).expect("it is there");
    });
    talk.turns(3);
    assert_eq!(talk.said(), [body("hal")]);
}

fn stuck() -> Talk {
    let mut talk = Talk::of(|builder| builder.filter(framing().max_length(3)));
    talk.peer.write_all(b"one\r\ntoo long\r\nx").expect("write");
    let said = talk.hear(2);
    assert_eq!(said, [line("one"), Said::Failed(Operation::Decode, EMSGSIZE)]);
    talk
}

#[test]
fn what_was_refused_is_input_to_a_filter_that_takes_its_place_long_after() {
    let mut talk = stuck();
    // Others are served meanwhile.
    let (ours, mut theirs) = UnixStream::pair().expect("a pair");
    talk.act(move |talker, cx| {
        let other = ReadWrite::builder(ours).filter(framing()).build(cx, "line", "failed");
        let first = talker.held.replace(Held::Lines(other)).expect("it is held");
        let later: Act = Box::new(move |talker, cx| {
            talker.held = Some(first);
            talker.read_body(cx, 100);
        });
        cx.delay(&ACT, Duration::from_millis(20), later);
    });
    theirs.write_all(b"other\r\n").expect("write");
    assert_eq!(talk.hear(3)[2..], [line("other")]);
    assert_eq!(talk.hear(4)[3..], [body("too long\r\nx")]);
    talk.peer.write_all(b"more").expect("write");
    drop(theirs);
    let peer = talk.peer.try_clone().expect("dup");
    peer.shutdown(Shutdown::Write).expect("shutdown");
    assert!(talk.hear(5).contains(&body("too long\r\nxmore")), "{:?}", talk.said());
}

#[test]
fn a_stream_that_was_refused_lives_on_with_another_filter() {
    let mut talk = stuck();
    talk.act(|talker, cx| talker.change(|held| held.into_lines(cx)));
    talk.peer.write_all(b"yz\r\n").expect("write");
    assert_eq!(talk.hear(4)[2..], [line("too long"), line("xyz")]);
    talk.peer.shutdown(Shutdown::Write).expect("shutdown");
    assert_eq!(talk.hear(5)[4..], [END]);
}

#[test]
fn a_filter_may_be_changed_in_the_handler_of_its_failure() {
    let (ours, mut peer) = pair();
    type Any = Box<dyn Filter<Item = Bytes, Out = Bytes>>;
    let line: Any = Box::new(Line::new().max_length(3));
    let builder = ReadWrite::builder(ours).filter(line);
    let mut rig = Rig::new(builder).react(|host, cx, heard| {
        if matches!(heard, Heard::Failed(Operation::Decode, ..)) {
            let old = host.stream().replace_filter(cx, Box::new(Stream));
            assert!(old.is_some());
        }
    });
    peer.write_all(b"one\ntoo long\n").expect("write");
    let told = rig.hear(3);
    assert_eq!(items(&told), ["one", "too long\n"]);
    half_close(&peer);
    assert_eq!(rig.end()[3..], [support::END, Heard::Stopped]);
}

#[test]
fn a_pause_outlives_a_change_of_filter() {
    let mut talk = Talk::new();
    talk.peer.write_all(b"half").expect("write");
    talk.turns(3);
    talk.act(|talker, cx| {
        talker.held.as_ref().expect("held").lines().pause_input(cx);
        talker.read_body(cx, 3);
        talker.read_body(cx, 100);
    });
    talk.peer.write_all(b" and half").expect("write");
    talk.turns(5);
    assert_eq!(talk.said(), []);
    talk.act(|talker, cx| {
        let Some(Held::Body(wheel)) = &talker.held else { panic!("it was changed") };
        wheel.resume_input(cx);
    });
    talk.turns(3);
    assert_eq!(talk.said(), [body("half and half")]);
}

#[test]
fn after_the_end_a_change_brings_nothing_and_no_second_end() {
    let mut talk = Talk::new();
    talk.peer.write_all(b"one\r\n").expect("write");
    talk.peer.shutdown(Shutdown::Write).expect("shutdown");
    assert_eq!(talk.hear(2), [line("one"), END]);
    talk.act(|talker, cx| {
        talker.change(|held| held.into_body(cx, 7));
        assert_eq!(talker.held.as_ref().map(|it| it.put(cx, "bye")), Some(Put::Queued));
    });
    talk.turns(5);
    assert_eq!(talk.said(), [line("one"), END]);
    let mut bytes = [0; 3];
    talk.peer.read_exact(&mut bytes).expect("read");
    assert_eq!(&bytes, b"bye");
}

/// The last line has no ending: the end completes it, and what is behind it is the next filter's.
#[test]
fn what_the_end_completes_may_change_the_filter() {
    let mut talk = Talk::new();
    talk.peer.write_all(b"2\r\nab3").expect("write");
    talk.peer.shutdown(Shutdown::Write).expect("shutdown");
    assert_eq!(talk.hear(4), [line("2"), body("ab"), line("3"), END]);
}

/// A change at each record is no way around the share of a turn: neither of what comes, nor of what was
/// read before.
#[test]
fn p31_a_flooder_whose_filter_is_changed_at_each_record_gets_its_share() {
    const BODIES: usize = 20_000;
    let flood = || "1\r\nx".repeat(BODIES);
    let mut talks = [Talk::new(), Talk::of(|builder| builder.filter(framing()).unread(flood()))];
    let mut peer = talks[0].peer.try_clone().expect("dup");
    let flooder = Peer::play(move || peer.write_all(flood().as_bytes()).expect("write"));
    for talk in &mut talks {
        let mut before = 0;
        for _ in 0..5 {
            talk.turns(1);
            let count = talk.said().len();
            assert!(count - before <= 2 * 1024, "{} events in one turn", count - before);
            before = count;
        }
        assert_eq!(talk.hear(2 * BODIES).len(), 2 * BODIES);
    }
    flooder.join();
}

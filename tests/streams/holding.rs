//! Filters that keep something: items, bytes, an answer of their own.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use bytes::Bytes;
use reactor::Clock;
use wheels::filter::{Filter, FilterError, Input, Output, Stream};
use wheels::{Operation, ReadWrite, ReadWriteBuilder};

use crate::support::{END, FLUSHED, Heard, Rig, half_close, item, items, pair};

type Any = Box<dyn Filter<Item = Bytes, Out = Bytes>>;

/// A record is a line of words; each word is an item. What came is kept here, whole lines or not, as a
/// decompressor keeps it. A word that ends with `?` is answered, and the last line need not end.
#[derive(Default)]
struct Words {
    kept: Vec<u8>,
    made: VecDeque<Bytes>,
    answers: usize,
}

impl Words {
    fn make(&mut self, line: &[u8]) {
        let words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        self.made.extend(words.map(Bytes::copy_from_slice));
    }

    fn give(&mut self) -> Option<Bytes> {
        let word = self.made.pop_front()?;
        self.answers += usize::from(word.ends_with(b"?"));
        Some(word)
    }
}

impl Filter for Words {
    type Item = Bytes;
    type Out = Bytes;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        self.kept.extend_from_slice(input.as_slice());
        input.skip(input.len());
        while self.made.is_empty() {
            let Some(end) = self.kept.iter().position(|byte| *byte == b'\n') else { break };
            let line: Vec<u8> = self.kept.drain(..=end).collect();
            self.make(&line[..end]);
        }
        Ok(self.give())
    }

    fn finish(&mut self, _: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        let rest = std::mem::take(&mut self.kept);
        self.make(&rest);
        Ok(self.give())
    }

    fn holds_items(&self) -> bool {
        !self.made.is_empty() || self.kept.contains(&b'\n')
    }

    fn pending(&self) -> usize {
        self.kept.len()
    }

    fn take_pending(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.kept)
    }

    fn has_answer(&self) -> bool {
        self.answers > 0
    }

    fn answer(&mut self, out: &mut Output) {
        (0..std::mem::take(&mut self.answers)).for_each(|_| out.put_slice(b"<ask>"));
    }

    fn encode(&mut self, item: Bytes, out: &mut Output) -> Result<(), FilterError> {
        out.put_bytes(item);
        Ok(())
    }
}

fn words() -> (Rig<Any>, UnixStream) {
    let (ours, peer) = UnixStream::pair().expect("a pair");
    (Rig::new(of(ReadWrite::builder(ours))), peer)
}

fn of(builder: ReadWriteBuilder<Stream>) -> ReadWriteBuilder<Any> {
    let filter: Any = Box::<Words>::default();
    builder.filter(filter)
}

#[test]
fn several_items_of_one_record_come_one_by_one_however_it_is_cut() {
    let all = b"one two\nthree\n\nfour five six\nsev en";
    for cut in 0..=all.len() {
        let (mut rig, mut peer) = words();
        peer.write_all(&all[..cut]).expect("write");
        rig.turns(2);
        peer.write_all(&all[cut..]).expect("write");
        drop(peer);
        let told = rig.end();
        assert_eq!(items(&told), ["one", "two", "three", "four", "five", "six", "sev", "en"]);
        assert_eq!(told[8..], [END, Heard::Stopped]);
    }
}

#[test]
fn a_pause_between_two_items_of_a_record_keeps_the_second() {
    let (rig, mut peer) = words();
    let mut rig = rig.react(|host, cx, heard| {
        if *heard == item("one") {
            host.stream().pause_input(cx);
        }
    });
    peer.write_all(b"one two\n").expect("write");
    rig.turns(5);
    assert_eq!(rig.heard(), [item("one")]);
    rig.act(|host, cx| host.stream().resume_input(cx));
    rig.turns(2);
    assert_eq!(rig.heard(), ["one", "two"].map(item));
}

#[test]
fn p31_items_that_are_kept_are_told_a_share_at_a_time() {
    let (mut rig, mut peer) = words();
    peer.write_all("w ".repeat(5000).as_bytes()).expect("write");
    peer.write_all(b"\n").expect("write");
    for _ in 0..3 {
        let before = rig.heard().len();
        rig.turn();
        assert!(rig.heard().len() - before <= 1024, "{} in a turn", rig.heard().len() - before);
    }
    assert_eq!(rig.hear(5000).len(), 5000);
}

/// The bytes that the old one kept come first, before any other event.
#[test]
fn what_a_filter_kept_is_input_to_the_next_before_anything_else() {
    let (rig, mut peer) = words();
    let mut rig = rig.react(|host, cx, heard| {
        if *heard == item("two") {
            let old = host.stream().replace_filter(cx, Box::new(Stream)).expect("there is one");
            assert_eq!(old.pending(), 0);
        }
    });
    rig.act(|_, cx| cx.yield_("word", "posted before"));
    peer.write_all(b"one two\nkept and more").expect("write");
    rig.turns(2);
    let told = rig.heard();
    assert_eq!(
        told,
        [item("one"), item("two"), item("kept and more"), Heard::Word("posted before")]
    );
}

#[test]
fn what_a_filter_kept_comes_before_what_comes_next() {
    let (mut rig, mut peer) = words();
    peer.write_all(b"half").expect("write");
    rig.turns(2);
    rig.act(|host, cx| drop(host.stream().replace_filter(cx, Box::new(Stream))));
    peer.write_all(b" and half").expect("write");
    rig.turns(3);
    assert_eq!(items(&rig.heard()).concat(), b"half and half");
}

#[test]
fn what_the_end_completes_is_the_next_filters_if_the_last_gives_it_back() {
    /// Takes one byte at the end, and leaves the rest.
    struct First;
    impl Filter for First {
        type Item = Bytes;
        type Out = Bytes;
        fn decode(&mut self, _: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
            Ok(None)
        }
        fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
            Ok((!input.is_empty()).then(|| input.take(1)))
        }
        fn encode(&mut self, _: Bytes, _: &mut Output) -> Result<(), FilterError> {
            Ok(())
        }
    }
    for cut in 0..4_usize {
        let (ours, mut peer) = UnixStream::pair().expect("a pair");
        let filter: Any = Box::new(First);
        let mut left = cut;
        let rig = Rig::new(ReadWrite::builder(ours).filter(filter));
        let rig = rig.react(move |host, cx, heard| {
            if matches!(heard, Heard::Item(_)) {
                if left == 0 {
                    let old = host.stream().replace_filter(cx, Box::new(Stream));
                    assert!(old.is_some());
                }
                left = left.saturating_sub(1);
            }
        });
        peer.write_all(b"abcdef").expect("write");
        drop(peer);
        let told = rig.end();
        assert_eq!(items(&told).concat(), b"abcdef");
        assert_eq!(items(&told).len(), cut + 2);
        assert_eq!(told[cut + 2..], [END, Heard::Stopped]);
    }
}

/// All that came is consumed, and yet a record is unfinished.
#[test]
fn p43_bytes_that_a_filter_keeps_are_an_unfinished_record() {
    for bytes in ["half", "one two\nhalf"] {
        let (ours, mut peer) = UnixStream::pair().expect("a pair");
        let clock = Clock::virtual_time();
        let builder = of(ReadWrite::builder(ours)).frame_timeout(Duration::from_secs(10));
        let mut rig = Rig::timed(&clock, builder);
        peer.write_all(bytes.as_bytes()).expect("write");
        rig.turns(2);
        rig.take_heard();
        clock.advance(Duration::from_secs(10));
        rig.turn();
        let told = rig.heard();
        assert_eq!(told[..1], [Heard::Failed(Operation::FrameTimeout, 110, 0)], "{bytes:?}");
    }
}

#[test]
fn a_framings_own_answer_leaves_before_what_is_put_and_in_the_same_write() {
    let (ours, mut peer) = pair();
    let builder = of(ReadWrite::builder(ours)).flushed_event(&FLUSHED);
    let mut rig = Rig::new(builder).react(|host, cx, heard| {
        if let Heard::Item(bytes) = heard {
            let _put = host.put(cx, bytes.clone());
        }
    });
    peer.write_all(b"who? me why?\n").expect("write");
    rig.turns(3);
    let mut buffer = [0; 100];
    let count = peer.read(&mut buffer).expect("read");
    assert_eq!(&buffer[..count], b"<ask>who?me<ask>why?");
    half_close(&peer);
    assert_eq!(rig.end()[4..], [END, Heard::Stopped]);
}

#[test]
fn an_answer_leaves_though_nothing_is_put() {
    let (mut rig, mut peer) = words();
    peer.write_all(b"who?\n").expect("write");
    rig.turns(2);
    let mut buffer = [0; 5];
    peer.read_exact(&mut buffer).expect("read");
    assert_eq!(&buffer, b"<ask>");
}

/// Of the last record too, and the session stays until it has left.
#[test]
fn an_answer_at_the_end_leaves() {
    let (mut rig, mut peer) = words();
    peer.write_all(b"who? why?").expect("write");
    peer.shutdown(std::net::Shutdown::Write).expect("shutdown");
    rig.hear(3);
    let mut buffer = [0; 10];
    peer.read_exact(&mut buffer).expect("read");
    assert_eq!(&buffer, b"<ask><ask>");
    assert_eq!(rig.end()[2..], [END, Heard::Stopped]);
}

#[test]
fn an_answer_that_cannot_be_sent_any_more_is_forgotten() {
    let (mut rig, mut peer) = words();
    rig.act(|host, cx| {
        let _put = host.put(cx, "bye");
        host.stream().shutdown_output(cx);
    });
    rig.turn();
    peer.write_all(b"who?\nme\n").expect("write");
    rig.turns(3);
    assert_eq!(rig.heard(), ["who?", "me"].map(item));
    let mut answer = String::new();
    peer.read_to_string(&mut answer).expect("read");
    assert_eq!(answer, "bye");
}

/// Who asks and asks and never reads the answers fills no memory.
#[test]
fn answers_that_nobody_reads_are_too_much_at_some_time() {
    let (ours, mut peer) = UnixStream::pair().expect("a pair");
    let mut rig = Rig::new(of(ReadWrite::builder(ours)).most_unsent(100_000));
    let is_over = |heard: &[Heard]| {
        heard.iter().any(|heard| matches!(heard, Heard::Failed(Operation::OutputLimit, 105, _)))
    };
    for _ in 0..1000 {
        peer.write_all("?\n".repeat(1000).as_bytes()).expect("write");
        rig.turns(2);
        let unsent = rig.act(|host, cx| host.stream().unsent(cx));
        assert!(unsent < 101_000, "{unsent} bytes are kept");
        if is_over(&rig.take_heard()) {
            return;
        }
    }
    panic!("a million answers were not too much");
}

//! `Codec`: codecs of `tokio_util` against our own filters, and what the adapter adds.

use std::io::IoSlice;

use bytes::{Bytes, BytesMut};
use filters::{Block, Codec, Filter, FilterError, Input, Line, Output, Stream};
use proptest::prelude::*;
use proptest::sample::Index;
use tokio_util::codec::{Decoder, Encoder, LengthDelimitedCodec, LinesCodec};

use crate::feed::cases;
use crate::reads::{assert_cuts_do_not_show, read, refusal, write};

fn lines() -> Codec<LinesCodec, String> {
    Codec::new(LinesCodec::new())
}

fn records() -> Codec<LengthDelimitedCodec, Bytes> {
    Codec::new(LengthDelimitedCodec::new())
}

#[test]
fn lines_come_and_go() {
    let got = read(lines(), &[b"one\r\ntw", b"o\nthree"], true);
    assert_eq!((got.items, got.failed), (["one", "two", "three"].map(str::to_owned).into(), None));
    assert_eq!(write(lines(), ["a".to_owned(), "b".to_owned()]), b"a\nb\n");
}

#[test]
fn records_come_and_go() {
    let stream = b"\0\0\0\x05hello\0\0\0\0\0\0\0\x02ab";
    let got = read(records(), &[stream], true);
    assert_eq!((got.items, got.failed), (["hello", "", "ab"].map(BytesMut::from).into(), None));
    assert_eq!(write(records(), ["hello", "", "ab"].map(Bytes::from)), stream);
}

#[test]
fn what_is_encoded_may_have_many_types() {
    let mut out = Output::new();
    Codec::<_, &'static str>::new(LinesCodec::new()).encode("a", &mut out).unwrap();
    Codec::<_, Box<str>>::new(LinesCodec::new()).encode("b".into(), &mut out).unwrap();
    assert_eq!(out.contiguous(), Some(&b"a\nb\n"[..]));
}

#[test]
fn it_holds_items_until_the_codec_needs_more() {
    let mut lines = lines();
    let mut input = Input::new(b"one\ntwo\n");
    assert!(!lines.holds_items());
    assert_eq!(lines.decode(&mut input).unwrap().as_deref(), Some("one"));
    assert!(input.is_empty() && lines.holds_items());
    assert_eq!(lines.decode(&mut Input::new(b"")).unwrap().as_deref(), Some("two"));
    assert_eq!(lines.decode(&mut Input::new(b"")), Ok(None));
    assert!(!lines.holds_items());
}

#[test]
fn a_filter_swap_takes_what_the_codec_left() {
    let mut lines = lines();
    let mut input = Input::new(b"STARTTLS\n\x16\x03rest");
    assert_eq!(lines.decode(&mut input).unwrap().as_deref(), Some("STARTTLS"));
    let pending = lines.take_pending();
    assert!(!lines.holds_items() && lines.take_pending().is_empty());
    assert_eq!(pending, b"\x16\x03rest");
    assert_eq!(Stream.decode(&mut Input::new(&pending)).unwrap().unwrap(), pending);
}

#[test]
fn the_codec_s_error_is_final_and_has_its_text() {
    let mut lines: Codec<_, String> = Codec::new(LinesCodec::new_with_max_length(4));
    let mut input = Input::new(b"ok\ntoo long\nok\n");
    assert_eq!(lines.decode(&mut input).unwrap().as_deref(), Some("ok"));
    for _ in 0..3 {
        let error = lines.decode(&mut input);
        assert_eq!(error, Err(FilterError::malformed(0, "max line length exceeded")));
        assert_eq!(lines.finish(&mut input), error);
        assert!(!lines.holds_items());
    }
}

#[test]
fn what_the_codec_makes_of_the_end_counts() {
    let got = read(lines(), &[b"one\nlast"], true);
    assert_eq!(got.items, ["one", "last"]);
    let got = read(records(), &[b"\0\0\0\x05hel"], true);
    assert_eq!(got.failed, Some(FilterError::malformed(0, "bytes remaining on stream")));
    // The end may complete more than one.
    let got = read(Codec::<_, u8>::new(AtTheEnd), &[b"abc"], true);
    assert_eq!((got.items, got.failed, got.pending), (b"abc".to_vec(), None, Vec::new()));
}

#[test]
fn the_codec_is_given_no_more_than_the_limit() {
    let too_long = Some(FilterError::TooLong { limit: 10 });
    let stream = b"short\n0123456789\n";
    let got = read(lines().max_length(10), &[stream], true);
    assert_eq!((got.items, got.failed), (vec!["short".to_owned()], too_long));
    assert_eq!(read(lines().max_length(11), &[stream], true).failed, None);
}

#[test]
fn p15_a_line_without_end_is_refused_at_the_limit() {
    let mut lines = lines();
    let chunk = [b'a'; 1024];
    let mut given = 0;
    let memory = allocation_counter::measure(|| {
        let error = loop {
            given += chunk.len();
            match lines.decode(&mut Input::new(&chunk)) {
                Ok(item) => assert_eq!(item, None),
                Err(error) => break error,
            }
        };
        assert_eq!(error, FilterError::TooLong { limit: 65_536 });
    });
    assert_eq!(given, 65_536 + 1024);
    assert!(memory.bytes_max <= 4 * 65_536, "{} bytes", memory.bytes_max);
}

#[test]
fn a_codec_that_only_swallows_gets_all_there_is() {
    let got = read(Codec::<_, u8>::new(Swallow).max_length(10), &[&[0; 1000]], true);
    assert_eq!((got.items.len(), got.failed, got.pending), (0, None, Vec::new()));
}

#[test]
fn an_idle_stream_holds_no_buffer() {
    let mut records = records();
    let mut stream = vec![0, 0, 0x40, 0];
    stream.resize(4 + 0x4000, b'x');
    let kept = allocation_counter::measure(|| {
        let mut input = Input::new(&stream);
        assert_eq!(records.decode(&mut input).unwrap().map(|record| record.len()), Some(0x4000));
        assert_eq!(records.decode(&mut input), Ok(None));
    });
    assert_eq!(kept.bytes_current, 0);
}

#[test]
fn what_is_announced_costs_no_memory() {
    let mut records = records();
    let kept = allocation_counter::measure(|| {
        // Eight megabytes, which is what this codec would accept.
        assert_eq!(records.decode(&mut Input::new(b"\0\x80\0\0abc")), Ok(None));
    });
    assert!(kept.bytes_current <= 65_536, "{} bytes", kept.bytes_current);
    let error = records.decode(&mut Input::new(&[0; 65_536]));
    assert_eq!(error, Err(FilterError::TooLong { limit: 65_536 }));
}

#[test]
fn many_small_items_behind_each_other_are_not_copied_again_and_again() {
    // A megabyte in one read, of lines of one byte, half of which the session keeps.
    let stream = b"\0\0\0\x01x".repeat(200_000);
    let mut records = records();
    let mut input = Input::new(&stream);
    let mut kept = Vec::new();
    let memory = allocation_counter::measure(|| {
        while let Some(record) = records.decode(&mut input).unwrap() {
            kept.push(record);
        }
    });
    assert_eq!(kept.len(), 200_000);
    // The vector that grows, and each byte about twice.
    let vector = 4 * 200_000 * size_of::<BytesMut>() as u64;
    assert!(memory.bytes_total <= vector + 4 * stream.len() as u64, "{memory:?}");
}

#[test]
fn a_refused_item_leaves_nothing_behind() {
    let error = refusal(Codec::<_, u8>::new(Swallow), 7);
    assert_eq!(error, FilterError::malformed(0, "never \\u{7} again"));
    let codec = LengthDelimitedCodec::builder().max_frame_length(3).new_codec();
    let error = refusal(Codec::new(codec), Bytes::from("four"));
    assert!(matches!(error, FilterError::Malformed { at: 0, .. }), "{error:?}");
}

#[test]
fn a_long_item_is_sent_without_a_second_copy() {
    let mut out = Output::new();
    lines().encode("x".repeat(10_000), &mut out).unwrap();
    let whole = out.contiguous().map(<[u8]>::as_ptr);
    out.put_slice(b"behind it");
    let mut runs = [IoSlice::new(b""); 3];
    assert_eq!(out.slices(&mut runs), 2, "it was linked");
    assert_eq!((Some(runs[0].as_ptr()), runs[0].len()), (whole, 10_001));
}

#[test]
fn it_shows_counts_and_no_content() {
    let mut lines = lines();
    lines.decode(&mut Input::new(b"secret")).unwrap();
    let shown = format!("{lines:?}");
    assert!(shown.contains("buffer: 6") && !shown.contains("secret"), "{shown}");
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn p16_every_split_gives_the_same_items_and_the_same_error(
        stream in prop::collection::vec(prop::sample::select(b"\0\0\0\x01\x02\r\nab".to_vec()), 0..40),
        limit in prop_oneof![3 => 0..12_usize, 1 => Just(65_536)],
        cuts in prop::collection::vec(any::<Index>(), 0..8),
    ) {
        assert_cuts_do_not_show(|| lines().max_length(limit), &stream, &cuts);
        assert_cuts_do_not_show(|| records().max_length(limit), &stream, &cuts);
        assert_cuts_do_not_show(|| Codec::<_, u8>::new(AtTheEnd).max_length(limit), &stream, &cuts);
    }

    #[test]
    fn its_lines_are_those_of_line(
        texts in prop::collection::vec("[a-zß ]{0,20}", 0..10),
        last in "[a-z]{0,5}",
    ) {
        let stream = [write(Line::literal(b"\n"), texts.into_iter().map(Bytes::from)), last.into()];
        let stream = stream.concat();
        let theirs = read(lines(), &[&stream], true);
        let ours = read(Line::literal(b"\n"), &[&stream], true);
        prop_assert_eq!(theirs.items, ours.items);
        prop_assert_eq!((theirs.failed, theirs.pending), (ours.failed, ours.pending));
    }

    #[test]
    fn its_records_are_those_of_block(
        items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..10),
    ) {
        let items: Vec<Bytes> = items.into_iter().map(Bytes::from).collect();
        let stream = write(records(), items.clone());
        prop_assert_eq!(&stream, &write(Block::u32_be(), items.clone()));
        prop_assert_eq!(read(records(), &[&stream], true).items, items.clone());
        prop_assert_eq!(read(Block::u32_be(), &[&stream], true).items, items);
    }

    #[test]
    fn no_bytes_bring_it_down(stream in prop::collection::vec(any::<u8>(), 0..100)) {
        let consumed = |pending: &[u8]| assert!(stream.ends_with(pending));
        consumed(&read(lines(), &[&stream], false).pending);
        consumed(&read(records(), &[&stream], false).pending);
    }
}

/// Makes items of bytes, but only when no more come.
struct AtTheEnd;

impl Decoder for AtTheEnd {
    type Item = u8;
    type Error = std::io::Error;

    fn decode(&mut self, _: &mut BytesMut) -> Result<Option<u8>, Self::Error> {
        Ok(None)
    }

    fn decode_eof(&mut self, bytes: &mut BytesMut) -> Result<Option<u8>, Self::Error> {
        Ok((!bytes.is_empty()).then(|| bytes.split_to(1)[0]))
    }
}

impl Encoder<u8> for AtTheEnd {
    type Error = std::io::Error;

    fn encode(&mut self, item: u8, out: &mut BytesMut) -> Result<(), Self::Error> {
        out.extend_from_slice(&[item]);
        Ok(())
    }
}

/// Makes nothing of anything, and says so after half an item has been written.
struct Swallow;

impl Decoder for Swallow {
    type Item = u8;
    type Error = std::io::Error;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<u8>, Self::Error> {
        bytes.clear();
        Ok(None)
    }
}

impl Encoder<u8> for Swallow {
    type Error = std::io::Error;

    fn encode(&mut self, _: u8, out: &mut BytesMut) -> Result<(), Self::Error> {
        out.extend_from_slice(b"half");
        Err(std::io::Error::other("never \u{7} again"))
    }
}

//! `Block`: POE's scenarios, then the ones where we differ, then what all blocks have in common.
//!
//! POE's bad constructors cannot be written down here, and `MaxBuffer` has no counterpart.

use bytes::Bytes;
use filters::length::{LengthCodec, Prefix};
use filters::{Block, Filter, FilterError, Input, Output, Stream};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::feed::{cases, encode, feed, feed_to_end, standard_test};
use crate::reads::{assert_cuts_do_not_show, read, refusal, write};

#[test]
fn fixed_blocks_are_cut_and_joined() {
    standard_test(&Block::fixed(4), &[b"12345678"], &["1234", "5678"], b"12345678");
}

#[test]
fn decimal_lengths_both_ways() {
    let stream = b"1\0a2\0bc3\0def4\0ghij";
    standard_test(&Block::new(), &[stream], &["a", "bc", "def", "ghij"], stream);
}

#[test]
fn a_header_may_come_byte_by_byte() {
    let mut block = Block::new();
    assert!(feed(&mut block, &[b"1", b"0", b"\0", b"klmno"]).items.is_empty());
    let fed = feed(&mut Block::new(), &[b"1", b"0", b"\0", b"klmno", b"pqrst"]);
    assert_eq!(fed.items, ["klmnopqrst"]);
}

#[test]
fn a_codec_of_four_bytes_both_ways() {
    let stream = b"\0\0\0\x01a\0\0\0\x02bc\0\0\0\x03def\0\0\0\x04ghij";
    standard_test(&Block::u32_be(), &[stream], &["a", "bc", "def", "ghij"], stream);
    let fed = feed(&mut Block::u32_be(), &[b"\0", b"\0", b"\0", b"\x0a", b"klmno", b"pqrst"]);
    assert_eq!(fed.items, ["klmnopqrst"]);
}

#[test]
fn a_block_over_the_limit_is_refused() {
    let fed = feed(&mut Block::new().max_length(10), &[b"134\0a bunch of text"]);
    assert_eq!(fed.failed, Some((0, FilterError::TooLong { limit: 10 })));
}

#[test]
fn a_partial_block_stays_pending() {
    let fed = feed(&mut Block::fixed(64), &[&[b'a'; 64], b"partial block"]);
    assert_eq!((fed.items.len(), fed.pending), (1, b"partial block".to_vec()));
}

#[test]
fn a_filter_swap_in_mid_block_keeps_its_header() {
    let mut input = Input::new(b"2\0ab100\0partial");
    let mut block = Block::new();
    assert_eq!(block.decode(&mut input).unwrap().unwrap(), "ab");
    assert_eq!(block.decode(&mut input), Ok(None));
    assert!(block.take_pending().is_empty());
    assert_eq!(Stream.decode(&mut input).unwrap().unwrap(), "100\0partial");
}

#[test]
fn junk_instead_of_a_length_is_an_error_at_once() {
    let fed = feed(&mut Block::new(), &[b"2\0ab", b"x"]);
    let what = "not a decimal length".into();
    assert_eq!(fed.items, ["ab"]);
    assert_eq!(fed.failed, Some((4, FilterError::Malformed { at: 0, what })));
    for (junk, place) in [(&b"\0"[..], 0), (b"-1\0", 0), (b" 1\0", 0), (b"12 \0", 2), (b"1\n", 1)] {
        let error = read(Block::new(), &[junk], false).failed;
        assert!(
            matches!(error, Some(FilterError::Malformed { at, .. }) if at == place),
            "{junk:?}"
        );
    }
}

#[test]
fn leading_zeros_are_read_as_poe_reads_them() {
    assert_eq!(feed(&mut Block::new(), &[b"002\0ab"]).items, ["ab"]);
}

#[test]
fn a_length_without_end_is_an_error() {
    let digits = read(Block::new(), &[&[b'0'; 21]], false).failed;
    assert!(matches!(digits, Some(FilterError::Malformed { at: 20, .. })), "{digits:?}");
    assert_eq!(read(Block::new(), &[&[b'0'; 20]], false).failed, None);

    let varint = read(Block::varint(), &[&[0x80; 10]], false).failed;
    assert!(matches!(varint, Some(FilterError::Malformed { at: 9, .. })), "{varint:?}");
    assert_eq!(read(Block::varint(), &[&[0x80; 9]], false).failed, None);

    let own = read(Block::with_codec(Never), &[b"abc"], false).failed;
    assert!(matches!(own, Some(FilterError::Malformed { at: 3, .. })), "{own:?}");
    assert_eq!(read(Block::with_codec(Never), &[b"ab"], false).failed, None);
}

#[test]
fn the_length_is_judged_before_the_block_arrives() {
    let too_long = Some(FilterError::TooLong { limit: 65_536 });
    assert_eq!(read(Block::new(), &[b"4294967296\0"], false).failed, too_long);
    assert_eq!(read(Block::new(), &[b"99999999999999999999\0"], false).failed, too_long);
    assert_eq!(read(Block::u32_be(), &[&[0xff; 4]], false).failed, too_long);
    assert_eq!(read(Block::u32_le(), &[&[0xff; 4]], false).failed, too_long);
    assert_eq!(read(Block::varint(), &[b"\x81\x80\x04"], false).failed, too_long);
    let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    assert_eq!(read(Block::varint(), &[&most], false).failed, too_long);
    let all = FilterError::TooLong { limit: usize::MAX };
    assert_eq!(read(Block::varint().max_length(usize::MAX), &[&most], false).failed, Some(all));
}

#[test]
fn a_block_of_just_the_limit_passes() {
    let most = Bytes::from(vec![b'x'; 65_536]);
    let stream = encode(&mut Block::new(), std::slice::from_ref(&most));
    assert_eq!(feed(&mut Block::new(), &[&stream]).items, [most]);
    assert_eq!(feed(&mut Block::new().max_length(0), &[b"0\x000\0"]).items, ["", ""]);
}

#[test]
fn what_is_put_is_measured() {
    let long = Bytes::from(vec![0; 65_537]);
    let limit = |limit| FilterError::TooLong { limit };
    assert_eq!(refusal(Block::new(), long.clone()), limit(65_536));
    assert_eq!(refusal(Block::u16_be().max_length(70_000), long.clone()), limit(65_535));
    assert_eq!(refusal(Block::u16_le().max_length(70_000), long), limit(65_535));
    assert_eq!(refusal(Block::fixed(4), "12345".into()), limit(4));
    let short = refusal(Block::fixed(4), "123".into());
    assert!(matches!(short, FilterError::Malformed { at: 3, .. }), "{short:?}");
}

#[test]
fn a_refused_item_is_no_obstacle_to_the_next() {
    let mut out = Output::new();
    let mut block = Block::new().max_length(2);
    assert!(block.encode("abc".into(), &mut out).is_err());
    assert_eq!(block.encode("ab".into(), &mut out), Ok(()));
    assert_eq!(out.contiguous(), Some(&b"2\0ab"[..]));
}

#[test]
fn blocks_of_no_bytes_do_not_come_for_ever() {
    assert_eq!(Block::fixed(0).decode(&mut Input::new(b"")), Ok(None));
    let error = Block::fixed(0).decode(&mut Input::new(b"a"));
    assert!(matches!(error, Err(FilterError::Malformed { .. })), "{error:?}");
    assert!(matches!(refusal(Block::fixed(0), Bytes::new()), FilterError::Malformed { .. }));
}

#[test]
fn nothing_is_no_error_even_where_no_block_could_come() {
    // As the next of two filters, it is asked before anything came.
    for impossible in [Block::fixed(11).max_length(10), Block::fixed(0)] {
        assert_eq!(feed(&mut impossible.clone(), &[b""]).failed, None);
        assert_eq!(Stream.then(impossible).decode(&mut Input::new(b"")), Ok(None));
        assert!(feed(&mut impossible.clone(), &[b"", b"a"]).failed.is_some());
    }
}

#[test]
fn half_a_block_is_none_when_the_peer_ends() {
    let fed = feed_to_end(&mut Block::new(), &[b"2\0ab5\0hel"]);
    assert_eq!((fed.items, fed.failed), (vec![Bytes::from("ab")], None));
    assert_eq!(fed.pending, b"5\0hel");
}

#[test]
fn varints_may_be_longer_than_need_be_but_are_written_short() {
    assert_eq!(
        feed(&mut Block::varint(), &[b"\x82\x80\x80\x80\x80\x80\x80\x80\x80\0ab"]).items,
        ["ab"]
    );
    let blocks = [0, 1, 127, 128, 300, 16_383, 16_384].map(|n| Bytes::from(vec![b'x'; n]));
    let sent = blocks.clone().map(|block| encode(&mut Block::varint(), &[block]));
    let widths: Vec<usize> = sent.iter().zip(&blocks).map(|(s, b)| s.len() - b.len()).collect();
    assert_eq!(widths, [1, 1, 1, 2, 2, 2, 3]);
    assert_eq!(sent[4][..2], [0xac, 0x02]); // the example of the protobuf documentation
}

#[test]
fn a_varint_of_more_than_64_bits_is_an_error_and_no_small_length() {
    // The bits that do not fit must not be dropped: what is left would be a length of 0.
    let stream = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2];
    let what = "a length of more than 64 bits".into();
    let error = read(Block::varint(), &[&stream], false).failed;
    assert_eq!(error, Some(FilterError::Malformed { at: 9, what }));
}

#[test]
fn an_error_is_repeated_and_consumes_nothing() {
    let mut block = Block::new();
    let mut input = Input::new(b"x2\0ab");
    let error = block.decode(&mut input).unwrap_err();
    for _ in 0..2 {
        assert_eq!(block.decode(&mut input), Err(error.clone()));
        assert_eq!(input.consumed(), 0);
    }
}

#[test]
fn a_long_block_costs_no_more_for_coming_in_small_reads() {
    // Two megabytes, looked at after every byte. Were each look more than the header, this would
    // not end today.
    let mut all = b"2000000\0".to_vec();
    all.resize(all.len() + 2_000_000, b'x');
    let mut block = Block::new().max_length(2_000_000);
    for end in 0..all.len() {
        assert_eq!(block.decode(&mut Input::new(&all[..end])), Ok(None));
    }
    assert_eq!(block.decode(&mut Input::new(&all)).unwrap().unwrap().len(), 2_000_000);
}

#[test]
fn a_long_block_is_sent_without_a_copy() {
    let long = Bytes::from(vec![b'x'; Output::LINKED_FROM]);
    let mut out = Output::new();
    Block::new().encode(long.clone(), &mut out).unwrap();
    out.advance(b"4096\0".len());
    assert_eq!(out.contiguous().unwrap().as_ptr(), long.as_ptr());
}

#[test]
fn blocks_are_small() {
    assert_eq!(size_of::<Block>(), size_of::<usize>());
}

type Kind<'a> = &'a dyn Fn() -> Box<dyn Filter<Item = Bytes, Out = Bytes>>;

/// Calls `check` with a constructor of each kind of block.
fn each_kind(limit: usize, check: impl Fn(Kind<'_>)) {
    check(&|| Box::new(Block::new().max_length(limit)));
    check(&|| Box::new(Block::fixed(3)));
    check(&|| Box::new(Block::u16_be().max_length(limit)));
    check(&|| Box::new(Block::u16_le().max_length(limit)));
    check(&|| Box::new(Block::u32_be().max_length(limit)));
    check(&|| Box::new(Block::u32_le().max_length(limit)));
    check(&|| Box::new(Block::varint().max_length(limit)));
    check(&|| Box::new(Block::with_codec(Tagged).max_length(limit)));
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn p16_every_split_gives_the_same_blocks_and_the_same_error(
        stream in stream(),
        limit in prop_oneof![3 => 0..12_usize, 1 => Just(65_536)],
        cuts in prop::collection::vec(any::<Index>(), 0..8),
    ) {
        each_kind(limit, |new| assert_cuts_do_not_show(new, &stream, &cuts));
    }

    #[test]
    fn no_bytes_bring_it_down(stream in prop::collection::vec(any::<u8>(), 0..200)) {
        each_kind(65_536, |new| {
            let got = read(new(), &[&stream], true);
            assert!(stream.ends_with(&got.pending), "what is left is the end of what came");
        });
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same_blocks(
        items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..4),
        cuts in prop::collection::vec(any::<Index>(), 0..8),
    ) {
        let items: Vec<Bytes> = items.into_iter().map(Bytes::from).collect();
        each_kind(65_536, |new| {
            let fits = |item: &&Bytes| new().encode((*item).clone(), &mut Output::new()).is_ok();
            let items: Vec<Bytes> = items.iter().filter(fits).cloned().collect();
            let sent = write(new(), items.clone());
            let got = read(new(), &[&sent], true);
            assert_eq!((got.items, got.failed, got.pending), (items, None, Vec::new()));
            if sent.len() < 100 {
                assert_cuts_do_not_show(new, &sent, &cuts);
            }
        });
    }
}

/// Bytes that are often a header and sometimes junk.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        6 => prop::sample::select(b"\0\0\0\x01\x02\x03\x80\x81123T".to_vec()),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..40)
}

/// A codec as a user would write it: a letter, then one byte.
struct Tagged;

impl LengthCodec for Tagged {
    const MAX_WIDTH: usize = 2;

    fn decode(&self, bytes: &[u8]) -> Result<Option<Prefix>, FilterError> {
        match bytes {
            [b'T', length, ..] => Ok(Some(Prefix { width: 2, length: usize::from(*length) })),
            [] | [b'T'] => Ok(None),
            _ => Err(FilterError::Malformed { at: 0, what: "no tag".into() }),
        }
    }

    fn encode(&self, length: usize, out: &mut Output) -> Result<(), FilterError> {
        let length = u8::try_from(length).map_err(|_| FilterError::TooLong { limit: 255 })?;
        out.put_slice(&[b'T', length]);
        Ok(())
    }
}

/// A codec that is never content.
struct Never;

impl LengthCodec for Never {
    const MAX_WIDTH: usize = 3;

    fn decode(&self, _: &[u8]) -> Result<Option<Prefix>, FilterError> {
        Ok(None)
    }

    fn encode(&self, _: usize, _: &mut Output) -> Result<(), FilterError> {
        Ok(())
    }
}

//! `NetString`: the examples of its specification, and what is not one.

use bytes::Bytes;
use filters::{Filter, FilterError, Input, NetString, Stream};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::feed::{cases, feed, feed_to_end, standard_test};
use crate::reads::{assert_cuts_do_not_show, read, refusal, write};

#[test]
fn the_examples_of_the_specification_both_ways() {
    let stream = b"12:hello world!,0:,";
    standard_test(&NetString::new(), &[stream], &["hello world!", ""], stream);
}

#[test]
fn what_is_not_canonical_is_refused_at_the_first_wrong_byte() {
    let wrong: [(&[u8], usize); 9] = [
        (b"x", 0),
        (b":,", 0),
        (b"-1:,", 0),
        (b" 1:a,", 0),
        (b"05", 0),
        (b"00:,", 0),
        (b"5 :hello,", 1),
        (b"5:hello;", 7),
        (b"0::", 2),
    ];
    for (stream, place) in wrong {
        let error = read(NetString::new(), &[stream], false).failed;
        let at_place = matches!(error, Some(FilterError::Malformed { at, .. }) if at == place);
        assert!(at_place, "{}: {error:?}", stream.escape_ascii());
    }
}

#[test]
fn a_string_is_none_before_its_comma() {
    let fed = feed(&mut NetString::new(), &[b"5:hello"]);
    assert_eq!((fed.items.len(), fed.pending), (0, b"5:hello".to_vec()));
    assert_eq!(feed_to_end(&mut NetString::new(), &[b"5:hello"]).items.len(), 0);
    assert_eq!(feed(&mut NetString::new(), &[b"5:hello", b","]).items, ["hello"]);
}

#[test]
fn a_filter_swap_in_mid_string_keeps_its_header() {
    let mut input = Input::new(b"1:a,9:partial");
    let mut strings = NetString::new();
    assert_eq!(strings.decode(&mut input).unwrap().unwrap(), "a");
    assert_eq!(strings.decode(&mut input), Ok(None));
    assert_eq!(Stream.decode(&mut input).unwrap().unwrap(), "9:partial");
}

#[test]
fn the_length_is_judged_before_the_string_arrives() {
    let too_long = Some(FilterError::TooLong { limit: 65_536 });
    assert_eq!(read(NetString::new(), &[b"65537:"], false).failed, too_long);
    assert_eq!(read(NetString::new(), &[b"4294967296:"], false).failed, too_long);
    assert_eq!(read(NetString::new(), &[b"99999999999999999999:"], false).failed, too_long);
    let digits = read(NetString::new(), &[&[b'9'; 21]], false).failed;
    assert!(matches!(digits, Some(FilterError::Malformed { at: 20, .. })), "{digits:?}");
}

#[test]
fn what_is_put_is_measured() {
    let too_long = FilterError::TooLong { limit: 4 };
    assert_eq!(refusal(NetString::new().max_length(4), "12345".into()), too_long);
    assert_eq!(write(NetString::new().max_length(4), ["1234".into()]), b"4:1234,");
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn p16_every_split_gives_the_same_strings_and_the_same_error(
        stream in stream(),
        limit in prop_oneof![3 => 0..12_usize, 1 => Just(65_536)],
        cuts in prop::collection::vec(any::<Index>(), 0..8),
    ) {
        assert_cuts_do_not_show(|| NetString::new().max_length(limit), &stream, &cuts);
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same_strings(
        items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8),
    ) {
        let items: Vec<Bytes> = items.into_iter().map(Bytes::from).collect();
        let sent = write(NetString::new(), items.clone());
        let got = read(NetString::new(), &[&sent], true);
        prop_assert_eq!((got.items, got.failed, got.pending), (items, None, Vec::new()));
    }
}

/// Bytes that are often netstrings and sometimes not.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-z,:0-9]{0,12}".prop_map(|text| format!("{}:{text},", text.len()).into_bytes()),
        1 => prop::collection::vec(prop::sample::select(b"0123:,,a".to_vec()), 0..4),
        1 => prop::collection::vec(any::<u8>(), 0..3),
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

//! `Reference`: POE's scenarios, then hostile values, then what all formats have in common.
//!
//! POE's serialisers that are classes, half loaded or given by position cannot be written down here.

use std::fmt::Debug;

use bytes::Bytes;
use filters::{
    Block, Filter, FilterError, Format, Input, Json, Output, Postcard, Reference, Stream,
};
use proptest::prelude::*;
use proptest::sample::Index;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::feed::{cases, encode};
use crate::reads::{Read, assert_cuts_do_not_show, read, refusal, write};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Order {
    pieces: u32,
    of: String,
    notes: Vec<String>,
}

fn order() -> Order {
    Order { pieces: 2, of: "tea".into(), notes: vec!["test".repeat(50), String::new()] }
}

#[test]
fn scalars_and_structures_round_trip_in_each_format() {
    round_trip::<Json>();
    round_trip::<Postcard>();
    round_trip::<Octal>();
}

fn round_trip<F: Format + Default + Clone>() {
    for new in [Reference::<F, Order>::new(), Reference::new().compression()] {
        let sent = write(new.clone(), [order()]);
        assert_eq!(all(read(new, &[&sent], true)), [order()]);
    }
    for new in [Reference::<F, String>::new(), Reference::new().compression()] {
        let sent = write(new.clone(), ["scalar".to_owned()]);
        assert_eq!(all(read(new, &[&sent], true)), ["scalar"]);
    }
}

/// The items of a stream in which nothing was wrong or left over.
fn all<T: Debug>(read: Read<T>) -> Vec<T> {
    assert_eq!((read.failed, read.pending), (None, Vec::new()));
    read.items
}

#[test]
fn what_is_pending_may_be_fed_again() {
    let sent = write(Reference::<Json, Order>::new(), [order()]);
    let twice = read(Reference::<Json, Order>::new(), &[&sent[..5], &sent[5..], &sent], false);
    assert_eq!(all(twice), [order(), order()]);
}

#[test]
fn what_is_compressed_is_shorter() {
    let plain = write(json(), [order()]);
    let packed = write(json().compression(), [order()]);
    assert!(packed.len() < plain.len() / 2, "{} and {}", packed.len(), plain.len());
}

fn json() -> Reference<Json, Order> {
    Reference::new()
}

#[test]
fn compression_is_zlib_as_others_have_it() {
    // Python: zlib.compress(b'"hello hello hello"', 6)
    let zlib = b"\x78\x9c\x53\xca\x48\xcd\xc9\xc9\x57\x40\x22\x95\x00\x43\x54\x06\xc1";
    let stream = encode(&mut Block::new(), &[Bytes::from_static(zlib)]);
    let texts = Reference::<Json, String>::new().compression();
    assert_eq!(all(read(texts, &[&stream], true)), ["hello hello hello"]);
}

#[test]
fn the_framing_is_poe_s() {
    assert_eq!(write(Reference::<Json, [u8; 3]>::new(), [[1, 2, 3]]), b"7\0[1,2,3]");
}

#[test]
fn a_bad_value_is_an_error_and_stays_where_it_is() {
    let mut numbers = Reference::<Json, u8>::new();
    let mut input = Input::new(b"1\x0074\0junk1\x008");
    assert_eq!(numbers.decode(&mut input), Ok(Some(7)));
    for _ in 0..2 {
        let error = numbers.decode(&mut input);
        assert!(matches!(error, Err(FilterError::Malformed { at: 2, .. })), "{error:?}");
        assert_eq!(input.as_slice(), b"4\0junk1\x008");
    }
}

#[test]
fn with_no_fatals_a_bad_value_is_an_item_and_the_next_is_good() {
    let numbers = || Reference::<Json, u8>::new().no_fatals();
    let got = read(numbers(), &[b"1\x007", b"4\0junk3\x002560\0", b"1\x008"], true);
    assert_eq!((got.failed, got.pending), (None, Vec::new()));
    let good: Vec<Option<u8>> = got.items.iter().map(|item| item.clone().ok()).collect();
    assert_eq!(good, [Some(7), None, None, None, Some(8)]);
    assert!(matches!(got.items[1], Err(FilterError::Malformed { at: 2, .. })), "{:?}", got.items);
    assert_eq!(write(numbers(), [9]), b"1\x009");
}

#[test]
fn lost_framing_is_fatal_in_any_case() {
    for stream in [&b"junk"[..], b"\0", b"65537\0"] {
        let plain = read(Reference::<Json, u8>::new(), &[stream], false);
        let no_fatals = read(Reference::<Json, u8>::new().no_fatals(), &[stream], false);
        assert!(plain.failed.is_some(), "{stream:?}");
        assert_eq!(no_fatals.failed, plain.failed);
    }
}

#[test]
fn a_filter_swap_in_mid_value_keeps_its_header() {
    let mut input = Input::new(b"1\x007100\0partial reference");
    let mut numbers = Reference::<Json, u8>::new();
    assert_eq!(numbers.decode(&mut input), Ok(Some(7)));
    assert_eq!(numbers.decode(&mut input), Ok(None));
    assert_eq!(Stream.decode(&mut input).unwrap().unwrap(), "100\0partial reference");
}

#[test]
fn both_ways_may_have_types_of_their_own() {
    let mut filter = Reference::<Json, u8, String>::new();
    assert_eq!(filter.decode(&mut Input::new(b"1\x007")), Ok(Some(7)));
    assert_eq!(write(filter, ["seven".to_owned()]), b"7\0\"seven\"");
}

#[test]
fn the_length_is_judged_before_the_value_arrives() {
    let too_long = Some(FilterError::TooLong { limit: 65_536 });
    assert_eq!(read(json(), &[b"4294967296\0"], false).failed, too_long);
    let digits = read(json(), &[&[b'9'; 21]], false).failed;
    assert!(matches!(digits, Some(FilterError::Malformed { .. })), "{digits:?}");
}

#[test]
fn what_is_put_is_measured_before_and_after_compression() {
    let too_long = |limit| FilterError::TooLong { limit };
    let texts = Reference::<Json, String>::new;
    assert_eq!(refusal(texts().max_length(5), "four".into()), too_long(5));
    assert_eq!(write(texts().max_length(6), ["four".to_owned()]), b"6\0\"four\"");
    // It would go through the wire, but the other side would not unpack it.
    assert_eq!(refusal(texts().compression(), "na".repeat(40_000)), too_long(65_536));
    // It cannot be compressed, and is longer with the header and the checksum.
    assert_eq!(refusal(texts().compression().max_length(6), "four".into()), too_long(6));
}

#[test]
fn what_cannot_be_frozen_is_refused() {
    use std::collections::HashMap;

    let strange = HashMap::from([((1, 2), 3)]);
    let error = refusal(Reference::<Json, u8, HashMap<(u8, u8), u8>>::new(), strange);
    assert_eq!(error, FilterError::malformed(0, "key must be a string"));
}

#[test]
fn a_decompression_bomb_is_not_unpacked_beyond_the_limit() {
    let bomb = |bytes: usize| {
        let large = Reference::<Json, String>::new().compression().max_length(100_000_000);
        write(large, ["a".repeat(bytes - 2)])
    };
    let texts = || Reference::<Json, String>::new().compression();
    let limit = 65_536;
    assert_eq!(all(read(texts(), &[&bomb(limit)], true))[0].len(), limit - 2);

    let too_long = FilterError::TooLong { limit };
    assert_eq!(read(texts(), &[&bomb(limit + 1)], true).failed, Some(too_long.clone()));
    let large = bomb(50_000_000);
    assert!(large.len() < limit, "it would have been refused for its own length");
    let memory = allocation_counter::measure(|| {
        assert_eq!(texts().decode(&mut Input::new(&large)), Err(too_long.clone()));
    });
    assert!(memory.bytes_max <= 5 * 65_536, "{} bytes", memory.bytes_max);

    // The framing is intact.
    let stream = [large, bomb(2)].concat();
    let got = read(texts().no_fatals(), &[&stream], true);
    assert_eq!(got.items, [Err(too_long), Ok(String::new())]);
}

#[test]
fn what_is_announced_costs_no_memory() {
    // A vector of four billion, in five bytes.
    let stream = b"5\0\xff\xff\xff\xff\x0f";
    let memory = allocation_counter::measure(|| {
        let error = Reference::<Postcard, Vec<u64>>::new().decode(&mut Input::new(stream));
        assert!(matches!(error, Err(FilterError::Malformed { at: 2, .. })), "{error:?}");
        let error = json().decode(&mut Input::new(b"4294967296\0"));
        assert!(matches!(error, Err(FilterError::TooLong { .. })), "{error:?}");
    });
    assert!(memory.bytes_max <= 1 << 20, "{} bytes", memory.bytes_max);
}

#[test]
fn json_nested_too_deep_is_an_error() {
    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Nested(Vec<Nested>);

    let deep = "[".repeat(60_000);
    let stream = encode(&mut Block::new(), &[Bytes::from(deep)]);
    let got = read(Reference::<Json, Nested, ()>::new(), &[&stream], false);
    assert!(matches!(got.failed, Some(FilterError::Malformed { .. })), "{:?}", got.failed);
}

#[test]
fn a_value_is_all_of_its_bytes() {
    let error = read(Reference::<Postcard, u8>::new(), &[b"2\0\x01\x02"], false).failed;
    assert!(matches!(error, Some(FilterError::Malformed { .. })), "{error:?}");
    let error = read(Reference::<Json, u8>::new(), &[b"3\x001 2"], false).failed;
    assert!(matches!(error, Some(FilterError::Malformed { .. })), "{error:?}");
}

#[test]
fn the_text_of_an_error_is_fit_for_a_log() {
    #[derive(Debug, PartialEq, Eq, Deserialize)]
    enum Known {}

    let name = format!("{:?}", format!("\u{202e}é{}", "x".repeat(10_000)));
    let name = name.replace("\\u{202e}", "\u{202e}\\n\\u001b[2J");
    let stream = encode(&mut Block::new(), &[Bytes::from(name)]);
    let got = read(Reference::<Json, Known, ()>::new(), &[&stream], false);
    let text = got.failed.expect("it is not known").to_string();
    assert!(text.contains(r"unknown variant `\u{202e}\n\u{1b}[2Jéxxx"), "{text}");
    assert!(text.len() < 400 && text.ends_with("..."), "{text}");
}

#[test]
fn a_clone_has_the_same_parameters() {
    let clone = Reference::<Json, String>::new().max_length(6).compression().clone();
    assert_eq!(refusal(clone, "four".into()), FilterError::TooLong { limit: 6 });
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn p16_every_split_gives_the_same_values_and_the_same_error(
        stream in stream(),
        limit in prop_oneof![1 => 0..12_usize, 3 => Just(65_536)],
        cuts in prop::collection::vec(any::<Index>(), 0..8),
    ) {
        type Numbers<F> = Reference<F, Vec<u8>>;
        let json = || Numbers::<Json>::new().max_length(limit);
        let postcard = || Numbers::<Postcard>::new().max_length(limit);
        assert_cuts_do_not_show(json, &stream, &cuts);
        assert_cuts_do_not_show(postcard, &stream, &cuts);
        assert_cuts_do_not_show(|| json().compression(), &stream, &cuts);
        assert_cuts_do_not_show(|| json().no_fatals(), &stream, &cuts);
        assert_cuts_do_not_show(|| postcard().compression().no_fatals(), &stream, &cuts);
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same_values(
        numbers in prop::collection::vec(any::<u32>(), 0..50),
        text in any::<String>(),
        pairs in prop::collection::vec((any::<i64>(), any::<Option<char>>()), 0..10),
    ) {
        check(&(numbers, text, pairs));
    }

    #[test]
    fn no_bytes_bring_it_down(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let stream = encode(&mut Block::new(), &[Bytes::from(payload)]);
        type Value = (Vec<String>, Option<Vec<(u64, char)>>, f64);
        let one = |items: usize| assert_eq!(items, 1, "each is an item, or an error");
        one(read(Reference::<Json, Value>::new().no_fatals(), &[&stream], true).items.len());
        let postcard = Reference::<Postcard, Value>::new;
        one(read(postcard().no_fatals(), &[&stream], true).items.len());
        one(read(postcard().compression().no_fatals(), &[&stream], true).items.len());
    }
}

fn check<T>(value: &T)
where
    T: Serialize + DeserializeOwned + Clone + Debug + PartialEq + 'static,
{
    fn one<F, T>(filter: Reference<F, T>, value: &T)
    where
        F: Format + Clone,
        T: Serialize + DeserializeOwned + Clone + Debug + PartialEq + 'static,
    {
        let sent = write(filter.clone(), [value.clone(), value.clone()]);
        assert_eq!(all(read(filter, &[&sent], true)), [value.clone(), value.clone()]);
    }
    one(Reference::<Json, T>::new(), value);
    one(Reference::<Json, T>::new().compression(), value);
    one(Reference::<Postcard, T>::new(), value);
    one(Reference::<Postcard, T>::new().compression(), value);
}

/// Values, some of them bad, and junk.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let numbers = || prop::collection::vec(any::<u8>(), 0..4);
    let piece = prop_oneof![
        3 => numbers().prop_map(|value| write(Reference::<Json, Vec<u8>>::new(), [value])),
        3 => numbers().prop_map(|value| write(Reference::<Postcard, Vec<u8>>::new(), [value])),
        2 => numbers().prop_map(|value| {
            write(Reference::<Json, Vec<u8>>::new().compression(), [value])
        }),
        1 => numbers().prop_map(|junk| encode(&mut Block::new(), &[junk.into()])),
        1 => prop::collection::vec(any::<u8>(), 0..2),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

/// A format of one's own: JSON, but with each byte in octal digits.
#[derive(Debug, Default, Clone)]
struct Octal;

impl Format for Octal {
    type Error = String;

    fn freeze<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, String> {
        let json = Json.freeze(value).map_err(|error| error.to_string())?;
        Ok(json.iter().flat_map(|byte| format!("{byte:03o}").into_bytes()).collect())
    }

    fn thaw<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, String> {
        let byte = |digits: &[u8]| {
            let digits = std::str::from_utf8(digits).map_err(|error| error.to_string())?;
            u8::from_str_radix(digits, 8).map_err(|error| error.to_string())
        };
        let json: Vec<u8> = bytes.chunks(3).map(byte).collect::<Result<_, String>>()?;
        Json.thaw(&json).map_err(|error| error.to_string())
    }
}

#[test]
fn a_long_value_is_sent_without_a_copy() {
    let mut out = Output::new();
    Reference::<Json, String>::new().encode("x".repeat(10_000), &mut out).unwrap();
    let mut runs = [std::io::IoSlice::new(b""); 3];
    assert_eq!(out.slices(&mut runs), 2);
}

//! `map_input` and its like: POE's scenarios for `Filter::Map`, then what functions may do besides.

use std::io::IoSlice;

use bytes::Bytes;
use filters::{Filter, FilterError, Input, Line, Output, Stream};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::drive::{assert_no_cut_shows, drive, drive_to_end, texts};
use crate::feed::{cases, encode, standard_test, unsent};

type Change = fn(Bytes) -> Bytes;

const UPPER: Change = |item| item.to_ascii_uppercase().into();
const LOWER: Change = |item| item.to_ascii_lowercase().into();

#[test]
fn one_function_for_each_direction() {
    let filter = Stream.map_input(UPPER).map_output(LOWER);
    standard_test(&filter, &[b"a b c 1 2 3"], &["A B C 1 2 3"], b"a b c 1 2 3");
    standard_test(&filter, &[b"A B C 1 2 3"], &["A B C 1 2 3"], b"a b c 1 2 3");
}

#[test]
fn one_function_for_both_directions() {
    standard_test(
        &Line::new().map_input(UPPER).map_output(UPPER),
        &[b"Aa Bb C", b"c\n"],
        &["AA BB CC"],
        b"AA BB CC\r\n",
    );
}

#[test]
fn a_function_is_replaced_in_mid_stream() {
    let mut filter = Line::new().map_input(UPPER).map_output(UPPER);
    let mut input = Input::new(b"One\nTwo\n");
    assert_eq!(filter.decode(&mut input).unwrap().unwrap(), "ONE");
    filter.get_mut().modify(LOWER);
    assert_eq!(filter.decode(&mut input).unwrap().unwrap(), "two");

    assert_eq!(encode(&mut filter, &["One".into()]), b"ONE\r\n");
    filter.modify(LOWER);
    assert_eq!(encode(&mut filter, &["Two".into()]), b"two\r\n");
}

#[test]
fn what_was_added_last_comes_last_on_the_way_in_and_first_on_the_way_out() {
    let add =
        |what: &'static str| move |item: Bytes| Bytes::from([&item[..], what.as_bytes()].concat());
    let mut filter = Line::literal(b"\n")
        .map_input(add("1"))
        .map_input(add("2"))
        .map_output(add("1"))
        .map_output(add("2"));
    assert_eq!(texts(&drive(&mut filter, &[b"x\n"]).items), ["x12"]);
    assert_eq!(encode(&mut filter, &["x".into()]), b"x21\n");
}

#[test]
fn an_item_becomes_one_of_another_type() {
    let mut numbers =
        Line::literal(b"\n").try_map_input(number).map_output(|n: u64| Bytes::from(n.to_string()));
    assert_eq!(drive_to_end(&mut numbers, &[b"1\n2", b"2\n33"]).items, [1, 22, 33]);
    let mut out = Output::new();
    numbers.encode(7, &mut out).unwrap();
    assert_eq!(out.contiguous(), Some(&b"7\n"[..]));
}

#[test]
fn an_item_that_is_refused_ends_the_stream() {
    let mut numbers = Line::new().try_map_input(number);
    let driven = drive(&mut numbers, &[b"1\nx\n2\n"]);
    assert_eq!((driven.items, driven.failed), (vec![1], Some(no_number())));
    // It failed before the end, and fails at the end.
    assert_eq!(numbers.finish(&mut Input::new(b"2\n")), Err(no_number()));

    let last = drive_to_end(&mut Line::new().try_map_input(number), &[b"1\nx"]);
    assert_eq!((last.items, last.failed), (vec![1], Some(no_number())));
}

#[test]
fn an_item_that_is_refused_on_its_way_out_is_not_sent_and_the_next_one_is() {
    let short = |item: Bytes| {
        if item.len() < 3 { Ok(item) } else { Err(FilterError::TooLong { limit: 2 }) }
    };
    let mut filter = Line::literal(b"\n").try_map_output(short);
    let mut out = Output::new();
    assert_eq!(filter.encode("abc".into(), &mut out), Err(FilterError::TooLong { limit: 2 }));
    assert!(out.is_empty());
    filter.encode("ab".into(), &mut out).unwrap();
    assert_eq!(out.contiguous(), Some(&b"ab\n"[..]));
}

#[test]
fn a_function_may_return_several_items_or_none() {
    let words = |line: Bytes| {
        let words = line.split(|&b| b == b' ').filter(|word| !word.is_empty());
        words.map(Bytes::copy_from_slice).collect::<Vec<_>>()
    };
    let mut filter = Line::new().flat_map_input(words);
    let driven = drive_to_end(&mut filter, &[b"a b\n\n  \nc\nd", b" e"]);
    assert_eq!(texts(&driven.items), ["a", "b", "c", "d", "e"]);
}

#[test]
fn what_was_made_of_one_record_comes_before_anything_of_the_next() {
    let mut filter = Line::new().max_length(2).flat_map_input(|line| [line.clone(), line]);
    let mut input = Input::new(b"ab\nabc\n");
    assert_eq!(filter.decode(&mut input).unwrap().unwrap(), "ab");
    assert_eq!(input.as_slice(), b"abc\n");
    assert!(filter.holds_items());
    assert_eq!(filter.decode(&mut input).unwrap().unwrap(), "ab");
    assert_eq!(filter.decode(&mut input), Err(FilterError::TooLong { limit: 2 }));
}

#[test]
fn of_several_items_all_are_sent_or_none() {
    let limited = Line::literal(b"\n")
        .try_map_output(|item: Bytes| if item.is_empty() { Err(no_number()) } else { Ok(item) });
    let mut filter = limited.flat_map_output(|items: Vec<Bytes>| items);
    let long = Bytes::from(vec![b'l'; 2 * Output::LINKED_FROM]);
    let refused = [
        vec!["a".into(), long.clone(), "b".into(), long.clone(), Bytes::new()],
        vec![long.clone(), "a".into(), Bytes::new()],
    ];
    for before in
        [vec![], vec!["x".into()], vec![long.clone()], vec!["x".into(), long.clone(), "y".into()]]
    {
        let mut out = Output::new();
        filter.encode(before, &mut out).unwrap();
        let sent = unsent(&out);
        for refused in refused.clone() {
            assert_eq!(filter.encode(refused, &mut out), Err(no_number()));
            assert_eq!(unsent(&out), sent, "as it was");
        }
        let mut runs = [IoSlice::new(b""); 8];
        let count = out.slices(&mut runs);
        assert!(runs[..count].iter().all(|run| !run.is_empty()), "nothing to write");
        filter.encode(vec!["z".into()], &mut out).unwrap();
        assert_eq!(unsent(&out), [&sent[..], b"z\n"].concat());
    }
}

#[test]
fn an_adapter_shows_the_filter_in_it_and_gives_it_back() {
    let filter = Line::literal(b"~").map_input(UPPER);
    assert!(format!("{filter:?}").contains(r#"output: b"~""#), "{filter:?}");
    assert_eq!(encode(&mut filter.into_inner(), &["a".into()]), b"a~");
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn no_cut_shows_in_what_was_mapped(
        stream in prop::collection::vec(prop::sample::select(b"12x \n\n".to_vec()), 0..40),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let numbers = || {
            let words = |line: Bytes| {
                line.split(|&b| b == b' ').map(Bytes::copy_from_slice).collect::<Vec<_>>()
            };
            Line::literal(b"\n").flat_map_input(words).try_map_input(number)
        };
        assert_no_cut_shows(numbers, &stream, &cuts);
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is given to a filter, which gives it the item"
)]
fn number(item: Bytes) -> Result<u64, FilterError> {
    std::str::from_utf8(&item).ok().and_then(|text| text.parse().ok()).ok_or_else(no_number)
}

fn no_number() -> FilterError {
    FilterError::Malformed { at: 0, what: "no number".into() }
}

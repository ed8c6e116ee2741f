//! `records`: POE's scenarios for `Filter::RecordBlock`.

use std::num::NonZeroUsize;

use bytes::Bytes;
use filters::{Filter, FilterError, Input, Line, Output, RecordBlock};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::drive::{assert_no_cut_shows, decode_up_to, drive, drive_to_end, texts};
use crate::feed::{cases, unsent};

fn blocks(size: usize) -> RecordBlock<Line> {
    Line::literal(b" ").records(of(size))
}

fn of(size: usize) -> NonZeroUsize {
    NonZeroUsize::new(size).expect("a block has records")
}

fn list(texts: &str) -> Vec<Bytes> {
    texts.split_whitespace().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect()
}

#[test]
fn four_records_are_a_block() {
    let mut filter = blocks(4);
    let driven = drive(&mut filter, &[b"1 2 3 4 5 ", b"6 7 8 9 10 "]);
    assert_eq!(driven.items, [list("1 2 3 4"), list("5 6 7 8")]);
    assert_eq!(filter.take_unfinished(), list("9 10"));
    assert!(filter.take_unfinished().is_empty());
}

#[test]
fn the_size_is_read_and_changed_in_mid_stream() {
    let mut filter = blocks(4);
    let mut unread = b"1 2 3 4 5 6 7 ".to_vec();
    let mut items = Vec::new();
    decode_up_to(&mut filter, &mut unread, usize::MAX, &mut items).unwrap();
    assert_eq!(items, [list("1 2 3 4")]);

    assert_eq!(filter.block_size().get(), 4);
    filter.set_block_size(of(2));
    assert_eq!(filter.block_size().get(), 2);
    // A block has become whole without another byte.
    assert!(filter.holds_items());
    unread.extend_from_slice(b"8 9 ");
    decode_up_to(&mut filter, &mut unread, usize::MAX, &mut items).unwrap();
    assert_eq!(items[1..], [list("5 6"), list("7 8")]);
}

#[test]
fn a_smaller_size_makes_several_blocks_of_what_was_collected() {
    let mut filter = blocks(10);
    assert!(drive(&mut filter, &[b"1 2 3 4 5 "]).items.is_empty());
    filter.set_block_size(of(2));
    assert_eq!(drive_to_end(&mut filter, &[]).items, [list("1 2"), list("3 4"), list("5")]);
}

#[test]
fn the_last_block_is_handed_over_though_it_is_not_full() {
    assert_eq!(drive_to_end(&mut blocks(2), &[b"1 2 3 "]).items, [list("1 2"), list("3")]);
    assert_eq!(drive_to_end(&mut blocks(2), &[b"1 2 3"]).items, [list("1 2"), list("3")]);
    assert_eq!(drive_to_end(&mut blocks(2), &[b"1 2 3 4"]).items, [list("1 2"), list("3 4")]);
    assert_eq!(drive_to_end(&mut blocks(2), &[b"1 2 "]).items, [list("1 2")]);
}

#[test]
fn everything_put_leaves_flattened_at_once() {
    let mut filter = blocks(3);
    assert_eq!(sent(&mut filter, &["1 2", "3 A", "", "B"]), "1 2 3 A B ");
    assert!(filter.put_pending().is_empty());
}

#[test]
fn checked_only_whole_blocks_leave() {
    let mut filter = blocks(3).check_put();
    assert_eq!(sent(&mut filter, &["1 2", "3 A"]), "1 2 3 ");
    assert_eq!(texts(filter.put_pending()), ["A"]);
    assert_eq!(sent(&mut filter, &["2 3 1 2 3", "1 2 3 B"]), "A 2 3 1 2 3 1 2 3 ");
    assert_eq!(texts(filter.put_pending()), ["B"]);
    assert_eq!(sent(&mut filter, &["2 3 1 2", "3 1", "2 3 1", "2 3"]), "B 2 3 1 2 3 1 2 3 1 2 3 ");
    assert!(filter.put_pending().is_empty());
}

#[test]
fn what_waited_leaves_first_when_the_check_ends() {
    let mut filter = blocks(3).check_put();
    assert_eq!(sent(&mut filter, &["1 2"]), "");
    filter.uncheck_put();
    assert_eq!(sent(&mut filter, &["3 4"]), "1 2 3 4 ");
}

#[test]
fn a_block_with_a_record_that_cannot_be_sent_is_not_sent() {
    let short = |item: Bytes| {
        if item.len() < 3 { Ok(item) } else { Err(FilterError::TooLong { limit: 2 }) }
    };
    let mut filter = Line::literal(b" ").try_map_output(short).records(of(2));
    let mut out = Output::new();
    filter.encode(list("a"), &mut out).unwrap();
    assert!(filter.encode(list("b long c"), &mut out).is_err());
    filter.encode(list("d"), &mut out).unwrap();
    assert_eq!(out.contiguous(), Some(&b"a d "[..]));
}

#[test]
fn nothing_of_a_list_that_was_refused_is_sent_later() {
    // Whoever is told so puts the list again, corrected: its end must not go twice.
    let short = |item: Bytes| {
        if item.len() < 3 { Ok(item) } else { Err(FilterError::TooLong { limit: 2 }) }
    };
    let mut filter = Line::literal(b" ").try_map_output(short).records(of(2)).check_put();
    let mut out = Output::new();
    assert!(filter.encode(list("a long b"), &mut out).is_err());
    assert!(filter.put_pending().is_empty() && out.is_empty());
    filter.encode(list("a ok b"), &mut out).unwrap();
    assert_eq!(out.contiguous(), Some(&b"a ok "[..]));
    assert_eq!(filter.put_pending(), ["b"]);
}

#[test]
fn a_clone_has_the_same_parameters_and_starts_afresh() {
    let mut filter = blocks(2).check_put();
    assert_eq!(drive(&mut filter, &[b"1 "]).items, [] as [Vec<Bytes>; 0]);
    assert_eq!(sent(&mut filter, &["a"]), "");
    let mut clone = filter.clone();
    assert_eq!(drive(&mut clone, &[b"2 3 "]).items, [list("2 3")]);
    assert_eq!(sent(&mut clone, &["b c d"]), "b c ");
}

#[test]
fn an_error_comes_behind_the_blocks_before_it_and_a_broken_block_is_none() {
    let mut filter = Line::literal(b" ").max_length(3).records(of(2));
    let driven = drive(&mut filter, &[b"1 2 3 long "]);
    assert_eq!(driven.items, [list("1 2")]);
    assert_eq!(driven.failed, Some(FilterError::TooLong { limit: 3 }));
    assert_eq!(filter.take_unfinished(), list("3"));
}

#[test]
fn half_a_record_stays_where_it_is() {
    let mut input = Input::new(b"1 2");
    assert_eq!(blocks(2).decode(&mut input), Ok(None));
    assert_eq!(input.as_slice(), b"2");
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn no_cut_shows_in_blocks(
        stream in prop::collection::vec(prop::sample::select(b"123  ".to_vec()), 0..40),
        size in 1..5_usize,
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        assert_no_cut_shows(|| Line::literal(b" ").max_length(4).records(of(size)), &stream, &cuts);
    }

    #[test]
    fn what_is_put_in_blocks_comes_in_the_same_blocks(
        lists in prop::collection::vec("([a-z]{1,5} ){3}", 0..10),
    ) {
        let mut out = Output::new();
        let lists: Vec<_> = lists.iter().map(|texts| list(texts)).collect();
        for block in &lists {
            blocks(3).encode(block.clone(), &mut out).unwrap();
        }
        prop_assert_eq!(drive_to_end(&mut blocks(3), &[&unsent(&out)]).items, lists);
    }
}

fn sent(filter: &mut RecordBlock<Line>, lists: &[&str]) -> String {
    let mut out = Output::new();
    for texts in lists {
        filter.encode(list(texts), &mut out).expect("lines can be encoded");
    }
    String::from_utf8(unsent(&out)).expect("tests send text")
}

//! `grep_input` and `grep_output`: POE's scenarios for `Filter::Grep`.

use bytes::Bytes;
use filters::{Filter, Input, Line};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::drive::{assert_no_cut_shows, drive, drive_to_end, texts};
use crate::feed::{cases, encode, standard_test};

type Wanted = fn(&Bytes) -> bool;

const DIGITS: Wanted = |item| item.iter().all(u8::is_ascii_digit);
const LETTERS: Wanted = |item| item.iter().all(u8::is_ascii_alphabetic);
const ODD: Wanted = |item| item.last().is_some_and(|digit| digit % 2 == 1);

fn items() -> Vec<Bytes> {
    ["A", "B", "C", "1", "2", "3"].map(Bytes::from).to_vec()
}

#[test]
fn digits_come_and_letters_go() {
    let mut filter = Line::literal(b" ").grep_input(DIGITS).grep_output(LETTERS);
    assert_eq!(encode(&mut filter, &items()), b"A B C ");
    assert_eq!(texts(&drive(&mut filter, &[b"a b c 1 2 3 "]).items), ["1", "2", "3"]);
}

#[test]
fn one_predicate_for_both_directions() {
    let filter = Line::literal(b" ").grep_input(LETTERS).grep_output(LETTERS);
    standard_test(&filter, &[b"a b c 1 2 3 "], &["a", "b", "c"], b"a b c ");
}

#[test]
fn predicates_are_replaced_in_mid_stream() {
    let mut filter = Line::literal(b" ").grep_input(DIGITS).grep_output(LETTERS);
    filter.get_mut().modify(LETTERS);
    assert_eq!(texts(&drive(&mut filter, &[b"a 1 b 2 "]).items), ["a", "b"]);
    assert_eq!(encode(&mut filter, &items()), b"A B C ");
    filter.modify(DIGITS);
    assert_eq!(encode(&mut filter, &items()), b"1 2 3 ");
}

#[test]
fn what_was_not_asked_for_is_pending_and_rejected_items_are_passed_over() {
    let mut filter = Line::literal(b",").grep_input(ODD);
    let mut input = Input::new(b"1,1,2,3,5,");
    for odd in ["1", "1", "3", "5"] {
        assert_eq!(filter.decode(&mut input).unwrap().unwrap(), odd);
    }
    assert_eq!(filter.decode(&mut input), Ok(None));
    assert!(input.is_empty() && filter.take_pending().is_empty());
}

#[test]
fn rejected_items_are_consumed_although_no_item_follows() {
    let mut filter = Line::literal(b",").grep_input(ODD);
    let mut input = Input::new(b"2,4,6,1");
    assert_eq!(filter.decode(&mut input), Ok(None));
    assert_eq!(input.as_slice(), b"1");
}

#[test]
fn a_predicate_may_remember() {
    let mut last = Bytes::new();
    let changed = move |item: &Bytes| std::mem::replace(&mut last, item.clone()) != *item;
    let mut filter = Line::new().grep_input(changed);
    let driven = drive(&mut filter, &[b"a\na\nb\na\na\n"]);
    assert_eq!(texts(&driven.items), ["a", "b", "a"]);
}

#[test]
fn the_last_line_is_asked_about_too() {
    let mut filter = Line::new().grep_input(DIGITS);
    assert_eq!(texts(&drive_to_end(&mut filter, &[b"1\nx"]).items), ["1"]);
    let mut filter = Line::new().grep_input(DIGITS);
    assert_eq!(texts(&drive_to_end(&mut filter, &[b"x\n2"]).items), ["2"]);
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn no_cut_shows_in_what_was_left(
        stream in prop::collection::vec(prop::sample::select(b"123456,,,".to_vec()), 0..40),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let odd = || Line::literal(b",").max_length(6).grep_input(ODD);
        assert_no_cut_shows(odd, &stream, &cuts);
        let whole = drive(&mut odd(), &[&stream]);
        prop_assert!(whole.items.iter().all(ODD));
    }
}

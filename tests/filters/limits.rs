//! The longest line.

use bytes::Bytes;
use filters::{Filter, FilterError, Input, Line};

use crate::feed::{feed, feed_to_end};

const TEN: FilterError = FilterError::TooLong { limit: 10 };

#[test]
fn p15_a_line_without_end_is_refused_at_the_limit() {
    // As a peer that sends nothing but 'a' in reads of 1 KiB: refused in the first read that goes
    // past 16,384 bytes, so that no more than this is ever kept.
    let mut line = Line::new();
    let mut kept = Vec::new();
    let error = loop {
        kept.extend_from_slice(&[b'a'; 1024]);
        match line.decode(&mut Input::new(&kept)) {
            Ok(item) => assert_eq!(item, None),
            Err(error) => break error,
        }
    };
    assert_eq!(error, FilterError::TooLong { limit: 16_384 });
    assert_eq!(error.to_string(), "record exceeds 16384 bytes");
    assert_eq!(kept.len(), 16_384 + 1024);
}

#[test]
fn a_line_of_just_the_limit_passes_however_its_ending_is_cut() {
    for line in [Line::new(), Line::auto(), Line::literal(b"\r\n")] {
        let line = line.max_length(10);
        let whole = feed(&mut line.clone(), &[b"0123456789\r\n"]);
        assert_eq!((whole.items, whole.failed), (vec![Bytes::from("0123456789")], None));
        let cut = feed(&mut line.clone(), &[b"0123456789", b"\r", b"\n"]);
        assert_eq!((cut.items, cut.failed), (vec![Bytes::from("0123456789")], None));
    }
}

#[test]
fn a_complete_line_over_the_limit_is_refused() {
    for mut line in [Line::new(), Line::auto(), Line::literal(b"\r\n")].map(|l| l.max_length(10)) {
        let fed = feed(&mut line, &[b"first\r\n0123456789a\r\nthird\r\n"]);
        assert_eq!(fed.items, ["first"]);
        assert_eq!(fed.failed, Some((7, TEN)));
    }
}

#[test]
fn an_incomplete_line_over_the_limit_is_refused_although_its_end_may_follow() {
    let fed = feed(&mut Line::new().max_length(10), &[b"0123456789", b"a", b"\n"]);
    assert_eq!(fed.failed, Some((0, TEN)));
    assert_eq!(fed.pending, b"0123456789a");
}

#[test]
fn half_an_ending_behind_the_limit_does_not_count_until_it_turns_out_to_be_content() {
    let mut line = Line::literal(b"\r\n").max_length(10);
    assert_eq!(feed(&mut line.clone(), &[b"0123456789\r"]).failed, None);
    assert_eq!(feed(&mut line.clone(), &[b"0123456789\r", b"x"]).failed, Some((0, TEN)));
    assert_eq!(feed_to_end(&mut line, &[b"0123456789\r"]).failed, Some((0, TEN)));
}

#[test]
fn the_unfinished_last_line_obeys_the_limit() {
    let line = Line::literal(b"~~~").max_length(10);
    assert_eq!(feed_to_end(&mut line.clone(), &[b"0123456789"]).items, ["0123456789"]);
    assert_eq!(feed_to_end(&mut line.clone(), &[b"012345678~~"]).failed, Some((0, TEN)));
}

#[test]
fn an_error_is_repeated_and_consumes_nothing() {
    let mut line = Line::new().max_length(10);
    let mut input = Input::new(b"0123456789abcdef\nnext\n");
    for _ in 0..3 {
        assert_eq!(line.decode(&mut input), Err(TEN));
        assert_eq!(input.consumed(), 0);
    }
}

#[test]
fn the_extremes_of_the_limit_are_no_special_cases() {
    assert_eq!(feed(&mut Line::new().max_length(0), &[b"\n\r\n", b"\n"]).items, ["", "", ""]);
    assert!(feed(&mut Line::new().max_length(0), &[b"a"]).failed.is_some());
    let long = vec![b'a'; 100_000];
    let fed = feed(&mut Line::literal(b"\r\n").max_length(usize::MAX), &[&long, b"\r\n"]);
    assert_eq!(fed.items[0].len(), 100_000);
}

#[test]
fn what_was_searched_is_not_searched_again() {
    // A megabyte that arrives byte by byte. Were each read searched from the start, this would look
    // at half a terabyte and not end today.
    let mut line = Line::literal(b"\r\n").max_length(usize::MAX);
    let mut all = vec![b'a'; 1_000_000];
    all.extend_from_slice(b"\r\n");
    for end in 0..all.len() {
        assert_eq!(line.decode(&mut Input::new(&all[..end])), Ok(None));
    }
    assert_eq!(line.decode(&mut Input::new(&all)).unwrap().unwrap().len(), 1_000_000);
}

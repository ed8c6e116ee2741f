//! `Line`: POE's scenarios, then the ones where we differ.
//!
//! POE's scenarios with a regular expression have no counterpart; [`Ending::Any`] is the one
//! expression that was of use.

use bytes::Bytes;
use filters::{Ending, Filter, Input, Line, Literal, Stream};

use crate::feed::{encode, feed, feed_to_end, standard_test};

#[test]
fn default_takes_any_ending_and_puts_crlf() {
    standard_test(
        &Line::new(),
        &[b"a\r", b"b\n", b"c\r\n", b"d\n\r"],
        &["a", "b", "c", "d"],
        b"a\r\nb\r\nc\r\nd\r\n",
    );
}

#[test]
fn literal_both_ways() {
    standard_test(
        &Line::literal(b"x"),
        &[b"axa", b"bxb", b"cxc", b"dxd"],
        &["a", "ab", "bc", "cd"],
        b"axabxbcxcdx",
    );
}

#[test]
fn literal_in_and_literal_out() {
    standard_test(
        &Line::new().input(b"x").output(b"y"),
        &[b"axa", b"bxb", b"cxc", b"dxd"],
        &["a", "ab", "bc", "cd"],
        b"ayabybcycdy",
    );
}

#[test]
fn autodetect_crlf() {
    let reads: [&[u8]; 4] = [b"a\r", b"\nb\r\n", b"c\n\r", b"\n"];
    standard_test(&Line::auto(), &reads, &["a", "b", "c\n"], b"a\r\nb\r\nc\n\r\n");
}

#[test]
fn autodetect_lfcr() {
    let reads: [&[u8]; 4] = [b"a\n\r", b"\rb\n\r", b"c\r", b"\n\r"];
    standard_test(&Line::auto(), &reads, &["a", "\rb", "c\r"], b"a\r\n\rb\r\nc\r\r\n");
}

#[test]
fn autodetect_lf() {
    let reads: [&[u8]; 4] = [b"a\n", b"b\r\n", b"c\r", b"\n"];
    standard_test(&Line::auto(), &reads, &["a", "b\r", "c\r"], b"a\r\nb\r\r\nc\r\r\n");
}

#[test]
fn autodetect_cr() {
    let reads: [&[u8]; 3] = [b"a\r", b"b\n\r", b"\r"];
    standard_test(&Line::auto(), &reads, &["a", "b\n", ""], b"a\r\nb\n\r\n\r\n");
}

#[test]
fn autodetect_delivers_the_first_line_before_it_has_decided() {
    // A peer that ends its lines with LF waits for the answer to the first.
    assert_eq!(feed(&mut Line::auto(), &[b"helo\n"]).items, ["helo"]);
    assert_eq!(feed_to_end(&mut Line::auto(), &[b"helo\n"]).items, ["helo"]);
}

#[test]
fn a_clone_has_the_same_parameters_and_starts_afresh() {
    let mut settled = Line::auto().output(b"~").max_length(3);
    assert_eq!(feed(&mut settled, &[b"a\rb"]).items, ["a"]);

    let mut clone = settled.clone();
    assert_eq!(feed(&mut clone, &[b"a\nb\n"]).items, ["a", "b"]);
    assert_eq!(encode(&mut clone, &[Bytes::from("a")]), b"a~");
    assert!(feed(&mut clone, &[b"abcd"]).failed.is_some());
}

#[test]
fn what_is_put_is_not_looked_at() {
    let items = [Bytes::from("a\nb"), Bytes::new()];
    assert_eq!(encode(&mut Line::new(), &items), b"a\nb\r\n\r\n");
}

#[test]
fn a_partial_line_stays_pending() {
    let fed = feed(&mut Line::new(), &[b"whole line\r\n", b"partial line"]);
    assert_eq!(fed.items, ["whole line"]);
    assert_eq!(fed.pending, b"partial line");
}

#[test]
fn a_filter_swap_in_mid_stream_loses_nothing() {
    let mut input = Input::new(b"DATA\r\n\r\nbody~QUIT\r\n");
    assert_eq!(Line::new().decode(&mut input).unwrap().unwrap(), "DATA");
    // The whole ending is gone, and nothing else: the body begins with an empty line.
    assert_eq!(Line::literal(b"~").decode(&mut input).unwrap().unwrap(), "\r\nbody");
    assert_eq!(Stream.decode(&mut input).unwrap().unwrap(), "QUIT\r\n");
}

#[test]
fn a_crlf_cut_in_two_is_one_ending() {
    assert_eq!(feed(&mut Line::new(), &[b"a\r", b"\nb\r", b"\n"]).items, ["a", "b"]);
    assert_eq!(feed(&mut Line::new(), &[b"a\n", b"\rb\n", b"\r"]).items, ["a", "b"]);
}

#[test]
fn an_ending_is_never_more_than_one_of_each() {
    assert_eq!(feed(&mut Line::new(), &[b"a\r\n\r\n"]).items, ["a", ""]);
    assert_eq!(feed(&mut Line::new(), &[b"a\n\n\r\r"]).items, ["a", "", ""]);
}

#[test]
fn a_line_is_delivered_when_the_first_byte_of_its_ending_is_there() {
    assert_eq!(feed(&mut Line::new(), &[b"a\r"]).items, ["a"]);
}

#[test]
fn the_unfinished_last_line_is_delivered_when_the_peer_ends() {
    let fed = feed_to_end(&mut Line::new(), &[b"a\nb"]);
    assert_eq!(fed.items, ["a", "b"]);
    assert!(fed.pending.is_empty());
    assert_eq!(feed_to_end(&mut Line::literal(b"\r\n"), &[b"a\r\nb\r"]).items, ["a", "b\r"]);
    // A last line that was ended is not followed by an empty one.
    assert_eq!(feed_to_end(&mut Line::new(), &[b"a\r", b"\n"]).items, ["a"]);
}

#[test]
fn an_ending_that_overlaps_itself_is_found_at_its_first_place() {
    assert_eq!(feed(&mut Line::literal(b"aab"), &[b"a", b"aaab", b"x"]).items, ["aa"]);
    assert_eq!(feed(&mut Line::literal(b"~~"), &[b"a~", b"~~", b"~b~~"]).items, ["a", "", "b"]);
}

#[test]
fn an_empty_ending_cannot_be_made() {
    assert!(Literal::new("".as_bytes()).is_none());
    assert!(Literal::new(Vec::new()).is_none());
}

#[test]
fn endings_are_not_copied() {
    const ENDING: &[u8; 2] = b"~~";
    assert_eq!(Literal::from(ENDING).as_bytes().as_ptr(), ENDING.as_ptr());
    let computed = Literal::new(b"--".to_vec()).unwrap();
    assert_eq!(computed.clone().as_bytes().as_ptr(), computed.as_bytes().as_ptr());
}

#[test]
fn a_line_filter_is_small() {
    assert!(size_of::<Line>() <= 56, "{} bytes for each connection", size_of::<Line>());
}

#[test]
fn a_line_filter_shows_its_parameters() {
    let shown = format!("{:?}", Line::literal(b"\r\n").input(Ending::Any));
    assert!(shown.contains(r#"output: b"\r\n""#), "{shown}");
}

#[test]
fn an_ending_set_at_run_time_works_both_ways() {
    let ending = Literal::new(String::from("END").into_bytes()).unwrap();
    standard_test(&Line::literal(ending), &[b"aENDbE", b"ND"], &["a", "b"], b"aENDbEND");
}

//! `Stack`: POE's scenarios for `Filter::Stackable`, then changes in mid-stream.

use std::num::NonZeroUsize;

use bytes::Bytes;
use filters::{Filter, Input, Line, Output, RecordBlock, Stack, Stream};

use crate::drive::{decode_up_to, drive, drive_to_end, texts};
use crate::feed::{encode, unsent};
use crate::kinds::{Fixed, Hoard};

/// Lines that end with "!", in parentheses, of which those with a 1 pass, in pairs.
fn poes() -> RecordBlock<Stack> {
    let wrap = |item: Bytes| Bytes::from([b"(((", &item[..], b")))"].concat());
    let unwrap = |item: Bytes| item.slice(3..item.len() - 3);
    let mut stack = Stack::new();
    stack.push(Line::literal(b"!"));
    stack.push(Stream.map_input(wrap).map_output(unwrap));
    stack.push(Stream.grep_input(|item| item.contains(&b'1')));
    stack.records(NonZeroUsize::new(2).expect("two is not zero"))
}

#[test]
fn a_line_mapped_left_out_and_counted() {
    let mut filter = poes();
    assert!(drive(&mut filter, &[b"test one (1)!test two (2)!"]).items.is_empty());
    let blocks = drive(&mut filter, &[b"test three (3)!test four (100)!"]).items;
    assert_eq!(blocks, [["(((test one (1))))", "(((test four (100))))"]]);

    let mut out = Output::new();
    for block in [&blocks[0], &blocks[0]] {
        filter.encode(block.clone(), &mut out).unwrap();
    }
    assert_eq!(unsent(&out), b"test one (1)!test four (100)!".repeat(2));

    assert!(drive(&mut filter, &[b"test one (1)!"]).items.is_empty());
    assert_eq!(filter.take_unfinished(), ["(((test one (1))))"]);
}

#[test]
fn filters_taken_away_and_put_back_work_as_before() {
    let mut filter = poes();
    let stack = filter.get_mut();
    let (last, first) = (stack.pop().unwrap(), stack.shift().unwrap());
    assert_eq!(stack.len(), 1);
    stack.push(last);
    stack.unshift(first);
    assert_eq!(stack.len(), 3);
    let blocks = drive(&mut filter, &[b"1!2!11!"]).items;
    assert_eq!(blocks, [["(((1)))", "(((11)))"]]);
}

#[test]
fn an_empty_stack_passes_bytes_as_they_come() {
    let mut stack = Stack::new();
    assert!(stack.pop().is_none() && stack.shift().is_none() && stack.is_empty());
    assert_eq!(texts(&drive_to_end(&mut stack, &[b"a", b"", b"bc"]).items), ["a", "bc"]);
    assert_eq!(encode(&mut stack, &["a".into(), "bc".into()]), b"abc");
}

#[test]
fn what_the_last_filter_has_not_read_is_for_the_next_last() {
    // POE loses both the half of a record and what the first filter holds.
    let mut stack = Stack::new();
    stack.push(Hoard::default());
    stack.push(Line::literal(b","));
    let mut unread = b"a,bcdefghij".to_vec();
    let mut items = Vec::new();
    decode_up_to(&mut stack, &mut unread, 1, &mut items).unwrap();
    stack.pop();
    stack.push(Fixed(5));
    decode_up_to(&mut stack, &mut unread, 9, &mut items).unwrap();
    assert_eq!(texts(&items), ["a", "bcdef"]);
    assert_eq!(stack.take_pending(), b"ghij");
}

#[test]
fn what_is_left_at_the_sessions_end_are_items() {
    let mut stack = Stack::new();
    stack.push(Line::literal(b"\n"));
    stack.push(Fixed(3));
    let mut unread = b"abcd\ne\nf\ng".to_vec();
    let mut items = Vec::new();
    decode_up_to(&mut stack, &mut unread, 1, &mut items).unwrap();
    stack.pop();
    // The rest of the line that it had begun is one, and so is each line that it had not seen.
    decode_up_to(&mut stack, &mut unread, 9, &mut items).unwrap();
    assert_eq!(texts(&items), ["abc", "d", "e", "f"]);
    assert_eq!(unread, b"g");
}

#[test]
fn items_that_nobody_asked_for_yet_keep_their_boundaries() {
    let mut stack = Stack::new();
    stack
        .push(Fixed(4).flat_map_input(|item| [item.slice(..1), item.slice(1..2), item.slice(2..)]));
    stack.push(Stream);
    let mut unread = b"abcdefgh".to_vec();
    let mut items = Vec::new();
    decode_up_to(&mut stack, &mut unread, 1, &mut items).unwrap();
    stack.shift();
    assert!(stack.holds_items());
    decode_up_to(&mut stack, &mut unread, 9, &mut items).unwrap();
    assert_eq!(texts(&items), ["a", "b", "cd", "efgh"]);
}

#[test]
fn the_record_that_was_begun_goes_on_from_the_wire_when_the_first_filter_leaves() {
    let mut stack = Stack::new();
    stack.push(Line::literal(b";"));
    stack.push(Line::literal(b","));
    let mut items = Vec::new();
    let mut unread = b"a,b;".to_vec();
    decode_up_to(&mut stack, &mut unread, 9, &mut items).unwrap();
    stack.shift();
    unread.extend_from_slice(b"c;,d");
    decode_up_to(&mut stack, &mut unread, 1, &mut items).unwrap();
    assert_eq!(texts(&items), ["a", "bc;"]);
    // What is behind the record is on the wire still: the next filter there reads it.
    assert_eq!(unread, b"d");
    stack.unshift(Stream.map_input(|bytes| bytes.to_ascii_uppercase().into()));
    unread.extend_from_slice(b"e,");
    decode_up_to(&mut stack, &mut unread, 9, &mut items).unwrap();
    assert_eq!(texts(&items), ["a", "bc;", "DE"]);
}

#[test]
fn a_filter_put_before_the_others_reads_from_the_next_record_on() {
    let upper = || Stream.map_input(|bytes| bytes.to_ascii_uppercase().into());
    // At a boundary: what follows is for it, though it came in the same read.
    let mut stack = Stack::new();
    stack.push(Line::new());
    let (mut unread, mut items) = (b"start\r\nlines\r\n".to_vec(), Vec::new());
    decode_up_to(&mut stack, &mut unread, 1, &mut items).unwrap();
    stack.unshift(upper());
    decode_up_to(&mut stack, &mut unread, 9, &mut items).unwrap();
    assert_eq!(texts(&items), ["start", "LINES"]);

    // In a record: what the line filter was shown is its own.
    let mut stack = Stack::new();
    stack.push(Line::new());
    let (mut unread, mut items) = (b"be".to_vec(), Vec::new());
    decode_up_to(&mut stack, &mut unread, 9, &mut items).unwrap();
    stack.unshift(upper());
    stack.unshift(Stream);
    unread.extend_from_slice(b"gun\nnext\n");
    decode_up_to(&mut stack, &mut unread, 9, &mut items).unwrap();
    assert_eq!(texts(&items), ["beGUN", "NEXT"]);
}

#[test]
fn a_line_that_was_searched_is_found_though_a_filter_came_between() {
    // The line filter remembers how far it has looked. That must stay true.
    let mut stack = Stack::new();
    stack.push(Line::literal(b"\n"));
    let (mut unread, mut items) = (b"0123456789".to_vec(), Vec::new());
    decode_up_to(&mut stack, &mut unread, 9, &mut items).unwrap();
    stack.unshift(Fixed(1));
    unread.extend_from_slice(b"\na\n");
    decode_up_to(&mut stack, &mut unread, 9, &mut items).unwrap();
    assert_eq!(texts(&items), ["0123456789", "a"]);
}

#[test]
fn the_end_of_the_stream_hands_over_what_a_change_has_left() {
    let mut stack = Stack::new();
    stack.push(Hoard::default());
    stack.push(Line::literal(b","));
    let (mut unread, mut items) = (b"a,bc".to_vec(), Vec::new());
    decode_up_to(&mut stack, &mut unread, 9, &mut items).unwrap();
    stack.shift();
    let rest = drive_to_end(&mut stack, &[b"d"]);
    assert_eq!((texts(&items), texts(&rest.items)), (vec!["a"], vec!["bcd"]));
}

#[test]
fn output_goes_through_what_there_is_when_it_is_put() {
    let mut stack = Stack::new();
    let mut out = Output::new();
    stack.encode("0".into(), &mut out).unwrap();
    stack.push(Line::literal(b";"));
    stack.encode("1".into(), &mut out).unwrap();
    stack.push(Line::literal(b","));
    stack.encode("2".into(), &mut out).unwrap();
    stack.shift();
    stack.encode("3".into(), &mut out).unwrap();
    assert_eq!(unsent(&out), b"01;2,;3,");
}

#[test]
fn an_idle_stack_holds_nothing_of_what_came() {
    let mut stack = Stack::new();
    stack.push(Stream);
    stack.push(Line::new());
    let mut input = Input::new(b"a\nb\nhalf");
    while stack.decode(&mut input).unwrap().is_some() {}
    assert!(input.is_empty());
    assert!(format!("{stack:?}").contains("len: 4"), "{stack:?}");
    assert_eq!(stack.take_pending(), b"half");
    assert!(!format!("{stack:?}").contains("len: 4"), "{stack:?}");
}

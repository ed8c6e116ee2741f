//! Any series of filters: `then`, a stack, a pair. What holds for one filter holds for them.

use std::num::NonZeroUsize;

use bytes::Bytes;
use filters::{Filter, FilterError, Input, Line, Literal, Output, Pair, Stack, Stream};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::drive::{assert_no_cut_shows, cut, decode_up_to, drive, drive_to_end, end, texts};
use crate::feed::{cases, encode, unsent};
use crate::kinds::{Asking, ByteFilter, Fixed, Hoard, Relying, Rolling, Runs};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Line,
    Stream,
    Rolling,
    Runs,
    /// Two of them, as one filter.
    RollingThenRuns,
    StackOfStream,
}

/// Each level's lines end with a capital of their own, and content is small.
fn filter(kind: Kind, level: u8) -> ByteFilter {
    match kind {
        Kind::Line => Box::new(line(level)),
        Kind::Stream => Box::new(Stream),
        Kind::Rolling => Box::new(Rolling::default()),
        Kind::Runs => Box::new(Runs),
        Kind::RollingThenRuns => Box::new(Rolling::default().then(Runs)),
        Kind::StackOfStream => {
            let mut stack = Stack::new();
            stack.push(Stream);
            Box::new(stack)
        }
    }
}

fn line(level: u8) -> Line {
    Line::literal(Literal::new(vec![b'A' + level]).expect("a letter")).max_length(400)
}

fn stack(kinds: &[Kind]) -> Stack {
    let mut stack = Stack::new();
    for (&kind, level) in kinds.iter().zip(0..) {
        stack.push(filter(kind, level));
    }
    stack
}

/// The same as a stack, of pairs.
fn thens(kinds: &[Kind]) -> ByteFilter {
    let levels = kinds.iter().zip(0..).map(|(&kind, level)| filter(kind, level));
    levels.reduce(|first, next| Box::new(first.then(next))).unwrap_or_else(|| Box::new(Stream))
}

fn kinds() -> impl Strategy<Value = Vec<Kind>> {
    let kind = select(vec![
        Kind::Line,
        Kind::Stream,
        Kind::Rolling,
        Kind::Runs,
        Kind::RollingThenRuns,
        Kind::StackOfStream,
    ]);
    prop::collection::vec(kind, 0..5)
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn p16_no_cut_shows_in_a_series(
        kinds in kinds(),
        at in any::<Index>(),
        framing in select(vec![Kind::Line, Kind::Runs]),
        stream in prop::collection::vec(select(b"1A2B3Caab19AABxD0".to_vec()), 0..40),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        // One that knows where items end. Without it each read is an item, as with `Stream`.
        let mut kinds = kinds;
        kinds.insert(at.index(kinds.len() + 1), framing);
        assert_no_cut_shows(|| stack(&kinds), &stream, &cuts);
        assert_no_cut_shows(|| thens(&kinds), &stream, &cuts);
        prop_assert_eq!(
            drive_to_end(&mut stack(&kinds), &[&stream]),
            drive_to_end(&mut thens(&kinds), &[&stream])
        );
    }

    #[test]
    fn what_a_series_encodes_it_decodes_to_the_same_items(
        below in kinds(),
        words in prop::collection::vec("[a-c]{0,20}", 0..12),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let items: Vec<_> = words.into_iter().map(Bytes::from).collect();
        let kinds = [&below[..], &[Kind::Line]].concat();
        let sent = encode(&mut stack(&kinds), &items);
        prop_assert_eq!(&encode(&mut thens(&kinds), &items), &sent);
        let driven = drive(&mut stack(&kinds), &cut(&sent, &cuts));
        prop_assert_eq!((driven.items, driven.failed), (items, None));
        prop_assert!(driven.pending.is_empty());
    }
}

/// What can be done to a stack whose filters change no byte.
#[derive(Debug, Clone)]
enum Step {
    Read(usize),
    Decode(usize),
    Push(usize),
    Unshift(usize),
    Pop,
    Shift,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..30_usize).prop_map(Step::Read),
        4 => (0..6_usize).prop_map(Step::Decode),
        2 => (0..7_usize).prop_map(Step::Push),
        2 => (0..7_usize).prop_map(Step::Unshift),
        2 => Just(Step::Pop),
        2 => Just(Step::Shift),
    ]
}

fn neutral(which: usize) -> ByteFilter {
    match which {
        0 => Box::new(Stream),
        1 => Box::new(Hoard::default()),
        2 => Box::new(Fixed(4).flat_map_input(|item| [item.slice(..1), item.slice(1..)])),
        3 => Box::new(Fixed(2).then(Fixed(5))),
        4 => Box::new(Hoard::default().then(Fixed(7))),
        5 => Box::new(Relying::default()),
        _ => Box::new(Relying::default().then(Relying::default())),
    }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn no_change_in_mid_stream_loses_a_byte_or_an_order(
        steps in prop::collection::vec(step(), 0..60),
        ended in any::<bool>(),
    ) {
        let mut source = (0..=250_u8).cycle();
        let (mut all, mut unread, mut items) = (Vec::new(), Vec::new(), Vec::new());
        let mut stack = Stack::new();
        for step in steps {
            match step {
                Step::Read(n) => {
                    let read: Vec<u8> = source.by_ref().take(n).collect();
                    all.extend_from_slice(&read);
                    unread.extend_from_slice(&read);
                }
                Step::Decode(most) => {
                    decode_up_to(&mut stack, &mut unread, most, &mut items).unwrap();
                }
                Step::Push(which) => stack.push(neutral(which)),
                Step::Unshift(which) => stack.unshift(neutral(which)),
                Step::Pop => drop(stack.pop()),
                Step::Shift => drop(stack.shift()),
            }
        }
        decode_up_to(&mut stack, &mut unread, usize::MAX, &mut items).unwrap();
        if ended {
            end(&mut stack, &mut unread, &mut items).unwrap();
        }
        let mut seen: Vec<u8> = items.concat();
        while stack.pop().is_some() {}
        seen.extend(stack.take_pending());
        seen.extend(unread);
        prop_assert_eq!(seen, all);
    }
}

#[test]
fn the_next_filter_is_offered_one_item_after_the_other() {
    let driven = drive(&mut Line::new().then(Stream), &[b"a\nb\n", b"\nc", b"d\n"]);
    assert_eq!(texts(&driven.items), ["a", "b", "cd"]);
}

#[test]
fn the_first_filter_is_not_asked_for_more_than_the_next_one_needs() {
    let mut series = Line::new().then(Line::literal(b","));
    let mut input = Input::new(b"a,b,\n!,\n");
    assert_eq!(series.decode(&mut input).unwrap().unwrap(), "a");
    assert_eq!(input.as_slice(), b"!,\n");
    assert!(series.holds_items());
    assert_eq!(series.decode(&mut input).unwrap().unwrap(), "b");
    assert_eq!(input.as_slice(), b"!,\n");
}

#[test]
fn an_error_of_either_filter_is_one_of_the_series_behind_the_items_before_it() {
    let malformed = FilterError::Malformed { at: 0, what: "no length".into() };
    let first = drive(&mut Runs.then(Line::literal(b"\n")), &[b"2a1\n0b"]);
    assert_eq!((texts(&first.items), first.failed), (vec!["aa"], Some(malformed)));
    let next = drive(&mut Runs.then(Line::literal(b"\n").max_length(3)), &[b"2a1\n4b9c"]);
    let long = FilterError::TooLong { limit: 3 };
    assert_eq!((texts(&next.items), next.failed), (vec!["aa"], Some(long)));
}

#[test]
fn the_end_passes_through_the_whole_series() {
    let series = || Line::literal(b";").then(Line::literal(b","));
    let driven = drive_to_end(&mut series(), &[b"a,b;c,d"]);
    assert_eq!(texts(&driven.items), ["a", "bc", "d"]);
    assert!(driven.pending.is_empty());
    let cut_off = drive_to_end(&mut Line::literal(b";").then(Fixed(4)), &[b"abcdef;g"]);
    assert_eq!((texts(&cut_off.items), cut_off.pending), (vec!["abcd"], b"efg".to_vec()));
}

#[test]
fn what_both_filters_have_left_is_pending_in_order() {
    let mut series = Hoard::default().then(Fixed(4));
    let driven = drive(&mut series, &[b"abcdefgh"]);
    assert_eq!((texts(&driven.items), driven.pending), (vec!["abcd"], b"efgh".to_vec()));
    assert!(!series.holds_items() && series.take_pending().is_empty());
}

#[test]
fn an_item_that_either_filter_refuses_is_not_sent() {
    let short = |item: Bytes| {
        if item.len() < 4 { Ok(item) } else { Err(FilterError::TooLong { limit: 3 }) }
    };
    let mut series = Line::literal(b"\n").try_map_output(short).then(Line::literal(b","));
    let mut out = Output::new();
    assert!(series.encode("abc".into(), &mut out).is_err());
    assert!(out.is_empty());
    series.encode("ab".into(), &mut out).unwrap();
    assert_eq!(unsent(&out), b"ab,\n");
}

#[test]
fn what_encodes_to_nothing_goes_no_further() {
    let next = Stream.grep_output(|item| item.starts_with(b"+"));
    let mut series = Line::literal(b"\n").then(next);
    assert_eq!(encode(&mut series, &["+a".into(), "-b".into(), "+c".into()]), b"+a\n+c\n");
}

#[test]
fn what_is_long_is_sent_without_a_copy() {
    let long = Bytes::from(vec![b'l'; Output::LINKED_FROM]);
    let mut out = Output::new();
    Stream.then(Stream).then(Stream).encode(long.clone(), &mut out).unwrap();
    assert_eq!(out.contiguous().map(<[u8]>::as_ptr), Some(long.as_ptr()));
    let mut out = Output::new();
    Line::literal(b"\n").then(Line::literal(b",")).encode(long.clone(), &mut out).unwrap();
    assert_eq!(unsent(&out), [&long[..], b",\n"].concat());
}

#[test]
fn each_filter_answers_and_the_answer_passes_those_before_it() {
    let asking = Asking::default;
    let mut series = asking().then(Line::literal(b"\n")).then(asking());
    let mut stack = Stack::new();
    stack.push(asking());
    stack.push(Line::literal(b"\n"));
    stack.push(asking());
    for series in [&mut series as &mut dyn Filter<Item = Bytes, Out = Bytes>, &mut stack] {
        assert!(!series.has_answer());
        let mut input = Input::new(b"abc\n");
        assert_eq!(series.decode(&mut input).unwrap().unwrap(), "abc");
        let mut out = Output::new();
        assert!(series.has_answer());
        series.answer(&mut out);
        assert_eq!(unsent(&out), b"??\n");
        assert!(!series.has_answer());
    }
}

#[test]
fn the_filters_of_a_series_can_be_changed() {
    let mut series = Line::new().then(Line::literal(b","));
    *series.first_mut() = Line::literal(b"1");
    *series.next_mut() = Line::literal(b"2");
    assert_eq!(encode(&mut series, &["a".into()]), b"a21");
}

#[test]
fn a_change_may_make_an_item_of_what_the_next_filter_holds() {
    let four = NonZeroUsize::new(4).expect("four is not zero");
    let mut series = Line::new().then(Line::literal(b",").records(four));
    let mut input = Input::new(b"a,b,c,\n");
    assert_eq!(series.decode(&mut input), Ok(None));
    assert!(!series.holds_items());
    series.next_mut().set_block_size(NonZeroUsize::MIN);
    assert!(series.holds_items());
    assert_eq!(series.decode(&mut input).unwrap().unwrap(), ["a"]);
}

#[test]
fn a_clone_of_a_series_starts_afresh() {
    let mut series = Stream.then(Line::literal(b","));
    decode_up_to(&mut series, &mut b"a,b,c".to_vec(), 1, &mut Vec::new()).unwrap();
    assert!(series.holds_items());
    let mut clone = series.clone();
    assert!(!clone.holds_items());
    assert_eq!(texts(&drive(&mut clone, &[b"d,"]).items), ["d"]);
    assert_eq!(series.take_pending(), b"b,c");
}

#[test]
fn a_pair_reads_with_one_filter_and_writes_with_the_other() {
    let mut pair = Pair::new(Hoard::default().then(Line::literal(b",")), Asking::default());
    assert_eq!(texts(&drive_to_end(&mut pair, &[b"a,b,", b"c,d"]).items), ["a", "b", "c", "d"]);
    assert_eq!(encode(&mut pair, &["a".into()]), b"a");
    // What the writing filter would say of what it read, it never says.
    assert!(!pair.has_answer());

    let mut pair = Pair::new(Asking::default(), Line::new());
    let mut input = Input::new(b"abc");
    assert!(pair.decode(&mut input).unwrap().is_some() && pair.has_answer());
    let (_, line) = pair.into_parts();
    assert_eq!(encode(&mut { line }, &["a".into()]), b"a\r\n");
}

#[test]
fn the_directions_of_a_pair_are_replaced_one_by_one() {
    let boxed = |filter: Line| -> ByteFilter { Box::new(filter) };
    let mut pair = Pair::new(boxed(Line::literal(b"1")), boxed(Line::literal(b"2")));
    *pair.input_mut() = boxed(Line::literal(b"3"));
    assert_eq!(texts(&drive(&mut pair, &[b"a3b2"]).items), ["a"]);
    assert_eq!(encode(&mut pair, &["a".into()]), b"a2");
    *pair.output_mut() = Box::new(Stream);
    assert_eq!(encode(&mut pair, &["a".into()]), b"a");
}

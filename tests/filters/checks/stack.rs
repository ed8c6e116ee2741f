//! Series of filters: as they are, adapted, and changed in mid-stream.

use std::num::NonZeroUsize;

use bytes::Bytes;
use filters::{Block, Filter, FilterError, Line, Literal, Output, Stack, Stream};

use super::watch::{Bounds, Made, Watch, no_cut_shows};
use super::{Case, encoded, reads};
use crate::kinds::{ByteFilter, Fixed, Hoard, Relying, Rolling, Runs};

pub fn check(case: &[u8]) {
    let mut case = Case(case);
    match case.below(3) {
        0 => as_they_are(case),
        1 => changed_behind_items(case),
        _ => changed_anywhere(case),
    }
}

/// No cut shows, and a stack and pairs make the same of a stream.
fn as_they_are(mut case: Case<'_>) {
    let kinds = kinds(&mut case, FRAMING, 1);
    let sizes = case.cuts();
    let stack = || stack(&kinds);
    let thens = || {
        let filters = kinds.iter().zip(0..).map(|(&kind, level)| filter(kind, level));
        let pairs = filters.reduce(|first, next| Box::new(first.then(next)));
        pairs.expect("one at least")
    };
    let made = no_cut_shows(stack, case.0, &sizes, BOUNDS);
    assert_eq!(no_cut_shows(thens, case.0, &sizes, BOUNDS), made);

    // What each level adds may be too much for the one before it.
    let is_short = made.items.iter().all(|item| item.len() + MOST_ADDED <= LIMIT);
    let invertible = |kind: &Kind| matches!(kind, Kind::Line | Kind::Block | Kind::Runs);
    if is_short && kinds.iter().all(invertible) {
        let sent = encoded(&mut stack(), &made.items);
        assert_eq!(encoded(&mut thens(), &made.items), sent);
        let again = Watch::new(stack(), BOUNDS).made_of(&[&sent], false);
        assert_eq!((again.items, again.failed, again.left), (made.items, None, Vec::new()));
    }
}

/// Behind an item, nothing is known of what comes later. So a change there does not depend on the
/// cuts either.
fn changed_behind_items(mut case: Case<'_>) {
    let kinds = kinds(&mut case, FRAMING, 1);
    let mut at = 0;
    let changes: Vec<_> = (0..case.below(8))
        .map(|_| {
            at += 1 + usize::from(case.below(4));
            (at, change(&mut case, FRAMING))
        })
        .collect();
    let sizes = case.cuts();
    let run = |reads: &[&[u8]], ends: bool| {
        let mut made = Made { items: Vec::new(), failed: None, left: Vec::new() };
        let mut watch = Watch::new(stack(&kinds), BOUNDS);
        made.failed = flow(&mut watch, &changes, reads, ends, &mut made.items).err();
        if made.failed.is_none() {
            made.left = watch.left();
        }
        made
    };
    for ends in [false, true] {
        let whole = run(&[case.0], ends);
        assert_eq!(run(&reads(case.0, &sizes), ends), whole, "cut into {sizes:?}");
        let bytes: Vec<_> = case.0.chunks(1).collect();
        assert_eq!(run(&bytes, ends), whole, "byte by byte");
    }
}

fn flow(
    watch: &mut Watch<Stack>,
    changes: &[(usize, Change)],
    reads: &[&[u8]],
    ends: bool,
    items: &mut Vec<Bytes>,
) -> Result<(), FilterError> {
    let mut changes = changes.iter().zip(LEVELS..).peekable();
    for read in reads {
        watch.offer(read);
        while let Some(item) = watch.decode()? {
            items.push(item);
            while let Some(((_, change), level)) = changes.next_if(|(c, _)| c.0 <= items.len()) {
                // An empty stack has no framing: each read is an item.
                let grows = matches!(change, Change::Push(_) | Change::Unshift(_));
                if grows || watch.filter.len() > 1 {
                    change.make(&mut watch.filter, level);
                }
            }
        }
    }
    while ends && let Some(item) = watch.finish()? {
        items.push(item);
    }
    Ok(())
}

/// Whenever it is changed, it keeps to what a filter promises; and through filters that change no
/// byte all bytes pass, in order.
fn changed_anywhere(mut case: Case<'_>) {
    let unchanging = case.below(2) == 0;
    let choice = if unchanging { UNCHANGING } else { ALL };
    let kinds = kinds(&mut case, choice, 0);
    let steps: Vec<_> = (0..case.below(32)).map(|_| step(&mut case, choice)).collect();
    let stream = case.0;

    let mut watch = Watch::new(stack(&kinds), BOUNDS);
    let mut came = Vec::new();
    let mut rest = stream;
    for (step, level) in steps.into_iter().zip(LEVELS..) {
        match step {
            Step::Read(size) => {
                let (read, behind) = rest.split_at(size.min(rest.len()));
                rest = behind;
                watch.offer(read);
            }
            Step::Decode(most) => {
                if decode(&mut watch, most, &mut came).is_err() {
                    return;
                }
            }
            Step::Change(change) => change.make(&mut watch.filter, level),
            Step::Put => put(&mut watch.filter),
        }
    }
    watch.offer(rest);
    if decode(&mut watch, usize::MAX, &mut came).is_ok() && unchanging {
        came.append(&mut watch.left());
        assert_eq!(Bytes::from(came), stream);
    }
}

fn decode(watch: &mut Watch<Stack>, most: usize, came: &mut Vec<u8>) -> Result<(), FilterError> {
    for _ in 0..most {
        let Some(item) = watch.decode()? else { break };
        came.extend_from_slice(&item);
    }
    Ok(())
}

/// An item is refused by nobody, or nothing of it goes.
fn put(stack: &mut Stack) {
    let mut out = Output::new();
    if stack.encode(Bytes::from_static(b"put"), &mut out).is_err() {
        assert!(out.is_empty());
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Read(usize),
    Decode(usize),
    Change(Change),
    Put,
}

fn step(case: &mut Case<'_>, choice: &[Kind]) -> Step {
    match case.below(8) {
        0..=2 => Step::Read(case.byte().into()),
        3 => Step::Decode(case.below(8).into()),
        4 => Step::Decode(usize::MAX),
        5 => Step::Put,
        _ => Step::Change(change(case, choice)),
    }
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Push(Kind),
    Unshift(Kind),
    Pop,
    Shift,
}

fn change(case: &mut Case<'_>, choice: &[Kind]) -> Change {
    match case.below(4) {
        0 => Change::Push(case.pick(choice)),
        1 => Change::Unshift(case.pick(choice)),
        2 => Change::Pop,
        _ => Change::Shift,
    }
}

impl Change {
    fn make(self, stack: &mut Stack, level: u8) {
        match self {
            Self::Push(kind) => stack.push(filter(tame(kind, level), level)),
            Self::Unshift(kind) => stack.unshift(filter(tame(kind, level), level)),
            Self::Pop => drop(stack.pop()),
            Self::Shift => drop(stack.shift()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Line,
    Block,
    Runs,
    Fixed(usize),
    /// Lines in halves.
    Halves,
    /// Lines without a "b".
    Some,
    /// Lines, of which one with a "c" is an error.
    Strict,
    /// Lines by twos, as one.
    Twos,
    /// Two framings as one.
    Then,
    /// Two framings as one, that could be changed.
    Stack,
    Stream,
    Hoard,
    Relying,
    Rolling,
}

/// Those whose items do not depend on how the bytes come.
const FRAMING: &[Kind] = &[
    Kind::Line,
    Kind::Block,
    Kind::Runs,
    Kind::Fixed(1),
    Kind::Fixed(3),
    Kind::Halves,
    Kind::Some,
    Kind::Strict,
    Kind::Twos,
    Kind::Then,
    Kind::Stack,
];

/// Those through which all bytes pass as they are.
const UNCHANGING: &[Kind] =
    &[Kind::Stream, Kind::Fixed(1), Kind::Fixed(3), Kind::Hoard, Kind::Relying];

const ALL: &[Kind] = &[
    Kind::Line,
    Kind::Block,
    Kind::Runs,
    Kind::Fixed(3),
    Kind::Halves,
    Kind::Some,
    Kind::Strict,
    Kind::Twos,
    Kind::Then,
    Kind::Stack,
    Kind::Stream,
    Kind::Hoard,
    Kind::Relying,
    Kind::Rolling,
];

fn kinds(case: &mut Case<'_>, choice: &[Kind], least: u8) -> Vec<Kind> {
    (0..least + case.below(4)).map(|level| tame(case.pick(choice), level)).collect()
}

/// Runs of runs of runs make a thousand items of a byte. Two are enough.
fn tame(kind: Kind, level: u8) -> Kind {
    let expands = matches!(kind, Kind::Runs | Kind::Then | Kind::Stack);
    if expands && !level.is_multiple_of(LEVELS) { Kind::Line } else { kind }
}

fn stack(kinds: &[Kind]) -> Stack {
    let mut stack = Stack::new();
    for (&kind, level) in kinds.iter().zip(0..) {
        stack.push(filter(kind, level));
    }
    stack
}

/// Each level's lines end with a capital of their own.
fn filter(kind: Kind, level: u8) -> ByteFilter {
    let line = || {
        let ending = Literal::new(vec![b'A' + level % 26]).expect("a letter");
        Line::literal(ending).max_length(LIMIT)
    };
    match kind {
        Kind::Line => Box::new(line()),
        Kind::Block => Box::new(Block::new().max_length(LIMIT)),
        Kind::Runs => Box::new(Runs),
        Kind::Fixed(size) => Box::new(Fixed(size)),
        Kind::Halves => Box::new(line().flat_map_input(|item| {
            let middle = item.len() / 2;
            [item.slice(..middle), item.slice(middle..)]
        })),
        Kind::Some => Box::new(line().grep_input(|item| !item.contains(&b'b'))),
        Kind::Strict => Box::new(line().try_map_input(|item| match memchr(b'c', &item) {
            None => Ok(item),
            Some(at) => Err(FilterError::Malformed { at, what: "a c".into() }),
        })),
        Kind::Twos => {
            let two = NonZeroUsize::new(2).expect("two is not zero");
            let twos = line().records(two);
            Box::new(twos.map_input(|items| items.concat().into()).map_output(|item| vec![item]))
        }
        Kind::Then => Box::new(line().then(Runs)),
        Kind::Stack => {
            let mut stack = Stack::new();
            stack.push(Runs);
            stack.push(line());
            Box::new(stack)
        }
        Kind::Stream => Box::new(Stream),
        Kind::Hoard => Box::new(Hoard::default()),
        Kind::Relying => Box::new(Relying::default()),
        Kind::Rolling => Box::new(Rolling::default()),
    }
}

fn memchr(byte: u8, item: &[u8]) -> Option<usize> {
    item.iter().position(|&b| b == byte)
}

/// Of what each level may keep.
const LIMIT: usize = 100;

/// What four levels add to an item: an ending, or a length.
const MOST_ADDED: usize = 16;

/// The letters of the levels that come later: others than those at the start.
const LEVELS: u8 = 4;

/// More levels than there will be, each with a record begun and one more.
const BOUNDS: Bounds = Bounds { kept: 8192, memory: 65_536 };

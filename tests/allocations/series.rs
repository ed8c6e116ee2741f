//! What a series of filters holds of a stream, counted: the limits of its parts and 64 KiB.

use allocation_counter::measure;
use bytes::Bytes;
use filters::{Filter, FilterError, Input, Line, Stack, Stream};

const LIMIT: usize = 1 << 20;
const SPARE: usize = 65_536;

/// Feeds it one read after another of what never ends, until it refuses. It consumes all it is
/// offered, as the first filter is `Stream`.
fn fill(filter: &mut impl Filter<Item = Bytes>, read: &[u8], most: usize) {
    let mut held = 0;
    loop {
        let mut result = Ok(None);
        held += measure(|| result = filter.decode(&mut Input::new(read))).bytes_current;
        assert!(held <= i64::try_from(most).unwrap(), "{held} bytes");
        match result {
            Ok(item) => assert_eq!(item, None),
            Err(error) => return assert!(matches!(error, FilterError::TooLong { .. })),
        }
    }
}

fn stacked(line: Line) -> Stack {
    let mut stack = Stack::new();
    stack.push(Stream);
    stack.push(line);
    stack
}

#[test]
fn a_series_holds_no_more_than_its_limits_and_64_kib() {
    let line = Line::new().max_length(LIMIT);
    for read in [&[b'a'; 65_536][..], &[b'a'; 1_000]] {
        fill(&mut Stream.then(line.clone()), read, LIMIT + read.len() + SPARE / 2);
        fill(&mut stacked(line.clone()), read, LIMIT + read.len() + SPARE / 2);
    }
    fill(&mut Stream.then(Line::new()), b"a", 16_384 + SPARE);
    fill(&mut stacked(Line::new()), b"a", 16_384 + SPARE);
}

#[test]
fn a_record_that_was_begun_holds_no_more_when_the_first_filter_has_left() {
    let mut stack = stacked(Line::new().max_length(LIMIT));
    assert_eq!(stack.decode(&mut Input::new(b"begun")), Ok(None));
    stack.shift();
    fill(&mut stack, &[b'a'; 1_000], LIMIT + SPARE);
}

#[test]
fn a_series_holds_nothing_once_all_is_consumed() {
    let mut then = Stream.then(Line::new());
    let mut stack = stacked(Line::new());
    let reads: [&[u8]; 3] = [b"one\r\ntwo\r\nthr", b"ee", b"\r\n"];
    for filter in [&mut then as &mut dyn Filter<Item = Bytes, Out = Bytes>, &mut stack] {
        let mut items = 0;
        let held = measure(|| {
            for read in reads {
                let mut input = Input::new(read);
                while filter.decode(&mut input).unwrap().is_some() {
                    items += 1;
                }
            }
        });
        assert_eq!((items, held.bytes_current), (3, 0));
    }
}

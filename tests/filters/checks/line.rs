//! Lines: every ending, every limit.

use bytes::Bytes;
use filters::{Ending, Line, Literal};

use super::Case;
use super::watch::{Bounds, Watch, no_cut_shows};
use crate::checks::encoded;

pub fn check(case: &[u8]) {
    let mut case = Case(case);
    let ending = match case.below(4) {
        0 => Ending::Any,
        1 => Ending::Auto,
        2 => Ending::Literal(case.pick(&[Literal::CRLF, Literal::LF, Literal::NUL])),
        _ => {
            let width = usize::from(case.below(6)) + 1;
            let bytes: Vec<u8> = (0..width).map(|_| case.byte()).collect();
            Ending::Literal(Literal::new(bytes).expect("one byte at least"))
        }
    };
    let limit = case.limit();
    let sizes = case.cuts();
    let stream = case.0;

    let line = Line::new().input(ending.clone()).max_length(limit);
    // What may be the beginning of an ending does not count, and is shorter than one.
    let width = if let Ending::Literal(literal) = &ending { literal.as_bytes().len() } else { 2 };
    let kept = limit.saturating_add(width - 1);
    let bounds = Bounds { kept, memory: limit.saturating_add(SMALL) };
    let made = no_cut_shows(|| line.clone(), stream, &sizes, bounds);

    assert!(made.items.iter().all(|item| item.len() <= limit));
    let back = match ending {
        Ending::Literal(literal) => line.output(literal),
        _ if made.items.iter().any(has_ending) => return,
        _ => line,
    };
    let sent = encoded(&mut back.clone(), &made.items);
    let again = Watch::new(back, bounds).made_of(&[&sent], true);
    assert_eq!((again.items, again.failed), (made.items, None));
}

/// With endings detected, what is not the ending is content, and would be one to a new filter.
fn has_ending(item: &Bytes) -> bool {
    item.iter().any(|byte| matches!(byte, b'\r' | b'\n'))
}

/// What a call needs besides its item.
const SMALL: usize = 512;

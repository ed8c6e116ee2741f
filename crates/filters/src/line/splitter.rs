//! Where a line ends, and what is known about that so far.
//!
//! Owns the state between two reads. Promises that the cuts between reads do not show. Never
//! counts, never copies; `line.rs` does, and enforces the limit. `ending.rs` says what the modes
//! mean.

use memchr::memchr2;

use crate::{Ending, Input, Literal};

/// The input side of a line filter.
///
/// ```text
///  Any(None) --ended--> Any(Some(partner)) --next_byte--> Any(None)
///
///  Undecided --ended--> Lone(byte) --next_byte--> Settled
///
///  Literal
/// ```
#[derive(Debug)]
pub(super) enum Splitter {
    /// Any ending. Holds the byte which, if it comes next, is the second half of the last one.
    Any(Option<u8>),
    /// Auto-detection that has seen no ending.
    Undecided,
    /// Auto-detection that has seen this byte end a line, and nothing behind it.
    Lone(u8),
    /// Auto-detection that has settled.
    Settled(Literal),
    /// A literal from the start.
    Literal(Literal),
}

impl Splitter {
    pub(super) fn new(ending: Ending) -> Self {
        match ending {
            Ending::Any => Self::Any(None),
            Ending::Auto => Self::Undecided,
            Ending::Literal(literal) => Self::Literal(literal),
        }
    }

    /// Returns the same mode in its first state.
    pub(super) fn fresh(&self) -> Self {
        match self {
            Self::Any(_) => Self::Any(None),
            Self::Undecided | Self::Lone(_) | Self::Settled(_) => Self::Undecided,
            Self::Literal(literal) => Self::Literal(literal.clone()),
        }
    }

    /// Consumes the second half of the last ending, if that is what comes next. Without a next byte
    /// the question stays open.
    #[inline]
    pub(super) fn next_byte(&mut self, input: &mut Input<'_>) {
        match self {
            Self::Any(Some(partner)) => {
                let Some(next) = input.as_slice().first() else { return };
                input.skip(usize::from(next == partner));
                *self = Self::Any(None);
            }
            Self::Lone(first) => {
                let Some(&next) = input.as_slice().first() else { return };
                let (literal, more) = settle(*first, next);
                input.skip(more);
                *self = Self::Settled(literal);
            }
            Self::Any(None) | Self::Undecided | Self::Settled(_) | Self::Literal(_) => (),
        }
    }

    /// Returns where in `window` the line ends, given that no ending ends within the first `from`
    /// bytes.
    #[inline]
    pub(super) fn find(&self, window: &[u8], from: usize) -> Option<usize> {
        match self {
            Self::Any(_) | Self::Undecided | Self::Lone(_) => {
                memchr2(b'\r', b'\n', window.get(from..)?).map(|at| from + at)
            }
            Self::Settled(literal) | Self::Literal(literal) => literal.find(window, from),
        }
    }

    /// Consumes the ending that [`find`](Self::find) found, its content being consumed already.
    #[inline]
    pub(super) fn ended(&mut self, input: &mut Input<'_>) {
        let first = match self {
            Self::Settled(literal) | Self::Literal(literal) => {
                input.skip(literal.as_bytes().len());
                return;
            }
            Self::Any(_) | Self::Undecided | Self::Lone(_) => input.as_slice().first().copied(),
        };
        input.skip(1);
        *self = match (&self, first) {
            (Self::Any(_), first) => Self::Any(first.map(partner_of)),
            (_, first) => first.map_or(Self::Undecided, Self::Lone),
        };
        self.next_byte(input);
    }

    /// Returns how many bytes [`find`](Self::find) must see behind the content to recognise the
    /// end.
    #[inline]
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Any(_) | Self::Undecided | Self::Lone(_) => 1,
            Self::Settled(literal) | Self::Literal(literal) => literal.as_bytes().len(),
        }
    }

    /// Returns how many bytes at the end of `window`, in which there is no ending, may be the
    /// beginning of one rather than content.
    pub(super) fn begun_at_end_of(&self, window: &[u8]) -> usize {
        match self {
            Self::Any(_) | Self::Undecided | Self::Lone(_) => 0,
            Self::Settled(literal) | Self::Literal(literal) => literal.begun_at_end_of(window),
        }
    }
}

/// Returns the byte that makes a pair with this half of a line ending.
#[inline]
fn partner_of(byte: u8) -> u8 {
    if byte == b'\r' { b'\n' } else { b'\r' }
}

/// Returns the ending that begins with `first` (CR or LF) when `next` follows, and how much of it
/// `next` is.
fn settle(first: u8, next: u8) -> (Literal, usize) {
    match (first == b'\r', next == partner_of(first)) {
        (true, true) => (Literal::CRLF, 1),
        (true, false) => (Literal::CR, 0),
        (false, true) => (Literal::LFCR, 1),
        (false, false) => (Literal::LF, 0),
    }
}

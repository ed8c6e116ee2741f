//! What a line may end with.
//!
//! Owns the choice, no state. Promises that each choice gives the same lines however the input is
//! cut. Never applies to output, which has one fixed ending. `splitter.rs` does the searching.

use crate::Literal;

/// Where a [`Line`](crate::Line) filter cuts its input.
///
/// ```
/// use filters::{Ending, Line};
///
/// let tolerant = Line::new().input(Ending::Any);
/// let strict = Line::new().input(b"\r\n");
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Ending {
    /// Each line ends with CRLF, LFCR, CR or LF, whichever comes; POE's default.
    ///
    /// The line is delivered as soon as the first byte of its ending is there, since a peer that
    /// sends a bare LF waits for the answer. If the other of the two bytes comes next, it belongs
    /// to the same ending, in whichever read it arrives. (POE takes it for an empty line if it
    /// arrives in the next one.)
    ///
    /// So when the filter is replaced after a line, its second byte may still be under way. A
    /// protocol that changes its framing in mid-stream is better off with a literal.
    #[default]
    Any,
    /// The first ending that occurs, out of CRLF, LFCR, CR and LF, is the ending of all lines; the
    /// other byte is content from then on. POE's `InputLiteral => undef`.
    ///
    /// The first line is delivered at once, as with [`Any`](Self::Any). Whether a lone CR or LF at
    /// the end of what has arrived was a whole ending or half of one stays open until the next byte
    /// decides.
    Auto,
    /// Lines end with exactly these bytes.
    Literal(Literal),
}

impl From<Literal> for Ending {
    fn from(literal: Literal) -> Self {
        Self::Literal(literal)
    }
}

impl<const N: usize> From<&'static [u8; N]> for Ending {
    fn from(literal: &'static [u8; N]) -> Self {
        Self::Literal(literal.into())
    }
}

//! A line ending that is known beforehand.
//!
//! Owns one non-empty byte string. Promises that a constant costs no allocation and that clones
//! share one that was computed. Never empty: an empty ending would make endless empty lines, so it
//! cannot be built. `splitter.rs` searches for it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use memchr::memchr;

/// A fixed line ending of at least one byte.
///
/// A byte string literal converts by itself; one that is empty does not compile. What is only known
/// when the program runs goes through [`Literal::new`].
///
/// ```
/// use filters::{Line, Literal};
///
/// let by_tilde = Line::literal(b"~~");
/// let by_nul = Line::literal(Literal::NUL);
/// let configured = String::from("\n.\n");
/// let by_dot = Literal::new(configured.into_bytes()).map(Line::literal);
/// assert!(by_dot.is_some());
/// ```
///
/// ```compile_fail
/// filters::Line::literal(b""); // the ending of a line is at least one byte
/// ```
#[derive(Clone)]
pub struct Literal(Repr);

impl Literal {
    /// Carriage return and line feed, what most Internet protocols write.
    ///
    /// ```
    /// assert_eq!(filters::Literal::CRLF.as_bytes(), b"\r\n");
    /// ```
    pub const CRLF: Self = Self(Repr::Static(b"\r\n"));

    /// Line feed and carriage return.
    ///
    /// ```
    /// assert_eq!(filters::Literal::LFCR.as_bytes(), b"\n\r");
    /// ```
    pub const LFCR: Self = Self(Repr::Static(b"\n\r"));

    /// Carriage return alone.
    ///
    /// ```
    /// assert_eq!(filters::Literal::CR.as_bytes(), b"\r");
    /// ```
    pub const CR: Self = Self(Repr::Static(b"\r"));

    /// Line feed alone.
    ///
    /// ```
    /// assert_eq!(filters::Literal::LF.as_bytes(), b"\n");
    /// ```
    pub const LF: Self = Self(Repr::Static(b"\n"));

    /// A zero byte, as after the strings of many binary protocols.
    ///
    /// ```
    /// assert_eq!(filters::Literal::NUL.as_bytes(), b"\0");
    /// ```
    pub const NUL: Self = Self(Repr::Static(b"\0"));

    /// Returns the ending made of `bytes`, or `None` if there are none. POE dies instead.
    ///
    /// Borrowed bytes are kept as they are; an owned `Vec` is shared by all clones.
    ///
    /// ```
    /// use filters::Literal;
    ///
    /// assert!(Literal::new(vec![b'x']).is_some());
    /// assert!(Literal::new("two".as_bytes()).is_some());
    /// assert!(Literal::new(Vec::new()).is_none());
    /// ```
    pub fn new(bytes: impl Into<Cow<'static, [u8]>>) -> Option<Self> {
        let bytes = bytes.into();
        (!bytes.is_empty()).then(|| match bytes {
            Cow::Borrowed(bytes) => Self(Repr::Static(bytes)),
            Cow::Owned(bytes) => Self(Repr::Shared(Arc::new(Owned(bytes.into())))),
        })
    }

    /// Returns the bytes of the ending, one at least.
    ///
    /// ```
    /// assert_eq!(filters::Literal::from(b"~~").as_bytes(), b"~~");
    /// ```
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Static(bytes) => bytes,
            Repr::Shared(owned) => &owned.0,
        }
    }

    /// Returns where the first occurrence in `window` begins, given that none ends within the
    /// first `from` bytes.
    ///
    /// Searches for the last byte and then looks back. For the endings in use (one byte, CRLF)
    /// that is a single vectorised search per line, cheaper than preparing a substring searcher;
    /// and a search that goes on later need not step back into what was seen.
    #[inline]
    pub(super) fn find(&self, window: &[u8], from: usize) -> Option<usize> {
        let literal = self.as_bytes();
        let (&last, before) = literal.split_last()?;
        let mut at = from;
        loop {
            at += memchr(last, window.get(at..)?)?;
            // A comparison of nothing is a call, too.
            if before.is_empty() || window[..at].ends_with(before) {
                return Some(at - before.len());
            }
            at += 1;
        }
    }

    /// Returns how many bytes at the end of `window` may turn out to begin this ending.
    pub(super) fn begun_at_end_of(&self, window: &[u8]) -> usize {
        let literal = self.as_bytes();
        (1..literal.len()).rev().find(|&n| window.ends_with(&literal[..n])).unwrap_or(0)
    }
}

impl<const N: usize> From<&'static [u8; N]> for Literal {
    fn from(bytes: &'static [u8; N]) -> Self {
        const { assert!(N > 0, "the ending of a line is at least one byte") };
        Self(Repr::Static(bytes))
    }
}

/// As in source text: `b"\r\n"`.
impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.as_bytes().escape_ascii())
    }
}

/// 16 bytes: every connection has two of these.
#[derive(Clone)]
enum Repr {
    Static(&'static [u8]),
    Shared(Arc<Owned>),
}

/// Behind its own pointer, so that the reference to it is one word.
struct Owned(Box<[u8]>);

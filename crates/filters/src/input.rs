//! What has been received and not yet consumed.
//!
//! Owns a position in borrowed bytes. Promises that it only moves forward and never past the end,
//! whatever a filter asks for. Never copies unless an item is taken out, never grows, does not know
//! where the bytes came from. `filter.rs` says who offers them and when again.

use std::fmt;

use bytes::Bytes;

use crate::spare;

/// A cursor over received bytes, which a filter moves past what it used. (What a wheel tells its session, an
/// item with the wheel's id, is `wheels::Input`.)
///
/// After the call the caller drops [`consumed`](Self::consumed) bytes from its buffer; the rest
/// is what POE's `get_pending` returned.
///
/// ```
/// use filters::Input;
///
/// let mut input = Input::new(b"abc,def");
/// assert_eq!(&input.take(3)[..], b"abc");
/// input.skip(1);
/// assert_eq!(input.as_slice(), b"def");
/// assert_eq!(input.consumed(), 4);
/// ```
pub struct Input<'a> {
    bytes: &'a [u8],
    /// Invariant: at most `bytes.len()`.
    consumed: usize,
}

impl<'a> Input<'a> {
    /// Returns a cursor at the front of `bytes`.
    ///
    /// ```
    /// assert_eq!(filters::Input::new(b"abc").as_slice(), b"abc");
    /// ```
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, consumed: 0 }
    }

    /// Copies the next `n` bytes out and moves past them.
    ///
    /// Takes what is there if that is less. Lengths often come from the peer, and one that was not
    /// checked must not bring the process down.
    ///
    /// ```
    /// let mut input = filters::Input::new(b"abc");
    /// assert_eq!(&input.take(2)[..], b"ab");
    /// assert_eq!(&input.take(2)[..], b"c");
    /// ```
    #[inline(always)]
    pub fn take(&mut self, n: usize) -> Bytes {
        let rest = self.as_slice();
        let taken = spare::item_of(&rest[..n.min(rest.len())]);
        self.consumed += taken.len();
        taken
    }

    /// Moves past the next `n` bytes, or to the end if there are fewer.
    ///
    /// ```
    /// let mut input = filters::Input::new(b"abc");
    /// input.skip(2);
    /// assert_eq!(input.as_slice(), b"c");
    /// input.skip(2);
    /// assert!(input.is_empty());
    /// ```
    #[inline]
    pub fn skip(&mut self, n: usize) {
        self.consumed += n.min(self.len());
    }

    /// Returns what has not been consumed. The slice outlives the cursor's borrow, so a filter can
    /// look at it while it moves.
    ///
    /// ```
    /// let mut input = filters::Input::new(b"abc");
    /// let all = input.as_slice();
    /// input.skip(1);
    /// assert_eq!((all, input.as_slice()), (&b"abc"[..], &b"bc"[..]));
    /// ```
    #[inline]
    pub fn as_slice(&self) -> &'a [u8] {
        &self.bytes[self.consumed..]
    }

    /// Returns how many bytes have not been consumed.
    ///
    /// ```
    /// assert_eq!(filters::Input::new(b"abc").len(), 3);
    /// ```
    #[inline]
    pub const fn len(&self) -> usize {
        self.bytes.len() - self.consumed
    }

    /// Returns whether everything has been consumed.
    ///
    /// ```
    /// assert!(filters::Input::new(b"").is_empty());
    /// ```
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many bytes have been consumed since [`new`](Self::new).
    ///
    /// ```
    /// let mut input = filters::Input::new(b"abc");
    /// input.skip(2);
    /// assert_eq!(input.consumed(), 2);
    /// ```
    #[inline]
    pub const fn consumed(&self) -> usize {
        self.consumed
    }
}

/// Counts, no content: it may be long, and it is somebody's mail.
impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("consumed", &self.consumed).field("len", &self.len()).finish()
    }
}

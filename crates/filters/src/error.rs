//! What can be wrong with bytes.
//!
//! Owns the one error type of this crate. Promises that its text is fit for a log line and names
//! the limit or the place. Never carries the offending bytes, unless another's text quotes them: then
//! a few, and none that a terminal or a log would take for its own. The wheels turn it into a
//! failure event.

use std::borrow::Cow;
use std::fmt::Write;
use std::{error, fmt};

/// Why a filter could not go on.
///
/// POE's filters throw an exception instead ("line exceeds", "buffer exceeds"). An error is final:
/// the framing is lost, and `ReadWrite` does not ask a filter again that failed. Those of this crate consume
/// nothing more and fail again. Close the connection, or put another filter in its place.
///
/// ```
/// use filters::{Filter, FilterError, Input, Line};
///
/// let error = Line::new().max_length(4).decode(&mut Input::new(b"too long")).unwrap_err();
/// assert_eq!(error, FilterError::TooLong { limit: 4 });
/// assert_eq!(error.to_string(), "record exceeds 4 bytes");
///
/// let error = FilterError::Malformed { at: 3, what: "no length".into() };
/// assert_eq!(error.to_string(), "malformed record at byte 3: no length");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FilterError {
    /// A record is longer than the filter allows, whether its end has been seen or not.
    TooLong {
        /// The most that is allowed, in bytes of content.
        limit: usize,
    },
    /// The bytes are not what this framing expects.
    Malformed {
        /// Where, in bytes from the start of the record.
        at: usize,
        /// What was wrong there.
        what: Cow<'static, str>,
    },
}

impl FilterError {
    /// Returns [`Malformed`](Self::Malformed) with the text of another error, such as a parser's.
    ///
    /// Such a text may quote what the peer sent. So it is cut off after 200 characters, and all that
    /// is not a letter, a digit, a space or printable ASCII is escaped.
    ///
    /// ```
    /// use filters::FilterError;
    ///
    /// let error = FilterError::malformed(2, "unknown field `\x1b[2J`");
    /// assert_eq!(error.to_string(), r"malformed record at byte 2: unknown field `\u{1b}[2J`");
    /// ```
    pub fn malformed(at: usize, why: impl fmt::Display) -> Self {
        let mut what = Excerpt { text: String::new(), room: MOST_CHARACTERS };
        if write!(what, "{why}").is_err() {
            what.text.push_str("...");
        }
        Self::Malformed { at, what: what.text.into() }
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { limit } => write!(f, "record exceeds {limit} bytes"),
            Self::Malformed { at, what } => write!(f, "malformed record at byte {at}: {what}"),
        }
    }
}

impl error::Error for FilterError {}

/// The beginning of a text, fit for a log line. Writing to it fails when it is full.
struct Excerpt {
    text: String,
    /// How many characters may follow.
    room: usize,
}

impl Write for Excerpt {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for character in more.chars() {
            self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
            if character == ' ' || character.is_ascii_graphic() || character.is_alphanumeric() {
                self.text.push(character);
            } else {
                self.text.extend(character.escape_default());
            }
        }
        Ok(())
    }
}

/// A line in a log, and a little more.
const MOST_CHARACTERS: usize = 200;

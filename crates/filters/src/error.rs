//! What can be wrong with bytes.
//!
//! Owns the one error type of this crate. Promises that its text is fit for a log line and names
//! the limit or the place. Never carries the offending bytes: a peer chose them, and they may be
//! many. The wheels turn it into a failure event.

use std::borrow::Cow;
use std::{error, fmt};

/// Why a filter could not go on.
///
/// POE's filters throw an exception instead ("line exceeds", "buffer exceeds"). An error is final:
/// the framing is lost, so a filter that failed consumes nothing more and fails again when asked
/// again. Close the connection, or put another filter in its place.
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

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { limit } => write!(f, "record exceeds {limit} bytes"),
            Self::Malformed { at, what } => write!(f, "malformed record at byte {at}: {what}"),
        }
    }
}

impl error::Error for FilterError {}

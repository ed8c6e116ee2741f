//! A descriptor that could not be watched.

use std::error::Error;
use std::fmt;
use std::io;

/// Why [`Context::select_read`](crate::Context::select_read) and its kin could not watch, and what they
/// were given.
pub struct Refused<F> {
    /// What was handed over, back again.
    pub handle: F,
    /// What the system said.
    pub error: io::Error,
}

impl<F> fmt::Display for Refused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot watch the descriptor: {}", self.error)
    }
}

// Of any handle, so that any watch can be unwrapped.
impl<F> fmt::Debug for Refused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<F> Error for Refused<F> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

/// For handlers that return what they fail with. The handle is dropped.
impl<F> From<Refused<F>> for io::Error {
    fn from(refused: Refused<F>) -> Self {
        refused.error
    }
}

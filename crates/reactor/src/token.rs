//! Tokens of what the kernel itself polls.
//!
//! No wheel has one of these, because a wheel's token carries its generation, and no generation is zero.

use mio::Token;

/// The signal pipe.
pub(crate) const SIGNALS: Token = Token(0);
/// What wakes the loop from another thread.
pub(crate) const REMOTE: Token = Token(1);
/// What tells that the wall clock was stepped.
pub(crate) const CLOCK: Token = Token(2);

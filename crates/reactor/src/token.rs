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
/// The first of the child processes, which follow by number.
const CHILDREN: usize = 1 << 8;

/// What tells that a child process has exited. A number is below 2^31, so no generation is in it.
pub(crate) const fn child(number: u32) -> Token {
    Token(CHILDREN + number as usize)
}

/// The child process that [`child`] made the token of.
pub(crate) fn child_of(token: Token) -> Option<u32> {
    token.0.checked_sub(CHILDREN).and_then(|number| u32::try_from(number).ok())
}

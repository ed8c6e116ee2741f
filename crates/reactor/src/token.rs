//! Tokens of what the kernel itself polls, and of the further descriptors of wheels.
//!
//! No wheel's first descriptor has one of these, because a wheel's token carries its generation, and no
//! generation is zero. Its further ones have, and are found here.

use mio::Token;

/// The signal pipe.
pub(crate) const SIGNALS: Token = Token(0);
/// What wakes the loop from another thread.
pub(crate) const REMOTE: Token = Token(1);
/// What tells that the wall clock was stepped.
pub(crate) const CLOCK: Token = Token(2);
/// The first of the child processes, which follow by number.
const CHILDREN: usize = 1 << 8;
/// The first of what wheels watch beside their first descriptor, behind the last of the children.
const FURTHER: usize = CHILDREN + (1 << 31);
/// So many numbers fit between there and the first token that has a generation in it.
pub(crate) const MOST_FURTHER: u32 = (1 << 31) - (1 << 8);

/// What tells that a child process has exited. A number is below 2^31, so no generation is in it.
pub(crate) const fn child(number: u32) -> Token {
    Token(CHILDREN + number as usize)
}

/// The child process that [`child`] made the token of.
pub(crate) fn child_of(token: Token) -> Option<u32> {
    token.0.checked_sub(CHILDREN).and_then(|number| u32::try_from(number).ok())
}

/// What tells that a further descriptor of a wheel is ready. A number is below [`MOST_FURTHER`].
pub(crate) const fn further(number: u32) -> Token {
    Token(FURTHER + number as usize)
}

/// The number that [`further`] made the token of.
pub(crate) fn further_of(token: Token) -> Option<u32> {
    token.0.checked_sub(FURTHER).and_then(|number| u32::try_from(number).ok())
}

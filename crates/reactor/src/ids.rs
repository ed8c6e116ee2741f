//! The ids users see: a slot and its generation.
//!
//! Ids are small, `Copy`, and stale once what they named is gone: every method that takes one then
//! answers that it is not there. They are not reused before 2^32 generations of one slot.

use std::fmt;

use mio::Token;

use crate::arena::Key;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $word:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(crate) Key);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}.{}", self.0.slot(), self.0.generation())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($word, " {}"), self)
            }
        }
    };
}

id! {
    /// Names one session of one kernel (POE: `$session->ID`).
    SessionId, "session"
}
id! {
    /// Names one wheel of one kernel (POE: `$wheel->ID`).
    WheelId, "wheel"
}
id! {
    /// Names one timer of one kernel (POE: the number that `delay_set` returns).
    TimerId, "timer"
}

impl SessionId {
    /// The kernel itself, the sender of what no session sent (POE: `$poe_kernel` as a session).
    pub const KERNEL: Self = Self(Key::reserved());

    #[inline]
    pub(crate) const fn is_kernel(self) -> bool {
        self.0.to_word() == Self::KERNEL.0.to_word()
    }
}

// A token is a slot and a generation in one word. On a machine with smaller words the generation
// would be lost, and with it the proof that a late event is not somebody else's.
const _: () = assert!(usize::BITS == u64::BITS, "wheelhouse needs a 64-bit machine");

impl WheelId {
    /// No wheel's.
    pub(crate) const NONE: Self = Self(Key::reserved());

    #[expect(clippy::cast_possible_truncation, reason = "usize has 64 bits, asserted above")]
    pub(crate) const fn token(self) -> Token {
        Token(self.0.to_word() as usize)
    }

    pub(crate) fn from_token(token: Token) -> Option<Self> {
        Key::from_word(token.0 as u64).map(Self)
    }
}

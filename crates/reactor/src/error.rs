//! What callers are told when they ask for what cannot be done.
//!
//! A small enum or struct for each concern; what could not be taken comes back in it.

use std::error::Error;
use std::fmt;

use crate::ids::SessionId;

/// The session is gone, or never was. Holds the payload that could not be posted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NoSuchSession<T = ()>(pub T);

impl<T> fmt::Display for NoSuchSession<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such session")
    }
}

// Of any payload, so that a post of any payload can be unwrapped.
impl<T> fmt::Debug for NoSuchSession<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoSuchSession({})", std::any::type_name::<T>())
    }
}

impl<T> Error for NoSuchSession<T> {}

/// The timer rang already, was removed, or never was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoSuchTimer;

impl fmt::Display for NoSuchTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such timer")
    }
}

impl Error for NoSuchTimer {}

/// Why [`Context::call`](crate::Context::call) has no reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CallError {
    /// The session is gone, or has had its `_stop`, or never was.
    NoSuchSession,
    /// One of the session's handlers is running, further up the stack of calls. A session calls itself
    /// by calling its own method.
    Busy,
    /// The session does not handle the event.
    NoHandler,
    /// The session handles the event, but takes another payload than it was given.
    OtherPayload,
    /// The session handles the event, but its reply is of another type than was asked for.
    OtherReply,
    /// The session's `_default` took the event, which has no reply.
    Default,
    /// The handler panicked or returned an error.
    Failed,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchSession => "no such session",
            Self::Busy => "the session is running",
            Self::NoHandler => "the session does not handle the event",
            Self::OtherPayload => "the event's handler takes another payload",
            Self::OtherReply => "the event's handler replies with another type",
            Self::Default => "the event was taken by _default, which does not reply",
            Self::Failed => "the handler failed",
        })
    }
}

impl Error for CallError {}

/// Why a signal cannot be watched.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignalError {
    /// It looks like a signal of the system, but those are written in capitals and without `SIG`; and `CLD`
    /// is `CHLD`.
    Misspelt(String),
    /// The system does not let programs handle it (`KILL`, `STOP`), or handling it makes no sense (`SEGV`).
    Unwatchable(String),
    /// The system refused.
    System(std::io::Error),
}

impl fmt::Display for SignalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misspelt(name) => {
                write!(f, "no signal is named {name:?}: names are in capitals, as INT, CHLD")
            }
            Self::Unwatchable(name) => write!(f, "signal {name} cannot be watched"),
            Self::System(error) => write!(f, "cannot watch signals: {error}"),
        }
    }
}

impl Error for SignalError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::System(error) => Some(error),
            Self::Misspelt(_) | Self::Unwatchable(_) => None,
        }
    }
}

macro_rules! simple_errors {
    ($($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $text:literal),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, PartialEq, Eq, Debug)]
            #[non_exhaustive]
            pub enum $name { $($(#[$case_doc])* $case),* }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(match self { $(Self::$case => $text),* })
                }
            }

            impl Error for $name {}
        )*
    };
}

simple_errors! {
    /// Why a named reference cannot be taken back.
    RefcountError {
        /// The session is gone, or never was (POE: ESRCH).
        NoSuchSession = "no such session",
        /// Nothing is counted under this name.
        NoSuchTag = "nothing is counted under this name",
    }

    /// Why a session cannot be detached.
    DetachError {
        /// The session is gone, or never was (POE: ESRCH).
        NoSuchSession = "no such session",
        /// It has no parent but the kernel (POE: EPERM).
        NoParent = "the session has no parent",
        /// It is another session's child (POE: EPERM).
        NotAChild = "the session is not a child of this one",
    }

    /// Why a handler cannot be set.
    StateError {
        /// The handler is for a state of another type than this session's.
        OtherState = "the handler is for sessions with another type of state",
        /// The name is one of the kernel's own that a running session cannot set: `_start`, `_default`.
        Reserved = "the name is the kernel's own",
    }
}

/// Why an alias cannot be set or removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AliasError {
    /// Another session has it: this one (POE: EEXIST).
    InUse(SessionId),
    /// Nobody has it (POE: ESRCH).
    NoSuchAlias,
    /// Another session has it, and only that can remove it (POE: EPERM).
    NotYours(SessionId),
    /// The session is gone, or never was.
    NoSuchSession,
}

impl fmt::Display for AliasError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(session) => write!(f, "the alias is in use by {}", session.who()),
            Self::NoSuchAlias => f.write_str("no such alias"),
            Self::NotYours(session) => write!(f, "the alias belongs to {}", session.who()),
            Self::NoSuchSession => f.write_str("no such session"),
        }
    }
}

impl Error for AliasError {}

/// Why a machine does not go to another state. Holds the payload that was for the entry event.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransitionError<T = ()> {
    /// The session is not a [`Machine`](crate::Machine).
    NotAMachine(T),
    /// The machine has no state of this name.
    NoSuchState(T),
    /// Nobody called the state: every [`call_state`](crate::Context::call_state) was returned from.
    NothingToReturnTo(T),
}

impl<T> TransitionError<T> {
    /// The payload.
    pub fn into_payload(self) -> T {
        match self {
            Self::NotAMachine(payload)
            | Self::NoSuchState(payload)
            | Self::NothingToReturnTo(payload) => payload,
        }
    }
}

impl TransitionError {
    /// The same, with the payload that was for the entry event.
    pub(crate) fn with<T>(self, payload: T) -> TransitionError<T> {
        match self {
            Self::NotAMachine(()) => TransitionError::NotAMachine(payload),
            Self::NoSuchState(()) => TransitionError::NoSuchState(payload),
            Self::NothingToReturnTo(()) => TransitionError::NothingToReturnTo(payload),
        }
    }
}

impl<T> fmt::Display for TransitionError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAMachine(_) => "the session is not a machine",
            Self::NoSuchState(_) => "the machine has no such state",
            Self::NothingToReturnTo(_) => "there is no state to return to",
        })
    }
}

// Of any payload, so that a transition with any payload can be unwrapped.
impl<T> fmt::Debug for TransitionError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::NotAMachine(_) => "NotAMachine",
            Self::NoSuchState(_) => "NoSuchState",
            Self::NothingToReturnTo(_) => "NothingToReturnTo",
        };
        write!(f, "{name}({})", std::any::type_name::<T>())
    }
}

impl<T> Error for TransitionError<T> {}

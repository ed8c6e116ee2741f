//! What callers are told when they ask for what cannot be done.
//!
//! A small enum or struct for each concern; what could not be taken comes back in it.

use std::error::Error;
use std::fmt;

use crate::payload::Parcel;

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
    /// The session is gone, or never was.
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
    /// There is no signal of this name. Names are written without `SIG`.
    Unknown(String),
    /// The system does not let programs handle it (`KILL`, `STOP`), or handling it makes no sense (`SEGV`).
    Unwatchable(String),
    /// The system refused.
    System(std::io::Error),
}

impl fmt::Display for SignalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "no signal is named {name}"),
            Self::Unwatchable(name) => write!(f, "signal {name} cannot be watched"),
            Self::System(error) => write!(f, "cannot watch signals: {error}"),
        }
    }
}

impl Error for SignalError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::System(error) => Some(error),
            Self::Unknown(_) | Self::Unwatchable(_) => None,
        }
    }
}

/// An event that only `_default` takes (POE: `ARG0` and `ARG1` of `_default`).
pub struct Unhandled<'a> {
    name: &'a str,
    parcel: &'a mut dyn Parcel,
}

impl<'a> Unhandled<'a> {
    pub(crate) fn new(name: &'a str, parcel: &'a mut dyn Parcel) -> Self {
        Self { name, parcel }
    }

    /// The event's name.
    #[must_use]
    pub const fn name(&self) -> &str {
        self.name
    }

    /// The name of the payload's type, for people.
    #[must_use]
    pub fn payload_type(&self) -> &'static str {
        self.parcel.content_name()
    }
}

impl Unhandled<'_> {
    /// Takes the payload out, if it is a `T` and was not taken yet.
    #[must_use]
    pub fn take<T: 'static>(&mut self) -> Option<T> {
        let any: &mut dyn std::any::Any = self.parcel;
        any.downcast_mut::<Option<T>>()?.take()
    }
}

impl fmt::Debug for Unhandled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unhandled({}: {})", self.name, self.payload_type())
    }
}

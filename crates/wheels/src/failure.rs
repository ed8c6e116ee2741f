//! What went wrong, as an event.

use std::borrow::Cow;
use std::fmt;
use std::io;

use filters::FilterError;
use reactor::WheelId;

use crate::sys::errno;

/// What the peer or the system did instead of what was asked, or what was wrong with a parameter
/// (POE: the arguments of `FailureEvent` and `ErrorEvent`).
///
/// Shown as `bind: Address already in use`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The call that failed.
    pub operation: Operation,
    /// The system's number of the error (`errno`), zero at the end of a stream. Of names it may be one of
    /// `getaddrinfo(3)`, which are negative: `EAI_NONAME` is -2, `EAI_SERVICE` -8.
    pub errnum: i32,
    /// The error in words, empty at the end of a stream.
    pub errstr: Cow<'static, str>,
    /// The wheel it happened to.
    pub wheel: WheelId,
    /// How many encoded bytes were put and will not be sent any more because of this.
    pub unsent: usize,
}

impl Failure {
    /// Whether it is no failure, but the regular end of what the peer sends (POE: `read`, error 0).
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.operation == Operation::Read && self.errnum == 0
    }

    pub(crate) fn new(operation: Operation, error: &io::Error, wheel: WheelId) -> Self {
        let errnum = error.raw_os_error().unwrap_or(0);
        Self { operation, errnum, errstr: describe(error).into(), wheel, unsent: 0 }
    }

    /// An option that was refused: its name comes before the system's words.
    pub(crate) fn of_option((option, error): (&str, io::Error), wheel: WheelId) -> Self {
        let errstr = format!("{option}: {}", describe(&error));
        let errnum = error.raw_os_error().unwrap_or(0);
        Self::told(Operation::SetSockOpt, errnum, errstr.into(), wheel)
    }

    /// A failure that the system knows no words for.
    pub(crate) const fn told(
        operation: Operation,
        errnum: i32,
        errstr: Cow<'static, str>,
        wheel: WheelId,
    ) -> Self {
        Self { operation, errnum, errstr, wheel, unsent: 0 }
    }

    pub(crate) const fn end(wheel: WheelId) -> Self {
        Self::told(Operation::Read, 0, Cow::Borrowed(""), wheel)
    }

    /// The filter refused what came, or what was to go. `EMSGSIZE` or `EINVAL`, with the filter's words.
    pub(crate) fn refused(operation: Operation, error: &FilterError, wheel: WheelId) -> Self {
        let errnum = match error {
            FilterError::TooLong { .. } => errno::MSGSIZE,
            FilterError::Malformed { .. } | _ => errno::INVAL,
        };
        Self::told(operation, errnum, error.to_string().into(), wheel)
    }

    pub(crate) const fn unsent(mut self, bytes: usize) -> Self {
        self.unsent = bytes;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_end() { "end of stream" } else { &self.errstr };
        write!(f, "{}: {what}", self.operation)
    }
}

impl std::error::Error for Failure {}

/// What was being done when it failed. Shown as the name of the system's call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Operation {
    /// Choosing what to make: sockets of this type in this family there are none, here.
    Domain,
    /// Making a socket: `socket(2)`.
    Socket,
    /// Setting an option of a socket: `setsockopt(2)`.
    SetSockOpt,
    /// Finding the addresses of a name: `getaddrinfo(3)`. Its own errors, which are not the system's, have
    /// numbers below zero, `EAI_NONAME` for one; `ETIMEDOUT` is the time that was given.
    GetAddrInfo,
    /// Finding the port of a service: `getservbyname(3)`.
    GetServByName,
    /// Writing the path of a UNIX socket down for the system: it is too long, or empty.
    PackSockaddrUn,
    /// Finding the number of a protocol: `getprotobyname(3)`.
    GetProtoByName,
    /// Finding a protocol by its number: `getprotobynumber(3)`.
    GetProtoByNumber,
    /// Taking a local address: `bind(2)`.
    Bind,
    /// Beginning to listen: `listen(2)`.
    Listen,
    /// Taking a connection: `accept(2)`.
    Accept,
    /// Making a connection: `connect(2)`.
    Connect,
    /// Asking a connection for its other end: `getpeername(2)`.
    GetPeerName,
    /// Watching a descriptor: `epoll_ctl(2)`.
    Watch,
    /// Reading. With error number zero it is the end of the stream.
    Read,
    /// Writing.
    Write,
    /// Keeping what is to be written: the peer reads too slowly. `ENOBUFS`.
    OutputLimit,
    /// Nothing came and nothing went for too long. `ETIMEDOUT`.
    IdleTimeout,
    /// A record took too long from its first byte to its last. `ETIMEDOUT`.
    FrameTimeout,
    /// The peer took nothing of what is unsent for too long. `ETIMEDOUT`.
    StallTimeout,
    /// The stream lasted as long as it may. `ETIMEDOUT`.
    Lifetime,
    /// Closing in order: the peer took too long.
    Shutdown,
    /// Making items of the bytes that came: the input filter refused them.
    Decode,
    /// Making bytes of an item that was piped to it: the output filter cannot express it.
    Encode,
    /// Running the filter: it panicked, which was called handled. The wheel is closed. `EIO`.
    Filter,
    /// Passing on what comes: what it was piped to takes no more. `EPIPE`.
    Pipe,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Domain => "domain",
            Self::Socket => "socket",
            Self::SetSockOpt => "setsockopt",
            Self::GetAddrInfo => "getaddrinfo",
            Self::GetServByName => "getservbyname",
            Self::PackSockaddrUn => "pack_sockaddr_un",
            Self::GetProtoByName => "getprotobyname",
            Self::GetProtoByNumber => "getprotobynumber",
            Self::Bind => "bind",
            Self::Listen => "listen",
            Self::Accept => "accept",
            Self::Connect => "connect",
            Self::GetPeerName => "getpeername",
            Self::Watch => "epoll_ctl",
            Self::Read => "read",
            Self::Write => "write",
            Self::OutputLimit => "output_limit",
            Self::IdleTimeout => "idle_timeout",
            Self::FrameTimeout => "frame_timeout",
            Self::StallTimeout => "stall_timeout",
            Self::Lifetime => "lifetime",
            Self::Shutdown => "shutdown",
            Self::Decode => "decode",
            Self::Encode => "encode",
            Self::Filter => "filter",
            Self::Pipe => "pipe",
        })
    }
}

/// The error in the system's words, without the number that std puts behind them.
pub(crate) fn describe(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(start) = text.rfind(" (os error ") {
        text.truncate(start);
    }
    text
}

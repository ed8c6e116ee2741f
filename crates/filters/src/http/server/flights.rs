//! Requests that wait for their answers.
//!
//! Owns what an answer has to know of its request. Promises the order of the requests. Its length is
//! limited by whoever pushes.

use std::collections::VecDeque;

use http::Version;

/// What an answer has to know of its request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flight {
    pub(super) asked: Asked,
    pub(super) version: Version,
    /// The connection ends with the answer.
    pub(super) last: bool,
}

/// What was asked for, as far as it matters to the framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// A head only.
    Head,
    /// A tunnel.
    Connect,
    /// Another protocol, if the server likes.
    Upgrade,
    Other,
}

impl Flight {
    /// That of an answer nobody asked for: what a server says before it hangs up.
    pub(super) const UNKNOWN: Self =
        Self { asked: Asked::Other, version: Version::HTTP_11, last: true };

    /// Whether the stream may be something else than HTTP after the answer.
    pub(super) const fn hands_over(self) -> bool {
        matches!(self.asked, Asked::Connect | Asked::Upgrade)
    }
}

/// The requests that wait, the oldest first.
pub(super) type Flights = VecDeque<Flight>;

//! What is wrong with a message.
//!
//! Owns the reason and the status a server answers it with. Never carries bytes of the peer. A server
//! makes a `Rejected` of it, a client a `FilterError`.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};

use crate::FilterError;

/// Why a message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) reason: &'static str,
    /// The limit that was exceeded, if that is what is wrong.
    limit: Option<usize>,
}

impl Fault {
    pub(super) const fn new(status: StatusCode, reason: &'static str) -> Self {
        Self { status, reason, limit: None }
    }

    pub(super) const fn bad(reason: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    pub(super) const fn too_long(status: StatusCode, reason: &'static str, limit: usize) -> Self {
        Self { status, reason, limit: Some(limit) }
    }

    /// What a server says to it, last.
    pub(super) fn response(self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(format!("{}\n", self.reason)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }
}

impl From<Fault> for FilterError {
    fn from(fault: Fault) -> Self {
        match fault.limit {
            Some(limit) => Self::TooLong { limit },
            None => Self::Malformed { at: 0, what: fault.reason.into() },
        }
    }
}

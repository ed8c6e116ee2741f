//! Whole responses.
//!
//! Owns a response whose body has not come in full. Promises that its bytes are not lost to a filter
//! that takes this one's place.

use std::fmt;

use bytes::Bytes;
use http::{Request, Response};

use super::response::Head;
use super::{CUT_OFF, HttpClient, Partial};
use crate::http::body::Gathering;
use crate::http::items::Gathered;
use crate::{Filter, FilterError, Input, Output};

/// A response whose body is coming.
pub(super) struct Unfinished {
    response: Response<()>,
    raw: Bytes,
    gathering: Gathering,
}

impl Filter for HttpClient<Gathered> {
    type Item = Response<Bytes>;
    type Out = Request<Bytes>;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Self::Item>, FilterError> {
        loop {
            if matches!(self.partial, Partial::Gathering(_)) {
                return self.body(input);
            }
            let Some((head, asked)) = self.server.head(input)? else { return Ok(None) };
            if head.is_interim() {
                continue;
            }
            let body = head.body(asked).map_err(|fault| self.server.fail(fault))?;
            self.server.answered(&head, asked, &body);
            let gathering = Gathering::new(body, &self.server.limits)
                .map_err(|fault| self.server.fail(fault))?;
            let Head { response, raw, .. } = head;
            self.partial = Partial::Gathering(Box::new(Unfinished { response, raw, gathering }));
        }
    }

    /// Yields the response whose body the end of the stream ends.
    ///
    /// # Errors
    ///
    /// [`FilterError::Malformed`] if it is cut off instead.
    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<Self::Item>, FilterError> {
        let Partial::Gathering(unfinished) = &mut self.partial else {
            return self.server.finish(input).map(|()| None);
        };
        match unfinished.gathering.finish() {
            Some(body) => Ok(self.complete(body)),
            None => {
                self.partial = Partial::None;
                Err(self.server.fail(CUT_OFF))
            }
        }
    }

    fn pending(&self) -> usize {
        match &self.partial {
            Partial::Gathering(unfinished) => unfinished.raw.len() + unfinished.gathering.len(),
            Partial::None | Partial::Streaming(_) => 0,
        }
    }

    fn take_pending(&mut self) -> Vec<u8> {
        match std::mem::replace(&mut self.partial, Partial::None) {
            Partial::Gathering(unfinished) => {
                [&unfinished.raw[..], &unfinished.gathering.restored()].concat()
            }
            Partial::None | Partial::Streaming(_) => Vec::new(),
        }
    }

    /// Appends a request.
    ///
    /// # Errors
    ///
    /// [`FilterError::Malformed`] if its `Content-Length` is not that of its body, if it has a
    /// `Transfer-Encoding`, which is the filter's to choose, or if its URI has no path, or, for a
    /// `CONNECT`, no host.
    fn encode(&mut self, request: Request<Bytes>, out: &mut Output) -> Result<(), FilterError> {
        self.server.whole(&request, request.body().clone(), out)
    }
}

impl HttpClient<Gathered> {
    fn body(&mut self, input: &mut Input<'_>) -> Result<Option<Response<Bytes>>, FilterError> {
        let Partial::Gathering(unfinished) = &mut self.partial else { return Ok(None) };
        match unfinished.gathering.next(input, &self.server.limits) {
            Ok(None) => Ok(None),
            Ok(Some(body)) => Ok(self.complete(body)),
            Err(fault) => {
                self.partial = Partial::None;
                Err(self.server.fail(fault))
            }
        }
    }

    fn complete(&mut self, body: Bytes) -> Option<Response<Bytes>> {
        let partial = std::mem::replace(&mut self.partial, Partial::None);
        let Partial::Gathering(unfinished) = partial else { return None };
        self.server.ended();
        Some(unfinished.response.map(|()| body))
    }
}

/// How much there is of the body; nothing of what it says.
impl fmt::Debug for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.gathering.fmt(f)
    }
}

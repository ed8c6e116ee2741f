//! Whole requests.
//!
//! Owns a request whose body has not come in full. Promises that its bytes are not lost to a filter
//! that takes this one's place.

use std::fmt;

use bytes::Bytes;
use http::{Request, Response};

use super::connection::{CUT_OFF, Owed};
use super::flights::Flight;
use super::request::Head;
use super::{Httpd, Partial};
use crate::http::body::Gathering;
use crate::http::fault::Fault;
use crate::http::items::{Gathered, Received};
use crate::{Filter, FilterError, Input, Output};

/// A request whose body is coming.
pub(super) struct Unfinished {
    request: Request<()>,
    raw: Bytes,
    flight: Flight,
    gathering: Gathering,
}

type Item = Received<Request<Bytes>>;

impl Filter for Httpd<Gathered> {
    type Item = Item;
    type Out = Response<Bytes>;

    #[inline]
    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Item>, FilterError> {
        if matches!(self.partial, Partial::None) {
            let item = self.head(input);
            if item.is_none() {
                self.connection.check_left(input)?;
            }
            return Ok(item);
        }
        if !input.is_empty() && self.connection.owed == Owed::Continue {
            self.connection.owed = Owed::Nothing; // it did not wait
        }
        Ok(self.body(input))
    }

    /// Yields a [`Received::Rejected`] if the stream ends in the middle of a request.
    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<Item>, FilterError> {
        let partial = std::mem::replace(&mut self.partial, Partial::None);
        let request = match partial {
            Partial::Gathering(unfinished) => Some((unfinished.request, unfinished.flight)),
            Partial::None | Partial::Streaming(_) if self.connection.cuts_off(input) => None,
            Partial::None | Partial::Streaming(_) => return Ok(None),
        };
        Ok(Some(Received::Rejected(self.connection.refuse(CUT_OFF, request, input))))
    }

    fn holds_items(&self) -> bool {
        // Answers may have made way for what waited behind a CONNECT or an upgrade.
        self.connection.has_reopened()
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

    fn has_answer(&self) -> bool {
        self.connection.owes_continue()
    }

    fn answer(&mut self, out: &mut Output) {
        self.connection.tell_to_continue(out);
    }

    /// Appends the response to the oldest request that has not been answered.
    ///
    /// # Errors
    ///
    /// [`FilterError::Malformed`] if its `Content-Length` is not that of its body, if it has a
    /// `Transfer-Encoding`, which is the filter's to choose, or if the last request was answered.
    #[inline]
    fn encode(&mut self, response: Response<Bytes>, out: &mut Output) -> Result<(), FilterError> {
        let (head, body) = response.into_parts();
        self.connection.whole(head.status, &head.headers, body, out)
    }
}

impl Httpd<Gathered> {
    #[inline]
    fn head(&mut self, input: &mut Input<'_>) -> Option<Item> {
        let head = match self.connection.head(input) {
            Ok(head) => head?,
            Err(rejected) => return Some(Received::Rejected(rejected)),
        };
        let Head { request, raw, flight, expects, verdict } = head;
        let limits = &self.connection.limits;
        let body =
            verdict.and_then(|body| body.map(|body| Gathering::new(body, limits)).transpose());
        match body {
            Ok(None) => Some(self.complete(request, Bytes::new(), flight)),
            Ok(Some(gathering)) => {
                if expects && input.is_empty() {
                    self.connection.owed = Owed::Continue;
                }
                let unfinished = Unfinished { request, raw, flight, gathering };
                self.partial = Partial::Gathering(Box::new(unfinished));
                self.body(input)
            }
            Err(fault) => Some(self.refuse(fault, (request, flight), input)),
        }
    }

    fn body(&mut self, input: &mut Input<'_>) -> Option<Item> {
        let Partial::Gathering(unfinished) = &mut self.partial else { return None };
        let body = match unfinished.gathering.next(input, &self.connection.limits) {
            Ok(None) => return None,
            Ok(Some(body)) => Ok(body),
            Err(fault) => Err(fault),
        };
        let partial = std::mem::replace(&mut self.partial, Partial::None);
        let Partial::Gathering(unfinished) = partial else { return None };
        let Unfinished { request, flight, .. } = *unfinished;
        Some(match body {
            Ok(body) => self.complete(request, body, flight),
            Err(fault) => self.refuse(fault, (request, flight), input),
        })
    }

    #[inline]
    fn complete(&mut self, request: Request<()>, body: Bytes, flight: Flight) -> Item {
        self.connection.flights.push_back(flight);
        self.connection.ended(flight);
        let item = request.map(|()| body);
        Received::Request { item, last: flight.last }
    }

    fn refuse(
        &mut self,
        fault: Fault,
        request: (Request<()>, Flight),
        input: &mut Input<'_>,
    ) -> Item {
        Received::Rejected(self.connection.refuse(fault, Some(request), input))
    }
}

/// How much there is of the body; nothing of what it says.
impl fmt::Debug for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.gathering.fmt(f)
    }
}

//! Requests in pieces.
//!
//! Owns where in a body the stream is. Keeps nothing of it.

use http::{Request, Response, Version};

use super::connection::{CUT_OFF, Phase};
use super::flights::Flight;
use super::request::Head;
use super::{Httpd, Partial};
use crate::http::body::{Body, Step};
use crate::http::fault::Fault;
use crate::http::items::{Outgoing, Piece, Received, Streamed};
use crate::{Filter, FilterError, Input, Output};

/// A request whose head has been delivered and whose end has not.
#[derive(Debug)]
pub(super) struct Open {
    body: Body,
    flight: Flight,
}

type Item = Received<Piece<Request<()>>>;

impl Filter for Httpd<Streamed> {
    type Item = Item;
    type Out = Outgoing<Response<()>>;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Item>, FilterError> {
        if self.connection.phase == Phase::Over {
            self.partial = Partial::None;
        }
        let item = match &self.partial {
            Partial::Streaming(_) => self.body(input),
            Partial::None | Partial::Gathering(_) => self.head(input),
        };
        if item.is_none() {
            self.connection.check_left(input)?;
        }
        Ok(item)
    }

    /// Yields a [`Received::Rejected`] if the stream ends in the middle of a request.
    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<Item>, FilterError> {
        let rejected = match std::mem::replace(&mut self.partial, Partial::None) {
            Partial::Streaming(_) => self.connection.refuse_rest(CUT_OFF, input),
            Partial::None | Partial::Gathering(_) if self.connection.cuts_off(input) => {
                self.connection.refuse(CUT_OFF, None, input)
            }
            Partial::None | Partial::Gathering(_) => return Ok(None),
        };
        Ok(Some(Received::Rejected(rejected)))
    }

    fn holds_items(&self) -> bool {
        match &self.partial {
            Partial::Streaming(open) => open.body.is_over(),
            Partial::None | Partial::Gathering(_) => self.connection.has_reopened(),
        }
    }

    /// Appends a response, or a piece of one, to the oldest request that has not been answered.
    ///
    /// # Errors
    ///
    /// [`FilterError::Malformed`] for pieces out of order, for a body that is not as long as its
    /// `Content-Length` says, for a `Transfer-Encoding`, which is the filter's to choose, and behind
    /// the answer to the last request.
    fn encode(
        &mut self,
        outgoing: Outgoing<Response<()>>,
        out: &mut Output,
    ) -> Result<(), FilterError> {
        match outgoing {
            Outgoing::Whole { head, body } => {
                self.connection.whole(head.status(), head.headers(), body, out)
            }
            Outgoing::Head(head) => self.connection.begin(head.status(), head.headers(), out),
            Outgoing::Data(data) => self.connection.sending.data(data, out),
            Outgoing::End(trailers) => self.connection.end(&trailers, out),
        }
    }
}

impl Httpd<Streamed> {
    fn head(&mut self, input: &mut Input<'_>) -> Option<Item> {
        let head = match self.connection.head(input) {
            Ok(head) => head?,
            Err(rejected) => return Some(Received::Rejected(rejected)),
        };
        let Head { request, mut flight, verdict, .. } = head;
        flight.last |= flight.version == Version::HTTP_10;
        match verdict {
            Ok(body) => {
                let body = body.unwrap_or(Body::Sized(0));
                self.connection.flights.push_back(flight);
                self.partial = Partial::Streaming(Open { body, flight });
                Some(Received::Request { item: Piece::Head(request), last: flight.last })
            }
            Err(fault) => Some(Received::Rejected(self.connection.refuse(
                fault,
                Some((request, flight)),
                input,
            ))),
        }
    }

    fn body(&mut self, input: &mut Input<'_>) -> Option<Item> {
        let Partial::Streaming(open) = &mut self.partial else { return None };
        let last = open.flight.last;
        let item = match open.body.next(input, &self.connection.limits) {
            Ok(Step::More) => return None,
            Ok(Step::Data(n)) => Piece::Data(input.take(n)),
            Ok(Step::End(trailers)) => {
                self.connection.ended(open.flight);
                self.partial = Partial::None;
                Piece::End(trailers)
            }
            Err(fault) => return Some(self.refuse_rest(fault, input)),
        };
        Some(Received::Request { item, last })
    }

    fn refuse_rest(&mut self, fault: Fault, input: &mut Input<'_>) -> Item {
        self.partial = Partial::None;
        Received::Rejected(self.connection.refuse_rest(fault, input))
    }
}

//! Responses in pieces.
//!
//! Owns where in a body the stream is. Keeps nothing of it.

use http::{HeaderMap, Request, Response};

use super::{CUT_OFF, HttpClient, Partial};
use crate::http::body::{Body, Step};
use crate::http::items::{Outgoing, Piece, Streamed};
use crate::{Filter, FilterError, Input, Output};

type Item = Piece<Response<()>>;

impl Filter for HttpClient<Streamed> {
    type Item = Item;
    type Out = Outgoing<Request<()>>;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Item>, FilterError> {
        let Partial::Streaming(body) = &mut self.partial else { return self.head(input) };
        match body.next(input, &self.server.limits) {
            Ok(Step::More) => Ok(None),
            Ok(Step::Data(n)) => Ok(Some(Piece::Data(input.take(n)))),
            Ok(Step::End(trailers)) => Ok(Some(self.end(trailers))),
            Err(fault) => {
                self.partial = Partial::None;
                Err(self.server.fail(fault))
            }
        }
    }

    /// Yields the end of a response that the end of the stream ends.
    ///
    /// # Errors
    ///
    /// [`FilterError::Malformed`] if it is cut off instead.
    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<Item>, FilterError> {
        match &self.partial {
            Partial::Streaming(Body::ToEnd) => Ok(Some(self.end(HeaderMap::new()))),
            Partial::Streaming(_) => {
                self.partial = Partial::None;
                Err(self.server.fail(CUT_OFF))
            }
            Partial::None | Partial::Gathering(_) => self.server.finish(input).map(|()| None),
        }
    }

    fn holds_items(&self) -> bool {
        matches!(&self.partial, Partial::Streaming(body) if body.is_over())
    }

    /// Appends a request, or a piece of one.
    ///
    /// # Errors
    ///
    /// [`FilterError::Malformed`] for pieces out of order, for a body that is not as long as its
    /// `Content-Length` says, for a `Transfer-Encoding`, which is the filter's to choose, and for a URI
    /// without a path, or, for a `CONNECT`, without a host.
    fn encode(
        &mut self,
        outgoing: Outgoing<Request<()>>,
        out: &mut Output,
    ) -> Result<(), FilterError> {
        match outgoing {
            Outgoing::Whole { head, body } => self.server.whole(&head, body, out),
            Outgoing::Head(head) => self.server.begin(&head, out),
            Outgoing::Data(data) => self.server.sending.data(data, out),
            Outgoing::End(trailers) => self.server.sending.end(&trailers, out),
        }
    }
}

impl HttpClient<Streamed> {
    fn head(&mut self, input: &mut Input<'_>) -> Result<Option<Item>, FilterError> {
        let Some((head, asked)) = self.server.head(input)? else { return Ok(None) };
        if !head.is_interim() {
            let body = head.body(asked).map_err(|fault| self.server.fail(fault))?;
            self.server.answered(&head, asked, &body);
            self.partial = Partial::Streaming(body);
        }
        Ok(Some(Piece::Head(head.response)))
    }

    fn end(&mut self, trailers: HeaderMap) -> Item {
        self.partial = Partial::None;
        self.server.ended();
        Piece::End(trailers)
    }
}

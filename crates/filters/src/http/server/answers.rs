//! Responses, written.
//!
//! Owns what a response needs beyond what the application sets: a length or chunks, a word about the
//! connection. Promises that it fits the request it answers: no body for a `HEAD`, no chunks for
//! HTTP/1.0. Never sets a `Date`: there is no clock here.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode, Version, header};

use super::connection::{Connection, Ending, Owed, Phase};
use super::flights::{Asked, Flight};
use crate::http::encode::{self, Said, Sending, misuse};
use crate::{FilterError, Output};

impl Connection {
    /// Appends a whole answer.
    pub(super) fn whole(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        body: Bytes,
        out: &mut Output,
    ) -> Result<(), FilterError> {
        if is_interim(status) {
            self.interim(status, headers, out);
            return Ok(());
        }
        let flight = self.next_flight()?;
        let said = Said::by(headers)?;
        let content = Content::of(status, flight);
        let delimited = match content {
            Content::Absent => Delimited::Absent,
            Content::Unsent if said.length.is_some() || body.is_empty() => Delimited::Said,
            Content::Unsent => Delimited::Unsent(body.len() as u64),
            Content::Sent => {
                said.fits(&body)?;
                said.length.map_or(Delimited::Counted(body.len() as u64), |_| Delimited::Said)
            }
        };
        let ending = write_head(status, headers, &Framing { delimited, said, flight }, out);
        if matches!(content, Content::Sent) {
            out.put_bytes(body);
        }
        self.answered(ending, out);
        Ok(())
    }

    /// Appends the head of an answer that is sent in pieces.
    pub(super) fn begin(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        out: &mut Output,
    ) -> Result<(), FilterError> {
        if is_interim(status) {
            self.interim(status, headers, out);
            return Ok(());
        }
        let flight = self.next_flight()?;
        let said = Said::by(headers)?;
        let (delimited, sending) = match (Content::of(status, flight), said.length) {
            (Content::Absent, _) => (Delimited::Absent, Sending::Dropped),
            (Content::Unsent, _) => (Delimited::Said, Sending::Dropped),
            (Content::Sent, Some(length)) => (Delimited::Said, Sending::Sized(length)),
            (Content::Sent, None) if flight.version == Version::HTTP_10 => {
                (Delimited::Said, Sending::ToEnd)
            }
            (Content::Sent, None) => (Delimited::Chunked, Sending::Chunked),
        };
        self.ending = write_head(status, headers, &Framing { delimited, said, flight }, out);
        self.sending = sending;
        Ok(())
    }

    /// Appends the end of an answer that is sent in pieces.
    pub(super) fn end(
        &mut self,
        trailers: &HeaderMap,
        out: &mut Output,
    ) -> Result<(), FilterError> {
        self.sending.end(trailers, out)?;
        self.answered(self.ending, out);
        Ok(())
    }

    /// Whether the client is to be told to go on.
    pub(super) fn owes_continue(&self) -> bool {
        self.owed == Owed::Continue && self.flights.is_empty()
    }

    pub(super) fn tell_to_continue(&mut self, out: &mut Output) {
        if self.owes_continue() {
            self.owed = Owed::Nothing;
            out.put_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
    }

    /// What the next answer answers.
    fn next_flight(&self) -> Result<Flight, FilterError> {
        if self.sending != Sending::Nothing {
            return Err(misuse("an answer before the end of the one before it"));
        }
        if self.owed == Owed::Silence {
            return Err(misuse("an answer behind the last one"));
        }
        Ok(self.flights.front().copied().unwrap_or(Flight::UNKNOWN))
    }

    /// Appends an answer before the answer. HTTP/1.0 has none.
    fn interim(&self, status: StatusCode, headers: &HeaderMap, out: &mut Output) {
        if self.flights.front().is_none_or(|flight| flight.version == Version::HTTP_11) {
            status_line(status, out);
            encode::fields(headers, LENGTHS, out);
            out.put_slice(b"\r\n");
        }
    }

    fn answered(&mut self, ending: Ending, out: &mut Output) {
        self.flights.pop_front();
        if ending.hands_over {
            self.phase = Phase::HandedOver;
            self.owed = Owed::Silence;
        } else if ending.last {
            self.phase = Phase::Over;
            self.owed = Owed::Silence;
        } else {
            if self.phase == Phase::Waiting && self.flights.is_empty() {
                self.phase = Phase::Reopened;
            }
            self.tell_to_continue(out);
        }
    }
}

/// What becomes of the body of an answer.
enum Content {
    Sent,
    /// It is not sent, but described.
    Unsent,
    /// There can be none.
    Absent,
}

impl Content {
    fn of(status: StatusCode, flight: Flight) -> Self {
        let tunnel = flight.asked == Asked::Connect && status.is_success();
        if tunnel || status.is_informational() || status == StatusCode::NO_CONTENT {
            Self::Absent
        } else if flight.asked == Asked::Head || status == StatusCode::NOT_MODIFIED {
            Self::Unsent
        } else {
            Self::Sent
        }
    }
}

/// What a head has to say beyond its fields, and beside them.
struct Framing {
    delimited: Delimited,
    said: Said,
    flight: Flight,
}

/// How the body of an answer is delimited.
enum Delimited {
    /// There is none, and nothing may be said about it.
    Absent,
    /// It is not sent; so long it would have been.
    Unsent(u64),
    /// As the application says, if it does, or by the end of the connection.
    Said,
    Counted(u64),
    Chunked,
}

/// Another answer to the same request will follow. 101 is the last of HTTP.
fn is_interim(status: StatusCode) -> bool {
    status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
}

/// Appends a head, and says what comes with the end of its message.
fn write_head(
    status: StatusCode,
    headers: &HeaderMap,
    framing: &Framing,
    out: &mut Output,
) -> Ending {
    let Framing { delimited, said, flight } = framing;
    let last = flight.last || said.close;
    let tunnel = flight.asked == Asked::Connect && status.is_success();
    let hands_over = status == StatusCode::SWITCHING_PROTOCOLS || tunnel;

    status_line(status, out);
    let without = if matches!(delimited, Delimited::Absent) { LENGTHS } else { &[] };
    encode::fields(headers, without, out);
    match delimited {
        Delimited::Counted(length) | Delimited::Unsent(length) => {
            encode::content_length(*length, out);
        }
        Delimited::Chunked => encode::chunked(out),
        Delimited::Absent | Delimited::Said => {}
    }
    if last && !hands_over && !said.close {
        out.put_slice(b"connection: close\r\n");
    } else if flight.version == Version::HTTP_10 && !last && !said.keep_alive {
        out.put_slice(b"connection: keep-alive\r\n");
    }
    out.put_slice(b"\r\n");
    Ending { last, hands_over }
}

fn status_line(status: StatusCode, out: &mut Output) {
    if status == StatusCode::OK {
        out.put_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(status.as_str().as_bytes());
    out.put_slice(b" ");
    out.put_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.put_slice(b"\r\n");
}

/// What an answer without a body must not have.
const LENGTHS: &[HeaderName] = &[header::CONTENT_LENGTH, header::TRANSFER_ENCODING];

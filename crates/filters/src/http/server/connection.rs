//! A connection, as a server sees it: which requests wait, and whether more may come.
//!
//! Owns what the two directions have to know of each other. Promises that answers meet their requests
//! in order, and that nothing is read as a request that may be none: behind the last one, behind one
//! that was refused, behind one that may turn the connection into something else. `answers.rs` is the
//! way out.

use http::{Request, StatusCode};

use super::flights::{Flight, Flights};
use super::request::{self, Head};
use crate::Input;
use crate::http::encode::Sending;
use crate::http::fault::Fault;
use crate::http::head::{Limits, Search, skip_empty_lines};
use crate::http::items::Rejected;

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) limits: Limits,
    /// How many requests may wait.
    pub(super) pipelined: usize,
    search: Search,
    pub(super) phase: Phase,
    pub(super) flights: Flights,
    /// The answer that is being sent in pieces.
    pub(super) sending: Sending,
    /// What comes with the end of that.
    pub(super) ending: Ending,
    pub(super) owed: Owed,
}

/// ```text
/// Open --request that may be the last of HTTP--> Waiting --it is not--> Reopened --asked--> Open
/// Waiting --it is--> HandedOver
/// Open, Waiting --last request or answer--> Over
/// Open, Waiting, HandedOver --refusal--> Over
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// There may be requests that came before it was clear that they are.
    Reopened,
    /// Whether what comes is HTTP depends on the answer.
    Waiting,
    /// What comes is for another filter.
    HandedOver,
    /// What comes is thrown away.
    Over,
}

/// What ends with an answer.
#[derive(Debug, Default, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "two ends")]
pub(super) struct Ending {
    /// The connection.
    pub(super) last: bool,
    /// HTTP.
    pub(super) hands_over: bool,
}

/// What the framing itself has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owed {
    Nothing,
    /// The client waits for it. It must not come before the answers to earlier requests.
    Continue,
    /// The last answer has been given.
    Silence,
}

impl Connection {
    pub(super) fn new(limits: Limits, pipelined: usize) -> Self {
        Self {
            limits,
            pipelined,
            search: Search::default(),
            phase: Phase::Open,
            flights: Flights::new(),
            sending: Sending::Nothing,
            ending: Ending::default(),
            owed: Owed::Nothing,
        }
    }

    /// The next head.
    pub(super) fn head(&mut self, input: &mut Input<'_>) -> Result<Option<Head>, Box<Rejected>> {
        match self.phase {
            Phase::Open | Phase::Reopened => self.phase = Phase::Open,
            Phase::Waiting | Phase::HandedOver => {
                return match self.limits.check_kept(input) {
                    Ok(()) => Ok(None),
                    Err(fault) => Err(self.refuse_rest(fault, input)),
                };
            }
            Phase::Over => {
                input.skip(input.len());
                return Ok(None);
            }
        }
        if self.search.is_fresh() && !skip_empty_lines(input) {
            return Ok(None);
        }
        let head = request::take(&mut self.search, input, &self.limits)
            .map_err(|fault| self.refuse(fault, None, input))?;
        match head {
            Some(head) if self.flights.len() >= self.pipelined => {
                Err(self.refuse(TOO_MANY, Some((head.request, head.flight)), input))
            }
            head => Ok(head),
        }
    }

    /// Whether the end of the stream cuts off a request of which nothing but bytes has come.
    pub(super) fn cuts_off(&self, input: &mut Input<'_>) -> bool {
        self.phase == Phase::Open && (!self.search.is_fresh() || skip_empty_lines(input))
    }

    /// Whether there may be requests among what was offered before.
    pub(super) fn has_reopened(&self) -> bool {
        self.phase == Phase::Reopened
    }

    /// A request that has been delivered to its end; it is among the flights unless it was answered
    /// meanwhile.
    pub(super) fn ended(&mut self, flight: Flight) {
        if self.phase == Phase::Open {
            self.phase = if flight.hands_over() && !self.flights.is_empty() {
                Phase::Waiting
            } else if flight.last {
                Phase::Over
            } else {
                Phase::Open
            };
        }
    }

    /// Turns the client away.
    pub(super) fn refuse(
        &mut self,
        fault: Fault,
        request: Option<(Request<()>, Flight)>,
        input: &mut Input<'_>,
    ) -> Box<Rejected> {
        let (request, flight) = request.unzip();
        self.flights.push_back(Flight { last: true, ..flight.unwrap_or(Flight::UNKNOWN) });
        self.rejected(fault, request, input)
    }

    /// Turns a client away that is in the middle of a request which was delivered already.
    pub(super) fn refuse_rest(&mut self, fault: Fault, input: &mut Input<'_>) -> Box<Rejected> {
        if let Some(flight) = self.flights.back_mut() {
            flight.last = true;
        }
        self.rejected(fault, None, input)
    }

    fn rejected(
        &mut self,
        fault: Fault,
        request: Option<Request<()>>,
        input: &mut Input<'_>,
    ) -> Box<Rejected> {
        input.skip(input.len());
        self.phase = Phase::Over;
        self.owed = Owed::Nothing;
        let Fault { reason, .. } = fault;
        Box::new(Rejected { response: fault.response(), request, reason })
    }
}

/// A client that ends in the middle of a request may still read why it is not answered.
pub(super) const CUT_OFF: Fault = Fault::bad("the stream ends in the middle of a request");

const TOO_MANY: Fault =
    Fault::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests wait for their answers");

//! One event, one session: take out, call, put back.
//!
//! The session's body leaves its slot while a handler runs, so the handler has the session's state and
//! the whole kernel at once, and nobody can reach the state by another way. It is put back by a guard,
//! also when the handler panics: the panic goes on to whoever began the step (`failure.rs`), so that an
//! event pays nothing for the possibility. What the handler dropped is closed when it has returned.

use super::letter::{Letter, Names};
use super::{Exception, Kernel};
use crate::context::Context;
use crate::destination::Destination;
use crate::error::CallError;
use crate::event::{Bound, Event};
use crate::ids::SessionId;
use crate::name::Symbol;
use crate::payload::Parcel;
use crate::session::{AnySession, Handled, Hold, Phase, Refusal, Reply};

/// What became of an event.
#[derive(Debug)]
pub(super) enum Outcome {
    Handled,
    NoSession,
    Busy,
    Refused(Box<Refusal>),
    /// The handler returned an error, which was seen to.
    Failed,
}

/// A session that is out of its slot. If its handler panics it goes back when this is dropped.
struct Running<'k> {
    kernel: &'k mut Kernel,
    to: SessionId,
    body: Option<Box<dyn AnySession>>,
}

impl Kernel {
    /// Delivers an event of a wheel to the wheel's session, which is its own sender.
    #[inline(always)]
    pub(crate) fn deliver_direct<T: 'static>(&mut self, bound: Bound<T>, payload: T) {
        self.stats.direct += 1;
        let (to, symbol, mut place) = (bound.session, bound.symbol, Some(payload));
        self.current.write(to, to, Names::one(symbol));
        let parcel = &mut Parcel::of(&mut place);
        let body = match self.seat.take(to) {
            Some(body) => Ok(body),
            None => self.fetch(to),
        };
        let outcome = match body {
            Ok(body) => self.run_seated(symbol, body, parcel),
            Err(outcome) => outcome,
        };
        if !matches!(outcome, Outcome::Handled) {
            self.undelivered(parcel, outcome);
        }
    }

    /// Delivers the current letter, which is of the event `symbol` and of which nobody waits for a reply.
    /// A panic of the handler is the caller's.
    #[inline(always)]
    pub(super) fn deliver_current(
        &mut self,
        symbol: Symbol,
        hold: Option<Hold>,
        parcel: &mut Parcel<'_>,
    ) {
        let outcome = self.offer(symbol, hold, parcel, None);
        if !matches!(outcome, Outcome::Handled) {
            self.undelivered(parcel, outcome);
        }
    }

    /// Delivers a letter between other things to do: a panic is seen to at once.
    pub(super) fn tell(
        &mut self,
        letter: Letter,
        parcel: &mut Parcel<'_>,
        reply: Option<&mut Reply<'_>>,
    ) {
        // What is noted until now is of whoever is running.
        self.read_posts();
        let outer = std::mem::replace(&mut self.current, letter);
        let told = self.guard_handler(|kernel| {
            let outcome = kernel.offer(letter.symbol(), None, parcel, reply);
            if !matches!(outcome, Outcome::Handled) {
                kernel.undelivered(parcel, outcome);
            }
        });
        told.unwrap_or_default();
        self.current = outer;
    }

    #[cold]
    fn undelivered(&mut self, parcel: &mut Parcel<'_>, outcome: Outcome) {
        let letter = self.current;
        match outcome {
            Outcome::Refused(refusal) => {
                self.report_unhandled(letter, parcel, &refusal);
                self.discard(letter.to, parcel);
            }
            // The session was stopped by force; what was on its way to it goes with it.
            Outcome::NoSession | Outcome::Failed => self.discard(letter.to, parcel),
            Outcome::Busy => debug_assert!(false, "no event is delivered while a handler runs"),
            Outcome::Handled => {}
        }
    }

    /// Drops a payload that no handler took. What it holds is closed before the next event.
    #[cold]
    pub(super) fn discard(&mut self, session: SessionId, parcel: &mut Parcel<'_>) {
        self.guard(session, "the drop of an event's payload", |_| parcel.clear());
        self.tidy();
    }

    pub(crate) fn call_from_current<T: 'static, R: 'static>(
        &mut self,
        to: impl Destination,
        event: impl Into<Event<T, R>>,
        payload: T,
    ) -> Result<R, CallError> {
        self.read_posts();
        let to = to.find(self).ok_or(CallError::NoSuchSession)?;
        let symbol = self.names.intern(event.into().into_name());
        let next = self.current.next(to, symbol);
        let outer = std::mem::replace(&mut self.current, next);
        let (mut place, mut reply) = (Some(payload), None::<R>);
        let outcome = self.guard_handler(|kernel| {
            let parcel = &mut Parcel::of(&mut place);
            kernel.offer(symbol, None, parcel, Some(&mut Reply::To(&mut reply)))
        });
        self.current = outer;
        match outcome {
            None | Some(Outcome::Failed) => Err(CallError::Failed),
            Some(Outcome::Handled) => reply.ok_or(CallError::Default),
            Some(Outcome::NoSession) => Err(CallError::NoSuchSession),
            Some(Outcome::Busy) => Err(CallError::Busy),
            Some(Outcome::Refused(refusal)) => Err(match *refusal {
                Refusal::NoHandler => CallError::NoHandler,
                Refusal::OtherPayload(_) => CallError::OtherPayload,
                Refusal::OtherReply => CallError::OtherReply,
                Refusal::Failed(_) => CallError::Failed,
            }),
        }
    }

    /// Offers the current letter, which is of the event `symbol`, to its session, and crosses out what
    /// held the session for it.
    #[inline(always)]
    fn offer(
        &mut self,
        symbol: Symbol,
        hold: Option<Hold>,
        parcel: &mut Parcel<'_>,
        reply: Option<&mut Reply<'_>>,
    ) -> Outcome {
        let to = self.current.to;
        self.clear_seat();
        let body = match self.take_out(to, hold) {
            Ok(body) => body,
            Err(outcome) => return outcome,
        };
        let (handled, body) = self.run_out(symbol, body, parcel, reply);
        self.sessions.put_back(to, body);
        self.handled(handled)
    }

    /// Takes a session out of its slot, and crosses out what held it there.
    #[inline(always)]
    fn take_out(
        &mut self,
        to: SessionId,
        hold: Option<Hold>,
    ) -> Result<Box<dyn AnySession>, Outcome> {
        let Some(slot) = self.sessions.get_mut(to) else { return Err(Outcome::NoSession) };
        let Some(body) = slot.body.take() else {
            let ended = slot.phase == Phase::Ended;
            return Err(if ended { Outcome::NoSession } else { Outcome::Busy });
        };
        if let Some(hold) = hold {
            // Whether this was the last is seen when the session is put back.
            slot.ledger.remove(hold);
        }
        Ok(body)
    }

    /// Takes a session out that was not told the last event of a wheel.
    #[inline(never)]
    fn fetch(&mut self, to: SessionId) -> Result<Box<dyn AnySession>, Outcome> {
        self.clear_seat();
        self.take_out(to, None)
    }

    /// As `offer`, of an event of a wheel: the session stays at hand.
    #[inline(always)]
    fn run_seated(
        &mut self,
        symbol: Symbol,
        body: Box<dyn AnySession>,
        parcel: &mut Parcel<'_>,
    ) -> Outcome {
        let to = self.current.to;
        let (handled, body) = self.run_out(symbol, body, parcel, None);
        self.seat.put(to, body);
        self.handled(handled)
    }

    /// Runs the handler of a session that is out of its slot.
    #[inline(always)]
    fn run_out(
        &mut self,
        symbol: Symbol,
        body: Box<dyn AnySession>,
        parcel: &mut Parcel<'_>,
        reply: Option<&mut Reply<'_>>,
    ) -> (Handled, Box<dyn AnySession>) {
        let to = self.current.to;
        self.depth += 1;
        Running { kernel: self, to, body: Some(body) }.run(symbol, parcel, reply)
    }

    #[inline(always)]
    fn handled(&mut self, handled: Handled) -> Outcome {
        if let Err(refusal) = handled {
            return self.refused(refusal);
        }
        self.tidy();
        Outcome::Handled
    }

    #[cold]
    fn refused(&mut self, refusal: Box<Refusal>) -> Outcome {
        // It may be stopped because of it, and does not run any more.
        self.clear_seat();
        let outcome = self.outcome_of(refusal);
        self.tidy();
        outcome
    }

    fn outcome_of(&mut self, refusal: Box<Refusal>) -> Outcome {
        match *refusal {
            Refusal::Failed(error) => {
                self.fail(self.current, Exception::Error(error));
                Outcome::Failed
            }
            Refusal::NoHandler | Refusal::OtherPayload(_) | Refusal::OtherReply => {
                Outcome::Refused(refusal)
            }
        }
    }
}

impl Running<'_> {
    /// Calls the handler, and hands the session out.
    #[inline(always)]
    #[expect(clippy::mem_forget, reason = "what would be dropped was taken out")]
    fn run(
        mut self,
        symbol: Symbol,
        parcel: &mut Parcel<'_>,
        reply: Option<&mut Reply<'_>>,
    ) -> (Handled, Box<dyn AnySession>) {
        let Self { kernel, body, .. } = &mut self;
        let running = &mut **body.as_mut().expect("it is taken out when its handler has run");
        let handled = if kernel.observed {
            kernel.run_observed(symbol, running, parcel, reply)
        } else {
            kernel.run_current(symbol, running, parcel, reply)
        };
        kernel.depth -= 1;
        let body = body.take().expect("nobody else takes it out");
        // It has nothing left to put back, and is not to be asked.
        std::mem::forget(self);
        (handled, body)
    }
}

impl Kernel {
    /// A handler panicked. The state may be half changed: it is seen once more, by `_stop`, and dropped.
    #[cold]
    #[inline(never)]
    fn crash(&mut self, to: SessionId, body: Box<dyn AnySession>) {
        self.crashed = Some(self.current);
        self.depth -= 1;
        self.sessions.put_back(to, body);
    }

    /// Calls the handler of the current letter, which is of the event `symbol`.
    #[inline(always)]
    pub(super) fn run_current(
        &mut self,
        symbol: Symbol,
        body: &mut dyn AnySession,
        parcel: &mut Parcel<'_>,
        reply: Option<&mut Reply<'_>>,
    ) -> Handled {
        let mut cx = Context::new(self);
        match body.handle(symbol, &mut cx, parcel, reply) {
            Ok(()) => Ok(()),
            Err(refusal) => body.handle_refused(symbol, &mut cx, parcel, refusal),
        }
    }
}

impl Drop for Running<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            self.kernel.crash(self.to, body);
        }
    }
}

impl SessionId {
    /// For people: the kernel by name, a session by number.
    pub(crate) fn who(self) -> String {
        if self == Self::KERNEL { "the kernel".into() } else { format!("session {self}") }
    }
}

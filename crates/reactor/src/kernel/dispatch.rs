//! One event, one session: take out, call, put back.
//!
//! The session's body leaves its slot while a handler runs, so the handler has the session's state and
//! the whole kernel at once, and nobody can reach the state by another way. What the handler dropped is
//! closed when it has returned.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Exception, Kernel, Letter};
use crate::context::Context;
use crate::error::CallError;
use crate::event::{Bound, Event};
use crate::ids::SessionId;
use crate::name::Symbol;
use crate::payload::Parcel;
use crate::session::{Exchange, Hold, Refusal};

/// What became of an event.
#[derive(Debug)]
pub(super) enum Outcome {
    Handled,
    NoSession,
    Busy,
    Refused(Box<Refusal>),
    /// The handler panicked or returned an error, which was seen to.
    Failed,
}

impl Kernel {
    /// Delivers an event of a wheel to the wheel's session, which is its own sender.
    #[inline(always)]
    pub(crate) fn deliver_direct<T: 'static>(&mut self, bound: Bound<T>, payload: T) {
        self.stats.direct += 1;
        let Bound { session, symbol, .. } = bound;
        self.deliver_to(Letter::new(session, session, symbol), &mut Some(payload));
    }

    /// Delivers an event that nobody waits for the reply of.
    #[inline(always)]
    pub(super) fn deliver_to(&mut self, letter: Letter, parcel: &mut dyn Parcel) {
        let outcome = self.dispatch(letter, parcel, None);
        if !matches!(outcome, Outcome::Handled) {
            self.undelivered(letter, parcel, outcome);
        }
    }

    #[cold]
    fn undelivered(&mut self, letter: Letter, parcel: &mut dyn Parcel, outcome: Outcome) {
        match outcome {
            Outcome::Refused(refusal) => {
                self.report_unhandled(letter, parcel, &refusal);
                self.discard(letter, parcel);
            }
            // The session was stopped by force; what was on its way to it goes with it.
            Outcome::NoSession | Outcome::Failed => self.discard(letter, parcel),
            Outcome::Busy => debug_assert!(false, "no event is delivered while a handler runs"),
            Outcome::Handled => {}
        }
    }

    /// Drops a payload that no handler took. What it holds is closed before the next event.
    #[cold]
    pub(super) fn discard(&mut self, letter: Letter, parcel: &mut dyn Parcel) {
        self.guard(letter.to, "the drop of an event's payload", |_| parcel.clear());
        self.tidy();
    }

    pub(crate) fn call_from<T: 'static, R: 'static>(
        &mut self,
        from: SessionId,
        to: SessionId,
        event: impl Into<Event<T, R>>,
        payload: T,
    ) -> Result<R, CallError> {
        let letter = Letter::new(to, from, self.names.intern(event.into().into_name()));
        let (mut parcel, mut reply) = (Some(payload), None::<R>);
        match self.dispatch(letter, &mut parcel, Some(&mut reply)) {
            Outcome::Handled => reply.ok_or(CallError::Default),
            Outcome::NoSession => Err(CallError::NoSuchSession),
            Outcome::Busy => Err(CallError::Busy),
            Outcome::Failed => Err(CallError::Failed),
            Outcome::Refused(refusal) => Err(match *refusal {
                Refusal::NoHandler => CallError::NoHandler,
                Refusal::OtherPayload(_) => CallError::OtherPayload,
                Refusal::OtherReply => CallError::OtherReply,
                Refusal::Failed(_) => CallError::Failed,
            }),
        }
    }

    /// Offers an event to a session.
    #[inline]
    pub(super) fn dispatch(
        &mut self,
        letter: Letter,
        parcel: &mut dyn Parcel,
        reply: Option<&mut dyn Parcel>,
    ) -> Outcome {
        let Letter { to, from, symbol, hold } = letter;
        self.offer(to, from, symbol, hold, &mut Exchange { parcel, reply })
    }

    #[expect(clippy::too_many_arguments, reason = "they travel in registers, a letter does not")]
    fn offer(
        &mut self,
        to: SessionId,
        from: SessionId,
        symbol: Symbol,
        hold: Option<Hold>,
        exchange: &mut Exchange<'_>,
    ) -> Outcome {
        let Some(slot) = self.sessions.get_mut(to) else { return Outcome::NoSession };
        let Some(mut body) = slot.body.take() else { return Outcome::Busy };
        self.depth += 1;
        let mut cx = Context::new(self, to, from, symbol);
        // The state may be half changed after a panic: it is seen once more, by `_stop`, and dropped.
        let run = AssertUnwindSafe(|| match body.handle(symbol, &mut cx, exchange) {
            Ok(()) => Ok(()),
            Err(refusal) => body.handle_refused(symbol, &mut cx, exchange, refusal),
        });
        let handled = catch_unwind(run);
        self.depth -= 1;
        self.sessions.put_back(to, body, hold);
        let outcome = match handled {
            Ok(Ok(())) => Outcome::Handled,
            Ok(Err(refusal)) => self.refused(to, symbol, refusal),
            Err(panic) => {
                self.fail(to, symbol, Exception::Panic(panic));
                Outcome::Failed
            }
        };
        self.tidy();
        self.stop_if_asked();
        outcome
    }

    #[cold]
    fn refused(&mut self, to: SessionId, symbol: Symbol, refusal: Box<Refusal>) -> Outcome {
        match *refusal {
            Refusal::Failed(error) => {
                self.fail(to, symbol, Exception::Error(error));
                Outcome::Failed
            }
            Refusal::NoHandler | Refusal::OtherPayload(_) | Refusal::OtherReply => {
                Outcome::Refused(refusal)
            }
        }
    }

    #[cold]
    fn report_unhandled(&mut self, letter: Letter, parcel: &dyn Parcel, refusal: &Refusal) {
        let Letter { to, from, symbol, hold: _ } = letter;
        let own = symbol == Symbol::START || symbol == Symbol::STOP;
        if own && matches!(refusal, Refusal::NoHandler) {
            return; // nobody needs to handle these
        }
        self.stats.unhandled += 1;
        let event = self.names.text(symbol);
        let kind = self.sessions.get(to).and_then(|slot| slot.body.as_ref());
        let kind = kind.map_or("?", |body| body.kind());
        let given = parcel.content_name();
        let sender = if from == SessionId::KERNEL { "the kernel".into() } else { from.to_string() };
        let reason = match refusal {
            Refusal::OtherPayload(taken) => format!("its handler takes {taken}, not {given}"),
            Refusal::NoHandler | Refusal::OtherReply | Refusal::Failed(_) => {
                format!("it has no handler for it (payload: {given})")
            }
        };
        log::warn!(
            target: "reactor::events",
            "event {event} from {sender} to session {to} ({kind}) was not handled: {reason}"
        );
    }
}

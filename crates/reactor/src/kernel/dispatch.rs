//! One event, one session: take out, call, put back.
//!
//! The session's body leaves its slot while a handler runs, so the handler has the session's state and
//! the whole kernel at once, and nobody can reach the state by another way. It is put back by a guard,
//! also when the handler panics: the panic goes on to whoever began the step (`failure.rs`), so that an
//! event pays nothing for the possibility. What the handler dropped is closed when it has returned.

use super::{Exception, Kernel, Letter};
use crate::context::Context;
use crate::destination::Destination;
use crate::error::CallError;
use crate::event::{Bound, Event};
use crate::ids::SessionId;
use crate::payload::Parcel;
use crate::session::{AnySession, Exchange, Refusal, Reply};

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

/// A session that is out of its slot, and why. Goes back when this is dropped.
struct Running<'k> {
    kernel: &'k mut Kernel,
    body: Option<Box<dyn AnySession>>,
    letter: Letter,
    returned: bool,
}

impl Kernel {
    /// Delivers an event of a wheel to the wheel's session, which is its own sender.
    #[inline(always)]
    pub(crate) fn deliver_direct<T: 'static>(&mut self, bound: Bound<T>, payload: T) {
        self.stats.direct += 1;
        let Bound { session, symbol, .. } = bound;
        self.deliver_to(Letter::new(session, session, symbol), &mut Some(payload));
    }

    /// Delivers an event that nobody waits for the reply of. A panic of the handler is the caller's.
    #[inline(always)]
    pub(super) fn deliver_to(&mut self, letter: Letter, parcel: &mut dyn Parcel) {
        let outcome = self.offer(letter, &mut Exchange { parcel, reply: Reply::Nobody });
        if !matches!(outcome, Outcome::Handled) {
            self.undelivered(letter, parcel, outcome);
        }
    }

    /// As `deliver_to`, between other things to do: a panic is seen to at once.
    pub(super) fn tell(&mut self, letter: Letter, parcel: &mut dyn Parcel, reply: Reply<'_>) {
        let told = self.guard_handler(|kernel| {
            let outcome = kernel.offer(letter, &mut Exchange { parcel, reply });
            if !matches!(outcome, Outcome::Handled) {
                kernel.undelivered(letter, parcel, outcome);
            }
        });
        told.unwrap_or_default();
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

    /// A call from a handler: `from` is what the caller is handling.
    pub(crate) fn call_in<T: 'static, R: 'static>(
        &mut self,
        from: Letter,
        to: impl Destination,
        event: impl Into<Event<T, R>>,
        payload: T,
    ) -> Result<R, CallError> {
        self.read_posts(from);
        let to = to.find(self).ok_or(CallError::NoSuchSession)?;
        let letter = Letter { to, from: from.to, caller: from.caller_of_next(), ..from };
        self.call_from(Letter { hold: None, ..letter }, event, payload)
    }

    pub(super) fn call_from<T: 'static, R: 'static>(
        &mut self,
        mut letter: Letter,
        event: impl Into<Event<T, R>>,
        payload: T,
    ) -> Result<R, CallError> {
        letter.symbol = self.names.intern(event.into().into_name());
        let (mut parcel, mut reply) = (Some(payload), None::<R>);
        let outcome = self.guard_handler(|kernel| {
            let reply = Reply::To(&mut reply);
            kernel.offer(letter, &mut Exchange { parcel: &mut parcel, reply })
        });
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

    /// Offers an event to a session.
    #[inline]
    fn offer(&mut self, letter: Letter, exchange: &mut Exchange<'_>) -> Outcome {
        let Some(slot) = self.sessions.get_mut(letter.to) else { return Outcome::NoSession };
        let Some(body) = slot.body.take() else { return Outcome::Busy };
        self.depth += 1;
        let mut running = Running { kernel: self, body: Some(body), letter, returned: false };
        let handled = running.run(exchange);
        running.returned = true;
        drop(running);
        let outcome = match handled {
            Ok(()) => Outcome::Handled,
            Err(refusal) => self.refused(letter, refusal),
        };
        self.tidy_after(letter);
        outcome
    }

    #[cold]
    fn refused(&mut self, letter: Letter, refusal: Box<Refusal>) -> Outcome {
        match *refusal {
            Refusal::Failed(error) => {
                self.fail(letter, Exception::Error(error));
                Outcome::Failed
            }
            Refusal::NoHandler | Refusal::OtherPayload(_) | Refusal::OtherReply => {
                Outcome::Refused(refusal)
            }
        }
    }
}

impl Running<'_> {
    #[inline(always)]
    fn run(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Box<Refusal>> {
        let Self { kernel, body, letter, .. } = self;
        let Some(body) = body else { return Ok(()) };
        if kernel.observed {
            return kernel.run_observed(&mut **body, *letter, exchange);
        }
        kernel.run_handler(&mut **body, *letter, exchange)
    }
}

impl Kernel {
    #[inline(always)]
    pub(super) fn run_handler(
        &mut self,
        body: &mut dyn AnySession,
        letter: Letter,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Box<Refusal>> {
        let mut cx = Context::new(self, letter);
        match body.handle(letter.symbol, &mut cx, exchange) {
            Ok(()) => Ok(()),
            Err(refusal) => body.handle_refused(letter.symbol, &mut cx, exchange, refusal),
        }
    }
}

impl Drop for Running<'_> {
    #[inline]
    fn drop(&mut self) {
        let kernel = &mut *self.kernel;
        kernel.depth -= 1;
        if let Some(body) = self.body.take() {
            kernel.sessions.put_back(self.letter.to, body, self.letter.hold);
        }
        if !self.returned {
            // The state may be half changed after a panic: it is seen once more, by `_stop`, and dropped.
            kernel.crashed = Some(self.letter);
        }
    }
}

impl SessionId {
    /// For people: the kernel by name, a session by number.
    pub(crate) fn who(self) -> String {
        if self == Self::KERNEL { "the kernel".into() } else { format!("session {self}") }
    }
}

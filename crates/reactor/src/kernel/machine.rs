//! Transitions of machines: asked for, and put where they belong in the order of things.
//!
//! A transition is an event of the kernel's own that a machine sends to itself. Posted, it stands in the
//! queue; immediate, among what is told as soon as the running handler has returned. Either way it is
//! delivered as one event, within which the machine handles others (`session/machine/body.rs`).

use super::{Kernel, Notice};
use crate::error::TransitionError;
use crate::ids::SessionId;
use crate::name::Symbol;
use crate::payload::{Parcel, Payload};
use crate::session::{AnySession, Control, Handled, Refusal, Step, Transition};

impl Kernel {
    /// The name of the state that a machine is in (POE: `get_current_state`). `None` if the session is gone,
    /// or not a [`Machine`](crate::Machine).
    #[must_use]
    pub fn current_state(&self, session: SessionId) -> Option<&str> {
        Some(self.sessions.get(session)?.control.as_ref()?.name())
    }

    /// The control of the machine whose handler is running.
    pub(crate) fn control(&mut self) -> Option<&mut Control> {
        self.sessions.get_mut(self.current.to)?.control.as_deref_mut()
    }

    /// The place of a state among those of the machine whose handler is running.
    pub(crate) fn find_state(&mut self, name: &str) -> Result<usize, TransitionError> {
        let control = self.control().ok_or(TransitionError::NotAMachine(()))?;
        control.find(name).ok_or(TransitionError::NoSuchState(()))
    }

    /// Sends a transition to the machine whose handler is running.
    pub(crate) fn send_transition<T: 'static>(
        &mut self,
        step: Step,
        payload: T,
    ) -> Result<(), TransitionError<T>> {
        self.read_posts();
        let asked = self.control().ok_or(TransitionError::NotAMachine(()));
        if let Err(error) = asked.and_then(|control| control.ask(step)) {
            return Err(error.with(payload));
        }
        let transition = Transition { step, payload: Payload::new(payload) };
        let payload = Payload::Boxed(Box::new(transition));
        let letter = self.current.next(self.current.to, Symbol::GOTO_STATE);
        if self.is_immediate(letter.to) {
            self.tell_later(Notice { letter, payload });
        } else if self.sessions.add_post(letter.to, letter.from) {
            let what = self.desk.queue.keep(payload);
            self.desk.post(letter.to, letter.from, letter.names, what);
        }
        Ok(())
    }

    /// Whether the machine's transitions go before all that is posted. After `_stop` nothing does.
    fn is_immediate(&self, id: SessionId) -> bool {
        let living = self.sessions.get(id).filter(|slot| !slot.phase.is_last());
        let control = living.and_then(|slot| slot.control.as_ref());
        control.is_some_and(|control| control.is_immediate())
    }

    /// Delivers an event to a machine that is out of its slot for a transition.
    pub(crate) fn run_within(
        &mut self,
        machine: &mut dyn AnySession,
        symbol: Symbol,
        parcel: &mut Parcel<'_>,
    ) -> Handled {
        self.current.names = self.current.names.renamed(symbol);
        if self.observed {
            self.run_observed(symbol, machine, parcel, None)
        } else {
            self.run_current(symbol, machine, parcel, None)
        }
    }

    /// Delivers `leave` to a machine that is out of its slot for a transition. A handler of another payload
    /// does not keep it from leaving, but one that fails does.
    pub(crate) fn run_leave(&mut self, machine: &mut dyn AnySession) -> Handled {
        let mut parcel = Parcel::UNIT;
        let Err(refusal) = self.run_within(machine, Symbol::LEAVE, &mut parcel) else {
            return Ok(());
        };
        match *refusal {
            Refusal::Failed(_) => Err(refusal),
            Refusal::NoHandler | Refusal::OtherPayload(_) | Refusal::OtherReply => {
                self.report_unhandled(self.current, &parcel, &refusal);
                Ok(())
            }
        }
    }
}

//! Transitions, as a handler of a machine asks for them.

use std::borrow::Cow;

use super::Context;
use crate::error::TransitionError;
use crate::event::EventName;
use crate::kernel::Kernel;
use crate::session::Step;

impl Context<'_> {
    /// The name of the state that this machine is in (POE: `get_current_state`, `STATE`). `None` if this
    /// session is not a [`Machine`](crate::Machine).
    #[must_use]
    pub fn current_state(&self) -> Option<&str> {
        self.kernel.current_state(self.session())
    }

    /// Sends this machine to a state (POE: `goto_state`).
    ///
    /// Takes place when what waits already has been handled, or as soon as the running handler has returned:
    /// see [`Machine`](crate::Machine). Keeps this session alive until then. Nothing comes of it if the
    /// session is stopped before, or if the handler of `leave` fails.
    ///
    /// # Errors
    ///
    /// This session is not a machine, or has no such state.
    pub fn goto_state(&mut self, state: &str) -> Result<(), TransitionError> {
        self.go(state, |to| Step::Goto { to, entry: None }, ())
    }

    /// The same, and delivers an event when the machine is there (POE: `goto_state` with an entry event).
    ///
    /// # Errors
    ///
    /// As [`goto_state`](Self::goto_state). The payload comes back.
    pub fn goto_state_with<T: 'static>(
        &mut self,
        state: &str,
        entry: impl EventName<T>,
        payload: T,
    ) -> Result<(), TransitionError<T>> {
        let entry = Some(self.kernel.symbol(entry.into_name()));
        self.go(state, |to| Step::Goto { to, entry }, payload)
    }

    /// Sends this machine to a state from which [`return_state`](Self::return_state) leads back to the one it
    /// is in when the transition takes place, where `return_event` is then delivered (POE: `call_state`).
    ///
    /// Calls may be made within calls, as deep as memory goes. Otherwise as [`goto_state`](Self::goto_state).
    ///
    /// ```
    /// use reactor::{Context, Event, Kernel, Machine, States, TransitionError};
    ///
    /// const ASK: Event<u32> = Event::new("ask");
    /// const ANSWER: Event<u32> = Event::new("answer");
    /// const SQUARE: Event<u32> = Event::new("square");
    ///
    /// type Outcome = Result<(), TransitionError<u32>>;
    ///
    /// let idle = States::new()
    ///     .try_on(&ASK, |_: &mut Option<u32>, cx: &mut Context<'_>, number| -> Outcome {
    ///         cx.call_state_with(&ANSWER, "busy", &SQUARE, number)
    ///     })
    ///     .on(&ANSWER, |answer: &mut Option<u32>, cx: &mut Context<'_>, number| {
    ///         assert_eq!(cx.current_state(), Some("idle"));
    ///         *answer = Some(number);
    ///     });
    /// let busy = States::new()
    ///     .try_on(&SQUARE, |_: &mut Option<u32>, cx: &mut Context<'_>, number| -> Outcome {
    ///         cx.return_state(number * number)
    ///     });
    /// let machine = Machine::starting("idle", idle)
    ///     .state("busy", busy)
    ///     .always(States::new().on_stop(|answer: &mut Option<u32>, _: &mut Context<'_>, ()| {
    ///         assert_eq!(*answer, Some(49));
    ///     }));
    /// let mut kernel = Kernel::new()?;
    /// let machine = kernel.spawn(&machine, None);
    /// kernel.post(machine, &ASK, 7).expect("the machine is there");
    /// kernel.run()?;
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`goto_state`](Self::goto_state).
    pub fn call_state(
        &mut self,
        return_event: impl Into<Cow<'static, str>>,
        state: &str,
    ) -> Result<(), TransitionError> {
        let back = self.kernel.symbol(return_event.into());
        self.go(state, |to| Step::Call { to, entry: None, back }, ())
    }

    /// The same, and delivers an event when the machine is there (POE: `call_state` with an entry event).
    ///
    /// # Errors
    ///
    /// As [`goto_state`](Self::goto_state). The payload comes back.
    pub fn call_state_with<T: 'static>(
        &mut self,
        return_event: impl Into<Cow<'static, str>>,
        state: &str,
        entry: impl EventName<T>,
        payload: T,
    ) -> Result<(), TransitionError<T>> {
        let back = self.kernel.symbol(return_event.into());
        let entry = Some(self.kernel.symbol(entry.into_name()));
        self.go(state, |to| Step::Call { to, entry, back }, payload)
    }

    /// Sends this machine back to the state that called this one, and delivers the event that was given there
    /// (POE: `return_state`).
    ///
    /// That its handler takes a `T` is seen when it is delivered. The states in between that it went to with
    /// [`goto_state`](Self::goto_state) do not matter.
    ///
    /// # Errors
    ///
    /// This session is not a machine, or nobody called it: there is a
    /// [`call_state`](Self::call_state) before this for each `return_state`. The payload comes back. If such a
    /// call is on its way still and then fails, the return is a failure of this session.
    pub fn return_state<T: 'static>(&mut self, payload: T) -> Result<(), TransitionError<T>> {
        self.kernel.send_transition(Step::Return, payload)
    }

    fn go<T: 'static>(
        &mut self,
        state: &str,
        step: impl FnOnce(usize) -> Step,
        payload: T,
    ) -> Result<(), TransitionError<T>> {
        match self.kernel.find_state(state) {
            Ok(to) => self.kernel.send_transition(step(to), payload),
            Err(error) => Err(error.with(payload)),
        }
    }

    /// The kernel, for a machine that moves.
    pub(crate) const fn kernel_mut(&mut self) -> &mut Kernel {
        self.kernel
    }
}

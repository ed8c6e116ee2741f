//! Where one machine stands, and how it moves.
//!
//! Owns the state it is in and those it is to return to. Stands in the session's slot, because a handler
//! asks for it while the session itself is out. Promises that a call is only returned from once, and that
//! what cannot be done is known when it is asked for, but for one thing: a call may fail on its way.
//! Never runs a handler: `body.rs` does.

use std::any::Any;
use std::rc::Rc;

use super::{Plan, When};
use crate::error::TransitionError;
use crate::name::Symbol;
use crate::payload::{Content, Parcel, Payload};

pub(crate) struct Control {
    plan: Rc<Plan>,
    /// Where it is: a place in the plan.
    current: usize,
    /// Where it is to return to.
    stack: Vec<Frame>,
    /// Calls that were asked for and did not take place yet.
    calls: usize,
    /// The same of returns.
    returns: usize,
}

/// A state to return to, and the event that is then delivered.
#[derive(Clone, Copy)]
struct Frame {
    state: usize,
    event: Symbol,
}

/// One step of a machine, from a state to another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Goto { to: usize, entry: Option<Symbol> },
    Call { to: usize, entry: Option<Symbol>, back: Symbol },
    Return,
}

/// A step that was asked for, on its way. It is a content itself, which shows the payload inside.
pub(crate) struct Transition {
    pub(crate) step: Step,
    /// What the entry event carries.
    pub(crate) payload: Payload,
}

impl Transition {
    /// The transition that this event is, if it is one.
    pub(super) fn of<'a>(symbol: Symbol, parcel: &'a mut Parcel<'_>) -> Option<&'a mut Self> {
        if symbol != Symbol::GOTO_STATE {
            return None;
        }
        let any: &mut dyn Any = parcel.place()?;
        any.downcast_mut()
    }
}

/// Where a step leads.
pub(super) struct Target {
    state: usize,
    pub(super) entry: Option<Symbol>,
}

impl Control {
    pub(in crate::session) const fn new(plan: Rc<Plan>) -> Self {
        Self { plan, current: 0, stack: Vec::new(), calls: 0, returns: 0 }
    }

    /// The name of the state it is in.
    pub(crate) fn name(&self) -> &str {
        &self.plan.names[self.current]
    }

    /// Its place in the plan.
    pub(crate) const fn current(&self) -> usize {
        self.current
    }

    /// Whether steps take place as soon as the handler that asks for them has returned.
    pub(crate) fn is_immediate(&self) -> bool {
        self.plan.when == When::Immediate
    }

    /// The place of a state in the plan.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.plan.find(name)
    }

    /// Notes that a step is asked for.
    pub(crate) const fn ask(&mut self, step: Step) -> Result<(), TransitionError> {
        match step {
            Step::Goto { .. } => {}
            Step::Call { .. } => self.calls += 1,
            Step::Return if self.stack.len() + self.calls <= self.returns => {
                return Err(TransitionError::NothingToReturnTo(()));
            }
            Step::Return => self.returns += 1,
        }
        Ok(())
    }

    /// A step's turn has come: says where it leads. `None` if there is nothing to return to, because the
    /// call was not made.
    pub(super) fn begin(&mut self, step: Step) -> Option<Target> {
        match step {
            Step::Goto { to, entry } => Some(Target { state: to, entry }),
            Step::Call { to, entry, .. } => {
                self.calls -= 1;
                Some(Target { state: to, entry })
            }
            Step::Return => {
                self.returns -= 1;
                let Frame { state, event } = *self.stack.last()?;
                Some(Target { state, entry: Some(event) })
            }
        }
    }

    /// Makes the step that was begun.
    pub(super) fn switch(&mut self, step: Step, target: &Target) {
        match step {
            Step::Goto { .. } => {}
            Step::Call { back, .. } => {
                self.stack.push(Frame { state: self.current, event: back });
            }
            Step::Return => {
                self.stack.pop();
            }
        }
        self.current = target.state;
    }
}

impl Content for Transition {
    fn content_name(&self) -> &'static str {
        self.payload.name()
    }

    fn clear(&mut self) {
        self.payload.parcel().clear();
    }
}

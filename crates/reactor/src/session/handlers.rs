//! What a session is made with: one table of handlers, or one for each state.

use std::fmt;
use std::rc::Rc;

use super::machine::{Body, Control};
use super::states::Session;
use super::{Kinds, Machine, Newborn, States};
use crate::name::Names;

/// The handlers of a kind of session: a [`States`] or a [`Machine`], borrowed.
///
/// What [`Kernel::spawn`](crate::Kernel::spawn) and [`Context::spawn`](crate::Context::spawn) take; made of
/// a reference to either, or to one that is shared in an [`Rc`].
pub struct Handlers<'a, S>(Of<'a, S>);

enum Of<'a, S> {
    States(&'a States<S>),
    Machine(&'a Machine<S>),
}

impl<S: 'static> Handlers<'_, S> {
    /// Makes a session with these handlers.
    #[inline]
    pub(crate) fn make(
        &self,
        state: S,
        birth: u64,
        kinds: &mut Kinds,
        names: &mut Names,
    ) -> Newborn {
        match self.0 {
            Of::States(States { table }) => {
                let (kind, hears, by_symbol) = kinds.enter(table, names);
                let body = Session::new(Rc::clone(by_symbol), Rc::clone(table), state);
                Newborn { body: Box::new(body), kind, hears, control: None, birth }
            }
            Of::Machine(Machine { chart }) => {
                let (kind, hears, by_number) = kinds.enter(chart, names);
                let body = Box::new(Body::new(Rc::clone(by_number), state));
                let control = Some(Box::new(Control::new(Rc::clone(&chart.plan))));
                Newborn { body, kind, hears, control, birth }
            }
        }
    }
}

impl<'a, S> From<&'a States<S>> for Handlers<'a, S> {
    #[inline]
    fn from(states: &'a States<S>) -> Self {
        Self(Of::States(states))
    }
}

impl<'a, S> From<&'a Rc<States<S>>> for Handlers<'a, S> {
    #[inline]
    fn from(states: &'a Rc<States<S>>) -> Self {
        Self(Of::States(states))
    }
}

impl<'a, S> From<&'a Machine<S>> for Handlers<'a, S> {
    fn from(machine: &'a Machine<S>) -> Self {
        Self(Of::Machine(machine))
    }
}

impl<'a, S> From<&'a Rc<Machine<S>>> for Handlers<'a, S> {
    fn from(machine: &'a Rc<Machine<S>>) -> Self {
        Self(Of::Machine(machine))
    }
}

impl<S> fmt::Debug for Handlers<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Of::States(states) => states.fmt(f),
            Of::Machine(machine) => machine.fmt(f),
        }
    }
}

//! A machine as the kernel sees it: a session whose handlers depend on where it stands.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use super::{ByNumber, Control, Transition, find};
use crate::context::Context;
use crate::name::Symbol;
use crate::payload::Parcel;
use crate::session::states::{BySymbol, offer_default, put, refuse};
use crate::session::{AnySession, Handled, Handler, Refusal, Reply};

pub(in crate::session) struct Body<S> {
    by_number: Rc<ByNumber<S>>,
    /// The handlers of every state: those of the table, until this machine sets one itself.
    always: BySymbol<S>,
    state: S,
}

impl<S: 'static> Body<S> {
    pub(in crate::session) fn new(by_number: Rc<ByNumber<S>>, state: S) -> Self {
        let always = Rc::clone(&by_number.always.by_symbol);
        Self { by_number, always, state }
    }

    /// Leaves a state and enters another. The machine is out of its slot all the time, so that nothing
    /// comes between.
    fn go(&mut self, cx: &mut Context<'_>, transition: &mut Transition) -> Handled {
        let Transition { step, payload } = transition;
        let Some(target) = cx.kernel_mut().control().and_then(|control| control.begin(*step))
        else {
            return refuse(Refusal::Failed(Box::new(NotCalled)));
        };
        if find(&self.by_number, &self.always, control(cx).current(), Symbol::LEAVE).is_some() {
            cx.kernel_mut().run_leave(self)?;
        }
        control(cx).switch(*step, &target);
        match target.entry {
            Some(event) => cx.kernel_mut().run_within(self, event, &mut payload.parcel()),
            None => Ok(()),
        }
    }
}

impl<S: 'static> AnySession for Body<S> {
    fn handle(
        &mut self,
        symbol: Symbol,
        cx: &mut Context<'_>,
        parcel: &mut Parcel<'_>,
        reply: Option<&mut Reply<'_>>,
    ) -> Handled {
        if let Some(transition) = Transition::of(symbol, parcel) {
            return self.go(cx, transition);
        }
        match find(&self.by_number, &self.always, control(cx).current(), symbol) {
            Some(handler) => handler(&mut self.state, cx, parcel, reply),
            None => refuse(Refusal::NoHandler),
        }
    }

    #[cold]
    fn handle_refused(
        &mut self,
        symbol: Symbol,
        cx: &mut Context<'_>,
        parcel: &mut Parcel<'_>,
        refusal: Box<Refusal>,
    ) -> Handled {
        // An entry event has been offered to `_default` already.
        if symbol == Symbol::START || Transition::of(symbol, parcel).is_some() {
            return Err(refusal);
        }
        let default = self.by_number.default(control(cx).current());
        offer_default(default, &mut self.state, cx, parcel, refusal)
    }

    fn set_handler(&mut self, symbol: Symbol, handler: Option<Box<dyn Any>>) -> bool {
        let handler = handler.and_then(|handler| handler.downcast::<Rc<Handler<S>>>().ok());
        let mut always = self.always.to_vec();
        let old = put(&mut always, symbol, handler.map(|handler| *handler));
        self.always = always.into();
        old.is_some()
    }

    fn kind(&self) -> &'static str {
        std::any::type_name::<S>()
    }
}

/// Where the machine that is running stands.
fn control<'a>(cx: &'a mut Context<'_>) -> &'a mut Control {
    let control = cx.kernel_mut().control();
    control.expect("a session that is running has its slot, and a machine's slot its control")
}

/// A machine was to return from a call that was asked for and then failed.
#[derive(Debug)]
struct NotCalled;

impl fmt::Display for NotCalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "there is no state to return to: the transition that was to call this one failed",
        )
    }
}

impl Error for NotCalled {}

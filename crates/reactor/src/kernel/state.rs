//! Handlers that a session sets while it runs, and its options.

use std::any::Any;
use std::rc::Rc;

use super::Kernel;
use crate::context::Context;
use crate::error::{NoSuchSession, StateError};
use crate::ids::SessionId;
use crate::name::Symbol;
use crate::session::{Handler, Options, erase};

/// A handler to be set, or taken away, when the session is back.
pub(super) struct Change {
    pub(super) session: SessionId,
    pub(super) symbol: Symbol,
    /// An `Rc<Handler<S>>`.
    pub(super) handler: Option<Box<dyn Any>>,
}

impl Kernel {
    pub(crate) fn set_state<S, T, R, F>(
        &mut self,
        session: SessionId,
        symbol: Symbol,
        handler: F,
    ) -> Result<(), StateError>
    where
        S: 'static,
        T: 'static,
        R: 'static,
        F: Fn(&mut S, &mut Context<'_>, T) -> R + 'static,
    {
        let kind = self.sessions.get(session).map(|slot| slot.kind);
        if !kind.is_some_and(|kind| self.kinds.has_state::<S>(kind)) {
            return Err(StateError::OtherState);
        }
        let handler: Rc<Handler<S>> =
            Rc::new(Box::new(erase(move |state: &mut S, cx: &mut Context<'_>, payload: T| {
                Ok(handler(state, cx, payload))
            })));
        self.change(session, symbol, Some(Box::new(handler)))
    }

    pub(crate) fn clear_state(
        &mut self,
        session: SessionId,
        symbol: Symbol,
    ) -> Result<(), StateError> {
        self.change(session, symbol, None)
    }

    fn change(
        &mut self,
        session: SessionId,
        symbol: Symbol,
        handler: Option<Box<dyn Any>>,
    ) -> Result<(), StateError> {
        if symbol == Symbol::START || symbol == Symbol::DEFAULT {
            return Err(StateError::Reserved);
        }
        self.changes.push(Change { session, symbol, handler });
        self.desk.chores = true;
        Ok(())
    }

    /// Gives a session a handler, or takes one away. The old one is dropped, and may panic.
    pub(super) fn set_handler(
        &mut self,
        session: SessionId,
        symbol: Symbol,
        handler: Option<Box<dyn Any>>,
    ) {
        let Some(slot) = self.sessions.get_mut(session) else { return };
        let Some(body) = slot.body.as_mut() else { return };
        if handler.is_some() {
            slot.hears = slot.hears.with(symbol);
        }
        let debug = slot.options.debug;
        if body.set_handler(symbol, handler) && debug {
            let event = self.names.text(symbol);
            log::warn!(
                target: "reactor::sessions",
                "session {session} sets its handler of {event} anew"
            );
        }
    }

    /// A session's options.
    ///
    /// # Errors
    ///
    /// The session is gone.
    pub fn options(&self, session: SessionId) -> Result<Options, NoSuchSession> {
        self.sessions.get(session).map(|slot| slot.options).ok_or(NoSuchSession(()))
    }

    /// Sets a session's options; gives those it had (POE: `$session->option`).
    ///
    /// # Errors
    ///
    /// The session is gone.
    pub fn set_options(
        &mut self,
        session: SessionId,
        options: Options,
    ) -> Result<Options, NoSuchSession> {
        let slot = self.sessions.get_mut(session).ok_or(NoSuchSession(()))?;
        let old = std::mem::replace(&mut slot.options, options);
        self.observer.trace(old, options);
        self.observed = self.observer.is_on();
        Ok(old)
    }
}

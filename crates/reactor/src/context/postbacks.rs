//! Postbacks and callbacks, as a handler makes them.

use super::Context;
use crate::event::{Event, EventName};
use crate::postback::{Callback, Postback};

impl Context<'_> {
    /// Makes a [`Postback`]: whoever calls it posts `event` to this session, with `creation` and what it is
    /// called with. Keeps this session alive until it is dropped (POE: `$session->postback`).
    pub fn postback<C: Clone + 'static, T: 'static>(
        &mut self,
        event: impl EventName<(C, T)>,
        creation: C,
    ) -> Postback<C, T> {
        let symbol = self.kernel.symbol(event.into_name());
        let outbox = self.kernel.hold_postback(self.session());
        Postback::new(self.session(), outbox, symbol, creation)
    }

    /// Makes a [`Callback`]: whoever calls it has `event` delivered to this session at once, and gets the
    /// reply. Keeps this session alive until it is dropped (POE: `$session->callback`).
    pub fn callback<C: Clone + 'static, T: 'static, R: 'static>(
        &mut self,
        event: impl Into<Event<(C, T), R>>,
        creation: C,
    ) -> Callback<C, T, R> {
        let outbox = self.kernel.hold_postback(self.session());
        Callback::new(self.session(), outbox, event.into(), creation)
    }
}

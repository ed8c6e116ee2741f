//! Timers, as a handler sets them.

use std::time::Duration;

use super::Context;
use crate::error::NoSuchTimer;
use crate::event::EventName;
use crate::ids::TimerId;
use crate::name::Symbol;
use crate::payload::Payload;
use crate::timers::Ring;

impl Context<'_> {
    /// Delivers `event` to this session after `delay`, instead of every timer of this name that is set
    /// (POE: `delay`).
    ///
    /// Counted from [`now`](Self::now), the time of this turn: a handler that has been busy for a while has
    /// used up that much of it. Otherwise never early, and as late as the loop is busy. A delay of zero
    /// is delivered like a post made now. Keeps the session alive.
    pub fn delay<T: 'static>(&mut self, event: impl EventName<T>, delay: Duration, payload: T) {
        let symbol = self.kernel.symbol(event.into_name());
        self.kernel.remove_timers_named(self.session(), symbol);
        self.set_timer(symbol, delay, payload);
    }

    /// Delivers `event` to this session after `delay`, whatever other timers are set
    /// (POE: `delay_set`).
    pub fn delay_set<T: 'static>(
        &mut self,
        event: impl EventName<T>,
        delay: Duration,
        payload: T,
    ) -> TimerId {
        let symbol = self.kernel.symbol(event.into_name());
        self.set_timer(symbol, delay, payload)
    }

    /// Removes a timer of this session: it will not ring, even if it is due (POE: `alarm_remove`).
    ///
    /// # Errors
    ///
    /// It rang already, was removed, or is another session's.
    pub fn alarm_remove(&mut self, timer: TimerId) -> Result<(), NoSuchTimer> {
        self.kernel.remove_timer(self.session(), timer)
    }

    fn set_timer<T: 'static>(&mut self, symbol: Symbol, delay: Duration, payload: T) -> TimerId {
        let ring = Ring::Event { symbol, payload: Payload::new(payload) };
        self.kernel.set_timer(self.session(), delay, ring)
    }
}

//! Signals, as a handler watches them.

use super::Context;
use crate::error::SignalError;
use crate::event::EventName;
use crate::signal::Signal;

impl Context<'_> {
    /// Watches a signal: `event` is delivered when it comes (POE: `sig`). The name is without `SIG`.
    ///
    /// The signal's default action is off from now on, and stays off after [`Kernel::run`](crate::Kernel::run) has returned: a
    /// program that goes on then sees to `INT` itself. A watch does not keep the session alive. Raised
    /// several times before it is delivered, a signal is delivered once. `HUP`, `INT`, `QUIT` and `TERM`
    /// are terminal: unless a handler calls [`sig_handled`](Self::sig_handled), every session is stopped
    /// when all who watch have been told.
    ///
    /// # Errors
    ///
    /// See [`SignalError`].
    pub fn sig(&mut self, name: &str, event: impl EventName<Signal>) -> Result<(), SignalError> {
        let symbol = self.kernel.symbol(event.into_name());
        self.kernel.watch_signal(self.session, name, symbol)
    }

    /// Says that the signal being delivered is handled: nobody is stopped for it (POE: `sig_handled`).
    pub const fn sig_handled(&mut self) {
        self.kernel.signal_handled();
    }
}

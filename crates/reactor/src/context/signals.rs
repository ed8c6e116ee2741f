//! Signals, as a handler watches and sends them.

use super::Context;
use crate::destination::Destination;
use crate::error::{NoSuchSession, SignalError};
use crate::event::EventName;
use crate::signal::Signal;

impl Context<'_> {
    /// Watches a signal: `event` is delivered when it comes, instead of what this session watched it with
    /// before (POE: `sig`).
    ///
    /// Names are without `SIG`: `INT`. The system's own are those of signal(7); any other name is one that
    /// sessions send each other by [`signal`](Self::signal). `IDLE`, `ZOMBIE` and `DIE` are the kernel's.
    ///
    /// A watch does not keep the session alive. The default action of a signal of the system is off while any
    /// session of any kernel in the process watches it. After that the signal does again what it did before:
    /// nothing, if it was ignored; `PIPE` is always ignored. Raised several times before it is delivered, it is delivered once.
    ///
    /// `INT`, `TERM`, `HUP`, `QUIT`, `KILL`, `IDLE` and `DIE` are *terminal*: unless a handler calls
    /// [`sig_handled`](Self::sig_handled), all sessions that the signal concerns are stopped when all who
    /// watch it have been told. `ZOMBIE` and `UIDESTROY` stop them in any case. The others stop nobody.
    ///
    /// # Errors
    ///
    /// See [`SignalError`].
    pub fn sig(&mut self, name: &str, event: impl EventName<Signal>) -> Result<(), SignalError> {
        let symbol = self.kernel.symbol(event.into_name());
        self.kernel.watch_signal(self.session(), name, symbol)
    }

    /// Watches a signal no more; says whether it was watched (POE: `sig` without an event).
    ///
    /// One of the system's that is in the queue already and that nobody watches any more has its default action
    /// when its turn comes.
    pub fn sig_clear(&mut self, name: &str) -> bool {
        self.kernel.clear_signal(self.session(), name)
    }

    /// Says that the signal being delivered is handled: nobody is stopped for it (POE: `sig_handled`).
    /// Outside of a signal's handler nothing happens.
    pub const fn sig_handled(&mut self) {
        self.kernel.signal_handled();
    }

    /// Sends a signal to a session and all that descend from it, or by [`SessionId::KERNEL`](crate::SessionId::KERNEL)
    /// to everybody (POE: `signal`).
    ///
    /// It takes its place in the queue, like a post. Then it is told to those it concerns who watch it, the
    /// deepest descendants first, and it may stop them: see [`sig`](Self::sig). All of them see the same
    /// payload, by [`Signal::payload`].
    ///
    /// # Errors
    ///
    /// The session is gone, or nobody has the alias. The payload comes back.
    pub fn signal<T: 'static>(
        &mut self,
        to: impl Destination,
        name: &str,
        payload: T,
    ) -> Result<(), NoSuchSession<T>> {
        self.kernel.signal_from_current(to, name, payload)
    }
}

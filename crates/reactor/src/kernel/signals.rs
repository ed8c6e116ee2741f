//! Signals: from the system's pipe to the queue, from the queue to those who watch.

use std::os::raw::c_int;

use super::{Kernel, Letter};
use crate::error::SignalError;
use crate::ids::SessionId;
use crate::name::Symbol;
use crate::queue::What;
use crate::signal;

impl Kernel {
    pub(crate) fn watch_signal(
        &mut self,
        session: SessionId,
        name: &str,
        symbol: Symbol,
    ) -> Result<(), SignalError> {
        self.signals.watch(&self.desk.poller, session, name, symbol)
    }

    /// The signal that is being delivered is handled: nobody is stopped for it.
    pub(crate) const fn signal_handled(&mut self) {
        self.signals.handled = true;
    }

    /// The system's pipe is readable.
    pub(super) fn queue_signals(&mut self) {
        for number in self.signals.pending() {
            self.look_at_children_for(number);
            log::debug!(target: "reactor::signals", "{} came", signal::signal(number));
            if self.signals.note_queued(number) {
                self.desk.post(SessionId::KERNEL, SessionId::KERNEL, What::Signal(number));
            }
        }
    }

    pub(super) fn deliver_signal(&mut self, number: c_int) {
        self.signals.note_delivered(number);
        let watchers = self.signals.watchers(number);
        if watchers.is_empty() {
            // Who watched it is gone; without us the system would act now.
            if let Err(error) = signal::default_action(number) {
                log::error!(target: "reactor::signals", "{}: {error}", signal::signal(number));
            }
            return;
        }
        self.signals.handled = false;
        for watch in watchers {
            let mut parcel = Some(signal::signal(number));
            let letter = Letter::new(watch.session, SessionId::KERNEL, watch.symbol);
            self.deliver_to(letter, &mut parcel);
        }
        if signal::is_terminal(number) && !self.signals.handled {
            self.stop();
        }
    }
}

//! Descriptors, as a handler watches them.

use std::os::fd::AsFd;

use super::Context;
use crate::event::EventName;
use crate::watch::{Refused, SelectMode, Selected, Watch};

impl Context<'_> {
    /// Watches a descriptor: `event` is sent to this session whenever it can be read (POE:
    /// `select_read`).
    ///
    /// The watch takes the descriptor, anything that is one: a std socket, a `File`, `std::io::stdin()`,
    /// an `OwnedFd`. What a watch promises is told at [`Watch`], which also watches it for more, or pauses.
    /// Not sent any more when the watch is dropped.
    ///
    /// # Errors
    ///
    /// What `epoll_ctl(2)` says: `EEXIST` (it is watched already, by this session or another), `ENOSPC`
    /// (the system's limit of watches), `ENOMEM`. The descriptor comes back.
    pub fn select_read<F: AsFd + 'static>(
        &mut self,
        handle: F,
        event: impl EventName<Selected>,
    ) -> Result<Watch<F>, Refused<F>> {
        Watch::start(self, handle, SelectMode::Read, event)
    }

    /// As [`select_read`](Self::select_read), whenever the descriptor can be written to, or a connect has
    /// come to its end (POE: `select_write`).
    ///
    /// # Errors
    ///
    /// As [`select_read`](Self::select_read).
    pub fn select_write<F: AsFd + 'static>(
        &mut self,
        handle: F,
        event: impl EventName<Selected>,
    ) -> Result<Watch<F>, Refused<F>> {
        Watch::start(self, handle, SelectMode::Write, event)
    }

    /// As [`select_read`](Self::select_read), whenever there is urgent data, out of band (POE:
    /// `select_expedite`).
    ///
    /// # Errors
    ///
    /// As [`select_read`](Self::select_read).
    pub fn select_expedite<F: AsFd + 'static>(
        &mut self,
        handle: F,
        event: impl EventName<Selected>,
    ) -> Result<Watch<F>, Refused<F>> {
        Watch::start(self, handle, SelectMode::Expedite, event)
    }
}

//! Where a component is started.

use reactor::{Context, Handlers, Kernel, SessionId};

/// What starts sessions: the [`Kernel`] outside the loop, the [`Context`] of a handler, whose session is the
/// parent then.
pub trait Spawn {
    /// Starts a session, whose `_start` is delivered before this returns.
    fn spawn_session<'b, S: 'static>(
        &mut self,
        handlers: impl Into<Handlers<'b, S>>,
        state: S,
    ) -> SessionId;
}

impl Spawn for Kernel {
    fn spawn_session<'b, S: 'static>(
        &mut self,
        handlers: impl Into<Handlers<'b, S>>,
        state: S,
    ) -> SessionId {
        self.spawn(handlers, state)
    }
}

impl Spawn for Context<'_> {
    fn spawn_session<'b, S: 'static>(
        &mut self,
        handlers: impl Into<Handlers<'b, S>>,
        state: S,
    ) -> SessionId {
        self.spawn(handlers, state)
    }
}

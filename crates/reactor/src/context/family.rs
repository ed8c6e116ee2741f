//! Parents, children and handlers of one's own, as a handler asks for them.

use super::Context;
use crate::error::{DetachError, StateError};
use crate::event::Event;
use crate::ids::SessionId;
use crate::session::Options;

impl Context<'_> {
    /// This session's parent; [`SessionId::KERNEL`] if it has none.
    #[must_use]
    pub fn parent(&self) -> SessionId {
        self.kernel.parent(self.session()).unwrap_or(SessionId::KERNEL)
    }

    /// This session's children, in the order in which they came to it.
    #[must_use]
    pub fn children(&self) -> Vec<SessionId> {
        self.kernel.children(self.session())
    }

    /// Leaves the parent: this session is nobody's child from now on (POE: `detach_myself`).
    ///
    /// The parent hears `_child` with [`Fate::Lose`](crate::Fate::Lose), but not if this is done in `_start`;
    /// then this session hears `_parent`, when its handler has returned. Its children stay its own.
    ///
    /// # Errors
    ///
    /// It has no parent.
    pub fn detach_myself(&mut self) -> Result<(), DetachError> {
        self.kernel.detach_myself(self.session())
    }

    /// Lets a child go: it is nobody's from now on (POE: `detach_child`). Told as for
    /// [`detach_myself`](Self::detach_myself).
    ///
    /// # Errors
    ///
    /// It is gone, or not a child of this session.
    pub fn detach_child(&mut self, child: SessionId) -> Result<(), DetachError> {
        self.kernel.detach_child(self.session(), child)
    }

    /// Sets this session's handler of an event, besides those of its [`States`](crate::States) or instead of one
    /// (POE: `state`).
    ///
    /// Other sessions of the same kind keep theirs. In effect when the running handler has returned, and
    /// for everything that was posted and not delivered by then.
    ///
    /// # Errors
    ///
    /// The handler is for another type of state than this session's, or the name is `_start` or `_default`.
    pub fn state<S, T, R, F>(
        &mut self,
        event: impl Into<Event<T, R>>,
        handler: F,
    ) -> Result<(), StateError>
    where
        S: 'static,
        T: 'static,
        R: 'static,
        F: Fn(&mut S, &mut Context<'_>, T) -> R + 'static,
    {
        let symbol = self.kernel.symbol(event.into().into_name());
        self.kernel.set_state(self.session(), symbol, handler)
    }

    /// Takes away this session's handler of an event (POE: `state` without a handler). Nothing happens if it
    /// has none.
    ///
    /// # Errors
    ///
    /// The name is `_start` or `_default`.
    pub fn state_clear(&mut self, event: impl Into<String>) -> Result<(), StateError> {
        let symbol = self.kernel.symbol(event.into().into());
        self.kernel.clear_state(self.session(), symbol)
    }

    /// This session's options.
    #[must_use]
    pub fn options(&self) -> Options {
        self.kernel.options(self.session()).unwrap_or_default()
    }

    /// Sets this session's options; gives those it had (POE: `$session->option`).
    pub fn set_options(&mut self, options: Options) -> Options {
        self.kernel.set_options(self.session(), options).unwrap_or_default()
    }
}

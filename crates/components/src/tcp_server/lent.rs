//! What a callback is lent, and what happens if it fails with it.
//!
//! Promises that what a callback began, a shutdown for one, is gone on with though it panics or gives an
//! error: if the session lives on, the rest is seen to by an event. Never calls the user by itself.

use reactor::{Context, WheelId};
use wheels::filter::Filter;

use super::client::Client;
use super::clients::Clients;
use super::hub::Hub;
use super::names;

/// The connections of a session while a callback runs.
pub(super) struct Lent<'a, F: Filter, C> {
    hub: &'a mut Hub<F, C>,
    cx: Context<'a>,
    /// The connection that it is about, if it is about one.
    client: Option<WheelId>,
    /// It has returned, and no error.
    done: bool,
}

impl<'a, F: Filter, C> Lent<'a, F, C> {
    #[inline]
    pub(super) fn new(hub: &'a mut Hub<F, C>, cx: &'a mut Context<'_>) -> Self {
        Self { hub, cx: cx.reborrow(), client: None, done: false }
    }

    /// Lends one that is in the hub.
    #[inline]
    pub(super) fn client<R, E>(
        mut self,
        id: WheelId,
        call: impl FnOnce(&mut Client<'_, F, C>) -> Result<R, E>,
    ) -> Result<R, E> {
        self.client = Some(id);
        let result = call(&mut Client::new(self.hub, id, self.cx.reborrow()));
        self.done = result.is_ok();
        result
    }

    /// Lends all of them.
    #[inline]
    pub(super) fn clients<R, E>(
        mut self,
        call: impl FnOnce(&mut Clients<'_, F, C>) -> Result<R, E>,
    ) -> Result<R, E> {
        let result = call(&mut Clients::new(self.hub, self.cx.reborrow()));
        self.done = result.is_ok();
        result
    }

    #[cold]
    fn settle_later(&mut self) {
        if let Some(client) = self.client {
            self.hub.look_at(client);
        }
        if !self.hub.is_settled() {
            self.cx.yield_(&names::SETTLE, ());
        }
    }
}

impl<F: Filter, C> Drop for Lent<'_, F, C> {
    #[inline]
    fn drop(&mut self) {
        if !self.done {
            self.settle_later();
        }
    }
}

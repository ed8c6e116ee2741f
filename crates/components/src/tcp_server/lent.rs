//! What a callback is lent, and what happens if it panics with it.
//!
//! Promises that what a callback began, a shutdown for one, is gone on with though it panics: if the
//! session lives on, the rest is seen to by an event. Never calls the user.

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
}

impl<'a, F: Filter, C> Lent<'a, F, C> {
    #[inline]
    pub(super) fn new(hub: &'a mut Hub<F, C>, cx: &'a mut Context<'_>) -> Self {
        Self { hub, cx: cx.reborrow() }
    }

    /// One that is in the hub.
    #[inline]
    pub(super) fn client(&mut self, id: WheelId) -> Client<'_, F, C> {
        Client::new(self.hub, id, self.cx.reborrow())
    }

    #[inline]
    pub(super) fn clients(&mut self) -> Clients<'_, F, C> {
        Clients::new(self.hub, self.cx.reborrow())
    }
}

impl<F: Filter, C> Drop for Lent<'_, F, C> {
    #[inline]
    fn drop(&mut self) {
        if std::thread::panicking() && !self.hub.is_settled() {
            self.cx.yield_(&names::SETTLE, ());
        }
    }
}

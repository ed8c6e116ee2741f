//! Telling the user of connections, and what has to be done between two callbacks.
//!
//! Promises that a connection is told as disconnected once, and is gone then, whichever callback panics.
//! `hub.rs` has what is to be told.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use reactor::{Context, WheelId};
use wheels::filter::Filter;

use super::callbacks::{OnClient, Plan};
use super::client::Client;
use super::hub::{Connection, Role};
use super::lent::Lent;
use super::session::Serving;
use crate::events::{DISCONNECTED, notify};

impl<S: 'static, F: Filter, C: 'static> Serving<S, F, C> {
    /// Calls one of the user's callbacks that are about one connection, if there is one.
    pub(super) fn tell<'p>(
        &'p mut self,
        cx: &mut Context<'_>,
        id: WheelId,
        call: impl FnOnce(&'p Plan<S, F, C>) -> Option<&'p OnClient<S, F, C>>,
    ) {
        let Self { user, hub, plan } = self;
        if let Some(call) = call(plan).filter(|_| hub.clients.contains_key(&id)) {
            call(user, &mut Lent::new(hub, cx).client(id));
        }
    }

    /// As `tell`, unless the connection has ended: its wheel may have something to tell still.
    pub(super) fn tell_live<'p>(
        &'p mut self,
        cx: &mut Context<'_>,
        id: WheelId,
        call: impl FnOnce(&'p Plan<S, F, C>) -> Option<&'p OnClient<S, F, C>>,
    ) {
        if self.hub.clients.get(&id).is_some_and(|connection| !connection.has_ended()) {
            self.tell(cx, id, call);
        }
    }

    /// Tells something of each connection, though one callback panics; gives the first panic back.
    pub(super) fn tell_each(
        &mut self,
        cx: &mut Context<'_>,
        mut tell: impl FnMut(&mut Self, &mut Context<'_>, WheelId),
    ) -> Option<Panic> {
        let mut first = None;
        for id in self.hub.ids() {
            let told = catch_unwind(AssertUnwindSafe(|| tell(self, cx, id)));
            first = first.or_else(|| told.err());
        }
        first
    }

    /// Calls a handler of the user's own with a connection, if it is not closed.
    pub(super) fn with_client<R>(
        &mut self,
        cx: &mut Context<'_>,
        id: WheelId,
        call: impl FnOnce(&mut S, &mut Client<'_, F, C>) -> R,
    ) {
        let there = self.hub.clients.get(&id);
        if there.is_none_or(Connection::has_ended) {
            return;
        }
        drop(call(&mut self.user, &mut Lent::new(&mut self.hub, cx).client(id)));
        self.settle_after(cx, id);
    }

    #[inline]
    pub(super) fn settle_after(&mut self, cx: &mut Context<'_>, id: WheelId) {
        self.hub.look_at(id);
        if !self.hub.is_settled() {
            self.settle(cx);
        }
    }

    /// Those that may have been reading still are looked at once more.
    pub(super) fn look_again(&mut self, cx: &mut Context<'_>) {
        self.hub.review_unsure();
        self.settle(cx);
    }

    /// Tells what has ended, and what ends because of that.
    pub(super) fn settle(&mut self, cx: &mut Context<'_>) {
        while let Some(id) = self.hub.next_ended(cx) {
            if self.hub.begin_to_tell(id) {
                self.tell(cx, id, |plan| plan.client.disconnected.as_ref());
            }
            let Some(peer) = self.hub.remove(cx, id) else { continue };
            match &mut self.hub.role {
                Role::Server(door) => {
                    door.admission.leave(&peer);
                    door.adjust(cx);
                }
                Role::Client { server, .. } => notify(cx, *server, &DISCONNECTED, ()),
            }
        }
    }
}

/// A callback's.
pub(super) type Panic = Box<dyn Any + Send>;

/// With a panic that was held up.
pub(super) fn go_on(panic: Option<Panic>) {
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
}

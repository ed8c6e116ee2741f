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
use super::hub::Role;
use super::lent::Lent;
use super::session::Serving;
use crate::events::{DISCONNECTED, notify};

impl<S: 'static, F: Filter, C: 'static> Serving<S, F, C> {
    /// Calls one of the user's callbacks that are about one connection, if there is one and it is not closed:
    /// its wheel may have something to tell still.
    pub(super) fn tell<'p>(
        &'p mut self,
        cx: &mut Context<'_>,
        id: WheelId,
        call: impl FnOnce(&'p Plan<S, F, C>) -> Option<&'p OnClient<S, F, C>>,
    ) {
        let Self { user, hub, plan } = self;
        if let Some(call) = call(plan).filter(|_| hub.is_there(id)) {
            call(user, &mut Lent::new(hub, cx).client(id));
        }
    }

    /// Tells that a connection is closed, if that was not told yet.
    pub(super) fn tell_end(&mut self, cx: &mut Context<'_>, id: WheelId) {
        let Self { user, hub, plan } = self;
        if hub.begin_to_tell(id)
            && let Some(call) = &plan.client.disconnected
        {
            call(user, &mut Lent::new(hub, cx).client(id));
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
        if !self.hub.is_there(id) {
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
            self.tell_end(cx, id);
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

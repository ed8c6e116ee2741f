//! Telling the user of connections, and what has to be done between two callbacks.
//!
//! Promises that a connection is told as disconnected once, and is gone then, whichever callback fails.
//! `hub.rs` has what is to be told.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use reactor::{Context, WheelId};
use wheels::filter::Filter;

use super::callbacks::{OnClient, Plan};
use super::client::Client;
use super::clients::Clients;
use super::hub::Role;
use super::lent::Lent;
use super::session::Serving;
use crate::events::{DISCONNECTED, notify};
use crate::outcome::{Outcome, Returned};

impl<S: 'static, F: Filter, C: 'static> Serving<S, F, C> {
    /// Calls one of the user's callbacks that are about one connection, if there is one and it is not closed:
    /// its wheel may have something to tell still.
    pub(super) fn tell<'p>(
        &'p mut self,
        cx: &mut Context<'_>,
        id: WheelId,
        call: impl FnOnce(&'p Plan<S, F, C>) -> Option<&'p OnClient<S, F, C>>,
    ) -> Returned {
        let Self { user, hub, plan } = self;
        match call(plan).filter(|_| hub.is_there(id)) {
            Some(call) => Lent::new(hub, cx).client(id, |client| call(user, client)),
            None => Ok(()),
        }
    }

    /// Tells that a connection is closed, if that was not told yet.
    pub(super) fn tell_end(&mut self, cx: &mut Context<'_>, id: WheelId) -> Returned {
        let Self { user, hub, plan } = self;
        let call = plan.client.disconnected.as_ref();
        match call.filter(|_| hub.begin_to_tell(id)) {
            Some(call) => Lent::new(hub, cx).client(id, |client| call(user, client)),
            None => Ok(()),
        }
    }

    /// Tells something of each connection, though one callback fails; gives the first failure back.
    pub(super) fn tell_each(
        &mut self,
        cx: &mut Context<'_>,
        mut tell: impl FnMut(&mut Self, &mut Context<'_>, WheelId) -> Returned,
    ) -> Option<Broke> {
        let mut first = None;
        for id in self.hub.ids() {
            let told = broke(|| tell(self, cx, id));
            first = first.or(told);
        }
        first
    }

    /// Calls a handler of the user's own with a connection, if it is not closed.
    pub(super) fn with_client<R: Outcome>(
        &mut self,
        cx: &mut Context<'_>,
        id: WheelId,
        call: impl FnOnce(&mut S, &mut Client<'_, F, C>) -> R,
    ) -> Returned {
        if !self.hub.is_there(id) {
            return Ok(());
        }
        let Self { user, hub, .. } = self;
        Lent::new(hub, cx).client(id, |client| call(user, client).into_result())?;
        self.settle_after(cx, id)
    }

    /// Calls a handler of the user's own with all connections.
    pub(super) fn with_clients<R, E: Into<Box<dyn Error>>>(
        &mut self,
        cx: &mut Context<'_>,
        call: impl FnOnce(&mut S, &mut Clients<'_, F, C>) -> Result<R, E>,
    ) -> Result<R, Box<dyn Error>> {
        let Self { user, hub, .. } = self;
        let answer = Lent::new(hub, cx).clients(|clients| call(user, clients));
        let answer = answer.map_err(Into::into)?;
        self.settle(cx)?;
        Ok(answer)
    }

    #[inline]
    pub(super) fn settle_after(&mut self, cx: &mut Context<'_>, id: WheelId) -> Returned {
        self.hub.look_at(id);
        if self.hub.is_settled() { Ok(()) } else { self.settle(cx) }
    }

    /// Those that may have been reading still are looked at once more.
    pub(super) fn look_again(&mut self, cx: &mut Context<'_>) -> Returned {
        self.hub.review_unsure();
        self.settle(cx)
    }

    /// Tells what has ended, and what ends because of that.
    pub(super) fn settle(&mut self, cx: &mut Context<'_>) -> Returned {
        while let Some(id) = self.hub.next_ended(cx) {
            self.tell_end(cx, id)?;
            let Some(peer) = self.hub.remove(cx, id) else { continue };
            match &mut self.hub.role {
                Role::Server(door) => {
                    door.admission.leave(&peer);
                    door.adjust(cx);
                }
                Role::Client { server, .. } => notify(cx, *server, &DISCONNECTED, ()),
            }
        }
        Ok(())
    }
}

/// How a callback failed, whose failure was held up.
pub(super) enum Broke {
    Panic(Box<dyn Any + Send>),
    Error(Box<dyn Error>),
}

/// Runs what calls back; gives its failure.
pub(super) fn broke(run: impl FnOnce() -> Returned) -> Option<Broke> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(returned) => returned.err().map(Broke::Error),
        Err(panic) => Some(Broke::Panic(panic)),
    }
}

/// With a failure that was held up.
pub(super) fn go_on(broke: Option<Broke>) -> Returned {
    match broke {
        None => Ok(()),
        Some(Broke::Panic(panic)) => resume_unwind(panic),
        Some(Broke::Error(error)) => Err(error),
    }
}

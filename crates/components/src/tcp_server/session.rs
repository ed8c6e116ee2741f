//! The session of a server, and that of a connection which has one of its own.
//!
//! Owns the user's state and the connections, and calls the user. Promises that a connection that was told
//! as connected is told as disconnected exactly once, however the session ends. What has to be done between
//! two callbacks is done in `settle.rs`.

use std::rc::Rc;
use std::time::Duration;

use reactor::{Child, Context, Fate, Signal, SignalError, WheelId};
use wheels::filter::Filter;
use wheels::{Address, Descriptor, Established, Failure, Input, Listening, ReadWrite};

use super::callbacks::{Limits, OnError, Plan, Refusal, Refused};
use super::deadline::Deadline;
use super::door::Door;
use super::hub::{Connection, Hub, Phase, Role};
use super::lent::Lent;
use super::names;
use super::settle::{broke, go_on};
use crate::events::{DISCONNECTED, DRAIN, notify};
use crate::outcome::Returned;

pub(super) struct Serving<S, F: Filter, C> {
    pub(super) user: S,
    pub(super) hub: Hub<F, C>,
    pub(super) plan: Rc<Plan<S, F, C>>,
}

impl<S: 'static, F: Filter, C: 'static> Serving<S, F, C> {
    pub(super) fn start(&mut self, cx: &mut Context<'_>) -> Returned {
        if let Some(door) = self.door() {
            door.open(cx);
        }
        if self.plan.drain_on_signals.is_some()
            && let Err(error) = watch_signals(cx)
        {
            log::error!("server: {error}");
        }
        match &self.plan.server.started {
            Some(started) => started(&mut self.user, cx),
            None => Ok(()),
        }
    }

    /// Of a session that is a connection.
    pub(super) fn start_client(&mut self, cx: &mut Context<'_>) -> Returned {
        let Role::Client { arrival, .. } = &mut self.hub.role else { return Ok(()) };
        match arrival.take() {
            Some(established) => self.open(cx, *established),
            None => Ok(()),
        }
    }

    pub(super) fn stop(&mut self, cx: &mut Context<'_>) -> Returned {
        let first = self.tell_each(cx, Self::tell_end);
        if matches!(self.hub.role, Role::Server(_))
            && let Some(stopped) = &self.plan.server.stopped
        {
            let last = broke(|| stopped(&mut self.user, cx));
            return go_on(first.or(last));
        }
        go_on(first)
    }

    pub(super) fn listening(&mut self, cx: &mut Context<'_>, listening: Listening) -> Returned {
        log::info!("listening on {}", listening.local_addr);
        match &self.plan.server.listening {
            Some(call) => call(&mut self.user, cx, listening),
            None => Ok(()),
        }
    }

    pub(super) fn got_listen_error(&mut self, cx: &mut Context<'_>, failure: Failure) -> Returned {
        let lost = self.door().is_some_and(|door| door.has_lost(cx, &failure));
        if let Some(call) = &self.plan.server.error {
            return call(&mut self.user, cx, failure);
        }
        match self.door() {
            // A program that does nothing and says nothing is no help to anybody.
            Some(door) if lost && door.is_useless() => return Err(failure.into()),
            _ if lost => log::error!("{failure}"),
            _ => log::warn!("{failure}"),
        }
        Ok(())
    }

    pub(super) fn got_client(
        &mut self,
        cx: &mut Context<'_>,
        established: Established,
    ) -> Returned {
        let Role::Server(door) = &mut self.hub.role else { return Ok(()) };
        let peer = established.peer.clone();
        if door.admission.is_crowded(&peer) {
            self.refuse(cx, Refused { peer, reason: Refusal::PerAddress })
        } else if let Some(accept) = &self.plan.server.acceptor {
            accept(&mut self.user, cx, established)?;
            // Not if that failed: then nobody would say that it is closed.
            door.admission.enter(&peer);
            door.adjust(cx);
            Ok(())
        } else if let Some(each) = &self.plan.each {
            let arrival = Some(Box::new(established));
            let role = Role::Client { server: cx.session(), arrival };
            let user = (each.share)(&self.user);
            let client = Self { user, hub: Hub::new(role), plan: Rc::clone(&self.plan) };
            let session = cx.spawn(&each.states, client);
            door.admission.enter(&peer);
            door.sessions.insert(session, peer);
            door.adjust(cx);
            Ok(())
        } else {
            self.open(cx, established)
        }
    }

    /// Makes a connection of a socket.
    fn open(&mut self, cx: &mut Context<'_>, established: Established) -> Returned {
        let peer = established.peer.clone();
        let plan = Rc::clone(&self.plan);
        let state = (plan.new_client)(&mut self.user, &established);
        let stream = match &plan.client.pre_connect {
            Some(call) => call(&mut self.user, cx, established),
            None => Some(established.socket.into()),
        };
        let Some(stream) = stream else {
            if let Role::Client { server, .. } = self.hub.role {
                notify(cx, server, &DISCONNECTED, ());
            }
            return self.refuse(cx, Refused { peer, reason: Refusal::PreConnect });
        };
        let wheel = build(&plan, cx, stream);
        if let Role::Server(door) = &mut self.hub.role {
            door.admission.enter(&peer);
            door.adjust(cx);
        }
        let id = self.hub.add(wheel, peer, state);
        self.tell(cx, id, |plan| plan.client.connected.as_ref())?;
        self.settle_after(cx, id)
    }

    fn refuse(&mut self, cx: &mut Context<'_>, refused: Refused) -> Returned {
        if let Some(call) = &self.plan.server.refused {
            return call(&mut self.user, cx, refused);
        }
        log::info!("refused: {refused}");
        Ok(())
    }

    pub(super) fn got_input(&mut self, cx: &mut Context<'_>, input: Input<F::Item>) -> Returned {
        let Self { user, hub, plan } = self;
        if let Some(call) = &plan.client.input {
            let id = input.wheel;
            Lent::new(hub, cx).client(id, |client| call(user, client, input.item))?;
        }
        self.settle_after(cx, input.wheel)
    }

    /// The client has ended, or something failed.
    pub(super) fn got_error(&mut self, cx: &mut Context<'_>, failure: Failure) -> Returned {
        let id = failure.wheel;
        let Self { user, hub, plan } = self;
        let connection = hub.clients.get(&id).filter(|connection| !connection.has_ended());
        let Some(connection) = connection else { return Ok(()) };
        if plan.client.error.is_none() {
            log_failure(&connection.peer(), &failure);
        }
        // Seen to before it is told, lest a callback that fails leave it half open.
        if matches!(connection.phase(), Phase::Closing) || plan.limits.on_error == OnError::ShutDown
        {
            hub.end_later(id);
        }
        if let Some(call) = &plan.client.error {
            Lent::new(hub, cx).client(id, |client| call(user, client, failure))?;
        }
        self.settle_after(cx, id)
    }

    /// All was sent. If it is closing, that is its end.
    pub(super) fn got_flush(&mut self, cx: &mut Context<'_>, id: WheelId) -> Returned {
        let closing = self.hub.clients.get(&id).map(Connection::phase) == Some(Phase::Closing);
        if closing {
            self.hub.end_later(id);
        }
        self.tell(cx, id, |plan| plan.client.flushed.as_ref())?;
        self.settle_after(cx, id)
    }

    pub(super) fn got_high(&mut self, cx: &mut Context<'_>, id: WheelId) -> Returned {
        self.tell(cx, id, |plan| plan.client.high.as_ref().map(|(_, call)| call))?;
        self.settle_after(cx, id)
    }

    pub(super) fn got_low(&mut self, cx: &mut Context<'_>, id: WheelId) -> Returned {
        self.tell(cx, id, |plan| plan.client.low.as_ref().map(|(_, call)| call))?;
        self.settle_after(cx, id)
    }

    /// A connection was closed that is a session of its own, or one that the user accepted.
    pub(super) fn disconnected(&mut self, cx: &mut Context<'_>) {
        let (sender, accepts) = (cx.sender(), self.plan.server.acceptor.is_some());
        let Some(door) = self.door() else { return };
        if door.leave(cx, sender) {
            return;
        }
        if !accepts || !door.admission.leave_unknown() {
            log::warn!("server: {sender} says that a connection was closed, and there is none");
        }
        door.adjust(cx);
    }

    /// The session of a connection is gone, even if it could not say that it was disconnected.
    pub(super) fn got_child(&mut self, cx: &mut Context<'_>, child: Child) {
        if let (Fate::Lose, Some(door)) = (child.fate(), self.door()) {
            door.leave(cx, child.session());
        }
    }

    pub(super) fn set_concurrency(&mut self, cx: &mut Context<'_>, most: Option<usize>) {
        if let Some(door) = self.door() {
            door.admission.most = most;
            door.adjust(cx);
        }
    }

    pub(super) fn shutdown(&mut self, cx: &mut Context<'_>) -> Returned {
        if let Some(door) = self.door() {
            door.close(cx);
        } else if let Some(id) = self.hub.only() {
            self.hub.shutdown(cx, id);
            return self.settle(cx);
        }
        Ok(())
    }

    pub(super) fn drain(&mut self, cx: &mut Context<'_>, within: Duration) -> Returned {
        if let Role::Server(door) = &mut self.hub.role {
            door.close(cx);
            let event = cx.symbol_of(&names::TIME_IS_UP);
            door.deadline = Some(Deadline::set(cx, within, event));
            let sessions: Vec<_> = door.sessions.keys().copied().collect();
            for session in sessions {
                notify(cx, session, &DRAIN, within);
            }
        }
        if self.hub.draining {
            return Ok(());
        }
        self.hub.drain();
        let first = broke(|| self.tell_draining(cx));
        let next = self.tell_each(cx, |serving, cx, id| {
            serving.tell(cx, id, |plan| plan.client.draining.as_ref())
        });
        go_on(first.or(next))?;
        self.settle(cx)
    }

    /// The server, not a connection that is a session of its own.
    fn tell_draining(&mut self, cx: &mut Context<'_>) -> Returned {
        let Self { user, hub, plan } = self;
        match (&plan.server.draining, &hub.role) {
            (Some(call), Role::Server(_)) => {
                Lent::new(hub, cx).clients(|clients| call(user, clients))
            }
            (None, _) | (_, Role::Client { .. }) => Ok(()),
        }
    }

    /// The first is the beginning of the end, the second is the end: nobody calls that handled.
    pub(super) fn got_signal(&mut self, cx: &mut Context<'_>, signal: Signal) -> Returned {
        let Some(within) = self.plan.drain_on_signals.filter(|_| !self.hub.draining) else {
            log::info!("{signal}: good bye");
            return Ok(());
        };
        log::info!("{signal}: draining, within {within:?}");
        cx.sig_handled();
        self.drain(cx, within)
    }

    /// Those who are not done by now never will be.
    pub(super) fn time_is_up(&self, cx: &mut Context<'_>) {
        let left = self.door_ref().map_or(0, |door| door.admission.count());
        if left > 0 {
            log::warn!("server: the time to drain is up, with {left} connections left");
        } else {
            log::debug!(
                "server: the time to drain is up, and nobody is left but children, or who lingers"
            );
        }
        let me = cx.session();
        if let Err(error) = cx.signal(me, "KILL", ()) {
            log::error!("server: {error}");
        }
    }

    fn door(&mut self) -> Option<&mut Door> {
        match &mut self.hub.role {
            Role::Server(door) => Some(door),
            Role::Client { .. } => None,
        }
    }

    fn door_ref(&self) -> Option<&Door> {
        match &self.hub.role {
            Role::Server(door) => Some(door),
            Role::Client { .. } => None,
        }
    }
}

fn log_failure(peer: &Address, failure: &Failure) {
    if failure.is_end() || failure.errnum == RESET {
        log::debug!("{peer}: {failure}");
    } else {
        log::warn!("{peer}: {failure}");
    }
}

fn watch_signals(cx: &mut Context<'_>) -> Result<(), SignalError> {
    cx.sig("INT", &names::GOT_SIGNAL)?;
    cx.sig("TERM", &names::GOT_SIGNAL)
}

/// The wheel of a connection, as the user wants it.
fn build<S, F: Filter, C>(
    plan: &Plan<S, F, C>,
    cx: &mut Context<'_>,
    stream: Descriptor,
) -> ReadWrite<F> {
    let Limits { idle, frame, stall, lifetime, most_unsent, linger, on_error: _ } = plan.limits;
    let mut builder = ReadWrite::builder(stream)
        .filter((plan.new_filter)())
        .idle_timeout(idle)
        .frame_timeout(frame)
        .stall_timeout(stall)
        .lifetime(lifetime);
    if let Some(bytes) = most_unsent {
        builder = builder.most_unsent(bytes);
    }
    if let Some(linger) = linger {
        builder = builder.linger(linger);
    }
    if plan.client.flushed.is_some() {
        builder = builder.flushed_event(&names::GOT_FLUSH);
    }
    if let Some((mark, _)) = &plan.client.high {
        builder = builder.high_mark(*mark, &names::GOT_HIGH);
    }
    if let Some((mark, _)) = &plan.client.low {
        builder = builder.low_mark(*mark, &names::GOT_LOW);
    }
    builder.build(cx, names::GOT_INPUT, &names::GOT_ERROR)
}

/// `ECONNRESET`: as usual as an end, with some clients.
const RESET: i32 = 104;

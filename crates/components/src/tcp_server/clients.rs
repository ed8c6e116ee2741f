//! All connections of a server, for as long as a callback runs.

use std::fmt;
use std::time::Duration;

use reactor::{Context, Event, WheelId};
use wheels::filter::Filter;
use wheels::{Address, Put};

use super::client::Client;
use super::hub::{Connection, Hub, Role};
use crate::events::{DRAIN, SET_CONCURRENCY, SHUTDOWN, notify};

/// The connections of a server, lent to a callback, and the server itself.
///
/// Where each connection has a [session of its own](crate::TcpServer::session_per_client), the connections
/// are those of the running session: one in theirs, none in the server's.
pub struct Clients<'a, F: Filter, C = ()> {
    hub: &'a mut Hub<F, C>,
    cx: Context<'a>,
}

impl<'a, F: Filter, C> Clients<'a, F, C> {
    #[inline]
    pub(super) const fn new(hub: &'a mut Hub<F, C>, cx: Context<'a>) -> Self {
        Self { hub, cx }
    }

    /// How many there are, those that are shutting down included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.hub.clients.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.hub.clients.is_empty()
    }

    /// Their ids, in no order.
    #[must_use]
    pub fn ids(&self) -> Vec<WheelId> {
        self.hub.ids()
    }

    /// One of them. `None` if it is closed.
    #[must_use]
    pub fn get(&mut self, id: WheelId) -> Option<Client<'_, F, C>> {
        let there = self.hub.clients.contains_key(&id);
        there.then(|| Client::new(self.hub, id, self.cx.reborrow()))
    }

    /// Sends an item to one of them: see [`Client::put`]. Refused if it is closed, or shutting down.
    #[inline]
    pub fn put(&mut self, id: WheelId, item: impl Into<F::Out>) -> Put<F::Out> {
        match self.hub.wheel(id) {
            Some(wheel) => wheel.put(&mut self.cx, item),
            None => Put::Refused(item.into()),
        }
    }

    /// Sends an item to each of which `to` says so by its id and state. What one of them cannot take,
    /// because it is shutting down or has too much unsent, it does not get.
    pub fn put_each(&mut self, item: impl Into<F::Out>, mut to: impl FnMut(WheelId, &C) -> bool)
    where
        F::Out: Clone,
    {
        let item = item.into();
        for (id, connection) in self.hub.clients.iter() {
            if let Some(wheel) = connection.wheel().filter(|_| to(id, &connection.state)) {
                wheel.put(&mut self.cx, item.clone());
            }
        }
    }

    /// Calls `f` with each, in no order.
    pub fn each(&mut self, mut f: impl FnMut(&mut Client<'_, F, C>)) {
        for id in self.hub.ids() {
            if let Some(mut client) = self.get(id) {
                f(&mut client);
            }
        }
    }

    /// The state of each, with its id, in no order.
    pub fn states(&mut self) -> impl Iterator<Item = (WheelId, &mut C)> {
        let each = self.hub.clients.iter_mut();
        each.map(|(id, Connection { state, .. })| (id, state))
    }

    /// Listens no more and gives up the alias, as soon as the event that this posts is delivered (POE:
    /// `shutdown`): somebody may be accepted before. Connections live on, and the server ends when the last of
    /// them does.
    pub fn shutdown(&mut self) {
        self.tell(&SHUTDOWN, ());
    }

    /// Ends the server in order, within this time, beginning when the event that this posts is delivered.
    ///
    /// It listens no more. The session of the server is [told](crate::TcpServer::draining), and each connection
    /// [is](crate::TcpServer::client_draining). Those that are idle
    /// are shut down, the others as soon as they are: when all that has come was delivered, and none of
    /// their callbacks has called them [busy](Client::set_busy). The server ends with the last of them, when
    /// the clients have closed too or have been [lingered](crate::TcpServer::linger) for. When the time is
    /// up, what is left of it is stopped as by a signal KILL, connections, timers, children and all. Said
    /// again, the time begins anew.
    pub fn drain(&mut self, within: Duration) {
        self.tell(&DRAIN, within);
    }

    /// Whether the server drains.
    #[must_use]
    pub const fn is_draining(&self) -> bool {
        self.hub.draining
    }

    /// Sets how many connections there may be, as soon as the event that this posts is delivered: see
    /// [`concurrency`](crate::TcpServer::concurrency). Nobody is sent away for it.
    pub fn set_concurrency(&mut self, connections: impl Into<Option<usize>>) {
        self.tell(&SET_CONCURRENCY, connections.into());
    }

    /// Where the server listens. Empty in the session of a connection.
    #[must_use]
    pub fn local_addrs(&mut self) -> Vec<Address> {
        match &self.hub.role {
            Role::Server(door) => door.local_addrs(&mut self.cx),
            Role::Client { .. } => Vec::new(),
        }
    }

    /// The context, for all that has to do with the session.
    pub const fn cx(&mut self) -> &mut Context<'a> {
        &mut self.cx
    }

    /// Posts to the server.
    fn tell<T: 'static>(&mut self, event: &Event<T>, payload: T) {
        match self.hub.role {
            Role::Server(_) => self.cx.yield_(event, payload),
            Role::Client { server, .. } => notify(&mut self.cx, server, event, payload),
        }
    }
}

impl<F: Filter, C> fmt::Debug for Clients<'_, F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("len", &self.len()).finish_non_exhaustive()
    }
}

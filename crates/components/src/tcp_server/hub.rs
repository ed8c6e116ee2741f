//! The connections of one session: of a server, or the one of a session that is a connection.
//!
//! Owns each connection with its state. Never calls the user: what is to be told of a connection is
//! noted, and `session.rs` tells it when no callback is running.

use std::collections::VecDeque;
use std::net::{SocketAddr, SocketAddrV4};

use reactor::{Context, SessionId, Symbol, TimerId, WheelId, WheelMap};
use wheels::filter::Filter;
use wheels::{Address, Established, ReadWrite};

use super::door::Door;
use super::names;

pub(super) struct Hub<F: Filter, C> {
    pub(super) clients: WheelMap<Connection<F, C>>,
    /// Those that have ended, and while the server drains those that may be idle: to be looked at as soon
    /// as no callback is running.
    review: VecDeque<WheelId>,
    pub(super) draining: bool,
    pub(super) role: Role,
}

pub(super) enum Role {
    Server(Box<Door>),
    /// A connection that is a session of its own, and has just been made if there is a socket.
    Client {
        server: SessionId,
        arrival: Option<Box<Established>>,
    },
}

pub(super) struct Connection<F: Filter, C> {
    pub(super) state: C,
    /// Invariant: there while it is idle or busy. A wheel that is closing is the kernel's.
    wheel: Option<ReadWrite<F>>,
    peer: Peer,
    /// The timers of its events, one of each name. Those that rang may still be here.
    #[expect(clippy::box_collection, reason = "a word where few have timers")]
    timers: Option<Box<Vec<(Symbol, TimerId)>>>,
    phase: Phase,
}

/// ```text
/// idle <--set_busy--> busy
/// idle, busy --shutdown, all is sent--> ended --told--> (gone)
/// idle, busy --shutdown, unsent--> closing --flushed, failed--> ended
/// any --abort, stop--> ended
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Open, and as far as it says there is nothing to finish.
    Idle,
    /// Open, with work to finish that cannot be seen.
    Busy,
    /// What was put is being sent.
    Closing,
    /// To be told.
    Ended,
}

/// Who is at the other end. Of most servers it is an IPv4 client, and there are thousands of them.
enum Peer {
    V4(SocketAddrV4),
    Other(Box<Address>),
}

impl<F: Filter, C> Hub<F, C> {
    pub(super) fn new(role: Role) -> Self {
        Self { clients: WheelMap::default(), review: VecDeque::new(), draining: false, role }
    }

    pub(super) fn add(&mut self, wheel: ReadWrite<F>, peer: Address, state: C) -> WheelId {
        let id = wheel.id();
        let (peer, phase) = (Peer::new(peer), Phase::Idle);
        let connection = Connection { state, wheel: Some(wheel), peer, timers: None, phase };
        self.clients.insert(id, connection);
        id
    }

    /// The wheel of a connection, while it is open.
    #[inline]
    pub(super) fn wheel(&self, id: WheelId) -> Option<&ReadWrite<F>> {
        self.clients.get(&id).and_then(Connection::wheel)
    }

    /// The connection of a session that is one.
    pub(super) fn only(&self) -> Option<WheelId> {
        self.clients.iter().map(|(id, _)| id).next()
    }

    pub(super) fn ids(&self) -> Vec<WheelId> {
        self.clients.iter().map(|(id, _)| id).collect()
    }

    /// Sends what was put, and closes.
    pub(super) fn shutdown(&mut self, cx: &mut Context<'_>, id: WheelId) {
        let Some(connection) = self.clients.get_mut(&id) else { return };
        let Some(wheel) = connection.wheel.take() else { return };
        if wheel.unsent(cx) == 0 {
            connection.phase = Phase::Ended;
            self.review.push_back(id);
        } else {
            connection.phase = Phase::Closing;
            wheel.set_flushed_event(cx, Some(&names::GOT_FLUSH));
        }
        wheel.shutdown(cx);
    }

    /// Closes at once: nothing of it is sent any more, or all is.
    pub(super) fn end(&mut self, id: WheelId) {
        let Some(connection) = self.clients.get_mut(&id) else { return };
        if connection.phase != Phase::Ended {
            connection.wheel = None;
            connection.phase = Phase::Ended;
            self.review.push_back(id);
        }
    }

    /// A callback of this connection has returned, or it is not busy any more.
    #[inline]
    pub(super) fn look_at(&mut self, id: WheelId) {
        if self.draining {
            self.review.push_back(id);
        }
    }

    #[inline]
    pub(super) fn is_settled(&self) -> bool {
        self.review.is_empty()
    }

    /// The next connection that has ended. Idle ones are shut down on the way if the server drains.
    pub(super) fn next_ended(&mut self, cx: &mut Context<'_>) -> Option<WheelId> {
        loop {
            let id = self.review.pop_front()?;
            let Some(connection) = self.clients.get(&id) else { continue };
            match (connection.phase, &connection.wheel) {
                (Phase::Ended, _) => return Some(id),
                (Phase::Idle, Some(wheel)) if self.draining && !wheel.has_unread(cx) => {
                    self.shutdown(cx, id);
                }
                (Phase::Idle | Phase::Busy | Phase::Closing, _) => {}
            }
        }
    }

    /// Every connection is idle, or is to be looked at as long as it is not.
    pub(super) fn drain(&mut self) {
        self.draining = true;
        self.review.extend(self.clients.iter().map(|(id, _)| id));
    }

    /// It has ended, and that was told.
    pub(super) fn remove(&mut self, cx: &mut Context<'_>, id: WheelId) -> Option<Address> {
        let connection = self.clients.remove(&id)?;
        for (_, timer) in connection.timers.into_iter().flat_map(|timers| *timers) {
            if cx.alarm_remove(timer).is_err() {
                log::trace!("{timer} rang before");
            }
        }
        Some(connection.peer.address())
    }
}

impl<F: Filter, C> Connection<F, C> {
    /// While it is open.
    #[inline]
    pub(super) const fn wheel(&self) -> Option<&ReadWrite<F>> {
        self.wheel.as_ref()
    }

    pub(super) const fn parts(&mut self) -> (&mut C, Option<&ReadWrite<F>>) {
        (&mut self.state, self.wheel.as_ref())
    }

    pub(super) const fn phase(&self) -> Phase {
        self.phase
    }

    /// Says whether it has work to finish, if it is open.
    #[expect(clippy::fn_params_excessive_bools, reason = "it is busy or it is not")]
    pub(super) const fn set_busy(&mut self, busy: bool) {
        if self.wheel.is_some() {
            self.phase = if busy { Phase::Busy } else { Phase::Idle };
        }
    }

    pub(super) fn peer(&self) -> Address {
        self.peer.address()
    }

    /// Takes the timer of an event's name out.
    pub(super) fn take_timer(&mut self, name: Symbol) -> Option<TimerId> {
        let timers = self.timers.as_mut()?;
        let at = timers.iter().position(|(other, _)| *other == name)?;
        Some(timers.swap_remove(at).1)
    }

    pub(super) fn keep_timer(&mut self, name: Symbol, timer: TimerId) {
        self.timers.get_or_insert_default().push((name, timer));
    }
}

impl Peer {
    fn new(address: Address) -> Self {
        match address.as_ip() {
            Some(SocketAddr::V4(address)) => Self::V4(address),
            Some(SocketAddr::V6(_)) | None => Self::Other(Box::new(address)),
        }
    }

    fn address(&self) -> Address {
        match self {
            Self::V4(address) => Address::Ip((*address).into()),
            Self::Other(address) => Address::clone(address),
        }
    }
}

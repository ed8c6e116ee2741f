//! The connections of one session: of a server, or the one of a session that is a connection.
//!
//! Owns each connection with its state. Never calls the user: what is to be told of a connection is
//! noted, and `session.rs` tells it when no callback is running.

use std::collections::VecDeque;

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

/// ```text
/// open --shutdown, all is sent--> ended --told--> (gone)
/// open --shutdown, unsent--> closing --flushed, failed--> ended
/// open, closing --abort--> ended
/// ```
pub(super) enum Phase<F: Filter> {
    Open(ReadWrite<F>),
    /// The wheel is the kernel's until all is sent.
    Closing,
    /// To be told.
    Ended,
}

pub(super) struct Connection<F: Filter, C> {
    pub(super) state: C,
    pub(super) phase: Phase<F>,
    pub(super) peer: Address,
    /// Whether it has work to finish that cannot be seen.
    pub(super) busy: bool,
    /// The timers of its events, one of each name. Those that rang may still be here.
    timers: Vec<(Symbol, TimerId)>,
}

impl<F: Filter, C> Hub<F, C> {
    pub(super) fn new(role: Role) -> Self {
        Self { clients: WheelMap::default(), review: VecDeque::new(), draining: false, role }
    }

    pub(super) fn add(&mut self, wheel: ReadWrite<F>, peer: Address, state: C) -> WheelId {
        let id = wheel.id();
        let phase = Phase::Open(wheel);
        let connection = Connection { state, phase, peer, busy: false, timers: Vec::new() };
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
        let wheel = match std::mem::replace(&mut connection.phase, Phase::Closing) {
            Phase::Open(wheel) => wheel,
            other @ (Phase::Closing | Phase::Ended) => {
                connection.phase = other;
                return;
            }
        };
        if wheel.unsent(cx) == 0 {
            connection.phase = Phase::Ended;
            self.review.push_back(id);
        } else {
            wheel.set_flushed_event(cx, Some(&names::GOT_FLUSH));
        }
        wheel.shutdown(cx);
    }

    /// Closes at once.
    pub(super) fn abort(&mut self, id: WheelId) {
        let Some(connection) = self.clients.get_mut(&id) else { return };
        if !matches!(connection.phase, Phase::Ended) {
            connection.phase = Phase::Ended;
            self.review.push_back(id);
        }
    }

    /// A connection that was closing has nothing more to send.
    pub(super) fn settled(&mut self, id: WheelId) {
        if let Some(connection) = self.clients.get_mut(&id)
            && matches!(connection.phase, Phase::Closing)
        {
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
            match &connection.phase {
                Phase::Ended => return Some(id),
                Phase::Open(wheel)
                    if self.draining && !connection.busy && !wheel.has_unread(cx) =>
                {
                    self.shutdown(cx, id);
                }
                Phase::Open(_) | Phase::Closing => {}
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
        for (_, timer) in connection.timers {
            // It may have rung.
            drop(cx.alarm_remove(timer));
        }
        Some(connection.peer)
    }
}

impl<F: Filter, C> Connection<F, C> {
    #[inline]
    pub(super) const fn wheel(&self) -> Option<&ReadWrite<F>> {
        self.phase.wheel()
    }

    /// Takes the timer of an event's name out.
    pub(super) fn take_timer(&mut self, name: Symbol) -> Option<TimerId> {
        let at = self.timers.iter().position(|(other, _)| *other == name)?;
        Some(self.timers.swap_remove(at).1)
    }

    pub(super) fn keep_timer(&mut self, name: Symbol, timer: TimerId) {
        self.timers.push((name, timer));
    }
}

impl<F: Filter> Phase<F> {
    #[inline]
    pub(super) const fn wheel(&self) -> Option<&ReadWrite<F>> {
        match self {
            Self::Open(wheel) => Some(wheel),
            Self::Closing | Self::Ended => None,
        }
    }
}

//! The connections of one session: of a server, or the one of a session that is a connection.
//!
//! Owns each connection with its state. Never calls the user: what is to be told of a connection is
//! noted, and `session.rs` tells it when no callback is running.

use std::collections::{BTreeSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

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
    /// Those that failed, or have sent all, and end when the callback that is told so has returned.
    ending: Vec<WheelId>,
    /// Of which it is not known yet whether they are idle.
    unsure: BTreeSet<WheelId>,
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
    rest: Option<Box<Rest>>,
    /// Who is at the other end, unless the rest says it.
    ipv4: SocketAddrV4,
    phase: Phase,
}

/// What few connections of most servers have, and there are thousands of them.
#[derive(Default)]
struct Rest {
    /// Of who is no IPv4 client.
    peer: Option<Address>,
    /// The timers of its events, one of each name. Those that rang may still be here.
    timers: Vec<(Symbol, TimerId)>,
}

/// ```text
/// idle <--set_busy--> busy
/// idle, busy --shutdown, all is sent and told so--> ended --told--> (gone)
/// idle, busy --shutdown, else--> closing --flushed, failed--> ended
/// any --abort, stop--> ended
/// ```
///
/// A callback that panics leaves its connection told and not gone: that is seen to later.
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
    /// That is being told, or was and the callback panicked.
    Told,
}

impl<F: Filter, C> Hub<F, C> {
    pub(super) fn new(role: Role) -> Self {
        Self {
            clients: WheelMap::default(),
            review: VecDeque::new(),
            ending: Vec::new(),
            unsure: BTreeSet::new(),
            draining: false,
            role,
        }
    }

    pub(super) fn add(&mut self, wheel: ReadWrite<F>, peer: Address, state: C) -> WheelId {
        let id = wheel.id();
        self.clients.insert(id, Connection::new(state, wheel, peer));
        id
    }

    /// The wheel of a connection, while it is open.
    #[inline]
    pub(super) fn wheel(&self, id: WheelId) -> Option<&ReadWrite<F>> {
        self.clients.get(&id).and_then(Connection::wheel)
    }

    /// Whether it is there, and has not ended.
    pub(super) fn is_there(&self, id: WheelId) -> bool {
        self.clients.get(&id).is_some_and(|connection| !connection.has_ended())
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
        if wheel.unsent(cx) == 0 && !wheel.is_flushing(cx) && !wheel.is_failing(cx) {
            connection.phase = Phase::Ended;
            self.review.push_back(id);
        } else {
            connection.phase = Phase::Closing;
            wheel.set_flushed_event(cx, Some(&names::GOT_FLUSH));
        }
        wheel.shutdown(cx);
    }

    /// Breaks it. One that is closing is only waited for no more.
    pub(super) fn abort(&mut self, cx: &mut Context<'_>, id: WheelId) {
        let Some(connection) = self.clients.get_mut(&id) else { return };
        if !connection.has_ended() {
            if let Some(wheel) = connection.wheel.take() {
                wheel.abort(cx);
            }
            connection.phase = Phase::Ended;
            self.review.push_back(id);
        }
    }

    /// It ends, once the callback has returned that is to be told of it before.
    pub(super) fn end_later(&mut self, id: WheelId) {
        self.ending.push(id);
        self.review.push_back(id);
    }

    /// A connection that was closing has nothing more to send.
    pub(super) fn settled(&mut self, id: WheelId) {
        if let Some(connection) = self.clients.get_mut(&id)
            && connection.phase == Phase::Closing
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

    /// The next connection that has ended, which is under review until it is removed. Those that failed
    /// are shut down on the way, and idle ones if the server drains.
    pub(super) fn next_ended(&mut self, cx: &mut Context<'_>) -> Option<WheelId> {
        loop {
            let id = *self.review.front()?;
            if self.has_ended(cx, id) {
                return Some(id);
            }
            self.review.pop_front();
        }
    }

    fn has_ended(&mut self, cx: &mut Context<'_>, id: WheelId) -> bool {
        let ends = self.ending.iter().position(|ending| *ending == id);
        let ends = ends.map(|place| self.ending.swap_remove(place)).is_some();
        let Some(connection) = self.clients.get(&id) else { return false };
        match (connection.phase, &connection.wheel) {
            (Phase::Ended | Phase::Told, _) => return true,
            (Phase::Closing, _) if ends => self.settled(id),
            (Phase::Idle | Phase::Busy, _) if ends => self.shutdown(cx, id),
            (Phase::Idle, Some(wheel)) if self.draining && !wheel.has_unread(cx) => {
                if wheel.is_reading(cx) {
                    self.look_again(cx, id);
                } else {
                    self.shutdown(cx, id);
                }
            }
            (Phase::Idle | Phase::Busy | Phase::Closing, _) => {}
        }
        false
    }

    /// Whether it is idle will be known in the next turn.
    fn look_again(&mut self, cx: &mut Context<'_>, id: WheelId) {
        if self.unsure.is_empty() {
            cx.yield_(&names::LOOK_AGAIN, ());
        }
        self.unsure.insert(id);
    }

    /// The next turn is there.
    pub(super) fn review_unsure(&mut self) {
        self.review.extend(std::mem::take(&mut self.unsure));
    }

    /// It has ended: says whether that is to be told, which it is once.
    pub(super) fn begin_to_tell(&mut self, id: WheelId) -> bool {
        let Some(connection) = self.clients.get_mut(&id) else { return false };
        connection.wheel = None;
        std::mem::replace(&mut connection.phase, Phase::Told) != Phase::Told
    }

    /// Every connection is idle, or is to be looked at as long as it is not.
    pub(super) fn drain(&mut self) {
        self.draining = true;
        self.review.extend(self.clients.iter().map(|(id, _)| id));
    }

    /// It has ended, and that was told.
    pub(super) fn remove(&mut self, cx: &mut Context<'_>, id: WheelId) -> Option<Address> {
        let connection = self.clients.remove(&id)?;
        let peer = connection.peer();
        for (_, timer) in connection.rest.into_iter().flat_map(|rest| rest.timers) {
            if cx.alarm_remove(timer).is_err() {
                log::trace!("{timer} rang before");
            }
        }
        Some(peer)
    }
}

impl<F: Filter, C> Connection<F, C> {
    fn new(state: C, wheel: ReadWrite<F>, peer: Address) -> Self {
        let (ipv4, rest) = match peer.as_ip() {
            Some(SocketAddr::V4(ipv4)) => (ipv4, None),
            Some(SocketAddr::V6(_)) | None => {
                let rest = Rest { peer: Some(peer), timers: Vec::new() };
                (SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0), Some(Box::new(rest)))
            }
        };
        Self { state, wheel: Some(wheel), rest, ipv4, phase: Phase::Idle }
    }

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
        let peer = self.rest.as_ref().and_then(|rest| rest.peer.clone());
        peer.unwrap_or_else(|| Address::Ip(self.ipv4.into()))
    }

    pub(super) const fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended | Phase::Told)
    }

    /// Takes the timer of an event's name out.
    pub(super) fn take_timer(&mut self, name: Symbol) -> Option<TimerId> {
        let timers = &mut self.rest.as_mut()?.timers;
        let at = timers.iter().position(|(other, _)| *other == name)?;
        Some(timers.swap_remove(at).1)
    }

    pub(super) fn keep_timer(&mut self, name: Symbol, timer: TimerId) {
        self.rest.get_or_insert_default().timers.push((name, timer));
    }
}

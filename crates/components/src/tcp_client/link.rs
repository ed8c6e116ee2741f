//! The connection of a client: which state it is in, and the steps from one to the next.
//!
//! Owns the wheels and what is kept for the next connection. Promises one `Left` for each connection that
//! was told, and that nothing is begun while another is on its way. Never calls a callback: `session.rs`
//! does, with what [`step`](Link::step) says.

use std::fmt;
use std::time::Duration;

use reactor::{Context, WheelId};
use wheels::filter::Filter;
use wheels::{Address, Descriptor, Endpoint, ReadWrite, SocketFactory, SocketFactoryBuilder};

use super::events;
use super::kept::Kept;
use super::reconnect::{Again, Backoff};
use super::settings::Settings;

pub(super) struct Link<F: Filter> {
    pub(super) settings: Settings<F>,
    /// Where to connect to, if that is known yet.
    pub(super) factory: Option<SocketFactoryBuilder>,
    pub(super) alias: Option<String>,
    pub(super) kept: Kept<F::Out>,
    pub(super) backoff: Backoff,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) stage: Stage<F>,
    /// How the connection is to be closed, as soon as nobody is called.
    pub(super) close: Option<Way>,
    /// What is to be done when there is no connection any more.
    pub(super) next: Option<Next>,
    /// What was told of a connection last, if something is due for it.
    pub(super) told: Option<Told>,
}

/// A connection has failed, or has sent all: it is closed, or over, when that was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    of: WheelId,
    closes: Option<Way>,
}

/// ```text
/// Idle --connect-----------> Connecting --made------> Connected --closed, nothing unsent--> Idle
/// Idle --wait--> Waiting     Connecting --failed,             --closed--> Closing
/// Waiting --due, closed----> Idle        closed--> Idle       Closing --sent, failed------> Idle
/// Idle --nothing to do-----> Ended --connect--> Connecting
/// ```
pub(super) enum Stage<F: Filter> {
    /// For a moment, or until it is known where to connect to.
    Idle,
    /// It does not connect unless it is told to.
    Ended,
    /// The timer is set.
    Waiting,
    Connecting(SocketFactory),
    Connected(Peer<F>),
    /// What was put is being sent.
    Closing(WheelId),
}

pub(super) struct Peer<F: Filter> {
    pub(super) wheel: ReadWrite<F>,
    address: Address,
    /// `connected` is running: what is put is for this connection alone.
    pub(super) is_greeted: bool,
}

/// How a connection is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    InOrder,
    AtOnce,
}

/// What comes after a connection, or after the failure to make one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// What the client was set to do.
    AsSet,
    Connect,
    ConnectAfter(Duration),
    End,
}

/// What somebody is to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Nothing.
    Rest,
    /// That the connection is over.
    Left,
    /// That it was tried often enough.
    GaveUp,
}

impl<F: Filter> Link<F> {
    pub(super) const fn new(settings: Settings<F>) -> Self {
        Self {
            settings,
            factory: None,
            alias: None,
            kept: Kept::nothing(),
            backoff: Backoff::new(None),
            connect_timeout: None,
            stage: Stage::Idle,
            close: None,
            next: None,
            told: None,
        }
    }

    /// Notes what is to be done when the running callback has returned.
    pub(super) const fn wish(&mut self, close: Option<Way>, next: Next) {
        // To be abrupt is said for good: what comes next may still be changed.
        if !matches!((self.close, close), (Some(Way::AtOnce), _) | (_, None)) {
            self.close = close;
        }
        self.next = Some(next);
    }

    /// Notes that the connection is to be closed, whatever comes next.
    pub(super) fn close(&mut self, way: Way) {
        self.close.get_or_insert(way);
    }

    /// Notes what follows when it has been told that a connection failed or sent all.
    pub(super) fn tells(&mut self, of: WheelId, closes: Option<Way>) {
        // A callback that failed may have left something to do.
        let before = self.told.take().filter(|told| told.of == of).and_then(|told| told.closes);
        self.told = Some(Told { of, closes: closes.or(before) });
    }

    /// It was told: whether a connection that was being closed is over with this.
    pub(super) fn has_told(&mut self) -> bool {
        let Some(Told { of, closes }) = self.told.take() else { return false };
        if let Some(way) = closes {
            self.close(way);
        }
        self.is_left_by(of)
    }

    pub(super) fn set_remote(&mut self, endpoint: Endpoint) {
        self.factory = Some(self.factory.take().unwrap_or_default().remote(endpoint));
        self.backoff.reset();
    }

    /// Does the next thing that is to be done, until somebody is to be told or there is nothing.
    pub(super) fn step(&mut self, cx: &mut Context<'_>) -> Step {
        if let Some(way) = self.close.take()
            && self.leave(way, cx)
        {
            return Step::Left;
        }
        if !matches!(self.stage, Stage::Idle | Stage::Ended) {
            return Step::Rest;
        }
        match self.next.take() {
            None => {}
            Some(Next::Connect) => self.connect(cx),
            Some(Next::ConnectAfter(time)) => self.wait(time, cx),
            Some(Next::End) => self.end(cx),
            Some(Next::AsSet) => match self.backoff.again() {
                Again::Never => self.end(cx),
                Again::After(time) => self.wait(time, cx),
                Again::GiveUp => {
                    self.next = Some(Next::End);
                    return Step::GaveUp;
                }
            },
        }
        Step::Rest
    }

    /// Whether a connection is over with this.
    fn leave(&mut self, way: Way, cx: &mut Context<'_>) -> bool {
        if way == Way::InOrder {
            self.put_last(cx);
        }
        match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Ended => {
                self.stage = Stage::Ended;
                false
            }
            Stage::Idle | Stage::Connecting(_) => false,
            Stage::Waiting => {
                cx.alarm_clear(events::RETRY);
                false
            }
            Stage::Connected(peer) => {
                self.backoff.disconnected(cx.now());
                // That all is sent may be still to be told.
                let is_unsent = way == Way::InOrder
                    && (peer.wheel.unsent(cx) > 0 || peer.wheel.is_flushing(cx));
                if is_unsent {
                    peer.wheel.set_flushed_event(cx, Some(events::FLUSHED));
                    self.stage = Stage::Closing(peer.wheel.id());
                }
                match way {
                    Way::InOrder => peer.wheel.shutdown(cx),
                    Way::AtOnce => peer.wheel.abort(cx),
                }
                !is_unsent
            }
            Stage::Closing(id) => {
                if way == Way::InOrder {
                    self.stage = Stage::Closing(id);
                }
                way == Way::AtOnce
            }
        }
    }

    fn connect(&mut self, cx: &mut Context<'_>) {
        let Some(mut factory) = self.factory.clone() else {
            log::warn!(target: LOG, "{}: there is no place to connect to", cx.session());
            return self.end(cx);
        };
        if !factory.connects() {
            // It would listen. A port without an address is a failure to connect.
            factory = factory.remote_port(0);
        }
        if let Some(time) = self.connect_timeout {
            factory = factory.connect_timeout(time).resolve_timeout(time);
        }
        self.come_back(cx);
        let factory = factory.build(cx, events::ESTABLISHED, events::NOT_CONNECTED);
        self.stage = Stage::Connecting(factory);
    }

    fn wait(&mut self, time: Duration, cx: &mut Context<'_>) {
        log::info!(target: LOG, "{}: connects again in {time:.1?}", cx.session());
        self.come_back(cx);
        cx.delay(events::RETRY, time, ());
        self.stage = Stage::Waiting;
    }

    /// If it had ended, it is to be found again.
    fn come_back(&self, cx: &mut Context<'_>) {
        if matches!(self.stage, Stage::Ended) {
            self.take_alias(cx);
        }
    }

    pub(super) fn take_alias(&self, cx: &mut Context<'_>) {
        if let Some(alias) = &self.alias
            && let Err(error) = cx.alias_set(alias)
        {
            log::warn!(target: LOG, "{}: alias {alias}: {error}", cx.session());
        }
    }

    fn end(&mut self, cx: &mut Context<'_>) {
        self.stage = Stage::Ended;
        if let Some(alias) = &self.alias
            && cx.alias_resolve(alias) == Some(cx.session())
        {
            let removed = cx.alias_remove(alias);
            debug_assert!(removed.is_ok(), "it is ours");
        }
    }

    /// The factory is through. Whether it is the one that is waited for.
    pub(super) fn is_made_by(&mut self, factory: WheelId) -> bool {
        let is_awaited = matches!(&self.stage, Stage::Connecting(own) if own.id() == factory);
        if is_awaited {
            self.stage = Stage::Idle;
        }
        is_awaited
    }

    pub(super) fn connected(&mut self, to: Descriptor, address: Address, cx: &mut Context<'_>) {
        let wheel = self.settings.wheel(to).build(cx, events::INPUT, events::FAILED);
        self.backoff.connected(cx.now());
        self.kept.begin_anew();
        self.stage = Stage::Connected(Peer { wheel, address, is_greeted: true });
    }

    /// A connection that was being closed is through with it.
    fn is_left_by(&mut self, wheel: WheelId) -> bool {
        let is_left = matches!(&self.stage, Stage::Closing(id) if *id == wheel);
        if is_left {
            self.stage = Stage::Idle;
        }
        is_left
    }

    /// The connection broke, or was not made.
    pub(super) const fn broke(&mut self) {
        // Of one that is being closed it is known what comes next.
        if !matches!(self.stage, Stage::Closing(_)) {
            self.next = Some(Next::AsSet);
        }
    }

    /// It has waited long enough.
    pub(super) fn retry(&mut self) {
        if matches!(self.stage, Stage::Waiting) {
            self.stage = Stage::Idle;
            self.next = Some(Next::Connect);
        }
    }

    /// Whether this is the connection that there is.
    pub(super) fn is_of(&self, wheel: WheelId) -> bool {
        match &self.stage {
            Stage::Connected(peer) => peer.wheel.id() == wheel,
            Stage::Closing(id) => *id == wheel,
            Stage::Idle | Stage::Ended | Stage::Waiting | Stage::Connecting(_) => false,
        }
    }

    pub(super) const fn is_connected(&self) -> bool {
        matches!(self.stage, Stage::Connected(_)) && self.close.is_none()
    }

    pub(super) const fn wheel(&self) -> Option<&ReadWrite<F>> {
        match &self.stage {
            Stage::Connected(peer) => Some(&peer.wheel),
            Stage::Idle
            | Stage::Ended
            | Stage::Waiting
            | Stage::Connecting(_)
            | Stage::Closing(_) => None,
        }
    }

    pub(super) const fn peer(&self) -> Option<&Address> {
        match &self.stage {
            Stage::Connected(peer) => Some(&peer.address),
            Stage::Idle
            | Stage::Ended
            | Stage::Waiting
            | Stage::Connecting(_)
            | Stage::Closing(_) => None,
        }
    }
}

impl<F: Filter> fmt::Debug for Link<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Idle => "idle",
            Stage::Waiting => "waiting",
            Stage::Connecting(_) => "connecting",
            Stage::Connected(_) => "connected",
            Stage::Closing(_) => "closing",
            Stage::Ended => "ended",
        };
        f.debug_struct("Link")
            .field("stage", &stage)
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}

pub(super) const LOG: &str = "components::tcp_client";

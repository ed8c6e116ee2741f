//! The events that components take from others, under POE's names.
//!
//! Posted to a component's session, by its id or its alias.

use std::time::Duration;

use reactor::{Context, Event, SessionId};
use wheels::Endpoint;

/// Ends a component (POE: `shutdown`). A server listens no more and gives up its alias; its connections
/// live on. A client sends what was put, disconnects, and does not connect again.
pub const SHUTDOWN: Event<()> = Event::new("shutdown");

/// To a server: ends it within this time, see [`Clients::drain`](crate::Clients::drain).
pub const DRAIN: Event<Duration> = Event::new("drain");

/// To a server: how many connections there may be from now on (POE: `set_concurrency`). `None`: any number.
pub const SET_CONCURRENCY: Event<Option<usize>> = Event::new("set_concurrency");

/// To a server with an acceptor: one of its connections is closed (POE: `disconnected`).
pub const DISCONNECTED: Event<()> = Event::new("disconnected");

/// To a client: connect to this from now on (POE: `connect` with an address and a port).
pub const CONNECT: Event<Endpoint> = Event::new("connect");

/// To a client: connect again (POE: `reconnect`).
pub const RECONNECT: Event<()> = Event::new("reconnect");

/// Posts to a session of this crate's that may have ended by now, which is as well.
pub(crate) fn notify<T: 'static>(
    cx: &mut Context<'_>,
    session: SessionId,
    event: &Event<T>,
    payload: T,
) {
    if let Err(error) = cx.post(session, event, payload) {
        log::debug!(target: "components::tcp_server", "{}: {error}", event.name());
    }
}

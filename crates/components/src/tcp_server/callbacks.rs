//! What the user of a server wants to be called, and how each connection is to be.
//!
//! Owns the callbacks and the choices; the sessions of a server share them and never change them.

use std::fmt;
use std::time::Duration;

use reactor::{Context, States};
use wheels::filter::Filter;
use wheels::{Address, Descriptor, Established, Failure, Listening};

use super::client::Client;
use super::clients::Clients;
use super::session::Serving;
use crate::outcome::Returned;

/// Somebody connected, and was sent away (POE tells nobody).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Who.
    pub peer: Address,
    /// Why.
    pub reason: Refusal,
}

/// Why somebody was sent away.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// There are as many connections of this address as there may be.
    PerAddress,
    /// [`client_pre_connect`](crate::TcpServer::client_pre_connect) gave nothing back.
    PreConnect,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.reason {
            Refusal::PerAddress => "too many connections of this address",
            Refusal::PreConnect => "not wanted",
        };
        write!(f, "{}: {why}", self.peer)
    }
}

/// In the session of the server.
pub(super) struct ServerCalls<S, F: Filter, C> {
    pub(super) acceptor: Option<OnServer<S, Established>>,
    pub(super) started: Option<OnSession<S>>,
    pub(super) listening: Option<OnServer<S, Listening>>,
    pub(super) error: Option<OnServer<S, Failure>>,
    pub(super) stopped: Option<OnSession<S>>,
    pub(super) refused: Option<OnServer<S, Refused>>,
    pub(super) draining: Option<OnClients<S, F, C>>,
}

/// In the session that has the connection.
pub(super) struct ClientCalls<S, F: Filter, C> {
    pub(super) pre_connect: Option<OnPreConnect<S>>,
    pub(super) connected: Option<OnClient<S, F, C>>,
    pub(super) input: Option<OnInput<S, F, C>>,
    pub(super) flushed: Option<OnClient<S, F, C>>,
    pub(super) high: Option<(usize, OnClient<S, F, C>)>,
    pub(super) low: Option<(usize, OnClient<S, F, C>)>,
    pub(super) error: Option<OnFailure<S, F, C>>,
    pub(super) disconnected: Option<OnClient<S, F, C>>,
    pub(super) draining: Option<OnClient<S, F, C>>,
}

type OnSession<S> = Box<dyn Fn(&mut S, &mut Context<'_>) -> Returned>;
type OnServer<S, T> = Box<dyn Fn(&mut S, &mut Context<'_>, T) -> Returned>;
type OnClients<S, F, C> = Box<dyn Fn(&mut S, &mut Clients<'_, F, C>) -> Returned>;
type OnPreConnect<S> = Box<dyn Fn(&mut S, &mut Context<'_>, Established) -> Option<Descriptor>>;
pub(super) type OnClient<S, F, C> = Box<dyn Fn(&mut S, &mut Client<'_, F, C>) -> Returned>;
type OnInput<S, F, C> = Box<dyn Fn(&mut S, &mut Client<'_, F, C>, <F as Filter>::Item) -> Returned>;
type OnFailure<S, F, C> = Box<dyn Fn(&mut S, &mut Client<'_, F, C>, Failure) -> Returned>;

/// How each connection is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) idle: Option<Duration>,
    pub(super) frame: Option<Duration>,
    pub(super) stall: Option<Duration>,
    pub(super) lifetime: Option<Duration>,
    pub(super) most_unsent: Option<usize>,
    pub(super) linger: Option<Duration>,
    pub(super) on_error: OnError,
}

/// What becomes of a connection when it has failed or its client has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum OnError {
    ShutDown,
    /// The user sees to it.
    Stay,
}

/// All that the sessions of one server have in common.
pub(super) struct Plan<S, F: Filter, C> {
    pub(super) server: ServerCalls<S, F, C>,
    pub(super) client: ClientCalls<S, F, C>,
    pub(super) new_filter: Box<dyn Fn() -> F>,
    pub(super) new_client: NewClient<S, C>,
    pub(super) limits: Limits,
    pub(super) drain_on_signals: Option<Duration>,
    /// If each connection is a session.
    pub(super) each: Option<Each<S, F, C>>,
}

pub(super) type NewClient<S, C> = Box<dyn Fn(&mut S, &Established) -> C>;

/// What a session of its own is made of.
pub(super) struct Each<S, F: Filter, C> {
    pub(super) share: fn(&S) -> S,
    pub(super) states: States<Serving<S, F, C>>,
}

impl<S, F: Filter, C> Default for ServerCalls<S, F, C> {
    fn default() -> Self {
        Self {
            acceptor: None,
            started: None,
            listening: None,
            error: None,
            stopped: None,
            refused: None,
            draining: None,
        }
    }
}

impl<S, F: Filter, C> Default for ClientCalls<S, F, C> {
    fn default() -> Self {
        Self {
            pre_connect: None,
            connected: None,
            input: None,
            flushed: None,
            high: None,
            low: None,
            error: None,
            disconnected: None,
            draining: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Some(IDLE),
            frame: Some(FRAME),
            stall: Some(STALL),
            lifetime: Some(LIFETIME),
            most_unsent: None,
            linger: None,
            on_error: OnError::ShutDown,
        }
    }
}

/// As redis does for its clients.
const IDLE: Duration = Duration::from_secs(5 * 60);

/// A line or a request that takes longer is no use to anybody.
const FRAME: Duration = Duration::from_secs(30);

/// As nginx waits between two writes.
const STALL: Duration = Duration::from_secs(60);

/// Long for a person, short for a leak.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

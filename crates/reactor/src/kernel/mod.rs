//! The kernel: one loop and everything it owns.
//!
//! A field per table, the constructor and the verbs that need no session. The turn is in `turn.rs`, the
//! delivery of one event in `dispatch.rs`, the end of sessions in `reap.rs`, wheels in `wheels.rs`,
//! signals in `signals.rs`, and `run` in `run.rs`. Nobody outside this folder sees two tables at once.

mod check;
mod dispatch;
mod failure;
mod reap;
mod run;
mod signals;
mod threads;
mod timers;
mod turn;
mod wheels;

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Instant;

use crate::arena::Arena;
use crate::clock::Clock;
use crate::config::{Config, OnException, WORKERS};
use crate::desk::{Desk, WheelSlot};
use crate::error::{CallError, NoSuchSession};
use crate::event::{Event, EventName};
use crate::handle::Dropped;
use crate::ids::SessionId;
use crate::name::{Names, Symbol};
use crate::payload::Payload;
use crate::queue::What;
use crate::session::{Hold, Kinds, Sessions, States};
use crate::signal::Signals;
use crate::stats::Stats;
pub(crate) use failure::panic_message;

/// The loop, and everything it owns (POE: `$poe_kernel`).
///
/// Make one, [`spawn`](Self::spawn) the first session, and [`run`](Self::run): it returns when no
/// session is left. Each thread may have its own.
///
/// ```
/// use reactor::{Context, Kernel, States};
///
/// # fn main() -> std::io::Result<()> {
/// let states = States::new()
///     .on_start(|_: &mut u32, cx: &mut Context<'_>, ()| cx.yield_("count", 3_u32))
///     .on("count", |counted: &mut u32, cx: &mut Context<'_>, left: u32| {
///         *counted += 1;
///         if left > 1 {
///             cx.yield_("count", left - 1);
///         }
///     })
///     .on_stop(|counted: &mut u32, _: &mut Context<'_>, ()| assert_eq!(*counted, 3));
///
/// let mut kernel = Kernel::new()?;
/// kernel.spawn(&states, 0);
/// kernel.run()
/// # }
/// ```
pub struct Kernel {
    sessions: Sessions,
    wheels: Arena<WheelSlot>,
    desk: Desk,
    names: Names,
    kinds: Kinds,
    signals: Signals,
    dropped: Rc<Dropped>,
    stats: Stats,
    on_exception: OnException,
    /// How many handlers are running, one inside another's call.
    depth: u32,
    /// Every session is to be stopped as soon as no handler runs.
    stopping: bool,
    /// What a handler failed with: `run` ends with it.
    failure: Option<Exception>,
    pace: turn::Pace,
}

/// Who is told what by whom.
#[derive(Clone, Copy, Debug)]
struct Letter {
    to: SessionId,
    from: SessionId,
    symbol: Symbol,
    /// What held the receiver until now, to be crossed out when it was told.
    hold: Option<Hold>,
}

impl Letter {
    const fn new(to: SessionId, from: SessionId, symbol: Symbol) -> Self {
        Self { to, from, symbol, hold: None }
    }
}

/// How a handler failed.
pub(crate) enum Exception {
    Error(Box<dyn Error>),
    Panic(Box<dyn Any + Send>),
}

impl Kernel {
    /// A kernel on the system's clock that stops when a handler fails.
    ///
    /// # Errors
    ///
    /// What `epoll_create1(2)` says: too many open descriptors, or no memory.
    pub fn new() -> io::Result<Self> {
        Self::builder().build()
    }

    /// A kernel with other choices.
    #[must_use]
    pub fn builder() -> KernelBuilder {
        KernelBuilder {
            config: Config {
                clock: Clock::system(),
                on_exception: OnException::default(),
                workers: WORKERS,
            },
        }
    }

    /// Starts a session (POE: `POE::Session->create`): stores its state, delivers `_start`, and returns
    /// its id. The session lives as long as something can reach it.
    pub fn spawn<S: 'static>(&mut self, states: &States<S>, state: S) -> SessionId {
        self.look_at_clock();
        self.spawn_from(SessionId::KERNEL, states, state)
    }

    /// Posts an event: it is delivered after what waits already, not before the next turn.
    ///
    /// # Errors
    ///
    /// The session is gone. The payload comes back.
    pub fn post<T: 'static>(
        &mut self,
        to: SessionId,
        event: impl EventName<T>,
        payload: T,
    ) -> Result<(), NoSuchSession<T>> {
        self.look_at_clock();
        self.post_from(SessionId::KERNEL, to, event, payload)
    }

    /// Delivers an event at once and returns the handler's reply.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn call<T: 'static, R: 'static>(
        &mut self,
        to: SessionId,
        event: impl Into<Event<T, R>>,
        payload: T,
    ) -> Result<R, CallError> {
        self.look_at_clock();
        self.call_from(SessionId::KERNEL, to, event, payload)
    }

    /// Stops every session, the youngest first, each with its `_stop` (POE: `$poe_kernel->stop`).
    ///
    /// From inside a handler it takes effect as soon as no handler is running.
    pub fn stop(&mut self) {
        self.stopping = true;
        self.stop_if_asked();
    }

    /// What the kernel did so far.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// The time of the last turn.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.desk.clock.instant(self.desk.now)
    }

    /// How many sessions are alive.
    #[must_use]
    pub const fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// How many wheels there are.
    #[must_use]
    pub const fn wheel_count(&self) -> usize {
        self.wheels.len()
    }

    /// Why a session is alive, in words: `2 wheels, 1 timer`. `None` if it is not.
    #[must_use]
    pub fn why_alive(&self, session: SessionId) -> Option<String> {
        self.sessions.get(session).map(|slot| slot.ledger.to_string())
    }

    /// Called from outside the loop: the last turn may have been long ago.
    fn look_at_clock(&mut self) {
        self.desk.now = self.desk.clock.moment();
    }

    pub(crate) fn name_of(&self, symbol: Symbol) -> &str {
        self.names.text(symbol)
    }

    #[inline]
    pub(crate) fn symbol(&mut self, name: Cow<'static, str>) -> Symbol {
        self.names.intern(name)
    }

    pub(crate) fn spawn_from<S: 'static>(
        &mut self,
        parent: SessionId,
        states: &States<S>,
        state: S,
    ) -> SessionId {
        let (kind, body) = self.kinds.enter(&states.table, state, &mut self.names);
        let birth = self.desk.stamp(self.desk.now).sequence;
        let id = self.sessions.insert(Box::new(body), parent, kind, birth);
        log::debug!(target: "reactor::sessions", "session {id} ({}) starts", std::any::type_name::<S>());
        self.deliver_to(Letter::new(id, parent, Symbol::START), &mut Some(()));
        // As in POE, the session is held until its maker had the chance to give it work.
        self.sessions.add(id, Hold::Queued);
        self.desk.post(id, SessionId::KERNEL, What::Born);
        id
    }

    #[inline]
    pub(crate) fn post_from<T: 'static>(
        &mut self,
        from: SessionId,
        to: SessionId,
        event: impl EventName<T>,
        payload: T,
    ) -> Result<(), NoSuchSession<T>> {
        let Some(slot) = self.sessions.get_mut(to) else {
            return Err(NoSuchSession(payload));
        };
        slot.ledger.add(Hold::Queued);
        if from != to {
            self.sessions.add(from, Hold::Sent);
        }
        let symbol = self.names.intern(event.into_name());
        self.desk.post(to, from, What::Event { symbol, payload: Payload::new(payload) });
        Ok(())
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel")
            .field("sessions", &self.sessions)
            .field("wheels", &self.wheels.len())
            .field("queued", &self.desk.queue.len())
            .field("timers", &self.desk.timers.len())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

/// The choices of a [`Kernel`]; got by [`Kernel::builder`].
#[derive(Debug)]
pub struct KernelBuilder {
    config: Config,
}

impl KernelBuilder {
    /// Where time comes from. Default: [`Clock::system`].
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.config.clock = clock;
        self
    }

    /// What happens when a handler fails. Default: [`OnException::Stop`].
    #[must_use]
    pub const fn on_exception(mut self, choice: OnException) -> Self {
        self.config.on_exception = choice;
        self
    }

    /// How many threads run jobs at most ([`Context::run_blocking`](crate::Context::run_blocking)).
    /// Default: 4; at least 1.
    ///
    /// A thread starts when a job finds none free, and ends when it had no job for a second.
    #[must_use]
    pub fn workers(mut self, most: usize) -> Self {
        self.config.workers = most.max(1);
        self
    }

    /// Makes the kernel.
    ///
    /// # Errors
    ///
    /// As [`Kernel::new`].
    pub fn build(self) -> io::Result<Kernel> {
        Ok(Kernel {
            sessions: Sessions::new(),
            wheels: Arena::new(),
            desk: Desk::new(self.config.clock, self.config.workers)?,
            names: Names::new(),
            kinds: Kinds::default(),
            signals: Signals::default(),
            dropped: Rc::default(),
            stats: Stats::default(),
            on_exception: self.config.on_exception,
            depth: 0,
            stopping: false,
            failure: None,
            pace: turn::Pace::default(),
        })
    }
}

impl fmt::Debug for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => write!(f, "Error({error})"),
            Self::Panic(_) => f.write_str("Panic"),
        }
    }
}

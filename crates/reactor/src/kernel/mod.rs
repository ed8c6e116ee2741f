//! The kernel: one loop and everything it owns.
//!
//! A field per table, the constructor and the verbs that need no session. The turn is in `turn.rs`, the
//! delivery of one event in `dispatch.rs`, the end of sessions in `reap.rs`, wheels in `wheels.rs`,
//! signals in `signals.rs`, `run` in `run.rs`, what an outer loop asks in `nested.rs`, and its drop in
//! `end.rs`. Nobody outside this folder sees two tables at once.

mod builder;
mod check;
mod children;
mod chores;
mod dispatch;
mod end;
mod exception;
mod failure;
mod family;
mod fork;
mod id;
mod letter;
mod machine;
mod names;
mod nested;
mod observe;
mod post;
mod reap;
mod run;
mod seat;
mod serve;
mod signals;
#[cfg(feature = "simulation")]
mod simulation;
mod snapshot;
mod spawn;
mod state;
mod threads;
mod timers;
mod turn;
mod unhandled;
mod wheels;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Instant;

use crate::alias::Aliases;
use crate::config::OnException;
use crate::desk::Desk;
use crate::destination::Destination;
use crate::error::{CallError, NoSuchSession};
use crate::event::{Event, EventName};
use crate::ids::SessionId;
use crate::name::{Names, Symbol};
use crate::outbox::Outbox;
use crate::payload::Payload;
use crate::session::{Handlers, Hold, Kinds, Sessions};
use crate::signal::child::Children;
use crate::signal::{Death, Signals};
use crate::stats::Stats;
use crate::tags::Tags;
use crate::wheel_table::WheelTable;
pub use builder::KernelBuilder;
pub(crate) use exception::{Exception, panic_message};
pub use fork::{ForkError, Forked};
use id::KernelId;
pub(crate) use letter::{Letter, Names as EventNames};
pub(crate) use serve::Pulled;

/// The loop, and everything it owns (POE: `$poe_kernel`).
///
/// Make one, [`spawn`](Self::spawn) the first session, and [`run`](Self::run): it returns when no
/// session is left. Each thread may have its own, which stays there: other threads reach it by a
/// [`Remote`](crate::Remote). Dropping it closes all wheels and drops all states, without `_stop`;
/// [`stop`](Self::stop) comes before where that matters. Of what panics meanwhile the first goes on when
/// all are dropped.
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
///
/// It cannot be sent to another thread:
///
/// ```compile_fail,E0277
/// fn send<T: Send>(_: T) {}
/// send(reactor::Kernel::new());
/// ```
#[expect(clippy::struct_excessive_bools, reason = "choices and states that have nothing in common")]
pub struct Kernel {
    sessions: Sessions,
    wheels: WheelTable,
    desk: Desk,
    names: Names,
    kinds: Kinds,
    signals: Signals,
    aliases: Aliases,
    tags: Tags,
    outbox: Rc<Outbox>,
    children: Children,
    id: KernelId,
    stats: Stats,
    on_exception: OnException,
    /// A slip that is otherwise a line in the log is a failure.
    strict: bool,
    /// Each event takes the way round by `observe.rs`.
    observed: bool,
    observer: observe::Observer,
    /// The letter whose handler is running, or was the last to run.
    current: Letter,
    /// The session that was told the last event of a wheel.
    seat: seat::Seat,
    /// How many handlers are running, one inside another's call.
    depth: u32,
    /// Every session is to be stopped as soon as no handler runs.
    stopping: bool,
    /// What a handler failed with: `run` ends with it.
    failure: Option<Exception>,
    /// The event whose handler has just panicked, for whoever catches the panic.
    crashed: Option<Letter>,
    /// Failures that nobody was asked about yet.
    deaths: VecDeque<(Death, Exception)>,
    /// A death is being told: what fails meanwhile is added to it.
    dying: Option<failure::Further>,
    /// Sessions that failed are being stopped: those that fail because of it have to wait.
    ending_doomed: bool,
    /// What sessions are told when their running handlers have returned.
    late: Vec<Waiting>,
    /// At which depth those who waited for running handlers are being told, if they are.
    telling_at: Option<u32>,
    /// Handlers that sessions get when their running handlers have returned.
    changes: Vec<state::Change>,
    pace: turn::Pace,
}

/// What a running session is told when it has time. There are as many as sessions run, one inside another's
/// call: few, however much each is told.
struct Waiting {
    session: SessionId,
    notices: VecDeque<Notice>,
}

struct Notice {
    letter: Letter,
    payload: Payload,
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
        KernelBuilder::new()
    }

    /// Starts a session (POE: `POE::Session->create`): stores its state, delivers `_start`, and returns
    /// its id. The session lives as long as something can reach it, and at least until the events that are
    /// posted by now have been delivered. It has no parent; [`Context::spawn`](crate::Context::spawn) makes a
    /// child of the running session.
    pub fn spawn<'a, S: 'static>(
        &mut self,
        handlers: impl Into<Handlers<'a, S>>,
        state: S,
    ) -> SessionId {
        self.come_from_outside();
        self.spawn_from_current(handlers.into(), state)
    }

    /// Posts an event: it is delivered after what waits already, not before the next turn. The sender is the
    /// [kernel](SessionId::KERNEL). Not delivered if the session is stopped by force meanwhile.
    ///
    /// # Errors
    ///
    /// The session is gone, or nobody has the alias. The payload comes back.
    pub fn post<T: 'static>(
        &mut self,
        to: impl Destination,
        event: impl EventName<T>,
        payload: T,
    ) -> Result<(), NoSuchSession<T>> {
        self.come_from_outside();
        self.post_from_current(to, event, payload)
    }

    /// Delivers an event at once and returns the handler's reply. The sender is the
    /// [kernel](SessionId::KERNEL).
    ///
    /// # Errors
    ///
    /// See [`CallError`]. The payload is lost.
    pub fn call<T: 'static, R: 'static>(
        &mut self,
        to: impl Destination,
        event: impl Into<Event<T, R>>,
        payload: T,
    ) -> Result<R, CallError> {
        self.come_from_outside();
        self.call_from_current(to, event, payload)
    }

    /// Sends a signal, as [`Context::signal`](crate::Context::signal) does.
    ///
    /// # Errors
    ///
    /// The session is gone, or nobody has the alias. The payload comes back.
    pub fn signal<T: 'static>(
        &mut self,
        to: impl Destination,
        name: &str,
        payload: T,
    ) -> Result<(), NoSuchSession<T>> {
        self.come_from_outside();
        self.signal_from_current(to, name, payload)
    }

    /// Stops every session, the youngest first, each with its `_stop` (POE: `$poe_kernel->stop`).
    ///
    /// From inside a handler it takes effect as soon as no handler is running. It does not wait: what streams
    /// have not sent yet is lost.
    pub fn stop(&mut self) {
        self.ask_stop();
        self.tidy();
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

    /// Names this kernel among all of them: the host, and in hexadecimal the second it was made in, the
    /// process and a count (POE: `ID`). Another one in the child of a [`fork`](Self::fork).
    #[must_use]
    pub fn id(&self) -> String {
        self.id.to_string()
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

    /// Whether a session is alive.
    #[must_use]
    pub fn has_session(&self, session: SessionId) -> bool {
        self.sessions.contains(session)
    }

    /// A session's parent; [`SessionId::KERNEL`] if it has none. `None` if the session is gone.
    #[must_use]
    pub fn parent(&self, session: SessionId) -> Option<SessionId> {
        self.sessions.parent(session)
    }

    /// A session's children in the order in which they came to it; for [`SessionId::KERNEL`], the sessions
    /// without a parent.
    #[must_use]
    pub fn children(&self, session: SessionId) -> Vec<SessionId> {
        self.sessions.children(session)
    }

    /// Why a session is alive, in words: `2 wheels, 1 timer`. `None` if it is not.
    #[must_use]
    pub fn why_alive(&self, session: SessionId) -> Option<String> {
        self.sessions.get(session).map(|slot| slot.ledger.to_string())
    }

    /// Called from outside the loop: the last turn may have been long ago.
    fn come_from_outside(&mut self) {
        self.current = Letter::OUTSIDE;
        self.desk.now = self.desk.clock.moment();
    }

    pub(crate) fn name_of(&self, symbol: Symbol) -> &str {
        self.names.text(symbol)
    }

    #[inline]
    pub(crate) fn symbol(&mut self, name: Cow<'static, str>) -> Symbol {
        self.names.intern(name)
    }

    /// The letter whose handler is running.
    #[inline(always)]
    pub(crate) const fn current(&self) -> &Letter {
        &self.current
    }

    pub(crate) fn signal_from_current<T: 'static>(
        &mut self,
        to: impl Destination,
        name: &str,
        payload: T,
    ) -> Result<(), NoSuchSession<T>> {
        self.read_posts();
        let to = to.find(self);
        let there = to.filter(|to| to.is_kernel() || self.sessions.contains(*to));
        let Some(to) = there else { return Err(NoSuchSession(payload)) };
        let symbol = self.names.intern(name.to_owned().into());
        self.send_signal(self.current.next(to, symbol), Some(Rc::new(payload)));
        Ok(())
    }

    /// A postback to a session is made.
    pub(crate) fn hold_postback(&mut self, session: SessionId) -> Rc<Outbox> {
        self.sessions.add(session, Hold::Postback);
        Rc::clone(&self.outbox)
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

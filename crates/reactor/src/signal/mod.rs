//! Signals: the system's, the kernel's own, and those that sessions send each other.
//!
//! Owns who watches which signal. Never delivers one: `kernel/signals.rs` does, and says in which order
//! and what follows. `source.rs` is where the system's come from.

pub(crate) mod child;
mod disposition;
pub(crate) mod source;

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::os::raw::c_int;
use std::rc::Rc;

use rustc_hash::FxBuildHasher;
use signal_hook::consts;

use crate::error::SignalError;
use crate::ids::SessionId;
use crate::name::Symbol;
use crate::poller::Poller;
use source::Source;

/// What a signal's event carries (POE: `ARG0` of a signal handler, and what follows it).
#[derive(Clone)]
pub struct Signal {
    name: Rc<str>,
    payload: Option<Rc<dyn Any>>,
}

impl Signal {
    pub(crate) const fn new(name: Rc<str>, payload: Option<Rc<dyn Any>>) -> Self {
        Self { name, payload }
    }

    /// The name, without `SIG`: `INT`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it was [sent](crate::Context::signal) with, if that is a `T`. All who watch it see the same.
    ///
    /// `DIE` comes with a [`Death`]. The system's signals come with nothing.
    #[must_use]
    pub fn payload<T: 'static>(&self) -> Option<&T> {
        self.payload.as_ref()?.downcast_ref()
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signal({})", self.name)
    }
}

/// What the signal `DIE` tells: which session failed, and how (POE: `ARG1` of `DIE`).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Death {
    /// The error's text, or `panic: ` and the panic's.
    pub error: String,
    /// What failed, in words: `its handler of tick`, `its wheel`, `the drop of its state`.
    pub place: String,
    /// The session that failed.
    pub session: SessionId,
    /// Who sent the event that it failed in.
    pub sender: SessionId,
    /// The event, if a handler failed.
    pub event: Option<String>,
    /// The event that the sender was handling when it sent that one.
    pub posted_in: Option<String>,
}

impl Death {
    pub(crate) const SIGNAL: Symbol = Symbol::DIE;
}

/// What follows when a signal has been told to all who watch it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    /// Nothing.
    Benign,
    /// Who was concerned is stopped, unless somebody called it handled.
    Terminal,
    /// Who was concerned is stopped.
    Nonmaskable,
}

impl Class {
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "QUIT" | "INT" | "KILL" | "TERM" | "HUP" | "IDLE" | "DIE" => Self::Terminal,
            "ZOMBIE" | "UIDESTROY" => Self::Nonmaskable,
            _ => Self::Benign,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Signals {
    pub(crate) source: Source,
    /// By the signal's name; no list is empty.
    watches: HashMap<Symbol, Vec<Watch>, FxBuildHasher>,
    /// Those of them that are the system's.
    taken: Vec<(Symbol, c_int)>,
    /// Signals of the system that wait in the queue: each once at most.
    queued: Vec<c_int>,
    /// Whether a handler has called the signal that is being delivered its own.
    pub(crate) handled: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    pub(crate) session: SessionId,
    pub(crate) symbol: Symbol,
}

impl Signals {
    /// Watches a signal for a session, instead of what the session watched it with before.
    pub(crate) fn watch(
        &mut self,
        poller: &Poller,
        (name, text): (Symbol, &str),
        watch: Watch,
    ) -> Result<(), SignalError> {
        match spelt(text)? {
            Some(kind) if !kind.watchable => {
                return Err(SignalError::Unwatchable(text.to_owned()));
            }
            Some(kind) if !self.is_watched(name) => {
                self.source.add(poller, kind.number).map_err(SignalError::System)?;
                self.taken.push((name, kind.number));
            }
            Some(_) | None => {}
        }
        let watches = self.watches.entry(name).or_default();
        watches.retain(|other| other.session != watch.session);
        watches.push(watch);
        Ok(())
    }

    /// Ends a session's watch; says whether there was one.
    pub(crate) fn clear(&mut self, name: Symbol, session: SessionId) -> bool {
        let Some(watches) = self.watches.get_mut(&name) else { return false };
        let before = watches.len();
        watches.retain(|watch| watch.session != session);
        let cleared = watches.len() < before;
        if watches.is_empty() {
            self.watches.remove(&name);
            self.let_go(name);
        }
        cleared
    }

    /// A session is gone.
    pub(crate) fn forget(&mut self, session: SessionId) {
        let names: Vec<Symbol> = self.watched_by(session).collect();
        for name in names {
            self.clear(name, session);
        }
    }

    /// Nobody watches a signal any more: if it is the system's, the system has it back.
    fn let_go(&mut self, name: Symbol) {
        if let Some(place) = self.taken.iter().position(|(taken, _)| *taken == name) {
            let (_, number) = self.taken.swap_remove(place);
            self.source.remove(number);
        }
    }

    pub(crate) fn is_watched(&self, name: Symbol) -> bool {
        self.watches.contains_key(&name)
    }

    /// The signals that a session watches, in no order.
    pub(crate) fn watched_by(&self, session: SessionId) -> impl Iterator<Item = Symbol> {
        let watches = move |watches: &Vec<Watch>| watches.iter().any(|one| one.session == session);
        self.watches.iter().filter(move |(_, list)| watches(list)).map(|(name, _)| *name)
    }

    /// Who watches a signal, in the order in which they began to.
    pub(crate) fn watchers(&self, name: Symbol) -> &[Watch] {
        self.watches.get(&name).map_or(&[], |watches| watches)
    }

    /// Notes that a signal goes to the queue; says whether it was not there already.
    pub(crate) fn note_queued(&mut self, number: c_int) -> bool {
        let new = !self.queued.contains(&number);
        if new {
            self.queued.push(number);
        }
        new
    }

    /// One that comes from now on is another.
    pub(crate) fn note_delivered(&mut self, number: c_int) {
        self.queued.retain(|queued| *queued != number);
    }

    pub(crate) fn forget_queued(&mut self) {
        self.queued.clear();
    }

    pub(crate) fn pending(&mut self) -> Vec<c_int> {
        self.source.pending()
    }
}

/// The name of a signal of the system.
pub(crate) fn name(number: c_int) -> &'static str {
    KINDS.iter().find(|kind| kind.number == number).map_or("?", |kind| kind.name)
}

/// Which signal of the system a name is, if it is one. A name that only looks like one is an error.
fn spelt(name: &str) -> Result<Option<&'static Kind>, SignalError> {
    if name.starts_with("RTM") {
        return Err(SignalError::Unwatchable(name.to_owned()));
    }
    if let Some(kind) = find(name) {
        return Ok(Some(kind));
    }
    let capitals = name.trim().to_uppercase();
    let bare = capitals.strip_prefix("SIG").unwrap_or(&capitals);
    // `CLD` is another name of `CHLD`, and would never come.
    if bare.is_empty() || bare == "CLD" || find(bare).is_some() {
        return Err(SignalError::Misspelt(name.to_owned()));
    }
    Ok(None)
}

/// Lets the system do what it would have done without us.
pub(crate) fn default_action(number: c_int) -> io::Result<()> {
    disposition::act(number)
}

fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

#[derive(Debug)]
struct Kind {
    name: &'static str,
    number: c_int,
    watchable: bool,
}

macro_rules! kinds {
    ($($watchable:literal: $($name:literal = $number:ident),*;)*) => {
        &[$($(Kind { name: $name, number: consts::$number, watchable: $watchable }),*),*]
    };
}

/// The signals of signal(7) that a program can meet.
const KINDS: &[Kind] = kinds! {
    true: "HUP" = SIGHUP, "INT" = SIGINT, "QUIT" = SIGQUIT, "TERM" = SIGTERM, "USR1" = SIGUSR1,
          "USR2" = SIGUSR2, "ALRM" = SIGALRM, "PIPE" = SIGPIPE, "CHLD" = SIGCHLD, "CONT" = SIGCONT,
          "TSTP" = SIGTSTP, "TTIN" = SIGTTIN, "TTOU" = SIGTTOU, "WINCH" = SIGWINCH, "URG" = SIGURG,
          "XCPU" = SIGXCPU, "XFSZ" = SIGXFSZ, "VTALRM" = SIGVTALRM, "PROF" = SIGPROF,
          "IO" = SIGIO, "ABRT" = SIGABRT, "SYS" = SIGSYS, "TRAP" = SIGTRAP, "BUS" = SIGBUS;
    false: "KILL" = SIGKILL, "STOP" = SIGSTOP, "SEGV" = SIGSEGV, "ILL" = SIGILL, "FPE" = SIGFPE;
};

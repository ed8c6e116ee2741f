//! Signals of the system as events.
//!
//! Owns who watches which signal. Promises that a watched signal reaches every session that watches it,
//! through the queue, and that a terminal one which nobody calls handled stops every session. Raised
//! several times before it is delivered, a signal is delivered once. Never handles a signal by itself:
//! `kernel/signals.rs` does.

pub(crate) mod child;
mod disposition;
pub(crate) mod source;

use std::io;
use std::os::raw::c_int;

use signal_hook::consts;

use crate::error::SignalError;
use crate::ids::SessionId;
use crate::name::Symbol;
use crate::poller::Poller;
use source::Source;

/// What a signal's event carries (POE: `ARG0` of a signal handler).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signal {
    name: &'static str,
}

impl Signal {
    /// The name, without `SIG`: `INT`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl std::fmt::Display for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Signals {
    pub(crate) source: Source,
    watches: Vec<Watch>,
    /// Signals that wait in the queue: each once at most.
    queued: Vec<c_int>,
    /// Whether a handler has called the signal that is being delivered its own.
    pub(crate) handled: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    pub(crate) session: SessionId,
    pub(crate) symbol: Symbol,
    number: c_int,
}

impl Signals {
    /// Watches a signal for a session, instead of what the session watched it with before.
    pub(crate) fn watch(
        &mut self,
        poller: &Poller,
        session: SessionId,
        name: &str,
        symbol: Symbol,
    ) -> Result<(), SignalError> {
        let kind = find(name).ok_or_else(|| SignalError::Unknown(name.to_owned()))?;
        if !kind.watchable {
            return Err(SignalError::Unwatchable(name.to_owned()));
        }
        if !self.watches.iter().any(|watch| watch.number == kind.number) {
            self.source.add(poller, kind.number).map_err(SignalError::System)?;
        }
        self.watches.retain(|watch| watch.session != session || watch.number != kind.number);
        self.watches.push(Watch { session, symbol, number: kind.number });
        Ok(())
    }

    /// A session is gone.
    pub(crate) fn forget(&mut self, session: SessionId) {
        let theirs = self.watches.extract_if(.., |watch| watch.session == session);
        let gone: Vec<Watch> = theirs.collect();
        for watch in gone {
            // A session has one watch of a signal at most.
            if !self.watches.iter().any(|other| other.number == watch.number) {
                self.source.remove(watch.number);
            }
        }
    }

    /// Who watches a signal, the youngest watch first: a child is told before its parent.
    pub(crate) fn watchers(&self, number: c_int) -> Vec<Watch> {
        self.watches.iter().rev().filter(|watch| watch.number == number).copied().collect()
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

/// The signal as its event carries it.
pub(crate) fn signal(number: c_int) -> Signal {
    Signal { name: KINDS.iter().find(|kind| kind.number == number).map_or("?", |kind| kind.name) }
}

/// Whether every session is stopped when nobody calls the signal handled.
pub(crate) fn is_terminal(number: c_int) -> bool {
    matches!(number, consts::SIGHUP | consts::SIGINT | consts::SIGQUIT | consts::SIGTERM)
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

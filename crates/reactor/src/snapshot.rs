//! What a kernel looks like at one moment, for people and for monitoring.

use std::fmt;
use std::time::Instant;

use crate::ids::{SessionId, WheelId};
use crate::stats::Stats;

/// Everything that is alive in a kernel, and why. Made by [`Kernel::snapshot`](crate::Kernel::snapshot).
///
/// Printed, it is the tree of sessions with what each has:
///
/// ```text
/// 2 sessions, 1 wheel, 1 timer, 0 queued
///   1.1 my::Server: 1 wheel, 1 child session; aliases: server; signals: INT
///     wheel 1.1 (wheels::Listener), descriptor 5
///     2.1 my::Client: 1 timer
///       timer tick
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// The time of the turn that it was made in.
    pub now: Instant,
    /// The kernel's counters.
    pub stats: Stats,
    /// All sessions, each parent before its children.
    pub sessions: Vec<SessionInfo>,
    /// How many entries the queue has.
    pub queued: usize,
}

/// One session in a [`Snapshot`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its id.
    pub id: SessionId,
    /// The type of its state.
    pub kind: &'static str,
    /// Its parent; [`SessionId::KERNEL`] if it has none.
    pub parent: SessionId,
    /// How many ancestors it has.
    pub depth: usize,
    /// One of its handlers is running.
    pub is_running: bool,
    /// Why it is alive: what holds it, as a plural word, and how often. Empty: it ends with this turn.
    pub holds: Vec<(&'static str, u32)>,
    /// Its aliases, sorted.
    pub aliases: Vec<String>,
    /// Its named references and their counts, sorted.
    pub tags: Vec<(String, u32)>,
    /// The signals it watches, sorted.
    pub signals: Vec<String>,
    /// The wheels it made, those that do not hold it included.
    pub wheels: Vec<WheelInfo>,
    /// Its timers, the soonest first.
    pub timers: Vec<TimerInfo>,
    /// What is queued to it, in order.
    pub queued: Vec<QueuedInfo>,
}

/// One wheel in a [`Snapshot`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct WheelInfo {
    /// Its id.
    pub id: WheelId,
    /// Its type.
    pub kind: &'static str,
    /// The descriptor that it watches, if it does.
    pub descriptor: Option<i32>,
    /// What it watches beside: see [`Io::watch_also`](crate::Io::watch_also). In no order.
    pub further: Vec<i32>,
    /// Whether it keeps its session alive.
    pub holds: bool,
}

/// One timer in a [`Snapshot`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct TimerInfo {
    /// The event that it delivers.
    pub event: String,
    /// When it is due.
    pub due: Instant,
}

/// One event in the queue, in a [`Snapshot`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct QueuedInfo {
    /// The event's name, or the signal's.
    pub event: String,
    /// Who sent it.
    pub from: SessionId,
    /// The type of its payload.
    pub payload: &'static str,
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wheels = self.sessions.iter().map(|session| session.wheels.len()).sum();
        let timers = self.sessions.iter().map(|session| session.timers.len()).sum();
        let counts = [("session", self.sessions.len()), ("wheel", wheels), ("timer", timers)];
        for (what, count) in counts {
            let plural = if count == 1 { "" } else { "s" };
            write!(f, "{count} {what}{plural}, ")?;
        }
        writeln!(f, "{} queued", self.queued)?;
        self.sessions.iter().try_for_each(|session| write!(f, "{session}"))
    }
}

impl fmt::Display for SessionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indent = 2 + 2 * self.depth;
        write!(f, "{:indent$}{} {}:", "", self.id, self.kind)?;
        let mut separator = " ";
        for (what, count) in &self.holds {
            write!(f, "{separator}{count} {what}")?;
            separator = ", ";
        }
        if self.holds.is_empty() {
            f.write_str(" nothing holds it")?;
        }
        if self.is_running {
            f.write_str("; running")?;
        }
        let tags = self.tags.iter().map(|(tag, count)| format!("{tag} ({count})")).collect();
        for (what, names) in
            [("aliases", &self.aliases), ("references", &tags), ("signals", &self.signals)]
        {
            if !names.is_empty() {
                write!(f, "; {what}: {}", names.join(", "))?;
            }
        }
        writeln!(f)?;
        for wheel in &self.wheels {
            write!(f, "{:indent$}  wheel {} ({})", "", wheel.id, wheel.kind)?;
            for descriptor in wheel.descriptor.iter().chain(&wheel.further) {
                write!(f, ", descriptor {descriptor}")?;
            }
            writeln!(f)?;
        }
        for timer in &self.timers {
            writeln!(f, "{:indent$}  timer {}", "", timer.event)?;
        }
        for queued in &self.queued {
            writeln!(f, "{:indent$}  queued {} from {}", "", queued.event, queued.from.who())?;
        }
        Ok(())
    }
}

//! What a server holds: what it says of itself, and what the system says of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};

use reactor::Kernel;

use crate::process::ServerProcess;

/// What a server says of itself, in the order in which it says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Sessions.
    pub sessions: u64,
    /// Wheels that their sessions have.
    pub wheels: u64,
    /// Slots of wheels that are taken. The same, unless a wheel outlives its session.
    pub slots: u64,
    /// Timers of sessions.
    pub timers: u64,
    /// Entries of the queue.
    pub queued: u64,
    /// Waits for readiness, since the server began.
    pub polls: u64,
    /// Turns, since the server began.
    pub turns: u64,
    /// Notices of readiness, since the server began.
    pub notices: u64,
}

/// The question for a [`Report`].
pub(super) const COUNTS: &str = "counts";

/// The question for all that is alive, which is answered on standard error.
pub(super) const SNAPSHOT: &str = "snapshot";

/// A server answers a question.
pub(super) fn answer(kernel: &Kernel, question: &[u8]) -> io::Result<()> {
    let snapshot = kernel.snapshot();
    if question == SNAPSHOT.as_bytes() {
        eprint!("{snapshot}");
    }
    let of = |count: fn(&reactor::SessionInfo) -> usize| {
        snapshot.sessions.iter().map(count).sum::<usize>() as u64
    };
    let report = Report {
        sessions: kernel.session_count() as u64,
        wheels: of(|session| session.wheels.len()),
        slots: kernel.wheel_count() as u64,
        timers: of(|session| session.timers.len()),
        queued: snapshot.queued as u64,
        polls: snapshot.stats.polls,
        turns: snapshot.stats.turns,
        notices: snapshot.stats.notices,
    };
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", report.written())?;
    stdout.flush()
}

impl Report {
    /// Asks a server.
    ///
    /// # Errors
    ///
    /// When it is gone, or answers something else.
    pub fn of(server: &mut ServerProcess) -> io::Result<Self> {
        let answer = server.ask(COUNTS)?;
        Self::read(&answer)
            .ok_or_else(|| io::Error::other(format!("the server answers {answer:?}")))
    }

    fn written(&self) -> String {
        let Self { sessions, wheels, slots, timers, queued, polls, turns, notices } = self;
        format!("{sessions} {wheels} {slots} {timers} {queued} {polls} {turns} {notices}")
    }

    fn read(line: &str) -> Option<Self> {
        let numbers: Option<Vec<u64>> =
            line.split_whitespace().map(|number| number.parse().ok()).collect();
        let [sessions, wheels, slots, timers, queued, polls, turns, notices] =
            numbers?.try_into().ok()?;
        Some(Self { sessions, wheels, slots, timers, queued, polls, turns, notices })
    }
}

/// All that a server holds while it has no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holdings {
    descriptors: BTreeMap<i32, String>,
    sessions: u64,
    wheels: u64,
    slots: u64,
    timers: u64,
    queued: u64,
}

impl Holdings {
    /// What it holds now.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub fn of(server: &mut ServerProcess) -> io::Result<Self> {
        let Report { sessions, wheels, slots, timers, queued, .. } = Report::of(server)?;
        let descriptors = descriptors(server.pid())?;
        Ok(Self { descriptors, sessions, wheels, slots, timers, queued })
    }

    /// What is not as it was, in a sentence; nothing if all is.
    #[must_use]
    pub fn difference(&self, before: &Self) -> Option<String> {
        let counts = [
            ("sessions", before.sessions, self.sessions),
            ("wheels", before.wheels, self.wheels),
            ("slots of wheels", before.slots, self.slots),
            ("timers", before.timers, self.timers),
            ("entries of the queue", before.queued, self.queued),
        ];
        if let Some((what, then, now)) = counts.into_iter().find(|(_, then, now)| then != now) {
            return Some(format!("it has {now} {what}, and had {then} before its first client"));
        }
        let more = missing_in(&before.descriptors, &self.descriptors);
        let gone = missing_in(&self.descriptors, &before.descriptors);
        (!more.is_empty() || !gone.is_empty()).then(|| {
            let told = |list: &[String]| list[..list.len().min(TOLD)].join(", ");
            format!(
                "it has {} descriptors more than before its first client ({}), and {} are gone ({})",
                more.len(),
                told(&more),
                gone.len(),
                told(&gone)
            )
        })
    }

    /// The counts in short, for a table.
    #[must_use]
    pub fn in_short(&self) -> String {
        let Self { descriptors, sessions, wheels, slots, .. } = self;
        format!("{:>4} {sessions:>4} {wheels:>4} {slots:>4}", descriptors.len())
    }
}

/// Descriptors that are named.
const TOLD: usize = 5;

/// Those of `these` that are not in `others`.
fn missing_in(others: &BTreeMap<i32, String>, these: &BTreeMap<i32, String>) -> Vec<String> {
    these
        .iter()
        .filter(|(number, target)| others.get(number) != Some(target))
        .map(|(number, target)| format!("{number}: {target}"))
        .collect()
}

/// The open descriptors of a process, and what each stands for.
fn descriptors(pid: u32) -> io::Result<BTreeMap<i32, String>> {
    let mut open = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let entry = entry?;
        let number = entry.file_name().to_string_lossy().parse().map_err(io::Error::other)?;
        match fs::read_link(entry.path()) {
            Ok(target) => drop(open.insert(number, target.display().to_string())),
            // Closed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(open)
}

/// How often a process has given up the processor because it had nothing to do.
///
/// # Errors
///
/// When it is gone.
pub(super) fn voluntary_switches(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
        .and_then(|number| number.trim().parse().ok())
        .ok_or_else(|| io::Error::other("not the /proc we know"))
}

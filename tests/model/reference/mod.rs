//! The kernel by the book: lists, searched from end to end.
//!
//! Written from what is promised of the kernel, to be seen through at a glance and not to be fast. A ledger
//! is counted anew each time somebody looks at it; the order of all that waits is the least of a list.

mod deliver;
mod family;
mod held;
mod ledger;
mod perform;
mod session;
mod signals;
mod timers;
mod turn;
mod world;

use std::collections::BTreeMap;
use std::rc::Rc;

use reactor::OnException;

use crate::op::{End, KERNEL, Who};
use crate::script::Script;
use ledger::{POSTBACK, QUEUED, TAG, WHEEL};
use session::{Handler, OWN, Phase, Session, Takes};

pub struct Reference {
    script: Rc<Script>,
    on_exception: OnException,
    clock: i64,
    /// The time of the turn.
    now: i64,
    /// Counts everything that is put in order.
    sequence: u64,
    /// Counts who came to whom.
    moves: u64,
    sessions: BTreeMap<Who, Session>,
    waiting: Vec<Waiting>,
    wheels: BTreeMap<u64, Wheel>,
    held: Vec<Held>,
    /// Whom each postback that was not let go holds.
    postbacks: Vec<Who>,
    aliases: Vec<(&'static str, Who)>,
    tags: Vec<(Who, &'static str, u32)>,
    watches: Vec<Watch>,
    again: Vec<u64>,
    /// Whose wheel is heard in its turn of the queue.
    pulling: Option<Who>,
    /// The handler of a wheel's event panicked.
    cut_short: bool,
    /// What was noted and is done when the running handler has returned.
    posts: Vec<(Who, &'static str, Payload)>,
    dropped: Vec<u64>,
    released: Vec<Who>,
    closing: Vec<u64>,
    unsettled: Vec<(Who, usize, bool)>,
    changes: Vec<(Who, &'static str, Option<u64>)>,
    /// Whose ledgers became empty, in that order.
    marked: Vec<Who>,
    /// What sessions are told when their running handlers have returned.
    late: Vec<(Who, Vec<(Letter, Payload)>)>,
    deaths: Vec<(Death, Exception)>,
    /// Who failed while a death was told, and how.
    dying: Option<(String, Vec<Who>)>,
    /// Who failed and is to be stopped.
    doomed: Vec<Who>,
    ending_doomed: bool,
    telling_at: Option<u32>,
    depth: u32,
    stopping: bool,
    handled: bool,
    failure: Option<Exception>,
    current: Letter,
    pace: turn::Pace,
    counts: Counts,
}

/// What the kernel's statistics count.
#[derive(Clone, Copy, Default)]
struct Counts {
    turns: u64,
    polls: u64,
    posted: u64,
    timers: u64,
    direct: u64,
    unhandled: u64,
    failures: u64,
}

struct Waiting {
    due: i64,
    number: u64,
    what: What,
}

enum What {
    Event { letter: Letter, payload: Payload },
    Signal { letter: Letter, number: Option<u64> },
    Born(Who),
    Pull { session: Who, wheel: u64 },
    Timer { session: Who, event: &'static str, number: u64, key: Option<u64> },
    Alarm(u64),
}

#[derive(Clone, Copy)]
struct Letter {
    to: Who,
    from: Who,
    event: &'static str,
    caller: Option<&'static str>,
}

enum Payload {
    /// With the key of something that is held.
    Parcel(u64, Option<u64>),
    Text(u64),
    Pair(u64, u64),
    Number(u64),
    Signal(&'static str, String),
    Unit,
    Child(&'static str, Who, Option<u64>),
    Parent(Who, Who),
}

struct Wheel {
    session: Who,
    batches: Vec<u8>,
    end: End,
    told: u64,
    /// Whether it keeps its session alive.
    alive: bool,
    again: bool,
}

/// A postback, a callback or a wheel's handle.
struct Held {
    key: u64,
    place: Place,
    what: Holding,
    session: Who,
    event: &'static str,
    /// Whether it keeps its session alive.
    holds: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    State(Who),
    Shelf,
    Parcel,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holding {
    Postback,
    Callback,
    Handle,
}

#[derive(Clone, Copy)]
struct Watch {
    signal: &'static str,
    session: Who,
    event: &'static str,
}

struct Death {
    session: Who,
    text: String,
    error: String,
}

struct Exception {
    panic: bool,
    text: String,
}

impl Reference {
    pub fn new(script: &Rc<Script>, on_exception: OnException) -> Self {
        Self {
            script: Rc::clone(script),
            on_exception,
            clock: 0,
            now: 0,
            sequence: 0,
            moves: 0,
            sessions: BTreeMap::new(),
            waiting: Vec::new(),
            wheels: BTreeMap::new(),
            held: Vec::new(),
            postbacks: Vec::new(),
            aliases: Vec::new(),
            tags: Vec::new(),
            watches: Vec::new(),
            again: Vec::new(),
            pulling: None,
            cut_short: false,
            posts: Vec::new(),
            dropped: Vec::new(),
            released: Vec::new(),
            closing: Vec::new(),
            unsettled: Vec::new(),
            changes: Vec::new(),
            marked: Vec::new(),
            late: Vec::new(),
            deaths: Vec::new(),
            dying: None,
            doomed: Vec::new(),
            ending_doomed: false,
            telling_at: None,
            depth: 0,
            stopping: false,
            handled: false,
            failure: None,
            current: Letter::OUTSIDE,
            pace: turn::Pace::default(),
            counts: Counts::default(),
        }
    }

    fn session(&mut self, who: Who) -> &mut Session {
        self.sessions.get_mut(&who).expect("the session is there")
    }

    fn is_running(&self, who: Who) -> bool {
        self.sessions.get(&who).is_some_and(|session| session.running)
    }

    fn hears(&self, who: Who, event: &str) -> bool {
        self.sessions.get(&who).is_some_and(|session| session.hears.contains(&event))
    }

    /// A session's children in the order in which they came to it.
    fn children(&self, who: Who) -> Vec<Who> {
        let theirs = self.sessions.iter().filter(|(_, session)| session.parent == who);
        let mut children: Vec<(u64, Who)> =
            theirs.map(|(child, session)| (session.joined, *child)).collect();
        children.sort_unstable();
        children.into_iter().map(|(_, child)| child).collect()
    }

    /// A session's ancestors, its parent first.
    fn ancestors(&self, who: Who) -> Vec<Who> {
        let mut ancestors = Vec::new();
        let mut next = self.sessions.get(&who).map_or(KERNEL, |session| session.parent);
        while next != KERNEL {
            ancestors.push(next);
            next = self.sessions[&next].parent;
        }
        ancestors
    }

    /// Puts something into the one order of everything that waits.
    fn wait(&mut self, due: i64, what: What) {
        self.sequence += 1;
        self.waiting.push(Waiting { due, number: self.sequence, what });
    }

    fn post(&mut self, what: What) {
        self.wait(self.now, what);
    }

    /// Takes out what waits and is like this.
    fn forget_waiting(&mut self, is_it: impl Fn(&What) -> bool) {
        self.waiting.retain(|one| !is_it(&one.what));
    }

    fn queue_is_empty(&self) -> bool {
        !self.waiting.iter().any(|one| !one.what.is_timer())
    }
}

impl What {
    const fn is_timer(&self) -> bool {
        matches!(self, Self::Timer { .. } | Self::Alarm(_))
    }
}

impl Letter {
    const OUTSIDE: Self = Self { to: KERNEL, from: KERNEL, event: "", caller: None };

    const fn new(to: Who, from: Who, event: &'static str) -> Self {
        Self { to, from, event, caller: None }
    }

    /// What whoever handles this sends.
    fn next(&self, to: Who, event: &'static str) -> Self {
        let caller = (self.to != KERNEL).then_some(self.event);
        Self { to, from: self.to, event, caller }
    }
}

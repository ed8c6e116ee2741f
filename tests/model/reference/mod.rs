//! The kernel by the book: lists, searched from end to end.
//!
//! Written from what is promised of the kernel, to be seen through at a glance and not to be fast. A ledger
//! is counted anew each time somebody looks at it; the order of all that waits is the least of a list.

mod deliver;
mod family;
mod perform;
mod signals;
mod timers;
mod turn;

use std::collections::BTreeMap;
use std::rc::Rc;

use reactor::OnException;

use crate::op::{End, KERNEL, Kind, Who};
use crate::script::Script;

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

struct Session {
    parent: Who,
    /// When it came to its parent.
    joined: u64,
    phase: Phase,
    running: bool,
    starting: bool,
    /// It is held for its maker, though nothing is queued yet.
    unborn: bool,
    handlers: Vec<Handler>,
    has_default: bool,
    /// Which of the kernel's own events it is told.
    hears: Vec<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Living,
    Marked,
    Ending,
    /// It has had its `_stop`.
    Ended,
}

#[derive(Clone, Copy)]
struct Handler {
    event: &'static str,
    takes: Takes,
    version: u64,
}

/// The types of payloads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Parcel,
    Text,
    Pair,
    Number,
    Signal,
    Unit,
    Child,
    Parent,
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

    /// Why a session lives.
    fn why(&self, who: Who) -> String {
        let words = self.ledger(who).into_iter().zip(WORDS).filter(|(count, _)| *count > 0);
        let words = words.map(|(count, (one, many))| {
            format!("{count} {}", if count == 1 { one } else { many })
        });
        let words: Vec<String> = words.collect();
        if words.is_empty() { "nothing".into() } else { words.join(", ") }
    }

    fn ledger(&self, who: Who) -> [i64; WORDS.len()] {
        let mut counts = [0; WORDS.len()];
        for Waiting { what, .. } in &self.waiting {
            match what {
                What::Event { letter, .. } | What::Signal { letter, .. } => {
                    counts[QUEUED] += i64::from(letter.to == who);
                    counts[SENT] += i64::from(letter.from == who && letter.to != who);
                }
                What::Born(session) | What::Pull { session, .. } => {
                    counts[QUEUED] += i64::from(*session == who);
                }
                What::Timer { session, .. } => counts[TIMER] += i64::from(*session == who),
                What::Alarm(_) => {}
            }
        }
        counts[QUEUED] += i64::from(self.sessions[&who].unborn);
        counts[QUEUED] += i64::from(self.pulling == Some(who));
        counts[WHEEL] += count(self.wheels.values(), |one| one.session == who && one.alive);
        counts[CHILD] += count(self.sessions.values(), |one| one.parent == who);
        counts[ALIAS] += count(&self.aliases, |(_, owner)| *owner == who);
        counts[TAG] += count(&self.tags, |(owner, ..)| *owner == who);
        counts[POSTBACK] += count(&self.postbacks, |owner| **owner == who);
        for (session, kind, holds) in &self.unsettled {
            if *session == who {
                counts[*kind] += if *holds { -1 } else { 1 };
            }
        }
        counts
    }

    /// One reason for a session to live is gone.
    fn released(&mut self, who: Who) {
        let Some(session) = self.sessions.get(&who) else { return };
        if session.phase == Phase::Living && self.ledger(who).iter().all(|count| *count == 0) {
            self.session(who).phase = Phase::Marked;
            self.marked.push(who);
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

impl Phase {
    const fn is_last(self) -> bool {
        matches!(self, Self::Ending | Self::Ended)
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

impl Session {
    fn new(kind: Kind, parent: Who, joined: u64) -> Self {
        let own = [
            ("_start", Takes::Unit),
            ("_stop", Takes::Unit),
            ("_child", Takes::Child),
            ("_parent", Takes::Parent),
        ];
        let common = [
            ("red", Takes::Parcel),
            ("wind", Takes::Parcel),
            ("green", Takes::Parcel),
            ("blue", Takes::Parcel),
            ("text", Takes::Text),
            ("answer", Takes::Pair),
            ("heed", Takes::Signal),
            ("obey", Takes::Signal),
            ("tick", Takes::Number),
        ];
        let (own, common, more) = match kind {
            Kind::Full => (&own[..], &common[..], None),
            Kind::Quiet => (&own[..0], &common[..], None),
            Kind::Default => (&own[..1], &common[..2], None),
            Kind::Keeper => (&own[..], &common[..], Some(("beat", Takes::Parcel))),
        };
        let all = own.iter().chain(common).copied().chain(more);
        let has_default = kind == Kind::Default;
        let hears = match kind {
            Kind::Full | Kind::Keeper | Kind::Default => OWN.to_vec(),
            Kind::Quiet => Vec::new(),
        };
        Self {
            parent,
            joined,
            phase: Phase::Living,
            running: false,
            starting: true,
            unborn: true,
            handlers: all.map(|(event, takes)| Handler { event, takes, version: 0 }).collect(),
            has_default,
            hears,
        }
    }
}

const OWN: [&str; 4] = ["_start", "_stop", "_child", "_parent"];

/// The entries of a ledger, in its order.
const WORDS: [(&str, &str); 8] = [
    ("queued event", "queued events"),
    ("sent event", "sent events"),
    ("timer", "timers"),
    ("wheel", "wheels"),
    ("child session", "child sessions"),
    ("alias", "aliases"),
    ("named reference", "named references"),
    ("postback", "postbacks"),
];
const QUEUED: usize = 0;
const SENT: usize = 1;
const TIMER: usize = 2;
const WHEEL: usize = 3;
const CHILD: usize = 4;
const ALIAS: usize = 5;
const TAG: usize = 6;
const POSTBACK: usize = 7;

fn count<T>(all: impl IntoIterator<Item = T>, which: impl Fn(&T) -> bool) -> i64 {
    let mut count = 0;
    all.into_iter().for_each(|one| count += i64::from(which(&one)));
    count
}

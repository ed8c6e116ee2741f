//! What the sessions of a history do and hear: the same words for both kernels.

use std::fmt;

/// A session by the order of birth, which is what both kernels can tell.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who(pub u32);

/// The kernel itself; among those who act, what is outside the loop.
pub const KERNEL: Who = Who(u32::MAX);

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == KERNEL { f.write_str("kernel") } else { write!(f, "s{}", self.0) }
    }
}

impl fmt::Debug for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Where something is sent.
#[derive(Clone, Copy, Debug)]
pub enum To {
    Session(Who),
    Alias(&'static str),
}

/// What is sent: a number, as one type or as another; with the first, something that is held.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    Parcel { number: u64, gift: Option<u64> },
    Text(u64),
}

/// One thing that a session, or somebody outside the loop, asks of a kernel. Keys are numbers of timers
/// and of what is held, in the order in which they were made.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    Post {
        to: To,
        event: &'static str,
        load: Load,
    },
    Call {
        to: To,
        event: &'static str,
        load: Load,
        other_reply: bool,
    },
    /// An alarm's time is told from now on, too; it may be past.
    Alarm {
        event: &'static str,
        micros: i64,
        number: u64,
    },
    AlarmAdd {
        event: &'static str,
        micros: i64,
        number: u64,
    },
    AlarmSet {
        event: &'static str,
        micros: i64,
        number: u64,
        key: u64,
    },
    AlarmAdjust {
        key: u64,
        micros: i64,
    },
    AlarmClear(&'static str),
    AlarmRemove {
        key: u64,
    },
    AlarmRemoveAll,
    Delay {
        event: &'static str,
        micros: i64,
        number: u64,
    },
    DelayAdd {
        event: &'static str,
        micros: i64,
        number: u64,
    },
    DelaySet {
        event: &'static str,
        micros: i64,
        number: u64,
        key: u64,
    },
    DelayAdjust {
        key: u64,
        micros: i64,
    },
    AliasSet(&'static str),
    AliasRemove(&'static str),
    AliasResolve(&'static str),
    Increment(Who, &'static str),
    Decrement(Who, &'static str),
    Spawn {
        kind: Kind,
        child: Who,
    },
    DetachMyself,
    DetachChild(Who),
    Sig {
        signal: &'static str,
        event: &'static str,
    },
    SigClear(&'static str),
    SigHandled,
    Signal {
        to: To,
        signal: &'static str,
        number: u64,
    },
    State {
        event: &'static str,
        version: u64,
    },
    StateClear(&'static str),
    /// Makes a postback, to be kept here or where everybody finds it.
    Postback {
        key: u64,
        event: &'static str,
        shelf: bool,
    },
    Callback {
        key: u64,
        event: &'static str,
    },
    /// Calls a postback or a callback.
    Ring {
        key: u64,
        number: u64,
    },
    Weaken {
        key: u64,
    },
    /// Drops what is held, whatever it is.
    Drop {
        key: u64,
    },
    Wheel {
        key: u64,
        batch: u8,
        end: End,
        ask: Ask,
        shelf: bool,
    },
    Poke {
        key: u64,
        batch: u8,
        ask: Ask,
    },
    /// Lets go of a wheel, which closes itself soon.
    Release {
        key: u64,
    },
    /// The handler takes so long.
    Busy(i64),
    Look(Who),
    Stop,
    /// Lets go of everything that could keep this session alive, and the shelf.
    LetGo,
    /// Counts nobody any more, drops what is on the shelf, and has everybody let go.
    LetAllGo,
}

/// A kind of session: which handlers it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// All that there are, but `_default`.
    Full,
    /// None of the kernel's own events.
    Quiet,
    /// `_default`, and few others.
    Default,
    /// As `Full`, and it beats.
    Keeper,
}

/// What a wheel does when it has told all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Close,
    /// It holds its session no more, from its last event on.
    Release,
    Stay,
}

/// How a wheel asks to be heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ask {
    Again,
    At(i64),
    Queue,
}

/// Events that carry a parcel, and one that nobody handles, and one that carries a text.
pub const EVENTS: [&str; 5] = ["red", "green", "blue", "none", "text"];
/// What a postback sends, and an event of another payload.
pub const ANSWERS: [&str; 2] = ["answer", "red"];
/// The events of signals.
pub const HEEDED: [&str; 3] = ["heed", "obey", "none"];
pub const SIGNALS: [&str; 6] = ["HEY", "HUP", "IDLE", "DIE", "UIDESTROY", "ZOMBIE"];
pub const ALIASES: [&str; 4] = ["ann", "bob", "cid", "dot"];
pub const TAGS: [&str; 2] = ["one", "two"];
/// Whose handlers are set while a session runs.
pub const SET: [&str; 6] = ["red", "green", "none", "_child", "_stop", "_start"];

/// What a handler is called with, in words.
pub struct Heard {
    pub me: Who,
    pub event: String,
    /// Which of the handlers of this name it is: the kind's own is the first.
    pub version: u64,
    pub sender: Who,
    pub caller: Option<String>,
    pub payload: String,
    /// Why the session is alive.
    pub why: String,
    /// The time of the turn, in microseconds.
    pub now: i64,
    /// How many turns there were.
    pub turn: u64,
    /// Whether the handler may return an error.
    pub may_err: bool,
}

/// How a handler ends.
pub enum Ending {
    Return(u64),
    Error(String),
    Panic(String),
}

/// A kernel, as whoever acts sees it.
pub trait Door {
    /// Does it, and says in words what came of it.
    fn perform(&mut self, op: Op) -> String;
    /// Who is alive, the eldest first.
    fn alive(&self) -> Vec<Who>;
}

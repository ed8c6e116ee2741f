//! Why a session is alive, counted by kind.
//!
//! A session lives while its ledger is not empty (POE: the session's reference count; the rules are
//! POE's). Each entry is made when something begins to be able to reach the session, and crossed out
//! when it cannot any more.

use std::fmt;

/// What can keep a session alive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hold {
    /// An event is queued to it.
    Queued,
    /// An event it sent to another session is not delivered yet.
    Sent,
    /// A timer is set.
    Timer,
    /// A wheel watches something for it.
    Wheel,
    /// A session it made is alive.
    Child,
    /// It has an alias, which keeps it only while others have work.
    Alias,
    /// Somebody counts a reference to it under a name.
    Tag,
    /// A postback or callback to it exists.
    Postback,
    /// A child process is watched for it.
    Process,
}

impl Hold {
    /// Whether it means that something can happen to the session from outside, though nothing is queued
    /// and no timer is set. An alias or a child does not.
    #[inline]
    pub(crate) const fn expects(self) -> bool {
        match self {
            Self::Wheel | Self::Tag | Self::Postback | Self::Process => true,
            Self::Queued | Self::Sent | Self::Timer | Self::Child | Self::Alias => false,
        }
    }
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Ledger {
    counts: [u32; KINDS.len()],
    /// The sum of `counts`.
    total: u32,
}

impl Ledger {
    #[inline]
    pub(crate) fn add(&mut self, hold: Hold) {
        self.counts[hold as usize] += 1;
        self.total += 1;
    }

    #[inline]
    pub(crate) fn remove(&mut self, hold: Hold) {
        let count = &mut self.counts[hold as usize];
        debug_assert!(*count > 0, "crossed out more of {hold:?} than was entered");
        if *count > 0 {
            *count -= 1;
            self.total -= 1;
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// How many entries [expect](Hold::expects) something.
    pub(crate) fn expecting(&self) -> usize {
        let counts = KINDS.iter().zip(self.counts).filter(|((hold, ..), _)| hold.expects());
        counts.map(|(_, count)| count as usize).sum()
    }

    /// What holds the session, as one word or several, and how often.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'static str, u32)> {
        KINDS.iter().filter_map(|(hold, one, many)| match self.count(*hold) {
            0 => None,
            1 => Some((*one, 1)),
            count => Some((*many, count)),
        })
    }

    pub(crate) const fn count(&self, hold: Hold) -> u32 {
        self.counts[hold as usize]
    }
}

/// Says why the session lives: `2 wheels, 1 timer`.
impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (what, count) in self.entries() {
            write!(f, "{separator}{count} {what}")?;
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("nothing") } else { Ok(()) }
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ledger({self})")
    }
}

/// In the order of `Hold`.
const KINDS: [(Hold, &str, &str); 9] = [
    (Hold::Queued, "queued event", "queued events"),
    (Hold::Sent, "sent event", "sent events"),
    (Hold::Timer, "timer", "timers"),
    (Hold::Wheel, "wheel", "wheels"),
    (Hold::Child, "child session", "child sessions"),
    (Hold::Alias, "alias", "aliases"),
    (Hold::Tag, "named reference", "named references"),
    (Hold::Postback, "postback", "postbacks"),
    (Hold::Process, "child process", "child processes"),
];

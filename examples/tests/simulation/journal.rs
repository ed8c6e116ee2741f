//! What clients did and got, in the order in which it happened.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reactor::Context;

/// Clones are of the same journal.
#[derive(Clone, Default)]
pub(crate) struct Journal(Rc<Cell<Vec<Entry>>>);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Entry {
    /// Since the simulation began.
    pub(crate) at: Duration,
    pub(crate) client: usize,
    pub(crate) deed: Deed,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Deed {
    Began,
    Connected,
    Said(Bytes),
    Got(Bytes),
    HalfClosed,
    /// It closed its end.
    Left,
    /// The other end has said its last.
    Heard,
    Broke(String),
}

impl Journal {
    pub(crate) fn take(&self) -> Vec<Entry> {
        self.0.take()
    }
}

/// A client's own pages of the journal.
#[derive(Clone)]
pub(crate) struct Diary {
    pub(crate) number: usize,
    /// When the simulation began.
    pub(crate) began: Instant,
    pub(crate) journal: Journal,
}

impl Diary {
    pub(crate) fn note(&self, cx: &Context<'_>, deed: Deed) {
        let mut entries = self.journal.0.take();
        entries.push(Entry { at: cx.now() - self.began, client: self.number, deed });
        self.journal.0.set(entries);
    }
}

/// What one client did and got.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    pub(crate) began: Option<Duration>,
    pub(crate) ended: Option<Duration>,
    pub(crate) connected: Option<Duration>,
    pub(crate) said: Vec<u8>,
    pub(crate) got: Vec<u8>,
    pub(crate) end: Option<Deed>,
}

impl Story {
    /// From its beginning to its end.
    pub(crate) fn time(&self) -> Option<Duration> {
        Some(self.ended? - self.began?)
    }

    pub(crate) fn all(entries: &[Entry], clients: usize) -> Vec<Self> {
        let mut stories = vec![Self::default(); clients];
        for entry in entries {
            let story = &mut stories[entry.client];
            match &entry.deed {
                Deed::Began => story.began = Some(entry.at),
                Deed::Connected => story.connected = Some(entry.at),
                Deed::Said(bytes) => story.said.extend(bytes),
                Deed::Got(bytes) => story.got.extend(bytes),
                Deed::HalfClosed => {}
                Deed::Left | Deed::Heard | Deed::Broke(_) => {
                    (story.ended, story.end) = (Some(entry.at), Some(entry.deed.clone()));
                }
            }
        }
        stories
    }
}

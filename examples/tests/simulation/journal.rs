//! What clients did and got, in the order in which it happened.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;

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
    /// It closed its end.
    Left,
    /// The other end has said its last.
    Heard,
    Broke(String),
}

impl Journal {
    pub(crate) fn note(&self, at: Duration, client: usize, deed: Deed) {
        let mut entries = self.0.take();
        entries.push(Entry { at, client, deed });
        self.0.set(entries);
    }

    pub(crate) fn take(&self) -> Vec<Entry> {
        self.0.take()
    }
}

/// What one client did and got.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    pub(crate) began: Option<Duration>,
    pub(crate) ended: Option<Duration>,
    pub(crate) connected: bool,
    pub(crate) said: Vec<u8>,
    pub(crate) got: Vec<u8>,
    pub(crate) end: Option<Deed>,
}

impl Story {
    pub(crate) fn all(entries: &[Entry], clients: usize) -> Vec<Self> {
        let mut stories = vec![Self::default(); clients];
        for entry in entries {
            let story = &mut stories[entry.client];
            match &entry.deed {
                Deed::Began => story.began = Some(entry.at),
                Deed::Connected => story.connected = true,
                Deed::Said(bytes) => story.said.extend(bytes),
                Deed::Got(bytes) => story.got.extend(bytes),
                Deed::Left | Deed::Heard | Deed::Broke(_) => {
                    (story.ended, story.end) = (Some(entry.at), Some(entry.deed.clone()));
                }
            }
        }
        stories
    }
}

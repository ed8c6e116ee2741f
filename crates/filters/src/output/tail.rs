//! The runs that come after the buffer.
//!
//! Owns what was put since a long piece was linked in. Promises the order of the calls, that no run
//! is empty, and that neighbouring copied pieces share a run. Never splits or joins linked bytes.
//! `unsent.rs` takes runs off the front; `output.rs` says why there is a tail at all.

use std::collections::VecDeque;
use std::fmt;

use bytes::{Buf, Bytes};

/// A queue of runs, which may be empty if not all is left of what goes before it.
#[derive(Default)]
pub(super) struct Tail {
    /// How much of the buffer has been sent. Invariant: less than there is in it, or both are zero.
    pub(super) sent: usize,
    /// Invariants: no run is empty, and no two copied ones are neighbours.
    runs: VecDeque<Run>,
    /// Invariant: the sum of the lengths of `runs`.
    len: usize,
}

impl Tail {
    pub(super) fn put_slice(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.len += bytes.len();
        match self.runs.back_mut() {
            Some(Run::Copied(run)) => run.extend_from_slice(bytes),
            Some(Run::Linked(_)) | None => self.runs.push_back(Run::Copied(bytes.to_vec())),
        }
    }

    pub(super) fn link(&mut self, bytes: Bytes) {
        debug_assert!(!bytes.is_empty(), "only long pieces are linked");
        self.len += bytes.len();
        self.runs.push_back(Run::Linked(bytes));
    }

    /// Drops up to `n` bytes of linked runs from the front, and counts `n` down. Stops at a copied
    /// run, takes it off whole and returns it.
    pub(super) fn advance_linked(&mut self, n: &mut usize) -> Option<Vec<u8>> {
        loop {
            match self.runs.pop_front()? {
                Run::Copied(run) => {
                    self.len -= run.len();
                    return Some(run);
                }
                Run::Linked(bytes) if *n >= bytes.len() => {
                    *n -= bytes.len();
                    self.len -= bytes.len();
                }
                Run::Linked(mut bytes) => {
                    bytes.advance(*n);
                    self.len -= *n;
                    *n = 0;
                    self.runs.push_front(Run::Linked(bytes));
                    return None;
                }
            }
        }
    }

    /// Drops what comes after the first `len` bytes, of which there is at least one.
    pub(super) fn rewind(&mut self, len: usize) {
        while let Some(last) = self.runs.back_mut().filter(|_| self.len > len) {
            let before = self.len - last.len();
            if before < len {
                last.truncate(len - before);
                self.len = len;
            } else {
                self.len = before;
                self.runs.pop_back();
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn has_runs(&self) -> bool {
        !self.runs.is_empty()
    }

    pub(super) fn runs(&self) -> impl Iterator<Item = &[u8]> {
        self.runs.iter().map(Run::as_slice)
    }

    /// Returns everything: linked if it is a single linked run, else copied.
    pub(super) fn to_bytes(&self) -> Bytes {
        match self.runs.front() {
            Some(Run::Linked(bytes)) if self.runs.len() == 1 => bytes.clone(),
            Some(Run::Linked(_) | Run::Copied(_)) | None => {
                Bytes::from(self.runs().collect::<Vec<_>>().concat())
            }
        }
    }

    /// Returns everything if it is a single run.
    pub(super) fn single_run(&self) -> Option<&[u8]> {
        match self.runs.front() {
            Some(run) if self.runs.len() == 1 => Some(run.as_slice()),
            Some(_) | None => None,
        }
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.runs().map(<[u8]>::len)).finish()
    }
}

/// One run of bytes in the queue.
enum Run {
    /// Many short pieces, copied.
    Copied(Vec<u8>),
    /// One long piece, shared with whoever else holds it.
    Linked(Bytes),
}

impl Run {
    fn truncate(&mut self, len: usize) {
        match self {
            Self::Copied(bytes) => bytes.truncate(len),
            Self::Linked(bytes) => bytes.truncate(len),
        }
    }

    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Copied(bytes) => bytes,
            Self::Linked(bytes) => bytes,
        }
    }
}

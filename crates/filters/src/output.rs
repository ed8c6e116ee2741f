//! Encoded bytes on their way out.
//!
//! Owns what has been encoded and not yet sent: one buffer as a rule, followed by a queue of runs
//! once something long was linked in. Promises the order of the calls, that no byte is moved more
//! than a constant number of times, and that nothing but the buffer stays when all is sent.
//! Never writes; the wheel does. The queue is `output/tail.rs`.

mod sent;
mod tail;

use std::io::IoSlice;
use std::{fmt, iter};

use bytes::Bytes;

use self::tail::Tail;
use crate::spare;

/// What a filter encodes into and a wheel writes from.
///
/// Short pieces are copied into one contiguous buffer, so that many small items leave in one plain
/// write. Pieces of [`LINKED_FROM`](Self::LINKED_FROM) bytes or more are linked without copying,
/// so that a broadcast shares one allocation; they leave in a vectored write. POE keeps a list of
/// strings in the driver (`Driver::SysRW::put`) and writes them one at a time.
///
/// It is unbounded: limits are the business of whoever feeds it, see [`len`](Self::len).
///
/// ```
/// use bytes::Bytes;
/// use filters::Output;
///
/// let mut out = Output::new();
/// out.put_slice(b"hello ");
/// out.put_bytes(Bytes::from_static(b"world"));
/// assert_eq!(out.contiguous(), Some(&b"hello world"[..]));
///
/// out.advance(6); // a write took that much
/// assert_eq!(out.contiguous(), Some(&b"world"[..]));
/// out.advance(5);
/// assert!(out.is_empty());
/// ```
#[derive(Default)]
pub struct Output {
    /// What goes first. Its capacity outlives its content.
    head: Vec<u8>,
    /// What goes after `head`, and how much of `head` has been sent: an idle connection has neither.
    /// Invariants: never without both, and if `head` is empty it starts with a linked run.
    tail: Option<Box<Tail>>,
}

impl Output {
    /// The length in bytes from which [`put_bytes`](Self::put_bytes) links instead of copying.
    ///
    /// Copying a page costs about as much as the reference count, the queue entry and the
    /// additional element of a vectored write; below that the copy wins, far above it loses.
    ///
    /// ```
    /// assert_eq!(filters::Output::LINKED_FROM, 4096);
    /// ```
    pub const LINKED_FROM: usize = 4096;

    /// Returns an empty output, which allocates nothing until something is put.
    ///
    /// ```
    /// assert!(!filters::Output::new().has_buffer());
    /// ```
    #[inline]
    pub const fn new() -> Self {
        Self { head: Vec::new(), tail: None }
    }

    /// Appends a copy of `bytes`.
    ///
    /// ```
    /// let mut out = filters::Output::new();
    /// out.put_slice(b"ab");
    /// out.put_slice(b"c");
    /// assert_eq!(out.contiguous(), Some(&b"abc"[..]));
    /// ```
    #[inline(always)]
    pub fn put_slice(&mut self, bytes: &[u8]) {
        if self.tail.is_none() {
            self.head.extend_from_slice(bytes);
        } else {
            self.put_behind(bytes);
        }
    }

    /// Makes room for so many bytes, where a filter puts several pieces one after the other.
    ///
    /// ```
    /// let mut out = filters::Output::new();
    /// out.reserve(100);
    /// assert!(out.has_buffer());
    /// ```
    #[inline]
    pub fn reserve(&mut self, bytes: usize) {
        if self.tail.is_none() {
            self.head.reserve(bytes);
        }
    }

    /// Appends where some of what was put is sent, or linked.
    #[inline(never)]
    fn put_behind(&mut self, bytes: &[u8]) {
        match &mut self.tail {
            Some(tail) if tail.has_runs() => tail.put_slice(bytes),
            Some(_) | None => {
                self.reclaim_for(bytes.len());
                self.head.extend_from_slice(bytes);
            }
        }
    }

    /// Appends `bytes`: copied if shorter than [`LINKED_FROM`](Self::LINKED_FROM), else linked.
    ///
    /// Linked bytes keep their whole allocation alive until they are sent, also where they are but
    /// a slice of it.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use filters::Output;
    ///
    /// let page = Bytes::from(vec![b'x'; Output::LINKED_FROM]);
    /// let mut out = Output::new();
    /// out.put_bytes(page.clone());
    /// assert_eq!(out.contiguous().map(<[u8]>::as_ptr), Some(page.as_ptr())); // not a copy
    /// ```
    #[inline(always)]
    pub fn put_bytes(&mut self, bytes: Bytes) {
        if bytes.len() < Self::LINKED_FROM {
            self.put_slice(&bytes);
            spare::give_back(bytes);
        } else {
            self.link(bytes);
        }
    }

    #[inline(never)]
    fn link(&mut self, bytes: Bytes) {
        self.tail.get_or_insert_default().link(bytes);
    }

    /// Notes that the first `n` bytes have been written; all of them if there are fewer.
    ///
    /// Moves nothing; what it drops was paid for when it was put.
    ///
    /// ```
    /// let mut out = filters::Output::new();
    /// out.put_slice(b"abc");
    /// out.advance(1);
    /// assert_eq!(out.contiguous(), Some(&b"bc"[..]));
    /// out.advance(99);
    /// assert!(out.is_empty());
    /// ```
    #[inline]
    pub fn advance(&mut self, n: usize) {
        let unsent = self.unsent_head().len();
        if n < unsent {
            self.advance_head(n);
            return;
        }
        self.head.clear();
        if self.tail.is_some() {
            self.advance_tail(n - unsent);
        }
    }

    /// Takes back what was put since so many bytes were unsent: [`len`](Self::len) as it was, with
    /// nothing sent since.
    pub(crate) fn rewind(&mut self, len: usize) {
        let unsent = self.unsent_head().len();
        if len == 0 {
            self.clear();
        } else if len <= unsent {
            let sent = self.head.len() - unsent;
            self.head.truncate(sent + len);
            self.tail = None;
            self.advance_head(sent);
        } else if let Some(tail) = &mut self.tail {
            tail.rewind(len - unsent);
        }
    }

    /// Drops everything unsent. The buffer stays, see [`release`](Self::release).
    ///
    /// ```
    /// let mut out = filters::Output::new();
    /// out.put_slice(b"never mind");
    /// out.clear();
    /// assert!(out.is_empty() && out.has_buffer());
    /// ```
    #[inline]
    pub fn clear(&mut self) {
        self.head.clear();
        if self.tail.is_some() {
            self.tail = None;
        }
    }

    /// Lends a buffer to encode into, so that a connection that wakes up need not allocate one.
    ///
    /// Its content is cleared. It is taken only if nothing is unsent and it is larger than the
    /// buffer at hand; otherwise it is dropped, so ask [`has_buffer`](Self::has_buffer) first.
    ///
    /// ```
    /// let mut out = filters::Output::new();
    /// out.adopt(Vec::with_capacity(1024));
    /// out.put_slice(b"abc");
    /// out.advance(3);
    /// assert!(out.release().capacity() >= 1024);
    /// ```
    #[inline(always)]
    pub fn adopt(&mut self, mut buffer: Vec<u8>) {
        if self.is_empty() && buffer.capacity() > self.head.capacity() {
            buffer.clear();
            self.head = buffer;
        }
    }

    /// Gives the empty buffer back, so that an idle connection holds no memory.
    ///
    /// What comes back is empty and has capacity if there was any. While something is unsent the
    /// buffer stays, and a `Vec` without capacity is returned.
    ///
    /// ```
    /// let mut out = filters::Output::new();
    /// out.put_slice(b"abc");
    /// assert_eq!(out.release().capacity(), 0); // still needed
    /// out.advance(3);
    /// assert!(out.release().capacity() >= 3);
    /// assert!(!out.has_buffer());
    /// ```
    #[inline]
    pub fn release(&mut self) -> Vec<u8> {
        if self.is_empty() { std::mem::take(&mut self.head) } else { Vec::new() }
    }

    /// Returns the number of unsent bytes, linked ones included. What POE's `Driver::SysRW::put`
    /// and `flush` return.
    ///
    /// ```
    /// let mut out = filters::Output::new();
    /// out.put_slice(b"abc");
    /// assert_eq!(out.len(), 3);
    /// ```
    #[inline]
    pub fn len(&self) -> usize {
        match &self.tail {
            None => self.head.len(),
            Some(tail) => self.head.len() - tail.sent + tail.len(),
        }
    }

    /// Returns whether nothing is unsent.
    ///
    /// ```
    /// assert!(filters::Output::new().is_empty());
    /// ```
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.tail.is_none()
    }

    /// Returns all that is unsent if it is one run of bytes (nothing at all is an empty run), or
    /// `None` if it takes [`slices`](Self::slices) to describe it.
    ///
    /// ```
    /// use bytes::Bytes;
    ///
    /// let mut out = filters::Output::new();
    /// assert_eq!(out.contiguous(), Some(&b""[..]));
    /// out.put_slice(b"header");
    /// assert_eq!(out.contiguous(), Some(&b"header"[..]));
    /// out.put_bytes(Bytes::from(vec![0; 10_000]));
    /// assert_eq!(out.contiguous(), None);
    /// ```
    #[inline(always)]
    pub fn contiguous(&self) -> Option<&[u8]> {
        match &self.tail {
            None => Some(&self.head),
            Some(tail) if self.head.is_empty() => tail.single_run(),
            Some(tail) if tail.has_runs() => None,
            Some(tail) => Some(&self.head[tail.sent..]),
        }
    }

    /// Fills `into` with the first unsent runs in order, and returns how many it set.
    ///
    /// ```
    /// use std::io::{IoSlice, Write};
    ///
    /// use bytes::Bytes;
    ///
    /// let mut out = filters::Output::new();
    /// out.put_slice(b"header");
    /// out.put_bytes(Bytes::from(vec![0; 10_000]));
    ///
    /// let mut runs = [IoSlice::new(b""); 8];
    /// let count = out.slices(&mut runs);
    /// assert_eq!(count, 2);
    /// let written = Vec::new().write_vectored(&runs[..count])?;
    /// out.advance(written);
    /// assert!(out.is_empty());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn slices<'a>(&'a self, into: &mut [IoSlice<'a>]) -> usize {
        let unsent = self.unsent_head();
        let head = (!unsent.is_empty()).then_some(unsent);
        let tail = self.tail.iter().flat_map(|tail| tail.runs());
        let mut count = 0;
        for (slot, run) in into.iter_mut().zip(head.into_iter().chain(tail)) {
            *slot = IoSlice::new(run);
            count += 1;
        }
        count
    }

    /// Returns all that is unsent as one run: without a copy, if it is one.
    pub(crate) fn into_bytes(self) -> Bytes {
        match &self.tail {
            None => Bytes::from(self.head),
            Some(tail) if self.head.is_empty() => tail.to_bytes(),
            Some(tail) => {
                let runs: Vec<_> = iter::once(self.unsent_head()).chain(tail.runs()).collect();
                Bytes::from(runs.concat())
            }
        }
    }

    /// Returns whether it holds a buffer that [`release`](Self::release) could give back, at once
    /// or when all is sent.
    ///
    /// ```
    /// let mut out = filters::Output::new();
    /// out.put_slice(b"abc");
    /// assert!(out.has_buffer());
    /// ```
    #[inline]
    pub fn has_buffer(&self) -> bool {
        self.head.capacity() > 0
    }
}

/// Counts, no content: it may be long, and it is somebody's mail.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("len", &self.len())
            .field("capacity", &self.head.capacity())
            .field("tail", &self.tail)
            .finish()
    }
}

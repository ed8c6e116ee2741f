//! Encoded bytes on their way out.
//!
//! Owns what has been encoded and not yet sent, and nothing else: when all is sent an output is a null pointer.
//! `output/unsent.rs` has what there is, and what becomes of it; `output/tail.rs` is its queue.
//! Never writes; the wheel does.

mod tail;
mod unsent;

use std::fmt;
use std::io::IoSlice;

use bytes::Bytes;

pub(crate) use self::unsent::Unsent;
use crate::spare;

/// What a filter encodes into and a wheel writes from.
///
/// Short pieces are copied into one contiguous buffer, so that many small items leave in one plain
/// write. Pieces of [`LINKED_FROM`](Self::LINKED_FROM) bytes or more are linked without copying,
/// so that a broadcast shares one allocation; they leave in a vectored write. So is one that is put first, of
/// whatever length, for as long as it is the only one. POE keeps a list of
/// strings in the driver (`Driver::SysRW::put`) and writes them one at a time.
///
/// It is unbounded: limits are the business of whoever feeds it, see [`len`](Self::len). When all is sent it
/// lets go of its memory, so that an idle connection has none; the buffer is used again by the next output of
/// the thread.
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
    /// Absent when nothing is unsent, unless room was made for what comes next.
    unsent: Option<Box<Unsent>>,
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
    /// assert!(filters::Output::new().is_empty());
    /// ```
    #[inline]
    pub const fn new() -> Self {
        Self { unsent: None }
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
        if !bytes.is_empty() {
            self.some().put_slice(bytes);
        }
    }

    /// Makes room for so many bytes, where a filter puts several pieces one after the other: the first of
    /// them is then copied at once. If there is not so much memory, no room is made.
    ///
    /// ```
    /// let mut out = filters::Output::new();
    /// out.reserve(100);
    /// assert!(out.is_empty());
    /// ```
    #[inline(always)]
    pub fn reserve(&mut self, bytes: usize) {
        self.some().reserve(bytes);
    }

    #[inline(always)]
    fn some(&mut self) -> &mut Unsent {
        self.unsent.get_or_insert_with(spare::unsent)
    }

    /// Appends `bytes`: copied if shorter than [`LINKED_FROM`](Self::LINKED_FROM), else linked. Where nothing
    /// is unsent they are linked in any case, and copied when something comes behind them.
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
        match &mut self.unsent {
            Some(unsent) => unsent.put_bytes(bytes),
            None if bytes.is_empty() => {}
            None => self.unsent = Some(Unsent::whole(bytes)),
        }
    }

    /// Notes that the first `n` bytes have been written; all of them if there are fewer.
    ///
    /// Moves next to nothing: short pieces that stand behind a long one, once, when their turn comes. What it
    /// drops was paid for when it was put.
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
        match &mut self.unsent {
            Some(unsent) if n < unsent.len() => unsent.advance(n),
            Some(_) | None => self.clear(),
        }
    }

    /// Takes back what was put since so many bytes were unsent: [`len`](Self::len) as it was, with
    /// nothing sent since.
    pub(crate) fn rewind(&mut self, len: usize) {
        match &mut self.unsent {
            Some(unsent) if len > 0 => unsent.rewind(len),
            Some(_) | None => self.clear(),
        }
    }

    /// Copies a piece that was put alone, if it is short: to be called when it has to wait, since it may be a slice
    /// of something long, which it keeps alive.
    ///
    /// ```
    /// use bytes::Bytes;
    ///
    /// let long = Bytes::from(vec![b'x'; 1 << 20]);
    /// let mut out = filters::Output::new();
    /// out.put_bytes(long.slice(..100));
    /// out.detach();
    /// assert!(long.is_unique());
    /// assert_eq!(out.len(), 100);
    /// ```
    pub fn detach(&mut self) {
        if let Some(unsent) = &mut self.unsent {
            unsent.detach();
        }
    }

    /// Drops everything unsent.
    ///
    /// ```
    /// let mut out = filters::Output::new();
    /// out.put_slice(b"never mind");
    /// out.clear();
    /// assert!(out.is_empty());
    /// ```
    #[inline(always)]
    pub fn clear(&mut self) {
        if let Some(unsent) = self.unsent.take() {
            spare::keep(unsent);
        }
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
        self.unsent.as_ref().map_or(0, |unsent| unsent.len())
    }

    /// Returns whether nothing is unsent.
    ///
    /// ```
    /// assert!(filters::Output::new().is_empty());
    /// ```
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.unsent.as_ref().is_none_or(|unsent| unsent.is_empty())
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
        match &self.unsent {
            Some(unsent) => unsent.contiguous(),
            None => Some(&[]),
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
        let runs = self.unsent.iter().flat_map(|unsent| unsent.runs());
        let mut count = 0;
        for (slot, run) in into.iter_mut().zip(runs) {
            *slot = IoSlice::new(run);
            count += 1;
        }
        count
    }

    /// Returns all that is unsent as one run: without a copy, if it is one.
    pub(crate) fn into_bytes(self) -> Bytes {
        self.unsent.map_or_else(Bytes::new, |unsent| unsent.into_bytes())
    }
}

/// Counts, no content: it may be long, and it is somebody's mail.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.unsent.iter().flat_map(|unsent| unsent.runs());
        f.debug_struct("Output")
            .field("len", &self.len())
            .field("runs", &runs.map(<[u8]>::len).collect::<Vec<_>>())
            .finish()
    }
}

//! Plays a wheel, and looks on.

use std::fmt::Debug;

use filters::{Filter, FilterError, Input};

use super::reads;

/// What a filter may keep.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes of an unfinished record, consumed or not.
    pub kept: usize,
    /// Bytes of memory that one call may take more than it gives back, and at most.
    pub memory: usize,
}

/// What a filter made of a stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Made<T> {
    pub items: Vec<T>,
    pub failed: Option<FilterError>,
    /// What another filter in its place would be offered; nothing after an error.
    pub left: Vec<u8>,
}

/// Asserts that no cut shows, whether the peer goes on or ends. Returns what was made of the stream if
/// the peer goes on.
pub fn no_cut_shows<F>(
    make: impl Fn() -> F,
    stream: &[u8],
    sizes: &[usize],
    bounds: Bounds,
) -> Made<F::Item>
where
    F: Filter<Item: Debug + PartialEq>,
{
    let run = |reads: &[&[u8]]| {
        let goes_on = Watch::new(make(), bounds).made_of(reads, false);
        (goes_on, Watch::new(make(), bounds).made_of(reads, true))
    };
    let whole = run(&[stream]);
    assert_eq!(run(&reads(stream, sizes)), whole, "cut into {sizes:?}");
    if stream.len() <= BYTE_BY_BYTE {
        assert_eq!(run(&stream.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    }
    whole.0
}

/// A filter, and the bytes that a wheel keeps for it.
pub struct Watch<F: Filter> {
    pub filter: F,
    pub unread: Vec<u8>,
    bounds: Bounds,
    items: usize,
    offered: usize,
}

impl<F: Filter<Item: Debug>> Watch<F> {
    pub fn new(filter: F, bounds: Bounds) -> Self {
        Self { filter, unread: Vec::new(), bounds, items: 0, offered: 0 }
    }

    /// Decodes one read after another, and the end if that is to come.
    pub fn made_of(mut self, reads: &[&[u8]], ends: bool) -> Made<F::Item> {
        let mut made = Made { items: Vec::new(), failed: None, left: Vec::new() };
        let all = reads.iter().try_for_each(|read| {
            self.offer(read);
            while let Some(item) = self.decode()? {
                made.items.push(item);
            }
            Ok(())
        });
        let all = all.and_then(|()| {
            while let Some(item) = ends.then(|| self.finish()).transpose()?.flatten() {
                made.items.push(item);
            }
            Ok(())
        });
        made.failed = all.err();
        if made.failed.is_none() {
            made.left = self.left();
        }
        made
    }

    pub fn offer(&mut self, read: &[u8]) {
        self.offered += read.len();
        self.unread.extend_from_slice(read);
    }

    pub fn decode(&mut self) -> Result<Option<F::Item>, FilterError> {
        let held = self.filter.holds_items();
        let (result, consumed) = self.call(|filter, input| filter.decode(input));
        match &result {
            Ok(Some(item)) => {
                assert!(consumed > 0 || held, "{item:?} came out of nothing");
                self.count();
            }
            Ok(None) => {
                assert!(!self.filter.holds_items(), "asked for ever");
                let kept = self.unread.len() + self.filter.pending();
                assert!(kept <= self.bounds.kept, "{kept} bytes kept of {}", self.bounds.kept);
            }
            Err(error) => {
                let again = self.call(|filter, input| filter.decode(input));
                assert_eq!(again.0.err().as_ref(), Some(error), "an error is final");
                assert_eq!(again.1, 0, "consumed after an error");
            }
        }
        result
    }

    pub fn finish(&mut self) -> Result<Option<F::Item>, FilterError> {
        let (result, _) = self.call(|filter, input| filter.finish(input));
        if matches!(result, Ok(Some(_))) {
            self.count();
        }
        result
    }

    /// What another filter in place of this one would be offered.
    pub fn left(&mut self) -> Vec<u8> {
        let pending = self.filter.pending();
        let mut left = self.filter.take_pending();
        // As many, unless it was rewritten: chunks of HTTP are made one.
        assert_eq!(left.is_empty(), pending == 0, "{pending} bytes pending, and {}", left.len());
        assert_eq!(self.filter.pending(), 0, "what was taken out is still pending");
        left.append(&mut self.unread);
        left
    }

    /// Returns how much it consumed, too.
    fn call<R>(&mut self, call: impl FnOnce(&mut F, &mut Input<'_>) -> R) -> (R, usize) {
        let mut input = Input::new(&self.unread);
        let mut result = None;
        let memory = allocation_counter::measure(|| {
            result = Some(call(&mut self.filter, &mut input));
        });
        let (taken, most) = (memory.bytes_max, self.bounds.memory);
        assert!(taken <= most as u64, "{taken} bytes of memory of {most}");
        let consumed = input.consumed();
        assert!(consumed <= self.unread.len());
        self.unread.drain(..consumed);
        (result.expect("it was called"), consumed)
    }

    fn count(&mut self) {
        self.items += 1;
        assert!(self.items <= MOST_OF_A_BYTE * (self.offered + 1), "items without end");
    }
}

/// Beyond that it takes too long, and finds nothing more.
pub const BYTE_BY_BYTE: usize = 128;

/// How many items a byte may become, by the most productive of adapters here.
const MOST_OF_A_BYTE: usize = 256;

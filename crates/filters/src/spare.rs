//! The memory of short items and of outputs, used again.
//!
//! Owns, for each thread, the memory of one item that went out, for the next one that comes in: a server that
//! answers each item with one, its own or another, then allocates for neither. And that of outputs which have
//! nothing to send, for those that have: connections that are idle need none. Promises that an item is never
//! more than twice as long in memory as it is, that no byte is seen again: what is not overwritten is not
//! in the item, and that what is kept is bounded. Knows nothing of what items are.

use std::cell::Cell;

use bytes::{Buf, Bytes};

use crate::Output;
use crate::output::Unsent;

thread_local! {
    static SPARE: Spare = const { Spare::new() };
}

struct Spare {
    item: Cell<Option<Box<[u8]>>>,
    /// What the next output gets, and what those after it get.
    at_hand: Cell<Option<Box<Unsent>>>,
    #[expect(clippy::vec_box, reason = "they come and go as they are")]
    put_by: Cell<Vec<Box<Unsent>>>,
    /// What those that are put by take.
    bytes: Cell<usize>,
}

impl Spare {
    const fn new() -> Self {
        Self {
            item: Cell::new(None),
            at_hand: Cell::new(None),
            put_by: Cell::new(Vec::new()),
            bytes: Cell::new(0),
        }
    }

    /// Keeps the memory of an item: all of it. Not if others have a share in it, if there is none, or if it
    /// was cut out of something much longer.
    #[inline(always)]
    fn keep_memory(&self, item: Bytes) {
        // If it is shared it would be copied, once for each that it is put to; if it is long, moved in vain.
        if item.len() > LONGEST || !item.is_unique() {
            return;
        }
        let mut memory = Vec::from(item);
        let capacity = memory.capacity();
        if capacity == 0 || capacity > LONGEST {
            return;
        }
        if memory.len() < capacity {
            lengthen(&mut memory);
        }
        let _before = self.item.replace(Some(memory.into_boxed_slice()));
    }

    fn pop(&self) -> Option<Box<Unsent>> {
        let mut put_by = self.put_by.take();
        let unsent = put_by.pop();
        self.put_by.set(put_by);
        self.bytes.set(self.bytes.get() - unsent.as_deref().map_or(0, size));
        unsent
    }

    #[inline(never)]
    fn push(&self, unsent: Box<Unsent>) {
        let bytes = self.bytes.get() + size(&unsent);
        if bytes <= MOST {
            let mut put_by = self.put_by.take();
            put_by.push(unsent);
            self.put_by.set(put_by);
            self.bytes.set(bytes);
        }
    }
}

const fn size(unsent: &Unsent) -> usize {
    size_of::<Unsent>() + unsent.capacity()
}

/// What an output needs that has something to send. It is empty.
#[inline(always)]
pub(crate) fn unsent() -> Box<Unsent> {
    match SPARE.try_with(|spare| spare.at_hand.take()) {
        Ok(Some(unsent)) => unsent,
        Ok(None) | Err(_) => another(),
    }
}

#[inline(never)]
fn another() -> Box<Unsent> {
    SPARE.try_with(Spare::pop).ok().flatten().unwrap_or_default()
}

/// Takes what an output does not need any more.
// By itself, so that all of it is in one place.
#[inline(never)]
pub(crate) fn keep(mut unsent: Box<Unsent>) {
    // When the thread ends there is nobody to keep it for.
    let _kept = SPARE.try_with(|spare| {
        if let Some(piece) = unsent.clear() {
            spare.keep_memory(piece);
        }
        if unsent.capacity() <= LARGEST
            && let Some(other) = spare.at_hand.replace(Some(unsent))
        {
            spare.push(other);
        }
    });
}

/// An item with a copy of `bytes`.
#[inline(always)]
pub(crate) fn item_of(bytes: &[u8]) -> Bytes {
    match SPARE.try_with(|spare| spare.item.take()) {
        Ok(Some(memory)) if memory.len() == bytes.len() => filled(memory, bytes),
        Ok(Some(memory)) => item_in(memory, bytes),
        Ok(None) | Err(_) => filled_anew(bytes),
    }
}

#[inline(always)]
fn filled(mut memory: Box<[u8]>, bytes: &[u8]) -> Bytes {
    memory.copy_from_slice(bytes);
    Bytes::from(memory)
}

#[inline(never)]
fn filled_anew(bytes: &[u8]) -> Bytes {
    Bytes::from(Box::<[u8]>::from(bytes))
}

/// An item in memory of another length, if there is not too little or too much of it.
#[inline(never)]
fn item_in(mut memory: Box<[u8]>, bytes: &[u8]) -> Bytes {
    let unused = memory.len().checked_sub(bytes.len());
    let Some(unused) = unused.filter(|unused| *unused <= bytes.len()) else {
        return filled_anew(bytes);
    };
    // At the end, because an item can be cut off in front without a count of references.
    memory[unused..].copy_from_slice(bytes);
    let mut item = Bytes::from(memory);
    item.advance(unused);
    item
}

/// Takes the memory of an item that nobody needs any more.
#[inline]
pub(crate) fn give_back(item: Bytes) {
    let _kept = SPARE.try_with(|spare| spare.keep_memory(item));
}

/// Where something was cut off in front.
#[inline(never)]
fn lengthen(memory: &mut Vec<u8>) {
    memory.resize(memory.capacity(), 0);
}

/// The longest memory of an item that is kept: twice the longest item that is copied when it goes out.
const LONGEST: usize = 2 * Output::LINKED_FROM;

/// The largest buffer of an output that is kept, and all that are kept together. What is said to a thousand
/// connections at once needs a thousand, of a few hundred bytes each.
const LARGEST: usize = 64 * 1024;
const MOST: usize = 4 * 1024 * 1024;

//! The memory of short items, used again.
//!
//! Owns, for each thread, the memory of one item that went out, for the next one that comes in. A server that
//! answers each item with one, its own or another, then allocates for neither. Promises that an item is never
//! more than twice as long in memory as it is, and that no byte is seen again: what is not overwritten is not
//! in the item. Knows nothing of what items are.

use std::cell::Cell;

use bytes::{Buf, Bytes};

use crate::Output;

thread_local! {
    static SPARE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// An item with a copy of `bytes`.
#[inline(always)]
pub(crate) fn item_of(bytes: &[u8]) -> Bytes {
    match SPARE.try_with(Cell::take) {
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

/// Takes the memory of an item that nobody needs any more: all of it. Not if others have a share in it,
/// if there is none, or if it was cut out of something much longer.
#[inline(always)]
pub(crate) fn give_back(item: Bytes) {
    // Otherwise it would be copied, once for each that it is put to.
    if !item.is_unique() {
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
    let memory = memory.into_boxed_slice();
    // When the thread ends there is nobody to keep it for.
    let _before = SPARE.try_with(|spare| spare.replace(Some(memory)));
}

/// Where something was cut off in front.
#[inline(never)]
fn lengthen(memory: &mut Vec<u8>) {
    memory.resize(memory.capacity(), 0);
}

/// What is kept at most: twice the longest item that is copied when it goes out.
const LONGEST: usize = 2 * Output::LINKED_FROM;

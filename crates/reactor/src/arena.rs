//! Tables whose keys cannot be mistaken for one another.
//!
//! Owns values in numbered slots. Promises that a [`Key`] finds the value it was given out for or
//! nothing: a slot that is used again has a new generation, so a stale key is `None`, never a panic
//! and never somebody else. Never moves a value while it lives in the table.
//! `ids.rs` wraps keys into the ids that users see.

use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;

/// Values by generational key.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    entries: Vec<Entry<T>>,
    /// The first vacant slot, the head of a list through the vacant entries; `NONE` when full.
    vacant: u32,
    len: usize,
}

/// A slot number and the generation it had when the key was made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Key {
    slot: u32,
    generation: NonZeroU32,
}

#[derive(Debug)]
enum Entry<T> {
    Full { generation: NonZeroU32, value: T },
    Vacant { generation: NonZeroU32, next: u32 },
}

impl<T> Arena<T> {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), vacant: NONE, len: 0 }
    }

    /// Stores `value` and gives out its key.
    pub(crate) fn insert(&mut self, value: T) -> Key {
        self.len += 1;
        if let Some(entry) = self.entries.get_mut(self.vacant as usize) {
            let Entry::Vacant { generation, next } = *entry else {
                unreachable!("the vacant list runs through vacant entries only")
            };
            *entry = Entry::Full { generation, value };
            let slot = std::mem::replace(&mut self.vacant, next);
            return Key { slot, generation };
        }
        let slot = u32::try_from(self.entries.len())
            .ok()
            .filter(|slot| *slot < NONE)
            .expect("four thousand million slots do not fit in memory");
        self.entries.push(Entry::Full { generation: NonZeroU32::MIN, value });
        Key { slot, generation: NonZeroU32::MIN }
    }

    /// Takes the value out and makes its key stale.
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let entry = self.entries.get_mut(key.slot as usize)?;
        match entry {
            Entry::Full { generation, .. } if *generation == key.generation => {}
            Entry::Full { .. } | Entry::Vacant { .. } => return None,
        }
        let generation = key.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        let vacant = Entry::Vacant { generation, next: self.vacant };
        let Entry::Full { value, .. } = std::mem::replace(entry, vacant) else {
            unreachable!("checked above")
        };
        self.vacant = key.slot;
        self.len -= 1;
        Some(value)
    }

    #[inline]
    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        match self.entries.get(key.slot as usize)? {
            Entry::Full { generation, value } if *generation == key.generation => Some(value),
            Entry::Full { .. } | Entry::Vacant { .. } => None,
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        match self.entries.get_mut(key.slot as usize)? {
            Entry::Full { generation, value } if *generation == key.generation => Some(value),
            Entry::Full { .. } | Entry::Vacant { .. } => None,
        }
    }

    /// The key of the value in a slot.
    #[inline]
    pub(crate) fn key_of(&self, slot: u32) -> Option<Key> {
        match self.entries.get(slot as usize)? {
            Entry::Full { generation, .. } => Some(Key { slot, generation: *generation }),
            Entry::Vacant { .. } => None,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.entries.iter().zip(0..).filter_map(|(entry, slot)| match entry {
            Entry::Full { generation, value } => {
                Some((Key { slot, generation: *generation }, value))
            }
            Entry::Vacant { .. } => None,
        })
    }
}

impl Hash for Key {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.to_word());
    }
}

impl Key {
    /// The key as one word, for the poller's tokens.
    pub(crate) const fn to_word(self) -> u64 {
        (self.generation.get() as u64) << 32 | self.slot as u64
    }

    /// The key that [`to_word`](Self::to_word) was made from.
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of the word")]
    pub(crate) fn from_word(word: u64) -> Option<Self> {
        let generation = NonZeroU32::new((word >> 32) as u32)?;
        Some(Self { slot: word as u32, generation })
    }

    pub(crate) const fn slot(self) -> u32 {
        self.slot
    }

    pub(crate) const fn generation(self) -> u32 {
        self.generation.get()
    }

    /// A key that no table gives out.
    pub(crate) const fn reserved() -> Self {
        Self { slot: NONE, generation: NonZeroU32::MIN }
    }
}

/// No slot has this number.
const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests;

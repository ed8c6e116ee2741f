//! Tables whose keys cannot be mistaken for one another.
//!
//! Owns values in numbered slots. Promises that a [`Key`] finds the value it was given out for or
//! nothing: a slot that is used again has a new generation, so a stale key is `None`, never a panic
//! and never somebody else. Never moves a value while it lives in the table.
//! `ids.rs` wraps keys into the ids that users see.

use std::num::{NonZeroU32, NonZeroU64};

/// Values by generational key.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    entries: Vec<Entry<T>>,
    /// The first vacant slot, the head of a list through the vacant entries; `NONE` when full.
    vacant: u32,
    len: usize,
}

/// A slot number and the generation it had when the key was made, in one word: the processor moves it
/// as one, and two halves that were written apart would have to wait for each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct Key(NonZeroU64);

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
        self.insert_with(|_| value)
    }

    /// Stores what is made for the key that is given out.
    pub(crate) fn insert_with(&mut self, make: impl FnOnce(Key) -> T) -> Key {
        if let Some(entry) = self.entries.get_mut(self.vacant as usize) {
            let Entry::Vacant { generation, next } = *entry else {
                unreachable!("the vacant list runs through vacant entries only")
            };
            let key = Key::new(self.vacant, generation);
            *entry = Entry::Full { generation, value: make(key) };
            self.vacant = next;
            self.len += 1;
            return key;
        }
        let slot = u32::try_from(self.entries.len())
            .ok()
            .filter(|slot| *slot < NONE)
            .expect("four thousand million slots do not fit in memory");
        let key = Key::new(slot, NonZeroU32::MIN);
        self.entries.push(Entry::Full { generation: NonZeroU32::MIN, value: make(key) });
        self.len += 1;
        key
    }

    /// Takes the value out and makes its key stale.
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let entry = self.entries.get_mut(key.slot() as usize)?;
        match entry {
            Entry::Full { generation, .. } if generation.get() == key.generation() => {}
            Entry::Full { .. } | Entry::Vacant { .. } => return None,
        }
        let vacant = Entry::Vacant { generation: key.next_generation(), next: self.vacant };
        let Entry::Full { value, .. } = std::mem::replace(entry, vacant) else {
            unreachable!("checked above")
        };
        self.vacant = key.slot();
        self.len -= 1;
        Some(value)
    }

    /// Has `take` take out of the value what is still needed, hands that on, and makes the key stale. If it
    /// takes nothing, the value stays.
    #[inline(always)]
    pub(crate) fn remove_with<R>(
        &mut self,
        key: Key,
        take: impl FnOnce(&mut T) -> Option<R>,
    ) -> Option<R> {
        let entry = self.entries.get_mut(key.slot() as usize)?;
        let taken = match entry {
            Entry::Full { generation, value } if generation.get() == key.generation() => {
                take(value)?
            }
            Entry::Full { .. } | Entry::Vacant { .. } => return None,
        };
        *entry = Entry::Vacant { generation: key.next_generation(), next: self.vacant };
        self.vacant = key.slot();
        self.len -= 1;
        Some(taken)
    }

    /// Makes the key stale and gives out another for the same value, which stays in its slot.
    #[inline]
    pub(crate) fn renew(&mut self, key: Key) -> Option<Key> {
        match self.entries.get_mut(key.slot() as usize)? {
            Entry::Full { generation, .. } if generation.get() == key.generation() => {
                *generation = key.next_generation();
                Some(Key::new(key.slot(), *generation))
            }
            Entry::Full { .. } | Entry::Vacant { .. } => None,
        }
    }

    #[inline]
    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        match self.entries.get(key.slot() as usize)? {
            Entry::Full { generation, value } if generation.get() == key.generation() => {
                Some(value)
            }
            Entry::Full { .. } | Entry::Vacant { .. } => None,
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        match self.entries.get_mut(key.slot() as usize)? {
            Entry::Full { generation, value } if generation.get() == key.generation() => {
                Some(value)
            }
            Entry::Full { .. } | Entry::Vacant { .. } => None,
        }
    }

    /// The value in a slot.
    #[inline]
    pub(crate) fn at(&self, slot: u32) -> Option<&T> {
        match self.entries.get(slot as usize)? {
            Entry::Full { value, .. } => Some(value),
            Entry::Vacant { .. } => None,
        }
    }

    /// The key of the value in a slot.
    #[inline]
    pub(crate) fn key_of(&self, slot: u32) -> Option<Key> {
        match self.entries.get(slot as usize)? {
            Entry::Full { generation, .. } => Some(Key::new(slot, *generation)),
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
            Entry::Full { generation, value } => Some((Key::new(slot, *generation), value)),
            Entry::Vacant { .. } => None,
        })
    }
}

impl Key {
    #[inline]
    const fn new(slot: u32, generation: NonZeroU32) -> Self {
        // Not zero, because the generation is not.
        match NonZeroU64::new((generation.get() as u64) << 32 | slot as u64) {
            Some(word) => Self(word),
            None => unreachable!(),
        }
    }

    /// The key as one word, for the poller's tokens.
    #[inline]
    pub(crate) const fn to_word(self) -> u64 {
        self.0.get()
    }

    /// The key that [`to_word`](Self::to_word) was made from.
    #[inline]
    pub(crate) fn from_word(word: u64) -> Option<Self> {
        NonZeroU64::new(word).filter(|word| word.get() >> 32 != 0).map(Self)
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lower half of the word")]
    pub(crate) const fn slot(self) -> u32 {
        self.0.get() as u32
    }

    #[inline]
    pub(crate) const fn generation(self) -> u32 {
        (self.0.get() >> 32) as u32
    }

    #[inline]
    fn next_generation(self) -> NonZeroU32 {
        NonZeroU32::new(self.generation().wrapping_add(1)).unwrap_or(NonZeroU32::MIN)
    }

    /// A key that no table gives out.
    pub(crate) const fn reserved() -> Self {
        Self::new(NONE, NonZeroU32::MIN)
    }
}

/// No slot has this number.
const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests;

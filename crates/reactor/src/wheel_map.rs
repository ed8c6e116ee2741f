//! A map by wheel.
//!
//! Owns values by [`WheelId`], in one table of places that is probed from one place to the next. Promises
//! that finding one takes a multiplication and, as a rule, one or two comparisons. A table that hashes for
//! keys of any kind takes three times as long, and an echo server asks once per echo. Keys are numbers of
//! the kernel's, which nobody else can choose so that they collide.

use std::fmt;

use crate::ids::WheelId;

/// A map by wheel, for a session that holds many.
///
/// As a [`HashMap`](std::collections::HashMap), but that a wheel is found in a fraction of the time: it is
/// what a session does for every event. Made by `WheelMap::default()`; there is no order in it. Memory that
/// it needed once stays until it is cleared.
///
/// ```
/// use reactor::{WheelId, WheelMap};
///
/// #[derive(Default)]
/// struct Server { names: WheelMap<String> }
///
/// impl Server {
///     fn named(&mut self, wheel: WheelId, name: String) {
///         self.names.insert(wheel, name);
///     }
///     fn name(&self, wheel: WheelId) -> &str {
///         self.names.get(&wheel).map_or("nobody", String::as_str)
///     }
///     fn gone(&mut self, wheel: WheelId) -> Option<String> {
///         self.names.remove(&wheel)
///     }
/// }
/// # assert!(Server::default().names.is_empty());
/// ```
pub struct WheelMap<V> {
    /// A power of two of places, or none. Invariant: one is free, and between a value and the place that
    /// its key asks for none is.
    places: Vec<Option<(WheelId, V)>>,
    len: usize,
    /// By how much a product is shifted to be a place.
    shift: u32,
}

impl<V> WheelMap<V> {
    /// Keeps a value; gives the one that the wheel had before.
    pub fn insert(&mut self, wheel: WheelId, value: V) -> Option<V> {
        if (self.len + 1) * 4 > self.places.len() * 3 {
            self.grow();
        }
        let place = self.place_for(wheel);
        let old = self.places[place].replace((wheel, value));
        self.len += usize::from(old.is_none());
        old.map(|(_, value)| value)
    }

    /// The value of a wheel.
    #[must_use]
    #[inline]
    pub fn get(&self, wheel: &WheelId) -> Option<&V> {
        let mut place = self.home(*wheel);
        loop {
            match self.places.get(place)? {
                Some((key, value)) if key == wheel => return Some(value),
                Some(_) => place = self.behind(place),
                None => return None,
            }
        }
    }

    /// The value of a wheel, to change.
    #[must_use]
    #[inline]
    pub fn get_mut(&mut self, wheel: &WheelId) -> Option<&mut V> {
        let place = self.place_of(*wheel)?;
        self.places[place].as_mut().map(|(_, value)| value)
    }

    /// Whether the wheel has a value.
    #[must_use]
    pub fn contains_key(&self, wheel: &WheelId) -> bool {
        self.get(wheel).is_some()
    }

    /// Takes the value of a wheel out.
    pub fn remove(&mut self, wheel: &WheelId) -> Option<V> {
        let mut free = self.place_of(*wheel)?;
        let (_, value) = self.places[free].take()?;
        self.len -= 1;
        let mut place = self.behind(free);
        // What stands behind, and asks for a place that is not behind the free one, moves up.
        while let Some((key, _)) = &self.places[place] {
            let (wants, has) = (self.home(*key), self.places.len() - 1);
            if place.wrapping_sub(wants) & has >= place.wrapping_sub(free) & has {
                self.places.swap(free, place);
                free = place;
            }
            place = self.behind(place);
        }
        Some(value)
    }

    /// Drops the values for which `keep` says no.
    pub fn retain(&mut self, mut keep: impl FnMut(WheelId, &mut V) -> bool) {
        for (wheel, mut value) in std::mem::take(self) {
            if keep(wheel, &mut value) {
                self.insert(wheel, value);
            }
        }
    }

    /// Drops everything, and gives the memory back.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// How many values there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The wheels and their values.
    pub fn iter(&self) -> impl Iterator<Item = (WheelId, &V)> {
        self.places.iter().flatten().map(|(wheel, value)| (*wheel, value))
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// The values, to change.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.iter_mut().map(|(_, value)| value)
    }

    /// The wheels and their values, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (WheelId, &mut V)> {
        self.places.iter_mut().flatten().map(|(wheel, value)| (*wheel, value))
    }

    /// The place that a key asks for: with no places, none.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "usize has 64 bits, asserted in ids.rs")]
    fn home(&self, wheel: WheelId) -> usize {
        (wheel.0.to_word().wrapping_mul(SPREAD) >> self.shift) as usize
    }

    #[inline]
    const fn behind(&self, place: usize) -> usize {
        (place + 1) & (self.places.len() - 1)
    }

    fn place_of(&self, wheel: WheelId) -> Option<usize> {
        let place = self.home(wheel);
        self.places.get(place)?;
        let place = self.place_for(wheel);
        self.places[place].is_some().then_some(place)
    }

    /// Where the key is, or would be. There are places.
    fn place_for(&self, wheel: WheelId) -> usize {
        let mut place = self.home(wheel);
        while self.places[place].as_ref().is_some_and(|(key, _)| *key != wheel) {
            place = self.behind(place);
        }
        place
    }

    fn grow(&mut self) {
        let places = (self.places.len() * 2).max(FEWEST);
        let mut larger = Self {
            places: std::iter::repeat_with(|| None).take(places).collect(),
            len: self.len,
            shift: u64::BITS - places.ilog2(),
        };
        for entry in self.places.drain(..).flatten() {
            let place = larger.place_for(entry.0);
            larger.places[place] = Some(entry);
        }
        *self = larger;
    }
}

/// An odd number without a pattern, the golden ratio's: neighbours are spread over all places.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Places of the first table: many sessions have one wheel and no more.
const FEWEST: usize = 2;

/// To take everything out of a map that goes on: `std::mem::take(&mut map)`.
impl<V> IntoIterator for WheelMap<V> {
    type Item = (WheelId, V);
    type IntoIter = std::iter::Flatten<std::vec::IntoIter<Option<(WheelId, V)>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.places.into_iter().flatten()
    }
}

impl<V> Default for WheelMap<V> {
    fn default() -> Self {
        Self { places: Vec::new(), len: 0, shift: u64::BITS - 1 }
    }
}

impl<V: fmt::Debug> fmt::Debug for WheelMap<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests;

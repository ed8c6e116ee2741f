//! Which hosts hear each other.

use std::collections::BTreeSet;

use super::Place;

#[derive(Default)]
pub(crate) struct Links {
    /// Pairs that do not, the smaller number first.
    cut: BTreeSet<(Place, Place)>,
}

impl Links {
    pub(crate) fn cut(&mut self, one: Place, other: Place) {
        self.cut.insert(pair(one, other));
    }

    pub(crate) fn mend(&mut self, one: Place, other: Place) {
        self.cut.remove(&pair(one, other));
    }

    pub(super) fn are_cut(&self, one: Place, other: Place) -> bool {
        self.cut.contains(&pair(one, other))
    }
}

fn pair(one: Place, other: Place) -> (Place, Place) {
    (one.min(other), one.max(other))
}

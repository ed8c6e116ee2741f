//! The timers that follow the wall clock, and what time each is for.
//!
//! Never reads a clock: `kernel/timers.rs` has them moved when the wall clock was stepped.

use std::collections::HashMap;
use std::time::SystemTime;

use rustc_hash::FxBuildHasher;

#[derive(Debug, Default)]
pub(super) struct WallTimes {
    /// By the slots of timers. Few programs have any.
    times: HashMap<u32, SystemTime, FxBuildHasher>,
}

impl WallTimes {
    pub(super) fn follow(&mut self, slot: u32, time: SystemTime) {
        self.times.insert(slot, time);
    }

    #[inline]
    pub(super) fn forget(&mut self, slot: u32) {
        if !self.times.is_empty() {
            self.forget_one(slot);
        }
    }

    #[cold]
    fn forget_one(&mut self, slot: u32) {
        self.times.remove(&slot);
    }

    pub(super) fn time(&self, slot: u32) -> Option<SystemTime> {
        self.times.get(&slot).copied()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, SystemTime)> {
        self.times.iter().map(|(slot, time)| (*slot, *time))
    }
}

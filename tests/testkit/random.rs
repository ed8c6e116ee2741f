//! Chance that can be repeated: splitmix64.

/// Numbers that look random and are the same for the same seed.
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed in `SEED`, if it is a number.
    pub fn seed() -> Option<u64> {
        std::env::var("SEED").ok()?.parse().ok()
    }

    /// Of the seed in `SEED`, or of a fixed one. Prints it, for the output of a test that fails.
    pub fn from_environment() -> Self {
        let seed = Self::seed().unwrap_or(20_261);
        println!("SEED={seed}");
        Self(seed)
    }

    /// Another sequence.
    pub fn fork(&mut self) -> Self {
        Self(self.number())
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit
    }

    pub fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }
}

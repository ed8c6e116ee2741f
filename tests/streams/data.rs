//! Bytes and numbers that look random and are the same each time.

/// Numbers that look random and are the same each time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// From 1 to `most`.
    pub(crate) fn roll(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).expect("64 bits") % most + 1
    }
}

/// Bytes without end of which every stretch is different, and the place in them.
#[derive(Default)]
pub(crate) struct Noise {
    pub(crate) at: usize,
}

impl Noise {
    /// The next bytes: so many, or fewer.
    pub(crate) fn next(&mut self, most: usize) -> &'static [u8] {
        let block = block();
        let start = self.at % block.len();
        let bytes = &block[start..block.len().min(start + most)];
        self.at += bytes.len();
        bytes
    }

    /// Panics unless these are the next bytes.
    #[track_caller]
    pub(crate) fn check(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let at = self.at;
            let expected = self.next(bytes.len());
            let (these, rest) = bytes.split_at(expected.len());
            assert!(these == expected, "other bytes than expected, from {at} on");
            bytes = rest;
        }
    }
}

fn block() -> &'static [u8] {
    static BLOCK: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        (0..1_000_003).map(|_| u8::try_from(dice.roll(256) - 1).expect("a byte")).collect()
    });
    &BLOCK
}

/// So many bytes, not all alike.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut noise = Noise::default();
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        bytes.extend_from_slice(noise.next(len - bytes.len()));
    }
    bytes
}

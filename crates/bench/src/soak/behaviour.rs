//! What clients do: drawn by chance, the same for the same seed.

use std::fmt;

use fastrand::Rng;

/// What one client does, from its first byte to its last.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) behaviour: Behaviour,
    /// All that it sends.
    pub(super) bytes: Vec<u8>,
    /// Where it stops, until all that it has sent is back; the last is the end of `bytes`.
    pub(super) stops: Vec<usize>,
    /// Whether the last line has no end. Such a rest is an item to the server when the client ends, and
    /// comes back as a line.
    pub(super) has_rest: bool,
}

/// How a client behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// Has its lines said again, and closes.
    Normal,
    /// The same, but says that it ends and waits for the server to end too.
    Polite,
    /// Says all and that it ends, and then reads all.
    HalfClose,
    /// Has a receive buffer of a few KiB and takes a little now and then, all to the end.
    Slow,
    /// Resets the connection when so many bytes have come back.
    Reset(usize),
    /// Is gone in the middle of a line, with its answers unread.
    Gone,
    /// Is silent in the middle of a line, reads nothing, and is never heard of again.
    Vanished,
    /// Takes nothing of more than the system keeps for it, and is never heard of again.
    Stuck,
    /// Says nothing, and waits for the server to end.
    Silent,
}

impl Behaviour {
    /// Whether it stays until it is let go.
    pub(super) const fn stays(self) -> bool {
        matches!(self, Self::Vanished | Self::Stuck)
    }

    /// Whether all that it sends is to come back, byte by byte.
    pub(super) const fn is_exact(self) -> bool {
        matches!(self, Self::Normal | Self::Polite | Self::HalfClose | Self::Slow)
    }

    /// Whether its receive buffer is small.
    pub(super) const fn is_narrow(self) -> bool {
        matches!(self, Self::Slow | Self::Stuck)
    }
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal => "a normal client",
            Self::Polite => "a client that ends in order",
            Self::HalfClose => "a half-closed client",
            Self::Slow => "a slow reader",
            Self::Reset(_) => "a client that resets",
            Self::Gone => "a client that goes in the middle of a line",
            Self::Vanished => "a client that vanishes in the middle of a line",
            Self::Stuck => "a client that takes nothing",
            Self::Silent => "a silent client",
        })
    }
}

impl Script {
    /// The next client's.
    pub(super) fn draw(random: &mut Rng) -> Self {
        match random.u32(0..100) {
            0..40 => Self::of_lines(random, Behaviour::Normal),
            40..60 => Self::of_lines(random, Behaviour::Polite),
            60..72 => Self::half_close(random),
            72..76 => Self::bulk(random, Behaviour::Slow, 24 * 1024..96 * 1024),
            76..86 => Self::reset(random),
            86..90 => Self::half_line(random, Behaviour::Gone),
            90..93 => Self::half_line(random, Behaviour::Vanished),
            93..94 => Self::bulk(random, Behaviour::Stuck, 512 * 1024..1024 * 1024),
            _ => Self::without_a_word(Behaviour::Silent),
        }
    }

    fn of_lines(random: &mut Rng, behaviour: Behaviour) -> Self {
        let mut script = Self::without_a_word(behaviour);
        for _ in 0..random.usize(1..5) {
            for _ in 0..random.usize(1..9) {
                // One of fifty may be as long as many others together.
                let most = [200, 8000][usize::from(random.u32(0..50) == 0)];
                script.line(random, most);
            }
            script.stops.push(script.bytes.len());
        }
        script
    }

    const fn without_a_word(behaviour: Behaviour) -> Self {
        Self { behaviour, bytes: Vec::new(), stops: Vec::new(), has_rest: false }
    }

    fn half_close(random: &mut Rng) -> Self {
        let mut script = Self::of_lines(random, Behaviour::HalfClose);
        script.has_rest = random.bool();
        if script.has_rest {
            script.letters(random, 100);
        }
        script.at_once()
    }

    fn bulk(random: &mut Rng, behaviour: Behaviour, size: std::ops::Range<usize>) -> Self {
        let mut script = Self::of_lines(random, behaviour);
        let size = random.usize(size);
        while script.bytes.len() < size {
            script.line(random, 2000);
        }
        script.at_once()
    }

    fn reset(random: &mut Rng) -> Self {
        let mut script = Self::of_lines(random, Behaviour::Reset(0));
        script.behaviour = Behaviour::Reset(match random.u32(0..3) {
            // Some before the server has seen that they are there.
            0 => return Self::without_a_word(Behaviour::Reset(0)),
            1 => 0,
            _ => random.usize(0..=script.bytes.len()),
        });
        script.at_once()
    }

    fn half_line(random: &mut Rng, behaviour: Behaviour) -> Self {
        let mut script = Self::of_lines(random, behaviour);
        script.letters(random, 100);
        script.has_rest = true;
        script.at_once()
    }

    fn line(&mut self, random: &mut Rng, most: usize) {
        self.letters(random, most);
        self.bytes.push(b'\n');
    }

    /// One letter at least.
    fn letters(&mut self, random: &mut Rng, most: usize) {
        let letters = random.usize(1..most);
        let mut word = random.u64(..);
        for _ in 0..letters {
            // A cheap step between neighbours: they differ, and from one line to the next.
            word = word.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 1;
            self.bytes.push(b'a' + (word >> 60) as u8);
        }
    }

    /// Without a stop before the end.
    fn at_once(mut self) -> Self {
        self.stops = vec![self.bytes.len()];
        self
    }
}

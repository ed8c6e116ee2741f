//! The buffer that wheels read into.
//!
//! Owns one piece of memory for all wheels, so that an idle connection needs none. It holds one wheel's
//! bytes at a time: what is left of them when its turn is over, the wheel takes to itself.

use crate::config::SHARED_BUFFER;

/// The one buffer that all wheels read into, of 64 KiB: what was read, and room behind it. Got from
/// [`Io::shared_buffer`](crate::Io::shared_buffer).
pub struct SharedBuffer {
    bytes: Box<[u8; SHARED_BUFFER]>,
    start: usize,
    end: usize,
}

impl SharedBuffer {
    pub(crate) fn new() -> Self {
        let bytes = vec![0; SHARED_BUFFER].into_boxed_slice();
        let bytes = bytes.try_into().expect("it has this length");
        Self { bytes, start: 0, end: 0 }
    }

    /// What was read and not consumed yet.
    #[must_use]
    #[inline]
    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Whether everything that was read is consumed.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Forgets the first `count` bytes of [`filled`](Self::filled), or all if there are fewer.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    /// The first `count` bytes that were read into the empty buffer, which has so many: as
    /// [`filled`](Self::filled), which would have to look it up.
    ///
    /// # Panics
    ///
    /// The buffer is shorter than that.
    #[must_use]
    #[inline(always)]
    pub fn first(&self, count: usize) -> &[u8] {
        &self.bytes[..count]
    }

    /// Where to read to, behind what is filled. What it shows is left over from earlier reads.
    #[must_use]
    #[inline(always)]
    pub fn room(&mut self) -> &mut [u8] {
        if self.is_empty() {
            self.clear();
        } else if self.start > 0 {
            self.move_up();
        }
        &mut self.bytes[self.end..]
    }

    #[inline(never)]
    fn move_up(&mut self) {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
    }

    /// Appends bytes that were read earlier; says whether there was room for them.
    #[must_use]
    pub fn append(&mut self, bytes: &[u8]) -> bool {
        let Some(room) = self.room().get_mut(..bytes.len()) else { return false };
        room.copy_from_slice(bytes);
        self.fill(bytes.len());
        true
    }

    /// Says that `count` bytes were read into [`room`](Self::room), which has at least so many.
    #[inline]
    pub fn fill(&mut self, count: usize) {
        self.end = self.bytes.len().min(self.end + count);
    }

    /// Forgets everything.
    #[inline]
    pub const fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }
}

impl std::fmt::Debug for SharedBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SharedBuffer({}..{})", self.start, self.end)
    }
}

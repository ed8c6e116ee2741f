//! How much may wait to be sent.

/// The bound of a queue, in messages and in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

impl Limits {
    /// Whether a message of `length` may join `messages` of `bytes` in all. One may wait in any case.
    pub(super) const fn allow(self, messages: usize, bytes: usize, length: usize) -> bool {
        messages == 0 || (messages < self.messages && bytes.saturating_add(length) <= self.bytes)
    }
}

/// A burst of a thousand messages, and no more memory than a megabyte for one socket.
impl Default for Limits {
    fn default() -> Self {
        Self { messages: 1024, bytes: 1024 * 1024 }
    }
}

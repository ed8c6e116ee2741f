//! What becomes of an output as it is sent: its head, and the tail that moves up behind it.

use super::Output;

impl Output {
    /// What of the head is not sent.
    pub(super) fn unsent_head(&self) -> &[u8] {
        match &self.tail {
            None => &self.head,
            Some(tail) => &self.head[tail.sent..],
        }
    }

    /// Makes room for `n` bytes out of what has been sent, where that is worth it.
    ///
    /// A peer that reads steadily but never quite catches up would otherwise let the sent part grow
    /// for ever. Moving only when the sent part is at least as long as the rest charges each moved
    /// byte to one that was sent, and waiting until the capacity is used up keeps it rare.
    pub(super) fn reclaim_for(&mut self, n: usize) {
        let unsent = self.unsent_head().len();
        let sent = self.head.len() - unsent;
        if self.head.capacity() - self.head.len() < n && sent >= unsent {
            self.head.copy_within(sent.., 0);
            self.head.truncate(unsent);
            self.tail = None;
        }
    }

    /// Notes that `n` bytes more of the head are sent, which are not all.
    #[inline(never)]
    pub(super) fn advance_head(&mut self, n: usize) {
        if n > 0 {
            self.tail.get_or_insert_default().sent += n;
        }
    }

    /// Drops `n` bytes from the tail; `head` is empty. A copied run that comes to the front becomes
    /// the head, so that it can be appended to.
    pub(super) fn advance_tail(&mut self, mut n: usize) {
        while let Some(tail) = &mut self.tail {
            tail.sent = 0;
            let copied = tail.advance_linked(&mut n);
            if !tail.has_runs() {
                self.tail = None;
            }
            let Some(run) = copied else { return };
            self.fill_head(run);
            if n < self.head.len() {
                self.advance_head(n);
                return;
            }
            n -= self.head.len();
            self.head.clear();
        }
    }

    /// Makes `run` the content of the empty head. Of the two buffers the larger one survives: it
    /// may be a lent one, which its owner wants back, and each byte is copied here at most once.
    fn fill_head(&mut self, run: Vec<u8>) {
        if run.len() <= self.head.capacity() {
            self.head.extend_from_slice(&run);
        } else {
            self.head = run;
        }
    }
}

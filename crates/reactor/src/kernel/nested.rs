//! The kernel as a guest in somebody else's loop: what the loop waits for, and for how long.
//!
//! Never waits by itself: the outer loop does, and then has a turn run.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use super::Kernel;

impl Kernel {
    /// How long an outer loop may wait for the kernel's [descriptor](#impl-AsFd-for-Kernel) before it has
    /// to call [`run_one_turn`](Self::run_one_turn): zero if work waits, at most the time until the next timer, or
    /// `None` if nothing is awaited but descriptors, signals and other threads, all of which make the
    /// kernel's descriptor readable.
    ///
    /// To be asked right before each wait. A loop that counts in milliseconds rounds up: who comes early
    /// finds nothing to do. A kernel without sessions needs no more turns. On a virtual clock it is
    /// virtual time, which the outer loop moves.
    ///
    /// ```
    /// use std::net::UdpSocket;
    /// use std::time::Duration;
    /// use reactor::{Context, Kernel, States};
    /// use rustix::event::{PollFd, PollFlags, Timespec, poll};
    /// use rustix::io::retry_on_intr;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let mine = UdpSocket::bind("127.0.0.1:0")?;              // what the outer loop is about
    /// # mine.send_to(b"hello", mine.local_addr()?)?;
    /// let states = States::new()
    ///     .on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
    ///         cx.delay("tick", Duration::from_millis(2), ());
    ///     })
    ///     .on("tick", |_: &mut (), _: &mut Context<'_>, ()| ());
    /// let mut kernel = Kernel::new()?;
    /// kernel.spawn(&states, ());
    ///
    /// loop {
    ///     let timeout = kernel.next_timeout().and_then(|most| Timespec::try_from(most).ok());
    ///     let mut fds = [PollFd::new(&mine, PollFlags::IN), PollFd::new(&kernel, PollFlags::IN)];
    ///     retry_on_intr(|| poll(&mut fds, timeout.as_ref()))?;
    ///     if fds[0].revents().contains(PollFlags::IN) {
    ///         let mut bytes = [0; 1500];
    ///         mine.recv(&mut bytes)?;
    ///     }
    ///     if !kernel.run_one_turn(Duration::ZERO)? {
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn next_timeout(&self) -> Option<Duration> {
        // An edge-triggered outer loop is not told again of what the last turn had no room for.
        if self.has_work() || self.is_idle() || self.desk.poller.has_more() {
            return Some(Duration::ZERO);
        }
        let due = self.next_wake()?;
        Some(due.since(self.desk.clock.moment()))
    }
}

/// Readable when a descriptor that the kernel watches is ready, a signal came, or another thread posted.
///
/// To be waited for in an outer loop, level- or edge-triggered, and for nothing else: see
/// [`Kernel::next_timeout`].
impl AsFd for Kernel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.desk.poller.as_fd()
    }
}

/// As [`AsFd`], for loops that take a number, such as mio's by its `SourceFd`.
impl AsRawFd for Kernel {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

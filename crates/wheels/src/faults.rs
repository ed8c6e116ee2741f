//! Calls of the system that fail because a test wants it.
//!
//! Only with the feature `faults`, which no program should turn on. The wheels' calls pass the same door as
//! those of the [reactor](reactor::faults), which says all about it.
//!
//! The first read of this program fails, and its session is told so, once:
//!
//! ```
//! use bytes::Bytes;
//! use reactor::{Context, Kernel, States};
//! use wheels::faults::{self, Call, Fault};
//! use wheels::{Failure, Input, Operation, ReadWrite};
//! # use wheels::filter::Line;
//!
//! #[derive(Default)]
//! struct Talker { wheel: Option<ReadWrite<Line>>, failures: usize }
//!
//! let talker = States::new()
//!     .try_on("_start", |talker: &mut Talker, cx: &mut Context<'_>, ()| {
//!         let (socket, _peer) = std::os::unix::net::UnixStream::pair()?;
//!         let wheel = ReadWrite::builder(socket)
//!             .filter(Line::new())
//!             .build(cx, "got_line", "got_failure");
//!         talker.wheel = Some(wheel);
//!         faults::on_nth(Call::Recv, 0, Fault::Error(5)); // EIO
//!         Ok::<_, std::io::Error>(())
//!     })
//!     .on("got_line", |_: &mut Talker, _: &mut Context<'_>, _: Input<Bytes>| {})
//!     .on("got_failure", |talker: &mut Talker, _: &mut Context<'_>, failure: Failure| {
//!         assert_eq!((failure.operation, failure.errnum), (Operation::Read, 5));
//!         talker.failures += 1;
//!         talker.wheel = None;
//!     })
//!     .on_stop(|talker: &mut Talker, _: &mut Context<'_>, ()| assert_eq!(talker.failures, 1));
//! let mut kernel = Kernel::new()?;
//! kernel.spawn(&talker, Talker::default());
//! kernel.run()?;
//! assert_eq!(faults::pending(), 0);
//! # std::io::Result::Ok(())
//! ```

use std::io::IoSlice;

pub use reactor::faults::*;

/// What a call may move that has just passed the door.
pub(crate) trait Cut {
    fn cut(self) -> Self;
}

impl Cut for &[u8] {
    fn cut(self) -> Self {
        &self[..most(self.len())]
    }
}

impl Cut for &mut [u8] {
    fn cut(self) -> Self {
        let most = most(self.len());
        &mut self[..most]
    }
}

impl Cut for usize {
    fn cut(self) -> Self {
        most(self)
    }
}

/// Where several are sent at once: the first, if not all may be.
pub(crate) fn cut_runs<'a>(runs: &'a [IoSlice<'_>]) -> Option<&'a [u8]> {
    let len = runs.iter().map(|run| run.len()).sum();
    let first = runs.iter().find(|run| !run.is_empty())?;
    (most(len) < len).then(|| first[..].cut())
}

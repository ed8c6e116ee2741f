//! The way past this process: from one socket to another without a copy of the bytes.
//!
//! Owns a pipe of the system, one for all streams of a kernel, and whether a stream has so much to move that
//! the way is worth it. Promises that the pipe is empty between two events: what the sink does not take at
//! once is unsent as any other, and is counted, ordered and lost as such.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::{Rc, Weak};

use reactor::Io;

use crate::sys;

/// A pipe of the system.
#[derive(Debug)]
pub(super) struct Conduit {
    reader: OwnedFd,
    writer: OwnedFd,
    /// The process that made it: a forked one has the same pipe and must not use it.
    process: u32,
    /// How much is in it.
    held: Cell<usize>,
}

/// The way of one stream.
///
/// Two calls move 100 KiB as fast as one byte, but the byte is read and written faster. So a stream is read
/// as any other until a read fills the buffer.
#[derive(Debug)]
pub(super) struct Bypass {
    conduit: Rc<Conduit>,
    is_worth_it: Cell<bool>,
}

/// The pipe of a kernel, while any of its streams has a way.
#[derive(Default)]
struct Current(Weak<Conduit>);

impl Bypass {
    /// A way, if the system has a pipe to give, and a sink that is gone does not kill or signal the process.
    pub(super) fn new(io: &mut Io<'_>) -> Option<Self> {
        let Current(current) = io.shared_value();
        let ours = current.upgrade().filter(|conduit| conduit.process == std::process::id());
        let conduit = match ours {
            Some(conduit) => conduit,
            None if !sys::ignores_sigpipe() => return None,
            None => {
                let (reader, writer) = sys::pipe(MOST).ok()?;
                let process = std::process::id();
                let conduit = Rc::new(Conduit { reader, writer, process, held: Cell::new(0) });
                *current = Rc::downgrade(&conduit);
                conduit
            }
        };
        Some(Self { conduit, is_worth_it: Cell::new(false) })
    }

    /// Whether to go this way.
    pub(super) fn is_worth_it(&self) -> bool {
        // One stream's bytes must never be another's, whatever went wrong.
        self.is_worth_it.get()
            && self.conduit.held.get() == 0
            && self.conduit.process == std::process::id()
    }

    /// A read filled the buffer: there is more.
    pub(super) fn note_filled(&self) {
        self.is_worth_it.set(true);
    }

    /// Takes what there is, and at most so much, from a socket into the pipe.
    pub(super) fn take(&self, socket: impl AsFd, most: usize) -> io::Result<usize> {
        let count = sys::splice_in(socket, &self.conduit.writer, most.min(MOST))?;
        self.conduit.held.set(count);
        self.is_worth_it.set(count >= LITTLE);
        Ok(count)
    }

    pub(super) fn conduit(&self) -> &Conduit {
        &self.conduit
    }
}

impl Conduit {
    /// Gives a socket what is in the pipe, which is so much; says how much it took.
    pub(super) fn give(&self, socket: impl AsFd, count: usize) -> io::Result<usize> {
        let count = sys::splice_out(&self.reader, socket, count)?;
        self.held.update(|held| held - count);
        Ok(count)
    }

    /// Reads what is in the pipe.
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = sys::read_pipe(&self.reader, buffer)?;
        self.held.update(|held| held - count);
        Ok(count)
    }
}

/// The room of the pipe: as much as anybody may ask for, and nothing as long as it is empty.
const MOST: usize = 1 << 20;

/// So little is not worth the way.
const LITTLE: usize = 16 * 1024;

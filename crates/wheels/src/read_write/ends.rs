//! What a stream reads from and what it writes to: one descriptor, or two.
//!
//! Owns the descriptors, and closes each when all that it is for is over. Knows no filter and no session.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};

use reactor::{Io, WatchId, Watched};

use crate::descriptor::Descriptor;
use crate::sys::{self, errno};

#[derive(Debug)]
pub(super) enum Ends {
    One(Descriptor),
    Two(Box<Two>),
}

#[derive(Debug)]
pub(super) struct Two {
    /// Absent when it was closed.
    input: Option<Descriptor>,
    output: Option<Descriptor>,
    /// The watch of the output.
    watch: Option<WatchId>,
}

impl Ends {
    pub(super) fn new(input: Descriptor, output: Option<Descriptor>) -> Self {
        match output {
            None => Self::One(input),
            output @ Some(_) => {
                Self::Two(Box::new(Two { input: Some(input), output, watch: None }))
            }
        }
    }

    /// Watches them; says how the one for reading is watched.
    pub(super) fn watch(&mut self, io: &mut Io<'_>) -> io::Result<Watched> {
        match self {
            Self::One(both) => sys::watch(io, both),
            Self::Two(two) => {
                if let Some(output) = &two.output {
                    two.watch = Some(sys::watch_also(io, output)?.0);
                }
                two.input.as_ref().map_or(Ok(Watched::WhenReady), |input| sys::watch(io, input))
            }
        }
    }

    /// Whether what comes may be taken without being read.
    pub(super) fn splices_in(&self) -> bool {
        match self {
            Self::One(both) => both.splices(),
            Self::Two(two) => two.input.as_ref().is_some_and(Descriptor::splices),
        }
    }

    /// Whether it may be given what nobody has read.
    pub(super) fn splices_out(&self) -> bool {
        match self {
            Self::One(both) => both.splices(),
            Self::Two(two) => two.output.as_ref().is_some_and(Descriptor::splices),
        }
    }

    /// What there is of them.
    pub(super) fn into_parts(self) -> (Option<Descriptor>, Option<Descriptor>) {
        match self {
            Self::One(both) => (Some(both), None),
            Self::Two(two) => (two.input, two.output),
        }
    }

    /// Whether the watch is that of the descriptor for writing alone.
    pub(super) fn is_output(&self, watch: &WatchId) -> bool {
        matches!(self, Self::Two(two) if two.watch.as_ref() == Some(watch))
    }

    /// What is read, while it is.
    pub(super) fn input(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::One(both) => Some(both.as_fd()),
            Self::Two(two) => two.input.as_ref().map(AsFd::as_fd),
        }
    }

    /// What is written to, while it is.
    pub(super) fn output(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::One(both) => Some(both.as_fd()),
            Self::Two(two) => two.output.as_ref().map(AsFd::as_fd),
        }
    }

    /// Whether what is read was opened for reading.
    pub(super) fn is_readable(&self) -> bool {
        match self {
            Self::One(both) => both.is_readable(),
            Self::Two(_) => true,
        }
    }

    /// Whether the other end can be told of an end in one direction, and to wait for its own.
    pub(super) fn ends_by_halves(&self) -> bool {
        match self {
            Self::One(both) => both.ends_by_halves(),
            // A program ends when it has read all, and wants to say its last words. A person does not.
            Self::Two(two) => two.input.as_ref().is_some_and(|input| !input.is_terminal()),
        }
    }

    /// Whether a short write means that no more is taken for now.
    #[inline]
    pub(super) fn takes_when_drained(&self) -> bool {
        match self {
            Self::One(both) => both.tells_when_drained(),
            Self::Two(two) => two.output.as_ref().is_some_and(Descriptor::tells_when_drained),
        }
    }

    /// What is read, or the system's word for that it is closed.
    #[inline]
    pub(super) fn reader(&self) -> io::Result<&Descriptor> {
        match self {
            Self::One(both) => Ok(both),
            Self::Two(two) => there(two.input.as_ref()),
        }
    }

    #[inline(always)]
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::One(both) => both.write(bytes),
            Self::Two(two) => there(two.output.as_ref())?.write(bytes),
        }
    }

    pub(super) fn write_vectored(&self, runs: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::One(both) => both.write_vectored(runs),
            Self::Two(two) => there(two.output.as_ref())?.write_vectored(runs),
        }
    }

    /// Tells the other end that no more comes. What is not a socket is closed, if nothing is read from it.
    pub(super) fn shut_output(&mut self, io: &mut Io<'_>) -> io::Result<()> {
        match self {
            Self::One(one) if !one.is_readable() => self.close_one(io),
            Self::One(both) => both.shutdown_write(),
            Self::Two(two) => {
                if let Some(watch) = two.watch.take() {
                    io.unwatch_also(watch);
                }
                two.output.take().map_or(Ok(()), |output| output.shutdown_write())
            }
        }
    }

    /// Has closing tell the other end that something is lost, where there is a way to. If the system refuses,
    /// it is closed all the same.
    pub(super) fn reset_on_close(&self) {
        let output = match self {
            Self::One(both) => Some(both),
            Self::Two(two) => two.output.as_ref(),
        };
        let _refused = output.map(Descriptor::reset_on_close);
    }

    /// Tells the system that what still comes is not wanted. What is not a socket is closed, if nothing is
    /// written to it.
    pub(super) fn shut_input(&mut self, io: &mut Io<'_>) -> io::Result<()> {
        match self {
            Self::One(one) if !one.is_writable() => self.close_one(io),
            Self::One(both) => both.shutdown_read(),
            Self::Two(two) => {
                io.unwatch();
                two.input.take().map_or(Ok(()), |input| input.shutdown_read())
            }
        }
    }

    /// The one descriptor was for one direction, which is over.
    fn close_one(&mut self, io: &mut Io<'_>) -> io::Result<()> {
        io.unwatch();
        *self = Self::Two(Box::new(Two { input: None, output: None, watch: None }));
        Ok(())
    }
}

fn there(descriptor: Option<&Descriptor>) -> io::Result<&Descriptor> {
    descriptor.ok_or_else(|| io::Error::from_raw_os_error(errno::BADF))
}

//! The system's signals as something that can be polled.
//!
//! Owns a flag for each watched signal and one pipe for all of them. The system's handler raises the
//! flag and then writes a byte; the poller sees the pipe readable, and the raised flags are collected
//! here. Raised several times before it is collected, a signal is reported once. Never touches a signal
//! that nobody asked for, and puts the default action back when nobody asks any more.
//!
//! **Nothing is lost between a check and a wait.** The handler raises the flag *before* it writes; the
//! reader empties the pipe *before* it takes the flags down. So a flag that the reader came too early
//! for has its byte behind what was read, and that byte makes the pipe readable anew. A byte that does
//! not fit finds a full pipe: it has not been read yet, and the flags are looked at after that.

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::raw::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::Interest;
use mio::unix::pipe::{self, Receiver};
use signal_hook::{SigId, flag, low_level};

use super::disposition;
use crate::poller::Poller;
use crate::sys::may_fail;
use crate::token;

/// Drop puts back the default actions of what this kernel alone watched. What had come and was not
/// collected is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// Made when the first signal is watched.
    pipe: Option<Pipe>,
    taken: Vec<Taken>,
    /// Signals that had come and were not collected when they were let go.
    left: Vec<c_int>,
}

#[derive(Debug)]
struct Pipe {
    receiver: Receiver,
    /// What the handlers' own are copied from.
    sender: OwnedFd,
}

/// A signal that is taken over from the system.
#[derive(Debug)]
struct Taken {
    number: c_int,
    /// How many of this kernel's tables asked for it.
    users: u32,
    came: Arc<AtomicBool>,
    raise: SigId,
    wake: SigId,
}

/// A pipe for the child of a fork, written to beside the other until it is known whose it is.
#[derive(Debug)]
pub(crate) struct Twin {
    pipe: Option<Pipe>,
    /// In the order of `taken`.
    wakes: Vec<SigId>,
}

impl Source {
    /// Takes a signal of the system over. Each call is to be undone by one of [`remove`](Self::remove).
    pub(crate) fn add(&mut self, poller: &Poller, number: c_int) -> io::Result<()> {
        if let Some(taken) = self.taken.iter_mut().find(|taken| taken.number == number) {
            taken.users += 1;
            return Ok(());
        }
        #[cfg(feature = "simulation")]
        if poller.is_simulated() {
            return Ok(());
        }
        let pipe = match &mut self.pipe {
            Some(pipe) => pipe,
            none => none.insert(Pipe::new(poller)?),
        };
        disposition::prepare(number);
        let came = Arc::new(AtomicBool::new(false));
        let wake = pipe.sender()?;
        let raise = raise(number, &came)?;
        let wake = wake_by(number, wake).inspect_err(|_| {
            low_level::unregister(raise);
        })?;
        // Only now, so that one that comes meanwhile is either seen to by the system or by us.
        disposition::watch(number);
        self.taken.push(Taken { number, users: 1, came, raise, wake });
        Ok(())
    }

    /// Undoes an [`add`](Self::add). After the last, the signal does what it does when nobody watches;
    /// if it had come already it is still reported, once.
    pub(crate) fn remove(&mut self, number: c_int) {
        let place = self.taken.iter().position(|taken| taken.number == number);
        // In a simulated kernel none is.
        let simulated = cfg!(feature = "simulation");
        debug_assert!(place.is_some() || simulated, "signal {number} was not taken over");
        let Some(place) = place else { return };
        self.taken[place].users -= 1;
        if self.taken[place].users == 0 && self.taken.swap_remove(place).let_go() {
            self.left.push(number);
        }
    }

    /// The signals that came since the last call, each once.
    pub(crate) fn pending(&mut self) -> Vec<c_int> {
        if let Some(pipe) = &mut self.pipe {
            pipe.empty();
        }
        let mut came = std::mem::take(&mut self.left);
        let raised = self.taken.iter().filter(|taken| taken.came.swap(false, Ordering::SeqCst));
        came.extend(raised.map(|taken| taken.number));
        came
    }

    /// Makes what the child of a fork will poll instead of this. All that can fail is done here.
    pub(crate) fn twin(&self, poller: &Poller) -> io::Result<Twin> {
        let mut twin = Twin { pipe: None, wakes: Vec::new() };
        if self.pipe.is_none() {
            return Ok(twin);
        }
        let pipe = twin.pipe.insert(Pipe::new(poller)?);
        for taken in &self.taken {
            twin.wakes.push(wake_by(taken.number, pipe.sender()?)?);
        }
        Ok(twin)
    }

    /// This is the child: what the parent has is let go, unread, and what came to it is not ours.
    ///
    /// To be called while no signal is handled.
    pub(crate) fn become_twin(&mut self, mut twin: Twin) {
        self.pipe = twin.pipe.take();
        for (taken, wake) in self.taken.iter_mut().zip(std::mem::take(&mut twin.wakes)) {
            low_level::unregister(std::mem::replace(&mut taken.wake, wake));
            taken.came.store(false, Ordering::SeqCst);
        }
        self.left.clear();
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        for taken in self.taken.drain(..) {
            taken.let_go();
        }
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        for wake in self.wakes.drain(..) {
            low_level::unregister(wake);
        }
    }
}

impl Taken {
    /// Gives the signal back; says whether it had come.
    fn let_go(self) -> bool {
        // First, so that one that comes meanwhile is either seen to by the system or reported by us.
        disposition::unwatch(self.number);
        low_level::unregister(self.raise);
        low_level::unregister(self.wake);
        self.came.load(Ordering::SeqCst)
    }
}

impl Pipe {
    fn new(poller: &Poller) -> io::Result<Self> {
        // Both ends do not block and are closed on exec from the first.
        may_fail!(Pipe);
        let (sender, mut receiver) = pipe::new()?;
        poller.watch_source(&mut receiver, token::SIGNALS, Interest::READABLE)?;
        Ok(Self { receiver, sender: sender.into() })
    }

    /// An end for one handler, which owns what it writes to.
    fn sender(&self) -> io::Result<OwnedFd> {
        may_fail!(Dup);
        self.sender.as_fd().try_clone_to_owned()
    }

    /// Reads what there is. A read that comes back short has emptied the pipe, as an error has: so no
    /// signal that keeps coming can hold the loop here.
    fn empty(&mut self) {
        let mut bytes = [0; 512];
        while matches!(self.read(&mut bytes), Ok(count) if count == bytes.len()) {}
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        may_fail!(Recv);
        self.receiver.read(bytes)
    }
}

/// Has the system's handler raise a flag.
fn raise(number: c_int, came: &Arc<AtomicBool>) -> io::Result<SigId> {
    may_fail!(SigAction);
    flag::register(number, Arc::clone(came))
}

/// Has the system's handler write to a pipe.
fn wake_by(number: c_int, sender: OwnedFd) -> io::Result<SigId> {
    may_fail!(SigAction);
    low_level::pipe::register(number, sender)
}

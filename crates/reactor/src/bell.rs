//! What wakes the loop from another thread.
//!
//! Owns the waker and one flag. Promises that whoever puts something where the loop looks, and rings
//! afterwards, is heard, and that the system is asked once for all who ring before the loop answers.
//! Never knows what was put where: `remote.rs` and `pool/` do.
//!
//! Why nothing is lost: a sender *puts*, then swaps the flag to `true`. The loop swaps it to `false`,
//! then *looks*, until there is nothing. The swaps of one flag have an order. A sender's that comes before
//! the loop's is seen by it, and with it what was put: looking finds it. A sender's that comes after
//! finds `false`, or comes after another sender's that did: one of them wakes the loop, which answers and
//! looks again. Both are read-modify-writes with acquire and release; a plain store by the loop would
//! not see the sender's.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use mio::Waker;

use crate::poller::Poller;
use crate::sys::may_fail;
use crate::token;

/// The end that is rung, from any thread.
#[derive(Debug)]
pub(crate) struct Bell {
    /// Whether somebody rang whom the loop has not answered: the system has been asked then.
    rung: AtomicBool,
    waker: Waker,
    /// What is rung instead in a forked child, because this waker is its parent's.
    successor: OnceLock<Arc<Self>>,
}

impl Bell {
    fn new(poller: &Poller) -> io::Result<Arc<Self>> {
        let waker = poller.waker(token::REMOTE)?;
        Ok(Arc::new(Self { rung: AtomicBool::new(false), waker, successor: OnceLock::new() }))
    }

    /// Has the loop look. To be called after what it shall find was put there.
    pub(crate) fn ring(&self) {
        if let Some(successor) = self.successor.get() {
            return successor.ring();
        }
        if self.rung.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Err(error) = self.wake() {
            // Who rings next tries again.
            self.rung.store(false, Ordering::Release);
            log::error!(target: "reactor::events", "cannot wake the loop: {error}");
        }
    }

    fn wake(&self) -> io::Result<()> {
        may_fail!(Wake);
        self.waker.wake()
    }
}

/// The loop's end, made when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct Doorbell(Option<Arc<Bell>>);

impl Doorbell {
    pub(crate) fn bell(&mut self, poller: &Poller) -> io::Result<Arc<Bell>> {
        let bell = match self.0.take() {
            Some(bell) => bell,
            None => Bell::new(poller)?,
        };
        self.0 = Some(Arc::clone(&bell));
        Ok(bell)
    }

    /// The loop is about to look: whoever rings from now on wakes it again.
    pub(crate) fn answer(&self) {
        if let Some(bell) = &self.0 {
            bell.rung.swap(false, Ordering::AcqRel);
        }
    }

    /// Makes the bell of a child that is about to be forked, if there is one here.
    pub(crate) fn twin(&self, poller: &Poller) -> io::Result<Option<Arc<Bell>>> {
        self.0.as_ref().map(|_| Bell::new(poller)).transpose()
    }

    /// This is the child: everyone who has its parent's bell rings this one.
    pub(crate) fn become_twin(&mut self, twin: Option<Arc<Bell>>) {
        if let (Some(parents), Some(own)) = (&self.0, twin) {
            let set = parents.successor.set(Arc::clone(&own));
            debug_assert!(set.is_ok(), "the loop's own bell is the last of its line");
            self.0 = Some(own);
        }
    }
}

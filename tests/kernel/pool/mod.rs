//! Closures run off the loop: what comes back, when they begin, what ends them.

mod abandoned;
mod results;
mod threads;
mod wheels;

use std::sync::mpsc::{Receiver, Sender, channel};

/// Where a job waits until the test opens it or lets go of it.
pub struct Gate {
    pub open: Sender<()>,
    closed: Option<Receiver<()>>,
}

impl Gate {
    pub fn new() -> Self {
        let (open, closed) = channel();
        Self { open, closed: Some(closed) }
    }

    /// A job that waits here and then returns `value`.
    pub fn job<R: Send + 'static>(&mut self, value: R) -> impl FnOnce() -> R + Send + 'static {
        let closed = self.closed.take().expect("a gate is for one job");
        move || {
            // An error says that the test let go of it.
            let _opened = closed.recv();
            value
        }
    }
}

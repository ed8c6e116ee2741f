//! A kernel whose descriptors are simulated.
//!
//! Only with the feature `simulation`, which is for tests. What such a kernel waits on is a [`Network`]
//! that somebody gives it, and not the system: who has the network decides what is ready when, and in
//! which order. The kernel's clock is as a rule a [virtual one](crate::Clock::virtual_time) that several
//! kernels share.
//!
//! In a simulated kernel
//!
//! - a descriptor that the network does not know is watched by the system as ever;
//! - jobs ([`Context::run_blocking`](crate::Context::run_blocking)) run at once, in the loop's own thread;
//! - the system's signals are not watched. What is sent with [`Kernel::signal`](crate::Kernel::signal)
//!   arrives.
//!
//! ```
//! use std::os::fd::RawFd;
//! use std::rc::Rc;
//! use reactor::simulation::{Network, Notice};
//! use reactor::{Clock, Kernel};
//!
//! struct Silence;
//!
//! impl Network for Silence {
//!     fn watch(&self, _: RawFd, _: usize) -> bool {
//!         false
//!     }
//!
//!     fn forget(&self, _: RawFd) -> bool {
//!         false
//!     }
//!
//!     fn notices(&self, _: &mut Vec<Notice>) {}
//! }
//!
//! # fn main() -> std::io::Result<()> {
//! let clock = Clock::virtual_time();
//! let mut kernel = Kernel::builder().clock(clock).network(Rc::new(Silence)).build()?;
//! kernel.run()
//! # }
//! ```

use std::fmt;
use std::os::fd::RawFd;
use std::rc::Rc;

use crate::wheel::Readiness;

/// What a simulated kernel waits on.
pub trait Network {
    /// Tells from now on what this descriptor is ready for, as edge-triggered epoll(7) does: at once if it
    /// is ready for something, and whenever it becomes so. `false` of a descriptor that is not the network's.
    fn watch(&self, fd: RawFd, token: usize) -> bool;

    /// Tells of it no more. `false` of a descriptor that is not watched here.
    fn forget(&self, fd: RawFd) -> bool;

    /// What has become ready since the last call, in the order in which it is to be served.
    fn notices(&self, notices: &mut Vec<Notice>);
}

/// A descriptor has become ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Notice {
    /// What the descriptor was watched with.
    pub token: usize,
    /// What it is ready for.
    pub readiness: Readiness,
}

/// A kernel's end of it.
#[derive(Default)]
pub(crate) struct Simulated {
    network: Option<Rc<dyn Network>>,
    notices: Vec<Notice>,
}

impl Simulated {
    pub(crate) fn by(network: Rc<dyn Network>) -> Self {
        Self { network: Some(network), notices: Vec::new() }
    }

    pub(crate) const fn is_on(&self) -> bool {
        self.network.is_some()
    }

    pub(crate) fn watch(&self, fd: RawFd, token: usize) -> bool {
        self.network.as_ref().is_some_and(|network| network.watch(fd, token))
    }

    pub(crate) fn forget(&self, fd: RawFd) -> bool {
        self.network.as_ref().is_some_and(|network| network.forget(fd))
    }

    /// Learns what is ready.
    pub(crate) fn ask(&mut self) {
        if let Some(network) = &self.network {
            network.notices(&mut self.notices);
        }
    }

    pub(crate) const fn has_notices(&self) -> bool {
        !self.notices.is_empty()
    }

    pub(crate) fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    pub(crate) fn return_notices(&mut self, mut notices: Vec<Notice>) {
        notices.clear();
        self.notices = notices;
    }
}

impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Simulated({})", self.is_on())
    }
}

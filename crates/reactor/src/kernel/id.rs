//! The name of a kernel.

use std::fmt;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::sys::process::{host, seconds};

/// What no two kernels have in common.
#[derive(Debug)]
pub(super) struct KernelId {
    seconds: u64,
    process: u32,
    /// Which of the kernels of this process.
    count: u32,
}

impl KernelId {
    pub(super) fn new() -> Self {
        let count = KERNELS.fetch_add(1, Ordering::Relaxed);
        Self { seconds: seconds(), process: process::id(), count }
    }
}

impl fmt::Display for KernelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:x}-{:x}-{:x}", host(), self.seconds, self.process, self.count)
    }
}

static KERNELS: AtomicU32 = AtomicU32::new(0);

//! What the system does with a signal that no kernel of this process watches.
//!
//! Owns what belongs to the process and not to a kernel: how many kernels watch each signal. Promises
//! that a signal's default action is off exactly while somebody watches it, whatever threads the kernels
//! run in. signal-hook never puts the system's own handling back once it has taken a signal over, so
//! the default action is taken by its handler then, which looks at a flag that is kept here.
//!
//! A signal that was ignored or handled when it was first watched is left alone again, not given the
//! default action: `nohup` keeps its promise, and so does a handler from before us. `PIPE` is always
//! ignored, as Rust programs and POE have it. Never knows who watches: `source.rs` does.

use std::io;
use std::os::raw::c_int;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use signal_hook::consts::SIGPIPE;
use signal_hook::{flag, low_level};

use crate::sys::process;

/// One signal, as the process has it.
struct Disposition {
    /// How many kernels watch it, or `CHANGING`.
    watching: AtomicU32,
    /// Whether the handler takes the default action: exactly while nobody watches, if it `restores` it.
    acts: AtomicBool,
    /// Whether it had its default action before it was watched for the first time.
    restores: OnceLock<bool>,
}

/// To be called before a signal is taken over: its default action stays on until [`watch`].
pub(super) fn prepare(number: c_int) {
    let Some(signal) = of(number) else { return };
    signal.restores.get_or_init(|| {
        if number == SIGPIPE || !process::has_default_action(number) {
            return false;
        }
        signal.acts.store(true, Ordering::SeqCst);
        // It fails for a number that is not a signal's, and then nobody can watch that either.
        flag::register_conditional_default(number, &signal.acts).is_ok()
    });
}

/// One kernel more watches a signal.
pub(super) fn watch(number: c_int) {
    if let Some(signal) = of(number) {
        signal.change(|watching| watching + 1);
    }
}

/// One kernel fewer watches a signal.
pub(super) fn unwatch(number: c_int) {
    if let Some(signal) = of(number) {
        signal.change(|watching| watching - 1);
    }
}

/// Does with a signal that came for a watcher who is gone what is done with it when nobody watches.
pub(super) fn act(number: c_int) -> io::Result<()> {
    match of(number).and_then(|signal| signal.restores.get()) {
        Some(true) => low_level::emulate_default_handler(number),
        Some(false) | None => Ok(()),
    }
}

impl Disposition {
    const fn new() -> Self {
        let (watching, acts) = (AtomicU32::new(0), AtomicBool::new(false));
        Self { watching, acts, restores: OnceLock::new() }
    }

    /// Counts, and switches the default action when the first comes or the last goes.
    ///
    /// The two go together: were the flag set after the count, a kernel that begins to watch just when
    /// another ends would find the default action on again. So the count says `CHANGING` meanwhile, for
    /// the time of two stores, and whoever else counts in this moment waits.
    fn change(&self, counted: impl Fn(u32) -> u32) {
        loop {
            let before = self.watching.load(Ordering::SeqCst);
            let swap = |to| self.watching.compare_exchange(before, to, SEQ, SEQ).is_ok();
            if before == CHANGING || !swap(CHANGING) {
                thread::yield_now();
                continue;
            }
            let after = counted(before);
            let restores = self.restores.get().copied().unwrap_or(false);
            self.acts.store(restores && after == 0, Ordering::SeqCst);
            self.watching.store(after, Ordering::SeqCst);
            return;
        }
    }
}

fn of(number: c_int) -> Option<&'static Disposition> {
    usize::try_from(number).ok().and_then(|number| SIGNALS.get(number))
}

/// By number; Linux counts to 64.
static SIGNALS: [Disposition; 65] = [const { Disposition::new() }; 65];

const CHANGING: u32 = u32::MAX;
/// Next to what a signal costs, the order of memory costs nothing.
const SEQ: Ordering = Ordering::SeqCst;

#[cfg(test)]
mod tests;

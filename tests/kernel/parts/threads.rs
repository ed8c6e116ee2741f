//! What tests with several threads are made of.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reactor::Clock;
use testkit::story::Stage;

/// A stage on the system's clock: other threads do not wait for a virtual one.
pub fn real_stage() -> Stage {
    Stage::with(|builder| builder.clock(Clock::system()))
}

/// Runs until something was told, and returns it.
pub fn told(stage: &mut Stage) -> Vec<String> {
    loop {
        let lines = stage.story.take();
        if !lines.is_empty() {
            return lines;
        }
        stage.kernel.run_one_turn(Duration::MAX).expect("a turn");
    }
}

/// Counts how many of its kind were dropped.
#[derive(Clone, Default)]
pub struct Drops(Arc<AtomicUsize>);

impl Drops {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Counts one when it is dropped.
    pub fn one(&self) -> Counted {
        Counted(self.clone())
    }
}

pub struct Counted(Drops);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }
}

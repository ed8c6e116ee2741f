//! The end of a kernel: it is dropped, and all that programs gave it.
//!
//! Promises that nothing stays because something else panicked when it was dropped: states, wheels and payloads
//! go one by one. The first panic goes on when all of them are gone, but not if the thread unwinds already.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use super::Kernel;

impl Drop for Kernel {
    fn drop(&mut self) {
        // Handles and postbacks may be held longer than the kernel.
        let posts = self.outbox.close();
        self.clear_seat();
        let mut panics = Panics::default();
        panics.of_each(posts);
        for session in self.sessions.ids() {
            panics.of(|| drop(self.sessions.end(session)));
        }
        for cell in self.wheels.cells() {
            panics.of(|| self.wheels.empty(&*cell));
        }
        panics.of_each(self.desk.timers.remove_all());
        let (events, signals) = self.desk.queue.take();
        panics.of_each(events);
        panics.of_each(signals);
        panics.of_each(std::mem::take(&mut self.late).into_iter().flat_map(|late| late.notices));
        panics.of_each(std::mem::take(&mut self.changes));
        panics.go_on();
    }
}

/// What panicked, of many things that are dropped.
#[derive(Default)]
struct Panics {
    first: Option<Box<dyn Any + Send>>,
}

impl Panics {
    fn of(&mut self, run: impl FnOnce()) {
        let mut panic = catch_unwind(AssertUnwindSafe(run)).err();
        if self.first.is_none() {
            self.first = panic.take();
        }
        // What a panic leaves behind may panic as well.
        while let Some(left) = panic {
            panic = catch_unwind(AssertUnwindSafe(|| drop(left))).err();
        }
    }

    fn of_each<T>(&mut self, things: impl IntoIterator<Item = T>) {
        for thing in things {
            self.of(|| drop(thing));
        }
    }

    fn go_on(mut self) {
        let Some(first) = self.first.take() else { return };
        if thread::panicking() {
            self.of(|| drop(first));
        } else {
            resume_unwind(first);
        }
    }
}

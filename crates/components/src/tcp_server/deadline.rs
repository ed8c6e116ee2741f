//! A time by which a server has to be gone.
//!
//! Unlike a timer it does not keep its session alive: a server that is done before ends before.

use std::time::Duration;

use reactor::{Bound, Context, Handle, Io, Readiness, Symbol, Wheel};

/// Tells its session once, if that is still there then.
#[derive(Debug)]
pub(super) struct Deadline {
    event: Symbol,
}

impl Deadline {
    pub(super) fn set(cx: &mut Context<'_>, within: Duration, event: Symbol) -> Handle<Self> {
        cx.add_wheel(|io| {
            // Too far away to be reached is never.
            if let Some(due) = io.now().checked_add(within) {
                io.wake_at(due);
            }
            io.release_session();
            Self { event }
        })
    }
}

impl Wheel for Deadline {
    type Event = (Bound<()>, ());

    fn ready(&mut self, _: Readiness) {}

    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        if io.is_waiting() {
            return None;
        }
        io.close();
        Some((Bound::new(io.session(), self.event), ()))
    }
}

//! What a callback is lent, and what happens if it fails with it.
//!
//! Promises that what a callback asked for, and what is due when it has returned, is done though it panics or
//! gives an error: if the session lives on, an event sees to it. Never calls the user by itself.

use reactor::Context;
use wheels::filter::Filter;

use super::Server;
use super::events;
use super::link::Link;

/// Lends the server while `call` runs.
#[inline]
pub(super) fn lend<F: Filter, R, E>(
    link: &mut Link<F>,
    cx: &mut Context<'_>,
    call: impl FnOnce(&mut Server<'_, F>) -> Result<R, E>,
) -> Result<R, E> {
    let mut lent = Lent { server: Server { link, cx: cx.reborrow() }, done: false };
    let result = call(&mut lent.server);
    lent.done = result.is_ok();
    result
}

struct Lent<'a, F: Filter> {
    server: Server<'a, F>,
    /// It has returned, and no error.
    done: bool,
}

impl<F: Filter> Drop for Lent<'_, F> {
    #[inline]
    fn drop(&mut self) {
        if !self.done {
            self.server.cx.yield_(events::SETTLE, ());
        }
    }
}

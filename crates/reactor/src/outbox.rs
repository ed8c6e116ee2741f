//! What reaches the kernel without a context.
//!
//! A handle or a postback is dropped, a postback is called, or a wheel woken, anywhere: in a handler, in a
//! closure that knows nothing of the kernel, between two turns. All it can do is to leave a note here. The kernel reads
//! the notes when a handler has returned, and before it puts something else in order.

use std::cell::Cell;
use std::fmt;

use crate::ids::{SessionId, WheelId};
use crate::name::Symbol;
use crate::payload::Payload;

/// The notes, shared by the kernel with every wheel's cell and every postback.
#[derive(Default)]
pub(crate) struct Outbox {
    /// Whether there is a note of any kind: what is asked after each event.
    any: Cell<bool>,
    dropped: Cell<Vec<WheelId>>,
    woken: Cell<Vec<WheelId>>,
    posts: Cell<Vec<Post>>,
    released: Cell<Vec<SessionId>>,
    /// The kernel is gone: nobody reads any more.
    closed: Cell<bool>,
}

/// What a postback was called with.
pub(crate) struct Post {
    pub(crate) to: SessionId,
    pub(crate) symbol: Symbol,
    pub(crate) payload: Payload,
}

impl Outbox {
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.get()
    }

    /// A wheel's handle was dropped.
    pub(crate) fn drop_wheel(&self, id: WheelId) {
        self.push(&self.dropped, id);
    }

    /// A wheel is to be asked again.
    pub(crate) fn wake_wheel(&self, id: WheelId) {
        self.push(&self.woken, id);
    }

    /// A postback was called.
    pub(crate) fn post(&self, post: Post) {
        self.push(&self.posts, post);
    }

    /// A postback was dropped: it holds its session no more.
    pub(crate) fn release(&self, session: SessionId) {
        self.push(&self.released, session);
    }

    pub(crate) fn take_posts(&self) -> Vec<Post> {
        self.posts.take()
    }

    pub(crate) fn take_dropped(&self) -> Vec<WheelId> {
        self.dropped.take()
    }

    pub(crate) fn take_woken(&self) -> Vec<WheelId> {
        self.woken.take()
    }

    pub(crate) fn take_released(&self) -> Vec<SessionId> {
        self.released.take()
    }

    /// What was noted so far is about to be taken; what is written from now on is noticed anew.
    pub(crate) fn note_empty(&self) {
        self.any.set(false);
    }

    /// Nobody reads any more. What was posted is to be dropped: it may hold what holds these notes.
    pub(crate) fn close(&self) -> Vec<Post> {
        self.closed.set(true);
        self.take_posts()
    }

    fn push<T>(&self, list: &Cell<Vec<T>>, note: T) {
        if self.closed.get() {
            return;
        }
        let mut notes = list.take();
        notes.push(note);
        list.set(notes);
        self.any.set(true);
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outbox(any: {})", self.any.get())
    }
}

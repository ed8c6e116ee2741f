//! A wheel made of closures: each test gives it the one it is about.

use reactor::{Bound, Io, Readiness, Symbol, Wheel};

type Next = Box<dyn FnMut(&mut Io<'_>) -> Option<u64>>;
type Flush = Box<dyn FnMut(&mut Io<'_>) -> bool>;

/// Sends numbers under one name.
pub struct Made {
    event: Symbol,
    next: Next,
    ready: Box<dyn FnMut(Readiness)>,
    flush: Flush,
    park: Box<dyn FnMut(&mut Io<'_>)>,
    dropped: Box<dyn FnMut()>,
}

/// A wheel whose `next` is this, and that does nothing else.
pub fn made(event: Symbol, next: impl FnMut(&mut Io<'_>) -> Option<u64> + 'static) -> Made {
    Made {
        event,
        next: Box::new(next),
        ready: Box::new(|_| ()),
        flush: Box::new(|_| false),
        park: Box::new(|_| ()),
        dropped: Box::new(|| ()),
    }
}

impl Made {
    pub fn on_ready(mut self, ready: impl FnMut(Readiness) + 'static) -> Self {
        self.ready = Box::new(ready);
        self
    }

    pub fn on_flush(mut self, flush: impl FnMut(&mut Io<'_>) -> bool + 'static) -> Self {
        self.flush = Box::new(flush);
        self
    }

    pub fn on_park(mut self, park: impl FnMut(&mut Io<'_>) + 'static) -> Self {
        self.park = Box::new(park);
        self
    }

    pub fn on_drop(mut self, dropped: impl FnMut() + 'static) -> Self {
        self.dropped = Box::new(dropped);
        self
    }
}

impl Wheel for Made {
    type Event = (Bound<u64>, u64);

    fn ready(&mut self, readiness: Readiness) {
        (self.ready)(readiness);
    }

    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        let number = (self.next)(io)?;
        Some((Bound::new(io.session(), self.event), number))
    }

    fn flush(&mut self, io: &mut Io<'_>) -> bool {
        (self.flush)(io)
    }

    fn park(&mut self, io: &mut Io<'_>) {
        (self.park)(io);
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        (self.dropped)();
    }
}

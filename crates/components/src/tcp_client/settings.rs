//! What each connection of a client is given.

use std::fmt;
use std::time::Duration;

use wheels::filter::Filter;
use wheels::{Descriptor, ReadWrite, ReadWriteBuilder};

use super::events;

pub(super) struct Settings<F> {
    pub(super) filter: Box<dyn Fn() -> F>,
    /// Somebody wants to know when all is sent.
    pub(super) tells_flushed: bool,
    pub(super) limits: Limits,
}

/// Of time and of bytes. `None` is none, but of what has a default in [`ReadWrite`] it is that.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) idle: Option<Duration>,
    pub(super) frame: Option<Duration>,
    pub(super) stall: Option<Duration>,
    pub(super) lifetime: Option<Duration>,
    pub(super) linger: Option<Duration>,
    pub(super) most_unsent: Option<usize>,
    pub(super) high: Option<usize>,
    pub(super) low: Option<usize>,
}

impl<F: Filter> Settings<F> {
    pub(super) fn new(filter: impl Fn() -> F + 'static) -> Self {
        let limits = Limits {
            idle: None,
            frame: None,
            stall: Some(STALL),
            lifetime: None,
            linger: None,
            most_unsent: None,
            high: None,
            low: None,
        };
        Self { filter: Box::new(filter), tells_flushed: false, limits }
    }

    /// A wheel on a connection, with a filter of its own.
    pub(super) fn wheel(&self, descriptor: Descriptor) -> ReadWriteBuilder<F> {
        let limits = &self.limits;
        let mut builder = ReadWrite::builder(descriptor)
            .filter((self.filter)())
            .idle_timeout(limits.idle)
            .frame_timeout(limits.frame)
            .stall_timeout(limits.stall)
            .lifetime(limits.lifetime);
        if self.tells_flushed {
            builder = builder.flushed_event(events::FLUSHED);
        }
        if let Some(time) = limits.linger {
            builder = builder.linger(time);
        }
        if let Some(bytes) = limits.most_unsent {
            builder = builder.most_unsent(bytes);
        }
        if let Some(bytes) = limits.high {
            builder = builder.high_mark(bytes, events::HIGH);
        }
        if let Some(bytes) = limits.low {
            builder = builder.low_mark(bytes, events::LOW);
        }
        builder
    }
}

impl<F> fmt::Debug for Settings<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// A server that takes nothing for a minute of what is sent to it is not there any more.
const STALL: Duration = Duration::from_secs(60);

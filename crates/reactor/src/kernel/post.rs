//! Posting: from a name and a payload to an entry in the queue.
//!
//! Nearly every post finds the symbol of its name at hand, room in the queue, and its receiver alive. That way
//! calls nothing, so that nothing has to be saved for the time of a call; what is seldom is the last thing that
//! is done.

use std::borrow::Cow;

use super::Kernel;
use crate::destination::Destination;
use crate::error::NoSuchSession;
use crate::event::EventName;
use crate::name::Symbol;
use crate::payload::Payload;

impl Kernel {
    /// Posts an event, as whoever is running.
    #[inline]
    pub(crate) fn post_from_current<T: 'static>(
        &mut self,
        to: impl Destination,
        event: impl EventName<T>,
        payload: T,
    ) -> Result<(), NoSuchSession<T>> {
        let name = event.into_name();
        let symbol = match name {
            Cow::Borrowed(text) => self.names.recall(text),
            Cow::Owned(_) => None,
        };
        match symbol {
            Some(symbol) if self.desk.queue.has_room() && !self.outbox.any() => {
                self.post_symbol(to, symbol, payload)
            }
            _ => self.post_name(to, name, payload),
        }
    }

    /// The same where something is to be done first.
    #[cold]
    #[inline(never)]
    fn post_name<T: 'static>(
        &mut self,
        to: impl Destination,
        name: Cow<'static, str>,
        payload: T,
    ) -> Result<(), NoSuchSession<T>> {
        self.read_posts();
        self.desk.queue.make_room();
        let symbol = self.names.intern(name);
        self.post_symbol(to, symbol, payload)
    }

    #[inline(always)]
    fn post_symbol<T: 'static>(
        &mut self,
        to: impl Destination,
        symbol: Symbol,
        payload: T,
    ) -> Result<(), NoSuchSession<T>> {
        let Some(to) = to.find(self) else {
            return self.post_to_nobody("an alias that nobody has", symbol, payload);
        };
        let (from, names) = (self.current.to, self.current.names_of_next(symbol));
        if !self.sessions.add_post(to, from) {
            return self.post_to_nobody("a session that is gone", symbol, payload);
        }
        let what = self.desk.queue.keep(Payload::new(payload));
        self.desk.post(to, from, names, what);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn post_to_nobody<T>(
        &mut self,
        whom: &str,
        symbol: Symbol,
        payload: T,
    ) -> Result<(), NoSuchSession<T>> {
        self.report_nobody(whom, symbol);
        Err(NoSuchSession(payload))
    }

    /// What postbacks were called with comes before what is posted now.
    #[inline(always)]
    pub(super) fn read_posts(&mut self) {
        if self.outbox.any() {
            self.take_posts();
        }
    }
}

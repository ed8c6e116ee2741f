//! What has to be done between two events.
//!
//! A handler has returned, or a wheel was pulled: what was dropped is closed, what was noted without a
//! context is taken in, the ledgers are brought up to date, and whoever waited for a running handler gets
//! its turn. As a rule there is nothing to do, and asking costs two loads.

use super::state::Change;
use super::{Kernel, Letter};
use crate::desk::Entry;
use crate::session::Hold;

impl Kernel {
    /// Does what there is to do, if there is anything.
    #[inline(always)]
    pub(super) fn tidy(&mut self) {
        if self.desk.chores || self.outbox.any() {
            self.do_chores();
        }
    }

    #[cold]
    fn do_chores(&mut self) {
        self.clear_seat();
        self.read_outbox();
        while let Some(id) = self.desk.closing.pop() {
            self.close_wheel(id);
        }
        self.settle();
        self.set_handlers();
        self.stop_doomed();
        // What is told here leads back here when its handler has returned. It is told one after the other,
        // and not one within the other.
        if self.telling_at != Some(self.depth) {
            let outer = self.telling_at.replace(self.depth);
            self.tell_those_who_waited();
            self.telling_at = outer;
        }
        // What must wait for a handler that is running is looked at when that has returned.
        self.desk.chores = !self.desk.closing.is_empty()
            || !self.desk.holds.is_empty()
            || !self.late.is_empty()
            || !self.changes.is_empty()
            || !self.deaths.is_empty()
            || self.sessions.has_doomed()
            || self.stopping;
    }

    fn tell_those_who_waited(&mut self) {
        self.tell_late();
        if self.depth > 0 {
            return;
        }
        while !self.deaths.is_empty() {
            self.deliver_death();
            // Whoever was asked may have started somebody.
            self.tell_late();
        }
        if self.stopping {
            self.stop_all();
        }
    }

    /// Takes in what was noted without a context.
    fn read_outbox(&mut self) {
        while self.outbox.any() {
            // Set again by whatever is noted meanwhile, and read again then.
            self.outbox.note_empty();
            self.take_posts();
            self.close_dropped();
            for id in self.outbox.take_woken() {
                self.ask_again(id);
            }
            for session in self.outbox.take_released() {
                self.sessions.release(session, Hold::Postback);
            }
        }
    }

    /// Puts what postbacks were called with into the queue: before anything else that is posted now.
    #[cold]
    pub(super) fn take_posts(&mut self) {
        for post in self.outbox.take_posts() {
            let (to, symbol, payload) = (post.to, post.symbol, post.payload);
            let Letter { from, names, .. } = self.current.next(to, symbol);
            if self.sessions.add_post(to, from) {
                let what = self.desk.queue.keep(payload);
                self.desk.post(to, from, names, what);
            } else {
                self.guard(from, "the drop of an event's payload", |_| drop(payload));
            }
        }
    }

    /// Gives running sessions the handlers that they set while they ran.
    fn set_handlers(&mut self) {
        while let Some(place) =
            self.changes.iter().position(|change| !self.sessions.is_running(change.session))
        {
            let Change { session, symbol, handler } = self.changes.remove(place);
            self.guard(session, "the drop of its handler", |kernel| {
                kernel.set_handler(session, symbol, handler);
            });
        }
    }

    /// Enters into the ledgers what wheels asked for.
    pub(super) fn settle(&mut self) {
        for index in 0..self.desk.holds.len() {
            match self.desk.holds[index] {
                Entry::Made(session, hold) => self.sessions.add(session, hold),
                Entry::CrossedOut(session, hold) => self.sessions.release(session, hold),
            }
        }
        self.desk.holds.clear();
    }
}

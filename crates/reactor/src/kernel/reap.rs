//! The end of sessions.
//!
//! The only place that removes a session: one that nothing reaches any more, one that failed alone, those
//! that a signal ends, or all of them. Each is told `_stop` first, and its parent that it is lost; then
//! its state is dropped, and with it its wheels.

use super::{Kernel, Letter};
use crate::family::{Child, Fate};
use crate::ids::{SessionId, WheelId};
use crate::name::Symbol;
use crate::payload::Parcel;
use crate::session::{AnySession, Hold, Options, Phase, Reply, Slot};

impl Kernel {
    /// Stops every session that nothing can reach any more.
    #[inline]
    pub(super) fn reap(&mut self) {
        self.tidy();
        while let Some(id) = self.sessions.pop_marked() {
            self.stop_session(id);
        }
    }

    /// Stops a session that failed; if it is in the middle of something further up the stack of calls, as
    /// soon as it is not.
    pub(super) fn end_failed(&mut self, id: SessionId) {
        // When all are stopped, it has its turn as the others have.
        if !self.stopping {
            self.sessions.doom(id);
            self.desk.chores = true;
            self.stop_doomed();
        }
    }

    /// Stops those that failed, one after the other: when the end of one makes another fail, that is not
    /// stopped within it.
    pub(super) fn stop_doomed(&mut self) {
        if self.ending_doomed {
            return;
        }
        self.ending_doomed = true;
        while let Some(id) = self.sessions.pop_doomed() {
            self.stop_session(id);
        }
        self.ending_doomed = false;
    }

    /// Every session is to be stopped as soon as no handler runs.
    pub(super) const fn ask_stop(&mut self) {
        self.stopping = true;
        self.desk.chores = true;
    }

    /// Tells a session `_stop` and removes it with all it owns.
    pub(super) fn stop_session(&mut self, id: SessionId) {
        let Some(slot) = self.sessions.get_mut(id) else { return };
        if slot.phase.is_last() {
            return;
        }
        slot.phase = Phase::Ending;
        let unannounced = std::mem::replace(&mut slot.starting, false);
        log::debug!(target: "reactor::sessions", "session {id} stops");
        // Who asks in `_stop` for everybody's end waits until this session is gone.
        self.depth += 1;
        if unannounced {
            // It failed in its `_start`. Whoever is told of its end has been told of it.
            self.announce(id, None);
        }
        self.bequeath(id);
        let answer = self.tell_stop(id);
        let body = self.sessions.end(id);
        // Those that `_stop` started go the same way, and what those leave that end meanwhile.
        while self.sessions.has_children(id) {
            self.bequeath(id);
        }
        if let Some(parent) = self.sessions.parent(id) {
            self.notify_child(parent, Child::new(Fate::Lose, id, answer));
        }
        // What its state posts as it is dropped is nobody's who could be gone by then.
        self.read_posts();
        let outer = std::mem::replace(&mut self.current, Letter::OUTSIDE);
        self.remove_session(id, body);
        self.current = outer;
        self.depth -= 1;
        self.tidy();
    }

    /// Tells a session that it ends; gives what it says to that, if its parent wants to know.
    fn tell_stop(&mut self, id: SessionId) -> Option<Box<dyn std::any::Any>> {
        let slot = self.sessions.get(id)?;
        let (hears, parent) = (slot.hears, slot.parent);
        if !hears.stop() {
            return None;
        }
        let mut answer = None;
        let heard = self.sessions.get(parent).is_some_and(|parent| parent.hears.child());
        let mut reply = Reply::Any(&mut answer);
        let reply = if heard { Some(&mut reply) } else { None };
        let letter = Letter::new(id, SessionId::KERNEL, Symbol::STOP);
        self.tell(letter, &mut { Parcel::UNIT }, reply);
        answer
    }

    /// Removes a session with all it owns.
    fn remove_session(&mut self, id: SessionId, body: Option<Box<dyn AnySession>>) {
        // The state goes first: dropping it drops the handles of the session's wheels.
        self.guard(id, "the drop of its state", |_| drop(body));
        self.tidy();
        self.forget_children_of(id);
        self.sessions.unlink(id);
        let Some(slot) = self.sessions.remove(id) else { return };
        let Slot { parent, ledger, kind, wheels, options, .. } = slot;
        self.observer.trace(options, Options::default());
        self.signals.forget(id);
        if ledger.count(Hold::Alias) > 0 {
            self.aliases.forget(id);
        }
        if ledger.count(Hold::Tag) > 0 {
            self.tags.forget(id);
        }
        self.guard(id, "the drop of its handlers", |kernel| kernel.kinds.leave(kind));
        if wheels > 0 {
            self.close_wheels_of(id);
        }
        // When all are stopped, all timers go at once.
        if ledger.count(Hold::Timer) > 0 && !self.stopping {
            let timers = self.desk.timers.remove_session(id);
            // Their payloads may hold handles too.
            self.drop_each(id, TIMER, timers);
            self.tidy();
        }
        // What is still queued to it or by it is dropped when its turn comes: nobody answers to its id.
        self.sessions.release(parent, Hold::Child);
    }

    /// Closes wheels whose handles are not in the session's state: let go, or given to others.
    fn close_wheels_of(&mut self, session: SessionId) {
        let theirs = self.wheels.iter().filter(|(_, _, meta)| meta.session == session);
        let ids: Vec<WheelId> = theirs.map(|(id, _, _)| id).collect();
        for id in ids {
            self.close_wheel(id);
        }
        self.tidy();
    }

    /// Stops every session if that was asked for and no handler runs: the youngest first, which is before
    /// its parent. Forgets what was on its way.
    #[cold]
    pub(super) fn stop_all(&mut self) {
        // Handlers of `_stop` may ask for it again, and start new sessions, but not for ever.
        self.depth += 1;
        for _ in 0..STOP_ROUNDS {
            let mut ids = self.sessions.ids();
            if ids.is_empty() {
                break;
            }
            ids.sort_by_key(|id| std::cmp::Reverse(self.sessions.get(*id).map(|slot| slot.birth)));
            for id in ids {
                self.stop_session(id);
            }
        }
        for id in self.sessions.ids() {
            log::error!(target: "reactor::sessions", "session {id} is dropped: sessions start sessions as they stop");
            let body = self.sessions.end(id);
            self.remove_session(id, body);
        }
        let timers = self.desk.timers.remove_all();
        self.drop_each(SessionId::KERNEL, TIMER, timers);
        self.clear_queue();
        self.depth -= 1;
        self.stopping = false;
    }

    /// Drops what is still on its way; its senders or receivers were stopped by force.
    pub(super) fn clear_queue(&mut self) {
        let (events, signals) = self.desk.queue.take();
        self.drop_each(SessionId::KERNEL, "the drop of an event's payload", events);
        self.drop_each(SessionId::KERNEL, "the drop of a signal's payload", signals);
        self.signals.forget_queued();
        self.tidy();
    }
}

const TIMER: &str = "the drop of a timer's payload";

/// How often new sessions may be started by those that stop, before they are dropped untold.
const STOP_ROUNDS: u32 = 100;

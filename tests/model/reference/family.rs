//! Who is born, who moves, who stops.

use super::{Letter, Payload, Phase, Place, Reference, Session, What};
use crate::op::{KERNEL, Kind, Who};

impl Reference {
    pub(super) fn spawn(&mut self, kind: Kind, child: Who) {
        self.read_posts();
        let maker = self.current.to;
        self.moves += 1;
        self.sequence += 1;
        self.sessions.insert(child, Session::new(kind, maker, self.moves));
        let answer = if self.hears(child, "_start") {
            self.tell(Letter::new(child, maker, "_start"), Payload::Unit)
        } else {
            None
        };
        let Some(session) = self.sessions.get_mut(&child) else { return };
        (session.starting, session.unborn) = (false, false);
        let parent = session.parent;
        self.post(What::Born(child));
        self.notify(parent, "_child", Payload::Child("create", child, answer));
    }

    /// Stops those that nothing reaches any more: who was marked last goes first.
    pub(super) fn reap(&mut self) {
        self.tidy();
        while let Some(who) = self.marked.pop() {
            let Some(session) = self.sessions.get_mut(&who) else { continue };
            if session.phase == Phase::Marked {
                session.phase = Phase::Living;
            }
            if self.ledger(who).iter().all(|count| *count == 0) {
                self.stop_session(who);
            }
        }
    }

    /// Tells a session that it ends, and removes it.
    pub(super) fn stop_session(&mut self, who: Who) {
        let Some(session) = self.sessions.get_mut(&who) else { return };
        if session.phase.is_last() {
            return;
        }
        session.phase = Phase::Ending;
        let unannounced = std::mem::take(&mut session.starting);
        self.depth += 1;
        if unannounced {
            let parent = self.sessions[&who].parent;
            self.notify(parent, "_child", Payload::Child("create", who, None));
        }
        self.bequeath(who);
        let answer = if self.hears(who, "_stop") {
            self.tell(Letter::new(who, KERNEL, "_stop"), Payload::Unit)
        } else {
            None
        };
        let session = self.session(who);
        (session.phase, session.running) = (Phase::Ended, true);
        while !self.children(who).is_empty() {
            self.bequeath(who);
        }
        let parent = self.sessions[&who].parent;
        self.notify(parent, "_child", Payload::Child("lose", who, answer));
        self.read_posts();
        let outer = std::mem::replace(&mut self.current, Letter::OUTSIDE);
        self.remove_session(who);
        self.current = outer;
        self.depth -= 1;
        self.tidy();
    }

    /// Stops a session that failed, when it is not running.
    pub(super) fn end_failed(&mut self, who: Who) {
        if !self.stopping {
            self.doomed.push(who);
            self.stop_doomed();
        }
    }

    /// One after the other, and not one within the other.
    pub(super) fn stop_doomed(&mut self) {
        if std::mem::replace(&mut self.ending_doomed, true) {
            return;
        }
        while let Some(place) = self.doomed.iter().position(|who| !self.is_running(*who)) {
            let who = self.doomed.remove(place);
            self.stop_session(who);
        }
        self.ending_doomed = false;
    }

    fn remove_session(&mut self, who: Who) {
        self.drop_all(Place::State(who));
        self.tidy();
        let Some(Session { parent, .. }) = self.sessions.remove(&who) else { return };
        self.watches.retain(|watch| watch.session != who);
        self.aliases.retain(|(_, owner)| *owner != who);
        self.tags.retain(|(owner, ..)| *owner != who);
        let wheels = self.wheels.iter().filter(|(_, wheel)| wheel.session == who);
        let wheels: Vec<u64> = wheels.map(|(key, _)| *key).collect();
        for wheel in wheels {
            self.close_wheel(wheel);
        }
        // When all are stopped, all timers go at once.
        if !self.stopping {
            self.forget_waiting(
                |what| matches!(what, What::Timer { session, .. } if *session == who),
            );
        }
        self.tidy();
        self.released(parent);
    }

    /// A session's children go to its parent. They move first and are spoken of then.
    fn bequeath(&mut self, who: Who) {
        for child in self.children(who) {
            let heir = self.sessions[&who].parent;
            // Whoever was told of the one before may have ended this one, or itself.
            if self.sessions.get(&child).is_some_and(|session| session.parent == who) {
                self.adopt(child, heir);
                self.notify(heir, "_child", Payload::Child("gain", child, None));
                self.notify_parent(child, who, heir);
            }
        }
    }

    /// Tells it, unless it has moved on because of what its new parent was told.
    fn notify_parent(&mut self, child: Who, old: Who, new: Who) {
        if self.sessions.get(&child).is_some_and(|session| session.parent == new) {
            self.notify(child, "_parent", Payload::Parent(old, new));
        }
    }

    pub(super) fn detach_myself(&mut self, me: Who) -> &'static str {
        let Session { parent, starting, .. } = self.sessions[&me];
        if parent == KERNEL {
            return "NoParent";
        }
        self.adopt(me, KERNEL);
        // Its parent has not heard yet of one that is starting.
        if !starting {
            self.notify(parent, "_child", Payload::Child("lose", me, None));
        }
        self.notify_parent(me, parent, KERNEL);
        "ok"
    }

    pub(super) fn detach_child(&mut self, me: Who, child: Who) -> &'static str {
        match self.sessions.get(&child) {
            None => "NoSuchSession",
            Some(session) if session.parent != me => "NotAChild",
            Some(_) => {
                self.adopt(child, KERNEL);
                self.notify(me, "_child", Payload::Child("lose", child, None));
                self.notify_parent(child, me, KERNEL);
                "ok"
            }
        }
    }

    fn adopt(&mut self, child: Who, parent: Who) {
        self.moves += 1;
        let moves = self.moves;
        let session = self.session(child);
        session.joined = moves;
        let old = std::mem::replace(&mut session.parent, parent);
        self.released(old);
    }

    /// Stops everybody, the youngest first, and forgets what was on its way.
    pub(super) fn stop_all(&mut self) {
        self.depth += 1;
        // Those that stop may start others.
        while !self.sessions.is_empty() {
            let all: Vec<Who> = self.sessions.keys().rev().copied().collect();
            all.into_iter().for_each(|who| self.stop_session(who));
        }
        self.forget_waiting(What::is_timer);
        self.clear_queue();
        self.depth -= 1;
        self.stopping = false;
    }

    pub(super) fn clear_queue(&mut self) {
        for one in std::mem::take(&mut self.waiting) {
            if let What::Event { payload, .. } = one.what {
                self.drop_payload(payload);
            }
        }
        self.tidy();
    }
}

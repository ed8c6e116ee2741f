//! Who is born, who moves, who stops.

use super::{CHILD, Letter, Payload, Phase, Place, Reference, Session, What};
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
        session.starting = false;
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
        match self.sessions.get_mut(&who) {
            None => return,
            Some(session) if session.phase == Phase::Ending => return,
            Some(session) => session.phase = Phase::Ending,
        }
        self.depth += 1;
        self.bequeath(who);
        let answer = if self.hears(who, "_stop") {
            self.tell(Letter::new(who, KERNEL, "_stop"), Payload::Unit)
        } else {
            None
        };
        self.bequeath(who);
        let parent = self.sessions[&who].parent;
        self.notify(parent, "_child", Payload::Child("lose", who, answer));
        self.remove_session(who);
        self.depth -= 1;
        self.tidy();
    }

    fn remove_session(&mut self, who: Who) {
        // Those that it has started since.
        for child in self.children(who) {
            self.adopt(child, self.sessions[&who].parent);
        }
        let Some(Session { parent, .. }) = self.sessions.remove(&who) else { return };
        self.watches.retain(|watch| watch.session != who);
        self.aliases.retain(|(_, owner)| *owner != who);
        self.tags.retain(|(owner, ..)| *owner != who);
        self.drop_all(Place::State(who));
        self.tidy();
        let wheels = self.wheels.iter().filter(|(_, wheel)| wheel.session == who);
        let wheels: Vec<u64> = wheels.map(|(key, _)| *key).collect();
        for wheel in wheels {
            self.close_wheel(wheel);
        }
        // When all are stopped, all timers go at once.
        if !self.stopping {
            self.forget_waiting(|what| matches!(what, What::Timer { session, .. } if *session == who));
        }
        self.tidy();
        self.released(parent);
    }

    /// A session's children go to its parent.
    fn bequeath(&mut self, who: Who) {
        let heir = self.sessions[&who].parent;
        for child in self.children(who) {
            self.notify(heir, "_child", Payload::Child("gain", child, None));
            self.notify(child, "_parent", Payload::Parent(who, heir));
            // Who has left meanwhile is nobody's.
            if self.sessions.get(&child).is_some_and(|session| session.parent == who) {
                self.adopt(child, heir);
            }
        }
    }

    pub(super) fn detach_myself(&mut self, me: Who) -> &'static str {
        let Session { parent, starting, .. } = self.sessions[&me];
        if parent == KERNEL {
            return "NoParent";
        }
        self.detach(me, starting);
        "ok"
    }

    pub(super) fn detach_child(&mut self, me: Who, child: Who) -> &'static str {
        match self.sessions.get(&child) {
            None => "NoSuchSession",
            Some(session) if session.parent != me => "NotAChild",
            Some(_) => {
                self.detach(child, false);
                "ok"
            }
        }
    }

    /// One that is starting was not announced yet.
    fn detach(&mut self, who: Who, unannounced: bool) {
        let old = self.sessions[&who].parent;
        if !unannounced {
            self.notify(old, "_child", Payload::Child("lose", who, None));
        }
        // The parent may have done it when it was told, or ended it.
        if self.sessions.get(&who).is_some_and(|session| session.parent == old) {
            self.notify(who, "_parent", Payload::Parent(old, KERNEL));
            self.adopt(who, KERNEL);
        }
    }

    fn adopt(&mut self, child: Who, parent: Who) {
        let heir = if self.sessions.contains_key(&parent) { parent } else { KERNEL };
        self.moves += 1;
        let moves = self.moves;
        let Some(session) = self.sessions.get_mut(&child) else { return };
        session.joined = moves;
        let old = std::mem::replace(&mut session.parent, heir);
        debug_assert!(heir == KERNEL || self.ledger(heir)[CHILD] > 0);
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
        self.late.clear();
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

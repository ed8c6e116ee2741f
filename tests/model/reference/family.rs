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
        let answer = self.tell_of_life(maker, Letter::new(child, maker, "_start"));
        let Some(session) = self.sessions.get_mut(&child) else { return };
        session.starting = false;
        session.unannounced = false;
        self.post(What::Born(child));
        self.announce(child, answer);
    }

    /// A session's parent hears of it, whoever that is by now.
    fn announce(&mut self, child: Who, answer: Option<u64>) {
        let parent = self.sessions[&child].parent;
        self.notify(parent, "_child", Payload::Child("create", child, answer));
    }

    /// Tells a session that it begins or ends. What it says to that is kept if its parent of now wants to
    /// know.
    fn tell_of_life(&mut self, parent: Who, letter: Letter) -> Option<u64> {
        let wanted = self.hears(parent, "_child");
        let heard = self.hears(letter.to, letter.event);
        let answer = if heard { self.tell(letter, Payload::Unit) } else { None };
        answer.filter(|_| wanted)
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

    /// Stops a session that failed: when all are stopped, with the others; else as soon as it does not run.
    pub(super) fn end_failed(&mut self, who: Who) {
        if !self.stopping {
            self.doomed.push(who);
            self.stop_doomed();
        }
    }

    /// Stops those that failed, one after the other, and none within the end of another.
    pub(super) fn stop_doomed(&mut self) {
        if self.ending_doomed {
            return;
        }
        self.ending_doomed = true;
        while let Some(place) = self.doomed.iter().position(|who| !self.is_running(*who)) {
            let who = self.doomed.remove(place);
            self.stop_session(who);
        }
        self.ending_doomed = false;
    }

    /// Tells a session that it ends, and then its parent, and removes it.
    pub(super) fn stop_session(&mut self, who: Who) {
        if !self.sessions.contains_key(&who) || self.is_ending(who) {
            return;
        }
        self.session(who).phase = Phase::Ending;
        self.depth += 1;
        // Whoever is told that it is lost was told of it.
        if std::mem::replace(&mut self.session(who).unannounced, false) {
            self.announce(who, None);
        }
        self.bequeath(who);
        let Session { parent, .. } = self.sessions[&who];
        let answer = self.tell_of_life(parent, Letter::new(who, KERNEL, "_stop"));
        self.session(who).phase = Phase::Ended;
        // Those that `_stop` has started, and those that come to it meanwhile.
        while !self.children(who).is_empty() {
            self.bequeath(who);
        }
        let parent = self.sessions[&who].parent;
        self.notify(parent, "_child", Payload::Child("lose", who, answer));
        self.remove_session(who);
        self.depth -= 1;
        self.tidy();
    }

    fn remove_session(&mut self, who: Who) {
        self.read_posts();
        // What it holds goes first; only then is it gone, with what others know it by.
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

    /// A session's children go to its parent: each to the parent that it has when the child's turn comes.
    fn bequeath(&mut self, who: Who) {
        for child in self.children(who) {
            let heir = self.sessions[&who].parent;
            // Who has ended or moved meanwhile is not its to give.
            if self.parent_of(child) == Some(who) {
                self.adopt(child, heir);
                self.notify(heir, "_child", Payload::Child("gain", child, None));
                self.notify_parent(child, who, heir);
            }
        }
    }

    /// Tells a session of its new parent, if that is still its parent: else it knows of a newer one.
    fn notify_parent(&mut self, child: Who, old: Who, new: Who) {
        if self.parent_of(child) == Some(new) {
            self.notify(child, "_parent", Payload::Parent(old, new));
        }
    }

    fn parent_of(&self, who: Who) -> Option<Who> {
        self.sessions.get(&who).map(|session| session.parent)
    }

    pub(super) fn detach_myself(&mut self, me: Who) -> &'static str {
        let Session { parent, unannounced, .. } = self.sessions[&me];
        if parent == KERNEL {
            return "NoParent";
        }
        self.detach(me, unannounced);
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

    /// Whom its parent was not told of, its parent is not told to lose.
    fn detach(&mut self, who: Who, unannounced: bool) {
        let old = self.sessions[&who].parent;
        self.adopt(who, KERNEL);
        if !unannounced {
            self.notify(old, "_child", Payload::Child("lose", who, None));
        }
        self.notify_parent(who, old, KERNEL);
    }

    /// A session moves first and is spoken of then.
    fn adopt(&mut self, child: Who, heir: Who) {
        self.moves += 1;
        let moves = self.moves;
        let session = self.session(child);
        session.joined = moves;
        let old = std::mem::replace(&mut session.parent, heir);
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

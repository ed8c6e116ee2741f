//! Signals: who is told, in which order, and what follows.

use super::{Death, KERNEL, Letter, Payload, Reference, Watch, What};
use crate::op::Who;

impl Reference {
    pub(super) fn send_signal(&mut self, letter: Letter, number: Option<u64>) {
        self.post(What::Signal { letter, number });
    }

    pub(super) fn signal_everybody(&mut self, name: &'static str) {
        self.send_signal(Letter::new(KERNEL, KERNEL, name), None);
    }

    pub(super) fn deliver_signal(&mut self, letter: Letter, number: Option<u64>) {
        let Letter { to: target, event: name, .. } = letter;
        let text = number.map_or_else(String::new, |number| format!(" {number}"));
        // Whom it concerns is decided before anybody is told.
        let concerned = self.concerned(target);
        let watches = self.watches_of(name, &concerned);
        let handled = self.tell_watchers(&watches, letter.caller, &text);
        let ends = match name {
            "HUP" | "IDLE" | "DIE" => !handled,
            "ZOMBIE" | "UIDESTROY" => true,
            _ => false,
        };
        if ends && target == KERNEL {
            self.stopping = true;
            self.tidy();
        } else if ends {
            for who in concerned {
                self.stop_session(who);
            }
        } else if name == "IDLE" && target == KERNEL && self.is_idle() {
            self.signal_everybody("ZOMBIE");
        }
    }

    /// Asks the session that failed, its descendants and then its ancestors.
    pub(super) fn tell_death(&mut self, death: &Death) -> bool {
        let mut asked = self.concerned(death.session);
        asked.extend(self.ancestors(death.session));
        let watches = self.watches_of("DIE", &asked);
        self.tell_watchers(&watches, None, &death.text)
    }

    fn tell_watchers(
        &mut self,
        watches: &[Watch],
        caller: Option<&'static str>,
        text: &str,
    ) -> bool {
        let outer = std::mem::replace(&mut self.handled, false);
        for watch in watches {
            let letter = Letter { to: watch.session, from: KERNEL, event: watch.event, caller };
            self.tell(letter, Payload::Signal(watch.signal, text.to_owned()));
        }
        std::mem::replace(&mut self.handled, outer)
    }

    /// Whom a signal to a session concerns: it and its descendants, the deepest first, then the youngest.
    fn concerned(&self, target: Who) -> Vec<Who> {
        let mut concerned = Vec::new();
        for who in self.sessions.keys().copied() {
            let mut line = self.ancestors(who);
            line.insert(0, who);
            if target == KERNEL || line.contains(&target) {
                line.reverse();
                concerned.push((line.len(), line, who));
            }
        }
        concerned.sort_unstable_by(|one, other| other.cmp(one));
        concerned.into_iter().map(|(_, _, who)| who).collect()
    }

    fn watches_of(&self, signal: &str, asked: &[Who]) -> Vec<Watch> {
        let of = |who: &Who| {
            let mut all = self.watches.iter();
            all.find(|watch| watch.session == *who && watch.signal == signal).copied()
        };
        asked.iter().filter_map(of).collect()
    }

    /// Whether nothing can happen any more: only aliases and each other hold the sessions that are left.
    pub(super) fn is_idle(&self) -> bool {
        !self.sessions.is_empty()
            && self.waiting.is_empty()
            && self.again.is_empty()
            && self.sessions.keys().all(|who| !self.expects(*who))
    }

    fn expects(&self, who: Who) -> bool {
        let ledger = self.ledger(who);
        [super::WHEEL, super::TAG, super::POSTBACK].iter().any(|kind| ledger[*kind] > 0)
    }
}

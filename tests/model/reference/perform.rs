//! What can be asked of the kernel: each a few lines.

use super::deliver::Outcome;
use super::{Payload, Place, Reference, Watch, What};
use crate::op::{KERNEL, Load, Op, To, Who};
use crate::view::look;

impl Reference {
    pub(super) fn act(&mut self, me: Who, op: Op) -> String {
        let answer = match op {
            Op::Post { to, event, load } => self.post_event(me, to, event, load),
            Op::Call { to, event, load, other_reply } => {
                let payload = self.payload(me, load);
                return match self.find(to) {
                    Some(to) => self.call(to, event, payload, !other_reply),
                    None => {
                        self.read_posts();
                        self.drop_payload(payload);
                        "NoSuchSession".into()
                    }
                };
            }
            Op::Alarm { .. }
            | Op::AlarmSet { .. }
            | Op::AlarmAdd { .. }
            | Op::DelayAdd { .. }
            | Op::AlarmAdjust { .. }
            | Op::AlarmClear(_)
            | Op::AlarmRemove { .. }
            | Op::AlarmRemoveAll
            | Op::Delay { .. }
            | Op::DelaySet { .. }
            | Op::DelayAdjust { .. } => return self.act_on_timers(me, op),
            Op::Spawn { kind, child } => {
                self.spawn(kind, child);
                "ok"
            }
            Op::DetachMyself => self.detach_myself(me),
            Op::DetachChild(child) => self.detach_child(me, child),
            Op::State { event: "_start", .. } | Op::StateClear("_start") => "Reserved",
            Op::State { event, version } => self.change(me, event, Some(version)),
            Op::StateClear(event) => self.change(me, event, None),
            Op::Look(who) => return look(self, who),
            Op::Busy(micros) => {
                self.clock += micros;
                "ok"
            }
            Op::Stop => {
                self.stopping = true;
                self.tidy();
                "ok"
            }
            Op::AliasSet(_)
            | Op::AliasRemove(_)
            | Op::AliasResolve(_)
            | Op::Increment(..)
            | Op::Decrement(..) => return self.act_on_names(me, op),
            Op::Sig { .. } | Op::SigClear(_) | Op::SigHandled | Op::Signal { .. } => {
                self.act_on_signals(me, op)
            }
            Op::Postback { .. }
            | Op::Callback { .. }
            | Op::Ring { .. }
            | Op::Weaken { .. }
            | Op::Drop { .. }
            | Op::Wheel { .. }
            | Op::Poke { .. }
            | Op::Release { .. }
            | Op::LetGo
            | Op::LetAllGo => return self.act_on_held(me, op),
        };
        answer.to_owned()
    }

    fn post_event(&mut self, me: Who, to: To, event: &'static str, load: Load) -> &'static str {
        let payload = self.payload(me, load);
        self.read_posts();
        match self.find(to).filter(|to| self.sessions.contains_key(to)) {
            Some(to) => {
                let letter = self.current.next(to, event);
                self.post(What::Event { letter, payload });
                "ok"
            }
            None => {
                self.drop_payload(payload);
                "NoSuchSession"
            }
        }
    }

    pub(super) fn call(
        &mut self,
        to: Who,
        event: &'static str,
        payload: Payload,
        reply: bool,
    ) -> String {
        self.read_posts();
        let next = self.current.next(to, event);
        let outer = std::mem::replace(&mut self.current, next);
        let outcome = self.offer(payload, reply, None);
        self.current = outer;
        let (word, left) = match outcome {
            Outcome::Handled(Some(number)) => return format!("{number}"),
            Outcome::Handled(None) => return "Default".into(),
            Outcome::Failed => return "Failed".into(),
            Outcome::NoSession(left) => ("NoSuchSession", left),
            Outcome::Busy(left) => ("Busy", left),
            Outcome::NoHandler(left) => ("NoHandler", left),
            Outcome::OtherPayload(left) => ("OtherPayload", left),
            Outcome::OtherReply(left) => ("OtherReply", left),
        };
        self.drop_payload(left);
        word.into()
    }

    fn change(&mut self, me: Who, event: &'static str, version: Option<u64>) -> &'static str {
        self.changes.push((me, event, version));
        "ok"
    }

    fn act_on_names(&mut self, me: Who, op: Op) -> String {
        let owner = |all: &[(&str, Who)], name: &str| {
            all.iter().find(|(other, _)| *other == name).map(|(_, owner)| *owner)
        };
        match op {
            Op::AliasSet(name) => match owner(&self.aliases, name) {
                Some(other) if other != me => return format!("InUse {other}"),
                Some(_) => {}
                None => self.aliases.push((name, me)),
            },
            Op::AliasRemove(name) => match owner(&self.aliases, name) {
                None => return "NoSuchAlias".into(),
                Some(other) if other != me => return format!("NotYours {other}"),
                Some(_) => {
                    self.aliases.retain(|(other, _)| *other != name);
                    self.released(me);
                }
            },
            Op::AliasResolve(name) => return format!("{:?}", owner(&self.aliases, name)),
            Op::Increment(who, _) | Op::Decrement(who, _) if !self.sessions.contains_key(&who) => {
                return "NoSuchSession".into();
            }
            Op::Increment(who, tag) => return self.count_tag(who, tag, 1),
            Op::Decrement(who, tag) => {
                if !self.tags.iter().any(|(owner, name, _)| *owner == who && *name == tag) {
                    return "NoSuchTag".into();
                }
                return self.count_tag(who, tag, -1);
            }
            other => unreachable!("{other:?}"),
        }
        "ok".into()
    }

    fn count_tag(&mut self, who: Who, tag: &'static str, by: i32) -> String {
        let found = self.tags.iter().position(|(owner, name, _)| *owner == who && *name == tag);
        let place = found.unwrap_or_else(|| {
            self.tags.push((who, tag, 0));
            self.tags.len() - 1
        });
        let count = &mut self.tags[place].2;
        *count = count.saturating_add_signed(by);
        let count = *count;
        if count == 0 {
            self.tags.remove(place);
            self.released(who);
        }
        format!("{count}")
    }

    fn act_on_signals(&mut self, session: Who, op: Op) -> &'static str {
        match op {
            Op::Sig { signal: "SIGHUP", .. } => return "Misspelt",
            Op::Sig { signal: "KILL", .. } => return "Unwatchable",
            Op::Sig { signal, event } => {
                self.watches.retain(|one| (one.signal, one.session) != (signal, session));
                self.watches.push(Watch { signal, session, event });
            }
            Op::SigClear(signal) => {
                let before = self.watches.len();
                self.watches.retain(|one| (one.signal, one.session) != (signal, session));
                return if self.watches.len() < before { "cleared" } else { "not watched" };
            }
            Op::SigHandled => self.handled = true,
            Op::Signal { to, signal, number } => {
                self.read_posts();
                let to = self.find(to);
                let there = to.filter(|to| *to == KERNEL || self.sessions.contains_key(to));
                let Some(to) = there else { return "NoSuchSession" };
                self.send_signal(self.current.next(to, signal), Some(number));
            }
            other => unreachable!("{other:?}"),
        }
        "ok"
    }

    /// A payload, with what is given away in it.
    fn payload(&mut self, me: Who, load: Load) -> Payload {
        match load {
            Load::Text(number) => Payload::Text(number),
            Load::Parcel { number, gift } => {
                let gift = gift.filter(|gift| self.reach(me, *gift).is_some());
                gift.into_iter().for_each(|gift| self.place(gift, Place::Parcel));
                Payload::Parcel(number, gift)
            }
        }
    }

    fn find(&self, to: To) -> Option<Who> {
        match to {
            To::Session(who) => Some(who),
            To::Alias(alias) => {
                self.aliases.iter().find(|(name, _)| *name == alias).map(|(_, owner)| *owner)
            }
        }
    }
}

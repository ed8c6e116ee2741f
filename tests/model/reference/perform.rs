//! What can be asked of the kernel: each a few lines.

use super::deliver::Outcome;
use super::{Held, Holding, Payload, Place, QUEUED, Reference, WHEEL, Watch, What, Wheel};
use crate::history::World;
use crate::view::{View, look, survey};
use crate::op::{Ask, Door, End, KERNEL, Load, Op, TAGS, To, Who};

impl Door for Reference {
    fn perform(&mut self, op: Op) -> String {
        self.act(self.current.to, op)
    }

    fn alive(&self) -> Vec<Who> {
        View::alive(self)
    }
}

/// The kernel, from outside the loop.
pub struct Outside<'a>(pub &'a mut Reference);

impl Door for Outside<'_> {
    fn perform(&mut self, op: Op) -> String {
        if matches!(op, Op::Post { .. } | Op::Call { .. } | Op::Spawn { .. } | Op::Signal { .. } | Op::LetAllGo) {
            self.0.current = super::Letter::OUTSIDE;
            self.0.now = self.0.clock;
        }
        self.0.act(KERNEL, op)
    }

    fn alive(&self) -> Vec<Who> {
        View::alive(self.0)
    }
}

impl Reference {
    fn act(&mut self, me: Who, op: Op) -> String {
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
            Op::Alarm { .. } | Op::AlarmSet { .. } | Op::AlarmAdjust { .. } | Op::AlarmClear(_)
            | Op::AlarmRemove { .. } | Op::AlarmRemoveAll | Op::Delay { .. } | Op::DelaySet { .. }
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
            Op::AliasSet(_) | Op::AliasRemove(_) | Op::AliasResolve(_) | Op::Increment(..)
            | Op::Decrement(..) => return self.act_on_names(me, op),
            Op::Sig { .. } | Op::SigClear(_) | Op::SigHandled | Op::Signal { .. } => {
                self.act_on_signals(me, op)
            }
            Op::Postback { .. } | Op::Callback { .. } | Op::Ring { .. } | Op::Weaken { .. }
            | Op::Drop { .. } | Op::Wheel { .. } | Op::Poke { .. } | Op::Release { .. }
            | Op::LetGo | Op::LetAllGo => return self.act_on_held(me, op),
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

    fn call(&mut self, to: Who, event: &'static str, payload: Payload, reply: bool) -> String {
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

    fn act_on_held(&mut self, me: Who, op: Op) -> String {
        let place = |shelf| if shelf { Place::Shelf } else { Place::State(me) };
        match op {
            Op::Postback { key, event, shelf } => {
                self.hold(me, key, event, (place(shelf), Holding::Postback));
                self.hold_postback(me);
            }
            Op::Callback { key, event } => {
                self.hold(me, key, event, (place(false), Holding::Callback));
                self.hold_postback(me);
            }
            Op::Wheel { key, batch, end, ask, shelf } => {
                self.hold(me, key, "", (place(shelf), Holding::Handle));
                let batches = vec![batch];
                let wheel = Wheel { session: me, batches, end, told: 0, alive: true, again: false };
                self.wheels.insert(key, wheel);
                self.ask(key, ask);
                self.settle();
            }
            Op::LetGo => {
                self.drop_all(Place::State(me));
                self.forget_tags(me);
            }
            Op::LetAllGo => {
                self.drop_all(Place::Shelf);
                self.read_posts();
                let all: Vec<Who> = self.sessions.keys().copied().collect();
                for who in all {
                    self.forget_tags(who);
                    let letter = self.current.next(who, "wind");
                    self.post(What::Event { letter, payload: Payload::Parcel(0, None) });
                }
            }
            Op::Ring { key, .. } | Op::Weaken { key } | Op::Drop { key } | Op::Poke { key, .. }
            | Op::Release { key } => {
                let Some(held) = self.reach(me, key) else { return "nothing there".into() };
                let (what, place) = (held.what, held.place);
                if matches!(op, Op::Weaken { .. } | Op::Release { .. }) {
                    self.place(key, place);
                }
                return match what {
                    Holding::Postback | Holding::Callback => self.use_postback(key, op),
                    Holding::Handle => self.use_wheel(key, op).into(),
                };
            }
            other => unreachable!("{other:?}"),
        }
        "ok".into()
    }

    fn use_postback(&mut self, key: u64, op: Op) -> String {
        let place = self.held.iter().position(|one| one.key == key).expect("it was found");
        let Held { what, session, event, holds, .. } = self.held[place];
        match op {
            Op::Ring { number, .. } if what == Holding::Postback => {
                self.posts.push((session, event, Payload::Pair(key, number)));
            }
            Op::Ring { number, .. } => {
                return self.call(session, event, Payload::Pair(key, number), true);
            }
            Op::Weaken { .. } => {
                if holds {
                    self.released.push(session);
                }
                self.held[place].holds = false;
            }
            Op::Drop { .. } => self.drop_held(key),
            _ => return "not a wheel".into(),
        }
        "ok".into()
    }

    fn use_wheel(&mut self, key: u64, op: Op) -> &'static str {
        match op {
            Op::Drop { .. } => self.drop_held(key),
            Op::Poke { batch, ask, .. } => {
                let Some(wheel) = self.wheels.get_mut(&key) else { return "closed" };
                wheel.batches.push(batch);
                if !std::mem::replace(&mut wheel.alive, true) {
                    self.unsettled.push((wheel.session, WHEEL, true));
                }
                self.ask(key, ask);
            }
            Op::Release { .. } => {
                if let Some(wheel) = self.wheels.get_mut(&key) {
                    wheel.batches.push(1);
                    wheel.end = End::Close;
                    self.ask(key, Ask::Again);
                }
                self.held.retain(|one| one.key != key);
            }
            _ => return "a wheel",
        }
        "ok"
    }

    fn ask(&mut self, wheel: u64, ask: Ask) {
        match ask {
            Ask::Again => self.ask_again(wheel),
            Ask::At(micros) => {
                self.forget_waiting(|what| matches!(what, What::Alarm(one) if *one == wheel));
                self.wait(self.now + micros, What::Alarm(wheel));
            }
            Ask::Queue => {
                let session = self.wheels[&wheel].session;
                self.post(What::Pull { session, wheel });
                self.unsettled.push((session, QUEUED, true));
            }
        }
    }

    fn hold(&mut self, me: Who, key: u64, event: &'static str, (place, what): (Place, Holding)) {
        self.held.push(Held { key, place, what, session: me, event, holds: true });
    }

    /// What is held under this key, in this session's state or on the shelf.
    fn reach(&self, me: Who, key: u64) -> Option<&Held> {
        let here = |one: &&Held| one.place == Place::Shelf || one.place == Place::State(me);
        self.held.iter().filter(here).find(|one| one.key == key)
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

    fn forget_tags(&mut self, who: Who) {
        for tag in TAGS {
            let is_it = |one: &(Who, &str, u32)| one.0 == who && one.1 == tag;
            if self.tags.iter().any(is_it) {
                self.tags.retain(|one| !is_it(one));
                self.released(who);
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

impl View for Reference {
    fn alive(&self) -> Vec<Who> {
        self.sessions.keys().copied().collect()
    }

    fn why(&self, who: Who) -> Option<String> {
        self.sessions.contains_key(&who).then(|| Self::why(self, who))
    }

    fn parent(&self, who: Who) -> Option<Who> {
        self.sessions.get(&who).map(|session| session.parent)
    }

    fn children(&self, who: Who) -> Vec<Who> {
        Self::children(self, who)
    }

    fn aliases(&self, who: Who) -> Option<Vec<String>> {
        if who != KERNEL && !self.sessions.contains_key(&who) {
            return None;
        }
        let theirs = self.aliases.iter().filter(|(_, owner)| *owner == who);
        let mut aliases: Vec<String> = theirs.map(|(name, _)| (*name).to_owned()).collect();
        aliases.sort_unstable();
        Some(aliases)
    }

    fn counts(&self) -> String {
        let super::Counts { turns, polls, posted, timers, direct, unhandled, failures } = self.counts;
        format!(
            "{turns} turns, {polls} polls, {posted} posted, {timers} timers, {direct} direct, \
             {unhandled} unhandled, {failures} failures, {} wheels",
            self.wheels.len()
        )
    }
}

impl World for Reference {
    fn perform(&mut self, op: Op) -> String {
        Outside(self).perform(op)
    }

    fn alive(&self) -> Vec<Who> {
        View::alive(self)
    }

    fn advance(&mut self, micros: i64) {
        self.clock += micros;
    }

    fn turn(&mut self) -> String {
        self.run_one_turn()
    }

    fn run(&mut self) -> String {
        Self::run(self)
    }

    fn survey(&self) -> String {
        survey(self)
    }

    fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.wheels.is_empty()
    }
}

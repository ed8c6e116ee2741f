//! Postbacks, callbacks and wheels, and who holds them.

use super::{Held, Holding, Payload, Place, QUEUED, Reference, WHEEL, What, Wheel};
use crate::op::{Ask, End, Op, TAGS, Who};

impl Reference {
    pub(super) fn act_on_held(&mut self, me: Who, op: Op) -> String {
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
                self.close_dropped();
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
            Op::Ring { key, .. }
            | Op::Weaken { key }
            | Op::Drop { key }
            | Op::Poke { key, .. }
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
    pub(super) fn reach(&self, me: Who, key: u64) -> Option<&Held> {
        let here = |one: &&Held| one.place == Place::Shelf || one.place == Place::State(me);
        self.held.iter().filter(here).find(|one| one.key == key)
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
}

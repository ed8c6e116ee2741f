//! Postbacks, callbacks and the handles of wheels: made, used, given away and dropped.

use super::ledger::{QUEUED, WHEEL};
use super::{Held, Holding, Payload, Place, Reference, What, Wheel};
use crate::op::{Ask, End, Load, Op, Who};

impl Reference {
    pub(super) fn act_on_held(&mut self, me: Who, op: Op) -> String {
        let place = |shelf| if shelf { Place::Shelf } else { Place::State(me) };
        match op {
            Op::Postback { key, event, shelf } => {
                self.hold(me, key, event, (place(shelf), Holding::Postback));
                self.postbacks.push(me);
            }
            Op::Callback { key, event } => {
                self.hold(me, key, event, (place(false), Holding::Callback));
                self.postbacks.push(me);
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
    fn reach(&self, me: Who, key: u64) -> Option<&Held> {
        let here = |one: &&Held| one.place == Place::Shelf || one.place == Place::State(me);
        self.held.iter().filter(here).find(|one| one.key == key)
    }

    /// A payload, with what is given away in it.
    pub(super) fn payload(&mut self, me: Who, load: Load) -> Payload {
        match load {
            Load::Text(number) => Payload::Text(number),
            Load::Parcel { number, gift } => {
                let gift = gift.filter(|gift| self.reach(me, *gift).is_some());
                gift.into_iter().for_each(|gift| self.place(gift, Place::Parcel));
                Payload::Parcel(number, gift)
            }
        }
    }

    /// Drops what is held: its postback holds no more, its wheel closes, when the handler has returned.
    pub(super) fn drop_held(&mut self, key: u64) {
        let place = self.held.iter().position(|one| one.key == key).expect("it is held");
        let held = self.held.remove(place);
        match held.what {
            Holding::Handle => self.dropped.push(key),
            Holding::Postback | Holding::Callback if held.holds => self.released.push(held.session),
            Holding::Postback | Holding::Callback => {}
        }
    }

    pub(super) fn drop_payload(&mut self, payload: Payload) {
        if let Payload::Parcel(_, Some(gift)) = payload {
            self.drop_held(gift);
        }
    }

    /// Puts what is held somewhere else, behind what is there.
    pub(super) fn place(&mut self, key: u64, place: Place) {
        let at = self.held.iter().position(|one| one.key == key).expect("it is held");
        let mut held = self.held.remove(at);
        held.place = place;
        self.held.push(held);
    }

    /// Drops everything that is held in a place.
    pub(super) fn drop_all(&mut self, place: Place) {
        while let Some(one) = self.held.iter().find(|one| one.place == place) {
            self.drop_held(one.key);
        }
    }
}

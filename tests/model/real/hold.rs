//! What is held: in a session's state, or on the shelf, where everybody can reach it.

use reactor::Event;

use super::door::Inside;
use super::payload::Parcel;
use super::ticker::Ticker;
use super::{Held, Stage, nothing, ok, word};
use crate::op::{Load, Op};

/// A payload, with what goes with it.
pub enum Loaded {
    Parcel(Parcel),
    Text(String),
}

impl Inside<'_, '_> {
    pub fn act_on_held(&mut self, op: Op) -> String {
        let Self { cx, actor, stage } = self;
        let held = &mut actor.held;
        match op {
            Op::Postback { key, event, shelf } => {
                let postback = Held::Postback(cx.postback(event, key));
                stage.put(held, key, postback, shelf);
            }
            Op::Callback { key, event } => {
                let event = Event::<(u64, u64), u64>::new(event);
                stage.put(held, key, Held::Callback(cx.callback(event, key)), false);
            }
            Op::Ring { key, number } => {
                let callback = held.iter().find_map(|(other, held)| match held {
                    Held::Callback(callback) if *other == key => Some(callback),
                    Held::Callback(_) | Held::Postback(_) | Held::Handle(_) => None,
                });
                return match callback {
                    Some(callback) => word(callback.call(cx, number)),
                    None => stage.use_held(held, op),
                };
            }
            Op::Wheel { key, batch, end, ask, shelf } => {
                let tick = cx.symbol("tick");
                let handle = cx.add_wheel(|io| Ticker::new(io, key, tick, (batch, end, ask)));
                stage.put(held, key, Held::Handle(handle), shelf);
            }
            Op::Poke { key, batch, ask } => {
                let poked = stage.reach(held, key, |held| match held {
                    Held::Handle(handle) => {
                        Some(cx.wheel(handle).is_some_and(|(wheel, mut io)| {
                            wheel.poke(&mut io, batch, ask);
                            true
                        }))
                    }
                    Held::Postback(_) | Held::Callback(_) => None,
                });
                return match poked {
                    None => nothing(),
                    Some(None) => "not a wheel".into(),
                    Some(Some(false)) => "closed".into(),
                    Some(Some(true)) => ok(),
                };
            }
            Op::Release { key } => match stage.take(held, key) {
                None => return nothing(),
                Some((Held::Handle(handle), _)) => {
                    if let Some((wheel, mut io)) = cx.wheel(&handle) {
                        wheel.finish(&mut io);
                    }
                    handle.release();
                }
                Some((other, place)) => {
                    stage.put(held, key, other, place);
                    return "not a wheel".into();
                }
            },
            other => unreachable!("{other:?}"),
        }
        ok()
    }
}

impl Stage {
    fn reach<R>(&self, mine: &[(u64, Held)], key: u64, act: impl FnOnce(&Held) -> R) -> Option<R> {
        let shelf = self.shelf.borrow();
        let all = mine.iter().chain(shelf.iter());
        all.into_iter().find(|(other, _)| *other == key).map(|(_, held)| act(held))
    }

    /// Takes it out; says whether it was on the shelf.
    fn take(&self, mine: &mut Vec<(u64, Held)>, key: u64) -> Option<(Held, bool)> {
        let is_it = |(other, _): &(u64, Held)| *other == key;
        if let Some(place) = mine.iter().position(is_it) {
            return Some((mine.remove(place).1, false));
        }
        let mut shelf = self.shelf.borrow_mut();
        let place = shelf.iter().position(is_it)?;
        Some((shelf.remove(place).1, true))
    }

    fn put(&self, mine: &mut Vec<(u64, Held)>, key: u64, held: Held, shelf: bool) {
        if shelf {
            self.shelf.borrow_mut().push((key, held));
        } else {
            mine.push((key, held));
        }
    }

    pub fn payload(&self, mine: &mut Vec<(u64, Held)>, load: Load) -> Loaded {
        match load {
            Load::Text(number) => Loaded::Text(number.to_string()),
            Load::Parcel { number, gift } => {
                let held = gift.and_then(|key| Some((key, self.take(mine, key)?.0)));
                Loaded::Parcel(Parcel { number, gift: held })
            }
        }
    }

    /// What anybody can do with it.
    pub fn use_held(&self, mine: &mut Vec<(u64, Held)>, op: Op) -> String {
        match op {
            Op::Ring { key, number } => {
                let rung = self.reach(mine, key, |held| match held {
                    Held::Postback(postback) => {
                        postback.post(number);
                        ok()
                    }
                    Held::Callback(_) | Held::Handle(_) => "a wheel".into(),
                });
                rung.unwrap_or_else(nothing)
            }
            Op::Weaken { key } => {
                let Some((held, place)) = self.take(mine, key) else { return nothing() };
                let (held, answer) = match held {
                    Held::Postback(held) => (Held::Postback(held.weaken()), ok()),
                    Held::Callback(held) => (Held::Callback(held.weaken()), ok()),
                    Held::Handle(held) => (Held::Handle(held), "a wheel".into()),
                };
                self.put(mine, key, held, place);
                answer
            }
            Op::Drop { key } => match self.take(mine, key) {
                None => nothing(),
                Some(_) => ok(),
            },
            other => unreachable!("{other:?}"),
        }
    }
}

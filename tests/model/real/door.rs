//! What the script asks for, asked of the kernel.

use std::fmt::Debug;
use std::rc::Rc;
use std::time::Instant;

use reactor::{
    Adjust, AliasError, Child, Context, Destination, Event, Kernel, NoSuchSession, NoSuchTimer,
    RefcountError, Removed, SessionId, SignalError, TimerId,
};

use super::payload::Parcel;
use super::ticker::Ticker;
use super::{Actor, Held, Seen, Stage, hear_set, span};
use crate::op::{Door, Load, Op, TAGS, To, Who};
use crate::view::{View, look};

/// A handler.
pub struct Inside<'a, 'b> {
    pub cx: &'a mut Context<'b>,
    pub actor: &'a mut Actor,
    pub stage: &'a Rc<Stage>,
}

/// Somebody between two turns.
pub struct Outside<'a> {
    pub kernel: &'a mut Kernel,
    pub stage: &'a Rc<Stage>,
}

/// An id or an alias.
enum Target {
    Id(SessionId),
    Alias(&'static str),
}

impl Destination for Target {
    fn find(&self, kernel: &Kernel) -> Option<SessionId> {
        match self {
            Self::Id(id) => Some(*id),
            Self::Alias(alias) => alias.find(kernel),
        }
    }
}

/// What a handler and somebody outside ask for in the same words.
macro_rules! ask_both {
    ($door:expr, $stage:expr, $held:expr, $op:expr) => {
        match $op {
            Op::Post { to, event, load } => match $stage.payload($held, load) {
                Loaded::Parcel(parcel) => {
                    let number = parcel.number;
                    let posted = $door.post($stage.target(to), event, parcel);
                    returned(posted, |parcel| parcel.number == number)
                }
                Loaded::Text(text) => {
                    let posted = $door.post($stage.target(to), event, text.clone());
                    returned(posted, |back| *back == text)
                }
            },
            Op::Call { to, event, load, other_reply } => {
                let to = $stage.target(to);
                match ($stage.payload($held, load), other_reply) {
                    (Loaded::Parcel(parcel), false) => {
                        word($door.call(to, Event::<Parcel, u64>::new(event), parcel))
                    }
                    (Loaded::Text(text), false) => {
                        word($door.call(to, Event::<String, u64>::new(event), text))
                    }
                    (Loaded::Parcel(parcel), true) => {
                        word($door.call(to, Event::<Parcel, String>::new(event), parcel))
                    }
                    (Loaded::Text(text), true) => {
                        word($door.call(to, Event::<String, String>::new(event), text))
                    }
                }
            }
            Op::Spawn { kind, child } => {
                let actor = Actor { me: child, stage: Rc::clone($stage), held: Vec::new() };
                let id = $door.spawn($stage.kinds().get(kind), actor);
                $stage.enter(child, id);
                ok()
            }
            Op::Signal { to, signal, number } => {
                returned($door.signal($stage.target(to), signal, number), |back| *back == number)
            }
            Op::Increment(who, tag) => match $stage.id(who) {
                Some(id) => word($door.refcount_increment(id, tag).map_err(|_| RefcountError::NoSuchSession)),
                None => unreachable!("{who} was born"),
            },
            Op::Decrement(who, tag) => match $stage.id(who) {
                Some(id) => word($door.refcount_decrement(id, tag)),
                None => unreachable!("{who} was born"),
            },
            Op::AliasResolve(name) => {
                format!("{:?}", $door.alias_resolve(name).map(|id| $stage.name(id)))
            }
            Op::Busy(micros) => {
                $stage.clock.advance(span(micros));
                ok()
            }
            Op::Stop => {
                $door.stop();
                ok()
            }
            Op::LetAllGo => {
                drop($stage.shelf.take());
                // What postbacks were called with comes first.
                $door.post(SessionId::KERNEL, "wind", plain(0)).ok();
                let ids = $stage.ids.borrow().clone();
                for id in ids.into_iter().flatten() {
                    for tag in TAGS {
                        while $door.refcount_decrement(id, tag).is_ok() {}
                    }
                    // Who is gone has nothing to let go.
                    $door.post(id, "wind", plain(0)).ok();
                }
                ok()
            }
            Op::Ring { key, number } => match $stage.reach($held, key, |held| match held {
                Held::Postback(postback) => Some(postback.post(number)),
                Held::Callback(_) | Held::Handle(_) => None,
            }) {
                None => nothing(),
                Some(None) => "a wheel".into(),
                Some(Some(())) => ok(),
            },
            Op::Weaken { key } => match $stage.take($held, key) {
                None => nothing(),
                Some((held, place)) => {
                    let (held, answer) = match held {
                        Held::Postback(held) => (Held::Postback(held.weaken()), ok()),
                        Held::Callback(held) => (Held::Callback(held.weaken()), ok()),
                        Held::Handle(held) => (Held::Handle(held), "a wheel".into()),
                    };
                    $stage.put($held, key, held, place);
                    answer
                }
            },
            Op::Drop { key } => match $stage.take($held, key) {
                None => nothing(),
                Some(_) => ok(),
            },
            other => unreachable!("{other:?}"),
        }
    };
}

impl Door for Outside<'_> {
    fn alive(&self) -> Vec<Who> {
        Seen { kernel: self.kernel, stage: self.stage }.alive()
    }

    fn perform(&mut self, op: Op) -> String {
        let Self { kernel, stage } = self;
        match op {
            Op::Look(who) => look(&Seen { kernel, stage }, who),
            Op::AliasSet(name) => stage.alias(kernel.alias_set(SessionId::KERNEL, name)),
            Op::AliasRemove(name) => stage.alias(kernel.alias_remove(SessionId::KERNEL, name)),
            _ => ask_both!(kernel, stage, &mut Vec::new(), op),
        }
    }
}

impl Door for Inside<'_, '_> {
    fn alive(&self) -> Vec<Who> {
        Seen { kernel: self.cx.kernel(), stage: self.stage }.alive()
    }

    fn perform(&mut self, op: Op) -> String {
        let Self { cx, actor, stage } = self;
        match op {
            Op::Look(who) => look(&Seen { kernel: cx.kernel(), stage }, who),
            Op::AliasSet(name) => stage.alias(cx.alias_set(name)),
            Op::AliasRemove(name) => stage.alias(cx.alias_remove(name)),
            Op::Delay { event, micros, number } => {
                cx.delay(event, span(micros), plain(number));
                ok()
            }
            Op::DelaySet { event, micros, number, key } => {
                stage.keep(key, cx.delay_set(event, span(micros), plain(number)))
            }
            Op::Alarm { event, micros, number } => {
                cx.alarm(event, later(cx.now(), micros), plain(number));
                ok()
            }
            Op::AlarmSet { event, micros, number, key } => {
                stage.keep(key, cx.alarm_set(event, later(cx.now(), micros), plain(number)))
            }
            Op::AlarmClear(event) => cx.alarm_clear(event).to_string(),
            Op::AlarmRemoveAll => {
                let removed = cx.alarm_remove_all();
                removed.into_iter().map(|timer| stage.removed(timer)).collect()
            }
            Op::AlarmAdjust { .. } | Op::AlarmRemove { .. } | Op::DelayAdjust { .. } => {
                self.act_on_timer(op).unwrap_or_else(|NoSuchTimer| "NoSuchTimer".into())
            }
            Op::DetachMyself => word_of(cx.detach_myself()),
            Op::DetachChild(who) => word_of(cx.detach_child(stage.id(who).expect("was born"))),
            Op::Sig { signal, event } => match cx.sig(signal, event) {
                Ok(()) => ok(),
                Err(SignalError::Misspelt(_)) => "Misspelt".into(),
                Err(SignalError::Unwatchable(_)) => "Unwatchable".into(),
                Err(other) => other.to_string(),
            },
            Op::SigClear(signal) => {
                if cx.sig_clear(signal) { "cleared".into() } else { "not watched".into() }
            }
            Op::SigHandled => {
                cx.sig_handled();
                ok()
            }
            Op::State { event, version } => word_of(match event {
                "_child" => cx.state(event, hear_set::<Child>(version)),
                "_stop" | "_start" => cx.state(event, hear_set::<()>(version)),
                _ => cx.state(event, hear_set::<Parcel>(version)),
            }),
            Op::StateClear(event) => word_of(cx.state_clear(event)),
            Op::LetGo => {
                actor.held.clear();
                let me = cx.session();
                for tag in TAGS {
                    while cx.refcount_decrement(me, tag).is_ok() {}
                }
                ok()
            }
            Op::Postback { .. } | Op::Callback { .. } | Op::Ring { .. } | Op::Wheel { .. }
            | Op::Poke { .. } | Op::Release { .. } => self.act_on_held(op),
            _ => ask_both!(cx, stage, &mut actor.held, op),
        }
    }
}

impl Inside<'_, '_> {
    fn act_on_timer(&mut self, op: Op) -> Result<String, NoSuchTimer> {
        let Self { cx, stage, .. } = self;
        let find = |key| stage.timers.borrow().get(&key).copied().ok_or(NoSuchTimer);
        let moved = match op {
            Op::AlarmRemove { key } => return Ok(stage.removed(cx.alarm_remove(find(key)?)?)),
            Op::AlarmAdjust { key, micros } if micros < 0 => {
                cx.alarm_adjust(find(key)?, Adjust::Earlier(span(micros)))?
            }
            Op::AlarmAdjust { key, micros } => {
                cx.alarm_adjust(find(key)?, Adjust::Later(span(micros)))?
            }
            Op::DelayAdjust { key, micros } => cx.delay_adjust(find(key)?, span(micros))?,
            other => unreachable!("{other:?}"),
        };
        Ok(stage.micros(moved).to_string())
    }

    fn act_on_held(&mut self, op: Op) -> String {
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
                    None => ask_both!(cx, stage, held, op),
                };
            }
            Op::Wheel { key, batch, end, ask, shelf } => {
                let tick = cx.symbol("tick");
                let handle = cx.add_wheel(|io| Ticker::new(io, key, tick, (batch, end, ask)));
                stage.put(held, key, Held::Handle(handle), shelf);
            }
            Op::Poke { key, batch, ask } => {
                let poked = stage.reach(held, key, |held| match held {
                    Held::Handle(handle) => Some(cx.wheel(handle).is_some_and(|(wheel, mut io)| {
                        wheel.poke(&mut io, batch, ask);
                        true
                    })),
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

/// Held by a session, or where everybody can reach it.
impl Stage {
    fn reach<R>(
        &self,
        mine: &[(u64, Held)],
        key: u64,
        act: impl FnOnce(&Held) -> R,
    ) -> Option<R> {
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

    fn payload(&self, mine: &mut Vec<(u64, Held)>, load: Load) -> Loaded {
        match load {
            Load::Text(number) => Loaded::Text(number.to_string()),
            Load::Parcel { number, gift } => {
                let held = gift.and_then(|key| Some((key, self.take(mine, key)?.0)));
                Loaded::Parcel(Parcel { number, gift: held })
            }
        }
    }

    fn keep(&self, key: u64, timer: TimerId) -> String {
        self.timers.borrow_mut().insert(key, timer);
        ok()
    }

    /// A timer that was removed, in words.
    fn removed(&self, mut timer: Removed) -> String {
        let parcel = timer.take::<Parcel>().expect("each timer has one");
        format!("{} #{} at {};", timer.name(), parcel.number, self.micros(timer.due()))
    }

    fn target(&self, to: To) -> Target {
        match to {
            To::Session(who) => Target::Id(self.id(who).expect("was born")),
            To::Alias(alias) => Target::Alias(alias),
        }
    }

    fn alias(&self, result: Result<(), AliasError>) -> String {
        match result {
            Err(AliasError::InUse(id)) => format!("InUse {}", self.name(id)),
            Err(AliasError::NotYours(id)) => format!("NotYours {}", self.name(id)),
            other => word_of(other),
        }
    }
}

enum Loaded {
    Parcel(Parcel),
    Text(String),
}

fn later(now: Instant, micros: i64) -> Instant {
    if micros < 0 { now - span(micros) } else { now + span(micros) }
}

fn plain(number: u64) -> Parcel {
    Parcel { number, gift: None }
}

/// Whether it was taken; if not, it must have come back.
fn returned<T>(posted: Result<(), NoSuchSession<T>>, is_it: impl FnOnce(&T) -> bool) -> String {
    match posted {
        Ok(()) => ok(),
        Err(NoSuchSession(payload)) => {
            assert!(is_it(&payload), "another payload came back");
            "NoSuchSession".into()
        }
    }
}

fn word<T: Debug, E: Debug>(result: Result<T, E>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{error:?}"),
    }
}

fn word_of<E: Debug>(result: Result<(), E>) -> String {
    match result {
        Ok(()) => ok(),
        Err(error) => format!("{error:?}"),
    }
}

fn ok() -> String {
    "ok".into()
}

fn nothing() -> String {
    "nothing there".into()
}

//! What the events carry.

use reactor::{Child, Death, Fate, NewParent, Signal, Unhandled};

use super::{Actor, Held};
use crate::op::Who;

/// A number, and something that goes with it.
pub struct Parcel {
    pub number: u64,
    pub gift: Option<(u64, Held)>,
}

/// A payload: what is in it is kept, and said in words.
pub trait Carried: 'static + Sized {
    fn take_in(self, actor: &mut Actor) -> String;
}

impl Carried for Parcel {
    fn take_in(self, actor: &mut Actor) -> String {
        let Self { number, gift } = self;
        let Some((key, held)) = gift else { return format!("#{number}") };
        if !actor.stage.script.is_calm() {
            actor.held.push((key, held));
        }
        format!("#{number} with {key}")
    }
}

impl Carried for () {
    fn take_in(self, _: &mut Actor) -> String {
        "()".into()
    }
}

impl Carried for String {
    fn take_in(self, _: &mut Actor) -> String {
        format!("text {self}")
    }
}

impl Carried for (u64, u64) {
    fn take_in(self, _: &mut Actor) -> String {
        format!("{} and {}", self.0, self.1)
    }
}

impl Carried for u64 {
    fn take_in(self, _: &mut Actor) -> String {
        self.to_string()
    }
}

impl Carried for Signal {
    fn take_in(self, actor: &mut Actor) -> String {
        let name = self.name();
        if let Some(number) = self.payload::<u64>() {
            return format!("{name} {number}");
        }
        let Some(death) = self.payload::<Death>() else { return name.to_owned() };
        let Death { error, place, session, sender, event, posted_in, .. } = death;
        let (session, sender) = (actor.stage.name(*session), actor.stage.name(*sender));
        let event = event.as_deref().unwrap_or("-");
        let caller = posted_in.as_deref().unwrap_or("-");
        format!("{name}[{error}|{place}|{session}|{sender}|{event}|{caller}]")
    }
}

impl Carried for Child {
    fn take_in(mut self, actor: &mut Actor) -> String {
        let fate = match self.fate() {
            Fate::Create => "create",
            Fate::Gain => "gain",
            Fate::Lose => "lose",
        };
        let who = actor.stage.name(self.session());
        match self.take::<u64>() {
            None => format!("{fate} {who}"),
            Some(answer) => format!("{fate} {who} saying {answer}"),
        }
    }
}

impl Carried for NewParent {
    fn take_in(self, actor: &mut Actor) -> String {
        let name = |id| -> Who { actor.stage.name(id) };
        format!("{} -> {}", name(self.old), name(self.new))
    }
}

/// What `_default` is given: one of the others.
pub fn take_in(mut event: Unhandled<'_>, actor: &mut Actor) -> String {
    if let Some(parcel) = event.take::<Parcel>() {
        parcel.take_in(actor)
    } else if let Some(text) = event.take::<String>() {
        text.take_in(actor)
    } else if let Some(pair) = event.take::<(u64, u64)>() {
        pair.take_in(actor)
    } else if let Some(number) = event.take::<u64>() {
        number.take_in(actor)
    } else if let Some(signal) = event.take::<Signal>() {
        signal.take_in(actor)
    } else if let Some(child) = event.take::<Child>() {
        child.take_in(actor)
    } else if let Some(change) = event.take::<NewParent>() {
        change.take_in(actor)
    } else {
        event.take::<()>().map_or_else(|| "?".into(), |unit| unit.take_in(actor))
    }
}

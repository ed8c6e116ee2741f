//! What a handler and somebody outside of the loop ask for in the same words.

use std::rc::Rc;

use reactor::{
    CallError, Context, Destination, Event, Kernel, NoSuchSession, RefcountError, SessionId, States,
};

use super::hold::Loaded;
use super::payload::Parcel;
use super::{Actor, Held, Stage, ok, plain, span, word};
use crate::op::{Op, TAGS};

/// What [`Context`] and [`Kernel`] both have.
pub trait Both {
    fn post<T: 'static>(
        &mut self,
        to: Target,
        event: &'static str,
        payload: T,
    ) -> Result<(), NoSuchSession<T>>;
    fn call<T: 'static, R: 'static>(
        &mut self,
        to: Target,
        event: Event<T, R>,
        payload: T,
    ) -> Result<R, CallError>;
    fn spawn(&mut self, states: &States<Actor>, actor: Actor) -> SessionId;
    fn signal(&mut self, to: Target, name: &str, number: u64) -> Result<(), NoSuchSession<u64>>;
    fn refcount_increment(&mut self, who: SessionId, tag: &str) -> Result<u32, NoSuchSession>;
    fn refcount_decrement(&mut self, who: SessionId, tag: &str) -> Result<u32, RefcountError>;
    fn alias_resolve(&self, name: &str) -> Option<SessionId>;
    fn stop(&mut self);
}

macro_rules! both {
    ($($type:ty),*) => {$(
        impl Both for $type {
            fn post<T: 'static>(
                &mut self,
                to: Target,
                event: &'static str,
                payload: T,
            ) -> Result<(), NoSuchSession<T>> {
                <$type>::post(self, to, event, payload)
            }

            fn call<T: 'static, R: 'static>(
                &mut self,
                to: Target,
                event: Event<T, R>,
                payload: T,
            ) -> Result<R, CallError> {
                <$type>::call(self, to, event, payload)
            }

            fn spawn(&mut self, states: &States<Actor>, actor: Actor) -> SessionId {
                <$type>::spawn(self, states, actor)
            }

            fn signal(&mut self, to: Target, name: &str, number: u64) -> Result<(), NoSuchSession<u64>> {
                <$type>::signal(self, to, name, number)
            }

            fn refcount_increment(&mut self, who: SessionId, tag: &str) -> Result<u32, NoSuchSession> {
                <$type>::refcount_increment(self, who, tag)
            }

            fn refcount_decrement(&mut self, who: SessionId, tag: &str) -> Result<u32, RefcountError> {
                <$type>::refcount_decrement(self, who, tag)
            }

            fn alias_resolve(&self, name: &str) -> Option<SessionId> {
                <$type>::alias_resolve(self, name)
            }

            fn stop(&mut self) {
                <$type>::stop(self);
            }
        }
    )*};
}

both!(Kernel, Context<'_>);

/// An id or an alias.
pub enum Target {
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

/// Does what both can do.
pub fn ask<B: Both>(
    door: &mut B,
    stage: &Rc<Stage>,
    held: &mut Vec<(u64, Held)>,
    op: Op,
) -> String {
    match op {
        Op::Post { to, event, load } => {
            post(door, (stage.target(to), event), stage.payload(held, load))
        }
        Op::Call { to, event, load, other_reply } => {
            call(door, (stage.target(to), event), stage.payload(held, load), other_reply)
        }
        Op::Spawn { kind, child } => {
            let actor = Actor { me: child, stage: Rc::clone(stage), held: Vec::new() };
            let id = door.spawn(stage.kinds().get(kind), actor);
            stage.enter(child, id);
            ok()
        }
        Op::Signal { to, signal, number } => {
            returned(door.signal(stage.target(to), signal, number), |back| *back == number)
        }
        Op::Increment(who, tag) => match door.refcount_increment(stage.born(who), tag) {
            Ok(count) => count.to_string(),
            Err(NoSuchSession(())) => "NoSuchSession".into(),
        },
        Op::Decrement(who, tag) => word(door.refcount_decrement(stage.born(who), tag)),
        Op::AliasResolve(name) => {
            format!("{:?}", door.alias_resolve(name).map(|id| stage.name(id)))
        }
        Op::Busy(micros) => {
            stage.clock.advance(span(micros));
            ok()
        }
        Op::Stop => {
            door.stop();
            ok()
        }
        Op::LetAllGo => let_all_go(door, stage),
        Op::Ring { .. } | Op::Weaken { .. } | Op::Drop { .. } => stage.use_held(held, op),
        other => unreachable!("{other:?}"),
    }
}

fn post<B: Both>(door: &mut B, (to, event): (Target, &'static str), loaded: Loaded) -> String {
    match loaded {
        Loaded::Parcel(parcel) => {
            let number = parcel.number;
            returned(door.post(to, event, parcel), |parcel| parcel.number == number)
        }
        Loaded::Text(text) => returned(door.post(to, event, text.clone()), |back| *back == text),
    }
}

fn call<B: Both>(
    door: &mut B,
    (to, event): (Target, &'static str),
    loaded: Loaded,
    other_reply: bool,
) -> String {
    match (loaded, other_reply) {
        (Loaded::Parcel(parcel), false) => {
            word(door.call(to, Event::<Parcel, u64>::new(event), parcel))
        }
        (Loaded::Text(text), false) => word(door.call(to, Event::<String, u64>::new(event), text)),
        (Loaded::Parcel(parcel), true) => {
            word(door.call(to, Event::<Parcel, String>::new(event), parcel))
        }
        (Loaded::Text(text), true) => {
            word(door.call(to, Event::<String, String>::new(event), text))
        }
    }
}

fn let_all_go<B: Both>(door: &mut B, stage: &Stage) -> String {
    drop(stage.shelf.take());
    // Whoever is gone has nothing to let go, and the kernel never had.
    let ids = stage.ids.borrow().clone();
    for id in [Some(SessionId::KERNEL)].into_iter().chain(ids).flatten() {
        for tag in TAGS {
            while door.refcount_decrement(id, tag).is_ok() {}
        }
        door.post(Target::Id(id), "wind", plain(0)).ok();
    }
    ok()
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

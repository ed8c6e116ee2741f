//! The kernel itself, following the script.

mod both;
mod door;
mod hold;
mod payload;
mod ticker;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use reactor::{
    Callback, Child, Clock, Context, Handle, Kernel, NewParent, OnException, Postback, SessionId,
    Signal, States, TimerId, Unhandled,
};

use crate::history::World;
use crate::op::{Door, Ending, Heard, KERNEL, Kind, Op, To, Who};
use crate::script::Script;
use crate::view::{View, survey};
use both::Target;
use door::{Inside, Outside};
use payload::{Carried, Parcel, take_in};
use ticker::Ticker;

pub struct Real {
    kernel: Kernel,
    stage: Rc<Stage>,
}

/// What the sessions share.
struct Stage {
    script: Rc<Script>,
    clock: Clock,
    /// When it began.
    base: Instant,
    ids: RefCell<Vec<Option<SessionId>>>,
    names: RefCell<HashMap<SessionId, Who>>,
    timers: RefCell<HashMap<u64, TimerId>>,
    /// What is held and everybody can reach.
    shelf: RefCell<Vec<(u64, Held)>>,
    kinds: Cell<Option<Rc<Kinds>>>,
}

struct Kinds {
    full: States<Actor>,
    quiet: States<Actor>,
    default: States<Actor>,
    keeper: States<Actor>,
}

/// The state of each session.
struct Actor {
    me: Who,
    stage: Rc<Stage>,
    held: Vec<(u64, Held)>,
}

enum Held {
    Postback(Postback<u64, u64>),
    Callback(Callback<u64, u64, u64>),
    Handle(Handle<Ticker>),
}

impl Real {
    pub fn new(script: &Rc<Script>, on_exception: OnException) -> Self {
        let clock = Clock::virtual_time();
        let kernel = Kernel::builder().clock(clock.clone()).on_exception(on_exception).build();
        let stage = Stage {
            script: Rc::clone(script),
            base: clock.now(),
            clock,
            ids: RefCell::default(),
            names: RefCell::new(HashMap::from([(SessionId::KERNEL, KERNEL)])),
            timers: RefCell::default(),
            shelf: RefCell::default(),
            kinds: Cell::new(Some(Rc::new(Kinds::new()))),
        };
        Self { kernel: kernel.expect("a kernel"), stage: Rc::new(stage) }
    }
}

impl World for Real {
    fn perform(&mut self, op: Op) -> String {
        Outside { kernel: &mut self.kernel, stage: &self.stage }.perform(op)
    }

    fn alive(&self) -> Vec<Who> {
        Seen { kernel: &self.kernel, stage: &self.stage }.alive()
    }

    fn advance(&mut self, micros: i64) {
        self.stage.clock.advance(span(micros));
    }

    fn turn(&mut self) -> String {
        outcome(|| self.kernel.run_one_turn(Duration::ZERO).map(|more| more.to_string()))
    }

    fn run(&mut self) -> String {
        outcome(|| self.kernel.run().map(|()| "ok".to_owned()))
    }

    fn survey(&self) -> String {
        survey(&Seen { kernel: &self.kernel, stage: &self.stage })
    }

    fn is_empty(&self) -> bool {
        self.kernel.session_count() == 0 && self.kernel.wheel_count() == 0
    }
}

fn span(micros: i64) -> Duration {
    Duration::from_micros(micros.unsigned_abs())
}

/// What comes out of `run`, in words.
fn outcome(run: impl FnOnce() -> std::io::Result<String>) -> String {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => format!("error: {error}"),
        Err(panic) => match panic.downcast::<String>() {
            Ok(text) => format!("panic: {text}"),
            Err(other) => resume_unwind(other),
        },
    }
}

impl Stage {
    /// A session's id. Its number is given before it is born.
    fn id(&self, who: Who) -> Option<SessionId> {
        if who == KERNEL {
            return Some(SessionId::KERNEL);
        }
        self.ids.borrow().get(who.0 as usize).copied().flatten()
    }

    /// The id of one that has been born.
    fn born(&self, who: Who) -> SessionId {
        self.id(who).expect("it has been born")
    }

    fn target(&self, to: To) -> Target {
        match to {
            To::Session(who) => Target::Id(self.born(who)),
            To::Alias(alias) => Target::Alias(alias),
        }
    }

    fn name(&self, id: SessionId) -> Who {
        self.names.borrow()[&id]
    }

    fn enter(&self, who: Who, id: SessionId) {
        let mut ids = self.ids.borrow_mut();
        let place = who.0 as usize;
        if ids.len() <= place {
            ids.resize(place + 1, None);
        }
        if ids[place].replace(id).is_none() {
            self.names.borrow_mut().insert(id, who);
        }
    }

    /// Microseconds since the beginning.
    fn micros(&self, time: Instant) -> i64 {
        let micros = |span: Duration| i64::try_from(span.as_micros()).expect("not that late");
        micros(time.saturating_duration_since(self.base))
            - micros(self.base.saturating_duration_since(time))
    }

    fn kinds(&self) -> Rc<Kinds> {
        let kinds = self.kinds.take().expect("put back at once");
        self.kinds.set(Some(Rc::clone(&kinds)));
        kinds
    }
}

impl Kinds {
    fn new() -> Self {
        Self {
            full: own(common(States::new())),
            quiet: common(States::new()),
            default: States::new()
                .try_on("_start", hear::<()>)
                .try_on("red", hear::<Parcel>)
                .try_on("wind", hear::<Parcel>)
                .on_default(|actor: &mut Actor, cx: &mut Context<'_>, event: Unhandled<'_>| {
                    let name = format!("?{}", event.name());
                    let payload = take_in(event, actor);
                    heard(actor, cx, payload, (name, 0, false)).expect("it panics instead");
                }),
            keeper: own(common(States::new())).try_on("beat", hear::<Parcel>),
        }
    }

    const fn get(&self, kind: Kind) -> &States<Actor> {
        match kind {
            Kind::Full => &self.full,
            Kind::Quiet => &self.quiet,
            Kind::Default => &self.default,
            Kind::Keeper => &self.keeper,
        }
    }
}

fn own(states: States<Actor>) -> States<Actor> {
    states
        .try_on("_start", hear::<()>)
        .try_on("_stop", hear::<()>)
        .try_on("_child", hear::<Child>)
        .try_on("_parent", hear::<NewParent>)
}

fn common(states: States<Actor>) -> States<Actor> {
    states
        .try_on("red", hear::<Parcel>)
        .try_on("green", hear::<Parcel>)
        .try_on("blue", hear::<Parcel>)
        .try_on("wind", hear::<Parcel>)
        .try_on("text", hear::<String>)
        .try_on("answer", hear::<(u64, u64)>)
        .try_on("heed", hear::<Signal>)
        .try_on("obey", hear::<Signal>)
        .try_on("tick", hear::<u64>)
}

fn hear<P: Carried>(actor: &mut Actor, cx: &mut Context<'_>, payload: P) -> Result<u64, String> {
    let (event, payload) = (cx.event().to_owned(), payload.take_in(actor));
    heard(actor, cx, payload, (event, 0, true))
}

/// A handler that was set while the session ran.
fn hear_set<P: Carried>(version: u64) -> impl Fn(&mut Actor, &mut Context<'_>, P) -> u64 + 'static {
    move |actor, cx, payload| {
        let (event, payload) = (cx.event().to_owned(), payload.take_in(actor));
        heard(actor, cx, payload, (event, version, false)).expect("it panics instead")
    }
}

fn heard(
    actor: &mut Actor,
    cx: &mut Context<'_>,
    payload: String,
    (event, version, may_err): (String, u64, bool),
) -> Result<u64, String> {
    let stage = Rc::clone(&actor.stage);
    let me = actor.me;
    stage.enter(me, cx.session());
    let heard = Heard {
        me,
        event,
        version,
        sender: stage.name(cx.sender()),
        caller: cx.caller_event().map(str::to_owned),
        payload,
        why: cx.kernel().why_alive(cx.session()).expect("a session that runs is alive"),
        now: stage.micros(cx.now()),
        turn: cx.stats().turns,
        may_err,
    };
    match stage.script.heard(&heard, &mut Inside { cx, actor, stage: &stage }) {
        Ending::Return(number) => Ok(number),
        Ending::Error(text) => Err(text),
        Ending::Panic(text) => resume_unwind(Box::new(text)),
    }
}

fn plain(number: u64) -> Parcel {
    Parcel { number, gift: None }
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

struct Seen<'a> {
    kernel: &'a Kernel,
    stage: &'a Stage,
}

impl View for Seen<'_> {
    fn alive(&self) -> Vec<Who> {
        let ids = self.stage.ids.borrow();
        let known = ids.iter().enumerate().rev().take(400);
        let alive = known.filter(|(_, id)| id.is_some_and(|id| self.kernel.has_session(id)));
        let mut alive: Vec<Who> = alive.map(|(who, _)| Who(who as u32)).collect();
        alive.reverse();
        assert_eq!(alive.len(), self.kernel.session_count());
        alive
    }

    fn why(&self, who: Who) -> Option<String> {
        self.kernel.why_alive(self.stage.id(who)?)
    }

    fn parent(&self, who: Who) -> Option<Who> {
        Some(self.stage.name(self.kernel.parent(self.stage.id(who)?)?))
    }

    fn children(&self, who: Who) -> Vec<Who> {
        let Some(id) = self.stage.id(who) else { return Vec::new() };
        self.kernel.children(id).into_iter().map(|child| self.stage.name(child)).collect()
    }

    fn aliases(&self, who: Who) -> Option<Vec<String>> {
        self.kernel.alias_list(self.stage.id(who)?).ok()
    }

    fn counts(&self) -> String {
        let stats = self.kernel.stats();
        format!(
            "{} turns, {} polls, {} posted, {} timers, {} direct, {} unhandled, {} failures, {} wheels",
            stats.turns,
            stats.polls,
            stats.posted,
            stats.timers,
            stats.direct,
            stats.unhandled,
            stats.failures,
            self.kernel.wheel_count()
        )
    }
}

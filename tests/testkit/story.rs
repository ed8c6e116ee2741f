//! The order of events, told and compared.
//!
//! A [`Stage`] is a kernel on virtual time; an [`Actor`] is a session that tells every event it hears and
//! does what it is given to do. A test is then a few acts and the lines that must come of them.

use std::any::Any;
use std::cell::RefCell;
use std::fmt::Display;
use std::rc::Rc;

use reactor::{
    Child, Clock, Context, Kernel, KernelBuilder, NewParent, SessionId, States, Unhandled,
};

/// What was told, in order. A clone writes to the same pages.
#[derive(Clone, Default, Debug)]
pub struct Story(Rc<RefCell<Vec<String>>>);

impl Story {
    pub fn tell(&self, line: impl Display) {
        self.0.borrow_mut().push(line.to_string());
    }

    /// Takes what was told so far.
    pub fn take(&self) -> Vec<String> {
        self.0.take()
    }

    /// Panics unless exactly this was told since the last time.
    #[track_caller]
    pub fn assert<const N: usize>(&self, expected: [&str; N]) {
        assert_eq!(self.take(), expected);
    }
}

/// What an actor is given to do: the payload of `act`.
pub type Act = Box<dyn FnOnce(&mut Actor, &mut Context<'_>)>;

/// A closure as the payload of `act`.
pub fn act(does: impl FnOnce(&mut Actor, &mut Context<'_>) + 'static) -> Act {
    Box::new(does)
}

/// The state of a session that tells `name: event` for each event but `_start` and `act`.
pub struct Actor {
    pub story: Story,
    /// What goes when the session goes: handles, mostly.
    pub held: Vec<Box<dyn Any>>,
    name: String,
    start: Option<Act>,
    stop: Option<Act>,
    states: Rc<States<Self>>,
}

impl Actor {
    /// Tells a line under the actor's name.
    pub fn tell(&self, what: impl Display) {
        self.story.tell(format_args!("{}: {what}", self.name));
    }

    /// What the actor does in `_stop`, after telling it.
    pub fn at_stop(&mut self, does: impl FnOnce(&mut Self, &mut Context<'_>) + 'static) {
        self.stop = Some(act(does));
    }

    /// Starts another actor as this one's child.
    pub fn spawn(
        &self,
        cx: &mut Context<'_>,
        name: impl Display,
        start: impl FnOnce(&mut Self, &mut Context<'_>) + 'static,
    ) -> SessionId {
        let child = Self::new(&self.story, &self.states, name, act(start));
        cx.spawn(&self.states, child)
    }

    fn new(story: &Story, states: &Rc<States<Self>>, name: impl Display, start: Act) -> Self {
        Self {
            story: story.clone(),
            held: Vec::new(),
            name: name.to_string(),
            start: Some(start),
            stop: None,
            states: Rc::clone(states),
        }
    }

    fn states() -> States<Self> {
        States::new()
            .on_start(|actor: &mut Self, cx: &mut Context<'_>, ()| {
                if let Some(start) = actor.start.take() {
                    start(actor, cx);
                }
            })
            .on("act", |actor: &mut Self, cx: &mut Context<'_>, act: Act| act(actor, cx))
            .on_stop(|actor: &mut Self, cx: &mut Context<'_>, ()| {
                actor.tell("_stop");
                if let Some(stop) = actor.stop.take() {
                    stop(actor, cx);
                }
            })
            .on_child(|_: &mut Self, _: &mut Context<'_>, _: Child| {})
            .on_parent(|_: &mut Self, _: &mut Context<'_>, _: NewParent| {})
            .on_default(|actor: &mut Self, _: &mut Context<'_>, event: Unhandled<'_>| {
                actor.tell(event.name());
            })
    }
}

/// A kernel, its clock, and the story that its actors tell.
pub struct Stage {
    pub kernel: Kernel,
    pub clock: Clock,
    pub story: Story,
    states: Rc<States<Actor>>,
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

impl Stage {
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// A stage whose kernel has other choices than the usual.
    pub fn with(choose: impl FnOnce(KernelBuilder) -> KernelBuilder) -> Self {
        let clock = Clock::virtual_time();
        let builder = choose(Kernel::builder().clock(clock.clone()));
        let kernel = builder.build().expect("a kernel");
        Self { kernel, clock, story: Story::default(), states: Rc::new(Actor::states()) }
    }

    /// Starts an actor, whose first act is its `_start`.
    pub fn actor(
        &mut self,
        name: impl Display,
        start: impl FnOnce(&mut Actor, &mut Context<'_>) + 'static,
    ) -> SessionId {
        let actor = Actor::new(&self.story, &self.states, name, act(start));
        self.kernel.spawn(&self.states, actor)
    }

    /// Has an actor do something now.
    #[track_caller]
    pub fn act(
        &mut self,
        who: SessionId,
        does: impl FnOnce(&mut Actor, &mut Context<'_>) + 'static,
    ) {
        let done: Result<(), _> = self.kernel.call(who, "act", act(does));
        done.expect("the actor is there and has nothing else to do");
    }

    /// One turn, without waiting.
    #[track_caller]
    pub fn turn(&mut self) {
        self.kernel.run_one_turn(std::time::Duration::ZERO).expect("a turn");
    }

    /// Runs until nobody is left.
    #[track_caller]
    pub fn run(&mut self) {
        self.kernel.run().expect("the kernel runs to its end");
        self.assert_empty();
    }

    /// Panics unless everything is gone. (The kernel itself looks after its timers.)
    #[track_caller]
    pub fn assert_empty(&self) {
        assert_eq!(self.kernel.session_count(), 0, "sessions left");
        assert_eq!(self.kernel.wheel_count(), 0, "wheels left");
    }

    #[track_caller]
    pub fn assert<const N: usize>(&self, expected: [&str; N]) {
        self.story.assert(expected);
    }
}

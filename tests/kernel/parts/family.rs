//! Sessions that tell all that they hear of each other.

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Display;
use std::rc::Rc;
use std::time::Duration;

use reactor::{
    Child, Clock, Context, Fate, Kernel, KernelBuilder, NewParent, OnException, SessionId, Signal,
    States, Unhandled,
};
use testkit::story::Story;

/// What a member is given to do.
pub type Deed = Box<dyn FnOnce(&mut Member, &mut Context<'_>)>;
type Answer<T> = Box<dyn FnMut(&mut Member, &mut Context<'_>, &T)>;

/// A closure as the payload of `do`.
pub fn deed(does: impl FnOnce(&mut Member, &mut Context<'_>) + 'static) -> Deed {
    Box::new(does)
}

/// A session that tells `_start`, `_stop`, each change of its family, each signal, and every other event
/// but `do`.
pub struct Member {
    pub story: Story,
    /// What goes when the session goes.
    pub held: Vec<Box<dyn Any>>,
    name: String,
    house: House,
    start: Option<Deed>,
    stop: Option<Deed>,
    child: Option<Answer<Child>>,
    parent: Option<Answer<NewParent>>,
    signal: Option<Answer<Signal>>,
}

/// What the members of all families share.
#[derive(Clone)]
struct House {
    names: Rc<RefCell<HashMap<SessionId, String>>>,
    states: Rc<States<Member>>,
}

impl Member {
    /// Tells a line under the member's name.
    pub fn tell(&self, what: impl Display) {
        self.story.tell(format_args!("{}: {what}", self.name));
    }

    /// Starts another as this one's child.
    pub fn spawn(
        &self,
        cx: &mut Context<'_>,
        name: impl Display,
        start: impl FnOnce(&mut Self, &mut Context<'_>) + 'static,
    ) -> SessionId {
        let child = Self::new(&self.story, &self.house, name, deed(start));
        cx.spawn(&self.house.states, child)
    }

    pub fn at_stop(&mut self, does: impl FnOnce(&mut Self, &mut Context<'_>) + 'static) {
        self.stop = Some(deed(does));
    }

    /// What it does each time it is told of a child, after telling it.
    pub fn at_child(&mut self, does: impl FnMut(&mut Self, &mut Context<'_>, &Child) + 'static) {
        self.child = Some(Box::new(does));
    }

    /// What it does each time it is told of another parent, after telling it.
    pub fn at_parent(
        &mut self,
        does: impl FnMut(&mut Self, &mut Context<'_>, &NewParent) + 'static,
    ) {
        self.parent = Some(Box::new(does));
    }

    /// Watches a signal and says what it does each time it is told one, after telling it.
    pub fn at_signal(
        &mut self,
        cx: &mut Context<'_>,
        name: &str,
        does: impl FnMut(&mut Self, &mut Context<'_>, &Signal) + 'static,
    ) {
        cx.sig(name, "signal").expect("a signal that can be watched");
        self.signal = Some(Box::new(does));
    }

    /// What a session is called in the story.
    pub fn name_of(&self, id: SessionId) -> String {
        self.house.name_of(id)
    }

    fn new(story: &Story, house: &House, name: impl Display, start: Deed) -> Self {
        Self {
            story: story.clone(),
            held: Vec::new(),
            name: name.to_string(),
            house: house.clone(),
            start: Some(start),
            stop: None,
            child: None,
            parent: None,
            signal: None,
        }
    }

    fn heard_child(&mut self, cx: &mut Context<'_>, child: Child) {
        let fate = match child.fate() {
            Fate::Create => "create",
            Fate::Gain => "gain",
            Fate::Lose => "lose",
        };
        self.tell(format_args!("{fate} {}", self.name_of(child.session())));
        if let Some(mut does) = self.child.take() {
            does(self, cx, &child);
            self.child.get_or_insert(does);
        }
    }

    fn heard_parent(&mut self, cx: &mut Context<'_>, change: NewParent) {
        let (old, new) = (self.name_of(change.old), self.name_of(change.new));
        self.tell(format_args!("from {old} to {new}"));
        if let Some(mut does) = self.parent.take() {
            does(self, cx, &change);
            self.parent.get_or_insert(does);
        }
    }

    fn heard_signal(&mut self, cx: &mut Context<'_>, signal: Signal) {
        self.tell(&signal);
        if let Some(mut does) = self.signal.take() {
            does(self, cx, &signal);
            self.signal.get_or_insert(does);
        }
    }

    fn states() -> States<Self> {
        States::new()
            .on_start(|member: &mut Self, cx: &mut Context<'_>, ()| {
                member.house.names.borrow_mut().insert(cx.session(), member.name.clone());
                member.tell("_start");
                if let Some(start) = member.start.take() {
                    start(member, cx);
                }
            })
            .on("do", |member: &mut Self, cx: &mut Context<'_>, deed: Deed| deed(member, cx))
            .on_stop(|member: &mut Self, cx: &mut Context<'_>, ()| {
                member.tell("_stop");
                if let Some(stop) = member.stop.take() {
                    stop(member, cx);
                }
            })
            .on_child(Self::heard_child)
            .on_parent(Self::heard_parent)
            .on("signal", Self::heard_signal)
            .on_default(|member: &mut Self, _: &mut Context<'_>, event: Unhandled<'_>| {
                member.tell(event.name());
            })
    }
}

impl House {
    fn name_of(&self, id: SessionId) -> String {
        let names = self.names.borrow();
        names.get(&id).cloned().unwrap_or_else(|| "kernel".into())
    }
}

/// A kernel on virtual time, and the story that its sessions tell.
pub struct Family {
    pub kernel: Kernel,
    pub story: Story,
    house: House,
}

impl Family {
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// One in which whoever fails is stopped alone.
    pub fn isolated() -> Self {
        Self::with(|builder| builder.on_exception(OnException::Isolate))
    }

    pub fn with(choose: impl FnOnce(KernelBuilder) -> KernelBuilder) -> Self {
        let clock = Clock::virtual_time();
        let kernel = choose(Kernel::builder().clock(clock.clone())).build().expect("a kernel");
        let house = House { names: Rc::default(), states: Rc::new(Member::states()) };
        Self { kernel, story: Story::default(), house }
    }

    /// Starts a member without a parent.
    pub fn member(
        &mut self,
        name: impl Display,
        start: impl FnOnce(&mut Member, &mut Context<'_>) + 'static,
    ) -> SessionId {
        let member = Member::new(&self.story, &self.house, name, deed(start));
        self.kernel.spawn(&self.house.states, member)
    }

    /// Starts one that lives until the kernel is stopped.
    pub fn stays(
        &mut self,
        name: impl Display,
        start: impl FnOnce(&mut Member, &mut Context<'_>) + 'static,
    ) -> SessionId {
        self.member(name, |member, cx| {
            stay(cx);
            start(member, cx);
        })
    }

    /// Has a member do something now.
    #[track_caller]
    pub fn act(
        &mut self,
        who: SessionId,
        does: impl FnOnce(&mut Member, &mut Context<'_>) + 'static,
    ) {
        let done: Result<(), _> = self.kernel.call(who, "do", deed(does));
        done.expect("the member is there and has nothing else to do");
    }

    /// The names of a session's children, the eldest first.
    pub fn children(&self, id: SessionId) -> Vec<String> {
        self.kernel.children(id).into_iter().map(|child| self.house.name_of(child)).collect()
    }

    /// One turn, without waiting.
    #[track_caller]
    pub fn turn(&mut self) {
        self.kernel.run_one_turn(Duration::ZERO).expect("a turn");
    }

    /// Runs until nobody is left.
    #[track_caller]
    pub fn run(&mut self) {
        self.kernel.run().expect("the kernel runs to its end");
        assert_eq!(self.kernel.session_count(), 0, "sessions left");
        assert_eq!(self.kernel.wheel_count(), 0, "wheels left");
        assert_eq!(self.kernel.children(SessionId::KERNEL), [], "sessions left in the tree");
    }

    /// Stops everybody, and forgets what that made them tell.
    #[track_caller]
    pub fn end(&mut self) {
        self.kernel.stop();
        self.run();
        self.story.take();
    }

    #[track_caller]
    pub fn assert<const N: usize>(&self, expected: [&str; N]) {
        self.story.assert(expected);
    }
}

/// Keeps the session alive until it is stopped: its only timer is never due.
pub fn stay(cx: &mut Context<'_>) {
    cx.delay_set("never", Duration::MAX, ());
}

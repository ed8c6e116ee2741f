//! Sessions that watch descriptors, tell what they are told, and do what a test tells them to.
//!
//! A [`Scene`] is a kernel on virtual time; an [`Eye`] is a session in it, which tells each [`Selected`]
//! as `name: event mode`. What it does then is its reaction; without one it leaves everything unread.

use std::cell::Cell;
use std::fmt::Display;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use reactor::{Clock, Context, Event, Kernel, KernelBuilder, Selected, SessionId, States};
use reactor::{Unhandled, Watch};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::net;
use crate::story::Story;

type Act<F> = Box<dyn FnOnce(&mut Eye<F>, &mut Context<'_>)>;
type Reaction<F> = Box<dyn FnMut(&mut Eye<F>, &mut Context<'_>, Selected)>;

/// The state of a session that watches.
pub struct Eye<F: AsFd + 'static> {
    pub watches: Vec<Watch<F>>,
    name: String,
    story: Story,
    reaction: Option<Reaction<F>>,
}

impl<F: AsFd + 'static> Eye<F> {
    /// Watches for reading, as `event`, and holds the watch.
    pub fn read(&mut self, cx: &mut Context<'_>, handle: F, event: &'static str) {
        self.watches.push(cx.select_read(handle, event).expect("it can be watched"));
    }

    /// The first watch, which in most tests is the only one.
    pub fn watch(&self) -> &Watch<F> {
        &self.watches[0]
    }

    /// Ends the first watch and gives back what it watched.
    pub fn take(&mut self, cx: &mut Context<'_>) -> F {
        self.watches.remove(0).into_inner(cx)
    }

    /// Does this at each event from now on.
    pub fn react(&mut self, reaction: impl FnMut(&mut Self, &mut Context<'_>, Selected) + 'static) {
        self.reaction = Some(Box::new(reaction));
    }

    /// Tells a line under the eye's name.
    pub fn tell(&self, what: impl Display) {
        self.story.tell(format_args!("{}: {what}", self.name));
    }

    fn heard(&mut self, cx: &mut Context<'_>, mut event: Unhandled<'_>) {
        let Some(selected) = event.take::<Selected>() else { return self.tell(event.name()) };
        self.tell(format_args!("{} {}", event.name(), selected.mode));
        if let Some(mut reaction) = self.reaction.take() {
            reaction(self, cx, selected);
            self.reaction.get_or_insert(reaction);
        }
    }

    fn states() -> States<Self> {
        States::new()
            .on("act", |eye: &mut Self, cx: &mut Context<'_>, act: Act<F>| act(eye, cx))
            .on_default(Self::heard)
            .on_stop(|eye: &mut Self, _: &mut Context<'_>, ()| eye.tell("_stop"))
    }
}

/// A kernel, its clock, and what the eyes in it tell.
pub struct Scene<F: AsFd + 'static> {
    pub kernel: Kernel,
    pub clock: Clock,
    pub story: Story,
    states: States<Eye<F>>,
}

impl<F: AsFd + 'static> Default for Scene<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: AsFd + 'static> Scene<F> {
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// A scene whose kernel has other choices than the usual.
    pub fn with(choose: impl FnOnce(KernelBuilder) -> KernelBuilder) -> Self {
        let clock = Clock::virtual_time();
        let kernel = choose(Kernel::builder().clock(clock.clone())).build().expect("a kernel");
        Self { kernel, clock, story: Story::default(), states: Eye::states() }
    }

    /// Starts a session and has it do something.
    #[track_caller]
    pub fn eye(
        &mut self,
        name: impl Display,
        does: impl FnOnce(&mut Eye<F>, &mut Context<'_>) + 'static,
    ) -> SessionId {
        let (name, story) = (name.to_string(), self.story.clone());
        let eye = Eye { watches: Vec::new(), name, story, reaction: None };
        let session = self.kernel.spawn(&self.states, eye);
        self.act(session, does);
        session
    }

    /// Has a session do something now, and says what came of it.
    #[track_caller]
    pub fn act<R: 'static>(
        &mut self,
        who: SessionId,
        does: impl FnOnce(&mut Eye<F>, &mut Context<'_>) -> R + 'static,
    ) -> R {
        let result = Rc::new(Cell::new(None));
        let place = Rc::clone(&result);
        let act: Act<F> = Box::new(move |eye, cx| place.set(Some(does(eye, cx))));
        let act_event: Event<Act<F>> = Event::new("act");
        self.kernel.call(who, act_event, act).expect("the session is there and does nothing else");
        result.take().expect("it has run")
    }

    /// Waits until the system has brought what a test has sent to the first watch of a session: on a busy
    /// machine that may take a while.
    #[track_caller]
    pub fn await_ready(&mut self, who: SessionId, what: PollFlags) {
        let patience = Timespec::try_from(net::PATIENCE).expect("a minute");
        let ready = self.act(who, move |eye, _| {
            let mut watched = [PollFd::new(&**eye.watch(), what)];
            poll(&mut watched, Some(&patience)).expect("poll")
        });
        assert_eq!(ready, 1, "waited in vain for {what:?}");
    }

    /// One turn, without waiting.
    #[track_caller]
    pub fn turn(&mut self) {
        self.kernel.run_one_turn(Duration::ZERO).expect("a turn");
    }

    /// So many turns, without waiting.
    #[track_caller]
    pub fn turns(&mut self, count: u32) {
        (0..count).for_each(|_| self.turn());
    }

    /// Runs until nobody is left.
    #[track_caller]
    pub fn run(&mut self) {
        net::run_to_end(&mut self.kernel);
    }

    /// Panics unless exactly this was told since the last time.
    #[track_caller]
    pub fn assert<const N: usize>(&self, expected: [&str; N]) {
        self.story.assert(expected);
    }

    /// Panics unless the kernel would wait: nothing was told, there is no work, and the system has no
    /// news.
    #[track_caller]
    pub fn assert_idle(&self) {
        assert_ne!(self.kernel.next_timeout(), Some(Duration::ZERO), "the kernel has work");
        assert!(!is_readable(&self.kernel), "the system has news for the kernel");
        self.assert([]);
    }

    #[track_caller]
    pub fn why_alive(&self, session: SessionId) -> String {
        self.kernel.why_alive(session).expect("the session is alive")
    }
}

/// Whether a descriptor can be read, at this moment.
pub fn is_readable(fd: impl AsFd) -> bool {
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&at_once)).expect("poll") > 0
}

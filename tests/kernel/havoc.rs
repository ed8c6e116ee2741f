//! Anybody does anything to anybody, in every kind of handler, and fails in all of them: the family tree stays
//! one, every payload is dropped once, and the kernel comes to its end.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use reactor::{
    Callback, Child, Clock, Context, Event, Handle, Kernel, NewParent, OnException, Postback,
    SessionId, Signal, States, Unhandled,
};

use crate::parts::{Made, Random, fail, made};

const GO: Event<Token, u32> = Event::new("go");
const CAME: Event<(Token, Token)> = Event::new("came");
const ASKED: Event<(Token, Token), u32> = Event::new("asked");
const SIGNALS: [&str; 8] = ["MOO", "MOO", "USR1", "TERM", "DIE", "IDLE", "UIDESTROY", "ZOMBIE"];
const ALIASES: [&str; 3] = ["one", "two", "three"];

/// What everybody shares. Never borrowed while the kernel is asked for something.
struct World {
    random: Random,
    steps: u32,
    /// One in so many steps fails.
    failures: u64,
    sessions: Vec<SessionId>,
    postbacks: Vec<Postback<Token, Token>>,
    callbacks: Vec<Callback<Token, Token, u32>>,
    handles: Vec<Handle<Made>>,
    /// How deep in each other's calls and starts.
    depth: u32,
}

type Shared = Rc<RefCell<World>>;

/// A payload that is counted, and may fail when it is dropped.
struct Token {
    world: Shared,
    alive: Rc<Cell<i64>>,
}

impl Token {
    fn new(world: &Shared, alive: &Rc<Cell<i64>>) -> Self {
        alive.set(alive.get() + 1);
        Self { world: Rc::clone(world), alive: Rc::clone(alive) }
    }
}

impl Clone for Token {
    fn clone(&self) -> Self {
        chance(&self.world, 8);
        Self::new(&self.world, &self.alive)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.alive.set(self.alive.get() - 1);
        // A second panic would end the process, as anywhere in Rust.
        if !std::thread::panicking() {
            chance(&self.world, 8);
        }
    }
}

/// Fails now and then: so many times less often than a step.
fn chance(world: &Shared, rarer: u64) {
    // Dropped while the world is borrowed: by a list in it.
    let Ok(mut lent) = world.try_borrow_mut() else { return };
    let chances = lent.failures * rarer;
    if lent.steps > 0 && chances > 0 && lent.random.one_in(chances) {
        drop(lent);
        fail("on purpose");
    }
}

struct Wanderer {
    world: Shared,
    alive: Rc<Cell<i64>>,
    states: Rc<States<Self>>,
    /// Dropped with the state.
    held: Vec<Token>,
}

impl Wanderer {
    fn wander(&mut self, cx: &mut Context<'_>) {
        let mut world = self.world.borrow_mut();
        if world.depth > 6 {
            return;
        }
        world.depth += 1;
        let steps = world.random.below(4);
        drop(world);
        // Restores the depth, also when a step fails.
        let _deeper = Deeper(Rc::clone(&self.world));
        for _ in 0..steps {
            self.step(cx);
        }
    }

    fn step(&mut self, cx: &mut Context<'_>) {
        let mut world = self.world.borrow_mut();
        if world.steps == 0 {
            return;
        }
        world.steps -= 1;
        let (what, chosen) = (world.random.below(28), world.random.number() as usize);
        let to = world.sessions[chosen % world.sessions.len()];
        let name = SIGNALS[world.random.below(SIGNALS.len() as u64) as usize];
        let alias = ALIASES[chosen % ALIASES.len()];
        let rare = world.random.one_in(40);
        drop(world);
        chance(&self.world, 1);
        self.act(cx, (what, rare), to, (name, alias));
    }

    fn act(
        &mut self,
        cx: &mut Context<'_>,
        (what, rare): (u64, bool),
        to: SessionId,
        (signal, alias): (&'static str, &'static str),
    ) {
        match what {
            0..=2 => drop(cx.post(to, &GO, self.token())),
            3 | 4 => drop(cx.call(to, &GO, self.token())),
            5..=7 => self.spawn(cx),
            8 if rare => drop(cx.signal(SessionId::KERNEL, signal, self.token())),
            8 | 9 => drop(cx.signal(to, signal, self.token())),
            10..=12 => cx.sig(signal, "signal").expect("it can be watched"),
            13 => drop(cx.sig_clear(signal)),
            14 => cx.sig_handled(),
            15 => drop(cx.detach_myself()),
            16 => drop(cx.detach_child(cx.children().pop().unwrap_or(to))),
            17 => drop(cx.alias_set(alias)),
            18 => drop(cx.alias_remove(alias)),
            19 => drop(cx.post(alias, &GO, self.token())),
            20 => drop(cx.refcount_increment(to, alias)),
            21 => drop(cx.refcount_decrement(to, alias)),
            22 => self.lend(cx),
            23 => self.use_lent(cx),
            24 => self.change(cx),
            25 => cx.delay(&GO, Duration::from_micros(to_micros(to)), self.token()),
            26 => self.held.push(self.token()),
            27 if rare => cx.stop(),
            _ => self.add_wheel(cx),
        }
    }

    fn token(&self) -> Token {
        Token::new(&self.world, &self.alive)
    }

    fn spawn(&self, cx: &mut Context<'_>) {
        let child = Self {
            world: Rc::clone(&self.world),
            alive: Rc::clone(&self.alive),
            states: Rc::clone(&self.states),
            held: vec![self.token()],
        };
        let child = cx.spawn(&self.states, child);
        self.world.borrow_mut().remember(child);
    }

    fn lend(&self, cx: &mut Context<'_>) {
        let postback = cx.postback(&CAME, self.token());
        let callback = cx.callback(&ASKED, self.token());
        let mut world = self.world.borrow_mut();
        let weak = world.random.one_in(3);
        world.postbacks.push(if weak { postback.weaken() } else { postback });
        world.callbacks.push(callback);
    }

    fn use_lent(&self, cx: &mut Context<'_>) {
        let mut world = self.world.borrow_mut();
        let keep = world.random.one_in(2);
        let (postback, callback) = (world.postbacks.pop(), world.callbacks.pop());
        drop(world);
        if let (Some(postback), Some(callback)) = (postback, callback) {
            postback.post(self.token());
            let _reply = callback.call(cx, self.token());
            if keep {
                self.world.borrow_mut().postbacks.insert(0, postback);
            }
        }
    }

    fn change(&self, cx: &mut Context<'_>) {
        let token = self.token();
        let handler = move |wanderer: &mut Self, cx: &mut Context<'_>, _: Token| {
            let _captured = &token;
            wander(wanderer, cx);
            1
        };
        cx.state(&GO, handler).expect("its own kind of state");
        chance(&self.world, 4);
    }

    fn add_wheel(&mut self, cx: &mut Context<'_>) {
        let event = cx.symbol("number");
        let (world, token) = (Rc::clone(&self.world), self.token());
        let mut left = 1..=3;
        let handle = cx.add_wheel(|io| {
            io.again();
            made(event, move |io| {
                let _captured = &token;
                chance(&world, 2);
                io.again();
                let next = left.next();
                if next.is_none() {
                    io.close();
                }
                next
            })
        });
        self.world.borrow_mut().handles.push(handle);
    }

    fn states() -> States<Self> {
        States::new()
            .on_start(|wanderer: &mut Self, cx: &mut Context<'_>, ()| {
                wanderer.world.borrow_mut().remember(cx.session());
                wanderer.wander(cx);
                wanderer.token()
            })
            .on_stop(|wanderer: &mut Self, cx: &mut Context<'_>, ()| {
                wanderer.wander(cx);
                wanderer.token()
            })
            .on_child(|wanderer: &mut Self, cx: &mut Context<'_>, mut child: Child| {
                let answer = child.take::<Token>();
                wanderer.wander(cx);
                drop(answer);
            })
            .on_parent(|wanderer: &mut Self, cx: &mut Context<'_>, change: NewParent| {
                assert_ne!(change.old, change.new);
                wanderer.wander(cx);
            })
            .on(&GO, |wanderer: &mut Self, cx: &mut Context<'_>, _: Token| {
                wanderer.wander(cx);
                1
            })
            .on(&CAME, |wanderer: &mut Self, cx: &mut Context<'_>, _: (Token, Token)| {
                wanderer.wander(cx);
            })
            .on(&ASKED, |wanderer: &mut Self, cx: &mut Context<'_>, _: (Token, Token)| {
                wanderer.wander(cx);
                1
            })
            .on("signal", |wanderer: &mut Self, cx: &mut Context<'_>, _: Signal| {
                wanderer.wander(cx);
            })
            .on_default(|wanderer: &mut Self, cx: &mut Context<'_>, event: Unhandled<'_>| {
                assert_eq!(event.name(), "number");
                wanderer.wander(cx);
            })
    }
}

fn wander(wanderer: &mut Wanderer, cx: &mut Context<'_>) {
    wanderer.wander(cx);
}

/// Some time that depends on the session.
fn to_micros(session: SessionId) -> u64 {
    u64::try_from(session.to_string().len()).unwrap_or(0) * 7
}

struct Deeper(Shared);

impl Drop for Deeper {
    fn drop(&mut self) {
        self.0.borrow_mut().depth -= 1;
    }
}

impl World {
    fn remember(&mut self, session: SessionId) {
        let place = self.random.below(64) as usize;
        if self.sessions.len() < 64 {
            self.sessions.push(session);
        } else {
            self.sessions[place] = session;
        }
    }
}

/// Panics unless every session stands in the tree once.
#[track_caller]
fn assert_tree(kernel: &Kernel) {
    let mut seen = HashSet::new();
    let mut next = kernel.children(SessionId::KERNEL);
    while let Some(id) = next.pop() {
        assert!(seen.insert(id), "{id} is in the tree twice");
        for child in kernel.children(id) {
            assert_eq!(kernel.parent(child), Some(id));
            next.push(child);
        }
    }
    assert_eq!(seen.len(), kernel.session_count(), "sessions in the tree, and all");
}

fn wreak(seed: &mut Random, on_exception: OnException, failures: u64) -> u64 {
    let builder = Kernel::builder().clock(Clock::virtual_time()).on_exception(on_exception);
    let mut kernel = builder.build().unwrap();
    let world: Shared = Rc::new(RefCell::new(World {
        random: seed.fork(),
        steps: 1_500,
        failures,
        sessions: Vec::new(),
        postbacks: Vec::new(),
        callbacks: Vec::new(),
        handles: Vec::new(),
        depth: 0,
    }));
    let alive: Rc<Cell<i64>> = Rc::default();
    let states = Rc::new(Wanderer::states());
    while world.borrow().steps > 0 {
        if kernel.session_count() < 3 || kernel.event_count() == 0 {
            let wanderer = Wanderer {
                world: Rc::clone(&world),
                alive: Rc::clone(&alive),
                states: Rc::clone(&states),
                held: Vec::new(),
            };
            kernel.spawn(&states, wanderer);
        }
        let _failure =
            catch_unwind(AssertUnwindSafe(|| kernel.run_one_turn(Duration::from_micros(50))));
        assert_tree(&kernel);
    }
    let World { postbacks, callbacks, handles, .. } = &mut *world.borrow_mut();
    let lent = (std::mem::take(postbacks), std::mem::take(callbacks), std::mem::take(handles));
    drop(lent);
    kernel.stop();
    let _failure = catch_unwind(AssertUnwindSafe(|| kernel.run()));
    assert_eq!((kernel.session_count(), kernel.wheel_count()), (0, 0));
    kernel.run().expect("nothing is left to fail");
    drop(states);
    // The handlers that were set are dropped with their sessions.
    assert_eq!(alive.get(), 0, "payloads that were dropped twice, or not at all");
    kernel.stats().failures
}

#[test]
fn p22_whatever_anybody_does_in_any_handler_the_kernel_keeps_its_house_in_order() {
    let mut seed = Random::from_environment();
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(60);
    let mut failures = 0;
    for round in 0..rounds {
        let often = [0, 200, 40, 12][round % 4];
        failures += wreak(&mut seed, OnException::Isolate, often);
        failures += wreak(&mut seed, OnException::Stop, often);
    }
    assert!(failures > 100, "{failures} failures are too few to show anything");
}

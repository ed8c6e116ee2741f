//! Everything from everywhere: any handler may do anything to anybody.

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use reactor::{
    Bound, Clock, Context, Event, Handle, Io, Kernel, OnException, Readiness, SessionId, States,
    Symbol, TimerId, Wheel,
};

use crate::parts::{Random, pair};

const STEPS: u64 = 110_000;
const POKE: Event<u8, u32> = Event::new("poke");

/// What everybody shares. Never borrowed while the kernel is asked for something.
struct World {
    random: Random,
    steps: u64,
    sessions: Vec<SessionId>,
    handles: Vec<Handle<Wild>>,
    ends: Vec<UnixStream>,
    timers: Vec<TimerId>,
    /// Wheels that were made and not dropped.
    open: Rc<Cell<i64>>,
    failures: bool,
}

type Shared = Rc<RefCell<World>>;

/// A wheel without manners.
struct Wild {
    stream: UnixStream,
    random: Random,
    event: Symbol,
    ended: bool,
    open: Rc<Cell<i64>>,
}

impl Drop for Wild {
    fn drop(&mut self) {
        self.open.set(self.open.get() - 1);
    }
}

impl Wheel for Wild {
    type Event = (Bound<u8>, u8);

    fn ready(&mut self, _: Readiness) {}

    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        match self.random.below(24) {
            0 if !self.ended => io.again(),
            1 if !self.ended => io.queue(),
            2 => io.wake_at(io.now() + Duration::from_micros(self.random.below(50))),
            3 => io.sleep(),
            4 => io.mark_dirty(),
            5 => io.wake_on_close(),
            6 => io.hold_session(),
            7 => io.release_session(),
            8 => io.close(),
            9 => io.unwatch(),
            10 => drop(io.watch(&self.stream)),
            _ => {}
        }
        let mut byte = [0];
        match (&self.stream).read(&mut byte) {
            Ok(1) => Some((Bound::new(io.session(), self.event), byte[0])),
            Ok(_) if !self.ended => {
                self.ended = true;
                io.release_session();
                Some((Bound::new(io.session(), self.event), 0))
            }
            Ok(_) | Err(_) => None,
        }
    }

    fn flush(&mut self, io: &mut Io<'_>) -> bool {
        if self.random.one_in(4) {
            io.mark_dirty();
        }
        // Its peer may be gone, or full.
        drop((&self.stream).write(&[1]));
        self.random.one_in(2)
    }
}

struct Wanderer {
    world: Shared,
    own: Vec<Handle<Wild>>,
    states: Rc<States<Self>>,
}

impl Wanderer {
    fn wander(&mut self, cx: &mut Context<'_>) {
        let steps = self.world.borrow_mut().random.below(5);
        for _ in 0..steps {
            self.step(cx);
        }
    }

    fn step(&mut self, cx: &mut Context<'_>) {
        let mut world = self.world.borrow_mut();
        if world.steps == 0 {
            drop(world);
            self.own.clear();
            return;
        }
        world.steps -= 1;
        let what = world.random.below(15);
        let chosen = world.random.number() as usize;
        let time = Duration::from_micros(world.random.below(30));
        let to = world.sessions[chosen % world.sessions.len()];
        let fails = world.failures && world.random.one_in(400);
        drop(world);
        if fails {
            crate::parts::fail("on purpose");
        }
        match what {
            0 | 1 => drop(cx.post(to, "walk", chosen as u64)),
            2 => cx.yield_("walk", 1_u64),
            3 => drop(cx.call(to, &POKE, 1)),
            4 => cx.delay("walk", time, 2_u64),
            5 => {
                let timer = cx.delay_set("walk", time, 3_u64);
                self.world.borrow_mut().timers.push(timer);
            }
            6 => {
                let mut world = self.world.borrow_mut();
                let place = chosen % world.timers.len().max(1);
                let timer = (place < world.timers.len()).then(|| world.timers.swap_remove(place));
                drop(world);
                if let Some(timer) = timer {
                    // It may have rung, or be another's.
                    drop(cx.alarm_remove(timer));
                }
            }
            7 => self.spawn(cx),
            8..=10 => self.open(cx, chosen),
            11 => drop(self.own.pop()),
            _ => self.meddle(cx, what, chosen),
        }
    }

    fn spawn(&self, cx: &mut Context<'_>) {
        let states = Rc::clone(&self.states);
        let child = Self { world: Rc::clone(&self.world), own: Vec::new(), states };
        let id = cx.spawn(&self.states, child);
        let mut world = self.world.borrow_mut();
        let place = world.random.number() as usize;
        if world.sessions.len() < 50 {
            world.sessions.push(id);
        } else {
            world.sessions[place % 50] = id;
        }
    }

    fn open(&mut self, cx: &mut Context<'_>, chosen: usize) {
        let (ours, theirs) = pair();
        let event = cx.symbol_of(&POKE);
        let mut world = self.world.borrow_mut();
        let (random, open) = (world.random.fork(), Rc::clone(&world.open));
        open.set(open.get() + 1);
        world.ends.push(theirs);
        let end = (world.ends.len() > 60).then(|| world.ends.swap_remove(chosen % 60));
        drop((world, end));
        let handle = cx.add_wheel(|io| {
            io.watch(&ours).expect("a stream can be watched");
            Wild { stream: ours, random, event, ended: false, open }
        });
        match chosen % 8 {
            0 => handle.release(),
            1..4 => self.own.push(handle),
            _ => {
                let mut world = self.world.borrow_mut();
                world.handles.push(handle);
                let one =
                    (world.handles.len() > 40).then(|| world.handles.swap_remove(chosen % 40));
                drop((world, one));
            }
        }
    }

    /// With somebody else's wheel, or with what is at its other end.
    fn meddle(&self, cx: &mut Context<'_>, what: u64, chosen: usize) {
        let mut world = self.world.borrow_mut();
        if what == 12 && !world.ends.is_empty() {
            let place = chosen % world.ends.len();
            drop((&mut &world.ends[place]).write(&[7; 3]));
            return;
        }
        if world.handles.is_empty() {
            return;
        }
        let place = chosen % world.handles.len();
        let handle = world.handles.swap_remove(place);
        drop(world);
        if what == 13 {
            if let Some((wheel, mut io)) = cx.wheel(&handle) {
                wheel.ended = false;
                io.again();
                io.mark_dirty();
            }
            self.world.borrow_mut().handles.push(handle);
        }
    }
}

fn states() -> States<Wanderer> {
    States::new()
        .on_start(|it: &mut Wanderer, cx: &mut Context<'_>, ()| it.wander(cx))
        .on("walk", |it: &mut Wanderer, cx: &mut Context<'_>, _: u64| it.wander(cx))
        .on(&POKE, |it: &mut Wanderer, cx: &mut Context<'_>, byte: u8| {
            it.wander(cx);
            u32::from(byte)
        })
        .on_stop(|it: &mut Wanderer, cx: &mut Context<'_>, ()| it.wander(cx))
}

fn fuzz(on_exception: OnException) -> u64 {
    let clock = Clock::virtual_time();
    let mut kernel = Kernel::builder().clock(clock).on_exception(on_exception).build().unwrap();
    let world = Rc::new(RefCell::new(World {
        random: Random::from_environment(),
        steps: STEPS,
        sessions: vec![SessionId::KERNEL],
        handles: Vec::new(),
        ends: Vec::new(),
        timers: Vec::new(),
        open: Rc::default(),
        failures: on_exception == OnException::Isolate,
    }));
    let states = Rc::new(states());
    while world.borrow().steps > 0 {
        let wanderer =
            Wanderer { world: Rc::clone(&world), own: Vec::new(), states: Rc::clone(&states) };
        let session = kernel.spawn(&states, wanderer);
        world.borrow_mut().sessions[0] = session;
        for _ in 0..50 {
            kernel.run_one_turn(Duration::from_micros(20)).expect("a turn");
        }
    }
    // Whoever is left is given up: handles dropped, other ends closed.
    let (handles, ends) = {
        let mut world = world.borrow_mut();
        (std::mem::take(&mut world.handles), std::mem::take(&mut world.ends))
    };
    drop((handles, ends));
    for _ in 0..200 {
        kernel.run_one_turn(Duration::from_micros(20)).expect("a turn");
    }
    kernel.stop();
    kernel.run().expect("nobody is left");
    assert_eq!((kernel.session_count(), kernel.wheel_count()), (0, 0));
    assert_eq!(world.borrow().open.get(), 0, "wheels, and so descriptors, that were not dropped");
    kernel.stats().failures
}

#[test]
fn p21_anything_may_be_done_from_any_handler() {
    assert_eq!(fuzz(OnException::Stop), 0);
}

#[test]
fn p21_anything_may_be_done_from_any_handler_while_some_of_them_fail() {
    assert!(fuzz(OnException::Isolate) > 50);
}

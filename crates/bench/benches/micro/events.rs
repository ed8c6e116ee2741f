//! Queued events, direct events and calls.

use std::time::{Duration, Instant};

use criterion::Criterion;
use reactor::{
    Bound, Context, Event, Handle, Io, Kernel, Readiness, SessionId, States, Symbol, Wheel,
};

const COUNT: Event<u64> = Event::new("count");
const BARE: Event<()> = Event::new("bare");
const ECHO: Event<u64, u64> = Event::new("echo");
const TIME: Event<u64, Duration> = Event::new("time");

pub(crate) fn queued(c: &mut Criterion) {
    let mut group = c.benchmark_group("queued event");
    group.bench_function("u64 payload", |b| b.iter_custom(|times| count(times, 1000, 1)));
    group.bench_function("u64 payload, one at a time", |b| {
        b.iter_custom(|times| count(times, 1, 1));
    });
    group.bench_function("u64 payload, 1,000 sessions", |b| {
        b.iter_custom(|times| count(times, 1, 1000));
    });
    group.bench_function("no payload", |b| b.iter_custom(bare));
    group.bench_function("no payload, timed", |b| b.iter_custom(timed));
    group.finish();
}

pub(crate) fn spawn(c: &mut Criterion) {
    c.bench_function("spawn and stop", |b| b.iter_custom(come_and_go));
}

pub(crate) fn call(c: &mut Criterion) {
    c.bench_function("call", |b| b.iter_custom(call_times));
}

pub(crate) fn direct(c: &mut Criterion) {
    c.bench_function("direct event", |b| b.iter_custom(drink));
}

/// The time of `times` events to themselves of `sessions`, each with `in_flight` of them.
fn count(times: u64, in_flight: u64, sessions: u64) -> Duration {
    let states = worker();
    let mut kernel = kernel();
    for _ in 0..sessions {
        let left = times / sessions;
        let session = kernel.spawn(&states, Worker { left, other: None });
        for n in 0..in_flight {
            kernel.post(session, &COUNT, n).expect("the session is there");
        }
    }
    run(&mut kernel)
}

fn bare(times: u64) -> Duration {
    yield_bare(kernel(), times)
}

/// The same while the time of each handler is measured.
fn timed(times: u64) -> Duration {
    let mut kernel = kernel();
    kernel.start_timing();
    yield_bare(kernel, times)
}

fn yield_bare(mut kernel: Kernel, times: u64) -> Duration {
    let session = kernel.spawn(&worker(), Worker { left: times, other: None });
    for _ in 0..1000 {
        kernel.post(session, &BARE, ()).expect("the session is there");
    }
    run(&mut kernel)
}

/// The time of `times` sessions without work, a hundred at a time.
fn come_and_go(times: u64) -> Duration {
    let (states, mut kernel) = (worker(), kernel());
    let begin = Instant::now();
    for _ in 0..times.div_ceil(100) {
        for _ in 0..100 {
            kernel.spawn(&states, Worker::default());
        }
        kernel.run().expect("run");
    }
    begin.elapsed()
}

fn call_times(times: u64) -> Duration {
    let states = worker();
    let mut kernel = kernel();
    let other = kernel.spawn(&states, Worker::default());
    let caller = kernel.spawn(&states, Worker { left: 0, other: Some(other) });
    kernel.call(caller, &TIME, times).expect("the session is there")
}

fn drink(times: u64) -> Duration {
    let drinker = States::new()
        .on_start(|drinker: &mut Drinker, cx: &mut Context<'_>, ()| {
            let (left, target) = (drinker.thirst, cx.symbol_of(&COUNT));
            drinker.fountain = Some(cx.add_wheel(|io| {
                io.again();
                Fountain { left, target }
            }));
        })
        .on(&COUNT, |drinker: &mut Drinker, _: &mut Context<'_>, left: u64| {
            drinker.thirst -= 1;
            if left == 0 {
                drinker.fountain = None;
            }
        });
    let mut kernel = kernel();
    kernel.spawn(&drinker, Drinker { fountain: None, thirst: times });
    run(&mut kernel)
}

fn kernel() -> Kernel {
    Kernel::new().expect("a kernel")
}

/// The time of a run to its end. The loop itself decides when to ask the system.
fn run(kernel: &mut Kernel) -> Duration {
    let begin = Instant::now();
    kernel.run().expect("run");
    begin.elapsed()
}

/// Posts to itself until nothing is left.
#[derive(Default)]
struct Worker {
    left: u64,
    other: Option<SessionId>,
}

impl Worker {
    fn count(&mut self, cx: &mut Context<'_>, n: u64) {
        if self.left > 0 {
            self.left -= 1;
            cx.yield_(&COUNT, n + 1);
        }
    }

    fn bare(&mut self, cx: &mut Context<'_>, (): ()) {
        if self.left > 0 {
            self.left -= 1;
            cx.yield_(&BARE, ());
        }
    }

    fn call_other(&mut self, cx: &mut Context<'_>, times: u64) -> Duration {
        let other = self.other.unwrap_or(SessionId::KERNEL);
        let begin = Instant::now();
        for n in 0..times {
            assert_eq!(cx.call(other, &ECHO, n), Ok(n));
        }
        begin.elapsed()
    }
}

fn worker() -> States<Worker> {
    States::new()
        .on(&COUNT, Worker::count)
        .on(&BARE, Worker::bare)
        .on(&ECHO, |_: &mut Worker, _: &mut Context<'_>, n: u64| n)
        .on(&TIME, Worker::call_other)
}

/// Tells as many events as it was asked for.
struct Fountain {
    left: u64,
    target: Symbol,
}

impl Wheel for Fountain {
    type Event = (Bound<u64>, u64);

    fn ready(&mut self, _: Readiness) {}

    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        self.left = self.left.checked_sub(1)?;
        Some((Bound::new(io.session(), self.target), self.left))
    }
}

struct Drinker {
    fountain: Option<Handle<Fountain>>,
    thirst: u64,
}

//! Nanoseconds for what a kernel does all day, without any system call.
//!
//! `cargo bench -p bench --bench micro [-- NAME]`. Events are counted by thousands in one turn, so that
//! the turn's own cost is spread as it is in a busy server; `one at a time` is the contrary.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use reactor::{
    Bound, Clock, Context, Event, Handle, Io, Kernel, Readiness, SessionId, States, Symbol, Wheel,
};

const COUNT: Event<u64> = Event::new("count");
const BARE: Event<()> = Event::new("bare");
const ECHO: Event<u64, u64> = Event::new("echo");
const GO: Event<u64> = Event::new("go");
const TIME: Event<u64, Duration> = Event::new("time");

/// Lives for ever, because a timer of it is never due.
#[derive(Default)]
struct Worker {
    left: u64,
    other: Option<SessionId>,
}

impl Worker {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        cx.delay("for ever", Duration::MAX, ());
    }

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
        .on_start(Worker::start)
        .on(&COUNT, Worker::count)
        .on(&BARE, Worker::bare)
        .on(&ECHO, |_: &mut Worker, _: &mut Context<'_>, n: u64| n)
        .on(&TIME, Worker::call_other)
}

fn kernel() -> Kernel {
    Kernel::builder().clock(Clock::virtual_time()).build().expect("a kernel")
}

/// Runs turns until `posted` events were delivered since `begin`.
fn deliver(kernel: &mut Kernel, posted: u64) {
    let until = kernel.stats().posted + posted;
    while kernel.stats().posted < until {
        kernel.run_one_turn(Duration::ZERO).expect("a turn");
    }
}

fn queued(c: &mut Criterion) {
    let mut group = c.benchmark_group("queued event");
    for (name, in_flight) in [("u64 payload", 1000), ("u64 payload, one at a time", 1)] {
        group.bench_function(name, |b| {
            b.iter_custom(|times| {
                let mut kernel = kernel();
                let session = kernel.spawn(&worker(), Worker { left: times, other: None });
                for n in 0..in_flight {
                    kernel.post(session, &COUNT, n).expect("posted");
                }
                run_all(&mut kernel, times)
            });
        });
    }
    group.bench_function("no payload", |b| {
        b.iter_custom(|times| {
            let mut kernel = kernel();
            let session = kernel.spawn(&worker(), Worker { left: times, other: None });
            for _ in 0..1000 {
                kernel.post(session, &BARE, ()).expect("posted");
            }
            run_all(&mut kernel, times)
        });
    });
    group.bench_function("u64 payload, 1,000 sessions", |b| {
        b.iter_custom(|times| {
            let mut kernel = kernel();
            let states = worker();
            for n in 0..1000 {
                let left = times.div_ceil(1000);
                let session = kernel.spawn(&states, Worker { left, other: None });
                kernel.post(session, &COUNT, n).expect("posted");
            }
            run_all(&mut kernel, times)
        });
    });
    group.finish();
}

/// The time of delivering what was posted: the loop itself decides when to ask the system.
fn run_all(kernel: &mut Kernel, times: u64) -> Duration {
    let stop = States::new().on_start(|_: &mut (), _: &mut Context<'_>, ()| ());
    drop(stop);
    let begin = Instant::now();
    deliver(kernel, times);
    begin.elapsed()
}

fn call(c: &mut Criterion) {
    c.bench_function("call", |b| {
        b.iter_custom(|times| {
            let mut kernel = kernel();
            let states = worker();
            let other = kernel.spawn(&states, Worker::default());
            let caller = kernel.spawn(&states, Worker { left: 0, other: Some(other) });
            kernel.call(caller, &TIME, times).expect("called")
        });
    });
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

#[derive(Default)]
struct Drinker {
    fountain: Option<Handle<Fountain>>,
    sum: u64,
}

fn direct(c: &mut Criterion) {
    c.bench_function("direct event", |b| {
        b.iter_custom(|times| {
            let drinker = States::new()
                .on(&GO, |drinker: &mut Drinker, cx: &mut Context<'_>, left: u64| {
                    let target = cx.symbol_of(&COUNT);
                    drinker.fountain = Some(cx.add_wheel(|io| {
                        io.again();
                        Fountain { left, target }
                    }));
                })
                .on(&COUNT, |drinker: &mut Drinker, _: &mut Context<'_>, n: u64| drinker.sum += n);
            let mut kernel = kernel();
            let session = kernel.spawn(&drinker, Drinker::default());
            kernel.call(session, &GO, times).expect("called");
            let until = kernel.stats().direct + times;
            let begin = Instant::now();
            while kernel.stats().direct < until {
                kernel.run_one_turn(Duration::ZERO).expect("a turn");
            }
            begin.elapsed()
        });
    });
}

/// What is done to timers while `pending` others wait.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Set,
    Reset,
    Cancel,
}

struct Watchmaker {
    pending: u64,
    random: u64,
}

const DO: Event<(Deed, u64), Duration> = Event::new("do");

impl Watchmaker {
    fn some_time(&mut self) -> Duration {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Duration::from_nanos(1_000_000_000 + (self.random >> 33))
    }

    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        for n in 0..self.pending {
            let time = self.some_time();
            cx.delay_set(&COUNT, time, n);
        }
        cx.delay(&GO, Duration::from_secs(1), 0);
    }

    fn work(&mut self, cx: &mut Context<'_>, (deed, times): (Deed, u64)) -> Duration {
        let mut spent = Duration::ZERO;
        let mut left = times;
        while left > 0 {
            // Few beside those that wait, so that their number is what it says.
            let some = left.min(100);
            left -= some;
            let delays: Vec<Duration> = (0..some).map(|_| self.some_time()).collect();
            let begin = Instant::now();
            let timers: Vec<_> = match deed {
                Deed::Reset => {
                    delays.iter().for_each(|time| cx.delay(&GO, *time, 0));
                    Vec::new()
                }
                Deed::Set | Deed::Cancel => {
                    delays.iter().map(|time| cx.delay_set(&COUNT, *time, 0)).collect()
                }
            };
            let set = begin.elapsed();
            let begin = Instant::now();
            for timer in timers {
                cx.alarm_remove(timer).expect("it was set");
            }
            spent += match deed {
                Deed::Set | Deed::Reset => set,
                Deed::Cancel => begin.elapsed(),
            };
        }
        spent
    }
}

fn timers(c: &mut Criterion) {
    let mut group = c.benchmark_group("timer");
    for pending in [1000, 100_000] {
        for deed in [Deed::Set, Deed::Reset, Deed::Cancel] {
            group.bench_function(BenchmarkId::new(format!("{deed:?}"), pending), |b| {
                b.iter_custom(|times| {
                    let (mut kernel, session) = watchmaker(pending, Clock::virtual_time());
                    kernel.call(session, &DO, (deed, times)).expect("called")
                });
            });
        }
        group.bench_function(BenchmarkId::new("Fire", pending), |b| {
            b.iter_custom(|times| fire(pending, times));
        });
    }
    group.finish();
}

/// The time of `times` timers to ring, of `pending` that wait at most.
fn fire(pending: u64, times: u64) -> Duration {
    let (mut spent, mut rung) = (Duration::ZERO, 0);
    while rung < times {
        let clock = Clock::virtual_time();
        let (mut kernel, _) = watchmaker(pending, clock.clone());
        clock.advance(Duration::from_secs(3600));
        let begin = Instant::now();
        kernel.run().expect("run");
        spent += begin.elapsed();
        rung += kernel.stats().timers;
    }
    spent.mul_f64(times as f64 / rung as f64)
}

fn watchmaker(pending: u64, clock: Clock) -> (Kernel, SessionId) {
    let states = States::new()
        .on_start(Watchmaker::start)
        .on(&COUNT, |_: &mut Watchmaker, _: &mut Context<'_>, _: u64| ())
        .on(&GO, |_: &mut Watchmaker, _: &mut Context<'_>, _: u64| ())
        .on(&DO, Watchmaker::work);
    let mut kernel = Kernel::builder().clock(clock).build().expect("a kernel");
    let session = kernel.spawn(&states, Watchmaker { pending, random: 1 });
    (kernel, session)
}

criterion_group! {
    name = micro;
    config = Criterion::default()
        .sample_size(15)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = queued, call, direct, timers
}
criterion_main!(micro);

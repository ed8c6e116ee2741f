//! Timers: set, set anew, removed, rung, while others wait.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use reactor::{Clock, Context, Event, Kernel, SessionId, States};

const RING: Event<u64> = Event::new("ring");
const IDLE: Event<u64> = Event::new("idle");
const DO: Event<(Deed, u64), Duration> = Event::new("do");

pub(crate) fn all(c: &mut Criterion) {
    let mut group = c.benchmark_group("timer");
    for pending in [1000, 100_000] {
        for deed in [Deed::Set, Deed::Reset, Deed::Cancel] {
            group.bench_function(BenchmarkId::new(format!("{deed:?}"), pending), |b| {
                b.iter_custom(|times| work(deed, pending, times));
            });
        }
        group.bench_function(BenchmarkId::new("Fire", pending), |b| {
            b.iter_custom(|times| fire(pending, times));
        });
    }
    group.sample_size(10);
    group.bench_function("One million set, then all fired", |b| {
        b.iter_custom(|times| (0..times).map(|_| set_and_fire(1_000_000)).sum());
    });
    group.finish();
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    /// `delay_set`.
    Set,
    /// `delay` of a name that waits, as an idle timeout does with every packet.
    Reset,
    /// `alarm_remove`.
    Cancel,
}

fn work(deed: Deed, pending: u64, times: u64) -> Duration {
    let (mut kernel, session) = watchmaker(pending, Clock::virtual_time());
    kernel.call(session, &DO, (deed, times)).expect("the session is there")
}

/// The time of `times` timers to ring, their handlers included, of `pending` that wait at most.
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

/// The time of so many timers to be set and then to ring, overdue, from a new kernel on.
fn set_and_fire(pending: u64) -> Duration {
    let clock = Clock::virtual_time();
    let begin = Instant::now();
    let (mut kernel, _) = watchmaker(pending, clock.clone());
    clock.advance(Duration::from_secs(3600));
    kernel.run().expect("run");
    let spent = begin.elapsed();
    assert_eq!(kernel.stats().timers, pending + 1, "and the idle timeout");
    spent
}

struct Watchmaker {
    pending: u64,
    random: u64,
}

impl Watchmaker {
    fn some_time(&mut self) -> Duration {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Duration::from_nanos(1_000_000_000 + (self.random >> 33))
    }

    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        for n in 0..self.pending {
            let time = self.some_time();
            cx.delay_set(&RING, time, n);
        }
        cx.delay(&IDLE, Duration::from_secs(1), 0);
    }

    /// As many times what the middle batch took: a batch takes some microseconds, and those in which the
    /// processor was somebody else's are not in the middle.
    fn work(&mut self, cx: &mut Context<'_>, (deed, times): (Deed, u64)) -> Duration {
        // Few beside those that wait, so that their number is what it says.
        let batch = times.clamp(1, 100);
        let mut batches = Vec::new();
        for _ in 0..times.div_ceil(batch) {
            let delays: Vec<Duration> = (0..batch).map(|_| self.some_time()).collect();
            batches.push(match deed {
                Deed::Set => set_and_cancel(cx, &delays).0,
                Deed::Cancel => set_and_cancel(cx, &delays).1,
                Deed::Reset => reset(cx, &delays),
            });
        }
        batches.sort_unstable();
        batches[batches.len() / 2].mul_f64(times as f64 / batch as f64)
    }
}

fn set_and_cancel(cx: &mut Context<'_>, delays: &[Duration]) -> (Duration, Duration) {
    let begin = Instant::now();
    let timers: Vec<_> = delays.iter().map(|time| cx.delay_set(&RING, *time, 0)).collect();
    let set = begin.elapsed();
    let begin = Instant::now();
    for timer in timers {
        cx.alarm_remove(timer).expect("it was set");
    }
    (set, begin.elapsed())
}

fn reset(cx: &mut Context<'_>, delays: &[Duration]) -> Duration {
    let begin = Instant::now();
    for time in delays {
        cx.delay(&IDLE, *time, 0);
    }
    begin.elapsed()
}

fn watchmaker(pending: u64, clock: Clock) -> (Kernel, SessionId) {
    let states = States::new()
        .on_start(Watchmaker::start)
        .on(&RING, |_: &mut Watchmaker, _: &mut Context<'_>, _: u64| ())
        .on(&IDLE, |_: &mut Watchmaker, _: &mut Context<'_>, _: u64| ())
        .on(&DO, Watchmaker::work);
    let mut kernel = Kernel::builder().clock(clock).build().expect("a kernel");
    let session = kernel.spawn(&states, Watchmaker { pending, random: 1 });
    (kernel, session)
}

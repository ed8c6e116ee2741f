//! What passes between threads: posts by a handle, and jobs.

use std::thread;
use std::time::{Duration, Instant};

use criterion::Criterion;
use reactor::{Context, Event, JobError, Kernel, Remote, SessionId, States};

const COUNT: Event<u64> = Event::new("count");
const BALL: Event<u64> = Event::new("ball");
const DONE: Event<Result<u64, JobError>> = Event::new("done");

pub(crate) fn all(c: &mut Criterion) {
    let mut group = c.benchmark_group("other threads");
    group.bench_function("remote post and delivery, one thread", |b| {
        b.iter_custom(post_here);
    });
    group.bench_function("remote post and delivery, two threads", |b| {
        b.iter_custom(post_there);
    });
    group.bench_function("there and back between two kernels", |b| b.iter_custom(play));
    group.bench_function("job and result, one at a time", |b| b.iter_custom(jobs));
    group.finish();
}

/// Stops when it has counted enough; posts a thousand to itself by a handle as often as they have come.
struct Counter {
    left: u64,
    remote: Option<Remote>,
}

impl Counter {
    fn count(&mut self, cx: &mut Context<'_>, n: u64) {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            cx.stop();
        } else if n == 1 {
            self.post_more(cx.session());
        }
    }

    fn post_more(&self, me: SessionId) {
        let Some(remote) = &self.remote else { return };
        for n in (1..=1000).rev() {
            remote.post(me, &COUNT, n).expect("room for a thousand");
        }
    }
}

fn counter() -> States<Counter> {
    States::new()
        .on_start(|counter: &mut Counter, cx: &mut Context<'_>, ()| {
            cx.delay("never", Duration::MAX, ());
            counter.post_more(cx.session());
        })
        .on(&COUNT, Counter::count)
}

fn post_here(times: u64) -> Duration {
    let mut kernel = kernel();
    let remote = Some(kernel.remote().expect("a handle"));
    kernel.spawn(&counter(), Counter { left: times, remote });
    run(&mut kernel)
}

fn post_there(times: u64) -> Duration {
    let mut kernel = kernel();
    let remote = kernel.remote().expect("a handle");
    let session = kernel.spawn(&counter(), Counter { left: times, remote: None });
    let thread = thread::spawn(move || {
        (0..times).try_for_each(|_| remote.post_blocking(session, &COUNT, 0)).is_ok()
    });
    let time = run(&mut kernel);
    assert!(thread.join().expect("no panic"));
    time
}

/// Sends every number but the last to the other.
struct Player {
    other: Remote,
}

fn player() -> States<Player> {
    States::new()
        .on_start(|_: &mut Player, cx: &mut Context<'_>, ()| cx.delay("never", Duration::MAX, ()))
        .on(&BALL, |player: &mut Player, cx: &mut Context<'_>, left: u64| {
            if left > 0 {
                // The first session of a kernel has the same id in each.
                player.other.post(cx.session(), &BALL, left - 1).expect("the other waits");
            }
            if left <= 1 {
                cx.stop();
            }
        })
}

fn play(times: u64) -> Duration {
    let mut mine = kernel();
    let remote = mine.remote().expect("a handle");
    let (tell, told) = std::sync::mpsc::channel();
    let thread = thread::spawn(move || {
        let mut theirs = kernel();
        tell.send(theirs.remote().expect("a handle")).expect("the other listens");
        theirs.spawn(&player(), Player { other: remote });
        theirs.run().expect("run");
    });
    let other = told.recv().expect("the other begins");
    let session = mine.spawn(&player(), Player { other });
    mine.post(session, &BALL, 2 * times).expect("the session is there");
    let time = run(&mut mine);
    thread.join().expect("no panic");
    time
}

fn jobs(times: u64) -> Duration {
    let states = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| cx.yield_(&COUNT, 0))
        .on(&COUNT, move |_: &mut (), cx: &mut Context<'_>, n: u64| {
            cx.run_blocking(move || n + 1, &DONE).expect("a worker").release();
        })
        .on(&DONE, move |_: &mut (), cx: &mut Context<'_>, done| {
            let n: u64 = done.expect("it does not panic");
            if n < times {
                cx.run_blocking(move || n + 1, &DONE).expect("a worker").release();
            }
        });
    let mut kernel = kernel();
    kernel.spawn(&states, ());
    run(&mut kernel)
}

fn kernel() -> Kernel {
    Kernel::new().expect("a kernel")
}

fn run(kernel: &mut Kernel) -> Duration {
    let begin = Instant::now();
    kernel.run().expect("run");
    begin.elapsed()
}

//! What a job's event carries, and what holds its session until then.

use std::io;
use std::sync::mpsc::channel;
use std::thread;

use reactor::{Blocking, Context, Event, Handle, JobError, Kernel, States};
use testkit::story::act;

use crate::parts::{fail, real_stage, stay, told};
use crate::pool::Gate;

const DONE: Event<Result<Vec<u32>, JobError>> = Event::new("done");

#[derive(Default)]
struct Asker {
    jobs: Vec<Handle<Blocking<Vec<u32>>>>,
    answers: u32,
}

#[test]
fn a_job_runs_on_a_worker_and_its_result_is_an_event_of_its_session() {
    let home = thread::current().id();
    let states = States::new()
        .on_start(move |asker: &mut Asker, cx: &mut Context<'_>, ()| {
            for n in 0..3 {
                let job = move || {
                    assert_ne!(thread::current().id(), home);
                    assert_eq!(thread::current().name(), Some("wheelhouse-worker"));
                    (0..n).collect()
                };
                asker.jobs.push(cx.run_blocking(job, &DONE).unwrap());
            }
        })
        .on(&DONE, move |asker: &mut Asker, cx: &mut Context<'_>, result| {
            assert_eq!(thread::current().id(), home);
            assert_eq!((cx.sender(), cx.event()), (cx.session(), "done"));
            let numbers: Vec<u32> = result.unwrap();
            asker.answers += 1 << numbers.len();
        })
        .on_stop(|asker: &mut Asker, cx: &mut Context<'_>, ()| {
            assert_eq!(asker.answers, 0b111);
            for job in &asker.jobs {
                assert!(cx.wheel(job).is_none(), "it closed itself");
            }
        });
    let mut kernel = Kernel::new().unwrap();
    let session = kernel.spawn(&states, Asker::default());
    assert_eq!(kernel.why_alive(session).unwrap(), "1 queued event, 3 wheels");
    kernel.run().unwrap();
    assert_eq!(kernel.wheel_count(), 0);
}

#[test]
fn a_result_may_be_an_error_of_the_jobs_own() {
    let states = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
            cx.run_blocking(|| std::fs::read("/nowhere"), "read").unwrap().release();
        })
        .on("read", |_: &mut (), cx: &mut Context<'_>, read: Result<io::Result<Vec<u8>>, _>| {
            let read: Result<_, JobError> = read;
            assert_eq!(read.unwrap().unwrap_err().kind(), io::ErrorKind::NotFound);
            cx.stop();
        });
    let mut kernel = Kernel::new().unwrap();
    kernel.spawn(&states, ());
    kernel.run().unwrap();
    assert_eq!(kernel.stats().direct, 1);
}

/// Refuses to be dropped in peace, once for each of its lives.
struct Hydra(u32);

impl Drop for Hydra {
    fn drop(&mut self) {
        if self.0 > 0 && !thread::panicking() {
            std::panic::resume_unwind(Box::new(Self(self.0 - 1)));
        }
    }
}

#[test]
fn a_panic_of_the_closure_is_an_error_in_the_event_and_nothing_else() {
    let panics: [fn(); 4] = [
        || fail("on purpose"),
        || std::panic::resume_unwind(Box::new("a String".to_owned())),
        || std::panic::resume_unwind(Box::new(17)),
        || std::panic::resume_unwind(Box::new(Hydra(3))),
    ];
    let states = States::new()
        .on_start(move |_: &mut Vec<String>, cx: &mut Context<'_>, ()| {
            for panic in panics {
                cx.run_blocking(panic, "done").unwrap().release();
            }
            cx.run_blocking(|| (), "done").unwrap().release();
        })
        .on("done", |texts: &mut Vec<String>, _: &mut Context<'_>, result: Result<(), JobError>| {
            texts.push(result.map_or_else(|error| error.to_string(), |()| "well".into()));
        })
        .on_stop(|texts: &mut Vec<String>, _: &mut Context<'_>, ()| {
            let panicked = |text| format!("the job panicked: {text}");
            let [a, b, c, d] = ["on purpose", "a String", "(not text)", "(not text)"].map(panicked);
            assert_eq!(*texts, [a, b, c, d, "well".into()]);
        });
    // One worker: it must outlive them all.
    let mut kernel = Kernel::builder().workers(1).build().unwrap();
    kernel.spawn(&states, Vec::new());
    kernel.run().unwrap();
    assert_eq!(kernel.stats().failures, 0);
}

#[test]
fn a_job_reports_its_progress_by_a_handle() {
    let states = States::new()
        .on_start(|_: &mut Vec<u32>, cx: &mut Context<'_>, ()| {
            let (remote, me) = (cx.remote().unwrap(), cx.session());
            let job = move || (1..=5_u32).try_for_each(|n| remote.post(me, "progress", n)).is_ok();
            cx.run_blocking(job, "done").unwrap().release();
        })
        .on("progress", |seen: &mut Vec<u32>, _: &mut Context<'_>, n: u32| seen.push(n))
        .on("done", |_: &mut Vec<u32>, cx: &mut Context<'_>, done: Result<bool, JobError>| {
            assert_eq!(done, Ok(true));
            cx.yield_("after", ());
        })
        .on("after", |seen: &mut Vec<u32>, cx: &mut Context<'_>, (): ()| {
            if seen.len() < 5 {
                cx.yield_("after", ());
            }
        })
        .on_stop(|seen: &mut Vec<u32>, _: &mut Context<'_>, ()| assert_eq!(*seen, [1, 2, 3, 4, 5]));
    let mut kernel = Kernel::new().unwrap();
    kernel.spawn(&states, Vec::new());
    kernel.run().unwrap();
}

#[test]
fn the_event_of_a_job_may_drop_its_handle_and_begin_the_next() {
    let states = States::new()
        .on_start(|asker: &mut Asker, cx: &mut Context<'_>, ()| {
            asker.jobs.push(cx.run_blocking(|| vec![0], &DONE).unwrap());
        })
        .on(&DONE, |asker: &mut Asker, cx: &mut Context<'_>, result| {
            asker.jobs.clear();
            let [n] = result.unwrap()[..] else { panic!("one number") };
            assert_eq!(n, asker.answers);
            asker.answers += 1;
            if n < 20_000 {
                asker.jobs.push(cx.run_blocking(move || vec![n + 1], &DONE).unwrap());
            }
        });
    let mut kernel = Kernel::new().unwrap();
    kernel.spawn(&states, Asker::default());
    kernel.run().unwrap();
    assert_eq!(kernel.stats().direct, 20_001);
}

#[test]
fn p52_a_job_that_blocks_delays_neither_timers_nor_events() {
    let mut stage = real_stage();
    let mut gate = Gate::new();
    let (job, open) = (gate.job(()), gate.open);
    let a = stage.actor("a", |actor, cx| {
        actor.held.push(Box::new(cx.run_blocking(job, "done").unwrap()));
        cx.delay("tick", std::time::Duration::from_millis(1), ());
        cx.yield_("posted", ());
    });
    let mut lines = told(&mut stage);
    while lines.len() < 2 {
        lines.extend(told(&mut stage));
    }
    assert_eq!(lines, ["a: posted", "a: tick"]);
    assert_eq!(stage.kernel.why_alive(a).unwrap(), "1 wheel");
    open.send(()).unwrap();
    stage.run();
    stage.assert(["a: done", "a: _stop"]);
}

#[test]
fn a_handler_that_runs_long_finds_the_results_of_all_jobs_that_ended_meanwhile() {
    let mut stage = real_stage();
    let a = stage.actor("a", |_, cx| stay(cx));
    let (done, wait) = channel();
    stage.act(a, move |_, cx| {
        for _ in 0..4 {
            let done = done.clone();
            cx.run_blocking(move || done.send(()).unwrap(), "done").unwrap().release();
        }
        for _ in 0..4 {
            wait.recv().unwrap();
        }
        cx.yield_("act", act(|actor, _| actor.tell("posted")));
    });
    let mut lines = Vec::new();
    while lines.len() < 5 {
        lines.extend(told(&mut stage));
    }
    assert_eq!(lines.iter().filter(|line| *line == "a: done").count(), 4);
    stage.kernel.stop();
}

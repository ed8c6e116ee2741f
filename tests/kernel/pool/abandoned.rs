//! Handles that are dropped, sessions that stop, kernels that go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use reactor::{Context, JobError, JobRefused, Kernel, SessionId, States};
use testkit::story::Stage;

use crate::parts::{Drops, fail, real_stage, stay, told};
use crate::pool::Gate;

/// A stage with one worker, which is stuck in a job of `busy`.
fn stuck() -> (Stage, SessionId, Gate) {
    let mut stage = Stage::with(|builder| builder.clock(reactor::Clock::system()).workers(1));
    let mut gate = Gate::new();
    let job = gate.job(());
    let busy = stage.actor("busy", |actor, cx| {
        stay(cx);
        actor.held.push(Box::new(cx.run_blocking(job, "done").unwrap()));
    });
    (stage, busy, gate)
}

#[test]
fn a_job_that_is_abandoned_before_it_begins_never_begins_and_is_dropped_at_once() {
    let (mut stage, _, gate) = stuck();
    let a = stage.actor("a", |_, cx| stay(cx));
    let drops = Drops::default();
    for nth in 0..3 {
        let held = drops.one();
        stage.act(a, move |actor, cx| {
            let job = move || {
                drop(held);
                fail("it begins");
            };
            actor.held.push(Box::new(cx.run_blocking(job, "never").unwrap()));
        });
        assert_eq!(drops.count(), nth);
        if nth < 2 {
            stage.act(a, |actor, _| actor.held.clear());
            assert_eq!(drops.count(), nth + 1);
        }
    }
    // The third goes with its session, and the worker is free for what comes then.
    stage
        .kernel
        .call::<_, ()>(
            a,
            "act",
            testkit::story::act(|_, cx| {
                cx.run_blocking(|| (), "now").unwrap().release();
            }),
        )
        .unwrap();
    stage.act(a, |actor, _| actor.held.clear());
    assert_eq!(drops.count(), 3);
    gate.open.send(()).unwrap();
    assert_eq!(told(&mut stage), ["busy: done"]);
    assert_eq!(told(&mut stage), ["a: now"]);
    stage.kernel.stop();
    stage.assert_empty();
}

#[test]
fn a_job_that_is_abandoned_while_it_runs_is_not_heard_of_and_its_result_is_dropped() {
    let mut stage = real_stage();
    let (drops, mut gate) = (Drops::default(), Gate::new());
    let job = gate.job(drops.one());
    let a = stage.actor("a", |actor, cx| {
        actor.held.push(Box::new(cx.run_blocking(job, "never").unwrap()));
    });
    stage.turn();
    assert_eq!(stage.kernel.why_alive(a).unwrap(), "1 wheel");
    stage.act(a, |actor, _| actor.held.clear());
    // Nothing else held it.
    stage.run();
    stage.assert(["a: _stop"]);
    let b = stage.actor("b", |_, cx| stay(cx));
    gate.open.send(()).unwrap();
    while drops.count() == 0 {
        thread::yield_now();
    }
    stage.act(b, |_, cx| cx.run_blocking(|| (), "done").unwrap().release());
    assert_eq!(told(&mut stage), ["b: done"]);
    assert_eq!(drops.count(), 1);
    stage.kernel.stop();
}

#[test]
fn a_released_job_is_delivered_though_nobody_has_its_handle() {
    let (mut stage, busy, gate) = stuck();
    stage.act(busy, |_, cx| cx.run_blocking(|| (), "released").unwrap().release());
    gate.open.send(()).unwrap();
    assert_eq!(told(&mut stage), ["busy: done"]);
    assert_eq!(told(&mut stage), ["busy: released"]);
    stage.kernel.stop();
}

#[test]
fn sessions_that_are_stopped_abandon_their_jobs_and_run_does_not_wait_for_them() {
    let (mut stage, busy, gate) = stuck();
    let drops = Drops::default();
    let held = drops.one();
    stage.act(busy, move |_, cx| {
        cx.run_blocking(move || drop(held), "never").unwrap().release();
        cx.stop();
    });
    stage.run();
    stage.assert(["busy: _stop"]);
    assert_eq!(drops.count(), 1, "it waited for a worker");
    // The worker is free again as soon as the first job ends, and not before.
    stage.actor("next", |_, cx| cx.run_blocking(|| (), "done").unwrap().release());
    gate.open.send(()).unwrap();
    stage.run();
    stage.assert(["next: done", "next: _stop"]);
}

#[test]
fn p52_a_kernel_is_dropped_while_its_jobs_are_stuck() {
    let (drops, mut gates) = (Drops::default(), [Gate::new(), Gate::new()]);
    let jobs = gates.each_mut().map(|gate| gate.job(drops.one()));
    let (ended, end) = channel();
    let mut stage = real_stage();
    stage.actor("a", move |actor, cx| {
        for job in jobs {
            let ended = ended.clone();
            let job = move || {
                let value = job();
                ended.send(()).unwrap();
                value
            };
            actor.held.push(Box::new(cx.run_blocking(job, "never").unwrap()));
        }
    });
    stage.turn();
    drop(stage);
    assert_eq!(drops.count(), 0, "they are still in there");
    for gate in gates {
        drop(gate.open);
        end.recv().unwrap();
    }
    while drops.count() < 2 {
        thread::yield_now();
    }
    assert_eq!(end.recv(), Err(std::sync::mpsc::RecvError), "and nobody runs them again");
}

#[test]
fn a_result_that_panics_when_it_is_dropped_unheard_does_not_end_its_worker() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !thread::panicking() {
                fail("on purpose");
            }
        }
    }
    let mut stage = Stage::with(|builder| builder.clock(reactor::Clock::system()).workers(1));
    let mut gate = Gate::new();
    let wait = gate.job(());
    let a = stage.actor("a", |actor, cx| {
        stay(cx);
        let job = || {
            wait();
            Bomb
        };
        actor.held.push(Box::new(cx.run_blocking(job, "never").unwrap()));
    });
    stage.act(a, |actor, cx| {
        actor.held.clear();
        cx.run_blocking(|| (), "done").unwrap().release();
    });
    gate.open.send(()).unwrap();
    assert_eq!(told(&mut stage), ["a: done"]);
    assert_eq!(stage.kernel.stats().failures, 0);
    stage.kernel.stop();
}

#[test]
fn too_many_jobs_are_given_back_until_one_is_withdrawn() {
    let (mut stage, busy, gate) = stuck();
    let ran = Arc::new(AtomicBool::new(false));
    let (mark, mark_again) = (Arc::clone(&ran), Arc::clone(&ran));
    stage.act(busy, move |actor, cx| {
        for n in 0..1_024 {
            actor.held.push(Box::new(cx.run_blocking(move || n, "number").unwrap()));
        }
        let refused = cx.run_blocking(move || mark.store(true, Ordering::SeqCst), "never");
        let JobRefused::Full(job) = refused.expect_err("there is no room") else {
            panic!("the system is not asked");
        };
        job();
        actor.held.pop();
    });
    assert!(ran.swap(false, Ordering::SeqCst), "it is the closure that came back");
    stage.act(busy, move |actor, cx| {
        let job = move || mark_again.store(true, Ordering::SeqCst);
        actor.held.push(Box::new(cx.run_blocking(job, "last").unwrap()));
    });
    gate.open.send(()).unwrap();
    let mut lines = Vec::new();
    while lines.len() < 1_025 {
        lines.extend(told(&mut stage));
    }
    assert_eq!(lines.first().unwrap(), "busy: done");
    assert_eq!(lines.last().unwrap(), "busy: last");
    assert!(ran.load(Ordering::SeqCst));
    stage.kernel.stop();
}

#[test]
fn a_thousand_waiting_jobs_go_with_their_session() {
    let (mut stage, _, gate) = stuck();
    let drops = Drops::default();
    let states = States::new()
        .on_start(|drops: &mut Drops, cx: &mut Context<'_>, ()| {
            for _ in 0..1_000 {
                let held = drops.one();
                cx.run_blocking(move || drop(held), "never").unwrap().release();
            }
            cx.yield_("fail", ());
        })
        .try_on("fail", |_: &mut Drops, _: &mut Context<'_>, (): ()| Err::<(), _>("on purpose"))
        .on("never", |_: &mut Drops, _: &mut Context<'_>, _: Result<(), JobError>| ());
    stage.kernel.spawn(&states, drops.clone());
    stage.kernel.run().expect_err("it fails");
    assert_eq!(drops.count(), 1_000);
    assert_eq!(stage.kernel.wheel_count(), 0);
    drop(gate);
}

#[test]
fn a_handle_that_outlives_its_kernel_is_dropped_in_peace() {
    let mut kernel = Kernel::builder().workers(1).build().unwrap();
    let (give, take) = channel();
    let states = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
        for n in 0..3 {
            give.send(cx.run_blocking(move || n, "done").unwrap()).unwrap();
        }
    });
    kernel.spawn(&states, ());
    drop((kernel, states));
    assert_eq!(take.iter().count(), 3);
}

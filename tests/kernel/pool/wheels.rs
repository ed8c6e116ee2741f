//! Jobs of wheels: name resolution is to be one.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use reactor::{Bound, Context, Handle, Io, Job, Readiness, States, Symbol, Wheel};

use crate::parts::{Drops, real_stage, told};
use crate::pool::Gate;

/// A lookup that several wheels wait for.
struct Lookup {
    job: Job<u64>,
    answer: Cell<Option<u64>>,
}

/// Tells what its lookup found, or zero when it has waited long enough.
struct Seeker {
    lookup: Rc<Lookup>,
    patience: Option<Duration>,
    event: Symbol,
}

impl Seeker {
    fn add(cx: &mut Context<'_>, lookup: &Rc<Lookup>, patience: Option<Duration>) -> Handle<Self> {
        let (event, lookup) = (cx.symbol("found"), Rc::clone(lookup));
        cx.add_wheel(|io| {
            lookup.job.tell(io);
            if let Some(patience) = patience {
                io.wake_at(io.now() + patience);
            }
            Self { lookup, patience, event }
        })
    }
}

impl Wheel for Seeker {
    type Event = (Bound<u64>, u64);

    fn ready(&mut self, _: Readiness) {}

    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        if let Some(found) = self.lookup.job.take() {
            self.lookup.answer.set(found.ok());
        }
        let found = self.lookup.answer.get();
        let gave_up = self.patience.is_some();
        let tells = found.or_else(|| gave_up.then_some(0))?;
        io.close();
        Some((Bound::new(io.session(), self.event), tells))
    }
}

#[derive(Default)]
struct Owner {
    seekers: Vec<Handle<Seeker>>,
    lookup: Option<Rc<Lookup>>,
}

/// A wheel that starts a lookup and gives it to others.
struct Starter(Rc<Lookup>);

impl Wheel for Starter {
    type Event = (Bound<()>, ());

    fn ready(&mut self, _: Readiness) {}

    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        assert!(self.0.job.take().is_some_and(|found| found == Ok(7)));
        self.0.answer.set(Some(7));
        io.close();
        None
    }
}

fn lookup(cx: &mut Context<'_>, job: impl FnOnce() -> u64 + Send + 'static) -> Rc<Lookup> {
    let mut made = None;
    cx.add_wheel(|io| {
        let job = io.run_blocking(job).expect("a thread");
        let lookup = Rc::new(Lookup { job, answer: Cell::new(None) });
        Starter(Rc::clone(made.insert(lookup)))
    })
    .release();
    made.expect("made at once")
}

#[test]
fn several_wheels_wait_for_one_job_and_one_that_comes_late_is_told_too() {
    let states = States::new()
        .on_start(|owner: &mut Owner, cx: &mut Context<'_>, ()| {
            let lookup = lookup(cx, || 7);
            for _ in 0..3 {
                owner.seekers.push(Seeker::add(cx, &lookup, None));
            }
            owner.lookup = Some(lookup);
        })
        .on("found", |owner: &mut Owner, cx: &mut Context<'_>, found: u64| {
            assert_eq!(found, 7);
            if owner.seekers.len() < 5 {
                let lookup = owner.lookup.as_ref().expect("made in the beginning");
                owner.seekers.push(Seeker::add(cx, lookup, None));
            }
        });
    let mut stage = real_stage();
    stage.kernel.spawn(&states, Owner::default());
    stage.run();
    assert_eq!(stage.kernel.stats().direct, 5);
}

#[test]
fn p52_a_wheel_that_gives_up_does_not_wait_for_its_job() {
    let states = States::new()
        .on("seek", |owner: &mut Owner, cx: &mut Context<'_>, gate: Rc<Cell<Option<Gate>>>| {
            let mut open = gate.take().expect("a gate");
            let lookup = lookup(cx, open.job(7));
            gate.set(Some(open));
            owner.seekers.push(Seeker::add(cx, &lookup, Some(Duration::from_millis(1))));
        })
        .on("found", |_: &mut Owner, cx: &mut Context<'_>, found: u64| {
            assert_eq!(found, 0);
            cx.stop();
        });
    let mut stage = real_stage();
    let session = stage.kernel.spawn(&states, Owner::default());
    let gate = Rc::new(Cell::new(Some(Gate::new())));
    stage.kernel.call::<_, ()>(session, "seek", Rc::clone(&gate)).unwrap();
    stage.run();
    assert_eq!(stage.kernel.stats().direct, 1);
    assert!(gate.take().is_some_and(|gate| gate.open.send(()).is_ok()), "the job still waits");
}

#[test]
fn a_wheel_that_is_dropped_abandons_its_job() {
    struct Waiter {
        _job: Job<()>,
    }
    impl Wheel for Waiter {
        type Event = (Bound<()>, ());

        fn ready(&mut self, _: Readiness) {}

        fn next(&mut self, _: &mut Io<'_>) -> Option<Self::Event> {
            panic!("it has nothing to hear");
        }
    }
    let mut stage = real_stage();
    let (drops, mut gates) = (Drops::default(), [(); 5].map(|()| Gate::new()));
    let jobs = gates.each_mut().map(|gate| gate.job(()));
    let held = drops.clone();
    let a = stage.actor("a", move |actor, cx| {
        for job in jobs {
            let counted = held.one();
            let job = move || {
                job();
                drop(counted);
            };
            let waiter =
                cx.add_wheel(|io| Waiter { _job: io.run_blocking(job).expect("a thread") });
            actor.held.push(Box::new(waiter));
        }
    });
    stage.act(a, |actor, _| actor.held.clear());
    // Four had begun; the fifth never does.
    assert_eq!(drops.count(), 1);
    assert_eq!(told(&mut stage), ["a: _stop"]);
    drop(gates);
}

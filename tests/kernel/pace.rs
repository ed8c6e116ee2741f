//! The real clock: never early, never busy, never late because of somebody's queue.

use std::cell::Cell;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use reactor::{Clock, Context, Handle, Kernel, States};

use crate::parts::{Reader, pair};

const MS: Duration = Duration::from_millis(1);
const TICKS: u32 = 200;

#[test]
fn p33_a_timer_each_millisecond_costs_no_more_than_two_polls_and_is_never_early() {
    let clock = Clock::system();
    let mut kernel = Kernel::builder().clock(clock.clone()).build().unwrap();
    let states = States::new()
        .on_start(|_: &mut u32, cx: &mut Context<'_>, ()| {
            let due = cx.now() + MS;
            cx.delay("tick", MS, due);
        })
        .on("tick", move |ticks: &mut u32, cx: &mut Context<'_>, due: Instant| {
            assert!(cx.now() >= due, "early by {:?}", due - cx.now());
            assert!(clock.now() >= due, "early by {:?}", due - clock.now());
            *ticks += 1;
            if *ticks < TICKS {
                let due = cx.now() + MS;
                cx.delay("tick", MS, due);
            }
        });
    kernel.spawn(&states, 0);
    kernel.run().unwrap();
    let stats = kernel.stats();
    assert_eq!(stats.timers, u64::from(TICKS));
    assert!(stats.polls <= u64::from(TICKS) * 2 + 20, "{} polls", stats.polls);
}

#[test]
fn p33_odd_fractions_of_a_millisecond_are_not_spun_through() {
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| cx.yield_("set", 1_u64))
        .on("set", |_: &mut (), cx: &mut Context<'_>, count: u64| {
            if count <= 50 {
                let wait = Duration::from_nanos(count * 37_123);
                cx.delay("set", wait, count + 1);
            }
        });
    kernel.spawn(&states, ());
    kernel.run().unwrap();
    assert!(kernel.stats().polls <= 50 * 2 + 20, "{} polls", kernel.stats().polls);
}

/// Yields to itself for ever, and measures in turns how long others wait.
struct Spinner {
    reader: Option<Handle<Reader>>,
    theirs: UnixStream,
    clock: Clock,
    written: Option<u64>,
    due: Instant,
    /// The turn in which the timer was first seen to be due.
    seen_due: Option<u64>,
    rounds: u32,
    worst: Rc<Cell<u64>>,
}

impl Spinner {
    fn spin(&mut self, cx: &mut Context<'_>, (): ()) {
        if self.rounds == 50 {
            self.reader = None;
            return;
        }
        let turn = cx.stats().turns;
        if self.written.is_none() {
            self.theirs.write_all(b"!").expect("room");
            self.written = Some(turn);
        }
        if self.seen_due.is_none() && self.clock.now() >= self.due {
            self.seen_due = Some(turn);
        }
        cx.yield_("spin", ());
    }

    fn read(&mut self, cx: &mut Context<'_>, bytes: Vec<u8>) {
        assert_eq!(bytes, b"!");
        let written = self.written.take().expect("written before it is read");
        self.note(cx.stats().turns - written);
    }

    fn rang(&mut self, cx: &mut Context<'_>, (): ()) {
        assert!(self.clock.now() >= self.due, "early");
        let turn = cx.stats().turns;
        let seen_due = self.seen_due.take().unwrap_or(turn);
        self.note(turn - seen_due);
        self.rounds += 1;
        if self.rounds < 50 {
            self.due = cx.now() + MS;
            cx.delay("rang", MS, ());
        }
    }

    fn note(&mut self, turns: u64) {
        self.worst.set(self.worst.get().max(turns));
    }
}

#[test]
fn p34_a_session_that_yields_to_itself_for_ever_delays_neither_descriptors_nor_timers() {
    let clock = Clock::system();
    let mut kernel = Kernel::builder().clock(clock.clone()).build().unwrap();
    let states = States::new()
        .on("start", |spinner: &mut Spinner, cx: &mut Context<'_>, ours: UnixStream| {
            spinner.reader = Some(Reader::start(cx, ours, "read", 16));
            spinner.due = cx.now() + MS;
            cx.delay("rang", MS, ());
            cx.yield_("spin", ());
        })
        .on("spin", Spinner::spin)
        .on("read", Spinner::read)
        .on("rang", Spinner::rang);
    let (ours, theirs) = pair();
    let worst = Rc::default();
    let now = clock.now();
    let spinner = Spinner {
        reader: None,
        theirs,
        clock,
        written: None,
        due: now,
        seen_due: None,
        rounds: 0,
        worst: Rc::clone(&worst),
    };
    let session = kernel.spawn(&states, spinner);
    let started: Result<(), _> = kernel.call(session, "start", ours);
    started.unwrap();
    kernel.run().unwrap();
    assert_eq!(kernel.stats().timers, 50);
    assert!(worst.get() <= 65, "somebody waited {} turns", worst.get());
}

//! More posts than the loop can take at once.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use reactor::{Clock, Context, Kernel, Remote, RemoteError, SessionId, States};

use crate::parts::stay;

const POSTS: u64 = 1_000_000;
const QUEUE: u64 = 65_536;
const BUDGET: u64 = 1_024;

/// What a session sees that is flooded, and posts to itself and has a timer besides.
struct Flooded {
    clock: Clock,
    next: u64,
    /// The turn of the last event, and how many came in it.
    turn: (u64, u64),
    spun: u64,
    due: Instant,
    seen_due: Option<u64>,
    rang: u64,
}

impl Flooded {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        cx.yield_("spin", ());
        self.spun = cx.stats().turns;
        self.set(cx);
    }

    fn set(&mut self, cx: &mut Context<'_>) {
        self.due = cx.now() + Duration::from_millis(1);
        cx.delay("ring", Duration::from_millis(1), ());
    }

    fn number(&mut self, cx: &mut Context<'_>, number: u64) {
        assert_eq!(number, self.next, "in the order they were posted");
        self.next += 1;
        let turn = cx.stats().turns;
        self.turn = if self.turn.0 == turn { (turn, self.turn.1 + 1) } else { (turn, 1) };
        assert!(self.turn.1 <= BUDGET, "{} in a turn", self.turn.1);
        if self.next == POSTS {
            cx.stop();
        }
    }

    fn spin(&mut self, cx: &mut Context<'_>, (): ()) {
        let turn = cx.stats().turns;
        assert_eq!(turn, self.spun + 1, "it waited {} turns", turn - self.spun);
        self.spun = turn;
        if self.seen_due.is_none() && self.clock.now() >= self.due {
            self.seen_due = Some(turn);
        }
        cx.yield_("spin", ());
    }

    fn ring(&mut self, cx: &mut Context<'_>, (): ()) {
        let turn = cx.stats().turns;
        let late = turn - self.seen_due.take().unwrap_or(turn);
        assert!(late <= 65, "a timer waited {late} turns");
        self.rang += 1;
        self.set(cx);
    }

    fn stop(&mut self, _: &mut Context<'_>, (): ()) {
        assert_eq!(self.next, POSTS);
        assert!(self.rang > 0, "the timer never rang");
    }
}

#[test]
fn p47_a_million_posts_from_a_thread_delay_neither_timers_nor_what_a_session_posts_to_itself() {
    let states = States::new()
        .on_start(Flooded::start)
        .on("number", Flooded::number)
        .on("spin", Flooded::spin)
        .on("ring", Flooded::ring)
        .on_stop(Flooded::stop);
    let clock = Clock::system();
    let mut kernel = Kernel::builder().clock(clock.clone()).build().unwrap();
    let due = clock.now();
    let state = Flooded { clock, next: 0, turn: (0, 0), spun: 0, due, seen_due: None, rang: 0 };
    let session = kernel.spawn(&states, state);
    let remote = kernel.remote().unwrap();
    let thread = thread::spawn(move || {
        (0..POSTS).try_for_each(|number| remote.post_blocking(session, "number", number))
    });
    kernel.run().unwrap();
    assert_eq!(thread.join().unwrap(), Ok(()));
    assert!(kernel.stats().turns >= POSTS / BUDGET);
}

#[test]
fn p47_what_handlers_post_for_each_event_of_a_flood_does_not_pile_up_in_the_loop() {
    let outstanding = Rc::new(Cell::new((0_u64, 0_u64)));
    let (made, heard) = (Rc::clone(&outstanding), Rc::clone(&outstanding));
    let states = States::new()
        .on_start(|_: &mut u64, cx: &mut Context<'_>, ()| stay(cx))
        .on("number", move |count: &mut u64, cx: &mut Context<'_>, last: bool| {
            *count += 1;
            for _ in 0..3 {
                cx.yield_("more", ());
            }
            let (now, most) = made.get();
            made.set((now + 3, most.max(now + 3)));
            if last {
                cx.stop();
            }
        })
        .on("more", move |_: &mut u64, _: &mut Context<'_>, (): ()| {
            let (now, most) = heard.get();
            heard.set((now - 1, most));
        })
        .on_stop(|count: &mut u64, _: &mut Context<'_>, ()| assert_eq!(*count, 200_001));
    let mut kernel = Kernel::new().unwrap();
    let session = kernel.spawn(&states, 0);
    let remote = kernel.remote().unwrap();
    let thread = thread::spawn(move || {
        (0..=200_000).try_for_each(|n| remote.post_blocking(session, "number", n == 200_000))
    });
    kernel.run().unwrap();
    assert_eq!(thread.join().unwrap(), Ok(()));
    let (_, most) = outstanding.get();
    assert!(most <= 4 * BUDGET, "{most} events waited in the loop's own queue");
}

#[test]
fn a_full_queue_gives_the_payload_back_and_the_loop_makes_room() {
    let (mut kernel, session, count) = counting();
    let remote = kernel.remote().unwrap();
    for number in 0..QUEUE {
        remote.post(session, "number", number).unwrap();
    }
    assert_eq!(remote.post(session, "number", QUEUE), Err(RemoteError::Full(QUEUE)));
    // To wait here would be to wait for ever.
    assert_eq!(remote.post_blocking(session, "number", QUEUE), Err(RemoteError::Full(QUEUE)));
    for turn in 1..=3 {
        kernel.run_one_turn(Duration::ZERO).unwrap();
        assert!(count.get() <= turn * BUDGET, "{} in {turn} turns", count.get());
        assert!(count.get() >= turn * (BUDGET - 1), "{} in {turn} turns", count.get());
    }
    remote.post_blocking(session, "number", QUEUE).unwrap();
    while count.get() <= QUEUE {
        kernel.run_one_turn(Duration::MAX).unwrap();
    }
    kernel.stop();
}

#[test]
fn a_thread_that_posts_to_a_full_queue_waits_until_the_loop_runs() {
    let (mut kernel, session, count) = counting();
    let remote = kernel.remote().unwrap();
    for number in 0..QUEUE {
        remote.post(session, "number", number).unwrap();
    }
    let (refused, was_refused) = channel();
    let thread = thread::spawn(move || {
        assert_eq!(remote.post(session, "number", 0_u64), Err(RemoteError::Full(0)));
        refused.send(()).unwrap();
        (QUEUE..2 * QUEUE).try_for_each(|number| remote.post_blocking(session, "number", number))
    });
    was_refused.recv().unwrap();
    while count.get() < 2 * QUEUE {
        kernel.run_one_turn(Duration::MAX).unwrap();
    }
    assert_eq!(thread.join().unwrap(), Ok(()));
    kernel.stop();
}

/// A kernel with a session that counts numbers, which must come in order.
fn counting() -> (Kernel, SessionId, Rc<Cell<u64>>) {
    let count = Rc::new(Cell::new(0));
    let counted = Rc::clone(&count);
    let states = States::new().on_start(|_: &mut (), cx: &mut Context<'_>, ()| stay(cx)).on(
        "number",
        move |_: &mut (), _: &mut Context<'_>, number: u64| {
            assert_eq!(number, counted.get());
            counted.set(number + 1);
        },
    );
    let mut kernel = Kernel::new().unwrap();
    let session = kernel.spawn(&states, ());
    (kernel, session, count)
}

const SENDERS: usize = 8;
const EACH: u64 = 20_000;

#[test]
fn what_many_threads_post_arrives_in_the_order_of_each() {
    let states = States::new()
        .on_start(|_: &mut [u64; SENDERS], cx: &mut Context<'_>, ()| stay(cx))
        .on("post", |next: &mut [u64; SENDERS], cx: &mut Context<'_>, (who, n): (usize, u64)| {
            assert_eq!(n, next[who], "sender {who}");
            next[who] += 1;
            if *next == [EACH; SENDERS] {
                cx.stop();
            }
        })
        .on_stop(|next: &mut [u64; SENDERS], _: &mut Context<'_>, ()| {
            assert_eq!(*next, [EACH; SENDERS]);
        });
    let mut kernel = Kernel::new().unwrap();
    let session = kernel.spawn(&states, [0; SENDERS]);
    let remote = kernel.remote().unwrap();
    let send = move |who: usize, remote: Remote| {
        (0..EACH).try_for_each(|n| {
            // Half of them wait in vain, half of them wait.
            if who.is_multiple_of(2) {
                return remote.post_blocking(session, "post", (who, n));
            }
            loop {
                match remote.post(session, "post", (who, n)) {
                    Err(RemoteError::Full(_)) => thread::yield_now(),
                    result => return result,
                }
            }
        })
    };
    let threads: Vec<_> = (0..SENDERS)
        .map(|who| {
            let remote = remote.clone();
            thread::spawn(move || send(who, remote))
        })
        .collect();
    kernel.run().unwrap();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), Ok(()));
    }
}

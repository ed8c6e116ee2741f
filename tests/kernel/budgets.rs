//! Nobody holds the turn: not a wheel without end, not a queue without end.

use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use reactor::{Clock, Context, Handle, Kernel, States};
use testkit::story::Stage;

use crate::parts::{Made, Reader, made, pair};

/// Counts what its endless wheel sends.
#[derive(Default)]
struct Flood {
    wheel: Option<Handle<Made>>,
    came: Rc<Cell<u64>>,
    parked: Rc<Cell<u64>>,
}

fn flood() -> States<Flood> {
    States::new()
        .on_start(|flood: &mut Flood, cx: &mut Context<'_>, ()| {
            let (event, parked) = (cx.symbol("came"), Rc::clone(&flood.parked));
            flood.wheel = Some(cx.add_wheel(|io| {
                io.again();
                made(event, |_| Some(1)).on_park(move |_| parked.set(parked.get() + 1))
            }));
        })
        .on("came", |flood: &mut Flood, _: &mut Context<'_>, one: u64| {
            flood.came.set(flood.came.get() + one);
        })
}

#[test]
fn a_wheel_that_has_no_end_of_events_is_parked_and_everybody_else_is_served_each_turn() {
    let mut stage = Stage::new();
    let counts: Vec<_> = (0..2)
        .map(|_| {
            let flood_state = Flood::default();
            let counts = (Rc::clone(&flood_state.came), Rc::clone(&flood_state.parked));
            stage.kernel.spawn(&flood(), flood_state);
            counts
        })
        .collect();
    let a = stage.actor("a", |_, cx| cx.delay("end", Duration::MAX, ()));
    for turn in 1..=20 {
        stage.kernel.post(a, "posted", ()).unwrap();
        stage.turn();
        stage.assert(["a: posted"]);
        for (came, parked) in &counts {
            assert!(came.get() <= turn * 1_024, "{} events in {turn} turns", came.get());
            assert!(came.get() >= turn, "nothing in some turn");
            assert_eq!(parked.get(), turn);
        }
    }
    stage.kernel.stop();
    stage.run();
}

#[test]
fn a_wheel_may_be_dropped_by_the_handler_of_any_of_its_events() {
    for last in [1, 2, 1_023, 1_024, 1_025, 2_048] {
        let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
        let states = flood().on("came", move |flood: &mut Flood, _: &mut Context<'_>, _: u64| {
            flood.came.set(flood.came.get() + 1);
            if flood.came.get() == last {
                flood.wheel = None;
            }
        });
        let state = Flood::default();
        let came = Rc::clone(&state.came);
        kernel.spawn(&states, state);
        kernel.run().unwrap();
        assert_eq!(came.get(), last);
    }
}

/// Counts down a million posts; on the way it writes to the stream that it also reads.
struct Queue {
    reader: Option<Handle<Reader>>,
    theirs: std::os::unix::net::UnixStream,
    delivered: u64,
    written_at: u64,
    read_after: Rc<Cell<Option<u64>>>,
}

const POSTS: u64 = 1_000_000;

fn queue() -> States<Queue> {
    States::new()
        .on("start", |queue: &mut Queue, cx: &mut Context<'_>, ours| {
            queue.reader = Some(Reader::start(cx, ours, "read", 16));
            for number in 0..POSTS {
                cx.yield_("posted", number);
            }
        })
        .on("posted", |queue: &mut Queue, _: &mut Context<'_>, number: u64| {
            assert_eq!(number, queue.delivered, "in the order they were posted");
            queue.delivered += 1;
            if queue.delivered == 10_000 {
                queue.theirs.write_all(b"!").expect("room");
                queue.written_at = queue.delivered;
            }
        })
        .on("read", |queue: &mut Queue, _: &mut Context<'_>, bytes: Vec<u8>| {
            assert_eq!(bytes, b"!");
            queue.read_after.set(Some(queue.delivered - queue.written_at));
            queue.reader = None;
        })
        .on_stop(|queue: &mut Queue, _: &mut Context<'_>, ()| {
            assert_eq!(queue.delivered, POSTS);
        })
}

fn start_queue(kernel: &mut Kernel) -> Rc<Cell<Option<u64>>> {
    let (ours, theirs) = pair();
    let read_after = Rc::default();
    let queue_state = Queue {
        reader: None,
        theirs,
        delivered: 0,
        written_at: 0,
        read_after: Rc::clone(&read_after),
    };
    let session = kernel.spawn(&queue(), queue_state);
    let started: Result<(), _> = kernel.call(session, "start", ours);
    started.unwrap();
    read_after
}

#[test]
fn p47_a_million_posts_do_not_keep_a_ready_descriptor_waiting() {
    // Asked each turn, the poller is never further away than a turn's share of the queue.
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    let read_after = start_queue(&mut kernel);
    while read_after.get().is_none() {
        kernel.run_one_turn(Duration::ZERO).unwrap();
    }
    assert!(read_after.get().unwrap() <= 2 * 1_024, "read after {read_after:?} posts");
    kernel.run().unwrap();
}

#[test]
fn p47_a_million_posts_do_not_keep_a_ready_descriptor_waiting_while_polls_are_saved() {
    // At most 64 turns go without a poll; on a running clock they are fewer.
    for clock in [Clock::virtual_time(), Clock::system()] {
        let mut kernel = Kernel::builder().clock(clock).build().unwrap();
        let read_after = start_queue(&mut kernel);
        kernel.run().unwrap();
        assert!(read_after.get().unwrap() <= 65 * 1_024, "read after {read_after:?} posts");
    }
}

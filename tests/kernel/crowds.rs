//! More descriptors are ready than the poller asks for at a time.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use reactor::{Clock, Context, Kernel, States};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::parts::{Reader, pair};

/// Twice as many descriptors are needed, and as many may be open at least on any system.
const READY: usize = 1_900;

/// Lets the process have as many descriptors as the system allows.
fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        .expect("up to the hard");
    let enough = limit.maximum.is_none_or(|maximum| maximum >= 4_096);
    assert!(enough, "this test needs 4,096 descriptors; the hard limit is {limit:?}");
}

#[test]
fn p32_all_that_are_ready_are_served_in_two_turns_and_none_twice_before_all_once() {
    raise_limit();
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    let served: Rc<RefCell<Vec<(usize, u64)>>> = Rc::default();
    let log = Rc::clone(&served);
    let states = States::new()
        .on("came", move |_: &mut Vec<_>, cx: &mut Context<'_>, bytes: Vec<u8>| {
            let who = usize::from(u16::from_le_bytes(bytes.try_into().expect("two bytes")));
            log.borrow_mut().push((who, cx.stats().turns));
        })
        .on("start", |held: &mut Vec<_>, cx: &mut Context<'_>, (ours, theirs)| {
            held.push((Reader::start(cx, ours, "came", 2), theirs));
        })
        .on(
            "write",
            |held: &mut Vec<(_, std::os::unix::net::UnixStream)>, _: &mut Context<'_>, ()| {
                for (who, (_, theirs)) in (0_u16..).zip(held) {
                    theirs.write_all(&who.to_le_bytes()).expect("room");
                }
            },
        );
    let session = kernel.spawn(&states, Vec::new());
    for _ in 0..READY {
        let started: Result<(), _> = kernel.call(session, "start", pair());
        started.unwrap();
    }
    for turns in [2, 1, 1] {
        let written: Result<(), _> = kernel.call(session, "write", ());
        written.unwrap();
        let before = kernel.stats().turns;
        for _ in 0..2 {
            kernel.run_one_turn(Duration::ZERO).unwrap();
        }
        let mut all = served.take();
        // The first time the poller finds that it asked for too few; from then on it asks for enough.
        assert!(all.iter().all(|(_, turn)| *turn <= before + turns));
        all.sort_unstable();
        let who: Vec<usize> = all.iter().map(|(who, _)| *who).collect();
        assert_eq!(who, (0..READY).collect::<Vec<_>>());
    }
    kernel.stop();
    kernel.run().unwrap();
}

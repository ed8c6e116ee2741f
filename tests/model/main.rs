//! The kernel against a naive model of it: random histories of everything that sessions can ask, lived once by
//! a reference that is lists and loops (`reference/`), written from what is promised, and once by the kernel
//! (`real/`). What each handler hears, from whom and at what time, what each call answers, why each session is
//! alive, and what comes out of `run` must be the same, line by line. Chance (`script.rs`, `choice.rs`) is
//! drawn by both in the same order, so the first line that differs is where they parted. A new thing to ask
//! is a case of `Op`, a line in `choice.rs`, and a line for each of the two.
//!
//! `SEED=` lives one history alone.
//!
//! To see whether it can be trusted, these bugs were planted, one at a time, and each was found
//! within thirty histories of 400 operations:
//!
//! - order: a timer rings before a post of the same time that came first; a post is delivered in the step in
//!   which it was made; a late notice comes after the next event; an adjusted timer stays before its equals;
//!   a postback comes after a delay that was set later; signals go to the shallowest first; `stop` begins
//!   with the eldest; the first to become unreachable is the first to go;
//! - ledgers: the entry of a post whose sender was stopped is not crossed out; a weakened postback still
//!   holds; an alias outlives its session; `IDLE` is sent though a postback exists; `ZOMBIE` is not sent;
//! - timers: one that is removed while it is due rings; a delay replaces only the last of several of its name;
//!   the clock is not read after a turn of four events;
//! - families: who detaches itself is lost to its grandparent; orphans go to the kernel; one that fails in its
//!   `_start` is not announced;
//! - failures: `DIE` does not ask the parent; who fails while a death is told lives on; only the last watcher
//!   can call a signal handled; the last failure comes out of `run`, not the first;
//! - wheels: one that asks twice is heard twice; one whose event fails is forgotten.
//!
//! What it does not do: descriptors, signals of the system, child processes, other threads, machines, the wall
//! clock, strict mode, and what panics when it is dropped.

mod choice;
mod history;
mod op;
mod real;
mod reference;
mod script;
mod view;

use std::sync::mpsc;
use std::time::Duration;

use reactor::OnException;
use testkit::random::Random;

use script::Manner;

/// Lives many histories, each of its own seed, and compares. `SEED=` lives that one alone.
fn many(first: u64, histories: u64, manner: Manner) {
    let (said, hear) = mpsc::channel();
    let seeds = Random::seed().map_or_else(|| first..first + histories, |seed| seed..seed + 1);
    println!("seeds {seeds:?}, {manner:?}");
    let all = std::thread::spawn(move || {
        let mut done = 0;
        for seed in seeds {
            said.send(seed).expect("somebody listens");
            match history::compare(seed, manner) {
                Ok(operations) => done += u64::from(operations),
                Err(text) => panic!("{text}"),
            }
        }
        done
    });
    let mut last = 0;
    loop {
        match hear.recv_timeout(Duration::from_secs(60)) {
            Ok(seed) => last = seed,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("SEED={last} does not end"),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    match all.join() {
        Ok(done) => println!("{done} operations"),
        Err(panic) => {
            println!("SEED={last} failed");
            std::panic::resume_unwind(panic)
        }
    }
}

#[test]
fn short_histories_in_which_the_first_failure_ends_all() {
    let on_exception = OnException::Stop;
    many(1_000_000, 1300, Manner { on_exception, operations: 400, failing: 60, ending: 8 });
}

#[test]
fn short_histories_in_which_who_fails_is_stopped_alone() {
    let on_exception = OnException::Isolate;
    many(2_000_000, 1300, Manner { on_exception, operations: 400, failing: 20, ending: 20 });
}

#[test]
fn long_histories() {
    let on_exception = OnException::Isolate;
    many(3_000_000, 5, Manner { on_exception, operations: 20_000, failing: 40, ending: 1000 });
}

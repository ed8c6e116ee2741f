//! The kernel against a naive model of it.

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

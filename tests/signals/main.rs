//! Signals of the system, which belong to the process: one thread, one test after another.

mod children;
mod handled;
mod piped;
mod process;
mod races;
mod restored;
mod scenarios;
mod servers;
mod watching;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// A test and its name.
type Test = (&'static str, fn());

fn main() {
    if process::is_child() {
        return process::child();
    }
    if restored::is_child() {
        return restored::child();
    }
    // What `cargo test` passes on: a part of a name, and options, which do not matter here.
    let chosen = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let tests = [
        // First: it is about a program whose kernels have not watched anything yet.
        scenarios::TESTS,
        watching::TESTS,
        handled::TESTS,
        races::TESTS,
        piped::TESTS,
        process::TESTS,
        children::TESTS,
        restored::TESTS,
        servers::TESTS,
    ]
    .concat();
    let is_chosen = |name: &str| chosen.as_ref().is_none_or(|part| name.contains(&**part));
    let (run, left): (Vec<_>, Vec<_>) = tests.into_iter().partition(|(name, _)| is_chosen(name));
    println!("\nrunning {} tests", run.len());
    let mut failed = Vec::new();
    for (name, test) in &run {
        let result = catch_unwind(AssertUnwindSafe(test));
        println!("test {name} ... {}", if result.is_ok() { "ok" } else { "FAILED" });
        if result.is_err() {
            failed.push(name);
        }
    }
    let verdict = if failed.is_empty() { "ok" } else { "FAILED" };
    let (passed, failures) = (run.len() - failed.len(), failed.len());
    println!(
        "\ntest result: {verdict}. {passed} passed; {failures} failed; 0 ignored; 0 measured; {} \
         filtered out\n",
        left.len()
    );
    if !failed.is_empty() {
        std::process::exit(101);
    }
}

/// Raises a signal in this process.
fn raise(signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::getpid(), signal).expect("a signal to oneself");
}

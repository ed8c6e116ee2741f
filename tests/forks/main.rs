//! Forked processes: one thread, one test after another, because a process of several threads cannot
//! fork, and a child is to run nothing but its part of one test.

mod further;
mod handover;
mod passing;
mod paths;
mod refused;
mod scenarios;
mod sockets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use reactor::{Context, Forked};

/// A test and its name.
type Test = (&'static str, fn());

fn main() -> ExitCode {
    let chosen = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let is_chosen = |name: &str| chosen.as_ref().is_none_or(|part| name.contains(&**part));
    let tests = [
        handover::TESTS,
        further::TESTS,
        refused::TESTS,
        sockets::TESTS,
        scenarios::TESTS,
        paths::TESTS,
        passing::TESTS,
    ]
    .concat();
    let (run, left): (Vec<_>, Vec<_>) = tests.into_iter().partition(|(name, _)| is_chosen(name));
    println!("\nrunning {} tests", run.len());
    let us = std::process::id();
    let mut failures = 0;
    for (name, test) in &run {
        let result = catch_unwind(AssertUnwindSafe(test));
        if std::process::id() != us {
            // The child's part of it is over; the parent hears how it went.
            return if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) };
        }
        println!("test {name} ... {}", if result.is_ok() { "ok" } else { "FAILED" });
        failures += usize::from(result.is_err());
    }
    let verdict = if failures == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {} passed; {failures} failed; 0 ignored; 0 measured; {} filtered \
         out\n",
        run.len() - failures,
        left.len()
    );
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

const FAILED: u8 = 101;

/// Forks; the child's number in the parent, `None` in the child.
fn fork(cx: &mut Context<'_>) -> Option<u32> {
    match cx.fork().expect("one thread, and room for a process") {
        Forked::Parent { child } => Some(child),
        Forked::Child => None,
    }
}

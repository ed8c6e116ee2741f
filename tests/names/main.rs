//! Names, resolved by databases and a server that are the test's own.
//!
//! Each test is a process of its own in namespaces of its own (`private.rs`): its `/etc` is what the test
//! wrote, its network is a loopback that nobody else is on, and the only name server is the test's
//! (`server.rs`). Where the system does not allow that, each test says so and is skipped. Arguments are
//! parts of names, as with the usual harness: with some given, the tests run that have one of them.

mod databases;
mod hosts;
mod private;
mod server;
mod shared;
mod stuck;

use std::panic;
use std::process::{Command, ExitCode};

macro_rules! tests {
    ($($module:ident: $($test:ident),+;)+) => {
        &[$($((concat!(stringify!($module), "::", stringify!($test)), $module::$test)),+),+]
    };
}

const TESTS: &[(&str, fn())] = tests! {
    databases:
        services_and_protocols_are_those_of_the_machine,
        a_port_of_a_service_goes_with_every_address_of_a_host,
        without_databases_hosts_are_found_and_nothing_else_but_the_usual_protocols;
    hosts:
        a_name_of_both_families_is_connected_to_where_somebody_listens,
        an_address_that_is_there_twice_is_tried_once,
        a_name_that_nobody_has_is_told_in_the_systems_words,
        a_name_without_an_address_of_the_family_that_was_asked_for_is_a_failure,
        a_server_that_cannot_be_reached_is_a_failure_that_may_pass;
    shared:
        a_hundred_wheels_ask_once_and_all_are_answered,
        an_answer_is_not_kept_for_who_asks_later,
        who_tries_again_as_soon_as_it_has_failed_asks_anew,
        one_that_gives_up_leaves_the_lookup_to_the_others;
    stuck:
        p52_timers_tick_while_a_server_is_silent,
        p52_a_silent_server_is_given_up_at_the_time_that_was_set,
        p52_a_lookup_that_was_dropped_before_it_began_never_begins;
};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name] = &args[..]
        && flag == INSIDE
    {
        return inside(name);
    }
    let parts: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let is_wanted = |name: &str| parts.is_empty() || parts.iter().any(|part| name.contains(*part));
    let (wanted, others): (Vec<_>, Vec<_>) = TESTS.iter().partition(|(name, _)| is_wanted(name));

    println!("\nrunning {} tests", wanted.len());
    let (mut failed, mut skipped) = (Vec::new(), 0);
    for (name, _) in &wanted {
        let status = Command::new(std::env::current_exe().expect("our own name"))
            .args([INSIDE, name])
            .status()
            .expect("we can run ourselves");
        let word = match status.code() {
            Some(0) => "ok",
            Some(SKIPPED) => {
                skipped += 1;
                "ignored, it may have no namespaces of its own"
            }
            Some(_) | None => {
                failed.push(name);
                "FAILED"
            }
        };
        println!("test {name} ... {word}");
    }
    failed.iter().for_each(|name| println!("failed: {name}"));
    println!(
        "\ntest result: {}. {} passed; {} failed; {skipped} ignored; 0 measured; {} filtered out\n",
        if failed.is_empty() { "ok" } else { "FAILED" },
        wanted.len() - failed.len() - skipped,
        failed.len(),
        others.len(),
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one test in this process.
fn inside(name: &str) -> ExitCode {
    let (_, test) = TESTS.iter().find(|(test, _)| *test == name).expect("a test of ours");
    // Before there is a second thread: the namespaces are the calling thread's.
    if let Err(error) = private::enter() {
        println!("{name}: no namespaces: {error}");
        return ExitCode::from(SKIPPED as u8);
    }
    match panic::catch_unwind(test) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

const INSIDE: &str = "--inside";

/// What automake and others say of a test that cannot be run.
const SKIPPED: i32 = 77;

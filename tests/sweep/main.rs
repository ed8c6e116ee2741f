//! Whatever call of the system fails, a scenario comes to its end, and the failure is told once.
//!
//! Each scenario is run as it is, and what it does of the system is recorded: these calls, so many of each.
//! Then it is run again for each of them and for each error that the call's manual page has: that one call
//! fails. Nothing may panic, hang or leak; and either everybody sees what they see otherwise, or exactly one
//! failure tells what is wrong. See `docs/src/faults.md`.
//!
//! ```sh
//! cargo test -p tests --test sweep                        # all, in two processes
//! cargo test -p tests --test sweep -- echo_lines          # of one scenario all
//! cargo test -p tests --test sweep -- echo_lines 3 Recv 104   # one run, as a complaint names it
//! ```

mod actor;
mod cell;
mod plausible;
mod run;
mod scenes;
mod stage;
mod verdict;

use std::process::{Command, ExitCode};

use cell::Cell;
use log::LevelFilter;
use run::Tally;
use scenes::SCENES;
use testkit::logs;

/// How many processes share the work, as descriptors are counted by process.
const PARTS: usize = 2;

/// How many runs of a part are all of them, at least: fewer would mean that calls go by another door.
const FEWEST: usize = 5000;

/// What a part is told by that it is one.
const PART: &str = "--part=";

fn main() -> ExitCode {
    // What is told below warnings is not looked at, and takes its time.
    logs::capture(|| ());
    log::set_max_level(LevelFilter::Warn);
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let part = arguments.iter().find_map(|argument| argument.strip_prefix(PART));
    let words: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|word| !word.starts_with("--")).collect();
    match (&words[..], part) {
        ([scene, nth, call, rest @ ..], _) if !rest.is_empty() => {
            one(scene, &format!("{nth} {call} {}", rest.join(" ")))
        }
        (_, Some(part)) => run_part(&words, part.parse().expect("the number of a part")),
        (_, None) => run_all(&words),
    }
}

/// Starts the parts and adds up what they say.
fn run_all(words: &[&str]) -> ExitCode {
    let program = std::env::current_exe().expect("the name of this program");
    let parts: Vec<_> = (0..PARTS)
        .map(|part| {
            let part = format!("{PART}{part}");
            Command::new(&program).args(words).arg(part).spawn().expect("a process")
        })
        .collect();
    let mut is_well = true;
    for mut part in parts {
        is_well &= part.wait().expect("a child of ours").success();
    }
    println!("\ntest result: {}", if is_well { "ok" } else { "FAILED" });
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run_part(words: &[&str], part: usize) -> ExitCode {
    let is_wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    let mut tally = Tally::new(part, PARTS);
    for scene in SCENES.iter().filter(|(name, _)| is_wanted(name)) {
        run::sweep(*scene, &mut tally);
    }
    println!("part {part}: {tally}");
    let fewest = if words.is_empty() { FEWEST } else { 1 };
    if tally.is_well(fewest) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One run, and all that is seen in it.
fn one(name: &str, cell: &str) -> ExitCode {
    let scene = SCENES.iter().find(|(its, _)| *its == name).expect("a scenario's name");
    let cell: Cell = cell.parse().expect("K CALL ERRNO");
    match run::once(*scene, cell) {
        None => {
            println!("{name} {cell}: ok");
            ExitCode::SUCCESS
        }
        Some(complaint) => {
            println!("{name} {cell}: {complaint}");
            ExitCode::FAILURE
        }
    }
}

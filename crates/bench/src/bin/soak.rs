//! Servers under load for a long time, and what is left of it: see `bench::soak`.
//!
//! `soak [--short] [--seconds N] [--rate N] [--seed N] [PART ...]`. Without a part all of them, one after
//! another:
//!
//! - `churn`: connections that come and go, 500 a second for 600 seconds, to three servers at once. Then each
//!   server must hold what it held before.
//! - `idle`: as many silent connections as descriptors allow, beside 500 that talk.
//! - `flood`: 100 that talk, beside one that sends without end.
//! - `wake-ups`: 10,000 silent connections, for which nobody may wake.
//!
//! Prints tables. Ends with status 1 and a sentence if something does not hold. With `--short` it takes a
//! minute or two, for a gate: fewer connections, and nothing that is timed is judged.
//!
//! `soak ADDR:PORT MAKE PATIENCE` is a server that it starts.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use bench::machine::{Cores, raise_descriptor_limit};
use bench::soak::round::{HEADER, Soak};
use bench::soak::{SUBJECTS, Subject, asked_for, flood, idle, server};

const USAGE: &str = "usage: soak [--short] [--seconds N] [--rate N] [--seed N] \
                     [churn] [idle] [flood] [wake-ups]";

const PARTS: [&str; 4] = ["churn", "idle", "flood", "wake-ups"];

/// What was asked for.
#[derive(Debug, Clone)]
struct Options {
    is_short: bool,
    seconds: Option<u64>,
    rate: u64,
    seed: u64,
    parts: Vec<String>,
}

impl Options {
    fn parse(arguments: &[String]) -> Option<Self> {
        let mut options =
            Self { is_short: false, seconds: None, rate: 500, seed: 20_261, parts: Vec::new() };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut number = || arguments.next()?.parse().ok().filter(|number| *number > 0);
            match argument.as_str() {
                "--short" => options.is_short = true,
                "--seconds" => options.seconds = Some(number()?),
                "--rate" => options.rate = number()?,
                "--seed" => options.seed = number()?,
                part if PARTS.contains(&part) => options.parts.push(part.to_owned()),
                _ => return None,
            }
        }
        Some(options)
    }

    fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }

    /// Rounds of a minute, after half a minute that warms up.
    fn soak(&self) -> Soak {
        let rate = u32::try_from(self.rate).unwrap_or(u32::MAX);
        let long = Soak {
            rate,
            // All of them have their descriptors here.
            most: (idle::most() / (SUBJECTS.len() + 1)).min(4000),
            warm_up: Duration::from_secs(30),
            round: Duration::from_secs(60),
            rounds: 10,
            seed: self.seed,
            allowance: 0,
        };
        let seconds = self.seconds.unwrap_or(if self.is_short { 6 } else { 600 });
        if self.is_short {
            let round = Duration::from_secs(seconds);
            return Soak { warm_up: round / 2, round, rounds: 1, allowance: ALLOWANCE, ..long };
        }
        let rounds = u32::try_from(seconds.div_ceil(60)).unwrap_or(u32::MAX);
        Soak { round: Duration::from_secs(seconds) / rounds, rounds, ..long }
    }
}

/// What the memory of a server may grow by in the short form, which has one reading: the 128 KiB that the C
/// library may keep at the top of its heap, and some pages. A list that forgot to forget 64 bytes for each of the
/// 3,000 connections would be above this.
const ALLOWANCE: u64 = 160 * 1024;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((address, flags)) = arguments.split_first()
        && let (Ok(address), Some((make, patience))) = (address.parse(), asked_for(flags))
    {
        raise_descriptor_limit();
        return end(server::serve(make, address, patience));
    }
    match Options::parse(&arguments) {
        Some(options) => end(run(&options)),
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn end(done: io::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    let cores = Cores::detect();
    raise_descriptor_limit();
    let (began, is_short) = (Instant::now(), options.is_short);
    let timed = |rounds, each| {
        if is_short { (1, Duration::from_secs(1)) } else { (rounds, Duration::from_secs(each)) }
    };
    if options.wants("churn") {
        churn(&options.soak(), cores)?;
    }
    if options.wants("idle") {
        let count = if is_short { idle::most().min(2000) } else { idle::most() };
        for subject in &SUBJECTS {
            idle::beside(subject, cores, count, timed(3, 5))?;
        }
    }
    if options.wants("flood") {
        for subject in &SUBJECTS[..2] {
            flood::run(subject, cores, timed(5, 3), !is_short)?;
        }
    }
    if options.wants("wake-ups") {
        println!();
        let (count, wait) = if is_short { (1000, 1) } else { (10_000, 10) };
        for subject in &SUBJECTS {
            let count = idle::most().min(count);
            idle::wake_ups(subject, cores, count, Duration::from_secs(wait))?;
        }
    }
    println!("\n{:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// All servers at once, a thread with clients for each.
fn churn(soak: &Soak, cores: Cores) -> io::Result<()> {
    println!("churn: {} connections a second to each, seed {}\n{HEADER}", soak.rate, soak.seed);
    let run = |subject: &Subject| {
        // At once: the others may have minutes to go.
        let done = soak.run(subject, cores).inspect_err(|error| eprintln!("{error}"));
        done.is_ok()
    };
    let all_right = thread::scope(|scope| {
        let threads: Vec<_> = SUBJECTS.iter().map(|subject| scope.spawn(|| run(subject))).collect();
        threads.into_iter().all(|thread| thread.join().unwrap_or(false))
    });
    if all_right { Ok(()) } else { Err(io::Error::other("not everything is as it was")) }
}

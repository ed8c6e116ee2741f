//! Runs scenarios by as many seeds as are wanted.

use std::any::Any;
use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::panic;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::stdio::{dup2_stderr, dup2_stdout};

use crate::stage::Outcome;

/// Its name, and what is to be done by a seed.
pub(crate) type Scenario = (&'static str, fn(u64) -> Outcome);

/// How many of each, if nobody says otherwise.
const FEW: u64 = 20;

/// One run in so many is done twice, to see that it is the same.
const TWICE: u64 = 10;

struct Wanted {
    first: u64,
    /// How many of each, if not as many as there is time for.
    seeds: Option<u64>,
    time: Option<Duration>,
    scenario: Option<String>,
}

#[derive(Default)]
struct Totals {
    runs: u64,
    time: Duration,
    most_turns: u64,
    failed: u64,
}

/// Stops after some failures: the others are as a rule the same.
const ENOUGH: u64 = 5;

pub(crate) fn run(scenarios: &[Scenario], large: &[Scenario]) -> ExitCode {
    let Ok(mut report) = silence() else { return ExitCode::FAILURE };
    let wanted = Wanted::of_environment();
    let scenarios: Vec<Scenario> = match &wanted.scenario {
        Some(wanted) => {
            let all = scenarios.iter().chain(large);
            all.filter(|(name, _)| name == wanted).copied().collect()
        }
        None => scenarios.to_vec(),
    };
    if scenarios.is_empty() {
        writeln!(report, "there is no such scenario").ok();
        return ExitCode::FAILURE;
    }
    let began = now();
    let mut totals: Vec<Totals> = scenarios.iter().map(|_| Totals::default()).collect();
    let (mut seed, mut done) = (wanted.first, false);
    while !done {
        for ((name, scenario), totals) in scenarios.iter().zip(&mut totals) {
            if let Err(problem) = attempt(*scenario, seed, totals) {
                totals.failed += 1;
                let again =
                    format!("SEED={seed} SCENARIO={name} cargo test -p examples --test simulation");
                writeln!(report, "{name}, seed {seed}: {problem}\n  again: {again}").ok();
            }
        }
        seed += 1;
        let failed: u64 = totals.iter().map(|totals| totals.failed).sum();
        done = failed >= ENOUGH
            || wanted.seeds.is_some_and(|seeds| seed - wanted.first >= seeds)
            || wanted.time.is_some_and(|time| began.elapsed() >= time);
    }
    tell(&mut report, &scenarios, &totals, began.elapsed());
    let failed = totals.iter().any(|totals| totals.failed > 0);
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn attempt(scenario: fn(u64) -> Outcome, seed: u64, totals: &mut Totals) -> Result<(), String> {
    let run = || panic::catch_unwind(|| scenario(seed)).map_err(|panic| words(&*panic));
    let outcome = run()?;
    totals.runs += 1;
    totals.time += outcome.time;
    totals.most_turns = totals.most_turns.max(outcome.turns);
    if seed.is_multiple_of(TWICE) {
        let again = run()?;
        let both = |outcome: &Outcome| (outcome.digest, outcome.transcript, outcome.turns);
        if both(&outcome) != both(&again) {
            return Err(format!(
                "the second time another: {:?}, {:?}",
                both(&outcome),
                both(&again)
            ));
        }
    }
    Ok(())
}

fn tell(report: &mut File, scenarios: &[Scenario], totals: &[Totals], took: Duration) {
    for ((name, _), totals) in scenarios.iter().zip(totals) {
        let Totals { runs, time, most_turns, failed } = totals;
        let time = time.as_secs();
        writeln!(
            report,
            "{name}: {runs} seeds, {failed} failed; {time} s of virtual time, at most {most_turns} turns"
        )
        .ok();
    }
    let runs: u64 = totals.iter().map(|totals| totals.runs).sum();
    let time: Duration = totals.iter().map(|totals| totals.time).sum();
    let rate = time.as_secs_f64() / took.as_secs_f64();
    writeln!(
        report,
        "{runs} runs in {:.1} s: {rate:.0} virtual seconds per second",
        took.as_secs_f64()
    )
    .ok();
}

/// What examples say, thousands of times, is not for us: what is, goes to the file that is returned.
fn silence() -> io::Result<File> {
    let report = File::from(rustix::io::dup(io::stderr())?);
    let nowhere = File::options().write(true).open("/dev/null")?;
    dup2_stdout(&nowhere)?;
    dup2_stderr(&nowhere)?;
    let panics = report.try_clone()?;
    let log = env_logger::Target::Pipe(Box::new(report.try_clone()?));
    env_logger::Builder::from_default_env().format_timestamp(None).target(log).init();
    panic::set_hook(Box::new(move |panic| {
        writeln!(&panics, "{panic}").ok();
    }));
    Ok(report)
}

fn words(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().cloned();
    words.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "how long the runs take is real time")]
fn now() -> Instant {
    Instant::now()
}

impl Wanted {
    fn of_environment() -> Self {
        let number = |name: &str| {
            let text = env::var(name).ok()?;
            Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
        };
        let one = number("SEED");
        let time = number("SECONDS").map(Duration::from_secs);
        let seeds = number("SEEDS").or_else(|| time.is_none().then_some(FEW));
        Self {
            first: one.or_else(|| number("FIRST")).unwrap_or(0),
            seeds: if one.is_some() { Some(1) } else { seeds },
            time,
            scenario: env::var("SCENARIO").ok(),
        }
    }
}

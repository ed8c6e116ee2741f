//! A crowd that says nothing: what it costs those who do, what memory it takes, and whether anybody wakes for it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use super::Subject;
use super::pings::{self, Alone, Pings, Times};
use super::report::{Report, voluntary_switches};
use super::server::Patience;
use crate::burst_load::{BurstLoad, Farewell};
use crate::machine::{Cores, raise_descriptor_limit};
use crate::process::ServerProcess;

/// Clients that do say something.
const ACTIVE: usize = 500;

const PERIOD: Duration = Duration::from_millis(100);

/// Connections opened together.
const BATCH: usize = 100;

/// Descriptors that are no connections, or connections that come and go.
const SPARE: usize = 200;

/// How many connections that say nothing there can be at most, by this process's limit of descriptors.
#[must_use]
pub fn most() -> usize {
    let limit = usize::try_from(raise_descriptor_limit()).unwrap_or(usize::MAX);
    limit.saturating_sub(ACTIVE + SPARE)
}

/// Measures active clients alone and beside so many idle ones, and prints a table. `times` is how often, and
/// `each` how long.
///
/// # Errors
///
/// When an answer is not what was sent, or an idle connection has not lived to the end.
pub fn beside(
    subject: &Subject,
    cores: Cores,
    idle: usize,
    (times, each): (usize, Duration),
) -> io::Result<()> {
    let server = subject.start(Patience::Usual, cores)?;
    let mut pings = Pings::connect(server.address(), ACTIVE, PERIOD)?;
    pings.run(each / 4, &mut Alone)?;
    println!(
        "\n{}: {ACTIVE} active clients, {} a second\n{}",
        subject.name(),
        rate(),
        pings::HEADER
    );
    let mut measure = |what: &str| -> io::Result<Vec<Times>> {
        let mut rounds = Vec::new();
        for _ in 0..times {
            let round = pings.run(each, &mut Alone)?;
            println!("{}", round.row(what));
            rounds.push(round);
        }
        Ok(rounds)
    };
    let mut alone = measure("alone")?;
    let before = server.settled_memory()?;
    let mut crowd = crowd(&server, idle)?;
    let bytes = (server.settled_memory()? as f64 - before as f64) / idle as f64;
    let beside = measure(&format!("beside {idle} idle ones"))?;
    all_alive(&mut crowd)?;
    drop(crowd);
    server.settled_cpu()?;
    alone.extend(measure("alone again")?);
    println!("an idle connection takes {bytes:.0} bytes; all {idle} were alive at the end");
    let (alone, beside) = (p99s(&alone), p99s(&beside));
    let is_noise = beside[beside.len() / 2] <= alone[alone.len() - 1];
    println!(
        "p99: {:?} to {:?} alone, {:?} to {:?} beside them, which is {} the noise",
        alone[0],
        alone[alone.len() - 1],
        beside[0],
        beside[beside.len() - 1],
        if is_noise { "within" } else { "above" }
    );
    Ok(())
}

/// The 99th percentiles of rounds, the least first.
fn p99s(rounds: &[Times]) -> Vec<Duration> {
    let mut p99s: Vec<Duration> = rounds.iter().map(Times::p99).collect();
    p99s.sort();
    p99s
}

fn rate() -> u128 {
    ACTIVE as u128 * 1000 / PERIOD.as_millis()
}

/// Opens so many connections. Each has said one line, which was answered.
pub(super) fn crowd(server: &ServerProcess, count: usize) -> io::Result<Vec<TcpStream>> {
    let mut load = BurstLoad::new(server.address(), Farewell::Reset);
    let mut crowd = Vec::with_capacity(count);
    while crowd.len() < count {
        crowd.extend(load.open(BATCH.min(count - crowd.len()))?);
    }
    Ok(crowd)
}

/// Has each of them say one more line.
fn all_alive(crowd: &mut [TcpStream]) -> io::Result<()> {
    let line = b"still here\n";
    for batch in crowd.chunks_mut(BATCH) {
        for stream in &mut *batch {
            stream.write_all(line)?;
        }
        for stream in batch {
            let mut answer = [0; 11];
            stream.read_exact(&mut answer)?;
            if answer != *line {
                return Err(io::Error::other("an idle connection got another's answer"));
            }
        }
    }
    Ok(())
}

/// Counts how often a server wakes while so many connections say nothing for so long; without limits of time
/// there is no reason to.
///
/// # Errors
///
/// When it wakes, and when a connection has not lived to the end.
pub fn wake_ups(subject: &Subject, cores: Cores, idle: usize, wait: Duration) -> io::Result<()> {
    let mut server = subject.start(Patience::Endless, cores)?;
    let mut crowd = crowd(&server, idle)?;
    server.settled_cpu()?;
    // What a question alone costs, which has the server wake.
    let (first, second) = (Report::of(&mut server)?, Report::of(&mut server)?);
    server.settled_cpu()?;
    let before = voluntary_switches(server.pid())?;
    thread::sleep(wait);
    let switches = voluntary_switches(server.pid())? - before;
    let third = Report::of(&mut server)?;
    let of = |count: fn(&Report) -> u64| {
        (count(&third) - count(&second)).saturating_sub(count(&second) - count(&first))
    };
    let (polls, turns) = (of(|report| report.polls), of(|report| report.turns));
    println!(
        "{:<21} {idle} idle connections for {} s: {switches} voluntary switches of context, \
         {polls} waits that returned, {turns} turns",
        subject.name(),
        wait.as_secs(),
    );
    all_alive(&mut crowd)?;
    if (switches, polls, turns) != (0, 0, 0) {
        return Err(io::Error::other(format!("{}: it woke without a reason", subject.name())));
    }
    Ok(())
}

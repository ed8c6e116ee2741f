//! One server through its rounds of churn: after each, everything must be as it was.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::Subject;
use super::churn::{AT_MOST, Churn, Tally};
use super::idle::crowd;
use super::report::{Holdings, SNAPSHOT};
use super::server::Patience;
use crate::machine::Cores;
use crate::process::ServerProcess;

/// Readings of which the least counts.
const LAST: usize = 3;

/// How long a soak is, and what it is to show.
#[derive(Debug, Clone, Copy)]
pub struct Soak {
    /// Connections a second.
    pub rate: u32,
    /// How many there are at most at a time.
    pub most: usize,
    /// How long they come before the memory is read that the later readings are compared with.
    pub warm_up: Duration,
    /// How long they come in each round.
    pub round: Duration,
    /// How many rounds there are.
    pub rounds: u32,
    /// What chance begins with.
    pub seed: u64,
    /// Bytes that the server's memory may grow by even if that is more than a hundredth of it.
    pub allowance: u64,
}

impl Soak {
    /// Runs it with one server, and prints a line of the table for each round.
    ///
    /// # Errors
    ///
    /// When something does not hold, which the error says in a sentence; and when the server or a connection
    /// fails otherwise.
    pub fn run(&self, subject: &Subject, cores: Cores) -> io::Result<()> {
        let mut server = subject.start(Patience::Hasty, cores)?;
        let mut churn = Churn::new(server.address(), self.most, self.seed)?;
        let untouched = Holdings::of(&mut server)?;
        let named = |what: String| io::Error::other(format!("{}: {what}", subject.name()));

        self.warm_up(&server, &mut churn)?;
        wait_until_as(&untouched, &mut server, &mut churn).map_err(&named)?;
        let warm = server.settled_memory()?;
        println!("{}", row(subject, "warm-up", churn.tally(), &untouched, (warm, warm)));

        let (mut took, mut readings) = (Duration::ZERO, Vec::new());
        for round in 1..=self.rounds {
            took += self.churn(&mut churn, self.round)?;
            churn.settle()?;
            wait_until_as(&untouched, &mut server, &mut churn).map_err(&named)?;
            let now = Holdings::of(&mut server)?;
            let memory = server.settled_memory()?;
            readings.push(memory);
            let place = format!("{round} of {}", self.rounds);
            println!("{}", row(subject, &place, churn.tally(), &now, (warm, memory)));
            all_right(churn.tally()).map_err(&named)?;
        }
        let rounds = self.round * self.rounds;
        let came = rounds.as_secs_f64() * f64::from(self.rate) / took.as_secs_f64();
        println!("{:<21} {came:.0} connections a second came", subject.name());
        self.judge(warm, &readings).map_err(&named)
    }

    /// Has tables and heap grow as large as they ever have to be: to the most connections at a time that there
    /// can be, which chance and a machine that is busy otherwise may bring about later on, in one round or
    /// another; and to clients of all kinds, of which more come together than later on.
    fn warm_up(&self, server: &ServerProcess, churn: &mut Churn) -> io::Result<()> {
        drop(crowd(server, self.most)?);
        churn.come(2 * self.most as u64, u32::MAX)?;
        self.churn(churn, self.warm_up)?;
        churn.settle()
    }

    fn churn(&self, churn: &mut Churn, time: Duration) -> io::Result<Duration> {
        let clients = (time.as_secs_f64() * f64::from(self.rate)) as u64;
        churn.come(clients, self.rate)
    }

    /// Whether the memory is what it was, but for what is allowed. Of the last readings the least counts: what
    /// is lost does not come back, while the C library gives the top of its heap back only when it is 128 KiB
    /// and more, so that a reading may be as much too large.
    fn judge(&self, warm: u64, readings: &[u64]) -> Result<(), String> {
        let memory = readings.iter().rev().take(LAST).min().copied().unwrap_or(warm);
        let most = self.allowance.max(warm / 100);
        if memory <= warm + most {
            return Ok(());
        }
        let grown = memory - warm;
        Err(format!("its memory has grown by {grown} bytes, from {warm}; {most} are allowed"))
    }
}

/// A line of the table.
fn row(
    subject: &Subject,
    round: &str,
    tally: &Tally,
    holds: &Holdings,
    (warm, memory): (u64, u64),
) -> String {
    let drift = (memory as f64 - warm as f64) / warm as f64 * 100.0;
    format!(
        "{:<21} {round:>8} {:>9} {:>9} {:>6} {} {:>9} {drift:>+7.2} %",
        subject.name(),
        tally.connections,
        tally.exact,
        tally.failed,
        holds.in_short(),
        memory / 1024,
    )
}

/// Whether each client got what it should.
fn all_right(tally: &Tally) -> Result<(), String> {
    if tally.failed == 0 {
        return Ok(());
    }
    let told = tally.failures.join("\n");
    Err(format!("{} clients did not get what they should:\n{told}", tally.failed))
}

/// What the lines of the table are.
pub const HEADER: &str = "\
server                   round   clients     exact failed  fds sess whls slot  anon KiB     drift";

/// Waits until the server holds what it held before; then lets those clients go who would have stayed for
/// ever, so that it was the server who let go of them.
fn wait_until_as(
    before: &Holdings,
    server: &mut ServerProcess,
    churn: &mut Churn,
) -> Result<(), String> {
    let began = Instant::now();
    let broken = |error: io::Error| error.to_string();
    while let Some(difference) = Holdings::of(server).map_err(broken)?.difference(before) {
        if began.elapsed() > AT_MOST {
            server.ask(SNAPSHOT).map_err(broken)?;
            return Err(format!("when its clients have gone, {difference}"));
        }
        thread::sleep(Duration::from_millis(200));
    }
    churn.let_go();
    Ok(())
}

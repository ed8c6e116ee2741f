//! The load that `wrk` makes: one thread, fifty connections, one request at a time on each.

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

/// Whether there is such a program.
#[must_use]
pub fn is_installed() -> bool {
    Command::new("wrk").arg("--version").output().is_ok()
}

/// Asks a server for as long as this, from the core of the load. How many answers came, and how long that
/// took.
///
/// # Errors
///
/// When it does not run, or an answer was none, or a bad one.
pub fn run(server: SocketAddr, time: Duration) -> io::Result<(u64, Duration)> {
    let time = format!("-d{}s", time.as_secs().max(1));
    let output =
        Command::new("wrk").args(["-t1", "-c50", &time, &format!("http://{server}/")]).output()?;
    let report = String::from_utf8_lossy(&output.stdout);
    let is_bad = ["Non-2xx", "Socket errors"].iter().any(|words| report.contains(words));
    if is_bad || !output.status.success() {
        return Err(io::Error::other(format!("wrk: {report}")));
    }
    sum(&report).ok_or_else(|| io::Error::other(format!("no sum in what wrk says: {report}")))
}

/// Of the line `  12345 requests in 1.00s, 1.23MB read`.
fn sum(report: &str) -> Option<(u64, Duration)> {
    let line = report.lines().find(|line| line.contains(" requests in "))?;
    let (requests, rest) = line.trim().split_once(" requests in ")?;
    let seconds = rest.split_once("s,")?.0.parse().ok()?;
    Some((requests.parse().ok()?, Duration::try_from_secs_f64(seconds).ok()?))
}

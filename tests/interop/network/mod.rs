//! What only a network can do, in one of the test's own: packets are dropped or looked at, names of
//! services are free, and nobody is in the way.

mod filters;
mod lost;
mod ways;

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, unshare};

/// Runs a test on a thread whose network and mounts are its own: a loopback, and what `changes` add. They
/// go with the thread and the programs it started.
fn alone(changes: &'static [&'static [&'static str]], test: fn()) {
    let name = thread::current().name().unwrap_or_default().to_owned();
    let thread = thread::spawn(move || match enter(changes) {
        Ok(()) => test(),
        Err(error) => {
            let line = format!("SKIPPED {name}, it may have no such network: {error}\n");
            // Past the harness, which keeps what a test that passes prints to itself.
            let _told = io::stderr().write_all(line.as_bytes());
        }
    });
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

fn enter(changes: &[&[&str]]) -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS)?;
    for change in [UP].iter().chain(changes) {
        let done = Command::new(change[0]).args(&change[1..]).output()?;
        if !done.status.success() {
            let noted = String::from_utf8_lossy(&done.stderr);
            return Err(io::Error::other(format!("{}: {noted}", change.join(" "))));
        }
    }
    Ok(())
}

const UP: &[&str] = &["ip", "link", "set", "lo", "up"];

fn loopbacks() -> [IpAddr; 2] {
    [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
}

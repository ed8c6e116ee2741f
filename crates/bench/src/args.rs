//! Command lines: of the servers, and of the benchmarks.
//!
//! A server takes `ADDR:PORT` and flags and says on stdout where it listens. A benchmark takes
//! what follows `--` in `cargo bench`, and ignores the flags cargo adds of its own.

use std::env;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process;

/// The address a server was told to listen on; prints the usage and ends the process with
/// status 2 if the arguments make no sense.
///
/// What begins with `--` is left to [`takes`].
#[must_use]
pub fn listen_address() -> SocketAddr {
    let mut address = None;
    for arg in env::args().skip(1).filter(|arg| !arg.starts_with("--")) {
        match (address, arg.parse::<SocketAddr>()) {
            (None, Ok(parsed)) => address = Some(parsed),
            _ => usage(),
        }
    }
    address.unwrap_or_else(|| usage())
}

/// Whether the server was given this flag.
#[must_use]
pub fn takes(flag: &str) -> bool {
    env::args().skip(1).any(|arg| arg == flag)
}

fn usage() -> ! {
    let program = env::args().next().unwrap_or_else(|| "server".to_owned());
    eprintln!("usage: {program} ADDR:PORT [--FLAG ...]");
    process::exit(2)
}

/// Prints the one line by which a server says that it can accept.
///
/// # Errors
///
/// When stdout is closed.
pub fn announce(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "listening on {address}")?;
    out.flush()
}

/// What a benchmark was asked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--rounds N`.
    pub rounds: Option<usize>,
    /// Substrings of the names of the scenarios wanted; none means all.
    pub wanted: Vec<String>,
}

impl Options {
    /// Reads the process's arguments. Flags it does not know are ignored.
    #[must_use]
    pub fn from_env() -> Self {
        let mut options = Self::default();
        let mut args = env::args().skip(1);
        while let Some(arg) = args.next() {
            if arg == "--rounds" {
                options.rounds =
                    Some(args.next().and_then(positive).unwrap_or_else(|| no_rounds()));
            } else if !arg.starts_with('-') {
                options.wanted.push(arg);
            }
        }
        options
    }

    /// Whether the scenario of this name was asked for.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|part| name.contains(part.as_str()))
    }
}

fn positive(arg: String) -> Option<usize> {
    arg.parse().ok().filter(|n| *n > 0)
}

fn no_rounds() -> ! {
    eprintln!("--rounds wants a number above 0");
    process::exit(2)
}

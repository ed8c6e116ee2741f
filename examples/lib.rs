//! What every example does around its session: read its arguments, set up its log, run, and end with the
//! manners of a Unix program.
//!
//! Exit code 0 when the program ended as it should, `INT` and `TERM` included; 1 with one line on
//! standard error when it could not start or broke; 2 with its usage for a bad argument.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use reactor::{Context, Signal, SignalError};
use wheels::{Failure, Listening, Operation};

/// Runs an example. `parse` makes its settings of the arguments, or `None` of bad ones; `run` is the
/// program.
pub fn main<A>(
    usage: &str,
    parse: impl FnOnce(&[String]) -> Option<A>,
    run: impl FnOnce(A) -> io::Result<()>,
) -> ExitCode {
    env_logger::init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(settings) = parse(&arguments) else {
        eprintln!("usage: {usage}");
        return ExitCode::from(2);
    };
    match run(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Takes options with a number each, `--name N`, out of the arguments: the numbers, those that are not told
/// as they are given here, and the other arguments. `None` of a number that is missing, or none, or zero.
#[must_use]
pub fn numbers<'a, const N: usize>(
    arguments: &'a [String],
    options: [(&str, usize); N],
) -> Option<([usize; N], Vec<&'a str>)> {
    let (mut numbers, mut others) = (options.map(|(_, number)| number), Vec::new());
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match options.iter().position(|(name, _)| name == argument) {
            Some(at) => {
                numbers[at] = arguments.next()?.parse().ok().filter(|number| *number > 0)?;
            }
            None => others.push(argument.as_str()),
        }
    }
    Some((numbers, others))
}

/// The port that the ports of POE programs take for an argument: 12345 if there is none, and 0 for one that
/// is free.
#[must_use]
pub fn port(arguments: &[String]) -> Option<u16> {
    match arguments {
        [] => Some(12_345),
        [port] => port.parse().ok(),
        _ => None,
    }
}

/// Says on standard output where a server listens.
///
/// # Errors
///
/// Standard output is closed.
pub fn say_listening(address: impl Display) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {address}")?;
    stdout.flush()
}

/// Says a line on standard output, as `print` in Perl does: whether anybody reads it or not.
pub fn say(line: impl Display) {
    writeln!(io::stdout(), "{line}").ok();
}

/// As [`say_listening`], for [`TcpServer::listening`](components::TcpServer::listening): nobody hears it if
/// standard output is closed, which does not matter to a server.
pub fn listening(up: &Listening) {
    if let Err(error) = say_listening(&up.local_addr) {
        log::warn!("standard output: {error}");
    }
}

/// For [`TcpServer::error`](components::TcpServer::error): a server that cannot listen ends its
/// program, and one that cannot accept now goes on by itself.
///
/// # Errors
///
/// What it was, and where.
pub fn not_listening(failure: &Failure, place: impl Display) -> Result<(), String> {
    if failure.operation == Operation::Accept {
        log::warn!("{failure}"); // descriptors ran out, say
        return Ok(());
    }
    Err(format!("{failure} ({place})"))
}

/// Has `INT` and `TERM` sent to [`got_signal`], as the event of this name.
///
/// # Errors
///
/// The system refuses.
pub fn end_on_signals(cx: &mut Context<'_>) -> Result<(), SignalError> {
    cx.sig("INT", "got_signal")?;
    cx.sig("TERM", "got_signal")
}

/// Says good-bye. Nobody calls the signal handled, so every session is stopped and `run` returns.
pub fn got_signal<S>(_: &mut S, _: &mut Context<'_>, signal: Signal) {
    log::info!("{signal}: good bye");
}

/// The code in the README and in the book compiles, and what can be run is run.
#[cfg(doctest)]
mod prose {
    #[doc = include_str!("../README.md")]
    struct Readme;

    #[doc = include_str!("../docs/src/filters.md")]
    struct Filters;

    #[doc = include_str!("../docs/src/porting.md")]
    struct Porting;
}

//! Programs that the system has.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use crate::program::{End, Program};

/// Starts one without input, which speaks plain English.
pub(crate) fn start<A: AsRef<OsStr>>(name: &str, arguments: &[A]) -> Program {
    start_with(name, arguments, Stdio::null())
}

/// Starts one with this input.
pub(crate) fn start_with<A: AsRef<OsStr>>(name: &str, arguments: &[A], stdin: Stdio) -> Program {
    let mut command = Command::new(name);
    // No proxy between two ends on one machine.
    command.args(arguments).env("LC_ALL", "C").env("no_proxy", "*").stdin(stdin);
    Program::run(command)
}

/// Runs one to its end, which must be a good one, and gives what it said.
#[track_caller]
pub(crate) fn run<A: AsRef<OsStr>>(name: &str, arguments: &[A]) -> String {
    let end = start(name, arguments).end();
    assert_eq!(end, End::printed(&end.stdout), "{name}");
    end.stdout
}

//! What only a process of its own can show: how it ends.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use reactor::{Context, Kernel, Signal, States};
use rustix::process::Signal as System;

use crate::{Test, raise};

pub const TESTS: &[Test] = &[
    ("a_signal_whose_watcher_is_gone_does_what_it_does_without_one", watcher_gone),
    ("a_signal_that_does_nothing_by_itself_does_nothing_when_its_watcher_is_gone", harmless),
    ("term_stops_a_kernel_that_watches_it_and_the_process_ends_well", ends_well),
    ("p65_the_environment_makes_every_kernel_strict", strict),
];

const ROLE: &str = "WHEELHOUSE_SIGNALS_CHILD";
/// Longer than anything takes here, and short enough to wait for when something is wrong.
const LONG: Duration = Duration::from_secs(20);

pub fn is_child() -> bool {
    std::env::var_os(ROLE).is_some()
}

/// The child's part of the test that started it.
pub fn child() {
    match std::env::var(ROLE).expect("a role").as_str() {
        "watcher gone" => watcher_goes_and(System::TERM, "TERM"),
        "harmless" => watcher_goes_and(System::WINCH, "WINCH"),
        "ends well" => {
            let mut kernel = Kernel::new().unwrap();
            kernel.spawn(&watcher("TERM", LONG), ());
            raise(System::TERM);
            kernel.run().unwrap();
            assert_eq!(kernel.stats().timers, 0, "it was not TERM that ended it");
        }
        "strict" => {
            let states = States::new()
                .on_start(|_: &mut (), cx: &mut Context<'_>, ()| cx.yield_("nobody", ()));
            let mut kernel = Kernel::new().unwrap();
            kernel.spawn(&states, ());
            let is_strict = std::env::var("WHEELHOUSE_STRICT").is_ok_and(|value| value == "1");
            assert_eq!(kernel.run().is_err(), is_strict);
        }
        role => panic!("no test is named {role}"),
    }
}

fn watcher(name: &'static str, life: Duration) -> States<()> {
    States::new()
        .on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
            cx.sig(name, "came").unwrap();
            cx.delay("end", life, ());
        })
        .on("came", |_: &mut (), _: &mut Context<'_>, _: Signal| {})
        .on("end", |_: &mut (), _: &mut Context<'_>, ()| {})
}

/// The session that watches ends, another goes on, and then the signal comes.
fn watcher_goes_and(signal: System, name: &'static str) {
    let mut kernel = Kernel::new().unwrap();
    kernel.spawn(&watcher(name, Duration::ZERO), ());
    kernel.run_one_turn(Duration::ZERO).unwrap();
    assert_eq!(kernel.session_count(), 0);
    let states = States::new()
        .on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
            raise(signal);
            cx.delay("end", Duration::from_millis(1), ());
        })
        .on("end", |_: &mut (), _: &mut Context<'_>, ()| {});
    kernel.spawn(&states, ());
    kernel.run().unwrap();
}

fn run_child(role: &str) -> ExitStatus {
    run_child_with(role, "0")
}

fn run_child_with(role: &str, strict: &str) -> ExitStatus {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.env(ROLE, role).env("WHEELHOUSE_STRICT", strict);
    command.stdin(Stdio::null()).stdout(Stdio::null()).status().expect("the child ran")
}

fn watcher_gone() {
    let status = run_child("watcher gone");
    assert_eq!(status.signal(), Some(System::TERM.as_raw()), "{status}");
}

fn harmless() {
    let status = run_child("harmless");
    assert!(status.success(), "{status}");
}

fn ends_well() {
    let status = run_child("ends well");
    assert!(status.success(), "{status}");
}

fn strict() {
    for value in ["1", "0", ""] {
        let status = run_child_with("strict", value);
        assert!(status.success(), "{value:?}: {status}");
    }
}

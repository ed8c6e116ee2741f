//! What becomes of a signal when nobody watches it any more: what the system does with it.
//!
//! Each test has a process of its own, which is to die of the signal or to live through it.

use std::io::{ErrorKind, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use reactor::{Context, Kernel, Signal, States};
use rustix::process::Signal as System;
use testkit::children::signal_set;

use crate::{Test, raise};

pub const TESTS: &[Test] = &[
    ("the_default_action_is_back_when_the_last_watcher_stops", || dies("watcher stops")),
    ("the_default_action_is_back_when_the_kernel_is_dropped", || dies("kernel dropped")),
    ("a_signal_that_came_to_a_watcher_who_is_gone_acts_by_default", || dies("came before")),
    ("the_default_action_is_off_while_any_kernel_watches", || dies("one of two")),
    ("the_default_action_is_back_after_a_second_watch_too", || dies("watched again")),
    ("a_signal_that_was_ignored_before_is_ignored_again", ignored_before),
    ("pipe_is_ignored_again", || lives("pipe")),
    ("pipe_that_came_to_a_watcher_who_is_gone_is_ignored", || lives("pipe came before")),
    ("winch_and_chld_do_nothing_again", || lives("harmless")),
    ("a_watch_holds_while_kernels_of_other_threads_begin_and_end", || lives("threads")),
    ("p45_a_child_gets_no_mask_and_does_not_ignore_pipe", p45),
    ("p45_a_pipeline_ends_when_its_reader_does", p45_pipeline),
];

const ROLE: &str = "WHEELHOUSE_RESTORED_CHILD";
const LONG: Duration = Duration::from_secs(20);

pub fn is_child() -> bool {
    std::env::var_os(ROLE).is_some()
}

/// The child's part of the test that started it.
pub fn child() {
    match std::env::var(ROLE).expect("a role").as_str() {
        "watcher stops" => {
            watch_and_stop("TERM");
            raise(System::TERM);
        }
        "kernel dropped" => {
            let kernel = watching("TERM");
            raise(System::TERM);
            drop(kernel);
            raise(System::TERM);
        }
        "came before" => came_before("TERM", System::TERM),
        "one of two" => {
            let (one, mut other) = (watching("TERM"), watching("TERM"));
            drop(one);
            hear(&mut other, System::TERM);
            drop(other);
            raise(System::TERM);
        }
        "watched again" => {
            watch_and_stop("TERM");
            let mut kernel = watching("TERM");
            hear(&mut kernel, System::TERM);
            kernel.stop();
            raise(System::TERM);
        }
        "ignored before" => {
            drop(watching("HUP"));
            raise(System::HUP);
        }
        "pipe" => {
            hear(&mut watching("PIPE"), System::PIPE);
            raise(System::PIPE);
            let (reader, mut writer) = std::io::pipe().unwrap();
            drop(reader);
            assert_eq!(writer.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
        }
        "pipe came before" => came_before("PIPE", System::PIPE),
        "harmless" => {
            for (name, signal) in [("WINCH", System::WINCH), ("CHLD", System::CHILD)] {
                hear(&mut watching(name), signal);
                raise(signal);
                came_before(name, signal);
            }
        }
        "threads" => threads(),
        role => panic!("no test is named {role}"),
    }
}

fn states(name: &'static str) -> States<()> {
    States::new()
        .on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
            cx.sig(name, "came").unwrap();
            cx.delay("end", LONG, ());
        })
        .on("came", |_: &mut (), cx: &mut Context<'_>, _: Signal| cx.sig_handled())
        .on("end", |_: &mut (), _: &mut Context<'_>, ()| {})
}

/// A kernel with a session that watches.
fn watching(name: &'static str) -> Kernel {
    let mut kernel = Kernel::new().unwrap();
    kernel.spawn(&states(name), ());
    kernel
}

/// The kernel's session hears what is raised now, once.
fn hear(kernel: &mut Kernel, signal: System) {
    let delivered = kernel.stats();
    raise(signal);
    kernel.run_one_turn(Duration::ZERO).unwrap();
    assert_eq!(kernel.stats().notices, delivered.notices + 1);
    assert_eq!((kernel.session_count(), kernel.stats().unhandled), (1, 0));
}

/// The only watcher ends by itself, and another session goes on.
fn watch_and_stop(name: &'static str) {
    let mut kernel = Kernel::new().unwrap();
    let short = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
        cx.sig(name, "never").unwrap();
    });
    kernel.spawn(&short, ());
    kernel.run().unwrap();
}

/// The signal comes while it is watched and is to be delivered when it is not.
fn came_before(name: &'static str, signal: System) {
    let mut kernel = watching("USR1");
    let short = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
        cx.sig(name, "never").unwrap();
        cx.yield_("go", ());
    });
    let short = short.on("go", move |_: &mut (), _: &mut Context<'_>, ()| raise(signal));
    kernel.spawn(&short, ());
    for _ in 0..4 {
        kernel.run_one_turn(Duration::ZERO).unwrap();
    }
    assert_eq!(kernel.session_count(), 1);
}

/// Each thread's kernel watches, and hears what the thread raises, whatever the others are at. Were the
/// default action on for a moment, the process would die.
fn threads() {
    const ROUNDS: u32 = 2000;
    let rounds = Arc::new(AtomicU32::new(0));
    let play = || {
        let rounds = Arc::clone(&rounds);
        thread::spawn(move || {
            for _ in 0..ROUNDS {
                let mut kernel = watching("USR2");
                // To this thread alone, and so before this returns. What is sent to the process is
                // handled by some thread, a moment later, when nobody may be watching any more.
                signal_hook::low_level::raise(System::USR2.as_raw()).unwrap();
                kernel.run_one_turn(Duration::ZERO).unwrap();
                assert_eq!(kernel.stats().notices, 1);
                rounds.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let threads = [play(), play(), play()];
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(rounds.load(Ordering::Relaxed), 3 * ROUNDS);
}

fn run_child(role: &str, mut command: Command) -> ExitStatus {
    command.env(ROLE, role).stdin(Stdio::null()).stdout(Stdio::null());
    command.status().expect("the child ran")
}

fn this_program() -> Command {
    Command::new(std::env::current_exe().expect("this test"))
}

fn dies(role: &str) {
    let status = run_child(role, this_program());
    assert_eq!(status.signal(), Some(System::TERM.as_raw()), "{status}");
}

fn lives(role: &str) {
    let status = run_child(role, this_program());
    assert!(status.success(), "{status}");
}

fn ignored_before() {
    let mut nohup = Command::new("sh");
    nohup.args(["-c", "trap '' HUP; exec \"$0\""]).arg(this_program().get_program());
    let status = run_child("ignored before", nohup);
    assert!(status.success(), "{status}");
}

fn p45() {
    let mut kernel = Kernel::new().unwrap();
    let states = States::new().on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
        for name in ["PIPE", "INT", "CHLD", "USR1"] {
            cx.sig(name, "never").unwrap();
        }
        let grep = Command::new("grep").args(["Sig", "/proc/self/status"]).output().unwrap();
        let status = String::from_utf8(grep.stdout).unwrap();
        let bit = |signal: System| 1_u64 << (signal.as_raw() - 1);
        assert_eq!(signal_set(&status, "SigBlk"), 0);
        assert_eq!(signal_set(&status, "SigIgn") & bit(System::PIPE), 0);
        let ours = bit(System::PIPE) | bit(System::INT) | bit(System::CHILD) | bit(System::USR1);
        assert_eq!(signal_set(&status, "SigCgt") & ours, 0);
    });
    kernel.spawn(&states, ());
    kernel.run().unwrap();
}

fn p45_pipeline() {
    let kernel = watching("PIPE");
    let head = Command::new("sh").args(["-c", "yes | head -1"]).output().unwrap();
    assert!(head.status.success());
    assert_eq!((&*head.stdout, &*head.stderr), (&b"y\n"[..], &b""[..]));
    drop(kernel);
}

//! Child processes, and what is left of them.

use std::fs;
use std::io::PipeWriter;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// Children that live until the writer is dropped, and then all exit at once.
pub fn herd(size: usize) -> (PipeWriter, Vec<Child>) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let start = |_| {
        let stdin = Stdio::from(reader.try_clone().expect("a copy"));
        Command::new("cat").stdin(stdin).stdout(Stdio::null()).spawn().expect("cat")
    };
    (writer, (0..size).map(start).collect())
}

/// A child that runs a line of shell.
pub fn shell(line: &str) -> Child {
    Command::new("sh").args(["-c", line]).spawn().expect("sh")
}

/// Waits until a child has exited, and leaves its status to others.
pub fn dead(child: Child) -> Child {
    let id = WaitId::Pid(Pid::from_child(&child));
    waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).expect("a child of ours");
    child
}

/// Sends a signal to a process, by its number as std has it.
pub fn kill(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.try_into().expect("a small number")).expect("not zero");
    kill_process(pid, signal).expect("a process of ours");
}

/// Our children that have exited and were not waited for: the system's word on each.
pub fn zombies() -> Vec<String> {
    children(|state| state == "Z")
}

/// Our children, in whatever state.
pub fn all() -> Vec<String> {
    children(|_| true)
}

fn children(wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let us = std::process::id().to_string();
    let processes = fs::read_dir("/proc").expect("/proc is mounted").flatten();
    let stats = processes.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    // After the name, which may hold anything: the state, then the parent.
    let ours = stats.filter(|stat| {
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let state = fields.next().unwrap_or_default();
        fields.next() == Some(&us) && wanted(state)
    });
    ours.collect()
}

/// A set of signals of a process, as /proc/PID/status has it: `SigBlk`, `SigIgn`, `SigCgt`.
pub fn signal_set(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    u64::from_str_radix(line.expect("a set of this name").trim(), 16).expect("a hexadecimal number")
}

/// What a process's descriptors stand for, in no order.
pub fn descriptors_of(pid: u32) -> Vec<String> {
    let folder = Path::new("/proc").join(pid.to_string()).join("fd");
    let entries = fs::read_dir(folder).expect("a process of ours").flatten();
    let targets = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    targets.map(|target| target.display().to_string()).collect()
}

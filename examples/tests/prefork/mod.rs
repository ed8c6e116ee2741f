//! The echo server of several processes.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::program::{End, Program, Server};
use crate::{echo, rest};

const USAGE: &str = "usage: prefork_echo [ADDR:PORT] [WORKERS]\n";

fn start(workers: &str) -> Server {
    Server::start_program("prefork_echo", &[workers], None)
}

/// The children of a server, by number.
fn workers(server: &Server) -> BTreeSet<u32> {
    let processes = fs::read_dir("/proc").expect("/proc is mounted").flatten();
    let ours = processes.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let (state, parent) = state_and_parent(pid)?;
        (state != "Z" && parent == server.program.id().to_string()).then_some(pid)
    });
    ours.collect()
}

fn is_alive(pid: u32) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| state != "Z")
}

fn is_stopped(pid: u32) -> bool {
    state_and_parent(pid).expect("a worker").0 == "T"
}

fn state_and_parent(pid: u32) -> Option<(String, String)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the name, which may hold anything.
    let mut fields = stat.rsplit(')').next()?.split_whitespace().map(str::to_owned);
    Some((fields.next()?, fields.next()?))
}

/// Waits until there are other workers than these, as many.
fn replaced(server: &Server, before: &BTreeSet<u32>) -> BTreeSet<u32> {
    loop {
        let now = workers(server);
        if now.len() == before.len() && now != *before {
            return now;
        }
        // It is killed when it takes too long.
        assert!(is_alive(server.program.id()), "{before:?} became {now:?}");
        thread::yield_now();
    }
}

fn number(pid: u32) -> Pid {
    i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process has such a number")
}

fn kill(pid: u32, signal: Signal) {
    kill_process(number(pid), signal).expect("it was there a moment ago");
}

/// Readable when the process has ended.
fn descriptor(pid: u32) -> OwnedFd {
    pidfd_open(number(pid), PidfdFlags::empty()).expect("it was there a moment ago")
}

fn assert_all_served(clients: &mut [TcpStream]) {
    for (number, client) in clients.iter_mut().enumerate() {
        let message = format!("client {number}\n").into_bytes();
        assert_eq!(echo(client, &message), message);
    }
}

/// Ends it, and sees that nobody is left.
fn assert_ends(server: Server, signal: Signal) {
    let workers = workers(&server);
    assert_eq!(server.end(signal), End::silent(0));
    for worker in workers {
        assert!(!Path::new("/proc").join(worker.to_string()).exists(), "{worker} is left");
    }
}

#[test]
fn all_clients_of_four_processes_are_served() {
    let server = start("4");
    assert_eq!(workers(&server).len(), 4);
    let mut clients: Vec<TcpStream> = (0..40).map(|_| server.connect()).collect();
    assert_all_served(&mut clients);
    for mut client in clients {
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(rest(&mut client), b"");
    }
    assert_ends(server, Signal::TERM);
}

#[test]
fn a_worker_that_is_killed_is_replaced_and_the_others_go_on() {
    let server = start("1");
    let mut lost = server.connect();
    assert_eq!(echo(&mut lost, b"hello"), b"hello");
    let first = workers(&server);
    kill(*first.first().expect("one"), Signal::KILL);
    assert_eq!(rest(&mut lost), b"");
    // It waits in the listen queue until somebody accepts again.
    assert_all_served(&mut [server.connect()]);
    replaced(&server, &first);
    assert_ends(server, Signal::TERM);

    let server = start("3");
    for _ in 0..5 {
        let before = workers(&server);
        kill(*before.first().expect("three"), Signal::KILL);
        replaced(&server, &before);
        let mut clients: Vec<TcpStream> = (0..10).map(|_| server.connect()).collect();
        assert_all_served(&mut clients);
    }
    assert_ends(server, Signal::TERM);
}

#[test]
fn interrupt_and_terminate_end_all_processes() {
    for signal in [Signal::INT, Signal::TERM] {
        let server = start("4");
        let mut client = server.connect();
        assert_eq!(echo(&mut client, b"hello"), b"hello");
        assert_ends(server, signal);
        assert_eq!(rest(&mut client), b"");
    }
}

#[test]
fn when_the_parent_is_killed_its_workers_end() {
    let server = start("2");
    let workers: Vec<OwnedFd> = workers(&server).into_iter().map(descriptor).collect();
    server.program.kill(Signal::KILL);
    for worker in workers {
        let patience = Timespec { tv_sec: 30, tv_nsec: 0 };
        let ended = poll(&mut [PollFd::new(&worker, PollFlags::IN)], Some(&patience));
        assert_eq!(ended, Ok(1), "the worker goes on");
    }
    assert_eq!(server.program.end().code, None);
}

#[test]
fn several_processes_accept() {
    let server = Server::start_program("prefork_echo", &["3"], Some("info"));
    // One that is stopped accepts no client. So not all three can be one worker's.
    for worker in workers(&server) {
        kill(worker, Signal::STOP);
        while !is_stopped(worker) {
            thread::yield_now();
        }
        let mut client = server.connect();
        assert_eq!(echo(&mut client, b"hello"), b"hello");
        kill(worker, Signal::CONT);
    }
    let end = server.end(Signal::TERM);
    assert_eq!(end.code, Some(0));
    let by = |line: &str| Some(line.split_once("] ")?.1.split_once(": ")?.0.to_owned());
    let accepts = end.stderr.lines().filter(|line| line.ends_with("accepted"));
    let processes: BTreeSet<String> = accepts.filter_map(by).collect();
    assert!(processes.len() >= 2, "{}", end.stderr);
}

#[test]
fn a_port_in_use_ends_it_before_it_has_workers() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let end = Program::start("prefork_echo", &[&address], Stdio::null()).end();
    let said = format!("bind: Address already in use ({address})\n");
    assert_eq!(end, End::complained(1, said));
}

#[test]
fn bad_arguments_of_it_are_answered_with_its_usage() {
    let bad: [&[&str]; 4] =
        [&["7777"], &["127.0.0.1:0", "0"], &["127.0.0.1:0", "many"], &["127.0.0.1:0", "4", "more"]];
    for arguments in bad {
        let end = Program::start("prefork_echo", arguments, Stdio::null()).end();
        assert_eq!(end, End::complained(2, USAGE), "{arguments:?}");
    }
}

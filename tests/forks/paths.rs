//! Paths of UNIX sockets: whose they are after a fork, and after a server was killed.

use std::io::Read;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, WaitOptions, waitpid};
use testkit::children::kill;
use testkit::unix::{Folder, Owner};
use wheels::SocketFactory;

use crate::Test;

pub const TESTS: &[Test] = &[
    ("p10_a_child_that_closes_its_listener_leaves_the_path_to_its_parent", child_closes),
    ("p10_a_path_goes_with_the_process_that_bound_it_whoever_else_listens", parent_closes),
    ("p08_a_server_that_was_killed_starts_again_a_hundred_times", killed),
];

fn wait_for(child: u32) -> ExitStatus {
    let pid = Pid::from_raw(child.cast_signed()).expect("not zero");
    let (_, status) = waitpid(Some(pid), WaitOptions::empty()).unwrap().expect("it has ended");
    ExitStatus::from_raw(status.as_raw())
}

fn child_closes() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let mut owner = Owner::listening(SocketFactory::unix_listen(&path));
    let Some(child) = owner.fork() else {
        owner.close();
        return assert!(path.exists());
    };
    assert!(wait_for(child).success());
    owner.serve(&path);
    owner.close();
    assert!(!path.exists());
}

fn parent_closes() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut owner = Owner::listening(SocketFactory::unix_listen(&path));
    if let Some(child) = owner.fork() {
        owner.close();
        assert!(!path.exists());
        drop(writer);
        return assert!(wait_for(child).success());
    }
    drop(writer);
    assert_eq!(reader.read(&mut [0]).unwrap(), 0, "the parent has closed it");
    // The child listens still, but nobody finds it, and another may come.
    let _successor = UnixListener::bind(&path).unwrap();
    owner.close();
    UnixStream::connect(&path).unwrap();
}

fn killed() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let listener = || SocketFactory::unix_listen(&path);
    for _ in 0..100 {
        let mut owner = Owner::new();
        let Some(child) = owner.fork() else {
            owner.listen(listener()).expect("whoever had it is dead");
            kill(std::process::id(), Signal::KILL);
            unreachable!("it is dead");
        };
        assert_eq!(wait_for(child).signal(), Some(Signal::KILL.as_raw()));
        assert!(path.exists());
        UnixStream::connect(&path).expect_err("nobody listens");
    }
    let mut owner = Owner::listening(listener());
    owner.serve(&path);
    owner.close();
    assert!(!path.exists());
}

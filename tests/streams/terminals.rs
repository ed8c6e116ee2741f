//! Terminals: shared with others, slow, and at their end with an error.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use testkit::net::{self, Peer};
use wheels::ReadWrite;
use wheels::filter::{Line, Stream};

use crate::support::{END, Heard, Rig, item, items};

/// A terminal: the end of who draws it, and that of a program.
fn terminal() -> (OwnedFd, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let screen = openpt(flags).expect("a terminal");
    grantpt(&screen).expect("grantpt");
    unlockpt(&screen).expect("unlockpt");
    let program = ioctl_tiocgptpeer(&screen, flags).expect("its other end");
    (screen, program)
}

/// A shell has the same terminal, by the same description: were it made non-blocking, the shell would find
/// it so, and would go on finding it so if the program were killed.
#[test]
fn p41_a_terminal_that_a_shell_has_too_is_never_changed() {
    let (screen, ours) = terminal();
    let shells = ours.try_clone().expect("dup");
    let flags = || fcntl_getfl(&shells).expect("fcntl");
    let before = flags();
    assert!(!before.contains(OFlags::NONBLOCK));
    let mut screen = File::from(screen);
    let mut rig = Rig::new(ReadWrite::builder(ours).filter(Line::literal(b"\n")));
    for round in 1..=3 {
        screen.write_all(b"hello\n").expect("write");
        rig.until("a line", |heard| heard.len() == round);
        rig.act(|host, cx| drop(host.put(cx, "answer")));
        rig.turns(3);
        assert_eq!(flags(), before);
    }
    assert_eq!(items(&rig.heard()), ["hello"; 3]);
    rig.act(|host, _| drop(host.take()));
    rig.end();
    assert_eq!(flags(), before);
}

/// As of somebody who has stopped it, or reads it over a slow line. It says that it can be written to
/// when there is room for a single byte.
#[test]
fn p41_a_terminal_that_nobody_reads_does_not_hold_up_the_loop() {
    const LINES: usize = 10_000;
    let (screen, ours) = terminal();
    // Or it is read at last, and the loop goes on and hears of it.
    let (begin, begun) = channel();
    let reading = Peer::play(move || {
        let in_time = begun.recv_timeout(net::PATIENCE).is_ok();
        let mut lines = BufReader::new(File::from(screen)).lines();
        for number in 0..LINES {
            let line = lines.next().expect("a line").expect("read");
            assert_eq!(line, format!("{number} and some more"));
        }
        assert!(in_time, "a write has waited for the reader");
    });
    let mut rig = Rig::new(ReadWrite::builder(ours).filter(Line::literal(b"\n")));
    rig.act(|host, cx| {
        for number in 0..LINES {
            let _put = host.put(cx, format!("{number} and some more"));
        }
    });
    rig.turns(50);
    assert!(rig.act(|host, cx| host.stream().unsent(cx)) > 0, "nobody has read it");
    begin.send(()).expect("it listens");
    reading.run(&mut rig.kernel);
    assert_eq!(rig.end(), [END, Heard::Stopped]);
}

/// The system says EIO when the program at the other end is gone, and not before its last words were
/// read.
#[test]
fn p44_all_that_a_program_printed_comes_before_the_end_of_its_terminal() {
    const LENGTH: usize = 4643;
    for _ in 0..200 {
        let (screen, theirs) = terminal();
        let mut child = Command::new("sh")
            .args(["-c", &format!("printf %0{LENGTH}d 0")])
            .stdin(Stdio::null())
            .stdout(theirs)
            .spawn()
            .expect("there is `sh`");
        let rig: Rig<Stream> = Rig::new(ReadWrite::builder(screen));
        let mut told = rig.end();
        assert_eq!((told.pop(), told.pop()), (Some(Heard::Stopped), Some(END)));
        assert_eq!(items(&told).concat(), [b'0'; LENGTH]);
        assert!(child.wait().expect("wait").success());
    }
}

#[test]
fn p44_a_terminal_whose_screen_is_gone_is_at_its_end() {
    let (screen, ours) = terminal();
    let mut rig = Rig::new(ReadWrite::builder(ours).filter(Line::literal(b"\n")));
    let mut screen = File::from(screen);
    screen.write_all(b"one\ntwo\n").expect("write");
    // The system forgets what was not read yet when the screen goes.
    rig.hear(2);
    drop(screen);
    assert_eq!(rig.end(), [item("one"), item("two"), END, Heard::Stopped]);
}

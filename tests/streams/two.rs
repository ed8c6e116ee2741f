//! Two descriptors in one wheel: pipes, a child's, standard streams, files.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reactor::{Clock, Context};
use rustix::fs::{OFlags, fcntl_getfl};
use testkit::net::{PATIENCE, Peer};
use wheels::filter::{Line, Stream};
use wheels::{Operation, Put, ReadWrite};

use crate::data::{Noise, noise};
use crate::support::{END, FLUSHED, HIGH, Heard, Host, LOW, Rig, await_hangup, echo, item, items};

const EPIPE: i32 = 32;

/// A wheel, and what the other end reads and writes.
fn pipes() -> (Rig<Line>, PipeReader, PipeWriter) {
    let ((ours_in, theirs_out), (theirs_in, ours_out)) =
        (pipe().expect("pipe"), pipe().expect("pipe"));
    let builder = ReadWrite::builder_of_two(ours_in, ours_out).filter(Line::literal(b"\n"));
    (Rig::new(builder.flushed_event(&FLUSHED)), theirs_in, theirs_out)
}

fn read_all(mut from: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).expect("read");
    bytes
}

fn cat() -> (Child, Rig<Stream>) {
    let mut child = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("there is `cat`");
    let (stdin, stdout) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
    let builder = ReadWrite::builder_of_two(stdout, stdin).most_unsent(64 << 20);
    (child, Rig::new(builder.high_mark(1 << 20, &HIGH).low_mark(1, &LOW)))
}

#[test]
fn what_comes_by_one_pipe_is_answered_by_the_other() {
    let (rig, theirs_in, mut theirs_out) = pipes();
    let rig = rig.react(echo);
    theirs_out.write_all(b"one\ntwo\nthree").expect("write");
    drop(theirs_out);
    let told = rig.end();
    assert_eq!(items(&told), ["one", "two", "three"]);
    assert_eq!(read_all(theirs_in), b"one\ntwo\nthree\n");
}

#[test]
fn each_direction_ends_by_itself() {
    let (mut rig, theirs_in, mut theirs_out) = pipes();
    rig.act(|host, cx| {
        assert_eq!(host.put(cx, "bye"), Put::Queued);
        host.stream().shutdown_output(cx);
        assert_eq!(host.put(cx, "more"), Put::Refused("more".into()));
    });
    rig.turn();
    assert_eq!(read_all(theirs_in), b"bye\n", "it was closed");
    theirs_out.write_all(b"still here\n").expect("write");
    drop(theirs_out);
    assert_eq!(rig.end(), [Heard::Flushed, item("still here"), END, Heard::Stopped]);
}

#[test]
fn input_that_is_shut_down_is_closed_and_output_goes_on() {
    let (mut rig, theirs_in, mut theirs_out) = pipes();
    theirs_out.write_all(b"one\ntwo\n").expect("write");
    let mut rig = {
        rig.act(|host, _| {
            host.react(|host, cx, heard| {
                if *heard == item("one") {
                    host.stream().shutdown_input(cx);
                    assert!(host.stream().with_input_handle(cx, |_| ()).is_none());
                    assert!(host.stream().with_output_handle(cx, |_| ()).is_some());
                    let _put = host.put(cx, "done");
                    host.stream().shutdown_output(cx);
                }
            });
        });
        rig
    };
    rig.turns(3);
    let error = theirs_out.write_all(b"three\n").expect_err("nobody reads");
    assert_eq!(error.raw_os_error(), Some(EPIPE));
    assert_eq!(read_all(theirs_in), b"done\n");
    assert_eq!(rig.end(), [item("one"), Heard::Flushed, Heard::Stopped]);
}

/// `cat` copies what it reads, and ends when its input does. Who wrote all before he read would wait for
/// ever: both pipes would be full.
#[test]
fn p70_a_child_gets_all_and_the_end_and_all_of_its_answer_comes() {
    const ALL: usize = 5 << 20;
    let (mut child, mut rig) = cat();
    rig.act(|host, cx| {
        (0..ALL / (1 << 20)).for_each(|_| drop(host.put(cx, noise(1 << 20))));
        host.stream().shutdown_output(cx);
    });
    let told = rig.end();
    let answer = items(&told).concat();
    assert_eq!(answer.len(), ALL);
    assert!(answer.chunks(1 << 20).all(|chunk| chunk == noise(1 << 20)));
    assert_eq!(told[told.len() - 2..], [END, Heard::Stopped]);
    assert!(child.wait().expect("wait").success());
}

/// No more is put than the marks allow, and so no more is kept.
#[test]
fn p70_a_hundred_mebibytes_pass_through_a_child_and_little_of_it_is_kept() {
    const ALL: usize = 100 << 20;
    const PIECE: usize = 64 << 10;
    let (mut child, mut rig) = cat();
    let feed = |host: &mut Host<Stream>, cx: &mut Context<'_>, sent: &mut Noise| {
        let mut put = Put::Queued;
        while sent.at < ALL && put == Put::Queued {
            put = host.put(cx, Bytes::from_static(sent.next(PIECE.min(ALL - sent.at))));
        }
        assert!(matches!(put, Put::Queued | Put::High), "{put:?}");
        if sent.at == ALL {
            host.stream().shutdown_output(cx);
        }
    };
    let (mut sent, mut came) = (Noise::default(), Noise::default());
    rig.act(move |host, cx| {
        feed(host, cx, &mut sent);
        host.react(move |host, cx, heard| match heard {
            Heard::Item(bytes) => {
                came.check(bytes);
                assert!(host.stream().unsent(cx) < (1 << 20) + PIECE);
            }
            Heard::Low => feed(host, cx, &mut sent),
            Heard::Failed(..) => assert_eq!(came.at, ALL),
            Heard::High | Heard::Flushed | Heard::Word(_) | Heard::Stopped => {}
        });
    });
    let began = Instant::now();
    let mut told = Vec::new();
    while told.last() != Some(&Heard::Stopped) {
        assert!(began.elapsed() < 4 * PATIENCE, "it does not end");
        rig.kernel.run_one_turn(Duration::from_millis(5)).expect("a turn");
        told = rig.take_heard();
    }
    assert_eq!(told[told.len() - 2..], [END, Heard::Stopped]);
    assert!(child.wait().expect("wait").success());
}

#[test]
fn a_child_that_is_shut_down_gets_all_and_the_end() {
    let (mut child, mut rig) = cat();
    rig.act(|host, cx| {
        let _put = host.put(cx, noise(3 << 20));
        host.take().shutdown(cx);
    });
    let told = rig.end();
    assert_eq!(told.last(), Some(&Heard::Stopped));
    assert!(!told.iter().any(|heard| matches!(heard, Heard::Item(_) | Heard::Failed(..))));
    assert!(child.wait().expect("wait").success());
}

#[test]
fn a_child_that_is_gone_is_told_of_with_what_is_unsent() {
    let (mut child, mut rig) = cat();
    child.kill().expect("kill");
    child.wait().expect("wait");
    rig.act(|host, cx| drop(host.put(cx, "hello")));
    let told = rig.hear(2);
    assert!(told.contains(&END), "{told:?}");
    assert!(told.contains(&Heard::Failed(Operation::Write, EPIPE, 5)), "{told:?}");
    assert_eq!(rig.end()[2..], [Heard::Stopped]);
}

#[test]
fn what_came_is_told_before_a_pipe_that_nobody_reads() {
    let (mut rig, theirs_in, mut theirs_out) = pipes();
    theirs_out.write_all(b"one\ntwo\n").expect("write");
    drop(theirs_in);
    // A child that another test begins has all of ours until it is the other program.
    rig.act(|host, cx| host.stream().with_output_handle(cx, |fd| await_hangup(fd)))
        .expect("it is open");
    rig.act(|host, cx| drop(host.put(cx, "answer")));
    let failed = Heard::Failed(Operation::Write, EPIPE, 7);
    assert_eq!(rig.hear(3), [item("one"), item("two"), failed]);
    theirs_out.write_all(b"three\n").expect("write");
    assert_eq!(rig.hear(4)[3..], [item("three")]);
}

#[test]
fn a_full_pipe_is_written_to_when_it_is_read() {
    let (mut rig, theirs_in, theirs_out) = pipes();
    rig.act(|host, cx| {
        let _put = host.put(cx, noise(2 << 20));
        host.stream().shutdown_output(cx);
    });
    rig.turns(10);
    assert!(rig.act(|host, cx| host.stream().unsent(cx)) > 0);
    let reading = Peer::play(move || read_all(theirs_in).len());
    assert_eq!(reading.run(&mut rig.kernel), (2 << 20) + 1);
    drop(theirs_out);
    assert_eq!(rig.end(), [Heard::Flushed, END, Heard::Stopped]);
}

#[test]
fn p41_two_descriptors_stay_as_they_are() {
    let ((ours_in, _theirs_out), (_theirs_in, ours_out)) =
        (pipe().expect("pipe"), pipe().expect("pipe"));
    let copies =
        [ours_in.try_clone().map(std::os::fd::OwnedFd::from), ours_out.try_clone().map(Into::into)];
    let mut rig = Rig::new(ReadWrite::builder_of_two(ours_in, ours_out));
    rig.act(|host, cx| drop(host.put(cx, "hello")));
    rig.turns(3);
    for copy in copies {
        let flags = fcntl_getfl(copy.expect("dup").as_fd()).expect("fcntl");
        assert!(!flags.contains(OFlags::NONBLOCK));
    }
}

#[test]
fn p40_a_file_and_dev_null_are_input_and_output() {
    let fd = rustix::fs::memfd_create("content", rustix::fs::MemfdFlags::CLOEXEC);
    let mut file = File::from(fd.expect("memfd_create"));
    let content = noise(300_000);
    file.write_all(&content).expect("write");
    std::io::Seek::rewind(&mut file).expect("seek");
    let null = File::options().write(true).open("/dev/null").expect("open");
    let clock = Clock::virtual_time();
    let rig = Rig::timed(&clock, ReadWrite::builder_of_two(file, null)).react(echo);
    let began = clock.now();
    let told = rig.end();
    assert!(items(&told).concat() == content);
    assert_eq!(told[told.len() - 2..], [END, Heard::Stopped]);
    assert_eq!(clock.now(), began, "nobody waits for a file");
}

/// As under a supervisor that gives no standard input.
#[test]
fn p40_dev_null_is_input_and_a_pipe_is_output() {
    let null = File::open("/dev/null").expect("open");
    let (theirs, ours) = pipe().expect("pipe");
    let rig: Rig<Stream> = Rig::new(ReadWrite::builder_of_two(null, ours));
    let rig = rig.react(|host, cx, heard| {
        if *heard == END {
            let _put: Put<Bytes> = host.put(cx, noise(1 << 20));
            host.take().shutdown(cx);
        }
    });
    let reading = Peer::play(move || read_all(theirs).len());
    assert_eq!(rig.end(), [END, Heard::Stopped]);
    assert_eq!(reading.join(), 1 << 20);
}

/// They may block, and stay as they are.
#[test]
fn p41_sockets_of_std_are_taken_as_they_are() {
    let (listener, addr) = testkit::net::listener();
    let mut peer = testkit::net::connect(addr);
    let ours = testkit::net::accept(&listener);
    let copy = ours.try_clone().expect("dup");
    let mut rig: Rig<Stream> = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| drop(host.put(cx, noise(16 << 20))));
    rig.turns(5);
    assert!(rig.act(|host, cx| host.stream().unsent(cx)) > 0, "it did not block");
    assert!(!fcntl_getfl(&copy).expect("fcntl").contains(OFlags::NONBLOCK));
    peer.write_all(b"hello").expect("write");
    assert_eq!(rig.hear(1), [item("hello")]);
}

#[test]
fn what_a_child_says_on_standard_error_is_input() {
    let mut child = Command::new("sh")
        .args(["-c", "echo oops >&2"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("there is `sh`");
    let stderr = child.stderr.take().expect("piped");
    let rig = Rig::new(ReadWrite::builder(stderr).filter(Line::literal(b"\n")));
    assert_eq!(rig.end(), [item("oops"), END, Heard::Stopped]);
    assert!(child.wait().expect("wait").success());
}

/// One descriptor that is only for reading, or only for writing, is one direction as well.
#[test]
fn a_pipe_is_closed_when_its_one_direction_is_shut_down() {
    let (theirs, ours) = pipe().expect("pipe");
    let mut rig: Rig<Stream> = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| {
        cx.delay("word", std::time::Duration::from_secs(100), "never");
        let _put = host.put(cx, "bye");
        host.stream().shutdown_output(cx);
    });
    rig.turns(2);
    let reading = Peer::play(move || read_all(theirs));
    rig.until("the end of the pipe", |_| reading.is_done());
    assert_eq!(reading.join(), b"bye");

    let (ours, mut theirs) = pipe().expect("pipe");
    let mut rig: Rig<Stream> = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| {
        cx.delay("word", std::time::Duration::from_secs(100), "never");
        host.stream().shutdown_input(cx);
    });
    rig.turns(2);
    let error = theirs.write_all(b"hello").expect_err("nobody reads");
    assert_eq!(error.raw_os_error(), Some(EPIPE));
    assert_eq!(rig.heard(), []);
}

//! Pipes, files and devices: what need not be non-blocking and is not made so.

use std::fs::File;
use std::io::{PipeReader, Read, Seek, Write, pipe};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use bytes::Bytes;
use reactor::Clock;
use rustix::event::epoll;
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use testkit::net::Peer;
use wheels::faults::{self, Call};
use wheels::filter::{Line, Stream};
use wheels::{Descriptor, Operation, Put, ReadWrite};

use crate::data::{Noise, noise};
use crate::support::{END, FLUSHED, HIGH, Heard, LOW, Rig, item, items};

const EPIPE: i32 = 32;
const EBADF: i32 = 9;
const EAGAIN: i32 = 11;

fn is_blocking(fd: impl AsFd) -> bool {
    !fcntl_getfl(fd).expect("fcntl").contains(OFlags::NONBLOCK)
}

/// A file without a name.
fn file(content: &[u8]) -> File {
    let fd = rustix::fs::memfd_create("content", rustix::fs::MemfdFlags::CLOEXEC);
    let mut file = File::from(fd.expect("memfd_create"));
    file.write_all(content).expect("write");
    file.rewind().expect("seek");
    file
}

/// A file, and another descriptor of it that is for writing only.
fn written() -> (File, OwnedFd) {
    let reader = file(b"");
    let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
    let writer = File::options().write(true).open(path).expect("open");
    (reader, writer.into())
}

#[test]
fn a_pipe_is_read_to_its_end_and_stays_blocking() {
    let (ours, mut theirs) = pipe().expect("pipe");
    let copy = ours.try_clone().expect("dup");
    let mut rig = Rig::new(ReadWrite::builder(OwnedFd::from(ours)).filter(Line::literal(b"\n")));
    let lines: Vec<_> = (0..50_000).map(|number| number.to_string()).collect();
    let text = lines.join("\n");
    let writing = Peer::play(move || theirs.write_all(text.as_bytes()).expect("write"));
    writing.run(&mut rig.kernel);
    let told = rig.end();
    assert!(items(&told) == lines, "other lines than were sent");
    assert_eq!(told[lines.len()..], [END, Heard::Stopped]);
    assert!(is_blocking(copy));
}

#[test]
fn a_pipe_dribbled_byte_by_byte_gives_every_byte() {
    let (ours, mut theirs) = pipe().expect("pipe");
    let mut rig = Rig::new(ReadWrite::builder(OwnedFd::from(ours)).filter(Line::new()));
    for byte in b"one\r\ntwo\n" {
        theirs.write_all(&[*byte]).expect("write");
        rig.notice();
    }
    assert_eq!(rig.hear(2), ["one", "two"].map(item));
}

fn read_slowly(mut theirs: PipeReader) -> usize {
    let (mut noise, mut buffer) = (Noise::default(), vec![0; 10_000]);
    loop {
        match theirs.read(&mut buffer).expect("read") {
            0 => return noise.at,
            count => noise.check(&buffer[..count]),
        }
    }
}

#[test]
fn a_pipe_that_is_full_is_written_to_when_it_is_not_and_never_blocks_the_loop() {
    const ALL: usize = 8 << 20;
    let (theirs, ours) = pipe().expect("pipe");
    let copy = ours.try_clone().expect("dup");
    let builder = ReadWrite::builder(OwnedFd::from(ours)).high_mark(1 << 20, &HIGH);
    let mut rig = Rig::new(builder.low_mark(0, &LOW).flushed_event(&FLUSHED));
    rig.act(|host, cx| {
        let mut noise = Noise::default();
        while noise.at < ALL {
            let len = [10, 5000, 100_000][noise.at % 3].min(ALL - noise.at);
            let _put = host.put(cx, noise.next(len));
        }
    });
    rig.turns(20);
    assert_eq!(rig.heard(), [Heard::High]);
    assert!(is_blocking(copy), "and nobody else holds it open");
    let reading = Peer::play(move || read_slowly(theirs));
    rig.until("the news", |heard| heard.contains(&Heard::Flushed));
    rig.end();
    assert_eq!(reading.join(), ALL);
}

#[test]
fn a_pipe_that_is_shut_down_is_closed_when_all_is_sent() {
    let clock = Clock::virtual_time();
    let (theirs, ours) = pipe().expect("pipe");
    let mut rig = Rig::timed(&clock, ReadWrite::builder(OwnedFd::from(ours)));
    let began = clock.now();
    rig.act(|host, cx| {
        let _put = host.put(cx, noise(10_000));
        host.take().shutdown(cx);
    });
    assert_eq!(rig.end(), [Heard::Stopped]);
    assert_eq!(clock.now(), began, "a pipe has nothing to linger for");
    assert_eq!(read_slowly(theirs), 10_000);
}

#[test]
fn a_pipe_nobody_reads_any_more_fails_with_what_was_unsent() {
    let (theirs, ours) = pipe().expect("pipe");
    let mut rig = Rig::new(ReadWrite::builder(OwnedFd::from(ours)));
    rig.act(|host, cx| drop(host.put(cx, noise(1 << 20))));
    rig.turns(10);
    let unsent = rig.act(|host, cx| host.stream().unsent(cx));
    assert!(unsent > 0);
    drop(theirs);
    assert_eq!(rig.end(), [Heard::Failed(Operation::Write, EPIPE, unsent), Heard::Stopped]);
}

/// Nothing can come by it, and until something is put there is nothing to say.
#[test]
fn the_end_of_a_pipe_that_is_for_writing_is_not_read() {
    let (theirs, ours) = pipe().expect("pipe");
    let mut rig = Rig::new(ReadWrite::builder(OwnedFd::from(ours)));
    rig.act(|_, cx| cx.delay("word", std::time::Duration::from_millis(20), "over"));
    rig.turns(3);
    drop(theirs);
    assert_eq!(rig.end(), [Heard::Word("over"), Heard::Stopped]);
}

#[test]
fn what_is_put_to_a_pipe_that_is_for_reading_fails() {
    let (ours, _theirs) = pipe().expect("pipe");
    let mut rig = Rig::new(ReadWrite::builder(OwnedFd::from(ours)));
    rig.act(|host, cx| drop(host.put(cx, "hello")));
    assert_eq!(rig.hear(1), [Heard::Failed(Operation::Write, EBADF, 5)]);
}

#[test]
fn p40_a_file_is_read_to_its_end_a_share_at_a_time() {
    let content = noise(1 << 20);
    let mut rig = Rig::new(ReadWrite::builder(OwnedFd::from(file(&content))));
    for _ in 0..4 {
        rig.turn();
    }
    let part = items(&rig.heard()).concat().len();
    assert!(part > 0 && part <= 4 * (64 << 10), "{part} bytes in four turns");
    let told = rig.end();
    assert!(items(&told).concat() == content);
    assert_eq!(told[told.len() - 2..], [END, Heard::Stopped]);
}

#[test]
fn p40_a_file_can_be_paused() {
    let lines: Vec<_> = (0..5000).map(|number| number.to_string()).collect();
    let file = OwnedFd::from(file(lines.join("\n").as_bytes()));
    let builder = ReadWrite::builder(file).filter(Line::literal(b"\n"));
    let mut rig = Rig::new(builder).react(|host, cx, heard| match heard {
        Heard::Item(_) => {
            host.stream().pause_input(cx);
            cx.delay("word", std::time::Duration::ZERO, "go on");
        }
        Heard::Word(_) => host.stream().resume_input(cx),
        _ => {}
    });
    rig.turn();
    assert!(items(&rig.heard()).len() <= 1);
    assert!(items(&rig.end()) == lines, "other lines than were written");
}

/// As some devices do. Nobody would say when to ask again, so each turn does, once.
#[test]
fn p40_a_file_that_has_nothing_for_now_does_not_hold_the_turn() {
    let mut rig = Rig::new(ReadWrite::builder(OwnedFd::from(file(b"hello"))));
    (0..3).for_each(|_| faults::fail_next(Call::Recv, EAGAIN));
    for left in (0..3).rev() {
        rig.turn();
        assert_eq!(faults::pending(), left);
    }
    assert_eq!(rig.end(), [item("hello"), END, Heard::Stopped]);
}

#[test]
fn p40_dev_null_is_at_its_end_and_takes_everything() {
    let null = File::options().read(true).write(true).open("/dev/null").expect("open");
    let mut rig = Rig::new(ReadWrite::builder(OwnedFd::from(null)).flushed_event(&FLUSHED));
    rig.act(|host, cx| drop(host.put(cx, noise(1 << 20))));
    let told = rig.end();
    assert!(told.contains(&END) && told.contains(&Heard::Flushed), "{told:?}");
    assert_eq!(told.len(), 3);
}

#[test]
fn p40_a_file_that_is_for_writing_takes_what_is_put_and_is_not_read() {
    let (mut reader, writer) = written();
    let mut rig = Rig::new(ReadWrite::builder(writer).flushed_event(&FLUSHED));
    rig.act(|host, cx| drop(host.put(cx, noise(3 << 20))));
    assert_eq!(rig.end(), [Heard::Flushed, Heard::Stopped]);
    let mut content = Vec::new();
    reader.read_to_end(&mut content).expect("read");
    assert!(content == noise(3 << 20));
}

#[test]
fn p40_a_file_is_written_a_share_at_a_time() {
    const SHARE: usize = 256 << 10;
    let (_reader, writer) = written();
    let mut rig = Rig::new(ReadWrite::builder(writer));
    let mut unsent = rig.act(|host, cx| {
        let _put = host.put(cx, noise(4 << 20));
        host.stream().unsent(cx)
    });
    assert_eq!(unsent, (4 << 20) - SHARE);
    for _ in 0..4 {
        rig.turn();
        let left = rig.act(|host, cx| host.stream().unsent(cx));
        // What was put is written when the handler returns, and what is left when its turn comes.
        assert!(left < unsent && left + 2 * SHARE >= unsent, "{unsent}, then {left}");
        unsent = left;
    }
}

/// A share of the turn is no reason to refuse.
#[test]
fn a_file_takes_more_at_once_than_is_kept() {
    let (mut reader, writer) = written();
    let mut rig = Rig::new(ReadWrite::builder(writer));
    let page = Bytes::from(noise(1 << 20));
    rig.act(move |host, cx| {
        (0..64).for_each(|_| assert_eq!(host.put(cx, page.clone()), Put::Queued));
        host.take().shutdown(cx);
    });
    assert_eq!(rig.end(), [Heard::Stopped]);
    assert_eq!(reader.seek(std::io::SeekFrom::End(0)).expect("seek"), 64 << 20);
}

#[test]
fn p41_standard_input_stays_as_it_is() {
    let stdin = Descriptor::stdin().expect("there is one");
    let before = fcntl_getfl(&stdin).expect("fcntl");
    let mut rig = Rig::new(ReadWrite::builder(stdin));
    rig.turns(3);
    assert_eq!(fcntl_getfl(std::io::stdin()).expect("fcntl"), before);
}

/// A socket of any kind may be given as a descriptor too.
#[test]
fn a_socket_that_blocks_does_not_block_the_loop() {
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::empty(), None)
            .expect("socketpair");
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| drop(host.put(cx, noise(4 << 20))));
    rig.turns(10);
    let mut theirs = File::from(theirs);
    theirs.write_all(b"hello").expect("write");
    assert_eq!(rig.hear(1), [item("hello")]);
    let reading = Peer::play(move || {
        let mut bytes = vec![0; 4 << 20];
        theirs.read_exact(&mut bytes).expect("read");
        bytes == noise(4 << 20)
    });
    assert!(reading.run(&mut rig.kernel));
}

/// The system refuses to watch watchers of watchers without end.
#[test]
fn a_descriptor_that_cannot_be_watched_is_told_of_and_keeps_nobody() {
    const ELOOP: i32 = 40;
    let chain: Vec<OwnedFd> =
        (0..8).map(|_| epoll::create(epoll::CreateFlags::CLOEXEC).expect("epoll")).collect();
    let mut deepest = 0;
    for links in chain.windows(2) {
        let data = epoll::EventData::new_u64(0);
        if epoll::add(&links[1], &links[0], data, epoll::EventFlags::IN).is_err() {
            break;
        }
        deepest += 1;
    }
    let outermost = chain[deepest].try_clone().expect("dup");
    let mut rig: Rig<Stream> = Rig::new(ReadWrite::builder(outermost));
    let refused = rig.act(|host, cx| host.put(cx, "hello"));
    assert_eq!(refused, Put::Refused("hello".into()));
    assert_eq!(rig.end(), [Heard::Failed(Operation::Watch, ELOOP, 0), Heard::Stopped]);
}

//! `04_drivers/sysrw` of POE's own tests, which asks a driver what a stream is asked here: over pipes and
//! over sockets. Where this library differs on purpose the test says so.
//!
//! Not here: a `BlockSize` of zero, an odd number of parameters and unknown ones, which do not compile.

use std::fs::File;
use std::io::{ErrorKind, Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use socket2::SockRef;
use testkit::net;
use wheels::filter::Stream;
use wheels::{Descriptor, Operation, Put, ReadWrite, Socket};

use crate::data::noise;
use crate::support::{END, FLUSHED, Heard, Rig, items};

const EPIPE: i32 = 32;
const EISDIR: i32 = 21;
const ECONNRESET: i32 = 104;
const ALL: usize = 1 << 20;

/// What is for writing is not even tried, which is an error there. What turns out not to be readable is one
/// here too.
#[test]
fn sysrw_what_cannot_be_read_says_why() {
    let folder = OwnedFd::from(File::open("/proc").expect("open"));
    let rig = Rig::new(ReadWrite::builder(folder));
    assert_eq!(rig.end(), [Heard::Failed(Operation::Read, EISDIR, 0), Heard::Stopped]);

    let (_theirs, ours) = pipe().expect("pipe");
    let mut rig = staying(OwnedFd::from(ours));
    rig.turns(3);
    assert_eq!(rig.heard(), []);
}

#[test]
fn sysrw_nothing_put_is_nothing_to_send() {
    for (ours, mut theirs) in to_them() {
        let mut rig = staying(ours);
        let unsent = rig.act(|host, cx| {
            assert_eq!(host.put(cx, ""), Put::Queued);
            host.stream().unsent(cx)
        });
        assert_eq!(unsent, 0);
        rig.turns(3);
        assert_eq!(drain(&mut theirs), [0; 0]);
        assert_eq!(rig.heard(), []);
    }
}

#[test]
fn sysrw_what_is_put_is_counted_in_octets() {
    for (ours, mut theirs) in to_them() {
        let mut rig = staying(ours);
        let counted = rig.act(|host, cx| {
            [40, 45].map(|len| {
                assert_eq!(host.put(cx, noise(len)), Put::Queued);
                host.stream().unsent(cx)
            })
        });
        assert_eq!(counted, [40, 85]);
        rig.turn();
        assert_eq!(unsent(&mut rig), 0);
        assert_eq!(drain(&mut theirs).len(), 85);
    }
}

/// At each step what has left and what has come are the same octets.
#[test]
fn sysrw_a_full_pipe_is_flushed_as_fast_as_it_is_read() {
    for (ours, mut theirs) in to_them() {
        let mut rig = staying(ours);
        rig.act(|host, cx| drop(host.put(cx, noise(ALL))));
        let (mut come, mut rounds) = (Vec::new(), 0);
        loop {
            come.extend(drain(&mut theirs));
            let left = unsent(&mut rig);
            assert_eq!(come.len() + left, ALL);
            if left == 0 {
                break;
            }
            assert_eq!(rig.heard(), [], "there is more to flush");
            rounds += 1;
            while unsent(&mut rig) == left {
                rig.kernel.run_one_turn(net::PATIENCE).expect("a turn");
            }
        }
        assert!(rounds > 1, "it was never full");
        assert!(come == noise(ALL), "other octets than were put");
        rig.turns(3);
        assert_eq!(rig.heard(), [Heard::Flushed]);
    }
}

#[test]
fn sysrw_when_the_writer_has_closed_the_end_comes_without_an_error() {
    for (ours, mut theirs) in to_us() {
        let rig = Rig::new(ReadWrite::builder(ours));
        theirs.write_all(&noise(50_000)).expect("there is room");
        drop(theirs);
        let told = rig.end();
        assert!(items(&told).concat() == noise(50_000), "other octets than were written");
        assert_eq!(told[told.len() - 2..], [END, Heard::Stopped]);
    }
}

#[test]
fn sysrw_when_the_reader_has_closed_what_is_unsent_is_told_with_the_error() {
    for (ours, theirs) in to_them() {
        let mut rig = staying(ours);
        rig.act(|host, cx| drop(host.put(cx, noise(ALL))));
        rig.turns(5);
        let unsent = unsent(&mut rig);
        assert!(0 < unsent && unsent < ALL, "{unsent}");
        drop(theirs);
        let is_it = |heard: &Heard| matches!(heard, Heard::Failed(Operation::Write, EPIPE | ECONNRESET, it) if *it == unsent);
        rig.until("the failure", |heard| heard.iter().any(is_it));
        let refused = rig.act(|host, cx| host.put(cx, "more"));
        assert_eq!(refused, Put::Refused("more".into()));
    }
}

/// A session that goes on whatever becomes of its stream.
fn staying(ours: impl Into<Descriptor>) -> Rig<Stream> {
    let mut rig = Rig::new(ReadWrite::builder(ours).flushed_event(&FLUSHED));
    rig.act(|_, cx| cx.delay("word", Duration::from_secs(3600), "never"));
    rig
}

/// A pipe and a connection, to write to, and their other ends, which do not block.
fn to_them() -> [(Descriptor, File); 2] {
    let (reader, writer) = pipe().expect("pipe");
    let reader = File::from(OwnedFd::from(reader));
    // A flag of files, whatever is behind them.
    SockRef::from(&reader).set_nonblocking(true).expect("O_NONBLOCK");
    let (ours, theirs) = connection();
    [(OwnedFd::from(writer).into(), reader), (ours, theirs)]
}

/// A pipe and a connection to read from, and their other ends.
fn to_us() -> [(Descriptor, File); 2] {
    let (reader, writer) = pipe().expect("pipe");
    let (ours, theirs) = connection();
    [(OwnedFd::from(reader).into(), File::from(OwnedFd::from(writer))), (ours, theirs)]
}

/// Of UNIX sockets: what one end has written is there at the other at once.
fn connection() -> (Descriptor, File) {
    let (ours, theirs) = UnixStream::pair().expect("socketpair");
    theirs.set_nonblocking(true).expect("O_NONBLOCK");
    let ours = Socket::try_from(ours).expect("non-blocking");
    (ours.into(), File::from(OwnedFd::from(theirs)))
}

/// All that is there.
fn drain(theirs: &mut File) -> Vec<u8> {
    let mut bytes = Vec::new();
    let error = theirs.read_to_end(&mut bytes).expect_err("it is open still");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    bytes
}

fn unsent(rig: &mut Rig<Stream>) -> usize {
    rig.act(|host, cx| host.stream().unsent(cx))
}

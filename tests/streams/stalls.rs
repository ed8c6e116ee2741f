//! Limits for what goes out: a peer that takes nothing, or leaves too much for too long.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use reactor::Clock;
use wheels::filter::Stream;
use wheels::{Operation, Put, ReadWrite, ReadWriteBuilder};

use crate::data::noise;
use crate::support::{END, FLUSHED, Heard, Rig};

const ETIMEDOUT: i32 = 110;
const ENOBUFS: i32 = 105;
const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

/// A stream whose time is still.
struct Timed {
    rig: Rig<Stream>,
    clock: Clock,
    peer: UnixStream,
}

impl Timed {
    fn new(limits: impl FnOnce(ReadWriteBuilder<Stream>) -> ReadWriteBuilder<Stream>) -> Self {
        let (ours, peer) = UnixStream::pair().expect("a pair");
        let clock = Clock::virtual_time();
        let builder = limits(ReadWrite::builder(ours).flushed_event(&FLUSHED));
        let mut rig = Rig::timed(&clock, builder);
        // The session outlives its stream.
        rig.act(|_, cx| cx.delay("word", 1_000_000 * SECOND, "never"));
        Self { rig, clock, peer }
    }

    fn pass(&mut self, time: Duration) {
        self.clock.advance(time);
        self.rig.turns(3);
    }

    fn put(&mut self, len: usize) -> Put<bytes::Bytes> {
        let put = self.rig.act(move |host, cx| host.put(cx, noise(len)));
        self.rig.turns(2);
        put
    }

    fn unsent(&mut self) -> usize {
        self.rig.act(|host, cx| host.stream().unsent(cx))
    }

    /// The peer takes so much, while the loop turns.
    fn take(&mut self, len: usize) {
        self.peer.set_nonblocking(true).expect("non-blocking");
        let (mut left, mut buffer) = (len, vec![0; 10_000]);
        while left > 0 {
            let room = left.min(buffer.len());
            match self.peer.read(&mut buffer[..room]) {
                Ok(0) => panic!("the end with {left} bytes left"),
                Ok(count) => left -= count,
                Err(_) => self.rig.turn(),
            }
        }
        self.peer.set_nonblocking(false).expect("blocking");
        self.rig.turns(3);
    }

    /// That is told when this time has passed, once, and not a millisecond before.
    fn expect_after(&mut self, time: Duration, told: &Heard) {
        self.rig.take_heard();
        self.pass(time - MILLI);
        assert_eq!(self.rig.heard(), []);
        self.pass(MILLI);
        assert_eq!(self.rig.heard(), std::slice::from_ref(told));
        (0..10).for_each(|_| self.pass(1000 * SECOND));
        assert_eq!(self.rig.take_heard(), std::slice::from_ref(told));
    }
}

fn stalled(unsent: usize) -> Heard {
    Heard::Failed(Operation::StallTimeout, ETIMEDOUT, unsent)
}

fn overflown(unsent: usize) -> Heard {
    Heard::Failed(Operation::OutputLimit, ENOBUFS, unsent)
}

#[test]
fn a_peer_that_takes_nothing_is_told_of_with_what_is_unsent() {
    let mut timed = Timed::new(|builder| builder.stall_timeout(10 * SECOND));
    timed.pass(100 * SECOND);
    timed.put(4 << 20);
    let unsent = timed.unsent();
    assert!(unsent > 0);
    timed.expect_after(10 * SECOND, &stalled(unsent));
    assert_eq!(timed.unsent(), 0, "it was given up");
    assert_eq!(timed.put(5), Put::Refused(noise(5).into()));
    // Input goes on.
    timed.peer.shutdown(std::net::Shutdown::Write).expect("shutdown");
    timed.rig.turns(3);
    assert_eq!(timed.rig.heard(), [END]);
}

#[test]
fn a_peer_that_takes_a_little_now_and_then_does_not_stall() {
    let mut timed = Timed::new(|builder| builder.stall_timeout(10 * SECOND));
    timed.put(4 << 20);
    for _ in 0..10 {
        timed.pass(9 * SECOND);
        let unsent = timed.unsent();
        timed.take(200_000);
        assert!(timed.unsent() < unsent, "nothing moved");
    }
    // More that is put is no progress.
    timed.pass(9 * SECOND);
    timed.put(1000);
    let unsent = timed.unsent();
    timed.expect_after(SECOND, &stalled(unsent));
}

#[test]
fn who_has_taken_everything_may_take_its_time() {
    let mut timed = Timed::new(|builder| builder.stall_timeout(10 * SECOND));
    for _ in 0..3 {
        timed.put(1 << 20);
        timed.pass(9 * SECOND);
        timed.take(1 << 20);
        timed.pass(1000 * SECOND);
    }
    assert_eq!(timed.rig.heard(), vec![Heard::Flushed; 3]);
}

#[test]
fn too_much_unsent_for_too_long_is_told_and_a_peak_is_not() {
    let mut timed = Timed::new(|builder| builder.most_unsent_for(1 << 20, 10 * SECOND));
    for _ in 0..3 {
        timed.put(3 << 20);
        timed.pass(9 * SECOND);
        timed.take(3 << 20);
    }
    timed.rig.take_heard();
    timed.put(3 << 20);
    timed.pass(5 * SECOND);
    // It goes on moving, and stays too much.
    timed.take(500_000);
    timed.put(600_000);
    let unsent = timed.unsent();
    timed.expect_after(5 * SECOND, &overflown(unsent));
}

#[test]
fn a_little_less_than_too_much_may_be_unsent_for_ever() {
    let mut timed = Timed::new(|builder| builder.most_unsent_for(4 << 20, 10 * SECOND));
    timed.put(4 << 20);
    assert!(timed.unsent() < 4 << 20, "the system took nothing");
    timed.pass(1000 * SECOND);
    assert_eq!(timed.rig.heard(), []);
}

#[test]
fn too_much_at_once_is_told_under_its_own_name() {
    let mut timed = Timed::new(|builder| builder.most_unsent(1 << 20));
    timed.put(3 << 20);
    let unsent = timed.unsent();
    assert_eq!(timed.rig.heard(), []);
    assert_eq!(timed.put(1), Put::Refused(noise(1).into()));
    assert_eq!(timed.rig.heard(), [overflown(unsent)]);
    timed.pass(1000 * SECOND);
    assert_eq!(timed.rig.take_heard(), [overflown(unsent)]);
}

#[test]
fn a_peer_that_stalls_is_not_told_of_twice() {
    let mut timed =
        Timed::new(|builder| builder.stall_timeout(10 * SECOND).most_unsent_for(1, 10 * SECOND));
    timed.put(4 << 20);
    let unsent = timed.unsent();
    timed.expect_after(10 * SECOND, &overflown(unsent));
}

/// It has nothing to take any more.
#[test]
fn a_stream_whose_output_has_failed_does_not_stall_as_well() {
    let limits = |builder: ReadWriteBuilder<Stream>| {
        let builder = builder.stall_timeout(10 * SECOND).most_unsent_for(1, 20 * SECOND);
        builder.most_unsent(1 << 20)
    };
    let mut timed = Timed::new(limits);
    timed.put(3 << 20);
    let unsent = timed.unsent();
    assert_eq!(timed.put(1), Put::Refused(noise(1).into()));
    timed.pass(100 * SECOND);
    assert_eq!(timed.rig.heard(), [overflown(unsent)]);

    let mut timed = Timed::new(limits);
    timed.put(3 << 20);
    let unsent = timed.unsent();
    drop(std::mem::replace(&mut timed.peer, UnixStream::pair().expect("a pair").0));
    timed.rig.turns(3);
    timed.pass(100 * SECOND);
    let told = timed.rig.heard();
    assert!(told.contains(&Heard::Failed(Operation::Write, 32, unsent)), "{told:?}");
    let of_time = |heard: &Heard| matches!(heard, Heard::Failed(_, ETIMEDOUT | ENOBUFS, _));
    assert!(!told.iter().any(of_time), "{told:?}");
}

/// What is still to be sent is the only thing that has a limit then.
#[test]
fn a_stream_whose_input_has_ended_may_stall_too() {
    let mut timed = Timed::new(|builder| {
        builder.stall_timeout(10 * SECOND).idle_timeout(SECOND).frame_timeout(SECOND)
    });
    timed.peer.shutdown(std::net::Shutdown::Write).expect("shutdown");
    timed.rig.turns(2);
    timed.pass(100 * SECOND);
    timed.put(4 << 20);
    let unsent = timed.unsent();
    timed.expect_after(10 * SECOND, &stalled(unsent));
}

/// An answer to a stream that is over has no more time than another.
#[test]
fn what_is_put_when_the_input_is_over_may_stall_too() {
    let mut timed =
        Timed::new(|builder| builder.stall_timeout(10 * SECOND).idle_timeout(5 * SECOND));
    timed.pass(5 * SECOND);
    timed.put(4 << 20);
    let unsent = timed.unsent();
    timed.expect_after(10 * SECOND, &stalled(unsent));
}

#[test]
fn a_stream_that_was_shut_down_lingers_no_longer_than_its_lifetime() {
    for (lifetime, waited) in [(100, 100), (1000, 120)] {
        let (ours, peer) = UnixStream::pair().expect("a pair");
        let clock = Clock::virtual_time();
        let builder = ReadWrite::builder(ours).lifetime(lifetime * SECOND).linger(30 * SECOND);
        let mut rig = Rig::timed(&clock, builder);
        let began = clock.now();
        clock.advance(90 * SECOND);
        rig.turn();
        rig.act(|host, cx| {
            let _put = host.put(cx, noise(4 << 20));
            host.take().shutdown(cx);
        });
        let told = rig.end();
        assert!(
            matches!(
                told[..],
                [Heard::Failed(Operation::Shutdown, ETIMEDOUT, 1..), Heard::Stopped]
            ),
            "{told:?}"
        );
        assert_eq!(clock.now(), began + waited * SECOND);
        drop(peer);
    }
}

#[test]
fn a_stream_that_only_sends_has_a_lifetime() {
    let mut timed = Timed::new(|builder| builder.lifetime(10 * SECOND));
    timed.peer.shutdown(std::net::Shutdown::Write).expect("shutdown");
    timed.rig.turns(2);
    timed.put(4 << 20);
    timed.expect_after(10 * SECOND, &Heard::Failed(Operation::Lifetime, ETIMEDOUT, 0));
}

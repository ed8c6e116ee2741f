//! Limits of time for what comes in: silence, unfinished records, age.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use reactor::Clock;
use socket2::SockRef;
use testkit::net::{self, Ending};
use wheels::filter::Line;
use wheels::{Operation, Put, ReadWrite, ReadWriteBuilder};

use crate::support::{END, Heard, Rig, half_close, item, pair};

const ETIMEDOUT: i32 = 110;
const EMSGSIZE: i32 = 90;
const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

const IDLE: Heard = Heard::Failed(Operation::IdleTimeout, ETIMEDOUT, 0);
const FRAME: Heard = Heard::Failed(Operation::FrameTimeout, ETIMEDOUT, 0);
const LIFETIME: Heard = Heard::Failed(Operation::Lifetime, ETIMEDOUT, 0);

/// A stream of lines whose time is still.
struct Timed {
    rig: Rig<Line>,
    clock: Clock,
    peer: UnixStream,
}

impl Timed {
    fn new(limits: impl FnOnce(ReadWriteBuilder<Line>) -> ReadWriteBuilder<Line>) -> Self {
        let (ours, peer) = UnixStream::pair().expect("a pair");
        let clock = Clock::virtual_time();
        let builder = limits(ReadWrite::builder(ours).filter(Line::new().max_length(100)));
        let mut rig = Rig::timed(&clock, builder);
        // The session outlives its stream.
        rig.act(|_, cx| cx.delay("word", 1_000_000 * SECOND, "never"));
        Self { rig, clock, peer }
    }

    /// Time passes.
    fn pass(&mut self, time: Duration) {
        self.clock.advance(time);
        self.rig.turns(3);
    }

    fn send(&mut self, bytes: &str) {
        self.peer.write_all(bytes.as_bytes()).expect("write");
        self.rig.turns(3);
    }

    fn pause(&mut self) {
        self.rig.act(|host, cx| host.stream().pause_input(cx));
        self.rig.turn();
    }

    fn resume(&mut self) {
        self.rig.act(|host, cx| host.stream().resume_input(cx));
        self.rig.turns(2);
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

#[test]
fn without_limits_nothing_is_too_long() {
    let mut timed = Timed::new(|builder| {
        builder.idle_timeout(None).frame_timeout(None).stall_timeout(None).lifetime(None)
    });
    timed.send("unfinished");
    assert_eq!(timed.rig.kernel.event_count(), 1, "the session's own timer");
    timed.pass(100_000 * SECOND);
    assert_eq!(timed.rig.heard(), []);
    timed.send("\n");
    assert_eq!(timed.rig.heard(), [item("unfinished")]);
}

#[test]
fn silence_is_told_once_and_in_time() {
    let mut timed = Timed::new(|builder| builder.idle_timeout(10 * SECOND));
    timed.expect_after(10 * SECOND, &IDLE);
}

#[test]
fn a_limit_is_never_early_though_it_is_no_whole_number_of_milliseconds() {
    let limit = Duration::from_micros(1900);
    let mut timed = Timed::new(|builder| builder.idle_timeout(limit));
    timed.pass(limit - Duration::from_micros(1));
    assert_eq!(timed.rig.heard(), []);
    timed.pass(MILLI);
    assert_eq!(timed.rig.heard(), [IDLE]);
}

#[test]
fn no_time_at_all_is_the_shortest_limit() {
    let mut timed = Timed::new(|builder| builder.idle_timeout(Duration::ZERO));
    timed.pass(MILLI);
    assert_eq!(timed.rig.heard(), [IDLE]);
}

#[test]
fn each_byte_in_either_direction_ends_the_silence() {
    let mut timed = Timed::new(|builder| builder.idle_timeout(10 * SECOND));
    for _ in 0..5 {
        timed.pass(9 * SECOND);
        timed.send("x");
        timed.pass(9 * SECOND);
        timed.send("x\n");
        timed.pass(9 * SECOND);
        timed.rig.act(|host, cx| assert_eq!(host.put(cx, "y"), Put::Queued));
        timed.rig.turn();
    }
    assert_eq!(timed.rig.take_heard(), vec![item("xx"); 5]);
    timed.expect_after(10 * SECOND, &IDLE);
}

/// The system takes a part, and then no more.
#[test]
fn what_is_sent_in_part_ends_the_silence() {
    // Copied to one run, and linked.
    for len in [4000, 60_000] {
        let mut timed = Timed::new(|builder| builder.idle_timeout(10 * SECOND));
        timed.rig.act(|host, cx| {
            host.stream().with_output_handle(cx, |fd| {
                SockRef::from(&fd).set_send_buffer_size(16 << 10).expect("SO_SNDBUF");
            })
        });
        timed.pass(9 * SECOND);
        timed.rig.act(move |host, cx| {
            (0..60_000 / len).for_each(|_| drop(host.put(cx, vec![b'x'; len])));
        });
        timed.rig.turn();
        let unsent = timed.rig.act(|host, cx| host.stream().unsent(cx));
        assert!((1..60_000).contains(&unsent), "{unsent} left");
        timed.expect_after(10 * SECOND, &IDLE);
    }
}

#[test]
fn what_comes_too_late_is_not_told_and_an_answer_still_leaves() {
    for (limit, told) in [(0, IDLE), (1, FRAME), (2, LIFETIME)] {
        let mut timed = Timed::new(|builder| match limit {
            0 => builder.idle_timeout(10 * SECOND),
            1 => builder.frame_timeout(10 * SECOND),
            _ => builder.lifetime(10 * SECOND),
        });
        timed.rig.act(move |host, _| {
            host.react(|host, cx, heard| {
                if matches!(heard, Heard::Failed(..)) {
                    assert_eq!(host.put(cx, "408"), Put::Queued);
                    host.stream().shutdown_output(cx);
                }
            });
        });
        timed.send("half");
        timed.pass(10 * SECOND);
        timed.send(" a line\nand a whole one\n");
        assert_eq!(timed.rig.heard(), [told]);
        let mut answer = String::new();
        timed.peer.read_to_string(&mut answer).expect("read");
        assert_eq!(answer, "408\r\n");
    }
}

#[test]
fn a_stream_whose_time_is_over_keeps_nobody() {
    let (ours, _peer) = UnixStream::pair().expect("a pair");
    let clock = Clock::virtual_time();
    let rig = Rig::timed(&clock, ReadWrite::builder(ours).idle_timeout(10 * SECOND));
    let began = clock.now();
    assert_eq!(rig.end(), [IDLE, Heard::Stopped]);
    assert_eq!(clock.now(), began + 10 * SECOND);
}

#[test]
fn the_answer_to_a_stream_whose_time_is_over_leaves_before_the_session_stops() {
    let (ours, mut peer) = UnixStream::pair().expect("a pair");
    let clock = Clock::virtual_time();
    let rig = Rig::timed(&clock, ReadWrite::builder(ours).idle_timeout(10 * SECOND));
    let rig = rig.react(|host, cx, heard| {
        if *heard == IDLE {
            let _put = host.put(cx, "408");
            host.take().shutdown(cx);
        }
    });
    assert_eq!(rig.end(), [IDLE, Heard::Stopped]);
    let mut answer = String::new();
    peer.read_to_string(&mut answer).expect("read");
    assert_eq!(answer, "408");
}

/// What the peer goes on to send is read and thrown away, or the answer would be lost to a reset.
#[test]
fn p12_the_answer_to_a_stream_whose_time_is_over_is_not_lost() {
    for is_limit in [true, false] {
        let clock = Clock::virtual_time();
        let (ours, mut peer) = pair();
        let builder = ReadWrite::builder(ours).filter(Line::new()).frame_timeout(10 * SECOND);
        let mut rig = Rig::timed(&clock, builder);
        rig.act(|_, cx| cx.delay("word", 1000 * SECOND, "never"));
        peer.write_all(b"half").expect("write");
        rig.notice();
        if is_limit {
            clock.advance(10 * SECOND);
            rig.turn();
            assert_eq!(rig.heard(), [FRAME]);
        } else {
            rig.act(|host, cx| host.stream().shutdown_input(cx));
        }
        peer.write_all(b" a line\nand more").expect("write");
        rig.turns(3);
        rig.act(|host, cx| {
            assert_eq!(host.put(cx, "408"), Put::Queued);
            host.take().shutdown(cx);
        });
        rig.turns(3);
        half_close(&peer);
        rig.turns(5);
        assert_eq!(rig.kernel.wheel_count(), 0);
        assert_eq!(net::read_to_end(&mut peer), Ending::Closed(b"408\r\n".into()));
    }
}

#[test]
fn p43_bytes_do_not_lengthen_the_time_of_a_record() {
    let mut timed = Timed::new(|builder| builder.frame_timeout(10 * SECOND));
    timed.pass(100 * SECOND);
    for _ in 0..10 {
        timed.send("x");
        timed.pass(SECOND - MILLI);
    }
    assert_eq!(timed.rig.heard(), []);
    timed.pass(10 * MILLI);
    assert_eq!(timed.rig.heard(), [FRAME]);
}

#[test]
fn a_complete_record_ends_its_time_and_the_next_begins_with_its_first_byte() {
    let mut timed = Timed::new(|builder| builder.frame_timeout(10 * SECOND));
    timed.send("one");
    timed.pass(9 * SECOND);
    timed.send(" line\ntw");
    timed.pass(9 * SECOND);
    timed.send("o\n");
    timed.pass(100 * SECOND);
    assert_eq!(timed.rig.take_heard(), [item("one line"), item("two")]);
    timed.send("th");
    timed.expect_after(10 * SECOND, &FRAME);
}

/// The second half of an ending is no record, be it alone in its packet.
#[test]
fn a_line_feed_behind_its_carriage_return_begins_no_record() {
    let mut timed = Timed::new(|builder| builder.frame_timeout(10 * SECOND));
    for _ in 0..3 {
        timed.send("one\r");
        timed.pass(9 * SECOND);
        timed.send("\n");
        timed.pass(9 * SECOND);
    }
    timed.pass(100 * SECOND);
    assert_eq!(timed.rig.heard(), vec![item("one"); 3]);
}

#[test]
fn time_does_not_count_while_input_is_paused() {
    for (limit, told) in [(0, IDLE), (1, FRAME)] {
        let mut timed = Timed::new(|builder| match limit {
            0 => builder.idle_timeout(10 * SECOND),
            _ => builder.frame_timeout(10 * SECOND),
        });
        timed.send("half");
        timed.pass(6 * SECOND);
        timed.pause();
        timed.pass(1000 * SECOND);
        timed.resume();
        timed.expect_after(4 * SECOND, &told);
    }
}

#[test]
fn p43_a_pause_or_a_needless_resume_is_no_new_beginning() {
    let mut timed = Timed::new(|builder| builder.frame_timeout(10 * SECOND));
    timed.send("half");
    for _ in 0..9 {
        timed.pass(SECOND);
        timed.resume();
        timed.pause();
        timed.resume();
    }
    timed.expect_after(SECOND, &FRAME);
}

#[test]
fn a_needless_resume_does_not_end_the_silence() {
    let mut timed = Timed::new(|builder| builder.idle_timeout(10 * SECOND));
    timed.pass(9 * SECOND);
    timed.resume();
    timed.expect_after(SECOND, &IDLE);
}

#[test]
fn a_record_that_begins_during_a_pause_has_its_time_from_the_end_of_it() {
    let mut timed = Timed::new(|builder| builder.frame_timeout(10 * SECOND));
    timed.pause();
    timed.pass(50 * SECOND);
    timed.send("half");
    timed.pass(50 * SECOND);
    timed.resume();
    timed.expect_after(10 * SECOND, &FRAME);
}

#[test]
fn age_is_told_whatever_moves_and_though_input_is_paused() {
    let mut timed = Timed::new(|builder| builder.lifetime(100 * SECOND));
    for _ in 0..19 {
        timed.pass(5 * SECOND);
        timed.send("x\n");
    }
    timed.pause();
    timed.send("y\n");
    timed.expect_after(5 * SECOND, &LIFETIME);
}

#[test]
fn a_limit_is_nothing_to_a_stream_that_has_ended() {
    let mut timed =
        Timed::new(|builder| builder.idle_timeout(SECOND).frame_timeout(SECOND).lifetime(SECOND));
    timed.send("one\n");
    timed.peer.shutdown(std::net::Shutdown::Write).expect("shutdown");
    timed.rig.turns(3);
    timed.pass(1000 * SECOND);
    assert_eq!(timed.rig.heard(), [item("one"), END]);
}

#[test]
fn of_several_limits_each_is_told_in_its_time_and_only_the_first() {
    let mut timed = Timed::new(|builder| {
        builder.idle_timeout(10 * SECOND).frame_timeout(20 * SECOND).lifetime(30 * SECOND)
    });
    for _ in 0..2 {
        timed.send("x");
        timed.pass(9 * SECOND);
    }
    timed.send("x");
    timed.expect_after(2 * SECOND, &FRAME);
}

#[test]
fn limits_that_are_reached_together_are_told_as_one() {
    let mut timed = Timed::new(|builder| {
        builder.idle_timeout(10 * SECOND).frame_timeout(10 * SECOND).lifetime(10 * SECOND)
    });
    timed.send("x");
    timed.expect_after(10 * SECOND, &LIFETIME);
}

/// And from then on all limits hold as before.
#[test]
fn a_filter_in_the_place_of_one_that_refused_has_its_time() {
    let mut timed = Timed::new(|builder| builder.idle_timeout(10 * SECOND));
    timed.send(&"x".repeat(200));
    assert_eq!(timed.rig.take_heard(), [Heard::Failed(Operation::Decode, EMSGSIZE, 0)]);
    timed.pass(1000 * SECOND);
    assert_eq!(timed.rig.heard(), []);
    timed.rig.act(|host, cx| assert!(host.stream().replace_filter(cx, Line::new()).is_some()));
    timed.rig.turns(2);
    timed.expect_after(10 * SECOND, &IDLE);
}

/// Neither set nor moved.
#[test]
fn a_packet_costs_no_timer() {
    let mut timed = Timed::new(|builder| {
        let builder = builder.idle_timeout(60 * SECOND).frame_timeout(70 * SECOND);
        builder.stall_timeout(80 * SECOND).lifetime(10_000 * SECOND)
    });
    timed.send("x");
    let alarm = timed.rig.kernel.next_event_time();
    for _ in 0..1000 {
        timed.send("x\nx");
        timed.rig.act(|host, cx| drop(host.put(cx, "y")));
        timed.pass(50 * MILLI);
        assert_eq!(timed.rig.kernel.event_count(), 2, "the wheel's, and the session's own");
        assert_eq!(timed.rig.kernel.next_event_time(), alarm);
    }
}

#[test]
fn limits_do_not_disturb_a_session_that_does_other_things() {
    let mut timed = Timed::new(|builder| builder.idle_timeout(10 * SECOND));
    timed.rig.act(|_, cx| {
        for second in 1..=20 {
            cx.delay_add("word", second * SECOND, "tick");
        }
    });
    (0..20).for_each(|_| timed.pass(SECOND));
    let mut whole = vec![Heard::Word("tick"); 20];
    whole.insert(9, IDLE);
    let mut told = timed.rig.heard();
    // The tenth tick is due at the same time, and may come first.
    if told[9] != IDLE {
        told.swap(9, 10);
    }
    assert_eq!(told, whole);
}

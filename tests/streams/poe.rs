//! POE's own test of this wheel, `10_units/05_wheels`'s `wheel_readwrite`, as far as it applies.
//!
//! Its first half checks that wrong parameters are fatal: here they do not compile, or are put right as
//! the builder says (a low mark that is not below the high one). Its second half is one session with a
//! file of three lines. One thing is different on purpose: what was read already is not told either while
//! input is paused, where POE goes on telling it.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use reactor::{Clock, Context, Kernel, States, WheelId};
use testkit::net;
use wheels::filter::{Line, Stream};
use wheels::{Failure, Input, Put, ReadWrite};

use crate::support::{HIGH, LOW, Rig, pair};

#[derive(Default)]
struct Host {
    wheel: Option<ReadWrite<Line>>,
    /// Another hand on the same file, as in POE `seek` is asked of the handle.
    file: Option<File>,
    rounds: usize,
    seen: Rc<RefCell<Seen>>,
}

#[derive(Default, PartialEq, Eq, Debug)]
struct Seen {
    lines: Vec<Bytes>,
    ends: usize,
    flushes: usize,
    lows: usize,
    /// Lines that were told while input was paused.
    while_paused: usize,
}

impl Host {
    fn wheel(&self, id: WheelId) -> &ReadWrite<Line> {
        let wheel = self.wheel.as_ref().expect("it is held");
        assert_eq!(wheel.id(), id, "each event says of which wheel it is");
        wheel
    }

    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        let file = self.file.as_ref().expect("there is a file").try_clone().expect("dup");
        let builder = ReadWrite::builder(file).filter(Line::new());
        let builder = builder.flushed_event("wrong").high_mark(12, "wrong").low_mark(1, "wrong");
        let wheel = builder.build(cx, "wrong", "wrong");
        wheel.set_input_event(cx, "input");
        wheel.set_failure_event(cx, "error");
        wheel.set_flushed_event(cx, Some("flushed"));
        wheel.set_high_event(cx, Some("high"));
        wheel.set_low_event(cx, Some("low"));
        assert!(wheel.with_filter(cx, |_| ()).is_some());
        self.wheel = Some(wheel);
    }

    fn input(&mut self, cx: &mut Context<'_>, input: Input<Bytes>) {
        self.seen.borrow_mut().lines.push(input.item);
        if self.seen.borrow().lines.len() == 1 {
            self.wheel(input.wheel).pause_input(cx);
            cx.delay("resume", Duration::from_millis(500), ());
        }
    }

    fn resume(&mut self, cx: &mut Context<'_>, (): ()) {
        let mut seen = self.seen.borrow_mut();
        seen.while_paused = seen.lines.len() - 1;
        drop(seen);
        // What was read stays, and behind it comes the file from its beginning.
        self.file.as_mut().expect("it is there").seek(SeekFrom::Start(0)).expect("seek");
        self.wheel.as_ref().expect("it is held").resume_input(cx);
    }

    fn error(&mut self, cx: &mut Context<'_>, failure: Failure) {
        assert!(failure.is_end(), "{failure}");
        self.seen.borrow_mut().ends += 1;
        let put = self.wheel(failure.wheel).put(cx, "one line");
        assert!(matches!(put, Put::Queued | Put::High));
    }

    fn flushed(&mut self, cx: &mut Context<'_>, wheel: WheelId) {
        self.seen.borrow_mut().flushes += 1;
        self.rounds += 1;
        if self.rounds < 3 {
            for line in ["one", "two", "three"] {
                let _put = self.wheel(wheel).put(cx, line);
            }
            return;
        }
        let held = self.wheel(wheel);
        held.shutdown_input(cx);
        held.shutdown_output(cx);
        self.wheel = None;
    }
}

#[test]
fn the_file_is_read_twice_and_written_in_three_rounds() {
    let fd = rustix::fs::memfd_create("content", rustix::fs::MemfdFlags::CLOEXEC);
    let mut file = File::from(fd.expect("memfd_create"));
    file.write_all(b"this is line one\nthis is line two\nthis is line three\n").expect("write");
    file.rewind().expect("seek");
    let mut copy = file.try_clone().expect("dup");
    let states = States::new()
        .on_start(Host::start)
        .on("wrong", |_: &mut Host, _: &mut Context<'_>, _: Input<Bytes>| panic!("an old name"))
        .on("input", Host::input)
        .on("resume", Host::resume)
        .on("error", Host::error)
        .on("flushed", Host::flushed)
        .on("high", |_: &mut Host, _: &mut Context<'_>, _: WheelId| panic!("a file takes all"))
        .on("low", |host: &mut Host, _: &mut Context<'_>, _: WheelId| {
            host.seen.borrow_mut().lows += 1;
        });
    let clock = Clock::virtual_time();
    let mut kernel = Kernel::builder().clock(clock.clone()).build().expect("a kernel");
    let seen: Rc<RefCell<Seen>> = Rc::default();
    let host = Host { file: Some(file), seen: Rc::clone(&seen), ..Host::default() };
    let began = clock.now();
    kernel.spawn(&states, host);
    net::run_to_end(&mut kernel);
    assert_eq!(clock.now(), began + Duration::from_millis(500));
    let three = ["this is line one", "this is line two", "this is line three"];
    let lines = [three, three].concat();
    // No low event: the high mark was not reached, which POE does not ask for.
    let whole = Seen {
        lines: lines.into_iter().map(Bytes::from).collect(),
        ends: 1,
        flushes: 3,
        lows: 0,
        while_paused: 0,
    };
    assert_eq!(*seen.borrow(), whole);
    copy.rewind().expect("seek");
    let mut content = String::new();
    copy.read_to_string(&mut content).expect("read");
    let written = &content[content.find("three\n").expect("the third line") + 6..];
    assert_eq!(written, ["one line\r\n", &"one\r\ntwo\r\nthree\r\n".repeat(2)].concat());
}

/// The part that POE has disabled: marks that are changed on the way.
#[test]
fn marks_that_are_changed_are_told_at_the_new_places() {
    let (ours, mut peer) = pair();
    let builder = ReadWrite::builder(ours).low_mark(1, &LOW).high_mark(1, &HIGH);
    let mut rig: Rig<Stream> = Rig::new(builder);
    rig.act(|host, cx| {
        host.stream().set_high_mark(cx, 512);
        host.stream().set_low_mark(cx, 32);
    });
    let mut len = 0;
    while rig.heard().is_empty() {
        len += 1 << 20;
        rig.act(|host, cx| drop(host.put(cx, vec![b'x'; 1 << 20])));
        rig.turns(2);
    }
    rig.read_meanwhile(&mut peer, len);
    rig.turns(3);
    assert_eq!(rig.heard(), [crate::support::Heard::High, crate::support::Heard::Low]);
}

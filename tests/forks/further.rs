//! Row 19: what a wheel watches beside its first descriptor, each process watches by itself.

use std::cell::RefCell;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use reactor::{Bound, Context, Forked, Handle, Io, Readiness, WatchId, Wheel};
use testkit::story::Stage;

use crate::Test;
use crate::handover::wait_by_hand;

pub const TESTS: &[Test] = &[
    ("p19_both_processes_watch_every_descriptor_of_a_wheel", both_watch),
    ("a_child_has_a_copy_of_what_wheels_share", shared_value),
];

type Told = Rc<RefCell<Vec<(usize, bool)>>>;

/// Notes which of its streams is ready, and whether there is something to read.
struct Streams {
    watched: Vec<(WatchId, UnixStream)>,
    told: Told,
}

impl Streams {
    fn start<const N: usize>(
        cx: &mut Context<'_>,
        streams: [UnixStream; N],
        told: Told,
    ) -> Handle<Self> {
        cx.add_wheel(|io| {
            let watched =
                streams.map(|stream| (io.watch_also(&stream).expect("watched").0, stream));
            Self { watched: watched.into(), told }
        })
    }
}

impl Wheel for Streams {
    type Event = (Bound<()>, ());

    fn ready(&mut self, _: Readiness) {
        panic!("it watches nothing by itself");
    }

    fn ready_also(&mut self, watch: &WatchId, readiness: Readiness) {
        let place = self.watched.iter().position(|(watched, _)| watched == watch);
        let place = place.expect("the name is the same in both");
        self.told.borrow_mut().push((place, readiness.contains(Readiness::READABLE)));
    }

    fn next(&mut self, _: &mut Io<'_>) -> Option<Self::Event> {
        None
    }
}

fn both_watch() {
    let (first, mut to_first) = UnixStream::pair().unwrap();
    let (second, mut to_second) = UnixStream::pair().unwrap();
    let told = Told::default();
    let noted = Rc::clone(&told);
    let mut stage = Stage::new();
    let a = stage.actor("a", move |actor, cx| {
        actor.held.push(Box::new(Streams::start(cx, [first, second], noted)));
    });
    stage.turn();
    let mut sorted = told.take();
    sorted.sort_unstable();
    assert_eq!(sorted, [(0, false), (1, false)]);
    let forked = stage.kernel.fork().unwrap();
    if forked == Forked::Child {
        stage.turn();
        let mut sorted = told.take();
        sorted.sort_unstable();
        assert_eq!(sorted, [(0, false), (1, false)], "its own poll tells it anew");
        to_second.write_all(b"x").unwrap();
        stage.turn();
        assert_eq!(told.take(), [(1, true)]);
    }
    if let Forked::Parent { child } = forked {
        wait_by_hand(child);
        stage.turn();
        assert_eq!(told.take(), [(1, true)], "the stream is of both");
        to_first.write_all(b"x").unwrap();
        stage.turn();
        assert_eq!(told.take(), [(0, true)], "the child closed its own");
    }
    stage.act(a, |actor, _| actor.held.clear());
    let (_, lines) = testkit::logs::capture_warnings(|| stage.run());
    assert_eq!(lines, []);
}

#[derive(Default)]
struct Count(u32);

fn shared_value() {
    fn count(stage: &mut Stage) -> u32 {
        let seen = Rc::new(RefCell::new(0));
        let told = Rc::clone(&seen);
        stage.actor("a", move |_, cx| {
            let _closed = cx.add_wheel(|io| {
                let Count(count) = io.shared_value();
                *count += 1;
                told.replace(*count);
                Streams { watched: Vec::new(), told: Told::default() }
            });
        });
        stage.turn();
        seen.take()
    }
    let mut stage = Stage::new();
    assert_eq!(count(&mut stage), 1);
    let forked = stage.kernel.fork().unwrap();
    assert_eq!(count(&mut stage), 2);
    if let Forked::Parent { child } = forked {
        wait_by_hand(child);
        assert_eq!(count(&mut stage), 3);
    }
    stage.run();
}

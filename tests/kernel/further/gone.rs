//! Nobody is told of what is unwatched or closed.

use std::cell::Cell;
use std::os::fd::RawFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use reactor::{Context, Handle, WheelId};
use rustix::io::fcntl_dupfd_cloexec;
use testkit::story::Stage;

use super::{Many, Notes, let_go, many, pairs, stage_with, write};
use crate::parts::made;

#[test]
fn a_descriptor_that_is_unwatched_is_told_no_more_and_the_others_are() {
    let (mut stage, a, theirs, notes) = stage_with::<3>(|_| ());
    stage.act(a, |actor, cx| {
        let (wheel, mut io) = cx.wheel(many(actor)).expect("open");
        wheel.stop(1, &mut io);
    });
    theirs.iter().for_each(|stream| write(stream, b"x"));
    stage.turn();
    let mut noted = notes.take();
    noted.sort_unstable();
    assert_eq!(noted, [(0, true), (2, true)]);
    // It can be watched again.
    stage.act(a, |actor, cx| {
        let (wheel, mut io) = cx.wheel(many(actor)).expect("open");
        let source = wheel.sources.iter_mut().find(|source| source.number == 1).expect("kept");
        source.watch = Some(io.watch_also(&source.stream).expect("not watched").0);
    });
    stage.turn();
    assert_eq!(notes.take(), [(1, true)]);
    let_go(&mut stage, a);
}

#[test]
fn p20_a_notice_on_its_way_to_a_descriptor_that_is_unwatched_is_not_told() {
    let (mut stage, a, theirs, notes) = stage_with::<4>(|many| many.jealous = true);
    let before = stage.kernel.stats().notices;
    theirs.iter().for_each(|stream| write(stream, b"x"));
    stage.turn();
    assert_eq!(stage.kernel.stats().notices, before + 4, "all in one batch");
    assert_eq!(notes.take().len(), 1, "whoever was first unwatched the others");
    let_go(&mut stage, a);
}

/// The same stream by another number: this, or the next that is free.
fn at_number(stream: &UnixStream, number: RawFd) -> UnixStream {
    fcntl_dupfd_cloexec(stream, number).expect("a descriptor").into()
}

/// Two wheels of three streams with a notice for each in one batch. Whichever is served first has the
/// other closed at its first byte, and at its second a wheel made in the slot that is free.
#[derive(Default)]
struct Batch {
    wheels: [Option<Handle<Many>>; 2],
    closed: Option<WheelId>,
    newcomer: Option<Handle<Many>>,
    notes: Notes,
}

impl Batch {
    fn came(&mut self, cx: &mut Context<'_>, from: usize) {
        let Some(closed) = self.closed else {
            self.closed = self.wheels[1 - from / 10].take().map(|other| other.id());
            return;
        };
        if self.newcomer.is_some() {
            return;
        }
        let (ours, _) = pairs::<3>();
        // The numbers of those that were closed, unless somebody else in the process has them now.
        let ours = ours.map(|stream| at_number(&stream, 800));
        let newcomer = Many::start(cx, ours, |many| many.notes = Rc::clone(&self.notes));
        let slot = |id: WheelId| id.to_string().split('.').next().map(str::to_owned);
        assert_eq!(slot(newcomer.id()), slot(closed), "it is used again");
        self.newcomer = Some(newcomer);
    }
}

#[test]
fn p20_a_wheel_in_the_slot_of_another_hears_nothing_of_its_descriptors() {
    let mut stage = Stage::new();
    let (ours, theirs) = pairs::<6>();
    let ours = ours.map(|stream| at_number(&stream, 800));
    let batch = Batch::default();
    let notes = Rc::clone(&batch.notes);
    let states = reactor::States::new()
        .on("start", |batch: &mut Batch, cx: &mut Context<'_>, streams: Vec<UnixStream>| {
            let mut streams = streams.into_iter();
            for (place, wheel) in batch.wheels.iter_mut().enumerate() {
                *wheel = Some(Many::start(cx, streams.by_ref().take(3), |many| {
                    many.sources.iter_mut().for_each(|source| source.number += 10 * place);
                }));
            }
        })
        .on("came", |batch: &mut Batch, cx: &mut Context<'_>, number: u64| {
            batch.came(cx, usize::try_from(number).expect("small"));
        })
        .on("end", |batch: &mut Batch, _: &mut Context<'_>, ()| *batch = Batch::default());
    let session = stage.kernel.spawn(&states, batch);
    stage.kernel.post(session, "start", Vec::from(ours)).expect("alive");
    stage.turn();
    stage.turn();
    let before = stage.kernel.stats().notices;
    theirs.iter().for_each(|stream| write(stream, b"ab"));
    stage.turn();
    assert_eq!(stage.kernel.stats().notices, before + 6, "all in one batch");
    assert_eq!((stage.kernel.wheel_count(), notes.take()), (2, vec![]));
    stage.turn();
    let mut noted: Vec<_> = notes.take().into_iter().map(|(number, _)| number).collect();
    noted.sort_unstable();
    assert_eq!(noted, [0, 1, 2], "the next is told of its own");
    stage.kernel.post(session, "end", ()).expect("alive");
    stage.run();
}

#[test]
fn a_session_that_stops_has_its_wheels_further_descriptors_forgotten() {
    let (ours, theirs) = pairs::<2>();
    let keep = ours.each_ref().map(|stream| stream.try_clone().expect("a descriptor"));
    let mut stage = Stage::new();
    let a = stage.actor("a", move |actor, cx| {
        actor.held.push(Box::new(Many::start(cx, ours, |_| ())));
    });
    stage.turn();
    stage.kernel.stop();
    let (_, lines) = testkit::logs::capture_warnings(|| stage.run());
    assert_eq!((lines, stage.kernel.wheel_count()), (vec![], 0));
    assert_eq!(stage.kernel.why_alive(a), None);
    // The open files live on, and nobody is told of them.
    let before = stage.kernel.stats().notices;
    theirs.iter().for_each(|stream| write(stream, b"x"));
    stage.kernel.run_one_turn(std::time::Duration::ZERO).expect("a turn");
    assert_eq!(stage.kernel.stats().notices, before);
    drop(keep);
}

#[test]
fn a_wheel_of_further_descriptors_alone_frees_them_for_who_waits() {
    let (mut stage, a, theirs, _) = stage_with::<2>(|_| ());
    let asked: Rc<Cell<u32>> = Rc::default();
    let count = Rc::clone(&asked);
    let b = stage.actor("b", move |actor, cx| {
        let event = cx.symbol("came");
        let handle = cx.add_wheel(|io| {
            io.wake_on_close();
            made(event, move |_| {
                count.set(count.get() + 1);
                None
            })
        });
        actor.held.push(Box::new(handle));
    });
    stage.turn();
    assert_eq!(asked.get(), 0);
    stage.act(a, |actor, _| actor.held.clear());
    stage.turn();
    stage.turn();
    assert_eq!(asked.get(), 1);
    drop(theirs);
    let_go(&mut stage, b);
}

//! Wheels that watch several descriptors, and what wheels of one kind share.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use reactor::{Bound, Context, Handle, Io, Readiness, Symbol, WatchId, Watched, Wheel, WheelId};
use rustix::io::fcntl_dupfd_cloexec;
use testkit::story::{Actor, Stage, act};

use crate::parts::{Reader, made, pair};

/// What a wheel was told: of which of its descriptors, and whether there is something to read.
type Notes = Rc<RefCell<Vec<(usize, bool)>>>;

/// Reads from several streams, a byte at a time, and tells which each byte came from.
struct Many {
    sources: Vec<Source>,
    event: Symbol,
    notes: Notes,
    /// Bytes that it takes in one turn.
    share: usize,
    left: usize,
    /// Unwatches the others when it has read its first byte.
    jealous: bool,
}

struct Source {
    number: usize,
    watch: Option<WatchId>,
    stream: UnixStream,
    readable: bool,
}

impl Many {
    /// A wheel that watches the streams, and nothing by `Io::watch`.
    fn new(io: &mut Io<'_>, event: Symbol, streams: impl IntoIterator<Item = UnixStream>) -> Self {
        let sources = streams.into_iter().enumerate().map(|(number, stream)| {
            let (watch, watched) = io.watch_also(&stream).expect("a stream can be watched");
            assert_eq!(watched, Watched::WhenReady);
            Source { number, watch: Some(watch), stream, readable: false }
        });
        let sources = sources.collect();
        let (share, notes) = (usize::MAX, Notes::default());
        Self { sources, event, notes, share, left: share, jealous: false }
    }

    fn start(
        cx: &mut Context<'_>,
        streams: impl IntoIterator<Item = UnixStream>,
        with: impl FnOnce(&mut Self),
    ) -> Handle<Self> {
        let event = cx.symbol("came");
        cx.add_wheel(|io| {
            let mut many = Self::new(io, event, streams);
            with(&mut many);
            many
        })
    }

    fn stop(&mut self, number: usize, io: &mut Io<'_>) {
        if let Some(watch) = self.sources[number].watch.take() {
            io.unwatch_also(watch);
        }
    }

    fn read(&mut self) -> Option<usize> {
        // Who had the last byte is the last to have another.
        let place = self.sources.iter().position(|source| source.readable)?;
        let source = &mut self.sources[place];
        match (&source.stream).read(&mut [0]) {
            Ok(1) => {
                let number = source.number;
                if self.sources.len() > 1 {
                    self.sources[place..].rotate_left(1);
                }
                Some(number)
            }
            Ok(_) => {
                source.readable = false;
                self.read()
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                source.readable = false;
                self.read()
            }
        }
    }
}

impl Wheel for Many {
    type Event = (Bound<u64>, u64);

    fn ready(&mut self, _: Readiness) {
        panic!("it watches nothing by itself");
    }

    fn ready_also(&mut self, watch: &WatchId, readiness: Readiness) {
        let source = self.sources.iter_mut().find(|source| source.watch.as_ref() == Some(watch));
        let source = source.expect("a watch of this wheel");
        let readable = readiness.contains(Readiness::READABLE);
        source.readable |= readable;
        self.notes.borrow_mut().push((source.number, readable));
    }

    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        if self.left == 0 {
            self.left = self.share;
            io.again();
            return None;
        }
        let Some(number) = self.read() else {
            self.left = self.share;
            return None;
        };
        self.left -= 1;
        if std::mem::take(&mut self.jealous) {
            for place in 0..self.sources.len() {
                if self.sources[place].number != number {
                    self.stop(place, io);
                }
            }
        }
        Some((Bound::new(io.session(), self.event), number as u64))
    }
}

fn pairs<const N: usize>() -> ([UnixStream; N], [UnixStream; N]) {
    let mut theirs = Vec::new();
    let ours = std::array::from_fn(|_| {
        let (ours, other) = pair();
        theirs.push(other);
        ours
    });
    (ours, theirs.try_into().expect("as many"))
}

fn write(stream: &UnixStream, bytes: &[u8]) {
    (&mut &*stream).write_all(bytes).expect("there is room");
}

/// The wheel of an actor that holds nothing else.
fn many(actor: &Actor) -> &Handle<Many> {
    actor.held[0].downcast_ref().expect("held first")
}

/// An actor with a wheel of so many streams, the other ends, and what the wheel is told. One turn has
/// passed, in which each was told to be writable.
fn stage_with<const N: usize>(
    with: impl FnOnce(&mut Many) + 'static,
) -> (Stage, reactor::SessionId, [UnixStream; N], Notes) {
    let mut stage = Stage::new();
    let (ours, theirs) = pairs::<N>();
    let notes = Notes::default();
    let noted = Rc::clone(&notes);
    let session = stage.actor("a", move |actor, cx| {
        let handle = Many::start(cx, ours, |many| {
            many.notes = noted;
            with(many);
        });
        actor.held.push(Box::new(handle));
    });
    stage.turn();
    let mut first = notes.take();
    first.sort_unstable();
    assert_eq!(first, std::array::from_fn::<_, N, _>(|number| (number, false)));
    (stage, session, theirs, notes)
}

fn let_go(stage: &mut Stage, session: reactor::SessionId) {
    stage.act(session, |actor, _| actor.held.clear());
    let (_, lines) = testkit::logs::capture_warnings(|| stage.run());
    assert_eq!(lines, []);
}

#[test]
fn a_wheel_of_several_descriptors_is_told_which_is_ready() {
    let (mut stage, a, theirs, notes) = stage_with::<3>(|_| ());
    for number in [2, 0, 1] {
        write(&theirs[number], b"x");
        stage.turn();
        assert_eq!(notes.take(), [(number, true)]);
    }
    stage.turn();
    assert_eq!(notes.take(), [], "told once");
    stage.assert(["a: came", "a: came", "a: came"]);
    let_go(&mut stage, a);
}

#[test]
fn a_wheel_has_its_first_descriptor_beside_the_further_ones() {
    let mut stage = Stage::new();
    let (ours, theirs) = pairs::<2>();
    let told: Rc<RefCell<Vec<&str>>> = Rc::default();
    let noted = Rc::clone(&told);
    let a = stage.actor("a", move |actor, cx| {
        let handle = cx.add_wheel(|io| {
            io.watch(&ours[0]).expect("watched");
            let (watch, _) = io.watch_also(&ours[1]).expect("watched beside");
            Both { told: noted, watch, _open: ours }
        });
        actor.held.push(Box::new(handle));
    });
    stage.turn();
    told.take();
    write(&theirs[1], b"x");
    stage.turn();
    assert_eq!(told.take(), ["further"]);
    write(&theirs[0], b"x");
    stage.turn();
    assert_eq!(told.take(), ["first"]);
    stage.act(a, |actor, cx| {
        let handle = actor.held[0].downcast_ref::<Handle<Both>>().expect("held");
        cx.wheel(handle).expect("open").1.unwatch();
    });
    write(&theirs[0], b"x");
    write(&theirs[1], b"x");
    stage.turn();
    assert_eq!(told.take(), ["further"], "the first is watched no more");
    let_go(&mut stage, a);
}

/// Watches in both ways.
struct Both {
    told: Rc<RefCell<Vec<&'static str>>>,
    watch: WatchId,
    _open: [UnixStream; 2],
}

impl Wheel for Both {
    type Event = (Bound<u64>, u64);

    fn ready(&mut self, _: Readiness) {
        self.told.borrow_mut().push("first");
    }

    fn ready_also(&mut self, watch: &WatchId, _: Readiness) {
        assert_eq!(*watch, self.watch);
        self.told.borrow_mut().push("further");
    }

    fn next(&mut self, _: &mut Io<'_>) -> Option<Self::Event> {
        None
    }
}

#[test]
fn a_wheel_that_does_not_tell_its_descriptors_apart_is_told_by_ready() {
    let mut stage = Stage::new();
    let (ours, theirs) = pairs::<2>();
    let told: Rc<Cell<u32>> = Rc::default();
    let count = Rc::clone(&told);
    let a = stage.actor("a", move |actor, cx| {
        let event = cx.symbol("came");
        let handle = cx.add_wheel(|io| {
            for stream in &ours {
                let _ = io.watch_also(stream).expect("watched");
            }
            made(event, move |_| {
                let _open = &ours;
                None
            })
            .on_ready(move |_| count.set(count.get() + 1))
        });
        actor.held.push(Box::new(handle));
    });
    stage.turn();
    assert_eq!(told.take(), 2);
    write(&theirs[1], b"x");
    stage.turn();
    assert_eq!(told.take(), 1);
    let_go(&mut stage, a);
}

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
fn a_wheel_with_more_than_its_share_goes_on_in_the_next_turn_with_all_its_descriptors() {
    let (mut stage, a, theirs, notes) = stage_with::<3>(|many| {
        many.share = 4;
        many.left = 4;
    });
    let (other, peer) = pair();
    stage.act(a, move |actor, cx| {
        actor.held.push(Box::new(Reader::start(cx, other, "other", 1)));
    });
    stage.turn();
    theirs.iter().for_each(|stream| write(stream, b"abcd"));
    for turn in 1..=3 {
        write(&peer, b"x");
        stage.turn();
        let told = stage.story.take();
        let came = told.iter().filter(|line| *line == "a: came").count();
        assert_eq!((came, told.len()), (4, 5), "turn {turn}: {told:?}");
    }
    assert_eq!(notes.take().len(), 3, "the system told each once");
    stage.turn();
    stage.assert([]);
    let_go(&mut stage, a);
}

#[test]
fn a_descriptor_that_is_watched_already_is_refused_and_nothing_changes() {
    let mut stage = Stage::new();
    let (ours, _theirs) = pairs::<2>();
    stage.actor("a", move |actor, cx| {
        let event = cx.symbol("came");
        let taken = |io: &mut Io<'_>, stream: &UnixStream| {
            let refused = io.watch_also(stream).expect_err("it is watched");
            assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
        };
        let [first, further] = &ours;
        let one = cx.add_wheel(|io| {
            io.watch(first).expect("watched");
            taken(io, first);
            let (watch, _) = io.watch_also(further).expect("watched");
            taken(io, further);
            io.unwatch_also(watch);
            let (_, watched) = io.watch_also(further).expect("watched again");
            assert_eq!(watched, Watched::WhenReady);
            made(event, |_| None)
        });
        let two = cx.add_wheel(|io| {
            taken(io, first);
            taken(io, further);
            made(event, |_| None)
        });
        // Closed after the wheels that watch them: fields are dropped in order.
        actor.held.push(Box::new((one, two)));
        actor.held.push(Box::new(ours));
        cx.yield_("act", act(|actor, _| drop(actor.held.remove(0))));
    });
    let (_, lines) = testkit::logs::capture_warnings(|| stage.run());
    assert_eq!(lines, []);
}

#[test]
fn the_name_of_another_wheels_descriptor_unwatches_nothing() {
    let (mut stage, a, theirs, notes) = stage_with::<1>(|_| ());
    stage.act(a, |actor, cx| {
        let (wheel, _) = cx.wheel(many(actor)).expect("open");
        let watch = wheel.sources[0].watch.take().expect("watched");
        let event = cx.symbol("came");
        let (stranger, _) = pair();
        let mut watch = Some(watch);
        let two = cx.add_wheel(|io| {
            let (mine, _) = io.watch_also(&stranger).expect("watched");
            assert_ne!(Some(&mine), watch.as_ref());
            io.unwatch_also(watch.take().expect("taken once"));
            io.unwatch_also(mine);
            made(event, |_| None)
        });
        drop(two);
        // The kernel still has it, or it could be watched again.
        let (wheel, mut io) = cx.wheel(many(actor)).expect("open");
        let refused = io.watch_also(&wheel.sources[0].stream).expect_err("it is watched");
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    });
    drop((theirs, notes));
    let_go(&mut stage, a);
}

#[test]
fn p40_a_further_descriptor_that_is_always_ready_is_asked_at_once() {
    let mut stage = Stage::new();
    let path = std::env::current_exe().expect("a program");
    for path in [path.as_path(), std::path::Path::new("/dev/null")] {
        let file = File::open(path).expect("it is there");
        stage.actor("a", move |actor, cx| {
            let event = cx.symbol("came");
            let mut left = 1..=1;
            let handle = cx.add_wheel(|io| {
                let (one, watched) = io.watch_also(&file).expect("always ready");
                assert_eq!(watched, Watched::AlwaysReady);
                let (two, _) = io.watch_also(&file).expect("as often as one likes");
                assert_ne!(one, two);
                io.unwatch_also(one);
                io.release_session();
                made(event, move |_| {
                    let _open = (&file, &two);
                    left.next()
                })
            });
            actor.held.push(Box::new(handle));
            cx.delay("end", std::time::Duration::from_secs(1), ());
        });
        stage.run();
        stage.assert(["a: came", "a: end", "a: _stop"]);
    }
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

#[test]
fn a_snapshot_shows_every_descriptor_of_a_wheel() {
    let (mut stage, a, theirs, _) = stage_with::<2>(|_| ());
    let numbers: Rc<RefCell<Vec<RawFd>>> = Rc::default();
    let seen = Rc::clone(&numbers);
    stage.act(a, move |actor, cx| {
        let (wheel, _) = cx.wheel(many(actor)).expect("open");
        seen.replace(wheel.sources.iter().map(|source| source.stream.as_raw_fd()).collect());
    });
    let snapshot = stage.kernel.snapshot();
    let session = snapshot.sessions.iter().find(|session| session.id == a).expect("alive");
    let mut shown = session.wheels[0].further.clone();
    shown.sort_unstable();
    let mut numbers = numbers.take();
    numbers.sort_unstable();
    assert_eq!((session.wheels[0].descriptor, shown), (None, numbers.clone()));
    for number in numbers {
        assert!(snapshot.to_string().contains(&format!(", descriptor {number}")));
    }
    drop(theirs);
    let_go(&mut stage, a);
}

#[derive(Default)]
struct Count(u32);

#[derive(Default)]
struct Other(u32);

/// How often a wheel was made in this kernel before, by a value that it shares with the others.
fn counted(stage: &mut Stage) -> u32 {
    let seen: Rc<Cell<u32>> = Rc::default();
    let told = Rc::clone(&seen);
    stage.actor("a", move |_, cx| {
        let event = cx.symbol("came");
        let _closed = cx.add_wheel(|io| {
            let Count(count) = io.shared_value();
            told.set(*count);
            *count += 1;
            assert_eq!(io.shared_value::<Other>().0, 0, "another type's is another");
            made(event, |_| None)
        });
    });
    stage.turn();
    seen.get()
}

#[test]
fn wheels_share_one_value_for_each_kernel_and_type() {
    let (mut one, mut two) = (Stage::new(), Stage::new());
    assert_eq!((counted(&mut one), counted(&mut one)), (0, 1));
    assert_eq!(counted(&mut two), 0);
    one.run();
    assert_eq!(counted(&mut one), 2, "it outlives the sessions");
    one.run();
    two.run();
}

#[derive(Default)]
struct Told(Option<Rc<Cell<bool>>>);

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(told) = &self.0 {
            told.set(true);
        }
    }
}

#[test]
fn a_shared_value_is_dropped_with_its_kernel() {
    let dropped: Rc<Cell<bool>> = Rc::default();
    let told = Rc::clone(&dropped);
    let mut stage = Stage::new();
    stage.actor("a", move |_, cx| {
        let event = cx.symbol("came");
        let _closed = cx.add_wheel(|io| {
            io.shared_value::<Told>().0 = Some(told);
            made(event, |_| None)
        });
    });
    stage.run();
    assert!(!dropped.get());
    drop(stage);
    assert!(dropped.get());
}

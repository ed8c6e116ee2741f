//! Wheels that watch several descriptors.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use reactor::{
    Bound, Clock, Context, Event, Handle, Io, Kernel, Readiness, SessionId, States, Symbol,
    WatchId, Watched, Wheel,
};

use testkit::story::Stage;

use crate::parts::{made, pair};

/// Reads several streams, each by a watch of its own, and tells which of them something came from.
struct Many {
    event: Symbol,
    streams: Vec<(UnixStream, Option<WatchId>)>,
    /// Those that something was said of, last first.
    ready: Vec<usize>,
}

impl Many {
    /// The first with the wheel's own watch, the others with further ones.
    fn new(io: &mut Io<'_>, event: Symbol, streams: Vec<UnixStream>) -> Self {
        let watch = |(place, stream): (usize, UnixStream)| {
            let watch = if place == 0 {
                assert_eq!(io.watch(&stream).unwrap(), Watched::WhenReady);
                None
            } else {
                let (watch, watched) = io.watch_also(&stream).unwrap();
                assert_eq!(watched, Watched::WhenReady);
                Some(watch)
            };
            (stream, watch)
        };
        let streams = streams.into_iter().enumerate().map(watch).collect();
        Self { event, streams, ready: Vec::new() }
    }

    fn note(&mut self, watch: Option<WatchId>, readiness: Readiness) {
        let place = self.streams.iter().position(|(_, its)| *its == watch);
        if readiness.contains(Readiness::READABLE) {
            self.ready.push(place.expect("it is watched"));
        }
    }
}

impl Wheel for Many {
    type Event = (Bound<usize>, usize);

    fn ready(&mut self, readiness: Readiness) {
        self.note(None, readiness);
    }

    fn ready_also(&mut self, watch: WatchId, readiness: Readiness) {
        self.note(Some(watch), readiness);
    }

    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        let place = self.ready.pop()?;
        match (&self.streams[place].0).read(&mut [0; 16]) {
            Ok(0) => None,
            Ok(_) => Some((Bound::new(io.session(), self.event), place)),
            Err(error) => panic!("{error}"),
        }
    }
}

type Act = Box<dyn FnOnce(&mut Holder, &mut Context<'_>)>;

const ACT: Event<Act> = Event::new("act");

/// A session that holds such wheels, and notes what they tell.
#[derive(Default)]
struct Holder {
    wheels: Vec<Handle<Many>>,
    told: Rc<RefCell<Vec<usize>>>,
}

/// A kernel with such a session.
struct Scene {
    kernel: Kernel,
    session: SessionId,
    told: Rc<RefCell<Vec<usize>>>,
}

impl Scene {
    fn new() -> Self {
        let states = States::new()
            .on_start(|_: &mut Holder, cx: &mut Context<'_>, ()| {
                cx.delay("never", Duration::from_secs(3600), ());
            })
            .on(&ACT, |holder: &mut Holder, cx: &mut Context<'_>, act: Act| act(holder, cx))
            .on("came", |holder: &mut Holder, _: &mut Context<'_>, place: usize| {
                holder.told.borrow_mut().push(place);
            });
        let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
        let holder = Holder::default();
        let told = Rc::clone(&holder.told);
        let session = kernel.spawn(&states, holder);
        Self { kernel, session, told }
    }

    fn act<R: 'static>(
        &mut self,
        act: impl FnOnce(&mut Holder, &mut Context<'_>) -> R + 'static,
    ) -> R {
        let result = Rc::new(Cell::new(None));
        let place = Rc::clone(&result);
        let act: Act = Box::new(move |holder, cx| place.set(Some(act(holder, cx))));
        self.kernel.post(self.session, &ACT, act).unwrap();
        self.turn();
        result.take().expect("the session is there")
    }

    /// Makes a wheel of so many streams; gives their other ends.
    fn wheel(&mut self, count: usize) -> Vec<UnixStream> {
        let (ours, theirs): (Vec<_>, Vec<_>) = (0..count).map(|_| pair()).unzip();
        self.act(move |holder, cx| {
            let event = cx.symbol("came");
            holder.wheels.push(cx.add_wheel(|io| Many::new(io, event, ours)));
        });
        theirs
    }

    fn turn(&mut self) {
        for _ in 0..3 {
            self.kernel.run_one_turn(Duration::ZERO).unwrap();
        }
    }

    /// What was told since this was asked last, in order of the streams.
    fn told(&mut self) -> Vec<usize> {
        self.turn();
        let mut told = self.told.take();
        told.sort_unstable();
        told
    }
}

fn write(end: &UnixStream) {
    let mut end = end;
    end.write_all(b"x").unwrap();
}

#[test]
fn each_descriptor_of_a_wheel_tells_by_its_own_watch() {
    let mut scene = Scene::new();
    let ends = scene.wheel(5);
    assert_eq!(scene.told(), []);
    for (place, end) in ends.iter().enumerate() {
        write(end);
        assert_eq!(scene.told(), [place]);
    }
    ends.iter().for_each(write);
    assert_eq!(scene.told(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_further_descriptor_that_is_not_watched_any_more_tells_nothing_and_the_others_do() {
    let mut scene = Scene::new();
    let ends = scene.wheel(3);
    scene.act(|holder, cx| {
        let (many, mut io) = cx.wheel(&holder.wheels[0]).unwrap();
        let watch = many.streams[1].1.unwrap();
        io.unwatch_also(watch);
        // Once is enough, twice does no harm.
        io.unwatch_also(watch);
    });
    ends.iter().for_each(write);
    assert_eq!(scene.told(), [0, 2]);

    // Watched once more it is as new, and what waited is told.
    scene.act(|holder, cx| {
        let (many, mut io) = cx.wheel(&holder.wheels[0]).unwrap();
        let old = many.streams[1].1;
        let (watch, _) = io.watch_also(&many.streams[1].0).unwrap();
        assert_ne!(Some(watch), old);
        many.streams[1].1 = Some(watch);
    });
    assert_eq!(scene.told(), [1]);
}

#[test]
fn what_was_said_of_a_descriptor_before_it_was_left_is_not_told_after() {
    let mut scene = Scene::new();
    let ends = scene.wheel(3);
    scene.act(|holder, cx| {
        let (many, mut io) = cx.wheel(&holder.wheels[0]).unwrap();
        let (stream, watch) = many.streams.remove(1);
        io.unwatch_also(watch.unwrap());
        drop(stream);
        // Takes the descriptor's number and, in the kernel's table, the place of its line.
        let (ours, theirs) = pair();
        let (watch, _) = io.watch_also(&ours).unwrap();
        many.streams.insert(1, (ours, Some(watch)));
        std::mem::forget(theirs);
    });
    ends[0].shutdown(std::net::Shutdown::Both).unwrap();
    write(&ends[2]);
    assert_eq!(scene.told(), [2]);
}

#[test]
fn a_closed_wheel_is_not_told_and_whoever_has_its_place_neither() {
    let mut scene = Scene::new();
    let old = scene.wheel(4);
    old.iter().for_each(write);
    let (ours, new): (Vec<_>, Vec<_>) = (0..4).map(|_| pair()).unzip();
    scene.act(move |holder, cx| {
        let event = cx.symbol("came");
        holder.wheels.clear();
        holder.wheels.push(cx.add_wheel(|io| Many::new(io, event, ours)));
    });
    scene.told();
    // The other ends hear of it: nobody has the old descriptors any more.
    for end in &old {
        let mut end = end;
        let ended = end.read(&mut [0; 1]);
        assert!(matches!(ended, Ok(0)) || ended.is_err_and(|e| e.kind() != ErrorKind::WouldBlock));
    }
    assert_eq!(scene.told(), []);
    write(&new[3]);
    write(&new[0]);
    assert_eq!(scene.told(), [0, 3]);
}

#[test]
fn a_descriptor_can_be_watched_once_only() {
    let mut scene = Scene::new();
    let ends = scene.wheel(2);
    let [first, further] = scene.act(|holder, cx| {
        let (many, mut io) = cx.wheel(&holder.wheels[0]).unwrap();
        [0, 1].map(|place| io.watch_also(&many.streams[place].0).unwrap_err().kind())
    });
    assert_eq!([first, further], [ErrorKind::AlreadyExists; 2]);
    ends.iter().for_each(write);
    assert_eq!(scene.told(), [0, 1]);
}

#[test]
fn a_further_descriptor_that_is_always_ready_has_the_wheel_asked_again() {
    let mut scene = Scene::new();
    scene.wheel(1);
    let watched = scene.act(|holder, cx| {
        let (_, mut io) = cx.wheel(&holder.wheels[0]).unwrap();
        let (watch, watched) = io.watch_also(File::open("/dev/null").unwrap().as_fd()).unwrap();
        io.unwatch_also(watch);
        watched
    });
    assert_eq!(watched, Watched::AlwaysReady);
    assert_eq!(scene.told(), []);
}

#[test]
fn a_wheel_to_which_it_is_all_the_same_hears_of_every_descriptor_by_ready() {
    let heard = Rc::new(Cell::new(0));
    let count = Rc::clone(&heard);
    let (ours, theirs): (Vec<_>, Vec<_>) = (0..2).map(|_| pair()).unzip();
    let mut stage = Stage::new();
    stage.actor("a", move |actor, cx| {
        cx.delay("never", Duration::from_secs(3600), ());
        let event = cx.symbol("came");
        let handle = cx.add_wheel(|io| {
            io.watch(&ours[0]).unwrap();
            io.watch_also(&ours[1]).unwrap();
            made(event, move |_| ours.is_empty().then_some(0)).on_ready(move |readiness| {
                count.set(count.get() + u32::from(readiness.contains(Readiness::READABLE)));
            })
        });
        actor.held.push(Box::new(handle));
    });
    stage.turn();
    for (place, end) in (1..).zip(&theirs) {
        write(end);
        stage.turn();
        assert_eq!(heard.get(), place);
    }
}

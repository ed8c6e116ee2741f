//! Watches of descriptors: what they leave, whose number it is, and the program's own input.

use std::cell::Cell;
use std::fs::File;
use std::io::{Read, Stdin, Write, stdin};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use rustix::fs::{OFlags, fcntl_getfl};
use testkit::leak::Descriptors;
use testkit::watching::{Eye, Scene};

use crate::nofile::Lowered as Limit;

pub(crate) fn watches_that_end_in_any_way_leave_nothing() {
    const ROUNDS: u32 = 1_000;
    let before = Descriptors::note();
    let mut scene = Scene::<UnixStream>::new();
    let eye = scene.eye("a", |_, cx| cx.delay("late", Duration::from_secs(9), ()));
    let quiet = Descriptors::note();
    for round in 0..ROUNDS {
        let peer = scene.act(eye, move |eye, cx| make_and_end(eye, cx, round));
        scene.turns(2);
        drop(peer);
        scene.turns(round % 3);
        assert!(scene.kernel.wheel_count() <= 3, "{:?}", scene.kernel);
    }
    assert_ne!(scene.story.take().len(), 0);
    scene.act(eye, |eye, _| eye.watches.clear());
    scene.turn();
    quiet.assert_same();

    // One that the session holds when it stops, one that another holds, and one of a kernel that is gone.
    let held = scene.act(eye, |eye, cx| {
        for _ in 0..3 {
            eye.read(cx, UnixStream::pair().unwrap().0, "came");
        }
        eye.watches.remove(0)
    });
    scene.kernel.stop();
    drop(scene);
    assert!(held.peer_addr().is_ok(), "it is open as long as it is held");
    drop(held);
    before.assert_same();
}

/// Makes a watch, and ends one in one of the ways there are.
fn make_and_end(
    eye: &mut Eye<UnixStream>,
    cx: &mut reactor::Context<'_>,
    round: u32,
) -> UnixStream {
    let (ours, mut peer) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    if round.is_multiple_of(2) {
        peer.write_all(b"x").unwrap();
    }
    eye.read(cx, ours, "came");
    match round % 6 {
        0 => drop(eye.watches.remove(0)),
        1 => drop(eye.take(cx)),
        2 => {
            let stream = eye.take(cx);
            eye.read(cx, stream, "again");
        }
        3 => {
            let watch = eye.watches.remove(0);
            watch.select_stop_read(cx);
            watch.select_write(cx, "room");
            drop(watch.into_inner(cx));
        }
        4 => eye.react(|eye, _, _| eye.watches.clear()),
        _ => eye.react(|eye, cx, _| {
            while !eye.watches.is_empty() {
                drop(eye.take(cx));
            }
        }),
    }
    peer
}

/// Both have a notice in one batch. The first that is told closes the other, and watches a stream of the
/// other's number.
pub(crate) fn p20_a_notice_for_a_watch_that_ended_is_not_the_next_owners() {
    let mut scene = Scene::<UnixStream>::new();
    let (sender, receiver) = (Rc::new(Cell::new(None)), Rc::new(Cell::new(None)));
    let (place, number) = (Rc::clone(&sender), Rc::clone(&receiver));
    let mut peers = Vec::new();
    let mut ends = Vec::new();
    for _ in 0..2 {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"x").unwrap();
        ends.push(ours);
        peers.push(theirs);
    }
    scene.eye("a", move |eye, cx| {
        for end in ends {
            eye.read(cx, end, "came");
        }
        eye.react(move |eye, cx, selected| {
            let other = usize::from(eye.watch().id() == selected.watch);
            let other = eye.watches.remove(other).into_inner(cx);
            let freed = other.as_raw_fd();
            drop(other);
            let (one, two) = UnixStream::pair().unwrap();
            number.set(Some((freed, one.as_raw_fd())));
            eye.watches.clear();
            eye.read(cx, one, "newcomer");
            eye.react(|eye, _, _| eye.watches.clear());
            place.set(Some(two));
        });
    });
    scene.turn();
    let (freed, new) = receiver.take().expect("it was told");
    assert_eq!((scene.kernel.stats().notices, freed), (2, new), "one batch, one number");
    scene.assert(["a: came read"]);
    scene.turns(2);
    scene.assert_idle();
    sender.take().expect("it was opened").write_all(b"x").unwrap();
    scene.run();
    scene.assert(["a: newcomer read", "a: _stop"]);
}

/// As `cron` starts a program, as a shell does with a file, and in the middle of a pipeline.
pub(crate) fn p40_standard_input_is_watched_whatever_it_is_and_p41_stays_as_it_is() {
    let own = stdin().as_fd().try_clone_to_owned().unwrap();
    let path = std::env::current_exe().unwrap();
    let size = usize::try_from(path.metadata().unwrap().len()).unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&[0; 60_000]).unwrap();
    drop(writer);
    let inputs: [(OwnedFd, usize); 3] = [
        (File::open("/dev/null").unwrap().into(), 0),
        (File::open(path).unwrap().into(), size),
        (reader.into(), 60_000),
    ];
    for (input, size) in inputs {
        rustix::stdio::dup2_stdin(&input).unwrap();
        assert_eq!(read_stdin_to_its_end(), size);
        let flags = fcntl_getfl(&input).unwrap();
        assert!(!flags.contains(OFlags::NONBLOCK), "it is the shell's as well: {flags:?}");
    }
    rustix::stdio::dup2_stdin(own).unwrap();
}

fn read_stdin_to_its_end() -> usize {
    let mut scene = Scene::<Stdin>::new();
    let total = Rc::new(Cell::new(0));
    let read = Rc::clone(&total);
    scene.eye("a", move |eye, cx| {
        eye.read(cx, stdin(), "came");
        let mut bytes = vec![0; 1 << 20];
        eye.react(move |eye, _, _| match (&**eye.watch()).read(&mut bytes).unwrap() {
            0 => eye.watches.clear(),
            length => read.set(read.get() + length),
        });
    });
    scene.run();
    total.get()
}

/// An edge-triggered loop is told once that the kernel has news, and the kernel takes as many notices in
/// a turn as it has room for.
pub(crate) fn an_edge_triggered_outer_loop_misses_nothing_though_more_is_ready_than_fits() {
    const READY: usize = 1_500;
    let _limit = Limit::to(READY + 500);
    let mut scene = Scene::<OwnedFd>::new();
    let told = Rc::new(Cell::new(0));
    let count = Rc::clone(&told);
    scene.eye("a", move |eye, cx| {
        for _ in 0..READY {
            let event = eventfd(1, EventfdFlags::CLOEXEC).unwrap();
            eye.read(cx, event, "came");
        }
        // Reading would be news by itself: there is room to write.
        eye.react(move |eye, _, selected| {
            eye.watches.retain(|watch| watch.id() != selected.watch);
            count.set(READY - eye.watches.len());
        });
    });
    let outer = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
    epoll::add(&outer, &scene.kernel, epoll::EventData::new_u64(0), flags).unwrap();
    while told.get() < READY {
        let must_run = scene.kernel.next_timeout() == Some(Duration::ZERO);
        assert!(has_news(outer.as_fd()) || must_run, "{} were told, and no more", told.get());
        scene.turn();
    }
    scene.run();
}

fn has_news(outer: BorrowedFd<'_>) -> bool {
    let mut events = Vec::with_capacity(1);
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    epoll::wait(outer, spare_capacity(&mut events), Some(&at_once)).unwrap() > 0
}

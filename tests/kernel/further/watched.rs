//! What can be watched, what is refused, and what a snapshot shows of it.

use std::cell::RefCell;
use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use reactor::{Io, Watched};
use testkit::story::{Stage, act};

use super::{let_go, many, pairs, stage_with};
use crate::parts::{made, pair};

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

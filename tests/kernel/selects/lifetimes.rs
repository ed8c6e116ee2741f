//! Who owns a watched descriptor, and how it gets out again.

use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use reactor::{Context, OnException, Refused};
use testkit::watching::Scene;

use super::drain;
use crate::parts::{fail, pair};

type Streams = Scene<UnixStream>;

#[test]
fn a_watch_that_is_dropped_in_its_own_handler_tells_nothing_more_and_closes() {
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    theirs.write_all(b"x").unwrap();
    scene.eye("a", move |eye, cx| {
        eye.read(cx, ours, "came");
        eye.watch().select_write(cx, "room");
        eye.react(|eye, _, _| eye.watches.clear());
    });
    scene.turn();
    scene.assert(["a: came read", "a: _stop"]);
    assert_eq!(scene.kernel.wheel_count(), 0);
    assert!(theirs.write_all(b"y").is_err(), "the other end is closed");
    scene.run();
}

/// In POE the loop spins from then on, and `run` never returns.
#[test]
fn f37_a_watched_descriptor_stays_open_until_the_handler_that_drops_it_has_returned() {
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    let number = ours.as_raw_fd();
    let a = scene.eye("a", move |eye, cx| eye.read(cx, ours, "came"));
    scene.act(a, move |eye, _| {
        eye.watches.clear();
        // Nobody else is given the number while the kernel still watches it.
        let (one, other) = pair();
        assert!(one.as_raw_fd() != number && other.as_raw_fd() != number);
    });
    assert!(theirs.write_all(b"x").is_err());
    scene.run();
}

#[test]
fn a_descriptor_comes_back_as_it_was_and_is_watched_again_in_the_same_handler() {
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    let number = ours.as_raw_fd();
    theirs.write_all(b"left unread").unwrap();
    scene.eye("a", move |eye, cx| {
        eye.read(cx, ours, "first");
        eye.watch().select_write(cx, "room");
        eye.react(move |eye, cx, _| {
            let stream = eye.take(cx);
            assert_eq!(stream.as_raw_fd(), number);
            eye.read(cx, stream, "second");
            eye.react(|eye, cx, _| {
                let mut stream = eye.take(cx);
                assert_eq!(drain(&stream), b"left unread");
                stream.write_all(b"done").expect("it is open");
            });
        });
    });
    scene.run();
    scene.assert(["a: first read", "a: second read", "a: _stop"]);
    assert_eq!(drain(&theirs), b"done");
}

/// POE: `select_read($handle)`, and then `select_read($handle, $event)`.
#[test]
fn a_descriptor_whose_watch_was_dropped_is_watched_again_in_the_same_handler() {
    let mut scene = Scene::<Rc<UnixStream>>::new();
    let (ours, mut theirs) = pair();
    let ours = Rc::new(ours);
    theirs.write_all(b"x").unwrap();
    scene.eye("a", move |eye, cx| {
        eye.read(cx, Rc::clone(&ours), "first");
        eye.react(move |eye, cx, _| {
            eye.watches.clear();
            eye.read(cx, Rc::clone(&ours), "second");
            eye.react(|eye, _, _| eye.watches.clear());
        });
    });
    scene.run();
    scene.assert(["a: first read", "a: second read", "a: _stop"]);
}

/// As POE::Component::Client::Keepalive does with idle connections: one session looks whether they are
/// closed, and hands one that is still good to another.
#[test]
fn a_descriptor_goes_from_session_to_session_and_to_another_wheel_at_once() {
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    // Each lives on when it has given everything away.
    let later = |cx: &mut Context<'_>| cx.delay("late", std::time::Duration::from_secs(9), ());
    let user = scene.eye("user", move |_, cx| later(cx));
    let pool = scene.eye("pool", move |eye, cx| {
        later(cx);
        eye.read(cx, ours, "closed");
    });
    scene.turns(2);
    for round in 0..3 {
        let stream = scene.act(pool, |eye, cx| eye.take(cx));
        theirs.write_all(&[round]).unwrap();
        scene.act(user, move |eye, cx| {
            eye.read(cx, stream, "came");
            eye.react(|eye, _, _| {
                assert_eq!(drain(&**eye.watch()).len(), 1);
            });
        });
        scene.turn();
        scene.assert(["user: came read"]);
        let stream = scene.act(user, |eye, cx| eye.take(cx));
        scene.act(pool, move |eye, cx| eye.read(cx, stream, "closed"));
        scene.turn();
        scene.assert_idle();
        assert_eq!(scene.why_alive(pool), "1 timer, 1 wheel");
        assert_eq!(scene.why_alive(user), "1 timer");
    }
    // All in one handler of the pool: away from the watch, and into a wheel of another kind.
    scene.act(pool, |eye, cx| {
        let stream = eye.take(cx);
        let reader = crate::parts::Reader::start(cx, stream, "read", 10);
        reader.release();
    });
    theirs.write_all(b"x").unwrap();
    scene.turn();
    scene.assert(["pool: read"]);
    scene.kernel.stop();
}

#[test]
fn a_descriptor_that_is_watched_already_is_refused_and_comes_back() {
    let mut scene = Scene::<Rc<UnixStream>>::new();
    let (ours, _theirs) = pair();
    let shared = Rc::new(ours);
    let a = scene.eye("a", move |eye, cx| {
        eye.read(cx, Rc::clone(&shared), "came");
        let refused = cx.select_read(shared, "never").unwrap_err();
        assert_eq!(refused.error.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(refused.to_string(), format!("cannot watch the descriptor: {}", refused.error));
        let Refused { handle, error: _ } = refused;
        // What came back and the watch's own.
        assert_eq!(Rc::strong_count(&handle), 2);
    });
    scene.turn();
    assert_eq!((scene.why_alive(a), scene.kernel.wheel_count()), ("1 wheel".into(), 1));
    scene.kernel.stop();
}

/// A descriptor that is none: what an integer of a C library may turn out to be.
#[test]
fn what_the_system_does_not_know_is_refused() {
    struct Nothing;
    impl AsFd for Nothing {
        fn as_fd(&self) -> BorrowedFd<'_> {
            rustix::fs::CWD
        }
    }
    let mut scene = Scene::<Nothing>::new();
    scene.eye("a", |_, cx| {
        let refused = cx.select_write(Nothing, "never").map(drop).unwrap_err();
        assert_eq!(refused.error.raw_os_error(), Some(9), "EBADF");
    });
    scene.run();
    scene.assert(["a: _stop"]);
}

#[test]
fn a_session_that_stops_closes_its_watches_and_one_held_elsewhere_tells_nothing_more() {
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    theirs.write_all(b"x").unwrap();
    let a = scene.eye("a", move |eye, cx| eye.read(cx, ours, "came"));
    let b = scene.eye("b", |_, cx| cx.delay("end", std::time::Duration::from_secs(1), ()));
    let watch = scene.act(a, |eye, _| eye.watches.remove(0));
    // The events still go to the session that made the watch.
    scene.turn();
    scene.assert(["a: came read"]);
    assert_eq!(scene.why_alive(a), "1 wheel");
    let watch = scene.act(b, move |_, cx| {
        watch.select_stop_read(cx);
        watch
    });
    scene.turn();
    scene.assert(["a: _stop"]);
    assert_eq!(scene.kernel.wheel_count(), 0);
    scene.act(b, move |eye, cx| {
        watch.select_read(cx, "never");
        assert!(!watch.select_pause_read(cx) && !watch.select_resume_read(cx));
        assert_eq!(drain(&*watch), b"x", "it is still open");
        eye.tell(drain(&watch.into_inner(cx)).len());
    });
    scene.run();
    scene.assert(["b: 0", "b: end", "b: _stop"]);
}

#[test]
fn a_handler_that_panics_takes_its_watch_with_it_and_nothing_else() {
    let mut scene = Streams::with(|builder| builder.on_exception(OnException::Isolate));
    let ((ours, mut theirs), (second, mut peer)) = (pair(), pair());
    theirs.write_all(b"x").unwrap();
    peer.write_all(b"x").unwrap();
    scene.eye("a", move |eye, cx| {
        eye.read(cx, ours, "came");
        eye.react(|_, _, _| fail("on purpose"));
    });
    let b = scene.eye("b", move |eye, cx| eye.read(cx, second, "came"));
    scene.turn();
    let mut told = scene.story.take();
    told.sort();
    assert_eq!(told, ["a: _stop", "a: came read", "b: came read"]);
    assert_eq!(theirs.read(&mut [0]).ok(), None, "reset: its last byte was not read");
    scene.turn();
    scene.assert(["b: came read"]);
    scene.act(b, |eye, _| eye.watches.clear());
    scene.run();
}

/// Ids are counted in each kernel anew: the watch of one looks like that of another.
#[test]
fn a_watch_means_nothing_to_another_kernel() {
    let (mut scene, mut other) = (Streams::new(), Streams::new());
    let ((ours, mut theirs), (second, mut peer)) = (pair(), pair());
    let a = scene.eye("a", move |eye, cx| eye.read(cx, ours, "came"));
    let b = other.eye("b", move |eye, cx| eye.read(cx, second, "came"));
    let watch = scene.act(a, |eye, _| eye.watches.remove(0));
    let watch = other.act(b, move |eye, cx: &mut Context<'_>| {
        assert_eq!(watch.id(), eye.watch().id());
        assert!(!watch.select_pause_read(cx));
        watch.select_stop_read(cx);
        watch
    });
    for end in [&mut theirs, &mut peer] {
        end.write_all(b"x").unwrap();
    }
    scene.turn();
    scene.assert(["a: came read"]);
    other.turn();
    other.assert(["b: came read"]);
    drop(watch);
    scene.run();
    assert_eq!(other.kernel.wheel_count(), 1);
    other.kernel.stop();
}

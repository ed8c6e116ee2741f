//! One open file, several watches: each has a descriptor of its own.

use std::io::Write;
use std::os::unix::net::UnixStream;

use testkit::watching::Scene;

use super::drain;
use crate::parts::pair;

type Streams = Scene<UnixStream>;

/// In POE the second start is fatal: "two sessions were caught watching".
#[test]
fn f36_two_sessions_watch_one_stream_and_one_that_stops_and_starts_does_not_disturb_the_other() {
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    let clone = ours.try_clone().unwrap();
    let a = scene.eye("a", move |eye, cx| eye.read(cx, ours, "came"));
    let b = scene.eye("b", move |eye, cx| eye.read(cx, clone, "came"));
    theirs.write_all(b"x").unwrap();
    let both = |scene: &mut Streams| {
        scene.turn();
        let mut told = scene.story.take();
        told.sort();
        assert_eq!(told, ["a: came read", "b: came read"]);
    };
    both(&mut scene);
    both(&mut scene);
    scene.act(a, |eye, cx| eye.watch().select_stop_read(cx));
    // Alive by something else for the time being.
    scene.act(a, |_, cx| cx.delay("end", std::time::Duration::from_secs(9), ()));
    scene.turn();
    scene.assert(["b: came read"]);
    scene.act(a, |eye, cx| eye.watch().select_read(cx, "came"));
    both(&mut scene);
    // Away and back, as a whole.
    scene.act(a, |eye, cx| {
        let stream = eye.take(cx);
        eye.read(cx, stream, "came");
    });
    both(&mut scene);
    scene.act(a, |eye, _| eye.watches.clear());
    scene.turn();
    scene.assert(["b: came read"]);
    scene.act(b, |eye, _| {
        assert_eq!(drain(&**eye.watch()), b"x", "it is as open as before");
        eye.watches.clear();
    });
    scene.run();
}

/// A pause in POE is of the descriptor, and so of everybody who watches it.
#[test]
fn a_pause_is_one_sessions_and_not_the_others() {
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    let clone = ours.try_clone().unwrap();
    let a = scene.eye("a", move |eye, cx| eye.read(cx, ours, "came"));
    scene.eye("b", move |eye, cx| eye.read(cx, clone, "came"));
    theirs.write_all(b"x").unwrap();
    scene.act(a, |eye, cx| assert!(eye.watch().select_pause_read(cx)));
    scene.turn();
    scene.assert(["b: came read"]);
    scene.kernel.stop();
}

/// One reads and one writes, each with its own half.
#[test]
fn the_two_directions_of_one_stream_are_two_sessions() {
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    let clone = ours.try_clone().unwrap();
    scene.eye("reader", move |eye, cx| {
        eye.read(cx, ours, "came");
        eye.react(|eye, _, _| {
            eye.tell(drain(&**eye.watch()).len());
            eye.watches.clear();
        });
    });
    scene.eye("writer", move |eye, cx| {
        eye.watches.push(cx.select_write(clone, "room").unwrap());
        eye.react(|eye, _, _| {
            (&**eye.watch()).write_all(b"written").expect("there is room");
            eye.watches.clear();
        });
    });
    scene.turn();
    assert_eq!(drain(&theirs), b"written");
    scene.assert(["writer: room write", "writer: _stop"]);
    theirs.write_all(b"four").unwrap();
    scene.run();
    scene.assert(["reader: came read", "reader: 4", "reader: _stop"]);
}

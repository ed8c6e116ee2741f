//! As long as a descriptor is ready, its session is told: once in each turn.

use std::cell::Cell;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use testkit::watching::Scene;

use super::drain;
use crate::parts::pair;

type Streams = Scene<UnixStream>;

#[test]
fn p30_a_handler_that_reads_one_byte_for_each_event_gets_all_bytes_one_in_each_turn() {
    const BYTES: u32 = 1_000;
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    theirs.write_all(&vec![7; BYTES as usize]).unwrap();
    let read = Rc::new(Cell::new(0));
    let count = Rc::clone(&read);
    let a = scene.eye("a", move |eye, cx| {
        eye.read(cx, ours, "came");
        eye.react(move |eye, _, _| {
            let mut byte = [0];
            assert_eq!((&**eye.watch()).read(&mut byte).unwrap(), 1);
            count.set(count.get() + 1);
        });
    });
    for turn in 1..=BYTES {
        scene.turn();
        assert_eq!(read.get(), turn);
    }
    scene.story.take();
    scene.assert_idle();
    scene.act(a, |eye, _| eye.watches.clear());
    scene.run();
}

#[test]
fn a_handler_that_leaves_everything_unread_is_called_once_in_each_turn() {
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    let a = scene.eye("a", move |eye, cx| eye.read(cx, ours, "came"));
    scene.turns(2);
    scene.assert_idle();
    theirs.write_all(b"x").unwrap();
    for _ in 0..5 {
        scene.turn();
        scene.assert(["a: came read"]);
    }
    // More of it is no more events.
    theirs.write_all(b"yz").unwrap();
    scene.turn();
    scene.assert(["a: came read"]);
    let bytes = scene.act(a, |eye, _| drain(&**eye.watch()));
    assert_eq!(bytes, b"xyz");
    scene.turn();
    scene.assert_idle();
    scene.act(a, |eye, _| eye.watches.clear());
    scene.run();
}

#[test]
fn in_one_turn_reading_comes_before_writing() {
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    theirs.write_all(b"x").unwrap();
    scene.eye("a", move |eye, cx| {
        let watch = cx.select_write(ours, "room").unwrap();
        watch.select_read(cx, "came");
        eye.watches.push(watch);
    });
    for _ in 0..3 {
        scene.turn();
        scene.assert(["a: came read", "a: room write"]);
    }
    scene.kernel.stop();
    scene.assert(["a: _stop"]);
}

/// The first of two who watch the same data reads it all: there is nothing to tell the second of.
#[test]
fn what_another_handler_has_read_meanwhile_is_not_told() {
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    let other = ours.try_clone().unwrap();
    theirs.write_all(b"for one of them").unwrap();
    for (name, stream) in [("a", ours), ("b", other)] {
        scene.eye(name, move |eye, cx| {
            eye.read(cx, stream, "came");
            eye.react(|eye, _, _| eye.tell(drain(&**eye.watch()).len()));
        });
    }
    scene.turn();
    assert_eq!(scene.kernel.stats().notices, 2, "both were ready");
    let told = scene.story.take();
    assert!(told == ["a: came read", "a: 15"] || told == ["b: came read", "b: 15"], "{told:?}");
    scene.turn();
    scene.assert_idle();
    scene.kernel.stop();
}

#[test]
fn a_writer_is_told_of_room_until_there_is_none_and_again_when_the_peer_reads() {
    let mut scene = Streams::new();
    let (ours, theirs) = pair();
    let a = scene.eye("a", move |eye, cx| {
        eye.watches.push(cx.select_write(ours, "room").unwrap());
        eye.react(|eye, _, _| while (&**eye.watch()).write(&[0; 4096]).is_ok() {});
    });
    scene.turn();
    scene.assert(["a: room write"]);
    scene.turns(2);
    scene.assert_idle();
    assert_ne!(drain(&theirs).len(), 0);
    scene.turn();
    scene.assert(["a: room write"]);
    scene.act(a, |eye, _| eye.watches.clear());
    scene.run();
}

/// Whoever never reads gets an event in each turn, and everybody else has the rest of the turn.
#[test]
fn a_descriptor_that_nobody_reads_does_not_starve_the_others() {
    let mut scene = Streams::new();
    let (greedy, mut filled) = pair();
    filled.write_all(b"never read").unwrap();
    scene.eye("greedy", move |eye, cx| eye.read(cx, greedy, "came"));
    let (ours, mut theirs) = pair();
    let b = scene.eye("b", move |eye, cx| {
        eye.read(cx, ours, "came");
        eye.react(|eye, _, _| drop(drain(&**eye.watch())));
    });
    scene.turn();
    scene.assert(["greedy: came read"]);
    for _ in 0..3 {
        theirs.write_all(b"x").unwrap();
        scene.act(b, |_, cx| cx.yield_("posted", ()));
        scene.turn();
        let mut told = scene.story.take();
        told.sort();
        assert_eq!(told, ["b: came read", "b: posted", "greedy: came read"]);
    }
    scene.kernel.stop();
}

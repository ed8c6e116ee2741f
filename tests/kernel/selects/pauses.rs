//! A pause costs nothing and loses nothing.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use testkit::net;
use testkit::watching::Scene;

use super::drain;
use crate::parts::pair;

#[test]
fn p72_what_came_during_a_pause_is_told_on_resume_without_a_new_packet() {
    let mut scene = Scene::<UnixStream>::new();
    let (ours, mut theirs) = pair();
    let a = scene.eye("a", move |eye, cx| {
        eye.read(cx, ours, "came");
        assert!(eye.watch().select_pause_read(cx));
        eye.react(|eye, _, _| eye.tell(drain(&**eye.watch()).len()));
    });
    scene.turns(2);
    scene.assert_idle();
    theirs.write_all(&[0; 10_000]).unwrap();
    scene.turns(2);
    scene.assert_idle();
    assert!(scene.act(a, |eye, cx| eye.watch().select_resume_read(cx)));
    scene.turn();
    scene.assert(["a: came read", "a: 10000"]);
    scene.turn();
    scene.assert_idle();
    scene.act(a, |eye, _| eye.watches.clear());
    scene.run();
}

#[test]
fn p72_a_pause_in_the_handler_that_left_something_unread_remembers_it() {
    let mut scene = Scene::<UnixStream>::new();
    let (ours, mut theirs) = pair();
    theirs.write_all(b"x").unwrap();
    let a = scene.eye("a", move |eye, cx| {
        eye.read(cx, ours, "came");
        eye.react(|eye, cx, _| assert!(eye.watch().select_pause_read(cx)));
    });
    scene.turn();
    scene.assert(["a: came read"]);
    scene.turns(3);
    scene.assert_idle();
    for _ in 0..2 {
        assert!(scene.act(a, |eye, cx| eye.watch().select_resume_read(cx)));
        scene.turn();
        scene.assert(["a: came read"]);
    }
    scene.act(a, |eye, _| eye.watches.clear());
    scene.run();
}

/// The last mode of a resume counts, however often it was changed in between.
#[test]
fn a_pause_and_a_resume_in_one_handler_are_as_nothing() {
    let mut scene = Scene::<UnixStream>::new();
    let (ours, mut theirs) = pair();
    theirs.write_all(b"x").unwrap();
    scene.eye("a", move |eye, cx| {
        eye.read(cx, ours, "came");
        eye.react(|eye, cx, _| {
            for _ in 0..3 {
                assert!(eye.watch().select_pause_read(cx));
                assert!(eye.watch().select_pause_read(cx));
                assert!(eye.watch().select_resume_read(cx));
                assert!(eye.watch().select_resume_read(cx));
            }
        });
    });
    for _ in 0..3 {
        scene.turn();
        scene.assert(["a: came read"]);
    }
    scene.kernel.stop();
}

#[test]
fn a_pause_is_of_one_mode_and_the_other_goes_on() {
    let mut scene = Scene::<UnixStream>::new();
    let (ours, mut theirs) = pair();
    theirs.write_all(b"x").unwrap();
    let a = scene.eye("a", move |eye, cx| {
        eye.read(cx, ours, "came");
        eye.watch().select_write(cx, "room");
        eye.watch().select_pause_read(cx);
    });
    scene.turn();
    scene.assert(["a: room write"]);
    scene.act(a, |eye, cx| {
        eye.watch().select_pause_write(cx);
        eye.watch().select_resume_read(cx);
    });
    scene.turn();
    scene.assert(["a: came read"]);
    scene.act(a, |eye, cx| eye.watch().select_pause_read(cx));
    scene.turns(2);
    scene.assert_idle();
    scene.act(a, |eye, cx| eye.watch().select_resume_write(cx));
    scene.turn();
    scene.assert(["a: room write"]);
    scene.kernel.stop();
}

#[test]
fn a_mode_that_is_not_watched_is_not_paused_or_resumed() {
    let mut scene = Scene::<UnixStream>::new();
    let (ours, mut theirs) = pair();
    theirs.write_all(b"x").unwrap();
    scene.eye("a", move |eye, cx| {
        eye.watches.push(cx.select_expedite(ours, "urgent").unwrap());
        let watch = eye.watch();
        assert!(!watch.select_pause_read(cx) && !watch.select_resume_read(cx));
        assert!(!watch.select_pause_write(cx) && !watch.select_resume_write(cx));
    });
    scene.turns(2);
    scene.assert_idle();
    scene.kernel.stop();
}

/// The system keeps saying that a connection is broken, wanted or not; a level-triggered loop would spin.
#[test]
fn p29_a_reset_during_a_pause_costs_nothing_and_is_told_on_resume() {
    let (mut scene, mut client, a) = connected();
    client.write_all(b"last words").unwrap();
    scene.turns(2);
    scene.assert_idle();
    net::reset(client);
    scene.turns(2);
    scene.assert_idle();
    scene.act(a, |eye, cx| eye.watch().select_resume_read(cx));
    scene.run();
    scene.assert([
        "a: came read",
        "a: last words",
        "a: came read",
        "a: connection reset",
        "a: _stop",
    ]);
}

#[test]
fn p13_what_was_sent_before_the_end_is_read_after_a_pause_and_then_the_end() {
    let (mut scene, mut client, a) = connected();
    client.write_all(b"last words").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    scene.turns(2);
    scene.assert_idle();
    scene.act(a, |eye, cx| eye.watch().select_resume_read(cx));
    scene.run();
    scene.assert([
        "a: came read",
        "a: last words",
        "a: came read",
        "a: the end",
        "a: answered",
        "a: _stop",
    ]);
    assert_eq!(net::read_to_end(&mut client), net::Ending::Closed(b"answer".to_vec()));
}

/// A session that has paused a connection, and will read it to its end and answer.
fn connected() -> (Scene<TcpStream>, TcpStream, reactor::SessionId) {
    let (listener, addr) = net::listener();
    let client = net::connect(addr);
    let server = net::accept(&listener);
    server.set_nonblocking(true).unwrap();
    let mut scene = Scene::new();
    let a = scene.eye("a", move |eye, cx| {
        eye.read(cx, server, "came");
        eye.watch().select_pause_read(cx);
        eye.react(|eye, _, _| {
            let mut bytes = [0; 100];
            match (&**eye.watch()).read(&mut bytes) {
                Ok(0) => {
                    eye.tell("the end");
                    (&**eye.watch()).write_all(b"answer").expect("one direction is open");
                    eye.tell("answered");
                    eye.watches.clear();
                }
                Ok(length) => eye.tell(String::from_utf8_lossy(&bytes[..length])),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                    eye.tell("connection reset");
                    eye.watches.clear();
                }
            }
        });
    });
    (scene, client, a)
}

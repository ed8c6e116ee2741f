//! What is watched for, and by which event: POE's `t/20_resources/10_perl/filehandles.t`, told anew.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use testkit::watching::Scene;

use super::drain;
use crate::parts::pair;

const SECOND: Duration = Duration::from_secs(1);

type Streams = Scene<UnixStream>;

#[test]
fn r20_filehandles_a_watch_counts_once_however_many_modes_it_has() {
    let mut scene = Streams::new();
    let ((ours, _theirs), (second, _peer)) = (pair(), pair());
    let a = scene.eye("a", move |eye, cx| {
        eye.read(cx, ours, "came");
        eye.watch().select_write(cx, "room");
        let other = cx.select_expedite(second, "urgent").unwrap();
        eye.watches.push(other);
    });
    scene.turn();
    assert_eq!(scene.why_alive(a), "2 wheels");
    scene.assert(["a: room write"]);
    // Being told changes nothing, nor does a pause.
    scene.act(a, |eye, cx| {
        eye.watch().select_pause_read(cx);
        eye.watch().select_pause_write(cx);
    });
    assert_eq!(scene.why_alive(a), "2 wheels");
    // Reading goes, writing stays.
    scene.act(a, |eye, cx| {
        eye.watch().select_stop_read(cx);
        eye.watch().select_resume_write(cx);
    });
    assert_eq!(scene.why_alive(a), "2 wheels");
    scene.turn();
    scene.assert(["a: room write"]);
    // The last mode goes, and another that was never watched.
    scene.act(a, |eye, cx| {
        eye.watch().select_stop_write(cx);
        eye.watch().select_stop_expedite(cx);
        eye.watch().select_stop_expedite(cx);
    });
    assert_eq!(scene.why_alive(a), "1 wheel");
    scene.turns(2);
    scene.assert_idle();
    scene.act(a, |eye, cx| eye.watches[1].select_stop_expedite(cx));
    scene.turn();
    scene.assert(["a: _stop"]);
    scene.run();
}

#[test]
fn r20_filehandles_selecting_a_paused_mode_resumes_it() {
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    theirs.write_all(b"x").unwrap();
    let a = scene.eye("a", move |eye, cx| {
        eye.read(cx, ours, "came");
        eye.watch().select_pause_read(cx);
    });
    scene.turns(2);
    scene.assert_idle();
    scene.act(a, |eye, cx| eye.watch().select_read(cx, "came"));
    scene.turn();
    scene.assert(["a: came read"]);
    scene.kernel.stop();
}

/// In POE it keeps the old name.
#[test]
fn f35_selecting_a_mode_again_changes_its_event() {
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    theirs.write_all(b"x").unwrap();
    let a = scene.eye("a", move |eye, cx| eye.read(cx, ours, "came"));
    scene.turn();
    scene.act(a, |eye, cx| eye.watch().select_read(cx, "other"));
    scene.turn();
    scene.assert(["a: came read", "a: other read"]);
    scene.act(a, |eye, cx| {
        eye.watch().select_pause_read(cx);
        eye.watch().select_read(cx, "third");
    });
    scene.turn();
    scene.assert(["a: third read"]);
    scene.kernel.stop();
}

#[test]
fn events_are_changed_inside_the_handlers_of_the_watch_itself() {
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    theirs.write_all(b"x").unwrap();
    scene.eye("a", move |eye, cx| {
        eye.read(cx, ours, "one");
        eye.watch().select_write(cx, "room");
        let mut turn = 0;
        eye.react(move |eye, cx, selected| {
            if selected.mode == reactor::SelectMode::Write {
                return;
            }
            turn += 1;
            match turn {
                1 => {
                    eye.watch().select_read(cx, "two");
                    // Its turn has not come yet in this turn.
                    eye.watch().select_write(cx, "more_room");
                }
                2 => eye.watch().select_pause_write(cx).then_some(()).expect("watched"),
                3 => {
                    eye.watch().select_stop_write(cx);
                    eye.watch().select_stop_read(cx);
                    eye.watch().select_read(cx, "three");
                }
                _ => eye.watches.clear(),
            }
        });
    });
    scene.run();
    scene.assert([
        "a: one read",
        "a: more_room write",
        "a: two read",
        "a: two read",
        "a: three read",
        "a: _stop",
    ]);
}

#[test]
fn a_watch_without_a_mode_is_silent_does_not_hold_its_session_and_may_begin_again() {
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    let a = scene.eye("a", move |eye, cx| {
        eye.read(cx, ours, "came");
        eye.watch().select_stop_read(cx);
        cx.delay("end", SECOND, ());
    });
    theirs.write_all(b"x").unwrap();
    scene.turns(2);
    assert_eq!(scene.why_alive(a), "1 timer");
    scene.assert([]);
    scene.act(a, |eye, cx| eye.watch().select_read(cx, "again"));
    assert_eq!(scene.why_alive(a), "1 timer, 1 wheel");
    scene.turn();
    scene.assert(["a: again read"]);
    scene.act(a, |eye, cx| {
        assert_eq!(drain(&**eye.watch()), b"x");
        eye.watch().select_stop_read(cx);
    });
    scene.run();
    scene.assert(["a: end", "a: _stop"]);
}

/// Stopped and selected again in one handler, the watch has held its session all the time.
#[test]
fn a_mode_that_is_stopped_and_selected_in_one_handler_keeps_the_session_alive() {
    let mut scene = Streams::new();
    let (ours, mut theirs) = pair();
    let a = scene.eye("a", move |eye, cx| {
        eye.read(cx, ours, "came");
        for _ in 0..3 {
            eye.watch().select_stop_read(cx);
            eye.watch().select_read(cx, "came");
        }
    });
    scene.turns(2);
    assert_eq!(scene.why_alive(a), "1 wheel");
    theirs.write_all(b"x").unwrap();
    scene.turn();
    scene.assert(["a: came read"]);
    scene.act(a, |eye, _| eye.watches.clear());
    scene.run();
}

#[test]
fn the_event_says_which_watch_it_came_by() {
    let mut scene = Streams::new();
    let ((ours, mut theirs), (second, mut peer)) = (pair(), pair());
    for end in [&mut theirs, &mut peer] {
        end.write_all(b"x").unwrap();
    }
    scene.eye("a", move |eye, cx| {
        eye.read(cx, ours, "came");
        eye.read(cx, second, "came");
        assert_ne!(eye.watches[0].id(), eye.watches[1].id());
        eye.react(|eye, _, selected| {
            let before = eye.watches.len();
            eye.watches.retain(|watch| watch.id() != selected.watch);
            assert_eq!(eye.watches.len(), before - 1);
        });
    });
    scene.run();
    scene.assert(["a: came read", "a: came read", "a: _stop"]);
}

//! A kernel as a guest: in a loop of poll(2), beside another kernel, and by `run_while`.

use std::cell::Cell;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use reactor::{Context, Handle, Kernel, SessionId, States};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use testkit::story::Stage;
use testkit::watching::{Scene, is_readable};

use crate::parts::{Made, made, pair};

const SECOND: Duration = Duration::from_secs(1);

/// A loop that knows of nothing but its kernels: waits for all of them, and has each that needs it run a
/// turn, until none has a session left.
fn outer_loop(scenes: &mut [Scene<UnixStream>]) {
    let mut turns = 0;
    while scenes.iter().any(|scene| scene.kernel.session_count() > 0) {
        turns += 1;
        assert!(turns < 1_000, "it goes round and round");
        // Virtual time stands still while the loop waits, and then moves as if it had.
        let most = scenes.iter().filter_map(|scene| scene.kernel.next_timeout()).min();
        let wait = most.map(|_| Timespec { tv_sec: 0, tv_nsec: 0 });
        let mut fds: Vec<_> =
            scenes.iter().map(|scene| PollFd::new(&scene.kernel, PollFlags::IN)).collect();
        let ready = poll(&mut fds, wait.as_ref()).unwrap();
        let is_ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        drop(fds);
        for (scene, is_ready) in scenes.iter_mut().zip(is_ready) {
            if ready == 0 {
                scene.clock.advance(most.expect("a loop that waits for ever has something ready"));
            }
            if is_ready || scene.kernel.next_timeout() == Some(Duration::ZERO) {
                scene.turn();
            }
        }
    }
}

#[test]
fn a_loop_of_poll_drives_sockets_timers_and_posts() {
    let mut scene = Scene::new();
    let (ours, mut theirs) = pair();
    let reader = scene.eye("reader", move |eye, cx| {
        eye.read(cx, ours, "came");
        cx.delay("late", 3 * SECOND, ());
        cx.delay("soon", SECOND, ());
        cx.yield_("posted", ());
        eye.react(|eye, _, _| {
            let mut bytes = [0; 10];
            let length = (&**eye.watch()).read(&mut bytes).unwrap();
            eye.tell(format_args!("{length} bytes"));
            if length == 0 {
                eye.watches.clear();
            }
        });
    });
    theirs.write_all(b"four").unwrap();
    assert_eq!(scene.why_alive(reader), "2 queued events, 2 timers, 1 wheel");
    let begin = scene.clock.now();
    drop(theirs);
    let mut scenes = [scene];
    outer_loop(&mut scenes);
    let [scene] = scenes;
    scene.assert([
        "reader: came read",
        "reader: 4 bytes",
        "reader: posted",
        "reader: came read",
        "reader: 0 bytes",
        "reader: soon",
        "reader: late",
        "reader: _stop",
    ]);
    assert_eq!(scene.clock.now() - begin, 3 * SECOND);
}

const ROUNDS: u8 = 6;

/// A kernel with a player at one end: plays each ball back as the next, and ends with the last.
fn player(name: &str, stream: UnixStream) -> (Scene<UnixStream>, SessionId) {
    let mut scene = Scene::new();
    let session = scene.eye(name, move |eye, cx| {
        eye.read(cx, stream, "came");
        eye.react(|eye, cx, _| {
            let mut ball = [0];
            let length = (&**eye.watch()).read(&mut ball).unwrap();
            if length == 0 || ball[0] == ROUNDS {
                cx.delay("over", SECOND, ());
                return eye.watches.clear();
            }
            eye.tell(ball[0]);
            (&**eye.watch()).write_all(&[ball[0] + 1]).unwrap();
        });
    });
    (scene, session)
}

#[test]
fn two_kernels_in_one_loop_play_ping_pong() {
    let (one, other) = pair();
    let (mut ping, starter) = player("ping", one);
    let (pong, _) = player("pong", other);
    ping.act(starter, |eye, _| (&**eye.watch()).write_all(&[1]).unwrap());
    let mut scenes = [ping, pong];
    outer_loop(&mut scenes);
    let [ping, pong] = scenes;
    let came = "came read";
    let played = |name, balls: &[u8], last: &[&str]| -> Vec<String> {
        let balls = balls.iter().flat_map(|ball| [came.to_owned(), ball.to_string()]);
        let last = last.iter().map(ToString::to_string);
        balls.chain(last).map(|line| format!("{name}: {line}")).collect()
    };
    assert_eq!(ping.story.take(), played("ping", &[2, 4], &[came, "over", "_stop"]));
    assert_eq!(pong.story.take(), played("pong", &[1, 3, 5], &[came, "over", "_stop"]));
}

#[test]
fn the_longest_wait_is_none_while_only_descriptors_are_awaited() {
    let mut scene = Scene::new();
    assert_eq!(scene.kernel.next_timeout(), None, "nobody is there");
    let (ours, mut theirs) = pair();
    let a = scene.eye("a", move |eye, cx| eye.read(cx, ours, "came"));
    assert_eq!(scene.kernel.next_timeout(), Some(Duration::ZERO), "it was spawned");
    scene.turns(2);
    assert_eq!(scene.kernel.next_timeout(), None);
    assert!(!is_readable(&scene.kernel));
    theirs.write_all(b"x").unwrap();
    assert_eq!(scene.kernel.next_timeout(), None);
    assert!(is_readable(&scene.kernel), "the system has news");
    scene.turn();
    assert_eq!(scene.kernel.next_timeout(), Some(Duration::ZERO), "it was left unread");
    scene.act(a, |eye, cx| drop(eye.take(cx)));
    assert!(!is_readable(&scene.kernel));
    scene.run();
}

#[test]
fn the_longest_wait_is_none_when_every_timer_was_removed() {
    const DELAYS: [Duration; 5] = [
        Duration::from_millis(300),
        SECOND,
        Duration::from_secs(60),
        Duration::from_secs(3600),
        Duration::MAX,
    ];
    // By the system's clock: a virtual one is told exactly whom it has to ring for.
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
            cx.alias_set("sleeper").unwrap();
            cx.refcount_increment(cx.session(), "awake").unwrap();
            for delay in DELAYS {
                cx.delay_set("never", delay, ());
            }
            cx.delay("put off", SECOND, ());
            cx.delay("put off", Duration::from_secs(3600), ());
        })
        .on("give up", |_: &mut (), cx: &mut Context<'_>, ()| drop(cx.alarm_remove_all()))
        .on("never", |_: &mut (), _: &mut Context<'_>, ()| panic!("it was removed"))
        .on("put off", |_: &mut (), _: &mut Context<'_>, ()| panic!("it was removed"));
    let sleeper = kernel.spawn(&states, ());
    kernel.run_one_turn(Duration::ZERO).unwrap();
    assert!(kernel.next_timeout().is_some());
    kernel.post(sleeper, "give up", ()).unwrap();
    kernel.run_one_turn(Duration::ZERO).unwrap();
    assert_eq!(kernel.next_timeout(), None);
}

#[test]
fn the_longest_wait_ends_with_the_next_timer() {
    let mut scene = Scene::<UnixStream>::new();
    let a = scene.eye("a", |_, cx| cx.delay("late", 5 * SECOND, ()));
    scene.turn();
    assert_eq!(scene.kernel.next_timeout(), Some(5 * SECOND));
    scene.act(a, |_, cx| cx.delay("soon", 2 * SECOND, ()));
    assert_eq!(scene.kernel.next_timeout(), Some(2 * SECOND));
    // The loop was busy with other things.
    scene.clock.advance(SECOND);
    assert_eq!(scene.kernel.next_timeout(), Some(SECOND));
    scene.clock.advance(2 * SECOND);
    assert_eq!(scene.kernel.next_timeout(), Some(Duration::ZERO), "it is overdue");
    scene.turn();
    scene.assert(["a: soon"]);
    assert_eq!(scene.kernel.next_timeout(), Some(2 * SECOND));
    scene.kernel.stop();
    assert_eq!(scene.kernel.next_timeout(), None);
}

#[test]
fn whatever_waits_without_the_systems_help_is_not_waited_for() {
    let mut stage = Stage::new();
    let handle: Rc<Cell<Option<Handle<Made>>>> = Rc::default();
    let place = Rc::clone(&handle);
    let a = stage.actor("a", move |_, cx| {
        let event = cx.symbol("came");
        place.set(Some(cx.add_wheel(|_| made(event, |_| None))));
    });
    stage.turn();
    assert_eq!(stage.kernel.next_timeout(), None);
    let zero = Some(Duration::ZERO);
    stage.kernel.post(a, "posted", ()).unwrap();
    assert_eq!(stage.kernel.next_timeout(), zero);
    stage.turn();
    stage.assert(["a: posted"]);
    assert_eq!(stage.kernel.next_timeout(), None);
    // A handle that somebody outside the loop lets go of: the session has nothing left to live for.
    drop(handle.take());
    assert_eq!(stage.kernel.next_timeout(), zero);
    stage.turn();
    stage.assert(["a: _stop"]);
    assert_eq!(stage.kernel.next_timeout(), None);
}

#[test]
fn the_kernels_number_is_its_descriptors() {
    let kernel = Kernel::new().unwrap();
    assert_eq!(kernel.as_raw_fd(), kernel.as_fd().as_raw_fd());
}

#[test]
fn run_while_asks_before_each_turn_and_the_kernel_may_run_on_later() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        for seconds in 1..=3 {
            cx.delay_set("tick", seconds * SECOND, ());
        }
    });
    let two = |kernel: &Kernel| kernel.stats().timers < 2;
    assert!(stage.kernel.run_while(two).unwrap(), "a session is left");
    stage.assert(["a: tick", "a: tick"]);
    assert!(stage.kernel.run_while(two).unwrap());
    stage.assert([]);
    assert!(!stage.kernel.run_while(|_| true).unwrap(), "none is left");
    stage.assert(["a: tick", "a: _stop"]);
    assert!(!stage.kernel.run_while(|_| unreachable!("there is nothing to run")).unwrap());
}

#[test]
fn run_while_ends_with_what_a_handler_failed_with() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        cx.delay("act", SECOND, testkit::story::act(|_, _| crate::parts::fail("x")))
    });
    let run =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| stage.kernel.run_while(|_| true)));
    assert_eq!(crate::parts::panic_text(&*run.unwrap_err()), "x");
    assert_eq!(stage.kernel.session_count(), 0);
}

//! Waits that a signal interrupts.

use std::io::Write;
use std::time::Duration;

use testkit::watching::Scene;
use wheels::faults::{self, Call};

const EINTR: i32 = 4;

#[test]
fn virtual_time_stands_still_when_the_look_at_descriptors_is_interrupted() {
    let mut scene = Scene::new();
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    scene.eye("eye", |eye, cx| {
        eye.react(|eye, _, _| eye.watches.clear());
        eye.read(cx, reader, "ready");
        cx.delay("late", Duration::from_secs(1), ());
    });
    scene.turn();
    let began = scene.clock.now();
    writer.write_all(b"x").expect("a pipe has room");
    faults::fail_next(Call::EpollWait, EINTR);
    // What is ready is served before time moves, though the system did not say so at once.
    scene.kernel.run_one_turn(Duration::MAX).expect("a turn");
    assert_eq!((faults::pending(), scene.clock.now()), (0, began));
    scene.assert(["eye: ready read"]);
    scene.run();
    scene.assert(["eye: late", "eye: _stop"]);
}

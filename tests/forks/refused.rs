//! Why there is no second process, and that nothing has changed then.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use reactor::{Clock, ForkError, Forked};
use rustix::process::{Resource, Rlimit, Signal as System, getrlimit, setrlimit};
use testkit::children::{all, kill};
use testkit::leak::Descriptors;
use testkit::story::Stage;

use crate::Test;

pub const TESTS: &[Test] = &[
    ("a_process_of_several_threads_does_not_fork", threads),
    ("a_thread_that_was_joined_is_no_obstacle", joined),
    ("without_descriptors_for_the_child_there_is_none", no_descriptors),
];

fn stage() -> Stage {
    let mut stage = Stage::with(|builder| builder.clock(Clock::system()));
    stage.actor("a", |_, cx| {
        cx.sig("USR1", "usr1").unwrap();
        cx.delay("end", Duration::from_secs(3600), ());
    });
    stage.turn();
    stage
}

fn assert_goes_on(mut stage: Stage) {
    kill(std::process::id(), System::USR1);
    stage.turn();
    stage.assert(["a: usr1"]);
    stage.kernel.stop();
    stage.run();
}

fn threads() {
    let mut stage = stage();
    let before = Descriptors::note();
    let (over, wait) = mpsc::channel::<()>();
    let thread = thread::spawn(move || wait.recv().is_err());
    let refused = stage.kernel.fork().unwrap_err();
    assert!(matches!(refused, ForkError::Threads(2)), "{refused}");
    before.assert_same();
    assert_eq!(all(), [""; 0]);
    drop(over);
    thread.join().unwrap();
    assert_goes_on(stage);
}

fn joined() {
    let mut stage = stage();
    for _ in 0..100 {
        thread::spawn(|| {}).join().unwrap();
        match stage.kernel.fork().unwrap() {
            Forked::Child => {
                stage.kernel.stop();
                return;
            }
            Forked::Parent { child } => {
                stage.actor("b", move |_, cx| cx.sig_child(child, "ended").unwrap());
                while stage.kernel.session_count() > 1 {
                    stage.kernel.run_one_turn(Duration::from_secs(1)).unwrap();
                }
                stage.assert(["b: ended", "b: _stop"]);
            }
        }
    }
    assert_goes_on(stage);
}

fn no_descriptors() {
    let mut stage = stage();
    let before = Descriptors::note();
    let limit = getrlimit(Resource::Nofile);
    // A poll, a pipe, and an end of it for the signal: four in all.
    for room in 0..4 {
        // The lowest number that is free.
        let free = File::open("/dev/null").unwrap().as_raw_fd();
        let current = Some(u64::try_from(free).unwrap() + room);
        setrlimit(Resource::Nofile, Rlimit { current, ..limit }).unwrap();
        let refused = stage.kernel.fork();
        setrlimit(Resource::Nofile, limit).unwrap();
        let refused = refused.unwrap_err();
        assert!(matches!(&refused, ForkError::System(error) if error.raw_os_error() == Some(24)));
        assert!(refused.to_string().starts_with("cannot fork: Too many open files"), "{refused}");
        before.assert_same();
    }
    assert_eq!(all(), [""; 0]);
    assert_goes_on(stage);
}

//! What threads that begin and end to watch at once could spoil.

use std::sync::atomic::Ordering;
use std::thread;

use super::Disposition;

#[test]
fn the_default_action_is_off_for_whoever_watches_and_on_for_nobody() {
    let signal = Disposition::new();
    signal.restores.set(true).expect("it is new");
    let acts = || signal.acts.load(Ordering::SeqCst);
    let play = || {
        for _ in 0..100_000 {
            signal.change(|watching| watching + 1);
            assert!(!acts(), "while this thread watches");
            signal.change(|watching| watching - 1);
        }
    };
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(play);
        }
    });
    assert!(acts(), "when no thread watches");
    assert_eq!(signal.watching.load(Ordering::SeqCst), 0);
}

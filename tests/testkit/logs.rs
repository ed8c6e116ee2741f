//! What was logged, by thread.
//!
//! The process has one logger; this one keeps what is logged on a thread that is capturing and forgets
//! the rest, so tests that run side by side do not hear each other.

use std::cell::RefCell;
use std::fmt;
use std::sync::Once;

use log::{Level, LevelFilter, Log, Metadata, Record};

/// One line of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Logged {
    pub level: Level,
    pub target: String,
    pub text: String,
}

impl fmt::Display for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.level, self.target, self.text)
    }
}

/// Runs `run` and returns what it logged on this thread.
pub fn capture<R>(run: impl FnOnce() -> R) -> (R, Vec<Logged>) {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        log::set_logger(&Capture).expect("nobody else sets a logger in a test");
        log::set_max_level(LevelFilter::Trace);
    });
    let outer = LINES.replace(Some(Vec::new()));
    let result = run();
    let lines = LINES.replace(outer).expect("captures are nested");
    (result, lines)
}

/// As [`capture`], of warnings and errors only.
pub fn capture_warnings<R>(run: impl FnOnce() -> R) -> (R, Vec<Logged>) {
    let (result, mut lines) = capture(run);
    lines.retain(|line| line.level <= Level::Warn);
    (result, lines)
}

thread_local! {
    static LINES: RefCell<Option<Vec<Logged>>> = const { RefCell::new(None) };
}

struct Capture;

impl Log for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        LINES.with_borrow(Option::is_some)
    }

    fn log(&self, record: &Record<'_>) {
        let text = record.args().to_string();
        LINES.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                let (level, target) = (record.level(), record.target().to_owned());
                lines.push(Logged { level, target, text });
            }
        });
    }

    fn flush(&self) {}
}

//! Where a scenario plays: a kernel on virtual time, and what its sessions were told.
//!
//! Each line belongs to an actor, a session as a rule, because only within one is an order promised. Time
//! moves when there is nothing to do and the system has had its chance to bring what is on its way.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use reactor::{Clock, Kernel};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use testkit::logs::Logged;
use testkit::net;
use wheels::{Failure, Socket};

/// What was seen, by everybody.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    pub(crate) lines: BTreeMap<String, Vec<String>>,
    /// What failed and with which number, in the order it was told.
    pub(crate) errors: Vec<(String, i32)>,
    /// Who has to do with several that know nothing of each other.
    pub(crate) crowds: BTreeSet<String>,
    /// What the log was told.
    pub(crate) warnings: Vec<Logged>,
}

impl Seen {
    /// Whether all have seen the same.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.in_order() == other.in_order()
    }

    fn in_order(&self) -> BTreeMap<String, Vec<String>> {
        let mut lines = self.lines.clone();
        for name in &self.crowds {
            lines.entry(name.clone()).or_default().sort();
        }
        lines
    }
}

/// One who tells.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    name: String,
    seen: Rc<RefCell<Seen>>,
}

impl Teller {
    pub(crate) fn tell(&self, what: impl Display) {
        let mut seen = self.seen.borrow_mut();
        seen.lines.entry(self.name.clone()).or_default().push(what.to_string());
    }

    /// Bytes are told as they add up: how they are cut is nobody's promise.
    pub(crate) fn tell_bytes(&self, bytes: &[u8]) {
        let mut seen = self.seen.borrow_mut();
        let lines = seen.lines.entry(self.name.clone()).or_default();
        if !lines.last().is_some_and(|line| line.starts_with("bytes ")) {
            lines.push("bytes ".into());
        }
        let last = lines.last_mut().expect("pushed the line before");
        last.push_str(&String::from_utf8_lossy(bytes));
    }

    pub(crate) fn tell_failure(&self, failure: &Failure) {
        if failure.is_end() {
            return self.tell("end");
        }
        self.tell_error(&failure.operation, failure.errnum);
    }

    /// As a failure or as the end, whichever it is.
    pub(crate) fn tell_over(&self, failure: &Failure) {
        self.tell("over");
        if !failure.is_end() {
            let error = (failure.operation.to_string(), failure.errnum);
            self.seen.borrow_mut().errors.push(error);
        }
    }

    pub(crate) fn tell_error(&self, what: &dyn Display, errnum: i32) {
        self.tell(format_args!("{what} failed: {errnum}"));
        self.seen.borrow_mut().errors.push((what.to_string(), errnum));
    }

    pub(crate) fn tell_io(&self, what: &dyn Display, error: &io::Error) {
        self.tell_error(what, error.raw_os_error().unwrap_or(0));
    }
}

/// The stage of one run.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) clock: Clock,
    seen: Rc<RefCell<Seen>>,
    /// How long the system is waited for before time moves, while there is patience left.
    patience: Duration,
    spent: Cell<Duration>,
    /// How much goes on elsewhere, in threads and processes: time stands still meanwhile.
    pub(crate) elsewhere: Rc<Cell<usize>>,
    problem: RefCell<Option<String>>,
}

impl Stage {
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            clock: Clock::virtual_time(),
            seen: Rc::default(),
            patience,
            spent: Cell::default(),
            elsewhere: Rc::default(),
            problem: RefCell::default(),
        }
    }

    pub(crate) fn teller(&self, name: impl Into<String>) -> Teller {
        Teller { name: name.into(), seen: Rc::clone(&self.seen) }
    }

    /// One that deals with several, whose order nobody promises.
    pub(crate) fn crowd(&self, name: &str) -> Teller {
        self.seen.borrow_mut().crowds.insert(name.to_owned());
        self.teller(name)
    }

    /// A socket, unless it turns out to be none, which is told.
    pub(crate) fn socket(&self, fd: impl Into<OwnedFd>) -> Option<Socket> {
        let socket = Socket::try_from(fd.into());
        socket.inspect_err(|error| self.teller("socket").tell_io(&"socket", error)).ok()
    }

    /// A kernel, unless there is none to be had, which is told.
    pub(crate) fn kernel(&self) -> Option<Kernel> {
        let kernel = Kernel::builder().clock(self.clock.clone()).build();
        kernel.inspect_err(|error| self.teller("kernel").tell_io(&"build", error)).ok()
    }

    /// Runs to the end, and a little further: nothing is left then.
    pub(crate) fn run(&self, mut kernel: Kernel) {
        let began = Instant::now();
        let (mut turns, mut in_vain) = (0, 0);
        while kernel.session_count() > 0 {
            turns += 1;
            if turns > MOST_TURNS || began.elapsed() > net::PATIENCE {
                self.stalled(&format!("no end after {turns} turns"), &kernel);
                break;
            }
            let wait = self.next_wait(&kernel);
            // A notice that is late is told by a turn or two later.
            in_vain = if wait.is_none() { in_vain + 1 } else { 0 };
            if in_vain > 3 {
                self.stalled("nothing will ever happen", &kernel);
                break;
            }
            let wait = wait.unwrap_or_default();
            if let Err(error) = kernel.run_one_turn(wait) {
                self.teller("kernel").tell_io(&"run", &error);
            }
        }
        // Asserts that no table has anything left.
        if kernel.session_count() == 0
            && let Err(error) = kernel.run()
        {
            self.teller("kernel").tell_io(&"run", &error);
        }
        if kernel.wheel_count() > 0 {
            self.stalled("wheels are left", &kernel);
        }
    }

    /// How long the next turn may wait. In virtual time, that moves the clock.
    fn next_wait(&self, kernel: &Kernel) -> Option<Duration> {
        let next = kernel.next_timeout();
        if next == Some(Duration::ZERO) || is_ready(kernel, self.patience()) {
            return Some(Duration::ZERO);
        }
        // There it may take its time.
        if self.elsewhere.get() > 0 && is_ready(kernel, 100 * self.patience) {
            return Some(Duration::ZERO);
        }
        next
    }

    /// Whoever tries again and again, in vain, is not waited for each time.
    fn patience(&self) -> Duration {
        if self.spent.get() > 40 * self.patience {
            return Duration::ZERO;
        }
        self.spent.update(|spent| spent + self.patience);
        self.patience
    }

    fn stalled(&self, why: &str, kernel: &Kernel) {
        *self.problem.borrow_mut() = Some(format!("{why}: {:?}", kernel.snapshot()));
    }

    /// What was seen, and what is wrong already.
    pub(crate) fn end(self) -> (Seen, Option<String>) {
        (self.seen.take(), self.problem.into_inner())
    }
}

fn is_ready(kernel: &Kernel, patience: Duration) -> bool {
    let patience = Timespec::try_from(patience).expect("a minute at most");
    let mut fds = [PollFd::new(kernel, PollFlags::IN)];
    retry_on_intr(|| poll(&mut fds, Some(&patience))).expect("poll") > 0
}

/// Scenarios take a hundred or so.
const MOST_TURNS: usize = 10_000;

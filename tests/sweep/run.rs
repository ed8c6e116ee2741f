//! The runs of a scenario: recorded first, then with each fault.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use log::Level;
use testkit::leak::Descriptors;
use testkit::logs::{self, Logged};
use wheels::faults::{self, Call};

use crate::cell::{Cell, Nth, What};
use crate::plausible::{EAGAIN, EINTR, errors_of, is_absorbed, lasts};
use crate::scenes::bite_of;
use crate::stage::{Seen, Stage};
use crate::verdict::complaint;

pub(crate) type Scene = fn(&Stage);

/// A scenario and its name.
pub(crate) type Played<'a> = (&'a str, Scene);

/// What was run and what was wrong.
#[derive(Debug)]
pub(crate) struct Tally {
    part: usize,
    parts: usize,
    /// Runs that were thought of, of all parts.
    planned: usize,
    done: usize,
    scenes: usize,
    wrong: usize,
}

impl Tally {
    pub(crate) const fn new(part: usize, parts: usize) -> Self {
        Self { part, parts, planned: 0, done: 0, scenes: 0, wrong: 0 }
    }

    /// Whether nothing was wrong, in so many runs at least.
    pub(crate) const fn is_well(&self, fewest: usize) -> bool {
        self.wrong == 0 && self.done >= fewest
    }

    /// Whether the next run is this part's.
    const fn takes(&mut self) -> bool {
        self.planned += 1;
        self.planned % self.parts == self.part
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, scenes, wrong, .. } = self;
        write!(f, "{done} runs of {scenes} scenarios, {wrong} of them wrong")
    }
}

/// What a scenario does when all goes well.
struct Calm {
    seen: Seen,
    calls: Vec<Call>,
    notices: usize,
}

/// Runs a scenario with each fault there is for it.
pub(crate) fn sweep(scene: Played<'_>, tally: &mut Tally) {
    let name = scene.0;
    let began = Instant::now();
    let calm = match record(scene) {
        Ok(calm) => calm,
        Err(complaint) => {
            println!("{name}: without any fault: {complaint}");
            tally.wrong += 1;
            return;
        }
    };
    tally.scenes += 1;
    let before = tally.done;
    for cell in cells(scene, &calm) {
        if !tally.takes() {
            continue;
        }
        tally.done += 1;
        if let Some(complaint) = judge(scene, cell, &calm.seen) {
            tally.wrong += 1;
            println!("{name} {cell}: {complaint}");
        }
    }
    let (runs, calls) = (tally.done - before, calm.calls.len());
    println!("scenario {name}: {calls} calls, {runs} runs in {:?}", began.elapsed());
}

/// One run; what is wrong with it.
pub(crate) fn once(scene: Played<'_>, cell: Cell) -> Option<String> {
    let calm = match record(scene) {
        Ok(calm) => calm,
        Err(complaint) => return Some(format!("without any fault: {complaint}")),
    };
    let name = scene.0;
    println!("{name} makes these calls: {:?}", calm.calls);
    println!("calm: {:#?}", calm.seen.lines);
    let (seen, _) = play(scene, Some(cell), PATIENT);
    println!("now: {:#?}", seen.lines);
    judge(scene, cell, &calm.seen)
}

fn record(scene: Played<'_>) -> Result<Calm, String> {
    faults::clear();
    faults::record();
    let (seen, problem) = play(scene, None, PATIENT);
    let (calls, notices) = (faults::recorded(), faults::recorded_notices());
    faults::clear();
    match problem {
        Some(problem) => Err(problem),
        None => Ok(Calm { seen, calls, notices }),
    }
}

/// What there is to be run.
fn cells(scene: Played<'_>, calm: &Calm) -> Vec<Cell> {
    let mut cells = Vec::new();
    for call in Call::ALL {
        let count = calm.calls.iter().filter(|made| *made == call).count();
        for nth in 0..count {
            for errnum in errors_of(*call) {
                let what = What::Error(*call, *errnum);
                let only = Cell::new(Nth::Only(nth), what);
                cells.push(only);
                cells.push(Cell { beside: Some(What::Late), ..only });
                cells.push(Cell { beside: Some(What::Needless), ..only });
                // Where the call is made again and again, the first is as good as any.
                if lasts(*errnum) && (nth == 0 || *call != Call::Accept) {
                    cells.push(Cell::new(Nth::From(nth), what));
                }
            }
            if moves(*call) {
                cells.push(Cell::new(Nth::Only(nth), What::Short(*call)));
            }
        }
        if count > 0 {
            cells.extend(again_and_again(*call).map(|what| Cell::new(Nth::Each, what)));
        }
    }
    for what in [What::Late, What::Needless] {
        cells.extend((0..calm.notices).map(|nth| Cell::new(Nth::Only(nth), what)));
        cells.push(Cell::new(Nth::Each, what));
    }
    // A file never says so.
    let is_for_a_file = |cell: &Cell| matches!(cell.what, What::Error(_, EAGAIN));
    cells.retain(|cell| scene.0 != "a_file" || !is_for_a_file(cell));
    cells
}

const fn moves(call: Call) -> bool {
    matches!(call, Call::Recv | Call::Send)
}

/// What a program lives with.
fn again_and_again(call: Call) -> impl Iterator<Item = What> {
    let errors = errors_of(call).iter().filter(|errnum| [EINTR, EAGAIN].contains(errnum));
    let errors = errors.filter(move |errnum| is_absorbed(call, **errnum));
    errors
        .map(move |errnum| What::Error(call, *errnum))
        .chain(moves(call).then_some(What::Short(call)))
}

/// Plays it, and once more with patience if something is wrong: on a busy machine the system may take its
/// time to bring what was sent, and virtual time moved on too soon.
fn judge(scene: Played<'_>, cell: Cell, calm: &Seen) -> Option<String> {
    let wrong = |patience| {
        let (seen, problem) = play(scene, Some(cell), patience);
        let complaint = problem.or_else(|| complaint(cell, &seen, calm))?;
        Some(format!("{complaint}\n  calm: {:?}\n  now:  {:?}", calm.lines, seen.lines))
    };
    wrong(HASTY)?;
    wrong(PATIENT)
}

/// What was seen, and what is wrong whatever was seen.
fn play(scene: Played<'_>, cell: Option<Cell>, patience: Duration) -> (Seen, Option<String>) {
    let before = Descriptors::note();
    let stage = Stage::new(patience);
    if let Some(cell) = cell {
        faults::clear();
        cell.arm(bite_of(scene.0));
    }
    let (ended, warnings) =
        logs::capture_warnings(|| catch_unwind(AssertUnwindSafe(|| scene.1(&stage))));
    if cell.is_some() {
        faults::clear();
    }
    let (mut seen, mut problem) = stage.end();
    // What the kernel calls an error is one of ours.
    let is_ours =
        |logged: &&Logged| logged.level == Level::Error && logged.target.starts_with("reactor::");
    if let Some(error) = warnings.iter().find(is_ours) {
        problem.get_or_insert(error.to_string());
    }
    seen.warnings = warnings;
    if ended.is_err() {
        problem = Some("panics".into());
    } else if let Some(left) = left_since(&before) {
        problem.get_or_insert(left);
    }
    (seen, problem)
}

/// What is open that was not. A thread that ends may take a moment to let go of what it had.
fn left_since(before: &Descriptors) -> Option<String> {
    let began = Instant::now();
    loop {
        let left = before.opened_since();
        if left.is_empty() {
            return None;
        }
        if began.elapsed() > Duration::from_secs(5) {
            return Some(format!("descriptors are left: {left:?}"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

const HASTY: Duration = Duration::from_micros(30);
const PATIENT: Duration = Duration::from_millis(50);

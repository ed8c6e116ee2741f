//! The wheel behind a watch: asks the system what the descriptor is ready for, and tells it.
//!
//! Owns which modes are watched, and a share in the descriptor, so that it stays open as long as the
//! kernel watches it. Promises one event for each mode and turn while the descriptor is ready, read
//! before write before expedite. Remembers no readiness: whenever it is asked it asks the system, so a
//! pause can forget none, and what another handler has consumed meanwhile is not told.

use std::os::fd::AsFd;
use std::rc::Rc;

use super::{SelectMode, Selected};
use crate::event::Bound;
use crate::io::Io;
use crate::name::Symbol;
use crate::sys;
use crate::wheel::{Readiness, Wheel};

pub(crate) struct Watcher<F> {
    /// Absent when it was given back: the wheel is about to be closed.
    descriptor: Option<Rc<F>>,
    /// In the order of `SelectMode`.
    modes: [Mode; MODES.len()],
    /// How many of the modes have had their chance in this turn.
    asked: usize,
}

/// ```text
/// Stopped, Running, Paused --select--> Running
/// Running --pause--> Paused --resume--> Running
/// Running, Paused --stop--> Stopped
/// ```
#[derive(Clone, Copy, Debug)]
enum Mode {
    Stopped,
    Running(Symbol),
    Paused(Symbol),
}

impl<F: AsFd + 'static> Watcher<F> {
    pub(super) fn new(descriptor: Rc<F>, mode: SelectMode, event: Symbol) -> Self {
        let mut modes = [Mode::Stopped; MODES.len()];
        modes[mode as usize] = Mode::Running(event);
        Self { descriptor: Some(descriptor), modes, asked: 0 }
    }

    pub(super) fn select(&mut self, mode: SelectMode, event: Symbol, io: &mut Io<'_>) {
        self.modes[mode as usize] = Mode::Running(event);
        io.hold_session();
        // It may have been ready for long: the system will not say so again.
        io.again();
    }

    pub(super) fn stop(&mut self, mode: SelectMode, io: &mut Io<'_>) {
        self.modes[mode as usize] = Mode::Stopped;
        if self.modes.iter().all(|mode| matches!(mode, Mode::Stopped)) {
            io.release_session();
        }
    }

    /// Says whether the mode is watched.
    pub(super) const fn pause(&mut self, mode: SelectMode) -> bool {
        let mode = &mut self.modes[mode as usize];
        match *mode {
            Mode::Stopped => return false,
            Mode::Running(event) | Mode::Paused(event) => *mode = Mode::Paused(event),
        }
        true
    }

    /// Says whether the mode is watched.
    pub(super) fn resume(&mut self, mode: SelectMode, io: &mut Io<'_>) -> bool {
        let place = &mut self.modes[mode as usize];
        match *place {
            Mode::Stopped => return false,
            Mode::Running(_) => {}
            Mode::Paused(event) => {
                *place = Mode::Running(event);
                io.again();
            }
        }
        true
    }

    /// Gives up the share in the descriptor, which is not watched any more.
    pub(super) fn let_go(&mut self, io: &mut Io<'_>) {
        io.unwatch();
        self.descriptor = None;
    }

    /// What the modes that run wait for.
    fn wanted(&self) -> Readiness {
        let running = self.modes.iter().zip(MODES).filter(|(mode, _)| is_running(mode));
        running.fold(Readiness::NONE, |all, (_, (_, readiness))| all.with(readiness))
    }
}

impl<F: AsFd + 'static> Wheel for Watcher<F> {
    type Event = (Bound<Selected>, Selected);

    fn ready(&mut self, _: Readiness) {
        // The system is asked anew before each event: it may be over by then.
    }

    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        let wanted = self.wanted();
        let asked = std::mem::take(&mut self.asked);
        let descriptor = self.descriptor.as_ref().filter(|_| wanted != Readiness::NONE)?;
        let ready = sys::ready_for(descriptor, wanted);
        for (place, (mode, readiness)) in MODES.into_iter().enumerate().skip(asked) {
            if let Mode::Running(event) = self.modes[place]
                && ready.contains(readiness)
            {
                self.asked = place + 1;
                let selected = Selected { watch: io.id(), mode };
                return Some((Bound::new(io.session(), event), selected));
            }
        }
        // What is still ready has had its event in this turn.
        if ready != Readiness::NONE {
            io.again();
        }
        None
    }
}

const fn is_running(mode: &Mode) -> bool {
    matches!(mode, Mode::Running(_))
}

/// In the order in which they are told.
const MODES: [(SelectMode, Readiness); 3] = [
    (SelectMode::Read, Readiness::READABLE),
    (SelectMode::Write, Readiness::WRITABLE),
    (SelectMode::Expedite, Readiness::URGENT),
];

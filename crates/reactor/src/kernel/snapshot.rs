//! A look at everything that is alive.
//!
//! Walks every table once; costs nothing while nobody looks.

use std::collections::HashMap;

use super::Kernel;
use crate::ids::SessionId;
use crate::queue::{Entry, What};
use crate::session::Slot;
use crate::snapshot::{QueuedInfo, SessionInfo, Snapshot, TimerInfo, WheelInfo};

impl Kernel {
    /// What is alive now, and why: sessions with their aliases, wheels, timers and queued events, and the
    /// counters. For a log, a debug command, a monitor.
    ///
    /// Takes time and memory in proportion to all that is there.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut infos: HashMap<SessionId, SessionInfo> =
            self.sessions.iter().map(|(id, slot)| (id, self.info(id, slot))).collect();
        for (id, kind, meta) in self.wheels.iter() {
            if let Some(info) = infos.get_mut(&meta.session) {
                info.wheels.push(WheelInfo {
                    id,
                    kind,
                    descriptor: meta.watched(),
                    further: self.desk.further.of(id).collect(),
                    holds: meta.alive,
                });
            }
        }
        for (timer, due) in self.desk.timers.iter() {
            if let Some(info) = infos.get_mut(&timer.session) {
                let event = self.names.text(timer.symbol).into();
                let due = self.desk.clock.instant(due);
                info.timers.push(TimerInfo { event, due });
            }
        }
        for (entry, payload) in self.desk.queue.iter() {
            if let (Some(info), Some(event)) = (infos.get_mut(&entry.to), self.event_of(entry)) {
                info.queued.push(QueuedInfo { event, from: entry.from, payload });
            }
        }
        let generations = self.sessions.pedigree();
        let mut sessions: Vec<SessionInfo> =
            generations.into_iter().filter_map(|id| infos.remove(&id)).collect();
        sessions.iter_mut().for_each(|info| info.timers.sort_by_key(|timer| timer.due));
        Snapshot { now: self.now(), stats: self.stats, sessions, queued: self.desk.queue.len() }
    }

    fn info(&self, id: SessionId, slot: &Slot) -> SessionInfo {
        let mut tags: Vec<(String, u32)> =
            self.tags.of(id).map(|(tag, count)| (tag.to_owned(), count)).collect();
        tags.sort();
        let watched = self.signals.watched_by(id);
        let mut signals: Vec<String> =
            watched.map(|name| self.names.text(name).to_owned()).collect();
        signals.sort();
        SessionInfo {
            id,
            kind: self.kinds.name(slot.kind),
            parent: slot.parent,
            depth: self.sessions.ancestors(id).count(),
            is_running: slot.body.is_none() && !self.seat.has(id),
            holds: slot.ledger.entries().collect(),
            aliases: self.aliases.of(id).map(str::to_owned).collect(),
            tags,
            signals,
            wheels: Vec::new(),
            timers: Vec::new(),
            queued: Vec::new(),
        }
    }

    /// The name of a queued event or signal.
    fn event_of(&self, entry: &Entry) -> Option<String> {
        match entry.what {
            What::Wheel(_) | What::Born | What::System(_) | What::Child(_) => None,
            What::Plain(_) | What::Boxed | What::Signal => {
                Some(self.names.text(entry.names.event()).to_owned())
            }
        }
    }
}

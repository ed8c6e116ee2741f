//! Timers: set, moved, removed.

use super::{BEGINNING, Reference, Waiting, What};
use crate::op::{Op, Way, Who};

impl Reference {
    pub(super) fn act_on_timers(&mut self, me: Who, op: Op) -> String {
        match op {
            Op::Timer { way, event, micros, number, key } => {
                let key = matches!(way, Way::AlarmSet | Way::DelaySet).then_some(key);
                if matches!(way, Way::Alarm | Way::Delay) {
                    self.replace_timers(me, event);
                }
                self.read_posts();
                let due = self.now.saturating_add_signed(micros);
                self.wait(due, What::Timer { session: me, event, number, key });
                "ok".into()
            }
            Op::AlarmAdjust { key, by } => {
                self.move_timer(me, key, by == 0, |due| due.saturating_add_signed(by))
            }
            Op::DelayAdjust { key, micros } => {
                let due = self.now + micros;
                self.move_timer(me, key, false, |_| due)
            }
            Op::AlarmRemove { key } => {
                match self.remove_timers(me, |_, one| one == Some(key)).pop() {
                    Some(removed) => removed,
                    None => "NoSuchTimer".into(),
                }
            }
            Op::AlarmClear(event) => {
                self.remove_timers(me, |name, _| name == event).len().to_string()
            }
            Op::AlarmRemoveAll => self.remove_timers(me, |_, _| true).join(", "),
            other => unreachable!("{other:?}"),
        }
    }

    /// Microseconds since the beginning.
    pub(super) fn time(&self, time: u64) -> i64 {
        time as i64 - BEGINNING as i64
    }

    /// The only timer of a name gives its place to the new one: nothing lets go of the session meanwhile.
    fn replace_timers(&mut self, me: Who, event: &str) {
        if self.timers_of(me, |name, _| name == event).len() == 1 {
            self.forget_waiting(|what| is_timer_of(what, me, &|name, _| name == event));
        } else {
            self.remove_timers(me, |name, _| name == event);
        }
    }

    /// A timer that is moved comes behind those that are set for that time; one that is not stays.
    fn move_timer(&mut self, me: Who, key: u64, stays: bool, to: impl Fn(u64) -> u64) -> String {
        let Some(place) = self.timers_of(me, |_, one| one == Some(key)).pop() else {
            return "NoSuchTimer".into();
        };
        if stays {
            return format!("at {}", self.time(self.waiting[place].due));
        }
        self.read_posts();
        let Waiting { due, what, .. } = self.waiting.remove(place);
        let due = to(due);
        self.wait(due, what);
        format!("at {}", self.time(due))
    }

    /// Says what was removed, the soonest first.
    fn remove_timers(&mut self, me: Who, which: impl Fn(&str, Option<u64>) -> bool) -> Vec<String> {
        let mut removed: Vec<(u64, u64, String)> = Vec::new();
        for place in self.timers_of(me, &which) {
            let Waiting { due, number: stamp, what } = &self.waiting[place];
            let What::Timer { event, number, .. } = what else { continue };
            let text = format!("{event} at {} with {:?}", self.time(*due), Some(number));
            removed.push((*due, *stamp, text));
        }
        self.forget_waiting(|what| is_timer_of(what, me, &which));
        if !removed.is_empty() {
            self.released(me);
        }
        removed.sort_unstable();
        removed.into_iter().map(|(_, _, text)| text).collect()
    }

    fn timers_of(&self, me: Who, which: impl Fn(&str, Option<u64>) -> bool) -> Vec<usize> {
        let all = self.waiting.iter().enumerate();
        all.filter(|(_, one)| is_timer_of(&one.what, me, &which)).map(|(place, _)| place).collect()
    }
}

fn is_timer_of(what: &What, me: Who, which: &dyn Fn(&str, Option<u64>) -> bool) -> bool {
    match what {
        What::Timer { session, event, key, .. } => *session == me && which(event, *key),
        What::Event { .. }
        | What::Signal { .. }
        | What::Born(_)
        | What::Pull { .. }
        | What::Alarm(_) => false,
    }
}

//! Timers: all are the same, however they were set.

use super::{Payload, Reference, What};
use crate::op::{Op, Who};

impl Reference {
    pub(super) fn act_on_timers(&mut self, me: Who, op: Op) -> String {
        match op {
            Op::Alarm { event, micros, number } | Op::Delay { event, micros, number } => {
                let clear = self.timers_of(me, |_, name| name == event).len() > 1;
                if clear {
                    self.remove_timers(me, |_, name| name == event);
                }
                self.set_timer(me, event, micros, (number, None));
                if !clear {
                    // One takes the place of the other.
                    self.forget_waiting(|what| {
                        matches!(what, What::Timer { session, event: name, number: one, .. }
                            if *session == me && *name == event && *one != number)
                    });
                }
            }
            Op::AlarmSet { event, micros, number, key }
            | Op::DelaySet { event, micros, number, key } => {
                self.set_timer(me, event, micros, (number, Some(key)));
            }
            Op::AlarmAdd { event, micros, number } | Op::DelayAdd { event, micros, number } => {
                self.set_timer(me, event, micros, (number, None));
            }
            Op::AlarmClear(event) => {
                return self.remove_timers(me, |_, name| name == event).len().to_string();
            }
            Op::AlarmRemoveAll => return self.remove_timers(me, |_, _| true).concat(),
            Op::AlarmRemove { key } => {
                let removed = self.remove_timers(me, |one, _| one == Some(key)).pop();
                return removed.unwrap_or_else(|| "NoSuchTimer".into());
            }
            Op::AlarmAdjust { key, .. } | Op::DelayAdjust { key, .. } => {
                let Some(place) = self.timers_of(me, |one, _| one == Some(key)).pop() else {
                    return "NoSuchTimer".into();
                };
                let due = match op {
                    Op::AlarmAdjust { micros, .. } => self.waiting[place].due + micros,
                    Op::DelayAdjust { micros, .. } => self.now + micros,
                    other => unreachable!("{other:?}"),
                };
                if !matches!(op, Op::AlarmAdjust { micros: 0, .. }) {
                    self.read_posts();
                    let timer = self.waiting.remove(place);
                    self.wait(due, timer.what);
                }
                return due.to_string();
            }
            other => unreachable!("{other:?}"),
        }
        "ok".into()
    }

    fn set_timer(
        &mut self,
        session: Who,
        event: &'static str,
        micros: i64,
        (number, key): (u64, Option<u64>),
    ) {
        self.read_posts();
        self.wait(self.now + micros, What::Timer { session, event, number, key });
    }

    /// Where a session's timers are among what waits, the soonest first.
    fn timers_of(&self, me: Who, which: impl Fn(Option<u64>, &str) -> bool) -> Vec<usize> {
        let is_it = |place: &usize| match self.waiting[*place].what {
            What::Timer { session, event, key, .. } => session == me && which(key, event),
            _ => false,
        };
        let mut places: Vec<usize> = (0..self.waiting.len()).filter(is_it).collect();
        places.sort_by_key(|place| (self.waiting[*place].due, self.waiting[*place].number));
        places
    }

    /// Removes them; says in words which they were.
    fn remove_timers(&mut self, me: Who, which: impl Fn(Option<u64>, &str) -> bool) -> Vec<String> {
        let mut removed = Vec::new();
        while let Some(place) = self.timers_of(me, &which).first().copied() {
            let timer = self.waiting.remove(place);
            if let What::Timer { event, number, .. } = timer.what {
                removed.push(format!(
                    "{event} {} at {};",
                    Payload::Parcel(number, None),
                    timer.due
                ));
            }
            self.released(me);
        }
        removed
    }
}

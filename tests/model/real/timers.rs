//! Timers, as the script asks for them.

use std::time::Duration;

use reactor::{Adjust, Removed};

use super::Stage;
use super::door::{Inside, plain};
use super::payload::Parcel;
use crate::op::{Op, Way};

impl Inside<'_, '_> {
    pub(super) fn act_on_timers(&mut self, op: Op) -> String {
        let Self { cx, stage, .. } = self;
        let timer = |key| stage.timers.borrow().get(&key).copied();
        let moved = match op {
            Op::Timer { way, event, micros, number, key } => {
                self.set_timer(way, event, (micros, number), key);
                return "ok".into();
            }
            Op::AlarmAdjust { key, by } => {
                let span = Duration::from_micros(by.unsigned_abs());
                let by = if by < 0 { Adjust::Earlier(span) } else { Adjust::Later(span) };
                timer(key).map(|timer| cx.alarm_adjust(timer, by))
            }
            Op::DelayAdjust { key, micros } => {
                timer(key).map(|timer| cx.delay_adjust(timer, Duration::from_micros(micros)))
            }
            Op::AlarmRemove { key } => {
                let removed = timer(key).and_then(|timer| cx.alarm_remove(timer).ok());
                return removed.map_or_else(|| "NoSuchTimer".into(), |one| removed_one(stage, one));
            }
            Op::AlarmClear(event) => return cx.alarm_clear(event).to_string(),
            Op::AlarmRemoveAll => {
                let all = cx.alarm_remove_all();
                let all: Vec<String> = all.into_iter().map(|one| removed_one(stage, one)).collect();
                return all.join(", ");
            }
            other => unreachable!("{other:?}"),
        };
        match moved {
            None => "NoSuchTimer".into(),
            Some(Ok(time)) => format!("at {}", stage.micros(time)),
            Some(Err(error)) => format!("{error:?}"),
        }
    }

    fn set_timer(&mut self, way: Way, event: &'static str, (micros, number): (i64, u64), key: u64) {
        let Self { cx, stage, .. } = self;
        let delay = Duration::from_micros(micros.unsigned_abs());
        let time = if micros < 0 { cx.now() - delay } else { cx.now() + delay };
        let payload = plain(number);
        let timer = match way {
            Way::Alarm => return cx.alarm(event, time, payload),
            Way::AlarmAdd => return cx.alarm_add(event, time, payload),
            Way::Delay => return cx.delay(event, delay, payload),
            Way::DelayAdd => return cx.delay_add(event, delay, payload),
            Way::AlarmSet => cx.alarm_set(event, time, payload),
            Way::DelaySet => cx.delay_set(event, delay, payload),
        };
        stage.timers.borrow_mut().insert(key, timer);
    }
}

fn removed_one(stage: &Stage, mut removed: Removed) -> String {
    let number = removed.take::<Parcel>().map(|parcel| parcel.number);
    format!("{} at {} with {number:?}", removed.name(), stage.micros(removed.due()))
}

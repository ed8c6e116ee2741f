//! What the script asks for, asked of the kernel.

use std::rc::Rc;
use std::time::Instant;

use reactor::{
    Adjust, AliasError, Child, Context, Kernel, NoSuchTimer, Removed, SessionId, SignalError,
    TimerId,
};

use super::both::ask;
use super::payload::Parcel;
use super::{Actor, Seen, Stage, hear_set, ok, plain, span, word_of};
use crate::op::{Door, Op, TAGS, Who};
use crate::view::{View, look};

/// A handler.
pub struct Inside<'a, 'b> {
    pub cx: &'a mut Context<'b>,
    pub actor: &'a mut Actor,
    pub stage: &'a Rc<Stage>,
}

/// Somebody between two turns.
pub struct Outside<'a> {
    pub kernel: &'a mut Kernel,
    pub stage: &'a Rc<Stage>,
}

impl Door for Outside<'_> {
    fn alive(&self) -> Vec<Who> {
        Seen { kernel: self.kernel, stage: self.stage }.alive()
    }

    fn perform(&mut self, op: Op) -> String {
        let Self { kernel, stage } = self;
        match op {
            Op::Look(who) => look(&Seen { kernel, stage }, who),
            Op::AliasSet(name) => stage.alias(kernel.alias_set(SessionId::KERNEL, name)),
            Op::AliasRemove(name) => stage.alias(kernel.alias_remove(SessionId::KERNEL, name)),
            _ => ask(*kernel, stage, &mut Vec::new(), op),
        }
    }
}

impl Door for Inside<'_, '_> {
    fn alive(&self) -> Vec<Who> {
        Seen { kernel: self.cx.kernel(), stage: self.stage }.alive()
    }

    fn perform(&mut self, op: Op) -> String {
        let Self { cx, actor, stage } = self;
        match op {
            Op::Look(who) => look(&Seen { kernel: cx.kernel(), stage }, who),
            Op::AliasSet(name) => stage.alias(cx.alias_set(name)),
            Op::AliasRemove(name) => stage.alias(cx.alias_remove(name)),
            Op::Delay { event, micros, number } => {
                cx.delay(event, span(micros), plain(number));
                ok()
            }
            Op::DelaySet { event, micros, number, key } => {
                stage.keep(key, cx.delay_set(event, span(micros), plain(number)))
            }
            Op::Alarm { event, micros, number } => {
                cx.alarm(event, later(cx.now(), micros), plain(number));
                ok()
            }
            Op::AlarmSet { event, micros, number, key } => {
                stage.keep(key, cx.alarm_set(event, later(cx.now(), micros), plain(number)))
            }
            Op::DelayAdd { event, micros, number } => {
                cx.delay_add(event, span(micros), plain(number));
                ok()
            }
            Op::AlarmAdd { event, micros, number } => {
                cx.alarm_add(event, later(cx.now(), micros), plain(number));
                ok()
            }
            Op::AlarmClear(event) => cx.alarm_clear(event).to_string(),
            Op::AlarmRemoveAll => {
                let removed = cx.alarm_remove_all();
                removed.into_iter().map(|timer| stage.removed(timer)).collect()
            }
            Op::AlarmAdjust { .. } | Op::AlarmRemove { .. } | Op::DelayAdjust { .. } => {
                self.act_on_timer(op).unwrap_or_else(|NoSuchTimer| "NoSuchTimer".into())
            }
            Op::DetachMyself => word_of(cx.detach_myself()),
            Op::DetachChild(who) => word_of(cx.detach_child(stage.id(who).expect("was born"))),
            Op::Sig { signal, event } => match cx.sig(signal, event) {
                Ok(()) => ok(),
                Err(SignalError::Misspelt(_)) => "Misspelt".into(),
                Err(SignalError::Unwatchable(_)) => "Unwatchable".into(),
                Err(other) => other.to_string(),
            },
            Op::SigClear(signal) => {
                if cx.sig_clear(signal) {
                    "cleared".into()
                } else {
                    "not watched".into()
                }
            }
            Op::SigHandled => {
                cx.sig_handled();
                ok()
            }
            Op::State { event, version } => word_of(match event {
                "_child" => cx.state(event, hear_set::<Child>(version)),
                "_stop" | "_start" => cx.state(event, hear_set::<()>(version)),
                _ => cx.state(event, hear_set::<Parcel>(version)),
            }),
            Op::StateClear(event) => word_of(cx.state_clear(event)),
            Op::LetGo => {
                actor.held.clear();
                let me = cx.session();
                for tag in TAGS {
                    while cx.refcount_decrement(me, tag).is_ok() {}
                }
                ok()
            }
            Op::Postback { .. }
            | Op::Callback { .. }
            | Op::Ring { .. }
            | Op::Wheel { .. }
            | Op::Poke { .. }
            | Op::Release { .. } => self.act_on_held(op),
            _ => ask(*cx, stage, &mut actor.held, op),
        }
    }
}

impl Inside<'_, '_> {
    fn act_on_timer(&mut self, op: Op) -> Result<String, NoSuchTimer> {
        let Self { cx, stage, .. } = self;
        let find = |key| stage.timers.borrow().get(&key).copied().ok_or(NoSuchTimer);
        let moved = match op {
            Op::AlarmRemove { key } => return Ok(stage.removed(cx.alarm_remove(find(key)?)?)),
            Op::AlarmAdjust { key, micros } if micros < 0 => {
                cx.alarm_adjust(find(key)?, Adjust::Earlier(span(micros)))?
            }
            Op::AlarmAdjust { key, micros } => {
                cx.alarm_adjust(find(key)?, Adjust::Later(span(micros)))?
            }
            Op::DelayAdjust { key, micros } => cx.delay_adjust(find(key)?, span(micros))?,
            other => unreachable!("{other:?}"),
        };
        Ok(stage.micros(moved).to_string())
    }
}

impl Stage {
    fn keep(&self, key: u64, timer: TimerId) -> String {
        self.timers.borrow_mut().insert(key, timer);
        ok()
    }

    /// A timer that was removed, in words.
    fn removed(&self, mut timer: Removed) -> String {
        let parcel = timer.take::<Parcel>().expect("each timer has one");
        format!("{} #{} at {};", timer.name(), parcel.number, self.micros(timer.due()))
    }

    fn alias(&self, result: Result<(), AliasError>) -> String {
        match result {
            Err(AliasError::InUse(id)) => format!("InUse {}", self.name(id)),
            Err(AliasError::NotYours(id)) => format!("NotYours {}", self.name(id)),
            other => word_of(other),
        }
    }
}

fn later(now: Instant, micros: i64) -> Instant {
    if micros < 0 { now - span(micros) } else { now + span(micros) }
}

//! Changing what a stream tells, and to whom, while it runs.

use filters::Filter;
use reactor::{Context, EventName, WheelId};

use super::settings::Settings;
use super::{Input, ReadWrite};
use crate::failure::Failure;

/// Names of events and marks, which can be changed at any time. Nothing but what is named is changed: a
/// paused input stays paused (POE's `event` resumes it).
impl<F: Filter> ReadWrite<F> {
    /// Tells [`Input`] by another event from now on (POE: `event`).
    pub fn set_input_event(&self, cx: &mut Context<'_>, event: impl EventName<Input<F::Item>>) {
        let symbol = cx.symbol_of(event);
        self.set(cx, |settings| settings.targets.input = symbol);
    }

    /// Tells [`Failure`] by another event from now on (POE: `event`).
    pub fn set_failure_event(&self, cx: &mut Context<'_>, event: impl EventName<Failure>) {
        let symbol = cx.symbol_of(event);
        self.set(cx, |settings| settings.targets.failure = symbol);
    }

    /// Tells by this event from now on that all was sent, what is unsent now included (POE: `event`).
    /// `None::<&str>`: tells it no more.
    pub fn set_flushed_event(&self, cx: &mut Context<'_>, event: Option<impl EventName<WheelId>>) {
        let symbol = event.map(|event| cx.symbol_of(event));
        self.set(cx, |settings| settings.targets.flushed = symbol);
    }

    /// Tells by this event from now on that the high mark was reached (POE: `event`). `None::<&str>`: tells
    /// it no more.
    pub fn set_high_event(&self, cx: &mut Context<'_>, event: Option<impl EventName<WheelId>>) {
        let symbol = event.map(|event| cx.symbol_of(event));
        self.set(cx, |settings| settings.targets.high = symbol);
    }

    /// Tells by this event from now on that the low mark was passed (POE: `event`). `None::<&str>`: tells it
    /// no more.
    pub fn set_low_event(&self, cx: &mut Context<'_>, event: Option<impl EventName<WheelId>>) {
        let symbol = event.map(|event| cx.symbol_of(event));
        self.set(cx, |settings| settings.targets.low = symbol);
    }

    /// Moves the high mark (POE: `set_high_mark`). If so much is unsent already it is told now. A low mark
    /// that is not below it goes just below it. There need not have been one before.
    pub fn set_high_mark(&self, cx: &mut Context<'_>, bytes: usize) {
        self.set(cx, |settings| settings.marks = settings.marks.with_high(bytes));
    }

    /// Moves the low mark (POE: `set_low_mark`). If the high mark was reached and no more than this is
    /// unsent, it is told now. One that is not below the high mark is taken as just below it.
    pub fn set_low_mark(&self, cx: &mut Context<'_>, bytes: usize) {
        self.set(cx, |settings| settings.marks = settings.marks.with_low(bytes));
    }

    fn set(&self, cx: &mut Context<'_>, change: impl FnOnce(&mut Settings)) {
        if let Some((stream, mut io)) = cx.wheel(self.handle()) {
            stream.set(change, &mut io);
        }
    }
}

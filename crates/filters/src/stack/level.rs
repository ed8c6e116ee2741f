//! One filter of a stack, and how bytes pass through several.
//!
//! Owns what lies before the filter: bytes that it has begun to read, and items that it has not
//! seen. Promises to show it what is before it in order, and what it was shown again. Never takes
//! from the wire what the filter might leave to another. `stack.rs` says when filters change.

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;

use crate::between::Between;
use crate::{Filter, FilterError, Input, Output};

type ByteFilter = Box<dyn Filter<Item = Bytes, Out = Bytes>>;

/// Whether the peer may send more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Flowing,
    Ended,
}

/// A filter and what lies before it, on the wire's side.
pub(super) struct Level {
    pub(super) filter: ByteFilter,
    /// What the filter was shown and has not consumed, unless that is still on the wire.
    begun: Between,
    /// Items for the filter that it was not shown, to come behind `begun`.
    pub(super) unseen: VecDeque<Bytes>,
    /// How many bytes of the wire the filter was shown last, if it asked for more. Only the first
    /// filter has any, and one that was the first when another was put before it: then they are
    /// its own, and taken at the next opportunity.
    shown: usize,
}

impl Level {
    pub(super) fn new(filter: ByteFilter, unseen: VecDeque<Bytes>) -> Self {
        Self { filter, begun: Between::default(), unseen, shown: 0 }
    }

    /// Gives back the filter, and what it leaves to the next one.
    pub(super) fn leave_to(mut self, next: &mut VecDeque<Bytes>) -> ByteFilter {
        // Before the items: what is pending could be decoded to some, and is for others to decode.
        let mut begun = self.filter.take_pending();
        begun.append(&mut self.begun.take());
        while self.filter.holds_items() {
            // An error is of a framing that is no more.
            let Ok(Some(item)) = self.filter.decode(&mut Input::new(b"")) else { break };
            next.push_back(item);
        }
        if !begun.is_empty() {
            next.push_back(Bytes::from(begun));
        }
        next.append(&mut self.unseen);
        self.filter
    }

    /// How much `take_pending` would take out.
    pub(super) fn pending(&self) -> usize {
        let unseen: usize = self.unseen.iter().map(Bytes::len).sum();
        self.filter.pending() + self.begun.len() + unseen
    }

    /// Takes out all that a filter in place of the stack should see of this level.
    pub(super) fn take_pending(&mut self) -> Vec<u8> {
        self.shown = 0;
        let mut pending = self.filter.take_pending();
        pending.append(&mut self.begun.take());
        pending.extend(self.unseen.drain(..).flatten());
        pending
    }

    pub(super) fn may_yield(&self) -> bool {
        self.filter.holds_items() || self.begun.may_yield() || !self.unseen.is_empty()
    }

    /// Decodes an item of what lies before the filter.
    fn decode(&mut self) -> Result<Option<Bytes>, FilterError> {
        loop {
            if let Some(item) = self.begun.decode(&mut self.filter)? {
                return Ok(Some(item));
            }
            let Some(unseen) = self.unseen.pop_front() else { return Ok(None) };
            self.begun.push(unseen);
        }
    }

    /// Decodes an item of what is on the wire, nothing else being before the filter.
    #[inline]
    fn decode_from_wire(
        &mut self,
        input: &mut Input<'_>,
        stage: Stage,
    ) -> Result<Option<Bytes>, FilterError> {
        match stage {
            Stage::Ended => self.filter.finish(input),
            Stage::Flowing => {
                let result = self.filter.decode(input);
                self.shown = if matches!(result, Ok(None)) { input.len() } else { 0 };
                result
            }
        }
    }

    /// Decodes an item of which the filter has begun to read, and that goes on on the wire. It has
    /// to see both in one piece.
    fn decode_behind_begun(
        &mut self,
        input: &mut Input<'_>,
        stage: Stage,
    ) -> Result<Option<Bytes>, FilterError> {
        let more = input.as_slice();
        if !more.is_empty() {
            self.begun.push_slice(more);
        }
        if stage == Stage::Ended {
            input.skip(more.len());
            return self.begun.finish(&mut self.filter);
        }
        let result = self.begun.decode(&mut self.filter);
        if !matches!(result, Ok(None)) {
            // The record is complete. What is behind it may be for another filter to read.
            let unread = more.len().min(self.begun.len());
            self.begun.retract(unread);
            input.skip(more.len() - unread);
        } else {
            input.skip(more.len());
        }
        result
    }

    /// Takes from the wire what is its own though it is not the first any more.
    fn take_shown(&mut self, input: &mut Input<'_>) {
        if self.shown > 0 {
            self.begun.push(input.take(std::mem::take(&mut self.shown)));
        }
    }

    fn is_clear(&self) -> bool {
        self.begun.is_empty() && self.unseen.is_empty()
    }
}

/// Decodes an item of the last of `levels`, which takes what it needs from those before it.
pub(super) fn decode_through(
    levels: &mut [Level],
    input: &mut Input<'_>,
    stage: Stage,
) -> Result<Option<Bytes>, FilterError> {
    let Some((level, before)) = levels.split_last_mut() else {
        return Ok((!input.is_empty()).then(|| input.take(input.len())));
    };
    if before.is_empty() {
        return decode_first(level, input, stage);
    }
    level.take_shown(input);
    loop {
        if let Some(item) = level.decode()? {
            return Ok(Some(item));
        }
        match (decode_through(before, input, stage)?, stage) {
            (Some(item), _) => level.begun.push(item),
            (None, Stage::Flowing) => return Ok(None),
            (None, Stage::Ended) => return level.begun.finish(&mut level.filter),
        }
    }
}

/// Decodes an item of the filter at the wire.
fn decode_first(
    level: &mut Level,
    input: &mut Input<'_>,
    stage: Stage,
) -> Result<Option<Bytes>, FilterError> {
    // Not asked otherwise: to a filter that reads from the wire, nothing is not what it saw last.
    if !level.is_clear()
        && let Some(item) = level.decode()?
    {
        return Ok(Some(item));
    }
    if level.begun.is_empty() {
        level.decode_from_wire(input, stage)
    } else {
        level.decode_behind_begun(input, stage)
    }
}

/// Encodes an item with the last of `levels`, and what that makes of it with the one before.
pub(super) fn encode_through(
    levels: &mut [Level],
    item: Bytes,
    out: &mut Output,
) -> Result<(), FilterError> {
    match levels.split_last_mut() {
        None => out.put_bytes(item),
        Some((level, [])) => level.filter.encode(item, out)?,
        Some((level, before)) => {
            let mut encoded = Output::new();
            level.filter.encode(item, &mut encoded)?;
            if !encoded.is_empty() {
                encode_through(before, encoded.into_bytes(), out)?;
            }
        }
    }
    Ok(())
}

/// Counts, no content: it may be long, and it is somebody's mail.
impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Level")
            .field("begun", &self.begun)
            .field("unseen", &self.unseen.len())
            .field("shown", &self.shown)
            .finish_non_exhaustive()
    }
}

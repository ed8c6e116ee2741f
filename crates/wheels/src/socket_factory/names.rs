//! Looking up what a plan does not know yet: hosts, services, a protocol.
//!
//! Everything is asked at once. Nothing is done with an answer before all are there.

use std::time::Duration;

use reactor::Io;

use super::plan::{Number, Plan, Target, Work};
use crate::failure::Failure;
use crate::resolve::{Lookup, Question};

impl Plan {
    /// Asks what was not asked yet, and notes what was answered; says whether all is known. If not, the
    /// wheel will be called.
    ///
    /// # Errors
    ///
    /// What cannot be looked up, or took too long.
    pub(super) fn settle(&mut self, io: &mut Io<'_>) -> Result<bool, Failure> {
        let timeout = self.settings.resolve_timeout;
        let mut all =
            self.protocol.as_mut().map_or(Ok(true), |number| number.settle(timeout, io))?;
        for target in self.work.targets() {
            all &= target.settle(timeout, io)?;
        }
        Ok(all)
    }
}

impl Work {
    fn targets(&mut self) -> impl Iterator<Item = &mut Target> {
        let (first, others) = match self {
            Self::Open { near, .. } => (None, near.as_mut_slice()),
            Self::Everywhere { port, .. } => (Some(port), [].as_mut_slice()),
            Self::Connect { far, near } => (Some(far), near.as_mut_slice()),
        };
        first.into_iter().chain(others)
    }
}

impl Target {
    fn settle(&mut self, timeout: Duration, io: &mut Io<'_>) -> Result<bool, Failure> {
        if let Self::Ask(query, port) = self {
            *self = Self::Asked(ask(query.clone(), timeout, io)?, *port);
        }
        let Self::Asked(lookup, port) = self else { return Ok(true) };
        let Some(answer) = lookup.answer(io) else { return Ok(false) };
        let mut addresses = answer.map_err(|failed| failed.to(io.id()))?;
        if let Some(port) = port {
            addresses.iter_mut().for_each(|address| address.set_port(*port));
        }
        *self = Self::Known(addresses.into_iter().map(Into::into).collect());
        Ok(true)
    }
}

impl Number {
    fn settle(&mut self, timeout: Duration, io: &mut Io<'_>) -> Result<bool, Failure> {
        if let Self::Ask(protocol) = self {
            *self = Self::Asked(ask(protocol.clone(), timeout, io)?);
        }
        let Self::Asked(lookup) = self else { return Ok(true) };
        let Some(answer) = lookup.answer(io) else { return Ok(false) };
        *self = Self::Known(answer.map_err(|failed| failed.to(io.id()))?);
        Ok(true)
    }
}

/// The lookups of a plan are begun at one time, and have one deadline.
fn ask<Q: Question>(question: Q, timeout: Duration, io: &mut Io<'_>) -> Result<Lookup<Q>, Failure> {
    let lookup = Lookup::start(question, timeout, io).map_err(|failed| failed.to(io.id()))?;
    if let Some(deadline) = lookup.deadline() {
        io.wake_at(deadline);
    }
    Ok(lookup)
}

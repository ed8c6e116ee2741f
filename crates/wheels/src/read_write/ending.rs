//! How a stream fails and ends: what is told, when, and who is kept alive for it.

use std::io;
use std::time::{Duration, Instant};

use filters::{Filter, FilterError};
use reactor::{Bound, Io};

use super::health::{Input, Limit, State, instant};
use super::link::{Intake, Outlet};
use super::outbound::Progress;
use super::stream::Stream;
use super::told::Told;
use crate::failure::{Failure, Operation};
use crate::sys::errno;

/// What few streams have.
#[derive(Debug)]
pub(super) struct Rare<T> {
    /// A failure that is told when there is no input any more.
    pub(super) failure: Option<Failure>,
    /// It was shut down.
    leaving: Option<Leaving>,
    /// Where its input goes.
    pub(super) outlet: Outlet<T>,
    /// Who pipes to it.
    pub(super) intake: Option<Intake>,
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self { failure: None, leaving: None, outlet: Outlet::Session, intake: None }
    }
}

impl<T> Rare<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.failure.is_none() && self.leaving.is_none() && !self.is_piped()
    }

    pub(super) fn is_piped(&self) -> bool {
        self.intake.is_some() || !matches!(self.outlet, Outlet::Session)
    }

    /// The same for a stream of other items, without the pipes, which are for these.
    pub(super) fn convert<U>(self) -> Rare<U> {
        Rare { failure: self.failure, leaving: self.leaving, ..Rare::default() }
    }
}

#[derive(Debug)]
struct Leaving {
    /// When it is closed, if nothing moves.
    deadline: Instant,
    /// When it is closed, whatever moves.
    at_latest: Option<Instant>,
}

impl<F: Filter> Stream<F> {
    pub(super) fn rare(&mut self) -> &mut Rare<F::Item> {
        self.rare.get_or_insert_default()
    }

    /// Whether a failure is still to be told.
    pub(super) fn has_failure(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.failure.is_some())
    }

    fn is_leaving(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.leaving.is_some())
    }

    pub(super) fn shutdown(&mut self, io: &mut Io<'_>) {
        self.outbound.close();
        self.unpipe(io);
        self.set_gate();
        if self.ends.ends_by_halves() {
            self.inbound.discard();
        } else {
            self.inbound.finish();
        }
        if self.inbound.is_done() {
            // Closing tells the peer as well, and it sends no more that would have to be read first.
            self.outbound.shut();
        }
        // Nobody puts more. It is told before this closes, which it may do without another write.
        self.outbound.note_flushed();
        let health = self.health.take();
        let end = health.and_then(|health| health.end(&self.settings.limits));
        let at_latest = end.and_then(|end| instant(end, io));
        self.rare().leaving = Some(Leaving { deadline: io.now(), at_latest });
        self.postpone(io);
        io.hold_session();
        io.mark_dirty();
        io.again();
    }

    /// If it was shut down: something moves, it may take its time again.
    pub(super) fn postpone(&mut self, io: &mut Io<'_>) {
        let Some(leaving) = self.rare.as_mut().and_then(|rare| rare.leaving.as_mut()) else {
            return;
        };
        let deadline = io.now() + Duration::from_millis(self.settings.linger.into());
        leaving.deadline = leaving.at_latest.map_or(deadline, |end| end.min(deadline));
        io.wake_at(leaving.deadline);
    }

    /// Whether a stream that was shut down is through, or has waited long enough.
    pub(super) fn leave(&mut self, io: &mut Io<'_>) {
        let Some(leaving) = self.rare.as_ref().and_then(|rare| rare.leaving.as_ref()) else {
            return;
        };
        let waited = io.now() >= leaving.deadline;
        let through = self.outbound.is_settled() && self.inbound.is_done();
        if through || self.outbound.has_failed() {
            io.close();
        } else if waited {
            let unsent = self.outbound.fail();
            if unsent > 0 {
                self.ends.reset_on_close();
                let text = "the peer took too long".into();
                let failure = Failure::told(Operation::Shutdown, errno::TIMEDOUT, text, io.id());
                self.rare().failure = Some(failure.unsent(unsent));
            }
            io.close();
        }
    }

    #[cold]
    pub(super) fn read_failed(
        &mut self,
        error: io::Error,
        io: &mut Io<'_>,
    ) -> Option<Told<F::Item>> {
        let pulled = self.inbound.broke(error);
        self.pulled(pulled, io)
    }

    #[cold]
    pub(super) fn refused(
        &mut self,
        error: Box<FilterError>,
        io: &mut Io<'_>,
    ) -> Option<Told<F::Item>> {
        let pulled = self.inbound.refuse(error);
        if self.filter.has_answer() {
            self.answer(io);
        }
        self.pulled(pulled, io)
    }

    /// Nothing else of it can: it has no other code that is not ours.
    pub(super) fn filter_panicked(&mut self, io: &Io<'_>) -> Told<F::Item> {
        let failure = Failure::told(Operation::Filter, errno::IO, "it panicked".into(), io.id());
        let failure = failure.unsent(self.outbound.fail());
        self.failed(Box::new(failure), io)
    }

    #[cold]
    pub(super) fn write_failed(&mut self, error: &io::Error, io: &mut Io<'_>) {
        let failure = Failure::new(Operation::Write, error, io.id());
        self.output_failed(failure, io);
    }

    /// The peer reads too slowly for what was put.
    pub(super) fn overflow(&mut self, io: &mut Io<'_>) {
        let text = format!("the peer leaves {} bytes unread", self.outbound.unsent());
        let failure = Failure::told(Operation::OutputLimit, errno::NOBUFS, text.into(), io.id());
        self.output_failed(failure, io);
    }

    fn output_failed(&mut self, failure: Failure, io: &mut Io<'_>) {
        let unsent = self.outbound.fail();
        self.rare().failure = Some(failure.unsent(unsent));
        self.set_gate();
        self.inbound.look_once_more();
        io.mark_dirty();
    }

    pub(super) fn failed(&self, failure: Box<Failure>, io: &Io<'_>) -> Told<F::Item> {
        Told::Failed(Bound::new(io.session(), self.settings.targets.failure), failure)
    }

    /// The failure that waits for the input to be told first.
    pub(super) fn broken(&mut self, io: &mut Io<'_>) -> Option<Told<F::Item>> {
        let rare = self.rare.as_mut()?;
        let failure = rare.failure.take_if(|failure| {
            // Of a broken connection there is an end of input. A peer that floods and does not read
            // would put the news off for ever.
            failure.operation != Operation::Write || !self.inbound.is_flowing()
        });
        if rare.is_empty() {
            self.rare = None;
        }
        let failure = failure?;
        self.release_if_over(io);
        Some(self.failed(Box::new(failure), io))
    }

    /// Lets the session go if nothing can come any more and nothing is to be sent.
    pub(super) fn release_if_over(&self, io: &mut Io<'_>) {
        let over = self.outbound.output.is_empty() && self.inbound.is_done();
        if over && !self.is_leaving() && !self.has_failure() {
            io.release_session();
        }
    }

    /// Sees to what is wrong with its health, if the time has come to look.
    #[inline]
    pub(super) fn look_after(&mut self, io: &mut Io<'_>) -> Option<Told<F::Item>> {
        let health = self.health.as_ref()?;
        if health.is_due(io) { self.look_at_health(io) } else { None }
    }

    #[cold]
    fn look_at_health(&mut self, io: &mut Io<'_>) -> Option<Told<F::Item>> {
        let state = self.state();
        let limits = self.settings.limits;
        let limit = self.health.as_mut()?.look(&limits, state, io.uptime());
        let told = limit.and_then(|limit| self.limit_reached(limit, io));
        self.set_alarm(io);
        told
    }

    /// Of the output it is told behind the input that is there, of the input at once.
    fn limit_reached(&mut self, limit: Limit, io: &mut Io<'_>) -> Option<Told<F::Item>> {
        let (operation, errnum, text) = limit.words();
        let failure = Failure::told(operation, errnum, text.into(), io.id());
        if limit.is_of_output() {
            self.output_failed(failure, io);
            if let Some(health) = &mut self.health {
                health.note_output(Progress::None, 0, &self.settings.limits, io.uptime());
            }
            return None;
        }
        self.inbound.finish();
        self.release_if_over(io);
        Some(self.failed(Box::new(failure), io))
    }

    /// Sets the alarm for the limit that is reached first.
    pub(super) fn set_alarm(&mut self, io: &mut Io<'_>) {
        let state = self.state();
        if let Some(health) = &mut self.health {
            health.set_alarm(&self.settings.limits, state, io);
        }
    }

    fn state(&self) -> State {
        let input = if self.inbound.is_done() {
            Input::Over
        } else if self.inbound.is_paused() {
            Input::Paused
        } else {
            Input::Awaited
        };
        State { input, unsent: self.outbound.unsent() }
    }
}

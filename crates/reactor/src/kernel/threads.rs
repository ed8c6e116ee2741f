//! What comes from other threads: posts (`remote.rs`) and the ends of jobs (`pool/`).

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use super::{Kernel, Letter};
use crate::bell::Bell;
use crate::config::{DELIVER_BUDGET, FEWEST_TAKEN_IN};
use crate::event::EventName;
use crate::handle::Handle;
use crate::ids::SessionId;
use crate::pool::{Blocking, JobError, JobRefused};
use crate::remote::Remote;

impl Kernel {
    /// A handle that posts to this kernel's sessions from other threads.
    ///
    /// The first one makes the queue, of 1.5 MiB. A kernel that has given none away has no waker, and
    /// handles that nobody posts with cost no wake-ups.
    ///
    /// # Errors
    ///
    /// What `eventfd(2)` and `epoll_ctl(2)` say: too many open descriptors, or no memory.
    pub fn remote(&mut self) -> io::Result<Remote> {
        let desk = &mut self.desk;
        desk.inbox.remote(&mut desk.doorbell, &desk.poller)
    }

    pub(crate) fn run_blocking<R, F>(
        &mut self,
        session: SessionId,
        job: F,
        event: impl EventName<Result<R, JobError>>,
    ) -> Result<Handle<Blocking<R>>, JobRefused<F>>
    where
        R: Send + 'static,
        F: FnOnce() -> R + Send + 'static,
    {
        let job = self.desk.start_job(job)?;
        let event = self.names.intern(event.into_name());
        Ok(self.add_wheel(session, |io| Blocking::new(job, event, io)))
    }

    /// Somebody rang.
    pub(super) fn answer_bell(&mut self) {
        self.desk.doorbell.answer();
        self.desk.inbox.note_ready();
        self.collect_jobs();
    }

    /// Has the wheels asked whose jobs are done.
    fn collect_jobs(&mut self) {
        for id in self.desk.pool.collect() {
            self.ask_again(id);
        }
    }

    /// Posts what other threads have posted, as much of it as this turn can deliver.
    #[inline]
    pub(super) fn receive(&mut self) {
        if self.desk.inbox.is_ready() {
            self.receive_some();
        }
    }

    #[cold]
    fn receive_some(&mut self) {
        self.current = Letter::OUTSIDE;
        let queued = u32::try_from(self.desk.queue.len()).unwrap_or(u32::MAX);
        let most = DELIVER_BUDGET.saturating_sub(queued).max(FEWEST_TAKEN_IN);
        for _ in 0..most {
            let Some(errand) = self.desk.inbox.take() else { return };
            let place = "the drop of an event's payload";
            self.guard(SessionId::KERNEL, place, |kernel| errand.run(kernel));
        }
    }

    /// Posts one event of another thread.
    pub(crate) fn take_in<T: 'static>(
        &mut self,
        to: SessionId,
        name: Cow<'static, str>,
        payload: T,
    ) {
        if !self.sessions.contains(to) {
            log::debug!(
                target: "reactor::events",
                "event {name} from another thread is dropped: session {to} is gone"
            );
            return;
        }
        let posted = self.post_from_current(to, name, payload);
        debug_assert!(posted.is_ok(), "the session is there");
    }

    /// Ends the threads that wait for a job: the program is about to fork.
    pub(super) fn dismiss_idle_workers(&mut self) {
        self.desk.pool.dismiss_idle();
    }

    /// This is a forked child, whose desk has a poller of its own: every [`Remote`] wakes this loop, and
    /// what was posted to the parent is forgotten. No other thread runs.
    pub(super) fn forget_threads(&mut self, bell: Option<Arc<Bell>>) {
        self.desk.doorbell.become_twin(bell);
        while let Some(errand) = self.desk.inbox.take() {
            let place = "the drop of an event's payload";
            self.guard(SessionId::KERNEL, place, |_| drop(errand));
        }
        // Who rang before, rang the parent.
        self.collect_jobs();
    }
}

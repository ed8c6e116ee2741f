//! Signals: into the queue, to those who watch, and what follows.
//!
//! A signal concerns a session and all that descend from it; sent to the kernel, everybody. Whoever of
//! them watches it is told, the deepest descendants first. Then, if its class says so and nobody called it
//! handled, all that it concerns are stopped, in the same order.

use std::any::Any;
use std::cmp::Reverse;
use std::os::raw::c_int;
use std::rc::Rc;

use super::{EventNames, Kernel, Letter};
use crate::error::SignalError;
use crate::ids::SessionId;
use crate::name::Symbol;
use crate::payload::Parcel;
use crate::queue::What;
use crate::session::Hold;
use crate::signal::{self, Class, Death, Signal, Watch};

impl Kernel {
    pub(crate) fn watch_signal(
        &mut self,
        session: SessionId,
        name: &str,
        symbol: Symbol,
    ) -> Result<(), SignalError> {
        let signal = self.names.intern(name.to_owned().into());
        self.signals.watch(&self.desk.poller, (signal, name), Watch { session, symbol })
    }

    pub(crate) fn clear_signal(&mut self, session: SessionId, name: &str) -> bool {
        self.names.find(name).is_some_and(|name| self.signals.clear(name, session))
    }

    /// The signal that is being delivered is handled: nobody is stopped for it.
    pub(crate) const fn signal_handled(&mut self) {
        self.signals.handled = true;
    }

    /// The system's pipe is readable.
    pub(super) fn queue_signals(&mut self) {
        for number in self.signals.pending() {
            log::debug!(target: "reactor::signals", "{} came", signal::name(number));
            self.look_at_children_for(number);
            if self.signals.note_queued(number) {
                self.desk.post_own(SessionId::KERNEL, SessionId::KERNEL, What::System(number));
            }
        }
    }

    /// Puts a signal into the queue, behind what was posted.
    pub(super) fn send_signal(&mut self, letter: Letter, payload: Option<Rc<dyn Any>>) {
        let Letter { to, from, names } = letter;
        if !self.sessions.add_post(to, from) && from != to {
            self.sessions.add(from, Hold::Sent); // to everybody, which nothing holds
        }
        let what = self.desk.queue.keep_signal(payload);
        self.desk.post(to, from, names, what);
    }

    /// A signal of the system has come to the front of the queue.
    pub(super) fn deliver_system(&mut self, number: c_int) {
        self.signals.note_delivered(number);
        let name = self.names.intern(signal::name(number).into());
        if !self.signals.is_watched(name) {
            // Who watched it is gone; without us the system would act now.
            if let Err(error) = signal::default_action(number) {
                log::error!(target: "reactor::signals", "{}: {error}", signal::name(number));
            }
            return;
        }
        self.deliver_signal(Letter::new(SessionId::KERNEL, SessionId::KERNEL, name), None);
    }

    /// Tells a signal to those who watch it, and does what follows.
    pub(super) fn deliver_signal(&mut self, letter: Letter, payload: Option<Rc<dyn Any>>) {
        let (target, name) = (letter.to, letter.symbol());
        let class = Class::of(self.names.text(name));
        let watches = self.watchers_below(target, name);
        // Who it concerns is decided before anybody is told, whatever becomes of the family then.
        let concerned = match class {
            Class::Terminal | Class::Nonmaskable if !target.is_kernel() => {
                let mut family = self.sessions.family(target);
                // Their parents list them as they came, which is not as they were born.
                family.sort_by_cached_key(|id| self.place_of(*id));
                family
            }
            Class::Benign | Class::Terminal | Class::Nonmaskable => Vec::new(),
        };
        log::trace!(
            target: "reactor::signals",
            "{} to {}: {} watch", self.names.text(name), target.who(), watches.len()
        );
        let handled = self.tell_watchers(&watches, letter.names, payload.as_ref());
        self.guard(target, "the drop of a signal's payload", |_| drop(payload));
        let ends = match class {
            Class::Benign => false,
            Class::Terminal => !handled,
            Class::Nonmaskable => true,
        };
        if ends && target.is_kernel() {
            self.ask_stop();
            self.tidy();
        } else if ends {
            for id in concerned {
                self.stop_session(id);
            }
        } else if name == Symbol::IDLE && target.is_kernel() && self.is_idle() {
            // Somebody wanted to live on, and has found nothing to live for.
            self.signal_everybody(Symbol::ZOMBIE, None);
        }
    }

    /// Asks the session that failed, its descendants, and its ancestors; says whether it was handled.
    pub(super) fn tell_death(&mut self, death: Death) -> bool {
        let mut watches = self.watchers_below(death.session, Symbol::DIE);
        for ancestor in self.sessions.ancestors(death.session) {
            let all = self.signals.watchers(Symbol::DIE).iter();
            watches.extend(all.filter(|watch| watch.session == ancestor));
        }
        let death: Rc<dyn Any> = Rc::new(death);
        self.tell_watchers(&watches, EventNames::one(Symbol::DIE), Some(&death))
    }

    /// The kernel itself sends everybody a signal.
    pub(super) fn signal_everybody(&mut self, name: Symbol, payload: Option<Rc<dyn Any>>) {
        let letter = Letter::new(SessionId::KERNEL, SessionId::KERNEL, name);
        self.send_signal(letter, payload);
    }

    /// Whether nothing can happen any more: sessions are there, but only aliases and each other hold them.
    pub(super) fn is_idle(&self) -> bool {
        !self.sessions.is_empty()
            && !self.sessions.expects()
            && !self.desk.inbox.is_reachable()
            && self.desk.queue.is_empty()
            && self.desk.timers.len() == 0
            && !self.desk.has_work()
    }

    fn tell_watchers(
        &mut self,
        watches: &[Watch],
        names: EventNames,
        payload: Option<&Rc<dyn Any>>,
    ) -> bool {
        // A handler that fails has `DIE` told before the next hears of this one: each has its own answer.
        let outer = std::mem::replace(&mut self.signals.handled, false);
        for watch in watches {
            let signal = Signal::new(self.names.shared(names.event()), payload.cloned());
            let names = names.renamed(watch.symbol);
            let letter = Letter { to: watch.session, from: SessionId::KERNEL, names };
            self.tell(letter, &mut Parcel::of(&mut Some(signal)), None);
        }
        std::mem::replace(&mut self.signals.handled, outer)
    }

    /// Who watches a signal of those that it concerns, the deepest first, then the youngest.
    fn watchers_below(&self, target: SessionId, name: Symbol) -> Vec<Watch> {
        let concerned = |watch: &&Watch| {
            target == SessionId::KERNEL
                || watch.session == target
                || self.sessions.ancestors(watch.session).any(|ancestor| ancestor == target)
        };
        let all = self.signals.watchers(name).iter();
        let mut watches: Vec<Watch> = all.filter(concerned).copied().collect();
        if watches.len() > 1 {
            watches.sort_by_cached_key(|watch| self.place_of(watch.session));
        }
        watches
    }

    /// Where a session stands among those that a signal concerns: the deepest first, then the youngest.
    fn place_of(&self, session: SessionId) -> Reverse<(usize, Vec<u64>)> {
        let path = self.sessions.lineage(session);
        Reverse((path.len(), path))
    }
}

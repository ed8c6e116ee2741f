//! The beginning of sessions.

use std::any::Any;

use super::{Kernel, Letter};
use crate::ids::SessionId;
use crate::name::Symbol;
use crate::payload::Parcel;
use crate::queue::What;
use crate::session::{Handlers, Hold, Newborn, Reply};

impl Kernel {
    pub(crate) fn spawn_from_current<S: 'static>(
        &mut self,
        handlers: Handlers<'_, S>,
        state: S,
    ) -> SessionId {
        self.read_posts();
        let maker = self.current.to;
        let birth = self.desk.stamp(self.desk.now).sequence;
        let newborn = handlers.make(state, birth, &mut self.kinds, &mut self.names);
        let Newborn { hears, .. } = newborn;
        let id = self.sessions.insert(newborn, maker);
        log::debug!(target: "reactor::sessions", "session {id} ({}) starts", std::any::type_name::<S>());
        // As in POE, the session is held until its maker had the chance to give it work.
        self.sessions.add(id, Hold::Queued);
        let answer = if hears.start() { self.tell_start(id, maker) } else { None };
        if let Some(slot) = self.sessions.get_mut(id) {
            slot.starting = false;
            self.desk.post_own(id, SessionId::KERNEL, What::Born);
            self.announce(id, answer);
        } else {
            self.drop_each(id, ANSWER, answer);
        }
        id
    }

    /// Tells a session that it begins; gives what it says to that, if its maker wants to know.
    fn tell_start(&mut self, id: SessionId, maker: SessionId) -> Option<Box<dyn Any>> {
        let mut answer = None;
        let heard = self.sessions.get(maker).is_some_and(|maker| maker.hears.child());
        let mut reply = Reply::Any(&mut answer);
        let reply = if heard { Some(&mut reply) } else { None };
        self.tell(Letter::new(id, maker, Symbol::START), &mut { Parcel::UNIT }, reply);
        answer
    }
}

/// Where a session fails whose answer to its parent panics when it is dropped.
pub(super) const ANSWER: &str = "the drop of its answer";

//! Events that nobody took.
//!
//! An event without a handler, or with a payload of another type than its handler's, is a warning that
//! names the session, the event, the sender and the reason. In strict mode it is a failure of the session
//! that it was sent to; and so is a post to nobody, of the session that posted it.

use std::error::Error;
use std::fmt;

use super::{Exception, Kernel, Letter};
use crate::name::Symbol;
use crate::payload::Parcel;
use crate::session::Refusal;

impl Kernel {
    #[cold]
    pub(super) fn report_unhandled(
        &mut self,
        letter: Letter,
        parcel: &Parcel<'_>,
        refusal: &Refusal,
    ) {
        if letter.symbol().is_own() && matches!(refusal, Refusal::NoHandler) {
            return; // nobody needs to handle these
        }
        self.stats.unhandled += 1;
        let Some(slot) = self.sessions.get(letter.to) else { return };
        let kind = self.kinds.name(slot.kind);
        let warns = slot.options.default;
        let given = parcel.content_name();
        let reason = match refusal {
            Refusal::OtherPayload(taken) => format!("its handler takes {taken}, not {given}"),
            Refusal::NoHandler | Refusal::OtherReply | Refusal::Failed(_) => {
                format!("it has no handler for it (payload: {given})")
            }
        };
        let event = self.names.text(letter.symbol());
        let mut sender = letter.from.who();
        if let Some(caller) = letter.caller() {
            sender = format!("{sender} (in {})", self.names.text(caller));
        }
        let to = letter.to;
        let text = format!(
            "event {event} from {sender} to session {to} ({kind}) was not handled: {reason}"
        );
        if self.strict {
            self.fail(letter, Exception::Error(Box::new(Strict(text))));
        } else if warns {
            log::warn!(target: "reactor::events", "{text}");
        }
    }

    /// Whoever is running posted to nobody.
    #[cold]
    pub(super) fn report_nobody(&mut self, whom: &str, symbol: Symbol) {
        let letter = self.current;
        let (event, sender) = (self.names.text(symbol), letter.to.who());
        let text = format!("event {event} from {sender} was posted to {whom}");
        if self.strict && self.sessions.contains(letter.to) {
            self.fail(letter, Exception::Error(Box::new(Strict(text))));
        } else {
            log::debug!(target: "reactor::events", "{text}");
        }
    }
}

/// What strict mode makes of a slip that is a line in the log otherwise.
#[derive(Debug)]
struct Strict(String);

impl fmt::Display for Strict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "strict: {}", self.0)
    }
}

impl Error for Strict {}

//! One event, one session; what is done when its handler has returned; and what becomes of a failure.

use super::{
    Death, Exception, Handler, Holding, Letter, OWN, POSTBACK, Payload, Phase, Place, Reference,
    Takes, What,
};
use crate::op::{Ending, Heard, KERNEL, Who};
use reactor::OnException;

/// What became of an event; with the payload that nobody took.
pub(super) enum Outcome {
    Handled(Option<u64>),
    NoSession(Payload),
    Busy(Payload),
    NoHandler(Payload),
    OtherPayload(Payload),
    OtherReply(Payload),
    Failed,
}

impl Reference {
    /// Delivers the current letter. If its handler panics, the wheel that sent it goes on in the next turn.
    pub(super) fn offer(&mut self, payload: Payload, reply: bool, wheel: Option<u64>) -> Outcome {
        let letter = self.current;
        match self.sessions.get(&letter.to) {
            None => return Outcome::NoSession(payload),
            Some(session) if session.phase == Phase::Ended => return Outcome::NoSession(payload),
            Some(session) if session.running => return Outcome::Busy(payload),
            Some(_) => {}
        }
        self.session(letter.to).running = true;
        self.depth += 1;
        let handled = self.handle(letter, payload, reply);
        self.depth -= 1;
        self.session(letter.to).running = false;
        self.released(letter.to);
        let outcome = match handled {
            Err(refusal) => refusal,
            Ok(Ending::Return(number)) => Outcome::Handled(Some(number)),
            Ok(Ending::Error(text)) => {
                self.fail(letter, Exception { panic: false, text });
                Outcome::Failed
            }
            Ok(Ending::Panic(text)) => {
                if let Some(wheel) = wheel {
                    self.cut_short = true;
                    self.ask_again(wheel);
                }
                self.fail(letter, Exception { panic: true, text });
                Outcome::Failed
            }
        };
        self.tidy();
        outcome
    }

    /// Finds the handler and runs it.
    fn handle(&mut self, letter: Letter, payload: Payload, reply: bool) -> Result<Ending, Outcome> {
        let Letter { to, event, .. } = letter;
        let session = &self.sessions[&to];
        let handler = session.handlers.iter().find(|handler| handler.event == event).copied();
        let refusal = match handler {
            Some(handler) if handler.takes == payload.kind() => {
                if !reply {
                    return Err(Outcome::OtherReply(payload));
                }
                let version = handler.version;
                let which = (event.to_owned(), version, version == 0);
                return Ok(self.run_handler(letter, payload, which));
            }
            Some(_) => Outcome::OtherPayload,
            None => Outcome::NoHandler,
        };
        if !session.has_default || event == "_start" {
            return Err(refusal(payload));
        }
        match self.run_handler(letter, payload, (format!("?{event}"), 0, false)) {
            Ending::Return(_) => Err(Outcome::Handled(None)),
            failed @ (Ending::Error(_) | Ending::Panic(_)) => Ok(failed),
        }
    }

    fn run_handler(
        &mut self,
        letter: Letter,
        payload: Payload,
        (event, version, may_err): (String, u64, bool),
    ) -> Ending {
        let me = letter.to;
        let payload_text = payload.to_string();
        if let Payload::Parcel(_, Some(gift)) = payload {
            if self.script.is_calm() {
                self.drop_held(gift);
            } else {
                self.place(gift, Place::State(me));
            }
        }
        let heard = Heard {
            me,
            event,
            version,
            sender: letter.from,
            caller: letter.caller.map(str::to_owned),
            payload: payload_text,
            why: self.why(me),
            now: self.now,
            turn: self.counts.turns,
            may_err,
        };
        let script = std::rc::Rc::clone(&self.script);
        script.heard(&heard, self)
    }

    /// Delivers the current letter, of which nobody waits for a reply.
    pub(super) fn deliver_current(&mut self, payload: Payload, wheel: Option<u64>) -> Option<u64> {
        let event = self.current.event;
        let left = match self.offer(payload, true, wheel) {
            Outcome::Handled(answer) => return answer,
            Outcome::Failed => return None,
            Outcome::NoSession(left) => left,
            Outcome::NoHandler(left) => {
                self.counts.unhandled += u64::from(!OWN.contains(&event));
                left
            }
            Outcome::OtherPayload(left) => {
                self.counts.unhandled += 1;
                left
            }
            Outcome::Busy(_) | Outcome::OtherReply(_) => unreachable!("nobody called"),
        };
        self.drop_payload(left);
        self.tidy();
        None
    }

    /// Delivers a letter between other things.
    pub(super) fn tell(&mut self, letter: Letter, payload: Payload) -> Option<u64> {
        self.read_posts();
        let outer = std::mem::replace(&mut self.current, letter);
        let answer = self.deliver_current(payload, None);
        self.current = outer;
        answer
    }

    /// Tells a session something now; or when its running handler has returned, behind what waits for that.
    pub(super) fn notify(&mut self, to: Who, event: &'static str, payload: Payload) {
        if !self.hears(to, event) {
            return;
        }
        let letter = Letter::new(to, KERNEL, event);
        let running = self.is_running(to);
        match self.late.iter_mut().find(|(who, _)| *who == to) {
            Some((_, notices)) => notices.push((letter, payload)),
            None if running => self.late.push((to, vec![(letter, payload)])),
            None => {
                self.tell(letter, payload);
            }
        }
    }

    /// What there is to do between two events.
    pub(super) fn tidy(&mut self) {
        self.read_notes();
        while let Some(wheel) = self.closing.pop() {
            self.close_wheel(wheel);
        }
        self.settle();
        self.set_handlers();
        self.stop_doomed();
        // One after the other, and not one within the other.
        if self.telling_at == Some(self.depth) {
            return;
        }
        let outer = self.telling_at.replace(self.depth);
        self.tell_late();
        if self.depth == 0 {
            while !self.deaths.is_empty() {
                self.deliver_death();
                self.tell_late();
            }
            if self.stopping {
                self.stop_all();
            }
        }
        self.telling_at = outer;
    }

    /// Tells what waited for handlers that have returned.
    fn tell_late(&mut self) {
        while let Some(place) = self.late.iter().position(|(who, _)| !self.is_running(*who)) {
            if self.late[place].1.is_empty() {
                self.late.remove(place);
                continue;
            }
            let (letter, payload) = self.late[place].1.remove(0);
            self.tell(letter, payload);
        }
    }

    fn read_notes(&mut self) {
        while !(self.posts.is_empty() && self.dropped.is_empty() && self.released.is_empty()) {
            self.read_posts();
            self.close_dropped();
            for who in std::mem::take(&mut self.released) {
                let place = self.postbacks.iter().position(|owner| *owner == who);
                self.postbacks.swap_remove(place.expect("a postback that holds"));
                self.released(who);
            }
        }
    }

    /// Closes what was dropped: between two events, and before another wheel is made.
    pub(super) fn close_dropped(&mut self) {
        for wheel in std::mem::take(&mut self.dropped) {
            self.close_wheel(wheel);
        }
    }

    /// What postbacks were called with comes before what is posted now.
    pub(super) fn read_posts(&mut self) {
        for (to, event, payload) in std::mem::take(&mut self.posts) {
            if self.sessions.contains_key(&to) {
                let letter = self.current.next(to, event);
                self.post(What::Event { letter, payload });
            }
        }
    }

    pub(super) fn settle(&mut self) {
        while !self.unsettled.is_empty() {
            let (who, _, holds) = self.unsettled.remove(0);
            if !holds {
                self.released(who);
            }
        }
    }

    fn set_handlers(&mut self) {
        while let Some(place) = self.changes.iter().position(|(who, ..)| !self.is_running(*who)) {
            let (who, event, version) = self.changes.remove(place);
            let Some(session) = self.sessions.get_mut(&who) else { continue };
            session.handlers.retain(|handler| handler.event != event);
            let Some(version) = version else { continue };
            let takes = match event {
                "_child" => Takes::Child,
                "_stop" => Takes::Unit,
                _ => Takes::Parcel,
            };
            session.handlers.push(Handler { event, takes, version });
            session.hears.push(event);
        }
    }

    fn fail(&mut self, letter: Letter, exception: Exception) {
        self.counts.failures += 1;
        let error = exception.to_string();
        if let Some((text, sessions)) = &mut self.dying {
            *text += "\nAdditional error thrown in handler for previous error:\n";
            *text += &error;
            sessions.push(letter.to);
            return;
        }
        let Letter { to: session, from, event, caller } = letter;
        let caller = caller.unwrap_or("-");
        let text = format!("[{error}|its handler of {event}|{session}|{from}|{event}|{caller}]");
        let death = Death { session, text, error };
        let ending = self.sessions.get(&session).is_none_or(|one| one.phase.is_last());
        if ending || self.stopping || !self.watches.iter().any(|watch| watch.signal == "DIE") {
            self.unhandled(session, exception);
        } else {
            self.deaths.push((death, exception));
        }
    }

    fn deliver_death(&mut self) {
        let (death, exception) = self.deaths.remove(0);
        self.dying = Some((String::new(), Vec::new()));
        let handled = self.tell_death(&death);
        let (further, sessions) = self.dying.take().expect("it was set");
        if !sessions.is_empty() {
            let text = format!("{}{further}", death.error);
            self.unhandled(death.session, Exception { panic: exception.panic, text });
            if self.on_exception == OnException::Isolate {
                sessions.into_iter().for_each(|session| self.end_failed(session));
            }
        } else if !handled {
            self.unhandled(death.session, exception);
        }
    }

    fn unhandled(&mut self, session: Who, exception: Exception) {
        match self.on_exception {
            OnException::Stop => {
                self.failure.get_or_insert(exception);
                self.stopping = true;
            }
            OnException::Isolate => self.end_failed(session),
        }
    }

    /// Drops what is held: its postback holds no more, its wheel closes, when the handler has returned or
    /// makes another.
    pub(super) fn drop_held(&mut self, key: u64) {
        let place = self.held.iter().position(|one| one.key == key).expect("it is held");
        let held = self.held.remove(place);
        match held.what {
            Holding::Handle => self.dropped.push(key),
            Holding::Postback | Holding::Callback if held.holds => self.released.push(held.session),
            Holding::Postback | Holding::Callback => {}
        }
    }

    pub(super) fn drop_payload(&mut self, payload: Payload) {
        if let Payload::Parcel(_, Some(gift)) = payload {
            self.drop_held(gift);
        }
    }

    /// Puts what is held somewhere else, behind what is there.
    pub(super) fn place(&mut self, key: u64, place: Place) {
        let at = self.held.iter().position(|one| one.key == key).expect("it is held");
        let mut held = self.held.remove(at);
        held.place = place;
        self.held.push(held);
    }

    /// Drops everything that is held in a place.
    pub(super) fn drop_all(&mut self, place: Place) {
        while let Some(one) = self.held.iter().find(|one| one.place == place) {
            self.drop_held(one.key);
        }
    }

    pub(super) fn hold_postback(&mut self, who: Who) {
        self.postbacks.push(who);
        debug_assert!(self.ledger(who)[POSTBACK] > 0);
    }
}

impl Payload {
    const fn kind(&self) -> Takes {
        match self {
            Self::Parcel(..) => Takes::Parcel,
            Self::Text(_) => Takes::Text,
            Self::Pair(..) => Takes::Pair,
            Self::Number(_) => Takes::Number,
            Self::Signal(..) => Takes::Signal,
            Self::Unit => Takes::Unit,
            Self::Child(..) => Takes::Child,
            Self::Parent(..) => Takes::Parent,
        }
    }
}

impl std::fmt::Display for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Parcel(number, None) => write!(f, "#{number}"),
            Self::Parcel(number, Some(gift)) => write!(f, "#{number} with {gift}"),
            Self::Text(number) => write!(f, "text {number}"),
            Self::Pair(made, called) => write!(f, "{made} and {called}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Signal(name, text) => write!(f, "{name}{text}"),
            Self::Unit => f.write_str("()"),
            Self::Child(fate, who, None) => write!(f, "{fate} {who}"),
            Self::Child(fate, who, Some(answer)) => write!(f, "{fate} {who} saying {answer}"),
            Self::Parent(old, new) => write!(f, "{old} -> {new}"),
        }
    }
}

impl std::fmt::Display for Exception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.panic { write!(f, "panic: {}", self.text) } else { f.write_str(&self.text) }
    }
}

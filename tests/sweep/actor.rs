//! A session that plays a part: it tells what it hears and does then what the scenario says.
//!
//! An actor that has nothing to do any more [ends](Actor::end). One that waits in vain gives up after a
//! while, and tells so.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use reactor::{Context, Event, Exited, Kernel, Selected, SessionId, Signal, States, WheelId};
use wheels::filter::{Line, Stream};
use wheels::{
    Datagram, DatagramBuilder, Descriptor, Established, Failure, Input, ListenAccept, Listening,
    Message, ReadWrite, ReadWriteBuilder, Socket, SocketFactory, SocketFactoryBuilder,
};

use crate::stage::{Stage, Teller};

/// What an actor hears.
pub(crate) enum Heard {
    Made(Established),
    Up,
    Line(WheelId, Bytes),
    Bytes(Bytes),
    Message(Message),
    Flushed,
    Failed(Failure),
    Selected(Selected),
    Exited,
    Signal,
    Word,
}

/// What it holds.
pub(crate) enum Held {
    Factory(SocketFactory),
    #[expect(dead_code, reason = "held, and no more")]
    Acceptor(ListenAccept),
    Lines(ReadWrite<Line>),
    Bytes(ReadWrite<Stream>),
    Messages(Datagram),
}

type Reaction = Box<dyn FnMut(&mut Actor, &mut Context<'_>, Heard)>;

pub(crate) struct Actor {
    pub(crate) teller: Teller,
    pub(crate) held: BTreeMap<WheelId, Held>,
    /// Watches, keys, and whatever else is to be dropped at the end.
    pub(crate) luggage: Vec<Box<dyn std::any::Any>>,
    reaction: Option<Reaction>,
    /// Whether the other end does not listen: then it is chance how it hears of the end.
    pub(crate) is_unheard: bool,
}

pub(crate) const MADE: Event<Established> = Event::new("made");
const UP: Event<Listening> = Event::new("up");
const LINE: Event<Input<Bytes>> = Event::new("line");
const BYTES: Event<Input<Bytes>> = Event::new("bytes");
const MESSAGE: Event<Message> = Event::new("message");
const FLUSHED: Event<WheelId> = Event::new("flushed");
pub(crate) const FAILED: Event<Failure> = Event::new("failed");
pub(crate) const SELECTED: Event<Selected> = Event::new("selected");
pub(crate) const EXITED: Event<Exited> = Event::new("exited");
pub(crate) const SIGNAL: Event<Signal> = Event::new("signal");
pub(crate) const WORD: Event<String> = Event::new("word");
const GIVE_UP: Event<()> = Event::new("give_up");

impl Stage {
    /// Starts an actor.
    pub(crate) fn actor(
        &self,
        kernel: &mut Kernel,
        name: &str,
        start: impl FnOnce(&mut Actor, &mut Context<'_>) + 'static,
        reaction: impl FnMut(&mut Actor, &mut Context<'_>, Heard) + 'static,
    ) -> SessionId {
        let start = Cell::new(Some(start));
        let states = States::new()
            .on_start(move |actor: &mut Actor, cx: &mut Context<'_>, ()| {
                cx.delay(&GIVE_UP, LONG, ());
                start.take().expect("a session starts once")(actor, cx);
            })
            .on(&MADE, |actor: &mut Actor, cx: &mut Context<'_>, made| {
                actor.hear(cx, Heard::Made(made));
            })
            .on(&UP, |actor: &mut Actor, cx: &mut Context<'_>, _| actor.hear(cx, Heard::Up))
            .on(&LINE, |actor: &mut Actor, cx: &mut Context<'_>, line: Input<Bytes>| {
                actor.hear(cx, Heard::Line(line.wheel, line.item));
            })
            .on(&BYTES, |actor: &mut Actor, cx: &mut Context<'_>, bytes: Input<Bytes>| {
                actor.hear(cx, Heard::Bytes(bytes.item));
            })
            .on(&MESSAGE, |actor: &mut Actor, cx: &mut Context<'_>, message| {
                actor.hear(cx, Heard::Message(message));
            })
            .on(&FLUSHED, |actor: &mut Actor, cx: &mut Context<'_>, _| {
                actor.hear(cx, Heard::Flushed);
            })
            .on(&FAILED, |actor: &mut Actor, cx: &mut Context<'_>, failure| {
                actor.hear(cx, Heard::Failed(failure));
            })
            .on(&SELECTED, |actor: &mut Actor, cx: &mut Context<'_>, selected| {
                actor.hear(cx, Heard::Selected(selected));
            })
            .on(&EXITED, |actor: &mut Actor, cx: &mut Context<'_>, exited: Exited| {
                let status = exited.status.and_then(|status| status.code());
                actor.teller.tell(format_args!("exited: {status:?}"));
                actor.react(cx, Heard::Exited);
            })
            .on(&SIGNAL, |actor: &mut Actor, cx: &mut Context<'_>, signal: Signal| {
                cx.sig_handled();
                actor.teller.tell(format_args!("signal {}", signal.name()));
                actor.react(cx, Heard::Signal);
            })
            .on(&WORD, |actor: &mut Actor, cx: &mut Context<'_>, word: String| {
                actor.teller.tell(word);
                actor.react(cx, Heard::Word);
            })
            .on(&GIVE_UP, |actor: &mut Actor, cx: &mut Context<'_>, ()| {
                actor.teller.tell("gives up");
                actor.end(cx);
            });
        let actor = Actor {
            teller: self.teller(name),
            held: BTreeMap::new(),
            luggage: Vec::new(),
            reaction: Some(Box::new(reaction)),
            is_unheard: false,
        };
        kernel.spawn(&states, actor)
    }
}

impl Actor {
    fn hear(&mut self, cx: &mut Context<'_>, heard: Heard) {
        match &heard {
            Heard::Made(_) => self.teller.tell("made"),
            Heard::Up => self.teller.tell("up"),
            Heard::Line(_, line) => self.teller.tell(String::from_utf8_lossy(line)),
            Heard::Bytes(bytes) => self.teller.tell_bytes(bytes),
            Heard::Message(message) => {
                let text = String::from_utf8_lossy(&message.payload);
                self.teller.tell(format_args!("{text}, {} descriptors", message.fds.len()));
            }
            Heard::Failed(failure) if self.is_unheard => self.teller.tell_over(failure),
            Heard::Failed(failure) => self.teller.tell_failure(failure),
            Heard::Selected(selected) => self.teller.tell(format_args!("ready: {}", selected.mode)),
            Heard::Flushed | Heard::Exited | Heard::Signal | Heard::Word => {}
        }
        self.react(cx, heard);
    }

    fn react(&mut self, cx: &mut Context<'_>, heard: Heard) {
        if let Some(mut reaction) = self.reaction.take() {
            reaction(self, cx, heard);
            self.reaction.get_or_insert(reaction);
        }
    }

    /// The part is played.
    pub(crate) fn end(&mut self, cx: &mut Context<'_>) {
        self.held.clear();
        self.luggage.clear();
        cx.alarm_remove_all();
    }

    /// Ends unless something is held.
    pub(crate) fn end_if_done(&mut self, cx: &mut Context<'_>) {
        if self.held.is_empty() {
            self.end(cx);
        }
    }

    pub(crate) fn factory(
        &mut self,
        cx: &mut Context<'_>,
        builder: SocketFactoryBuilder,
    ) -> Option<SocketAddr> {
        let factory = builder.build(cx, &MADE, &FAILED);
        let addr = factory.local_addr(cx).and_then(|addr| addr.as_ip());
        self.held.insert(factory.id(), Held::Factory(factory));
        addr
    }

    /// As `factory`, of one that tells when it is up.
    pub(crate) fn telling_factory(
        &mut self,
        cx: &mut Context<'_>,
        builder: SocketFactoryBuilder,
    ) -> Option<SocketAddr> {
        self.factory(cx, builder.listening_event(&UP))
    }

    /// Holds a factory no more, of which there is one.
    pub(crate) fn close_factory(&mut self) {
        self.held.retain(|_, held| !matches!(held, Held::Factory(_) | Held::Acceptor(_)));
    }

    pub(crate) fn lines(&mut self, cx: &mut Context<'_>, stream: impl Into<Descriptor>) -> WheelId {
        self.lines_with(cx, ReadWrite::builder(stream).filter(Line::new()))
    }

    pub(crate) fn lines_with(
        &mut self,
        cx: &mut Context<'_>,
        builder: ReadWriteBuilder<Line>,
    ) -> WheelId {
        let wheel = builder.flushed_event(&FLUSHED).build(cx, &LINE, &FAILED);
        let id = wheel.id();
        self.held.insert(id, Held::Lines(wheel));
        id
    }

    pub(crate) fn bytes(&mut self, cx: &mut Context<'_>, stream: impl Into<Descriptor>) -> WheelId {
        let wheel = ReadWrite::builder(stream).flushed_event(&FLUSHED).build(cx, &BYTES, &FAILED);
        let id = wheel.id();
        self.held.insert(id, Held::Bytes(wheel));
        id
    }

    pub(crate) fn messages(&mut self, cx: &mut Context<'_>, socket: Socket) -> WheelId {
        self.messages_with(cx, Datagram::builder(socket))
    }

    pub(crate) fn messages_with(
        &mut self,
        cx: &mut Context<'_>,
        builder: DatagramBuilder,
    ) -> WheelId {
        let wheel = builder.flushed_event(&FLUSHED).build(cx, &MESSAGE, &FAILED);
        let id = wheel.id();
        self.held.insert(id, Held::Messages(wheel));
        id
    }

    pub(crate) fn put(&self, cx: &mut Context<'_>, id: WheelId, text: impl Into<Bytes>) {
        let text = text.into();
        match self.held.get(&id) {
            Some(Held::Lines(wheel)) => drop(wheel.put(cx, text)),
            Some(Held::Bytes(wheel)) => drop(wheel.put(cx, text)),
            Some(Held::Messages(wheel)) => drop(wheel.send(cx, text)),
            Some(Held::Factory(_) | Held::Acceptor(_)) | None => {}
        }
    }

    pub(crate) fn datagram(&self, id: WheelId) -> Option<&Datagram> {
        match self.held.get(&id) {
            Some(Held::Messages(wheel)) => Some(wheel),
            Some(_) | None => None,
        }
    }

    /// Sends what was put and closes.
    pub(crate) fn shutdown(&mut self, cx: &mut Context<'_>, id: WheelId) {
        match self.held.remove(&id) {
            Some(Held::Lines(wheel)) => wheel.shutdown(cx),
            Some(Held::Bytes(wheel)) => wheel.shutdown(cx),
            Some(Held::Messages(_) | Held::Factory(_) | Held::Acceptor(_)) | None => {}
        }
    }

    /// Says no more, and goes on listening.
    pub(crate) fn shutdown_output(&self, cx: &mut Context<'_>, id: WheelId) {
        match self.held.get(&id) {
            Some(Held::Lines(wheel)) => wheel.shutdown_output(cx),
            Some(Held::Bytes(wheel)) => wheel.shutdown_output(cx),
            Some(Held::Messages(_) | Held::Factory(_) | Held::Acceptor(_)) | None => {}
        }
    }

    /// What one does as a rule: the end is answered by one's own, a failure by closing.
    pub(crate) fn part(&mut self, cx: &mut Context<'_>, failure: &Failure) {
        if failure.is_end() {
            self.shutdown(cx, failure.wheel);
        } else {
            self.held.remove(&failure.wheel);
        }
    }
}

/// Longer than anybody has to wait.
pub(crate) const LONG: Duration = Duration::from_secs(40);

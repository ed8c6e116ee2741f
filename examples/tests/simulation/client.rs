//! A client that does what its script says, and notes what comes of it.

use std::time::Duration;

use bytes::Bytes;
use reactor::{Context, Event, Kernel, States};
use wheels::filter::Stream;
use wheels::{Established, Failure, Input, ReadWrite, SocketFactory};

use crate::journal::{Deed, Diary};

/// What a client does, each act after a pause.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) server: (&'static str, u16),
    /// How long it reads nothing after it has read something.
    pub(crate) rest: Option<Duration>,
    pub(crate) acts: Vec<(Duration, Act)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Act {
    Say(Bytes),
    /// Goes on when it has got so much in all.
    Await(usize),
    /// Says that it says no more, and reads on.
    HalfClose,
    /// Closes, whatever is still to come.
    Leave,
}

struct Client {
    diary: Diary,
    script: std::vec::IntoIter<(Duration, Act)>,
    server: (&'static str, u16),
    rest: Option<Duration>,
    act: Option<Act>,
    /// For how much it waits, in all.
    awaits: Option<usize>,
    got: usize,
    connecting: Option<SocketFactory>,
    wheel: Option<ReadWrite<Stream>>,
}

const CONNECTED: Event<Established> = Event::new("connected");
const GOT: Event<Input<Bytes>> = Event::new("got");
const NEXT: Event<()> = Event::new("next");
const RESTED: Event<()> = Event::new("rested");

pub(crate) fn start(kernel: &mut Kernel, script: Script, diary: Diary) {
    let states = States::new()
        .on_start(Client::start)
        .on(&CONNECTED, Client::connected)
        .on(&GOT, Client::got)
        .on(&NEXT, Client::next)
        .on(&RESTED, |client: &mut Client, cx: &mut Context<'_>, ()| {
            client.wheel.iter().for_each(|wheel| wheel.resume_input(cx));
        })
        .on("failed", Client::failed);
    let Script { server, rest, acts } = script;
    let client = Client {
        diary,
        script: acts.into_iter(),
        server,
        rest,
        act: None,
        awaits: None,
        got: 0,
        connecting: None,
        wheel: None,
    };
    kernel.spawn(&states, client);
}

impl Client {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        self.diary.note(cx, Deed::Began);
        let factory = SocketFactory::connect(self.server).build(cx, &CONNECTED, "failed");
        self.connecting = Some(factory);
    }

    fn connected(&mut self, cx: &mut Context<'_>, made: Established) {
        self.diary.note(cx, Deed::Connected);
        self.connecting = None;
        self.wheel = Some(ReadWrite::builder(made.socket).build(cx, &GOT, "failed"));
        self.prepare(cx);
    }

    fn prepare(&mut self, cx: &mut Context<'_>) {
        if let Some((pause, act)) = self.script.next() {
            self.act = Some(act);
            cx.delay(&NEXT, pause, ());
        }
    }

    fn next(&mut self, cx: &mut Context<'_>, (): ()) {
        let (Some(act), Some(wheel)) = (self.act.take(), &self.wheel) else { return };
        match act {
            Act::Say(bytes) => {
                wheel.put(cx, bytes.clone());
                self.diary.note(cx, Deed::Said(bytes));
            }
            Act::Await(much) if self.got < much => {
                self.awaits = Some(much);
                return;
            }
            Act::Await(_) => {}
            Act::HalfClose => {
                wheel.shutdown_output(cx);
                self.diary.note(cx, Deed::HalfClosed);
            }
            Act::Leave => return self.end(cx, Deed::Left),
        }
        self.prepare(cx);
    }

    fn got(&mut self, cx: &mut Context<'_>, input: Input<Bytes>) {
        self.got += input.item.len();
        self.diary.note(cx, Deed::Got(input.item));
        if let (Some(wheel), Some(rest)) = (&self.wheel, self.rest) {
            wheel.pause_input(cx);
            cx.delay(&RESTED, rest, ());
        }
        if self.awaits.take_if(|much| self.got >= *much).is_some() {
            self.prepare(cx);
        }
    }

    fn failed(&mut self, cx: &mut Context<'_>, failure: Failure) {
        let end = if failure.is_end() { Deed::Heard } else { Deed::Broke(failure.to_string()) };
        self.end(cx, end);
    }

    fn end(&mut self, cx: &mut Context<'_>, deed: Deed) {
        self.diary.note(cx, deed);
        (self.connecting, self.wheel) = (None, None);
        cx.alarm_remove_all();
    }
}

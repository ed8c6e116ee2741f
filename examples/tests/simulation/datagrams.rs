//! Who sends datagrams gets them back, and nobody else's.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use reactor::{Context, Kernel, States};
use wheels::{Datagram, Established, Failure, Message, SocketFactory, SocketType};

use crate::journal::{Deed, Diary, Entry};
use crate::stage::{Fate, Outcome, Stage, anywhere};
use crate::udp_echo;

const PORT: u16 = 7;

struct Client {
    diary: Diary,
    server: SocketAddr,
    /// Whether it hears of nobody but the server.
    is_connected: bool,
    messages: std::vec::IntoIter<(Duration, Bytes)>,
    factory: Option<SocketFactory>,
    wheel: Option<Datagram>,
}

pub(crate) fn echo(seed: u64) -> Outcome {
    let mut stage = Stage::new(seed, |kernel| udp_echo::start(kernel, anywhere(PORT)));
    // What is sent during a cut is lost, however short it is.
    stage.set_patience(Duration::ZERO);
    let server = SocketAddr::new(stage.simulation.address(stage.server), PORT);
    for number in 0..stage.random.usize(1..12) {
        let messages = (0..stage.random.usize(1..20)).map(|at| message(&mut stage, (number, at)));
        let messages = messages.collect::<Vec<_>>().into_iter();
        let is_connected = stage.random.bool();
        stage.let_come(move |kernel, diary| {
            let (factory, wheel) = (None, None);
            let client = Client { diary, server, is_connected, messages, factory, wheel };
            spawn(kernel, client);
        });
    }
    stage.live();
    // Either way one of two.
    let most = if stage.is_rough { 4 } else { 1 };
    stage.end(|fates, entries| fates.iter().for_each(|fate| judge(fate, entries, most)))
}

/// After a pause. No two are the same, but for those that are empty.
fn message(stage: &mut Stage, name: (usize, usize)) -> (Duration, Bytes) {
    let length = match stage.random.u8(..8) {
        0 => 0,
        1 => stage.random.usize(1..9_000),
        _ => stage.random.usize(1..500),
    };
    let payload = format!("{name:?}").into_bytes().into_iter().cycle().take(length.max(10));
    (stage.pause(), if length == 0 { Bytes::new() } else { payload.collect() })
}

fn spawn(kernel: &mut Kernel, client: Client) {
    let states = States::new()
        .on_start(Client::start)
        .on("got_socket", Client::got_socket)
        .on("next", Client::next)
        .on("got_message", Client::got_message)
        .on("got_failure", Client::got_failure)
        .on("enough", Client::enough);
    kernel.spawn(&states, client);
}

/// For the last answer.
const LONG: Duration = Duration::from_secs(60);

impl Client {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        self.diary.note(cx, Deed::Began);
        let factory = if self.is_connected {
            SocketFactory::connect(self.server).socket_type(SocketType::Dgram)
        } else {
            SocketFactory::datagram(anywhere(0))
        };
        self.factory = Some(factory.build(cx, "got_socket", "got_failure"));
    }

    fn got_socket(&mut self, cx: &mut Context<'_>, made: Established) {
        self.diary.note(cx, Deed::Connected);
        self.wheel = Some(Datagram::builder(made.socket).build(cx, "got_message", "got_failure"));
        cx.post(cx.session(), "next", ()).expect("it is ours");
    }

    fn next(&mut self, cx: &mut Context<'_>, (): ()) {
        let (Some(wheel), Some((pause, message))) = (&self.wheel, self.messages.next()) else {
            return cx.delay("enough", LONG, ());
        };
        if self.is_connected {
            wheel.send(cx, message.clone());
        } else {
            wheel.send_to(cx, message.clone(), self.server);
        }
        self.diary.note(cx, Deed::Said(message));
        cx.delay("next", pause, ());
    }

    fn got_message(&mut self, cx: &mut Context<'_>, message: Message) {
        assert_eq!(message.from.as_ip(), Some(self.server), "from somebody else");
        assert!(!message.is_truncated());
        self.diary.note(cx, Deed::Got(message.payload));
    }

    /// Nobody was there for a message. The next is sent all the same.
    fn got_failure(&mut self, _: &mut Context<'_>, failure: Failure) {
        assert!(self.wheel.is_some(), "{failure}");
    }

    fn enough(&mut self, cx: &mut Context<'_>, (): ()) {
        self.diary.note(cx, Deed::Left);
        (self.factory, self.wheel) = (None, None);
    }
}

/// It got its own messages, none of them more than so many times; on a calm network all of them, once.
fn judge(fate: &Fate, entries: &[Entry], most: usize) {
    let mut counts: BTreeMap<&Bytes, (usize, usize)> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.client == fate.number) {
        match &entry.deed {
            Deed::Said(message) => counts.entry(message).or_default().0 += 1,
            Deed::Got(message) => counts.entry(message).or_default().1 += 1,
            Deed::Began
            | Deed::Connected
            | Deed::HalfClosed
            | Deed::Left
            | Deed::Heard
            | Deed::Broke(_) => {}
        }
    }
    for (message, (said, got)) in counts {
        let (least, most) = (if fate.on_time { said } else { 0 }, most * said);
        assert!(
            (least..=most).contains(&got),
            "{said} times {message:?}, {got} times back: {fate}"
        );
    }
}

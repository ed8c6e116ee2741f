//! The server under the soak: it says each line again, and tells what it holds when it is asked.
//!
//! Whoever started it asks on its standard input and is answered on its standard output, a line each: see
//! [`Report`](super::report::Report). So the kernel has two sessions: the one under test, and the one that
//! listens to questions.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use components::{Client, TcpServer};
use reactor::{Context, Event, Kernel, States, WheelId, WheelMap};
use wheels::filter::Line;
use wheels::{
    Address, Descriptor, Established, Failure, Input, Listening, ReadWrite, SocketFactory,
};

use super::report;
use crate::args::announce;

/// From here on a client that does not take its answers is not read from ...
const HIGH: usize = 64 * 1024;

/// ... until it has taken all but so much.
const LOW: usize = 16 * 1024;

/// How a server is made of what the libraries have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Make {
    /// A listener and a wheel for each connection, in one session.
    ByHand,
    /// [`TcpServer`].
    Ready,
    /// [`TcpServer`], with a session for each client.
    Sessions,
}

/// The limits of time of its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// A few seconds, so that who stays silent is gone while somebody waits for that: see [`HASTY`].
    Hasty,
    /// What `TcpServer` sets unless told otherwise.
    Usual,
    /// None at all.
    Endless,
}

/// Limits of time.
#[derive(Debug, Clone, Copy)]
struct Limits {
    idle: Option<Duration>,
    frame: Option<Duration>,
    stall: Option<Duration>,
    lifetime: Option<Duration>,
    linger: Duration,
}

/// How long somebody who says nothing, or no more, is kept at most by a server that is
/// [hasty](Patience::Hasty): the longest of its limits, and the time that it lingers after that.
pub const HASTY: Duration = Duration::from_secs(12);

impl Patience {
    const fn limits(self) -> Limits {
        const fn seconds(idle: u64, frame: u64, stall: u64, lifetime: u64, linger: u64) -> Limits {
            Limits {
                idle: Some(Duration::from_secs(idle)),
                frame: Some(Duration::from_secs(frame)),
                stall: Some(Duration::from_secs(stall)),
                lifetime: Some(Duration::from_secs(lifetime)),
                linger: Duration::from_secs(linger),
            }
        }
        match self {
            Self::Hasty => seconds(8, 6, 8, 120, 4),
            Self::Usual => seconds(5 * 60, 30, 60, 24 * 60 * 60, 30),
            Self::Endless => Limits {
                idle: None,
                frame: None,
                stall: None,
                lifetime: None,
                linger: Duration::from_secs(30),
            },
        }
    }
}

/// Serves until nobody can ask any more.
///
/// # Errors
///
/// When it cannot listen, or whoever asks is gone.
pub fn serve(make: Make, address: SocketAddr, patience: Patience) -> io::Result<()> {
    let mut kernel = Kernel::new()?;
    let asked = Rc::new(Cell::new(None));
    let listener = States::new()
        .try_on("_start", Listener::start)
        .on(&QUESTION, |listener: &mut Listener, _: &mut Context<'_>, question: Input<Bytes>| {
            listener.asked.set(Some(question.item));
        })
        .on(&OVER, |_: &mut Listener, cx: &mut Context<'_>, _| cx.stop());
    kernel.spawn(&listener, Listener { asked: Rc::clone(&asked), stdin: None });
    match make {
        Make::ByHand => by_hand(&mut kernel, address, patience.limits()),
        Make::Ready => drop(ready(address, patience.limits()).spawn(&mut kernel, ())),
        Make::Sessions => {
            let server = ready(address, patience.limits()).session_per_client();
            server.spawn(&mut kernel, ());
        }
    }
    let mut broken = Ok(());
    kernel.run_while(|kernel| {
        if let Some(question) = asked.take() {
            broken = report::answer(kernel, &question);
        }
        broken.is_ok()
    })?;
    broken
}

const QUESTION: Event<Input<Bytes>> = Event::new("question");
const OVER: Event<Failure> = Event::new("over");

/// Reads questions. They are answered when the turn is over, from outside, where all can be seen.
struct Listener {
    asked: Rc<Cell<Option<Bytes>>>,
    stdin: Option<ReadWrite<Line>>,
}

impl Listener {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> io::Result<()> {
        let stdin = ReadWrite::builder(Descriptor::stdin()?).filter(Line::literal(b"\n"));
        self.stdin = Some(stdin.build(cx, &QUESTION, &OVER));
        Ok(())
    }
}

fn ready(address: SocketAddr, limits: Limits) -> TcpServer<(), Line> {
    TcpServer::new(|| Line::literal(b"\n"))
        .listen(address)
        .listening(|(), _: &mut Context<'_>, at: Listening| say(&at.local_addr))
        .client_input(|(), client: &mut Client<'_, Line>, line: Bytes| drop(client.put(line)))
        .client_high(HIGH, |(), client: &mut Client<'_, Line>| client.pause_input())
        .client_low(LOW, |(), client: &mut Client<'_, Line>| client.resume_input())
        .client_error(|(), _: &mut Client<'_, Line>, _: Failure| {})
        .idle_timeout(limits.idle)
        .frame_timeout(limits.frame)
        .stall_timeout(limits.stall)
        .lifetime(limits.lifetime)
        .linger(limits.linger)
}

const GOT_CLIENT: Event<Established> = Event::new("got_client");
const GOT_LINE: Event<Input<Bytes>> = Event::new("got_line");
const GOT_FAILURE: Event<Failure> = Event::new("got_failure");
const GOT_HIGH: Event<WheelId> = Event::new("got_high");
const GOT_LOW: Event<WheelId> = Event::new("got_low");

struct ByHand {
    address: SocketAddr,
    limits: Limits,
    listener: Option<SocketFactory>,
    clients: WheelMap<ReadWrite<Line>>,
}

fn by_hand(kernel: &mut Kernel, address: SocketAddr, limits: Limits) {
    let server = States::new()
        .try_on("_start", ByHand::start)
        .on(&GOT_CLIENT, ByHand::got_client)
        .on(&GOT_LINE, ByHand::got_line)
        .on(&GOT_FAILURE, ByHand::got_failure)
        .on(&GOT_HIGH, |server: &mut ByHand, cx: &mut Context<'_>, wheel| {
            server.clients.get(&wheel).iter().for_each(|client| client.pause_input(cx));
        })
        .on(&GOT_LOW, |server: &mut ByHand, cx: &mut Context<'_>, wheel| {
            server.clients.get(&wheel).iter().for_each(|client| client.resume_input(cx));
        });
    let clients = WheelMap::default();
    kernel.spawn(&server, ByHand { address, limits, listener: None, clients });
}

impl ByHand {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> io::Result<()> {
        let listener =
            SocketFactory::listen(self.address).build(cx, &GOT_CLIENT, "got_listen_failure");
        let address = listener.local_addr(cx);
        self.listener = Some(listener);
        say(&address.ok_or_else(|| io::Error::other("it does not listen"))?);
        Ok(())
    }

    fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
        let wheel = ReadWrite::builder(client.socket)
            .filter(Line::literal(b"\n"))
            .high_mark(HIGH, &GOT_HIGH)
            .low_mark(LOW, &GOT_LOW)
            .idle_timeout(self.limits.idle)
            .frame_timeout(self.limits.frame)
            .stall_timeout(self.limits.stall)
            .lifetime(self.limits.lifetime)
            .linger(self.limits.linger)
            .build(cx, &GOT_LINE, &GOT_FAILURE);
        self.clients.insert(wheel.id(), wheel);
    }

    fn got_line(&mut self, cx: &mut Context<'_>, line: Input<Bytes>) {
        if let Some(client) = self.clients.get(&line.wheel) {
            let _put = client.put(cx, line.item);
        }
    }

    fn got_failure(&mut self, cx: &mut Context<'_>, failure: Failure) {
        if let Some(client) = self.clients.remove(&failure.wheel) {
            client.shutdown(cx);
        }
    }
}

fn say(address: &Address) {
    if let Some(address) = address.as_ip() {
        announce(address).expect("who started this server reads where it listens");
    }
}

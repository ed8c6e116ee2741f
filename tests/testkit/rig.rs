//! A session that does what a test tells it to, and notes what it hears.
//!
//! [`Rig::act`] runs a closure as one of the session's handlers, so a test is written from top to bottom.
//! The session has nothing of its own that keeps it alive: it lives as long as its wheels let it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reactor::{Clock, Context, Event, Kernel, KernelBuilder, SessionId, States, WheelId};
use wheels::filter::Stream;
use wheels::{
    Address, Established, Failure, Input, ListenAccept, ListenAcceptBuilder, Listening, Operation,
    ReadWrite, Socket, SocketFactory, SocketFactoryBuilder,
};

use crate::net;

/// What the session was told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Heard {
    Established {
        peer: Address,
        wheel: WheelId,
    },
    Failed(Failure),
    /// A stream brought it.
    Came(Input<Bytes>),
    /// The test posted it.
    Word(&'static str),
    Stopped,
}

/// The session's state: what it holds, and what it is to do when it hears something.
#[derive(Default)]
pub struct Host {
    pub factories: Vec<SocketFactory>,
    pub acceptors: Vec<ListenAccept>,
    pub sockets: Vec<Socket>,
    /// What came by [`LISTENING`], which is heard as a word.
    pub listening: Vec<Listening>,
    pub streams: HashMap<WheelId, ReadWrite<Stream>>,
    heard: Rc<RefCell<Vec<Heard>>>,
    reaction: Option<Reaction>,
}

type Act = Box<dyn FnOnce(&mut Host, &mut Context<'_>)>;
type Reaction = Box<dyn FnMut(&mut Host, &mut Context<'_>, &Heard)>;

const ACT: Event<Act> = Event::new("act");
const ESTABLISHED: Event<Established> = Event::new("established");
const FAILED: Event<Failure> = Event::new("failed");
const CAME: Event<Input<Bytes>> = Event::new("came");
/// For factories that are to tell that they listen.
pub const LISTENING: Event<Listening> = Event::new("listening");
const WORD: Event<&'static str> = Event::new("word");

impl Host {
    /// Builds a factory and holds it; says which.
    pub fn build(&mut self, cx: &mut Context<'_>, builder: SocketFactoryBuilder) -> WheelId {
        let factory = builder.build(cx, &ESTABLISHED, &FAILED);
        let id = factory.id();
        self.factories.push(factory);
        id
    }

    /// Builds a listener, holds it, and says where it listens.
    pub fn listen(&mut self, cx: &mut Context<'_>, builder: SocketFactoryBuilder) -> SocketAddr {
        self.build(cx, builder);
        let listener = self.factories.last().expect("pushed by `build`");
        listener.local_addr(cx).and_then(|addr| addr.as_ip()).expect("it listens")
    }

    /// Builds a wheel on a listener and holds it; says which.
    pub fn accept(&mut self, cx: &mut Context<'_>, builder: ListenAcceptBuilder) -> WheelId {
        let acceptor = builder.build(cx, &ESTABLISHED, &FAILED);
        let id = acceptor.id();
        self.acceptors.push(acceptor);
        id
    }

    /// The first factory, which in most tests is the only one.
    pub fn factory(&self) -> &SocketFactory {
        &self.factories[0]
    }

    /// Makes a stream of the last connection and holds it; says which.
    pub fn stream(&mut self, cx: &mut Context<'_>) -> WheelId {
        let socket = self.sockets.pop().expect("a connection that was not taken yet");
        let stream = ReadWrite::builder(socket).build(cx, &CAME, &FAILED);
        let id = stream.id();
        self.streams.insert(id, stream);
        id
    }

    /// What to do in the handler of whatever is heard from now on, sockets being stored already.
    pub fn react(&mut self, reaction: impl FnMut(&mut Host, &mut Context<'_>, &Heard) + 'static) {
        self.reaction = Some(Box::new(reaction));
    }

    /// Keeps the session alive whatever becomes of its wheels.
    pub fn stay(cx: &mut Context<'_>) {
        cx.delay("never", Duration::from_secs(86_400), ());
    }

    /// Posts a word to the session itself.
    pub fn say(cx: &mut Context<'_>, word: &'static str) {
        cx.yield_(&WORD, word);
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.borrow().clone()
    }

    fn established(&mut self, cx: &mut Context<'_>, made: Established) {
        self.sockets.push(made.socket);
        self.hear(cx, Heard::Established { peer: made.peer, wheel: made.wheel });
    }

    fn listening(&mut self, cx: &mut Context<'_>, up: Listening) {
        self.listening.push(up);
        self.hear(cx, Heard::Word("listening"));
    }

    fn failed(&mut self, cx: &mut Context<'_>, failure: Failure) {
        self.hear(cx, Heard::Failed(failure));
    }

    fn came(&mut self, cx: &mut Context<'_>, input: Input<Bytes>) {
        self.hear(cx, Heard::Came(input));
    }

    fn word(&mut self, cx: &mut Context<'_>, word: &'static str) {
        self.hear(cx, Heard::Word(word));
    }

    fn stopped(&mut self, cx: &mut Context<'_>, (): ()) {
        self.hear(cx, Heard::Stopped);
    }

    /// Notes it as heard.
    pub fn hear(&mut self, cx: &mut Context<'_>, heard: Heard) {
        self.heard.borrow_mut().push(heard.clone());
        if let Some(mut reaction) = self.reaction.take() {
            reaction(self, cx, &heard);
            self.reaction.get_or_insert(reaction);
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("heard", &self.heard).finish_non_exhaustive()
    }
}

/// A kernel with one such session.
#[derive(Debug)]
pub struct Rig {
    pub kernel: Kernel,
    pub session: SessionId,
    heard: Rc<RefCell<Vec<Heard>>>,
}

impl Rig {
    /// Starts the session on the system's clock; `begin` is its `_start`.
    pub fn start(begin: impl FnOnce(&mut Host, &mut Context<'_>) + 'static) -> Self {
        Self::start_on(Clock::system(), begin)
    }

    pub fn start_on(
        clock: Clock,
        begin: impl FnOnce(&mut Host, &mut Context<'_>) + 'static,
    ) -> Self {
        Self::start_with(Kernel::builder().clock(clock), begin)
    }

    /// Starts the session on a kernel with other choices than the usual.
    pub fn start_with(
        kernel: KernelBuilder,
        begin: impl FnOnce(&mut Host, &mut Context<'_>) + 'static,
    ) -> Self {
        let begin = Cell::new(Some(begin));
        let states = States::new()
            .on_start(move |host: &mut Host, cx: &mut Context<'_>, ()| {
                begin.take().expect("a session starts once")(host, cx);
            })
            .on(&ACT, |host: &mut Host, cx: &mut Context<'_>, act: Act| act(host, cx))
            .on(&ESTABLISHED, Host::established)
            .on(&FAILED, Host::failed)
            .on(&LISTENING, Host::listening)
            .on(&CAME, Host::came)
            .on(&WORD, Host::word)
            .on_stop(Host::stopped);
        let mut kernel = kernel.build().expect("a kernel");
        let heard = Rc::default();
        let host = Host { heard: Rc::clone(&heard), ..Host::default() };
        let session = kernel.spawn(&states, host);
        Self { kernel, session, heard }
    }

    /// A session with one listener, and where that listens.
    pub fn listening(builder: SocketFactoryBuilder) -> (Self, SocketAddr) {
        Self::listening_on(Clock::system(), builder)
    }

    pub fn listening_on(clock: Clock, builder: SocketFactoryBuilder) -> (Self, SocketAddr) {
        let addr = Rc::new(Cell::new(None));
        let place = Rc::clone(&addr);
        let rig = Self::start_on(clock, move |host, cx| {
            place.set(Some(host.listen(cx, builder)));
        });
        (rig, addr.get().expect("set by _start"))
    }

    /// Runs `act` as a handler of the session, which must be alive.
    pub fn act<R: 'static>(
        &mut self,
        act: impl FnOnce(&mut Host, &mut Context<'_>) -> R + 'static,
    ) -> R {
        let result = Rc::new(Cell::new(None));
        let place = Rc::clone(&result);
        let act: Act = Box::new(move |host, cx| place.set(Some(act(host, cx))));
        self.kernel.call(self.session, &ACT, act).expect("the session is alive and idle");
        result.take().expect("the handler ran")
    }

    /// One turn that does not wait.
    pub fn turn(&mut self) {
        self.kernel.run_one_turn(Duration::ZERO).expect("a turn");
    }

    /// Runs until something like it was heard.
    pub fn run_until(&mut self, what: &str, mut done: impl FnMut(&[Heard]) -> bool) {
        let heard = Rc::clone(&self.heard);
        net::run_until(&mut self.kernel, what, || done(&heard.borrow()));
    }

    /// Runs until so many connections were made, since the beginning.
    pub fn run_until_established(&mut self, count: usize) {
        let heard = Rc::clone(&self.heard);
        let what = format!("{count} connections");
        net::run_until(&mut self.kernel, &what, || established(&heard.borrow()).len() >= count);
    }

    /// Runs until the first factory is bound, whose name is looked up.
    pub fn run_until_listening(&mut self) {
        let began = Instant::now();
        while self.act(|host, cx| host.factory().local_addr(cx)).is_none() {
            assert!(began.elapsed() < net::PATIENCE, "heard {:?}", self.heard());
            self.kernel.run_one_turn(Duration::from_millis(5)).expect("a turn");
        }
    }

    /// Runs until the session has stopped, and nothing of it is left.
    pub fn run_to_end(&mut self) {
        net::run_to_end(&mut self.kernel);
    }

    pub fn is_alive(&self) -> bool {
        self.kernel.session_count() > 0
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.borrow().clone()
    }

    /// The peers of the connections that were made, in order.
    pub fn peers(&self) -> Vec<Address> {
        established(&self.heard.borrow())
    }

    pub fn failures(&self) -> Vec<Failure> {
        let heard = self.heard.borrow();
        let failures = heard.iter().filter_map(|heard| match heard {
            Heard::Failed(failure) => Some(failure.clone()),
            Heard::Established { .. } | Heard::Came(_) | Heard::Word(_) | Heard::Stopped => None,
        });
        failures.collect()
    }

    /// Runs to the end and gives the one thing that was heard before, a failure.
    pub fn only_failure(mut self) -> Failure {
        self.run_to_end();
        match &self.heard()[..] {
            [Heard::Failed(failure), Heard::Stopped] => failure.clone(),
            other => panic!("heard {other:?}, not one failure and the end"),
        }
    }
}

/// What a failure is about, to be compared.
pub fn cause(failure: &Failure) -> (Operation, i32) {
    (failure.operation, failure.errnum)
}

fn established(heard: &[Heard]) -> Vec<Address> {
    let peers = heard.iter().filter_map(|heard| match heard {
        Heard::Established { peer, .. } => Some(peer.clone()),
        Heard::Failed(_) | Heard::Came(_) | Heard::Word(_) | Heard::Stopped => None,
    });
    peers.collect()
}

//! A session whose streams speak HTTP, as servers or as clients.
//!
//! What a stream does is its [`Manner`], of which each has a copy of its own.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use reactor::{Context, Event, Kernel, SessionId, States, WheelId, WheelMap};
use testkit::net;
use wheels::filter::Filter;
use wheels::{
    Address, Established, Failure, Input, ReadWrite, SocketFactory, SocketFactoryBuilder,
};

use crate::program::Program;

/// What a stream does with what comes.
pub(crate) trait Manner: Clone + 'static {
    type Filter: Filter;

    fn filter(&self) -> Self::Filter;

    /// There is somebody at the other end.
    fn opened(&mut self, _: &mut Context<'_>, _: &ReadWrite<Self::Filter>) {}

    fn came(
        &mut self,
        cx: &mut Context<'_>,
        wheel: &ReadWrite<Self::Filter>,
        item: <Self::Filter as Filter>::Item,
    ) -> Then;

    /// There is room for more: see [`HIGH`].
    fn low(&mut self, _: &mut Context<'_>, _: &ReadWrite<Self::Filter>) -> Then {
        Then::GoOn
    }
}

/// What becomes of the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Then {
    GoOn,
    /// Its input is paused, and resumed by an event that the session posts to itself.
    Pause,
    /// It is shut down.
    End,
}

/// The marks of all streams.
pub(crate) const HIGH: usize = 256 * 1024;
pub(crate) const LOW: usize = 64 * 1024;

/// What the session was told, beside items.
#[derive(Default, Debug)]
pub(crate) struct Told {
    pub(crate) place: Option<Address>,
    /// How many connections were made.
    pub(crate) opened: usize,
    pub(crate) ends: usize,
    pub(crate) failures: Vec<Failure>,
}

struct Host<M: Manner> {
    like: M,
    factory: Option<SocketFactory>,
    streams: WheelMap<(ReadWrite<M::Filter>, M)>,
    told: Rc<RefCell<Told>>,
}

type Item<M> = <<M as Manner>::Filter as Filter>::Item;

const MADE: Event<Established> = Event::new("made");
const LOW_MARK: Event<WheelId> = Event::new("low");
const HIGH_MARK: Event<WheelId> = Event::new("high");
const RESUME: Event<WheelId> = Event::new("resume");
const FAILED: Event<Failure> = Event::new("failed");
const BUILD: Event<SocketFactoryBuilder> = Event::new("build");
const CLOSE: Event<()> = Event::new("close");

impl<M: Manner> Host<M> {
    const CAME: Event<Input<Item<M>>> = Event::new("came");

    fn build(&mut self, cx: &mut Context<'_>, builder: SocketFactoryBuilder) {
        let factory = builder.build(cx, &MADE, &FAILED);
        self.told.borrow_mut().place = factory.local_addr(cx);
        self.factory = Some(factory);
    }

    fn made(&mut self, cx: &mut Context<'_>, made: Established) {
        self.told.borrow_mut().opened += 1;
        let mut manner = self.like.clone();
        let wheel = ReadWrite::builder(made.socket)
            .filter(manner.filter())
            .high_mark(HIGH, &HIGH_MARK)
            .low_mark(LOW, &LOW_MARK)
            .build(cx, &Self::CAME, &FAILED);
        manner.opened(cx, &wheel);
        self.streams.insert(wheel.id(), (wheel, manner));
    }

    fn came(&mut self, cx: &mut Context<'_>, input: Input<Item<M>>) {
        if let Some((wheel, manner)) = self.streams.get_mut(&input.wheel) {
            let then = manner.came(cx, wheel, input.item);
            self.then(cx, &input.wheel, then);
        }
    }

    fn low(&mut self, cx: &mut Context<'_>, id: WheelId) {
        if let Some((wheel, manner)) = self.streams.get_mut(&id) {
            let then = manner.low(cx, wheel);
            self.then(cx, &id, then);
        }
    }

    fn then(&mut self, cx: &mut Context<'_>, id: &WheelId, then: Then) {
        match then {
            Then::GoOn => {}
            Then::Pause => {
                self.streams.get(id).expect("it has just spoken").0.pause_input(cx);
                cx.yield_(&RESUME, *id);
            }
            Then::End => self.streams.remove(id).expect("it has just spoken").0.shutdown(cx),
        }
    }

    fn resume(&mut self, cx: &mut Context<'_>, id: WheelId) {
        if let Some((wheel, _)) = self.streams.get(&id) {
            wheel.resume_input(cx);
        }
    }

    fn failed(&mut self, cx: &mut Context<'_>, failure: Failure) {
        if let Some((wheel, _)) = self.streams.remove(&failure.wheel) {
            wheel.shutdown(cx);
        }
        let mut told = self.told.borrow_mut();
        if failure.is_end() {
            told.ends += 1;
        } else {
            told.failures.push(failure);
        }
    }

    fn close(&mut self, _: &mut Context<'_>, (): ()) {
        self.factory = None;
        self.streams.clear();
    }
}

/// A kernel with one such session.
pub(crate) struct Site {
    pub(crate) kernel: Kernel,
    session: SessionId,
    pub(crate) told: Rc<RefCell<Told>>,
}

impl Site {
    /// Streams that behave like this, made by that factory.
    pub(crate) fn new<M: Manner>(like: M, builder: SocketFactoryBuilder) -> Self {
        let told = Rc::<RefCell<Told>>::default();
        let states = States::new()
            .on(&BUILD, Host::<M>::build)
            .on(&MADE, Host::made)
            .on(&Host::<M>::CAME, Host::came)
            .on(&HIGH_MARK, |_: &mut Host<M>, _: &mut Context<'_>, _: WheelId| {})
            .on(&LOW_MARK, Host::low)
            .on(&RESUME, Host::resume)
            .on(&FAILED, Host::failed)
            .on(&CLOSE, Host::close);
        let mut kernel = Kernel::new().expect("a kernel");
        let streams = WheelMap::default();
        let host = Host { like, factory: None, streams, told: Rc::clone(&told) };
        let session = kernel.spawn(&states, host);
        kernel.call(session, &BUILD, builder).expect("the session is alive and idle");
        Self { kernel, session, told }
    }

    /// A server on a port of loopback.
    pub(crate) fn serve(like: impl Manner) -> Self {
        Self::new(like, SocketFactory::listen("127.0.0.1:0"))
    }

    pub(crate) fn place(&self) -> Address {
        self.told.borrow().place.clone().expect("it listens")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.place())
    }

    /// curl with these arguments, which it understands without its user's settings.
    pub(crate) fn start_curl(args: &[&str]) -> Program {
        Program::start("curl", &[&["-q", "-sS", "--max-time", "60"], args].concat())
    }

    /// What curl says.
    #[track_caller]
    pub(crate) fn curl(&mut self, args: &[&str]) -> String {
        let said = Self::start_curl(args).finish(&mut self.kernel);
        String::from_utf8(said).expect("text")
    }

    pub(crate) fn run_until_told(&mut self, what: &str, done: impl Fn(&Told) -> bool) {
        net::run_until(&mut self.kernel, what, || done(&self.told.borrow()));
    }

    /// Lets the session go; nothing of it may be left, and nothing may have gone wrong.
    #[track_caller]
    pub(crate) fn end(mut self) {
        assert_eq!(self.told.borrow().failures, []);
        self.kernel.call(self.session, &CLOSE, ()).ok();
        net::run_to_end(&mut self.kernel);
    }
}

/// Bytes of which no two pieces look alike: what is lost, doubled or misplaced shows.
pub(crate) struct Pattern {
    block: Bytes,
}

impl Pattern {
    pub(crate) fn new() -> Self {
        let mut state = 1_u32;
        let byte = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        // A prime length: no other size of buffer falls in step with it.
        Self { block: std::iter::repeat_with(byte).take(65_521).collect() }
    }

    /// What comes at this place: up to so much, at least one byte.
    pub(crate) fn piece(&self, at: usize, most: usize) -> Bytes {
        let start = at % self.block.len();
        self.block.slice(start..self.block.len().min(start + most))
    }

    /// All of it, up to a length.
    pub(crate) fn whole(&self, length: usize) -> Vec<u8> {
        let mut whole = self.block.repeat(length / self.block.len() + 1);
        whole.truncate(length);
        whole
    }

    /// Whether these are the bytes at this place.
    pub(crate) fn is_at(&self, mut at: usize, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let piece = self.piece(at, bytes.len());
            let (first, rest) = bytes.split_at(piece.len());
            if first != piece {
                return false;
            }
            at += piece.len();
            bytes = rest;
        }
        true
    }
}

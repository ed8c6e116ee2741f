//! A session with streams that does what a test tells it to, and notes what it hears.
//!
//! [`Rig::act`] runs a closure as one of the session's handlers, so a test is written from top to bottom.
//! The session has nothing of its own that keeps it alive: it lives as long as its streams let it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{self, Read};
use std::marker::PhantomData;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reactor::{Clock, Context, Event, Kernel, SessionId, States, WheelId};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;
use testkit::net;
use wheels::filter::Filter;
use wheels::{Failure, Input, Operation, Put, ReadWrite, ReadWriteBuilder, Socket};

/// What the session was told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    Item(Bytes),
    /// The operation, the number of the error and what was unsent.
    Failed(Operation, i32, usize),
    High,
    Low,
    Flushed,
    /// The test posted it or set a timer for it.
    Word(&'static str),
    Stopped,
}

/// The end of the stream.
pub(crate) const END: Heard = Heard::Failed(Operation::Read, 0, 0);

pub(crate) fn item(bytes: impl Into<Bytes>) -> Heard {
    Heard::Item(bytes.into())
}

pub(crate) const HIGH: Event<WheelId> = Event::new("high");
pub(crate) const LOW: Event<WheelId> = Event::new("low");
pub(crate) const FLUSHED: Event<WheelId> = Event::new("flushed");
pub(crate) const WORD: Event<&'static str> = Event::new("word");

/// What was heard, and of which stream.
type Log = Rc<RefCell<Vec<(Option<WheelId>, Heard)>>>;

/// A filter of plain bytes.
pub(crate) trait Framing: Filter<Item = Bytes, Out = Bytes> {}
impl<F: Filter<Item = Bytes, Out = Bytes>> Framing for F {}

/// The session's state: its streams, and what it is to do when it hears something.
pub(crate) struct Host<F: Framing> {
    pub(crate) wheels: HashMap<WheelId, ReadWrite<F>>,
    /// Whose event it is that is being handled.
    pub(crate) wheel: Option<WheelId>,
    heard: Log,
    reaction: Option<Reaction<F>>,
}

type Act<F> = Box<dyn FnOnce(&mut Host<F>, &mut Context<'_>)>;
type Reaction<F> = Box<dyn FnMut(&mut Host<F>, &mut Context<'_>, &Heard)>;

impl<F: Framing> Host<F> {
    /// Builds a stream and holds it.
    pub(crate) fn build(&mut self, cx: &mut Context<'_>, builder: ReadWriteBuilder<F>) -> WheelId {
        let wheel = builder.build(cx, "item", "failed");
        let id = wheel.id();
        self.wheels.insert(id, wheel);
        id
    }

    /// What to do in the handler of whatever is heard from now on.
    pub(crate) fn react(
        &mut self,
        reaction: impl FnMut(&mut Self, &mut Context<'_>, &Heard) + 'static,
    ) {
        self.reaction = Some(Box::new(reaction));
    }

    /// The stream whose event is being handled, or else the only one.
    pub(crate) fn stream(&self) -> &ReadWrite<F> {
        match self.wheel {
            Some(id) => &self.wheels[&id],
            None => self.wheels.values().next().expect("there is a stream"),
        }
    }

    /// Whether it holds the stream whose event is being handled.
    pub(crate) fn holds(&self) -> bool {
        self.wheel.is_some_and(|id| self.wheels.contains_key(&id))
    }

    pub(crate) fn take(&mut self) -> ReadWrite<F> {
        let id = self.stream().id();
        self.wheels.remove(&id).expect("it is held")
    }

    pub(crate) fn put(&self, cx: &mut Context<'_>, bytes: impl Into<Bytes>) -> Put<Bytes> {
        self.stream().put(cx, bytes)
    }

    fn hear(&mut self, cx: &mut Context<'_>, wheel: Option<WheelId>, heard: Heard) {
        self.wheel = wheel;
        if let Some(mut reaction) = self.reaction.take() {
            reaction(self, cx, &heard);
            self.reaction.get_or_insert(reaction);
        }
        self.wheel = None;
        self.heard.borrow_mut().push((wheel, heard));
    }
}

/// Gives back what comes, and holds the peer up while it takes nothing.
pub(crate) fn echo<F: Framing>(host: &mut Host<F>, cx: &mut Context<'_>, heard: &Heard) {
    match heard {
        Heard::Item(bytes) => drop(host.put(cx, bytes.clone())),
        Heard::Failed(..) => host.take().shutdown(cx),
        // What was shut down goes on telling.
        Heard::High if host.holds() => host.stream().pause_input(cx),
        Heard::Low if host.holds() => host.stream().resume_input(cx),
        Heard::High | Heard::Low | Heard::Flushed | Heard::Word(_) | Heard::Stopped => {}
    }
}

/// A kernel with one such session.
pub(crate) struct Rig<F: Framing> {
    pub(crate) kernel: Kernel,
    pub(crate) session: SessionId,
    heard: Log,
    framing: PhantomData<fn() -> F>,
}

impl<F: Framing> Rig<F> {
    /// A session with one stream.
    pub(crate) fn new(builder: ReadWriteBuilder<F>) -> Self {
        Self::start(Clock::system(), [builder])
    }

    /// A session whose time is still.
    pub(crate) fn timed(clock: &Clock, builder: ReadWriteBuilder<F>) -> Self {
        Self::start(clock.clone(), [builder])
    }

    pub(crate) fn start(
        clock: Clock,
        builders: impl IntoIterator<Item = ReadWriteBuilder<F>>,
    ) -> Self {
        let builders: Vec<_> = builders.into_iter().collect();
        let begin = Cell::new(Some(builders));
        let act: Event<Act<F>> = Event::new("act");
        let states = States::new()
            .on_start(move |host: &mut Host<F>, cx: &mut Context<'_>, ()| {
                for builder in begin.take().expect("a session starts once") {
                    host.build(cx, builder);
                }
            })
            .on(&act, |host: &mut Host<F>, cx: &mut Context<'_>, act: Act<F>| act(host, cx))
            .on("item", |host: &mut Host<F>, cx: &mut Context<'_>, input: Input<Bytes>| {
                host.hear(cx, Some(input.wheel), Heard::Item(input.item));
            })
            .on("failed", |host: &mut Host<F>, cx: &mut Context<'_>, it: Failure| {
                let heard = Heard::Failed(it.operation, it.errnum, it.unsent);
                host.hear(cx, Some(it.wheel), heard);
            })
            .on(&HIGH, |host: &mut Host<F>, cx: &mut Context<'_>, wheel| {
                host.hear(cx, Some(wheel), Heard::High);
            })
            .on(&LOW, |host: &mut Host<F>, cx: &mut Context<'_>, wheel| {
                host.hear(cx, Some(wheel), Heard::Low);
            })
            .on(&FLUSHED, |host: &mut Host<F>, cx: &mut Context<'_>, wheel| {
                host.hear(cx, Some(wheel), Heard::Flushed);
            })
            .on(&WORD, |host: &mut Host<F>, cx: &mut Context<'_>, word| {
                host.hear(cx, None, Heard::Word(word));
            })
            .on_stop(|host: &mut Host<F>, cx: &mut Context<'_>, ()| {
                host.hear(cx, None, Heard::Stopped);
            });
        let mut kernel = Kernel::builder().clock(clock).build().expect("a kernel");
        let heard = Rc::default();
        let state =
            Host { wheels: HashMap::new(), wheel: None, heard: Rc::clone(&heard), reaction: None };
        let session = kernel.spawn(&states, state);
        Self { kernel, session, heard, framing: PhantomData }
    }

    /// What to do in the handler of whatever is heard from now on.
    pub(crate) fn react(
        mut self,
        reaction: impl FnMut(&mut Host<F>, &mut Context<'_>, &Heard) + 'static,
    ) -> Self {
        self.act(|host, _| host.react(reaction));
        self
    }

    /// Runs `act` as a handler of the session, which must be alive.
    pub(crate) fn act<R: 'static>(
        &mut self,
        act: impl FnOnce(&mut Host<F>, &mut Context<'_>) -> R + 'static,
    ) -> R {
        let result = Rc::new(Cell::new(None));
        let place = Rc::clone(&result);
        let act: Act<F> = Box::new(move |host, cx| place.set(Some(act(host, cx))));
        let event: Event<Act<F>> = Event::new("act");
        self.kernel.call(self.session, &event, act).expect("the session is alive and idle");
        result.take().expect("the handler ran")
    }

    /// One turn that does not wait.
    pub(crate) fn turn(&mut self) {
        self.kernel.run_one_turn(Duration::ZERO).expect("a turn");
    }

    pub(crate) fn turns(&mut self, count: u32) {
        (0..count).for_each(|_| self.turn());
    }

    /// Runs until the system has told the kernel something new.
    pub(crate) fn notice(&mut self) {
        let before = self.kernel.stats().notices;
        net::run_until_kernel(&mut self.kernel, "a notice", |kernel| {
            kernel.stats().notices > before
        });
    }

    /// Reads `len` bytes at the peer's end while the loop turns. A virtual clock stands still.
    pub(crate) fn read_meanwhile(&mut self, peer: &mut TcpStream, len: usize) -> Vec<u8> {
        let (began, mut bytes, mut read) = (Instant::now(), vec![0; len], 0);
        peer.set_nonblocking(true).expect("non-blocking");
        while read < len {
            assert!(began.elapsed() < net::PATIENCE, "{read} bytes of {len} came");
            match peer.read(&mut bytes[read..]) {
                Ok(0) => panic!("the end after {read} bytes"),
                Ok(count) => read += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.turn(),
                Err(error) => panic!("read after {read} bytes: {error}"),
            }
        }
        peer.set_nonblocking(false).expect("blocking");
        bytes
    }

    /// Runs until so much was heard.
    pub(crate) fn hear(&mut self, count: usize) -> Vec<Heard> {
        let what = format!("{count} events");
        self.until(&what, |heard| heard.len() >= count);
        self.heard()
    }

    /// Runs until `done` with what was heard.
    pub(crate) fn until(&mut self, what: &str, mut done: impl FnMut(&[Heard]) -> bool) {
        let heard = Rc::clone(&self.heard);
        let mut list = Vec::new();
        net::run_until(&mut self.kernel, what, || {
            let all = heard.borrow();
            list.extend(all[list.len()..].iter().map(|(_, heard)| heard.clone()));
            done(&list)
        });
    }

    /// Runs until the session has stopped and nothing of it is left; says what was heard.
    pub(crate) fn end(mut self) -> Vec<Heard> {
        net::run_to_end(&mut self.kernel);
        self.heard()
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.kernel.session_count() > 0
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.borrow().iter().map(|(_, heard)| heard.clone()).collect()
    }

    /// What was heard, and of which stream.
    pub(crate) fn heard_of(&self) -> Vec<(Option<WheelId>, Heard)> {
        self.heard.borrow().clone()
    }

    /// Forgets what was heard; says what it was.
    pub(crate) fn take_heard(&self) -> Vec<Heard> {
        self.heard.take().into_iter().map(|(_, heard)| heard).collect()
    }
}

/// The items of what was heard.
pub(crate) fn items(heard: &[Heard]) -> Vec<Bytes> {
    let items = heard.iter().filter_map(|heard| match heard {
        Heard::Item(bytes) => Some(bytes.clone()),
        _ => None,
    });
    items.collect()
}

/// A connection: our end, and the peer's.
pub(crate) fn pair() -> (Socket, TcpStream) {
    let (listener, addr) = net::listener();
    let peer = net::connect(addr);
    peer.set_nodelay(true).expect("TCP_NODELAY");
    let ours = net::accept(&listener);
    ours.set_nodelay(true).expect("TCP_NODELAY");
    (Socket::try_from(ours).expect("non-blocking"), peer)
}

/// A connection that takes little from us before the peer reads: a few times ten KiB.
pub(crate) fn narrow_pair() -> (Socket, TcpStream) {
    let (listener, addr) = net::listener();
    SockRef::from(&listener).set_send_buffer_size(1).expect("SO_SNDBUF");
    let peer = net::connect_narrow(addr);
    let ours = net::accept(&listener);
    ours.set_nodelay(true).expect("TCP_NODELAY");
    (Socket::try_from(ours).expect("non-blocking"), peer)
}

/// As [`narrow_pair`], and what it has taken stays where it is until the peer reads: of TCP the system goes on to
/// bring some to the peer, whatever the time is.
pub(crate) fn still_pair() -> (Socket, UnixStream) {
    let (ours, peer) = UnixStream::pair().expect("a pair");
    SockRef::from(&ours).set_send_buffer_size(1).expect("SO_SNDBUF");
    (Socket::try_from(ours).expect("non-blocking"), peer)
}

/// A connection that takes much from the peer before we read: some 200 KiB at least.
pub(crate) fn wide_pair() -> (Socket, TcpStream) {
    let (listener, addr) = net::listener();
    SockRef::from(&listener).set_recv_buffer_size(4 << 20).expect("SO_RCVBUF");
    let peer = net::connect(addr);
    peer.set_nodelay(true).expect("TCP_NODELAY");
    (Socket::try_from(net::accept(&listener)).expect("non-blocking"), peer)
}

/// Waits until the system has something for us.
pub(crate) fn await_input(ours: impl AsFd) {
    let mut asked = [PollFd::new(&ours, PollFlags::IN)];
    let patience = Timespec { tv_sec: 60, tv_nsec: 0 };
    assert_eq!(poll(&mut asked, Some(&patience)), Ok(1), "nothing came");
}

/// Waits until nobody has the other end.
pub(crate) fn await_hangup(ours: impl AsFd) {
    let mut asked = [PollFd::new(&ours, PollFlags::empty())];
    let patience = Timespec { tv_sec: 60, tv_nsec: 0 };
    assert_eq!(poll(&mut asked, Some(&patience)), Ok(1), "somebody has it");
}

/// The peer sends no more.
pub(crate) fn half_close(peer: &TcpStream) {
    peer.shutdown(Shutdown::Write).expect("shutdown");
}

//! A session with wheels of messages that does what a test tells it to, and notes what it hears.
//!
//! [`Rig::act`] runs a closure as one of the session's handlers, so a test is written from top to bottom.

use std::cell::{Cell, RefCell};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use reactor::{Clock, Context, Event, Kernel, SessionId, States, WheelId};
use testkit::net::{self, PATIENCE};
use wheels::{
    Address, Datagram, DatagramBuilder, Established, Failure, Message, Operation, Socket,
    SocketFactory, SocketFactoryBuilder,
};

/// What the session was told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    Message(Note),
    /// The operation, the number of the error and the bytes that were lost.
    Failed(Operation, i32, usize),
    Flushed,
    Stopped,
}

/// A message, without its descriptors: those the session [keeps](Host::fds).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Note {
    pub(crate) payload: Bytes,
    pub(crate) length: usize,
    pub(crate) from: Address,
    pub(crate) is_truncated: bool,
    /// How many descriptors it had, and whether it had more when it was sent.
    pub(crate) fds: (usize, bool),
}

/// The end of a connection.
pub(crate) const END: Heard = Heard::Failed(Operation::Read, 0, 0);

pub(crate) const FLUSHED: Event<WheelId> = Event::new("flushed");
const ACT: Event<Act> = Event::new("act");

type Act = Box<dyn FnOnce(&mut Host, &mut Context<'_>)>;
type Log = Rc<RefCell<Vec<Heard>>>;

#[derive(Default)]
pub(crate) struct Host {
    pub(crate) wheels: Vec<Datagram>,
    pub(crate) factories: Vec<SocketFactory>,
    pub(crate) made: Vec<Established>,
    /// Whether every message is given back by the wheel that it came in by.
    pub(crate) echoes: bool,
    /// Descriptors that came with messages, in their order.
    pub(crate) fds: Vec<OwnedFd>,
    heard: Log,
}

impl Host {
    pub(crate) fn build(&mut self, cx: &mut Context<'_>, builder: DatagramBuilder) {
        self.wheels.push(builder.build(cx, "message", "failed"));
    }

    pub(crate) fn wheel(&self) -> &Datagram {
        &self.wheels[0]
    }

    fn message(&mut self, cx: &mut Context<'_>, message: Message) {
        if self.echoes {
            let wheel = self.wheels.iter().find(|wheel| wheel.id() == message.wheel);
            let wheel = wheel.expect("a wheel that is gone tells nothing");
            wheel.send_to(cx, message.payload.clone(), message.from.clone());
        }
        self.heard.borrow_mut().push(Heard::Message(Note {
            is_truncated: message.is_truncated(),
            payload: message.payload,
            length: message.length,
            from: message.from,
            fds: (message.fds.len(), message.fds_truncated),
        }));
        self.fds.extend(message.fds);
    }

    fn failed(&mut self, _: &mut Context<'_>, failure: Failure) {
        let heard = Heard::Failed(failure.operation, failure.errnum, failure.unsent);
        self.heard.borrow_mut().push(heard);
    }
}

pub(crate) struct Rig {
    pub(crate) kernel: Kernel,
    session: SessionId,
    heard: Log,
}

impl Rig {
    pub(crate) fn start() -> Self {
        Self::start_on(Clock::system())
    }

    /// A session that lives for a day, whatever becomes of its wheels, or until it is [let go](Self::end).
    pub(crate) fn start_on(clock: Clock) -> Self {
        let states = States::new()
            .on_start(|_: &mut Host, cx: &mut Context<'_>, ()| {
                cx.delay("never", Duration::from_secs(86_400), ());
            })
            .on(&ACT, |host: &mut Host, cx: &mut Context<'_>, act: Act| act(host, cx))
            .on("made", |host: &mut Host, _: &mut Context<'_>, made: Established| {
                host.made.push(made);
            })
            .on("message", Host::message)
            .on("failed", Host::failed)
            .on(&FLUSHED, |host: &mut Host, _: &mut Context<'_>, _: WheelId| {
                host.heard.borrow_mut().push(Heard::Flushed);
            })
            .on_stop(|host: &mut Host, _: &mut Context<'_>, ()| {
                host.heard.borrow_mut().push(Heard::Stopped);
            });
        let mut kernel = Kernel::builder().clock(clock).build().expect("a kernel");
        let heard = Rc::default();
        let host = Host { heard: Rc::clone(&heard), ..Host::default() };
        let session = kernel.spawn(&states, host);
        Self { kernel, session, heard }
    }

    /// With a wheel on this socket.
    pub(crate) fn with(socket: impl TryInto<Socket, Error = std::io::Error>) -> Self {
        let socket = socket.try_into().expect("a socket of messages");
        Self::with_built(Datagram::builder(socket).flushed_event(&FLUSHED))
    }

    pub(crate) fn with_built(builder: DatagramBuilder) -> Self {
        let mut rig = Self::start();
        rig.act(|host, cx| host.build(cx, builder));
        rig
    }

    /// With a wheel on a UDP socket of loopback; and where that is.
    pub(crate) fn udp() -> (Self, SocketAddr) {
        let socket = udp();
        let addr = socket.local_addr().expect("bound");
        (Self::with(socket), addr)
    }

    /// The one socket that this factory makes, in a wheel; the socket's peer.
    pub(crate) fn made_by(builder: SocketFactoryBuilder) -> (Self, Established) {
        let mut rig = Self::start();
        rig.act(|host, cx| host.factories.push(builder.build(cx, "made", "failed")));
        rig.run_until("a socket", |rig| {
            rig.act(|host, _| !host.made.is_empty()) || !rig.heard().is_empty()
        });
        assert_eq!(rig.heard(), []);
        let made = rig.act(|host, _| host.made.remove(0));
        (rig, made)
    }

    /// Runs `act` as a handler of the session.
    pub(crate) fn act<R: 'static>(
        &mut self,
        act: impl FnOnce(&mut Host, &mut Context<'_>) -> R + 'static,
    ) -> R {
        let result = Rc::new(Cell::new(None));
        let place = Rc::clone(&result);
        let act: Act = Box::new(move |host, cx| place.set(Some(act(host, cx))));
        self.kernel.call(self.session, &ACT, act).expect("the session is alive and idle");
        result.take().expect("the handler ran")
    }

    /// Sends by the first wheel.
    pub(crate) fn send(&mut self, payload: &'static [u8]) {
        self.act(move |host, cx| host.wheel().send(cx, payload));
    }

    /// One turn that does not wait.
    pub(crate) fn turn(&mut self) {
        self.kernel.run_one_turn(Duration::ZERO).expect("a turn");
    }

    pub(crate) fn run_until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let began = std::time::Instant::now();
        while !done(self) {
            assert!(began.elapsed() < PATIENCE, "no {what}, but {:?}", self.heard());
            self.kernel.run_one_turn(Duration::from_millis(5)).expect("a turn");
        }
    }

    pub(crate) fn run_until_heard(&mut self, count: usize) {
        self.run_until("so many events", |rig| rig.heard.borrow().len() >= count);
    }

    /// Runs until this was heard.
    pub(crate) fn run_until_hears(&mut self, what: &Heard) {
        self.run_until("such event", |rig| rig.heard.borrow().contains(what));
    }

    pub(crate) fn run_until_messages(&mut self, count: usize) {
        self.run_until("so many messages", |rig| rig.messages().len() >= count);
    }

    /// Lets the session go; nothing of it may be left.
    pub(crate) fn end(mut self) {
        self.act(|host, cx| {
            *host = Host { heard: Rc::clone(&host.heard), ..Host::default() };
            cx.alarm_remove_all();
        });
        net::run_to_end(&mut self.kernel);
        assert_eq!(self.heard().last(), Some(&Heard::Stopped));
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.borrow().clone()
    }

    pub(crate) fn messages(&self) -> Vec<Note> {
        let heard = self.heard.borrow();
        let messages = heard.iter().filter_map(|heard| match heard {
            Heard::Message(message) => Some(message.clone()),
            Heard::Failed(..) | Heard::Flushed | Heard::Stopped => None,
        });
        messages.collect()
    }

    pub(crate) fn payloads(&self) -> Vec<Vec<u8>> {
        self.messages().into_iter().map(|message| message.payload.to_vec()).collect()
    }

    pub(crate) fn failures(&self) -> Vec<(Operation, i32)> {
        let heard = self.heard.borrow();
        let failures = heard.iter().filter_map(|heard| match heard {
            Heard::Failed(operation, errnum, _) => Some((*operation, *errnum)),
            Heard::Message(_) | Heard::Flushed | Heard::Stopped => None,
        });
        failures.collect()
    }
}

/// A socket of loopback that waits for what it expects, but not for ever.
pub(crate) fn udp() -> UdpSocket {
    udp_at("127.0.0.1:0")
}

pub(crate) fn udp_at(addr: &str) -> UdpSocket {
    let socket = UdpSocket::bind(addr).expect("bind");
    socket.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
    socket
}

pub(crate) fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 65_535];
    let (len, from) = socket.recv_from(&mut buffer).expect("a message");
    buffer.truncate(len);
    (buffer, from)
}

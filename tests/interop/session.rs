//! The end that is made here: a session with a factory, and with a wheel for each socket it makes.
//!
//! What comes is noted, and answered as the session's [`Manner`] says.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reactor::{Context, Event, Kernel, SessionId, States, WheelId};
use testkit::net;
use testkit::rig::Host as Anchor;
use wheels::filter::Stream;
use wheels::{
    Address, Datagram, Established, Failure, Input, Message, Operation, ReadWrite, Socket,
    SocketFactory, SocketFactoryBuilder, SocketType,
};

/// How a session answers.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// What comes goes back.
    Echo,
    /// A request of HTTP gets the peer's address and what was asked for.
    Http,
    /// Says this as soon as there is somebody to hear it, and no more.
    Speak(Vec<u8>),
    /// Does what the test tells it to.
    Listen,
}

/// What a session was told.
#[derive(Default, Debug)]
pub(crate) struct Told {
    pub(crate) peers: Vec<Address>,
    pub(crate) failures: Vec<Failure>,
    /// All that came by streams.
    pub(crate) bytes: Vec<u8>,
    pub(crate) messages: Vec<(Vec<u8>, Address)>,
    /// How many connections were ended by their peers.
    pub(crate) ends: usize,
}

pub(crate) struct Host {
    manner: Manner,
    pub(crate) factories: Vec<SocketFactory>,
    pub(crate) streams: HashMap<WheelId, ReadWrite<Stream>>,
    pub(crate) mailboxes: HashMap<WheelId, Datagram>,
    told: Rc<RefCell<Told>>,
}

type Act = Box<dyn FnOnce(&mut Host, &mut Context<'_>)>;

const ACT: Event<Act> = Event::new("act");
const MADE: Event<Established> = Event::new("made");
const FAILED: Event<Failure> = Event::new("failed");
const CAME: Event<Input<Bytes>> = Event::new("came");
const MESSAGE: Event<Message> = Event::new("message");

impl Host {
    fn made(&mut self, cx: &mut Context<'_>, made: Established) {
        self.told.borrow_mut().peers.push(made.peer.clone());
        match made.socket.socket_type() {
            SocketType::Stream => self.add_stream(cx, made.socket),
            SocketType::Dgram | SocketType::SeqPacket => self.add_mailbox(cx, made.socket),
            other => panic!("a socket of type {other}"),
        }
    }

    fn add_stream(&mut self, cx: &mut Context<'_>, socket: Socket) {
        let stream = ReadWrite::builder(socket).build(cx, &CAME, &FAILED);
        if let Manner::Speak(words) = &self.manner {
            stream.put(cx, words.clone());
            stream.shutdown_output(cx);
        }
        self.streams.insert(stream.id(), stream);
    }

    fn add_mailbox(&mut self, cx: &mut Context<'_>, socket: Socket) {
        let mailbox = Datagram::builder(socket).build(cx, &MESSAGE, &FAILED);
        if let Manner::Speak(words) = &self.manner {
            mailbox.send(cx, words.clone());
        }
        self.mailboxes.insert(mailbox.id(), mailbox);
    }

    fn came(&mut self, cx: &mut Context<'_>, input: Input<Bytes>) {
        let mut told = self.told.borrow_mut();
        told.bytes.extend_from_slice(&input.item);
        let answer = match &self.manner {
            Manner::Echo => input.item,
            Manner::Http => match answer(&told) {
                Some(answer) => {
                    told.bytes.clear();
                    answer.into()
                }
                None => return,
            },
            Manner::Speak(_) | Manner::Listen => return,
        };
        self.streams[&input.wheel].put(cx, answer);
    }

    fn message(&mut self, cx: &mut Context<'_>, message: Message) {
        let mailbox = &self.mailboxes[&message.wheel];
        let (payload, from) = (message.payload, message.from);
        self.told.borrow_mut().messages.push((payload.to_vec(), from.clone()));
        match &self.manner {
            Manner::Echo => {
                mailbox.send_to(cx, payload, from);
            }
            Manner::Http | Manner::Speak(_) | Manner::Listen => {}
        }
    }

    fn failed(&mut self, cx: &mut Context<'_>, failure: Failure) {
        if failure.is_end() {
            self.told.borrow_mut().ends += 1;
            self.mailboxes.remove(&failure.wheel);
            if let Some(stream) = self.streams.remove(&failure.wheel) {
                stream.shutdown(cx);
            }
        } else {
            self.told.borrow_mut().failures.push(failure);
        }
    }
}

/// The answer to a request, as soon as all of it is there.
fn answer(told: &Told) -> Option<String> {
    let request = String::from_utf8_lossy(&told.bytes);
    let (head, _) = request.split_once("\r\n\r\n")?;
    let first = head.lines().next()?;
    let peer = told.peers.last()?;
    let ip = peer.ip().map_or_else(|| peer.to_string(), |ip| ip.to_string());
    let body = format!("{first}, says {ip}\n");
    Some(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// A kernel with one such session.
pub(crate) struct End {
    pub(crate) kernel: Kernel,
    session: SessionId,
    pub(crate) told: Rc<RefCell<Told>>,
}

impl End {
    /// A session that has no factory yet.
    pub(crate) fn new(manner: Manner) -> Self {
        let told = Rc::<RefCell<Told>>::default();
        let states = States::new()
            .on_start(|_: &mut Host, cx: &mut Context<'_>, ()| Anchor::stay(cx))
            .on(&ACT, |host: &mut Host, cx: &mut Context<'_>, act: Act| act(host, cx))
            .on(&MADE, Host::made)
            .on(&CAME, Host::came)
            .on(&MESSAGE, Host::message)
            .on(&FAILED, Host::failed);
        let host = Host {
            manner,
            factories: Vec::new(),
            streams: HashMap::new(),
            mailboxes: HashMap::new(),
            told: Rc::clone(&told),
        };
        let mut kernel = Kernel::new().expect("a kernel");
        let session = kernel.spawn(&states, host);
        Self { kernel, session, told }
    }

    /// A session that echoes, and where it does: the address of its first socket.
    pub(crate) fn echo(builder: SocketFactoryBuilder) -> (Self, Address) {
        Self::serve(Manner::Echo, builder)
    }

    /// A session with a socket that is bound, and where that is.
    pub(crate) fn serve(manner: Manner, builder: SocketFactoryBuilder) -> (Self, Address) {
        let mut end = Self::new(manner);
        end.build(builder);
        let mut place = None;
        end.run_until("a place", |end| {
            place = end.act(|host, cx| {
                let listens = host.factories[0].local_addr(cx);
                listens.or_else(|| host.mailboxes.values().next()?.local_addr(cx))
            });
            assert!(end.told.borrow().failures.is_empty(), "{:?}", end.told);
            place.is_some()
        });
        (end, place.expect("awaited"))
    }

    pub(crate) fn build(&mut self, builder: SocketFactoryBuilder) {
        self.act(|host, cx| host.factories.push(builder.build(cx, &MADE, &FAILED)));
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

    pub(crate) fn run_until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let began = Instant::now();
        while !done(self) {
            assert!(began.elapsed() < net::PATIENCE, "waited in vain for {what}: {:?}", self.told);
            self.kernel.run_one_turn(Duration::from_millis(5)).expect("a turn");
        }
    }

    /// Runs until it was told something like it.
    pub(crate) fn run_until_told(&mut self, what: &str, done: impl Fn(&Told) -> bool) {
        self.run_until(what, |end| done(&end.told.borrow()));
    }

    /// Runs until something has failed, and gives what.
    pub(crate) fn run_until_failed(&mut self) -> (Operation, i32) {
        self.run_until_told("a failure", |told| !told.failures.is_empty());
        self.failures()[0]
    }

    /// What went wrong.
    pub(crate) fn failures(&self) -> Vec<(Operation, i32)> {
        let told = self.told.borrow();
        told.failures.iter().map(|failure| (failure.operation, failure.errnum)).collect()
    }

    /// Lets the session go; nothing of it may be left.
    pub(crate) fn end(mut self) {
        self.act(|host, cx| {
            host.factories.clear();
            host.streams.clear();
            host.mailboxes.clear();
            cx.alarm_remove_all();
        });
        net::run_to_end(&mut self.kernel);
    }
}

/// Bytes that somebody might take for something else.
pub(crate) const WORDS: &[u8] = b"one\r\ntwo\n\0\x01\x7f\x80\xff\r\x1b[0m\n\n end";

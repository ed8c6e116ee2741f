//! Row 28: descriptors that travel with messages, at a full table and in great numbers.

use std::cell::Cell;
use std::fs::File;
use std::io::IoSlice;
use std::mem::{MaybeUninit, take};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use reactor::{Context, Event, Kernel, SessionId, States};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    sendmsg, socketpair,
};
use testkit::leak::Descriptors;
use testkit::net;
use wheels::{Datagram, Failure, Message, Sent, Socket};

use crate::nofile::{self, Lowered};

const MESSAGE: Event<Message> = Event::new("message");
const FAILED: Event<Failure> = Event::new("failed");
const SEND: Event<Vec<OwnedFd>, bool> = Event::new("send");
const TAKE: Event<(), Vec<Message>> = Event::new("take");
const NEXT: Event<()> = Event::new("next");
const TOLD: Event<(), usize> = Event::new("told");
const CLOSE: Event<()> = Event::new("close");

/// Keeps what it is told, unless it is to drop it.
#[derive(Default)]
struct Keeper {
    wheel: Option<Datagram>,
    messages: Vec<Message>,
    told: usize,
    drops: bool,
    /// Wants no more than one message until it is asked again.
    is_modest: bool,
}

impl Keeper {
    fn message(&mut self, cx: &mut Context<'_>, message: Message) {
        self.told += 1;
        if self.is_modest {
            self.wheel().pause_input(cx);
        }
        if !self.drops {
            self.messages.push(message);
        }
    }

    fn send(&mut self, cx: &mut Context<'_>, fds: Vec<OwnedFd>) -> bool {
        matches!(self.wheel().send_fds(cx, "descriptors", fds), Sent::Queued)
    }

    fn next(&mut self, cx: &mut Context<'_>, (): ()) {
        self.is_modest = true;
        self.wheel().resume_input(cx);
    }

    fn wheel(&self) -> &Datagram {
        self.wheel.as_ref().expect("it has one")
    }
}

/// A kernel whose session has a wheel on one end of a connection, and the other end.
fn keeper(receives: bool) -> (Kernel, SessionId, OwnedFd) {
    let (ours, theirs) = pair();
    let mut kernel = Kernel::new().unwrap();
    let session = spawn(&mut kernel, ours, receives, false);
    (kernel, session, theirs)
}

fn pair() -> (OwnedFd, OwnedFd) {
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap()
}

fn spawn(kernel: &mut Kernel, socket: OwnedFd, receives: bool, drops: bool) -> SessionId {
    let socket = Cell::new(Some(Socket::try_from(socket).unwrap()));
    let states = States::new()
        .on_start(move |keeper: &mut Keeper, cx: &mut Context<'_>, ()| {
            let builder = Datagram::builder(socket.take().expect("it starts once"));
            let builder = builder.most_unsent(100, 1024 * 1024);
            let builder = if receives { builder.receive_fds() } else { builder };
            keeper.wheel = Some(builder.build(cx, &MESSAGE, &FAILED));
        })
        .on(&MESSAGE, Keeper::message)
        .on(&SEND, Keeper::send)
        .on(&NEXT, Keeper::next)
        .on(&TAKE, |keeper: &mut Keeper, _: &mut Context<'_>, ()| take(&mut keeper.messages))
        .on(&TOLD, |keeper: &mut Keeper, _: &mut Context<'_>, ()| keeper.told)
        .on(&CLOSE, |keeper: &mut Keeper, _: &mut Context<'_>, ()| keeper.wheel = None)
        .on(&FAILED, |_: &mut Keeper, _: &mut Context<'_>, failure: Failure| panic!("{failure}"));
    kernel.spawn(&states, Keeper { drops, ..Keeper::default() })
}

fn null() -> OwnedFd {
    File::open("/dev/null").unwrap().into()
}

/// Sends one message and copies of these.
fn pass(peer: &OwnedFd, payload: &[u8], fds: &[OwnedFd]) {
    let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
    sendmsg(peer, &[IoSlice::new(payload)], &mut control, SendFlags::empty()).unwrap();
}

fn turns(kernel: &mut Kernel) {
    for _ in 0..5 {
        kernel.run_one_turn(Duration::ZERO).unwrap();
    }
}

fn messages(kernel: &mut Kernel, session: SessionId) -> Vec<Message> {
    kernel.call(session, &TAKE, ()).unwrap()
}

/// What each says, how many descriptors it has, and whether it had more.
fn summary(messages: &[Message]) -> Vec<(&[u8], usize, bool)> {
    messages.iter().map(|it| (&it.payload[..], it.fds.len(), it.fds_truncated)).collect()
}

pub(crate) fn p28_at_a_full_table_the_message_comes_and_says_that_it_has_lost_descriptors() {
    let before = Descriptors::note();
    let (mut kernel, session, peer) = keeper(true);
    let quiet = Descriptors::note();
    let four: Vec<OwnedFd> = (0..4).map(|_| null()).collect();
    pass(&peer, b"one of four", &four);
    pass(&peer, b"none of one", &four[..1]);
    pass(&peer, b"none of none", &[]);
    drop(four);
    quiet.assert_same();

    let limit = Lowered::to(64);
    let mut taken = nofile::take_all();
    drop(taken.pop());
    turns(&mut kernel);
    drop((taken, limit));
    let messages = messages(&mut kernel, session);
    assert_eq!(
        summary(&messages),
        [(&b"one of four"[..], 1, true), (b"none of one", 0, true), (b"none of none", 0, false)]
    );
    assert_eq!(quiet.opened_since().into_values().collect::<Vec<_>>(), ["/dev/null"]);
    drop(messages);
    quiet.assert_same();

    // There is room again.
    pass(&peer, b"all", &[null(), null()]);
    turns(&mut kernel);
    assert_eq!(summary(&self::messages(&mut kernel, session)), [(&b"all"[..], 2, false)]);
    drop((kernel, peer));
    before.assert_same();
}

pub(crate) fn p28_ten_thousand_messages_with_descriptors_leave_nothing() {
    let before = Descriptors::note();
    let (from, to) = pair();
    let mut kernel = Kernel::new().unwrap();
    let sender = spawn(&mut kernel, from, false, true);
    let receiver = spawn(&mut kernel, to, true, true);
    let quiet = Descriptors::note();
    for round in 1..=1_000 {
        for count in 0..10 {
            let fds = (0..count % 4).map(|_| null()).collect();
            assert!(kernel.call(sender, &SEND, fds).unwrap());
        }
        net::run_until_kernel(&mut kernel, "ten messages", |kernel| {
            kernel.call(receiver, &TOLD, ()).unwrap() == round * 10
        });
        quiet.assert_same();
    }
    drop(kernel);
    before.assert_same();
}

pub(crate) fn p28_descriptors_that_nobody_asked_for_are_never_here() {
    let before = Descriptors::note();
    let (mut kernel, session, peer) = keeper(false);
    let quiet = Descriptors::note();
    for _ in 0..20 {
        pass(&peer, b"unwanted", &[null(), null()]);
    }
    let limit = Lowered::to(0);
    turns(&mut kernel);
    drop(limit);
    quiet.assert_same();
    let messages = messages(&mut kernel, session);
    assert_eq!(summary(&messages), [(&b"unwanted"[..], 0, true); 20]);
    drop((kernel, peer));
    before.assert_same();
}

pub(crate) fn p28_descriptors_are_here_one_message_at_a_time() {
    let before = Descriptors::note();
    let (mut kernel, session, peer) = keeper(true);
    let quiet = Descriptors::note();
    for _ in 0..20 {
        pass(&peer, b"one", &[null()]);
    }
    for count in 1..=20 {
        kernel.call(session, &NEXT, ()).unwrap();
        turns(&mut kernel);
        assert_eq!(quiet.opened_since().len(), count);
    }
    assert_eq!(summary(&messages(&mut kernel, session)), [(&b"one"[..], 1, false); 20]);
    quiet.assert_same();

    // What is in the system's queue when a wheel goes is closed there.
    let (witness, writer) = std::io::pipe().unwrap();
    pass(&peer, b"late", &[writer.into()]);
    kernel.call(session, &CLOSE, ()).unwrap();
    kernel.run().unwrap();
    assert_eq!(std::io::read_to_string(witness).unwrap(), "");
    drop((kernel, peer));
    before.assert_same();
}

pub(crate) fn p28_a_wheel_that_is_dropped_closes_what_it_has_not_sent() {
    let before = Descriptors::note();
    let (mut kernel, session, peer) = keeper(false);
    let (witness, writer) = std::io::pipe().unwrap();
    let quiet = Descriptors::note();
    // Until the connection and the wheel take no more: some are on their way, the others wait.
    while kernel.call(session, &SEND, vec![writer.try_clone().unwrap().into()]).unwrap() {}
    turns(&mut kernel);
    assert_eq!(quiet.opened_since().len(), 100, "as many messages as may wait");
    kernel.call(session, &CLOSE, ()).unwrap();
    kernel.run().unwrap();
    drop((kernel, peer, writer));
    assert_eq!(std::io::read_to_string(witness).unwrap(), "");
    before.assert_same();
}

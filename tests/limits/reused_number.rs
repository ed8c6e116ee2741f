//! A descriptor is closed, its number is given out again, and a notice for the old one is on its way.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::time::Duration;

use reactor::{Bound, Context, Handle, Io, Kernel, Readiness, States, Wheel};
use rustix::event::{PollFd, PollFlags, poll};
use testkit::net;
use testkit::rig::{Heard, Host, Rig};
use wheels::{Socket, SocketFactory};

/// How often the three notices may fail to come in one batch.
const TRIES: u32 = 200;

pub(crate) fn p20_a_notice_for_a_closed_descriptor_is_not_the_next_owners() {
    let met = (0..TRIES).any(|_| the_next_owner_sees_nothing());
    assert!(met, "in no try the number was given out again within the batch");
}

/// One try. Three notices are made to come in one batch: of a connection that drops another in its
/// handler, of the listener, which accepts a third one at the dropped one's number, and of the dropped
/// one. Says whether it came so.
fn the_next_owner_sees_nothing() -> bool {
    let (mut rig, addr) = Rig::listening(SocketFactory::builder().bind_address("127.0.0.1"));
    let mut clients = [net::connect(addr), net::connect(addr)];
    rig.run_until_established(2);
    let [first, second] = &mut clients;
    first.write_all(b"drop it").unwrap();
    second.write_all(b"stale").unwrap();
    second.shutdown(Shutdown::Write).unwrap();

    let seen = Rc::new(Seen::default());
    let witness = Rc::clone(&seen);
    let third = rig.act(move |host, cx| prepare(host, cx, addr, witness));
    let notices = rig.kernel.stats().notices;
    rig.turn();
    let in_one_batch = rig.kernel.stats().notices - notices == 3;
    let reused = seen.new_number.get() == Some(seen.old_number.get());
    if in_one_batch && reused {
        assert_eq!(seen.calls.get(), 0, "the stale notice came to the next owner");
        assert!(rig.heard().iter().all(|heard| !is_stale(heard)), "{:?}", rig.heard());
        // What is its own does come.
        let mut third = third;
        third.write_all(b"mine").unwrap();
        net::run_until(&mut rig.kernel, "the next owner's own notice", || seen.calls.get() > 0);
    }
    in_one_batch && reused
}

/// What the test looks at afterwards.
#[derive(Default)]
struct Seen {
    old_number: Cell<RawFd>,
    new_number: Cell<Option<RawFd>>,
    /// Notices to the new owner.
    calls: Cell<u32>,
    witness: RefCell<Option<Handle<Witness<Socket>>>>,
}

/// The system tells of the connections in the order in which they became ready and watched.
fn prepare(host: &mut Host, cx: &mut Context<'_>, addr: SocketAddr, seen: Rc<Seen>) -> TcpStream {
    host.sockets.iter().for_each(await_input);
    let second = host.sockets.pop().unwrap();
    let first = host.stream(cx);
    let third = net::connect(addr);
    seen.old_number.set(second.as_fd_number());
    host.sockets.push(second);
    let second = host.stream(cx);
    host.react(move |host, cx, heard| match heard {
        Heard::Came(input) if input.wheel == first => drop(host.streams.remove(&second)),
        Heard::Established { .. } => watch(host, cx, &seen),
        Heard::Came(_) | Heard::Failed(_) | Heard::Word(_) | Heard::Stopped => {}
    });
    third
}

fn watch(host: &mut Host, cx: &mut Context<'_>, seen: &Rc<Seen>) {
    let socket = host.sockets.pop().unwrap();
    seen.new_number.set(Some(socket.as_fd_number()));
    let calls = Rc::clone(seen);
    let witness = cx.add_wheel(|io| {
        io.watch(&socket).unwrap();
        Witness { _socket: socket, seen: calls }
    });
    *seen.witness.borrow_mut() = Some(witness);
}

/// A wheel panics while it takes another one's place. Its descriptor is closed by then, and a third one has
/// the number.
pub(crate) fn p20_what_a_wheel_that_panicked_watched_is_the_next_owners() {
    let (ours, _their_end) = UnixStream::pair().expect("a pair");
    let (others, mut their_end) = UnixStream::pair().expect("a pair");
    their_end.write_all(b"!").expect("it is written");
    let number = ours.as_raw_fd();
    let seen = Rc::new(Seen::default());
    let (counts, both) = (Rc::clone(&seen), Cell::new(Some((ours, others))));
    let states = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
        let (ours, others) = both.take().expect("it starts once");
        let old = add(cx, ours, &counts);
        let fails = AssertUnwindSafe(|| {
            let _new = cx.replace_wheel(old, |_, _| -> Witness<UnixStream> {
                panic::resume_unwind(Box::new("on purpose"))
            });
        });
        assert!(panic::catch_unwind(fails).is_err());
        let copy = others.try_clone().expect("a copy");
        assert_eq!(copy.as_raw_fd(), number, "the lowest that is free");
        add(cx, copy, &counts).release();
    });
    let mut kernel = Kernel::new().expect("a kernel");
    kernel.spawn(&states, ());
    kernel.run_one_turn(Duration::ZERO).expect("a turn");
    assert_eq!((kernel.wheel_count(), seen.calls.get()), (1, 1));
}

fn add(cx: &mut Context<'_>, stream: UnixStream, seen: &Rc<Seen>) -> Handle<Witness<UnixStream>> {
    cx.add_wheel(|io| {
        io.watch(&stream).expect("it is watched");
        Witness { _socket: stream, seen: Rc::clone(seen) }
    })
}

/// A wheel that only counts what it is told.
struct Witness<S> {
    _socket: S,
    seen: Rc<Seen>,
}

impl<S: 'static> Wheel for Witness<S> {
    type Event = (Bound<()>, ());

    fn ready(&mut self, _: Readiness) {
        self.seen.calls.set(self.seen.calls.get() + 1);
    }

    fn next(&mut self, _: &mut Io<'_>) -> Option<Self::Event> {
        None
    }
}

trait Number {
    fn as_fd_number(&self) -> RawFd;
}

impl Number for Socket {
    fn as_fd_number(&self) -> RawFd {
        std::os::fd::AsFd::as_fd(self).as_raw_fd()
    }
}

fn await_input(socket: &Socket) {
    let count = poll(&mut [PollFd::new(socket, PollFlags::IN)], None).unwrap();
    assert_eq!(count, 1);
}

fn is_stale(heard: &Heard) -> bool {
    matches!(heard, Heard::Came(input) if input.item == "stale")
}

//! Nobody holds the turn: bounds in turns, not in time.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::rc::Rc;

use bytes::Bytes;
use reactor::{Clock, Context, Event, Kernel, States, WheelId};
use testkit::net::{self, Peer};
use wheels::filter::{Line, Stream};
use wheels::{Input, ReadWrite};

use crate::data::noise;
use crate::support::{FLUSHED, Heard, Rig, await_input, items, pair, wide_pair};

const PINGERS: usize = 50;
/// One full read.
const SHARE: usize = 64 << 10;

/// What the peer can read without waiting.
fn read_now(peer: &mut TcpStream) -> Vec<u8> {
    let mut bytes = vec![0; 1000];
    peer.set_nonblocking(true).expect("non-blocking");
    let count = match peer.read(&mut bytes) {
        Ok(count) => count,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(error) => panic!("read: {error}"),
    };
    bytes.truncate(count);
    bytes
}

fn write_all_there_is_room_for(peer: &mut TcpStream) {
    peer.set_nonblocking(true).expect("non-blocking");
    while peer.write(&noise(SHARE)).is_ok() {}
    peer.set_nonblocking(false).expect("blocking");
}

/// How much each stream was told in a turn.
type Told = Rc<RefCell<HashMap<WheelId, usize>>>;

/// A flooder and its pingers, everything having arrived before the first turn.
fn crowd() -> (Rig<Stream>, Told, WheelId, TcpStream, Vec<TcpStream>) {
    let (ours, mut flooder) = wide_pair();
    write_all_there_is_room_for(&mut flooder);
    await_input(&ours);
    let mut builders = vec![ReadWrite::builder(ours).flushed_event(&FLUSHED)];
    let mut pingers = Vec::new();
    for _ in 0..PINGERS {
        let (ours, mut peer) = pair();
        peer.write_all(b"ping").expect("write");
        await_input(&ours);
        builders.push(ReadWrite::builder(ours).flushed_event(&FLUSHED));
        pingers.push(peer);
    }
    let told = Told::default();
    let count = Rc::clone(&told);
    let mut rig = Rig::start(Clock::system(), builders).react(move |host, cx, heard| {
        if let Heard::Item(bytes) = heard {
            *count.borrow_mut().entry(host.stream().id()).or_default() += bytes.len();
            // A short answer, that leaves at once: there is something to tell each time.
            let _put = host.put(cx, bytes.slice(..4));
        }
    });
    let first = rig.act(|host, _| *host.wheels.keys().min().expect("there are some"));
    (rig, told, first, flooder, pingers)
}

#[test]
fn p31_a_flooder_gets_its_share_of_each_turn_and_fifty_pingers_are_answered() {
    let (mut rig, told, first, _flooder, mut pingers) = crowd();
    for _ in 0..3 {
        told.borrow_mut().clear();
        rig.turn();
        let share = told.borrow().get(&first).copied().unwrap_or(0);
        assert!(share <= SHARE, "{share} bytes of one peer in one turn");
    }
    let total: usize = items(&rig.heard()).iter().map(Bytes::len).sum();
    assert!(total > SHARE, "the flooder was not heard");
    // The loop stands still: who was not answered by now never will be.
    pingers.iter_mut().for_each(|peer| assert_eq!(net::read_exact(peer, 4), b"ping"));
}

/// A share of the turn is counted in events too.
#[test]
fn p31_a_flooder_with_empty_lines_gets_its_share_of_each_turn() {
    let (ours, mut flooder) = wide_pair();
    flooder.write_all(&[b'\n'; 100_000]).expect("write");
    let (other, mut pinger) = pair();
    pinger.write_all(b"ping\n").expect("write");
    await_input(&other);
    await_input(&ours);
    let builder =
        |ours| ReadWrite::builder(ours).filter(Line::literal(b"\n")).flushed_event(&FLUSHED);
    let count = Rc::new(Cell::new(0));
    let counter = Rc::clone(&count);
    let mut rig = Rig::start(Clock::system(), [builder(ours), builder(other)]).react(
        move |host, cx, heard| {
            if let Heard::Item(bytes) = heard {
                counter.set(counter.get() + usize::from(bytes.is_empty()));
                let _put = host.put(cx, bytes.clone());
            }
        },
    );
    for _ in 0..3 {
        count.set(0);
        rig.turn();
        assert!(count.get() <= 1024, "{} events of one peer in one turn", count.get());
    }
    assert_eq!(net::read_exact(&mut pinger, 5), b"ping\n");
    rig.until("all lines", |heard| items(heard).len() == 100_001);
}

/// What it has to tell of its output does not wait until the flood is over.
#[test]
fn what_a_flooded_stream_has_to_write_and_to_tell_does_not_wait_for_the_end_of_the_flood() {
    let (ours, mut peer) = wide_pair();
    let builder = ReadWrite::builder(ours).filter(Line::literal(b"\n"));
    let mut rig = Rig::new(builder.flushed_event(&FLUSHED));
    // More than leaves at once, so that it waits for the system.
    rig.act(|host, cx| drop(host.put(cx, noise(12 << 20))));
    rig.turns(3);
    assert!(rig.act(|host, cx| host.stream().unsent(cx)) > 0);
    let reader = peer.try_clone().expect("a second handle");
    let reading = Peer::play(move || {
        let mut reader = reader;
        net::read_exact(&mut reader, (12 << 20) + 1).len()
    });
    peer.write_all(&[b'\n'; 100_000]).expect("write");
    let flooding = Peer::play(move || {
        // Until the other end has had enough.
        while peer.write_all(&[b'\n'; 10_000]).is_ok() {}
    });
    rig.until("the news", |heard| heard.contains(&Heard::Flushed));
    reading.run(&mut rig.kernel);
    rig.act(|host, _| drop(host.take()));
    flooding.run(&mut rig.kernel);
}

/// It would go on for ever if it could.
#[test]
fn a_stream_that_puts_more_whenever_it_is_flushed_lets_others_be_served() {
    let (ours, mut sink) = pair();
    let mut builders = vec![ReadWrite::builder(ours).flushed_event(&FLUSHED)];
    let mut pingers = Vec::new();
    for _ in 0..PINGERS {
        let (ours, peer) = pair();
        pingers.push((ours.as_fd().try_clone_to_owned().expect("dup"), peer));
        builders.push(ReadWrite::builder(ours));
    }
    let flushed = Rc::new(Cell::new(0_usize));
    let count = Rc::clone(&flushed);
    let page = Bytes::from(noise(SHARE));
    let mut rig = Rig::start(Clock::system(), builders).react(move |host, cx, heard| match heard {
        Heard::Item(bytes) => drop(host.put(cx, bytes.clone())),
        Heard::Flushed => {
            count.set(count.get() + 1);
            let _put = host.put(cx, page.clone());
        }
        _ => {}
    });
    let draining = Peer::play(move || {
        let mut buffer = vec![0; 1 << 20];
        while sink.read(&mut buffer).is_ok_and(|count| count > 0) {}
    });
    rig.act(|host, cx| {
        let first = *host.wheels.keys().min().expect("there are some");
        let _put = host.wheels[&first].put(cx, "begin");
    });
    rig.until("the stream to stream", |heard| heard.len() > 20);
    for _ in 0..20 {
        pingers.iter_mut().for_each(|(_, peer)| peer.write_all(b"ping").expect("write"));
        pingers.iter().for_each(|(ours, _)| await_input(ours));
        for _ in 0..3 {
            flushed.set(0);
            rig.turn();
            // Once for each time that something is flushed: after each pinger, and some more.
            assert!(flushed.get() <= PINGERS + 10, "{} rounds in a turn", flushed.get());
        }
        pingers.iter_mut().for_each(|(_, peer)| assert_eq!(net::read_exact(peer, 4), b"ping"));
    }
    rig.act(|host, _| host.wheels.clear());
    draining.run(&mut rig.kernel);
}

/// A client that is driven by the very session that yields to itself without end.
#[derive(Default)]
struct Busy {
    client: Option<TcpStream>,
    asked: bool,
    answered: u32,
    since: u32,
    late: u32,
}

const AGAIN: Event<()> = Event::new("again");

impl Busy {
    fn again(&mut self, cx: &mut Context<'_>, (): ()) {
        let client = self.client.as_mut().expect("it was given");
        if !self.asked {
            client.write_all(b"ping").expect("write");
            (self.asked, self.since) = (true, 0);
        } else if read_now(client).is_empty() {
            self.since += 1;
            assert!(self.since < 100_000, "no answer, ever");
        } else {
            self.asked = false;
            self.answered += 1;
            // 64 turns without a look at the system, and some more until the packet is seen.
            self.late += u32::from(self.since > 200);
        }
        if self.answered < 500 {
            cx.yield_(&AGAIN, ());
        } else {
            // The system itself may be late now and then.
            assert!(self.late <= 50, "{} answers of 500 were late", self.late);
            cx.stop();
        }
    }
}

#[test]
fn p34_a_session_that_yields_to_itself_for_ever_does_not_hold_up_an_echo() {
    let (ours, client) = pair();
    let busy = States::new()
        .on_start(|_: &mut Busy, cx: &mut Context<'_>, ()| cx.yield_(&AGAIN, ()))
        .on(&AGAIN, Busy::again);
    let echo = States::new()
        .on_start(
            move |state: &mut (Option<wheels::Socket>, Option<_>), cx: &mut Context<'_>, ()| {
                let ours = state.0.take().expect("it was given");
                state.1 = Some(ReadWrite::builder(ours).build(cx, "item", "failed"));
            },
        )
        .on(
            "item",
            |state: &mut (Option<wheels::Socket>, Option<ReadWrite<Stream>>),
             cx: &mut Context<'_>,
             input: Input<Bytes>| {
                state.1.as_ref().map(|wheel| wheel.put(cx, input.item));
            },
        );
    let mut kernel = Kernel::new().expect("a kernel");
    kernel.spawn(&echo, (Some(ours), None));
    kernel.spawn(&busy, Busy { client: Some(client), ..Busy::default() });
    kernel.run().expect("every answer came");
}

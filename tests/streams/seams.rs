//! Where a pipe meets what else a stream can do: limits, other filters, descriptors of all kinds.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use reactor::{Clock, Context, Event, Kernel, Signal, States, WheelId};
use socket2::SockRef;
use testkit::net::{self, Ending, Peer};
use wheels::faults::{self, Call};
use wheels::filter::{Line, Pair, Stream};
use wheels::{Input, Operation, Put, ReadWrite, ReadWriteBuilder, Socket};

use crate::data::{Dice, noise};
use crate::pipe::{BROKEN, Short, led, stay, two, widen};
use crate::support::{
    END, HIGH, Heard, Rig, await_input, half_close, item, narrow_pair, pair, wide_pair,
};

const SECOND: Duration = Duration::from_secs(1);

/// It leaves in one write when the turn is over, and nobody is ever blocked.
#[test]
fn a_sink_that_may_keep_little_takes_more_when_all_is_sent() {
    let ((one, mut client), (other, mut server)) = (pair(), pair());
    let source = ReadWrite::builder(one).filter(Line::new());
    let sink = ReadWrite::builder(other).filter(Line::new()).most_unsent(100);
    let (mut rig, _) = led(source, sink);
    for _ in 0..10 {
        client.write_all(&[&[b'x'; 60][..], b"\r\n"].concat()).expect("write");
        rig.read_meanwhile(&mut server, 62);
    }
    assert_eq!(rig.heard(), []);
}

/// All that the peer sent was read, and it sends no more.
#[test]
fn the_time_for_which_a_sink_holds_up_a_source_is_not_the_peers_though_nothing_is_unread() {
    for paused_too in [false, true] {
        let ((one, mut client), (other, mut server)) = (pair(), narrow_pair());
        let clock = Clock::virtual_time();
        let source = ReadWrite::builder(one).idle_timeout(10 * SECOND);
        let mut rig = Rig::start(clock.clone(), [source, ReadWrite::builder(other)]);
        let [first, second] = rig.act(|host, _| {
            let mut ids: Vec<_> = host.wheels.keys().copied().collect();
            ids.sort_unstable();
            ids.try_into().expect("two")
        });
        stay(&mut rig);
        rig.act(move |host, cx| host.wheels[&first].pipe_to(cx, &host.wheels[&second]));
        let mut all = 0;
        while all < 64 * 1024 {
            client.write_all(&noise(1000)).expect("write");
            rig.turns(2);
            all = rig.act(move |host, cx| host.wheels[&second].unsent(cx));
        }
        if paused_too {
            rig.act(move |host, cx| host.wheels[&first].pause_input(cx));
            clock.advance(5 * SECOND);
            rig.turns(3);
            rig.act(move |host, cx| host.wheels[&first].resume_input(cx));
        }
        for _ in 0..10 {
            clock.advance(11 * SECOND);
            rig.turns(3);
        }
        assert_eq!(rig.heard(), []);
        widen(&server);
        server.set_nonblocking(true).expect("non-blocking");
        while all > 0 {
            drop(server.read(&mut [0; 100_000]));
            rig.turn();
            all = rig.act(move |host, cx| host.wheels[&second].unsent(cx));
        }
        rig.turns(5);
        clock.advance(9 * SECOND);
        rig.turns(3);
        assert_eq!(rig.heard(), [], "its time goes on when it is read again");
        clock.advance(11 * SECOND);
        rig.turns(3);
        assert!(matches!(rig.heard()[..], [Heard::Failed(Operation::IdleTimeout, ..)]));
    }
}

#[test]
fn another_filter_for_what_a_source_puts_leaves_its_pipe_alone() {
    let ((one, mut client), (other, mut server)) = (pair(), narrow_pair());
    let source = ReadWrite::builder(one).filter(Pair::new(Stream, Stream));
    let sink = ReadWrite::builder(other).filter(Pair::new(Stream, Stream));
    let (mut rig, [first, second]) = led(source, sink);
    rig.act(move |host, cx| drop(host.wheels[&second].put(cx, noise(4_000_000))));
    client.write_all(b"before, ").expect("write");
    rig.turns(5);
    let _source = rig.act(move |host, cx| {
        let source = host.wheels.remove(&first).expect("held");
        source.set_output_filter(cx, Line::new())
    });
    client.write_all(b"behind").expect("write");
    widen(&server);
    rig.read_meanwhile(&mut server, 4_000_000);
    assert_eq!(rig.read_meanwhile(&mut server, 14), b"before, behind");
    assert_eq!(rig.heard(), []);
}

#[test]
fn what_is_kept_of_a_broken_pipe_is_not_told_because_somebody_looks_at_the_filter() {
    let ((one, mut client), (other, server)) = (pair(), pair());
    let source = ReadWrite::builder(one).filter(Line::new());
    let (mut rig, [first, second]) = led(source, ReadWrite::builder(other).filter(Line::new()));
    stay(&mut rig);
    drop(server);
    rig.hear(1);
    rig.act(move |host, _| host.wheels.remove(&second));
    rig.turns(3);
    assert_eq!(rig.take_heard(), [END, BROKEN]);
    client.write_all(b"kept\n").expect("write");
    rig.turns(3);
    rig.act(move |host, cx| {
        let _looked = host.wheels[&first].with_filter(cx, |_| ());
        let _old = host.wheels[&first].replace_filter(cx, Line::new());
    });
    rig.turns(10);
    assert_eq!(rig.heard(), []);
    rig.act(move |host, cx| host.wheels[&first].unpipe(cx));
    assert_eq!(rig.hear(1), [item("kept")]);
}

/// Sockets of std's that block others. Neither end may ever be waited for.
#[test]
fn sockets_that_block_do_not_block_the_loop() {
    const MUCH: usize = 400_000;
    let (one, mut client) = blocking_pair();
    let (other, mut server) = blocking_pair();
    let (mut rig, _) = led(ReadWrite::builder(one), ReadWrite::builder(other));
    let (beat, beats) = mpsc::channel();
    let peer = Peer::play(move || {
        for _ in 0..10 {
            client.write_all(&noise(MUCH)).expect("write");
            while beats.try_recv().is_ok() {}
            // All is read from the client, and the server takes no more.
            for _ in 0..20 {
                beats.recv_timeout(net::PATIENCE / 2).expect("the loop stands still");
            }
            net::read_exact(&mut server, MUCH);
            while beats.try_recv().is_ok() {}
            for _ in 0..20 {
                beats.recv_timeout(net::PATIENCE / 2).expect("the loop stands still");
            }
        }
    });
    while !peer.is_done() {
        rig.turn();
        let _gone = beat.send(());
    }
    peer.join();
}

/// The system shows what is behind an urgent byte to those who read, and not to those who splice.
#[test]
fn what_comes_behind_an_urgent_byte_passes_a_pipe() {
    let ((one, mut client), (other, mut server)) = (wide_pair(), pair());
    for place in [200_000, 64 << 10, 128 << 10] {
        client.write_all(&noise(place)).expect("write");
    }
    SockRef::from(&client).send_out_of_band(b"!").expect("send");
    client.write_all(&noise(100_000)).expect("write");
    let (mut rig, _) = led(ReadWrite::builder(one), ReadWrite::builder(other));
    let all = 200_000 + (64 << 10) + (128 << 10) + 100_000;
    rig.read_meanwhile(&mut server, all);
    assert_eq!(rig.heard(), []);
}

/// A connection as std makes it.
fn blocking_pair() -> (TcpStream, TcpStream) {
    let (listener, addr) = net::listener();
    let peer = net::connect(addr);
    (net::accept(&listener), peer)
}

/// Nothing waits, and the loop does.
#[test]
fn a_pipe_that_has_nothing_to_do_does_nothing() {
    let ((one, mut client), (other, mut server)) = (pair(), narrow_pair());
    let (mut rig, [_, second]) = two(ReadWrite::builder(one), ReadWrite::builder(other));
    rig.act(move |host, cx| {
        let mut ids = host.wheels.keys().copied();
        let first = ids.find(|id| *id != second).expect("two");
        host.wheels[&first].pipe_to(cx, &host.wheels[&second]);
    });
    stay(&mut rig);
    client.write_all(&noise(1000)).expect("write");
    rig.read_meanwhile(&mut server, 1000);
    rig.turns(5);
    assert_ne!(rig.kernel.next_timeout(), Some(Duration::ZERO), "with nothing to send");
    client.set_nonblocking(true).expect("non-blocking");
    for _ in 0..3000 {
        drop(client.write(&noise(10_000)));
        rig.turn();
    }
    assert_ne!(rig.kernel.next_timeout(), Some(Duration::ZERO), "with a sink that takes no more");
}

/// What came meanwhile is not announced again.
#[test]
fn what_comes_when_the_handler_of_another_event_panicked_is_told() {
    let (ours, mut peer) = pair();
    let notice = ours.as_fd().try_clone_to_owned().expect("dup");
    let owner = States::new()
        .on_start(|_: &mut Owner, cx: &mut Context<'_>, ()| {
            cx.sig("DIE", "died").expect("a signal");
            cx.delay("never", 86_400 * SECOND, ());
        })
        .on("begin", |owner: &mut Owner, cx: &mut Context<'_>, ours: Socket| {
            let wheel = ReadWrite::builder(ours).flushed_event("sent").build(cx, "item", "failed");
            let _put = wheel.put(cx, "x");
            owner.wheel = Some(wheel);
        })
        .on("sent", |_: &mut Owner, _: &mut Context<'_>, _: WheelId| panic!("on purpose"))
        .on("died", |_: &mut Owner, cx: &mut Context<'_>, _: Signal| cx.sig_handled())
        .on("item", |owner: &mut Owner, _: &mut Context<'_>, input: Input<Bytes>| {
            owner.items.set(owner.items.get() + input.item.len());
        });
    let items = Rc::new(Cell::new(0));
    let mut kernel = Kernel::new().expect("a kernel");
    let session = kernel.spawn(&owner, Owner { wheel: None, items: Rc::clone(&items) });
    kernel.call(session, Event::<Socket>::new("begin"), ours).expect("it is there");
    let turn = |kernel: &mut Kernel| {
        kernel.run_one_turn(Duration::ZERO).expect("a turn");
    };
    while kernel.stats().failures == 0 {
        turn(&mut kernel);
    }
    peer.write_all(b"come").expect("write");
    await_input(&notice);
    net::run_until(&mut kernel, "what came", || items.get() == 4);
}

struct Owner {
    wheel: Option<ReadWrite<Stream>>,
    items: Rc<Cell<usize>>,
}

/// Each time with bytes on their way, some of which are in the system's pipe: nobody else gets them.
#[test]
fn a_sink_that_is_reset_leaves_nothing_to_the_next_pipe() {
    let mut rig = Rig::start(Clock::system(), Vec::<ReadWriteBuilder<Stream>>::new());
    stay(&mut rig);
    for round in 0..20 {
        let ((one, mut client), (other, mut server)) = (pair(), pair());
        rig.act(move |host, cx| {
            let source = host.build(cx, ReadWrite::builder(one));
            let sink = host.build(cx, ReadWrite::builder(other));
            host.wheels[&source].pipe_to(cx, &host.wheels[&sink]);
        });
        let writer = Peer::play(move || {
            let _cut = client.write_all(&vec![b'!'; 3 << 20]);
            let _reset = net::read_to_end(&mut client);
        });
        rig.read_meanwhile(&mut server, 300_000 + 50_000 * round);
        net::reset(server);
        rig.until("the news", |heard| heard.contains(&BROKEN));
        rig.take_heard();
        rig.act(|host, _| host.wheels.clear());
        writer.run(&mut rig.kernel);

        let ((one, mut client), (other, mut server)) = (pair(), pair());
        rig.act(move |host, cx| {
            let source = host.build(cx, ReadWrite::builder(one));
            let sink = host.build(cx, ReadWrite::builder(other));
            host.wheels[&source].pipe_to(cx, &host.wheels[&sink]);
        });
        let writer = Peer::play(move || client.write_all(&noise(2 << 20)).map(|()| client));
        let came = rig.read_meanwhile(&mut server, 2 << 20);
        assert!(came == noise(2 << 20), "another's bytes");
        let _client = writer.run(&mut rig.kernel);
        rig.act(|host, _| host.wheels.clear());
    }
}

/// Between any two events. What comes while nothing is piped the session passes on itself.
#[test]
fn whatever_is_done_to_a_pipe_every_byte_passes_once_and_in_order() {
    const LEN: usize = 4 << 20;
    for seed in 1..=24 {
        let ((one, mut client), (other, mut server)) =
            if seed % 2 == 0 { (wide_pair(), pair()) } else { (pair(), narrow_pair()) };
        let limits = |builder: ReadWriteBuilder<Stream>| {
            builder
                .idle_timeout(100 * SECOND)
                .frame_timeout(100 * SECOND)
                .stall_timeout(100 * SECOND)
        };
        let sink = limits(ReadWrite::builder(other)).high_mark(50_000, &HIGH);
        let (mut rig, [first, second]) = two(limits(ReadWrite::builder(one)), sink);
        rig = rig.react(move |host, cx, heard| match heard {
            Heard::Item(bytes) => {
                let put = host.wheels[&second].put(cx, bytes.clone());
                assert!(matches!(put, Put::Queued | Put::High), "{put:?}");
            }
            Heard::High => {}
            // The end, which the pipe passes on or the session.
            &END => host.wheels[&second].shutdown_output(cx),
            other => panic!("{other:?} with {seed}"),
        });
        let len = if seed % 2 == 0 { LEN } else { LEN / 16 };
        let writer = Peer::play(move || {
            client.write_all(&noise(len)).expect("write");
            half_close(&client);
            client
        });
        if seed % 4 == 1 {
            widen(&server);
        }
        let reader = Peer::play(move || match net::read_to_end(&mut server) {
            Ending::Closed(bytes) => (bytes, server),
            Ending::Reset(_) => panic!("reset"),
        });
        let mut dice = Dice(seed);
        while !reader.is_done() {
            let deed = dice.roll(9);
            let number = dice.roll(100_000);
            rig.act(move |host, cx| {
                let (source, sink) = (&host.wheels[&first], &host.wheels[&second]);
                match deed {
                    1 => source.pause_input(cx),
                    2 | 3 => source.resume_input(cx),
                    4 => source.unpipe(cx),
                    5 | 6 => source.pipe_to(cx, sink),
                    7 => drop(source.with_filter(cx, |_| ())),
                    8 => sink.set_high_mark(cx, number),
                    _ => drop(sink.flush(cx)),
                }
            });
            rig.turns(u32::try_from(dice.roll(3)).expect("small"));
        }
        let (bytes, _server) = reader.join();
        assert_eq!(bytes.len(), len, "with {seed}");
        assert!(bytes == noise(len), "with {seed}");
        writer.join();
    }
}

/// Either end is taken out in the middle, and put in again.
#[test]
fn a_pipe_of_which_either_end_is_taken_apart_loses_nothing() {
    const LEN: usize = 2 << 20;
    for seed in 1..=24 {
        let ((one, mut client), (other, mut server)) =
            if seed % 2 == 0 { (wide_pair(), pair()) } else { (pair(), narrow_pair()) };
        let (mut rig, [first, second]) = two(ReadWrite::builder(one), ReadWrite::builder(other));
        let ends = Rc::new(Cell::new((first, second)));
        let is_over = Rc::new(Cell::new(false));
        let (now, over) = (Rc::clone(&ends), Rc::clone(&is_over));
        rig = rig.react(move |host, cx, heard| match heard {
            Heard::Item(bytes) => drop(host.wheels[&now.get().1].put(cx, bytes.clone())),
            &END => {
                over.set(true);
                host.wheels[&now.get().1].shutdown_output(cx);
            }
            &BROKEN => {}
            other => panic!("{other:?} with {seed}"),
        });
        let len = if seed % 2 == 0 { LEN } else { LEN / 16 };
        let writer = Peer::play(move || {
            client.write_all(&noise(len)).expect("write");
            half_close(&client);
            client
        });
        let reader = Peer::play(move || match net::read_to_end(&mut server) {
            Ending::Closed(bytes) => (bytes, server),
            Ending::Reset(_) => panic!("reset"),
        });
        let mut dice = Dice(seed);
        while !reader.is_done() {
            let deed = dice.roll(4);
            if !is_over.get() {
                let ends = Rc::clone(&ends);
                rig.act(move |host, cx| {
                    let (first, second) = ends.get();
                    let id = if deed < 3 { first } else { second };
                    let parts = host.wheels.remove(&id).expect("held").into_parts(cx);
                    let parts = parts.expect("it is there");
                    let input = parts.input.expect("it is open");
                    let id = host.build(cx, ReadWrite::builder(input).unread(parts.unread));
                    let _put = host.wheels[&id].put(cx, parts.unsent);
                    ends.set(if deed < 3 { (id, second) } else { (first, id) });
                    let (first, second) = ends.get();
                    if deed != 2 {
                        host.wheels[&first].pipe_to(cx, &host.wheels[&second]);
                    }
                });
            }
            rig.turns(u32::try_from(dice.roll(8)).expect("small"));
        }
        let (bytes, _server) = reader.join();
        assert_eq!(bytes.len(), len, "with {seed}");
        assert!(bytes == noise(len), "with {seed}");
        writer.join();
    }
}

/// Whatever is wrong, and though the peer goes on sending: the loop waits for what it can use.
#[test]
fn a_source_that_is_not_read_any_more_keeps_nobody_busy() {
    type Deed = fn(&mut Rig<Line>, WheelId, WheelId);
    let deeds: [(&str, Deed); 6] = [
        ("paused", |rig, source, _| rig.act(move |host, cx| host.wheels[&source].pause_input(cx))),
        ("deaf", |rig, source, _| rig.act(move |host, cx| host.wheels[&source].shutdown_input(cx))),
        ("broken", |rig, _, sink| rig.act(move |host, _| drop(host.wheels.remove(&sink)))),
        ("shut", |rig, _, sink| rig.act(move |host, cx| host.wheels[&sink].shutdown_output(cx))),
        ("held up", |rig, _, sink| {
            rig.act(move |host, cx| drop(host.wheels[&sink].put(cx, noise(4_000_000))));
        }),
        // After this the source's time is over.
        ("late", |_, _, _| ()),
    ];
    for (name, deed) in deeds {
        let ((one, mut client), (other, _server)) = (pair(), narrow_pair());
        let source = ReadWrite::builder(one).filter(Line::new()).idle_timeout(10 * SECOND);
        let sink = ReadWrite::builder(other).filter(Line::new());
        let clock = Clock::virtual_time();
        let mut rig = Rig::start(clock.clone(), [source, sink]);
        stay(&mut rig);
        let [first, second] = rig.act(|host, cx| {
            let mut ids: Vec<_> = host.wheels.keys().copied().collect();
            ids.sort_unstable();
            host.wheels[&ids[0]].pipe_to(cx, &host.wheels[&ids[1]]);
            <[WheelId; 2]>::try_from(ids).expect("two")
        });
        client.write_all(b"line\nand a be").expect("write");
        rig.turns(5);
        deed(&mut rig, first, second);
        if name == "late" {
            clock.advance(11 * SECOND);
            rig.turns(5);
        }
        client.set_nonblocking(true).expect("non-blocking");
        for _ in 0..500 {
            let _full = client.write(&b"ginning\n".repeat(1000));
            rig.turn();
        }
        assert_ne!(rig.kernel.next_timeout(), Some(Duration::ZERO), "{name}");
        drop(client);
        rig.turns(50);
        assert_ne!(rig.kernel.next_timeout(), Some(Duration::ZERO), "{name}, and closed");
    }
}

/// In the same turn, before either was told.
#[test]
fn an_item_that_the_sink_cannot_express_is_told_though_a_write_fails() {
    let ((one, mut client), (other, _server)) = (pair(), pair());
    let mut rig = Rig::new(ReadWrite::builder(one).filter(Line::new()));
    let sink = rig.act(move |host, cx| {
        let sink = ReadWrite::builder(other).filter(Short).build(cx, "item", "failed");
        host.stream().pipe_to(cx, &sink);
        sink
    });
    rig.turns(3);
    faults::fail_next(Call::Send, 32);
    client.write_all(b"one\r\nlonger\r\n").expect("write");
    rig.hear(3);
    faults::clear();
    let told = rig.heard_of();
    let told: Vec<_> = told.iter().filter(|(id, _)| *id == Some(sink.id())).collect();
    let told: Vec<_> = told.into_iter().map(|(_, heard)| heard).collect();
    assert!(
        matches!(
            told[..],
            [Heard::Failed(Operation::Encode, _, 0), Heard::Failed(Operation::Write, 32, 3)]
        ),
        "{told:?}"
    );
}

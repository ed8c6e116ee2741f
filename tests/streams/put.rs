//! From where a session may put something, and when it leaves.

use std::time::Duration;

use bytes::Bytes;
use reactor::{Clock, Context, Event, Kernel, States};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, recv, socketpair};
use testkit::net::{self, Ending, Peer};
use wheels::filter::{Line, Stream};
use wheels::{Put, ReadWrite};

use crate::support::{END, Heard, Rig, half_close, item, pair};

/// The socket of this test keeps every write apart.
#[test]
fn what_one_handler_puts_leaves_in_one_write() {
    let packets = (AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::NONBLOCK);
    let (ours, peer) = socketpair(packets.0, packets.1, packets.2, None).expect("socketpair");
    let mut rig = Rig::new(ReadWrite::builder(ours).filter(Line::literal(b"\n")));
    rig.act(|host, cx| (0..100).for_each(|_| drop(host.put(cx, "word"))));
    rig.turn();
    let mut buffer = [0; 10_000];
    let (len, _) = recv(&peer, &mut buffer, RecvFlags::empty()).expect("a packet");
    assert_eq!(len, 500);
}

#[test]
fn all_that_one_handler_put_is_there_when_the_peer_first_looks() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours).filter(Line::literal(b"\n")));
    let len: usize = rig.act(|host, cx| {
        let words = (0..500).map(|number| "x".repeat(number % 40));
        words.map(|word| (host.put(cx, word.clone()), word.len() + 1).1).sum()
    });
    rig.turn();
    assert_eq!(std::io::Read::read(&mut peer, &mut [0; 100_000]).expect("read"), len);
}

#[test]
fn a_timer_may_put() {
    let clock = Clock::virtual_time();
    let (ours, mut peer) = pair();
    let mut rig = Rig::timed(&clock, ReadWrite::builder(ours)).react(|host, cx, heard| {
        if *heard == Heard::Word("now") {
            let _put = host.put(cx, "from a timer");
            host.take().shutdown(cx);
        }
    });
    rig.act(|_, cx| cx.delay("word", Duration::from_secs(60), "now"));
    assert_eq!(rig.end(), [Heard::Word("now"), Heard::Stopped]);
    assert_eq!(net::read_to_end(&mut peer), Ending::Closed(b"from a timer".into()));
}

#[test]
fn start_and_a_posted_event_may_put() {
    let (ours, mut peer) = pair();
    let build = States::new()
        .on_start(|state: &mut (Option<wheels::Socket>, Option<_>), cx: &mut Context<'_>, ()| {
            let ours = state.0.take().expect("it was given");
            let wheel = ReadWrite::builder(ours).build(cx, "item", "failed");
            let _put = wheel.put(cx, "from _start");
            state.1 = Some(wheel);
            cx.yield_("more", ());
        })
        .on(
            "more",
            |state: &mut (Option<wheels::Socket>, Option<ReadWrite<_>>),
             cx: &mut Context<'_>,
             ()| {
                let wheel = state.1.take().expect("built by _start");
                let _put = wheel.put(cx, ", and more");
                wheel.shutdown(cx);
            },
        );
    let mut kernel = Kernel::new().expect("a kernel");
    kernel.spawn(&build, (Some(ours), None));
    let client = Peer::play(move || {
        half_close(&peer);
        net::read_to_end(&mut peer)
    });
    assert_eq!(client.run(&mut kernel), Ending::Closed(b"from _start, and more".into()));
    net::run_to_end(&mut kernel);
}

/// The handle is a thing like any other: whoever has it may put, and the events stay where they were.
#[test]
fn another_session_may_put_in_a_handler_that_is_called() {
    const LEND: Event<ReadWrite<Stream>> = Event::new("lend");
    const USE: Event<&'static str, usize> = Event::new("use");
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    let friend = States::new()
        .on_start(|_: &mut Option<ReadWrite<_>>, cx: &mut Context<'_>, ()| {
            cx.delay("long", Duration::from_secs(3600), ());
        })
        .on(&LEND, |friend: &mut Option<ReadWrite<_>>, _: &mut Context<'_>, wheel| {
            *friend = Some(wheel);
        })
        .on(&USE, |friend: &mut Option<ReadWrite<_>>, cx: &mut Context<'_>, word: &'static str| {
            let wheel = friend.as_ref().expect("it was lent");
            let _put = wheel.put(cx, word);
            wheel.unsent(cx)
        });
    let friend = rig.kernel.spawn(&friend, None);
    let wheel = rig.act(|host, _| host.take());
    rig.kernel.call(friend, &LEND, wheel).expect("it is there");
    let unsent = rig.act(move |_, cx| cx.call(friend, &USE, "by a friend"));
    assert_eq!(unsent, Ok(11));
    rig.turn();
    assert_eq!(net::read_exact(&mut peer, 11), b"by a friend");
    std::io::Write::write_all(&mut peer, b"thanks").expect("write");
    assert_eq!(rig.hear(1), [item("thanks")]);
}

#[test]
fn after_the_end_of_the_peer_something_can_be_put_and_arrives() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours)).react(|host, cx, heard| {
        if *heard == END {
            cx.yield_("word", "later");
        } else if *heard == Heard::Word("later") {
            assert_eq!(host.put(cx, "still here"), Put::Queued);
        }
    });
    half_close(&peer);
    let client = Peer::play(move || net::read_to_end(&mut peer));
    assert_eq!(client.run(&mut rig.kernel), Ending::Closed(b"still here".into()));
    assert_eq!(rig.end(), [END, Heard::Word("later"), Heard::Stopped]);
}

#[test]
fn a_stream_that_is_dropped_after_a_put_does_not_send_it() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| {
        let _put = host.put(cx, "never mind");
        drop(host.take());
    });
    assert_eq!(net::read_to_end(&mut peer), Ending::Closed(vec![]));
    assert_eq!(rig.end(), [Heard::Stopped]);
}

/// Whoever holds the handle, the stream goes with the session that built it.
#[test]
fn a_stream_that_its_session_took_with_it_refuses() {
    const USE: Event<ReadWrite<Stream>, (Put<Bytes>, usize)> = Event::new("use");
    let (ours, peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    let orphan = rig.act(|host, _| host.take());
    drop(peer);
    rig.until("the end of its session", |heard| heard.contains(&Heard::Stopped));
    let heir = States::new().on(&USE, |(): &mut (), cx: &mut Context<'_>, wheel| {
        (wheel.put(cx, "hello"), wheel.unsent(cx))
    });
    let heir = rig.kernel.spawn(&heir, ());
    let used = rig.kernel.call(heir, &USE, orphan);
    assert_eq!(used, Ok((Put::Refused("hello".into()), 0)));
    assert_eq!(rig.end(), [END, Heard::Stopped]);
}

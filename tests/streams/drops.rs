//! Whatever a handler drops is gone when it returns, its own stream included.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use reactor::{Clock, Context};
use testkit::net::{self, Ending};
use wheels::faults::{self, Call};
use wheels::filter::Line;
use wheels::{Operation, ReadWrite};

use crate::data::noise;
use crate::support::{FLUSHED, HIGH, Heard, Host, LOW, Rig, half_close, narrow_pair, pair};

/// What the handler of the first event does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Deed {
    DropsItself,
    DropsItsSibling,
    DropsEverything,
    ShutsItselfDown,
    DropsItselfAndBuildsAnother,
    StopsTheKernel,
}

const DEEDS: [Deed; 6] = [
    Deed::DropsItself,
    Deed::DropsItsSibling,
    Deed::DropsEverything,
    Deed::ShutsItselfDown,
    Deed::DropsItselfAndBuildsAnother,
    Deed::StopsTheKernel,
];

fn act(deed: Deed, host: &mut Host<Line>, cx: &mut Context<'_>) {
    let own = host.stream().id();
    match deed {
        Deed::DropsItself => drop(host.take()),
        Deed::DropsItsSibling => host.wheels.retain(|id, _| *id == own),
        Deed::DropsEverything => host.wheels.clear(),
        Deed::ShutsItselfDown => host.take().shutdown(cx),
        Deed::DropsItselfAndBuildsAnother => {
            drop(host.take());
            let (ours, _peer) = pair();
            host.build(cx, ReadWrite::builder(ours).filter(Line::new()));
        }
        Deed::StopsTheKernel => cx.stop(),
    }
}

/// Two streams alike; `trigger` brings about `kind` for both, with more events behind it.
fn play(kind: fn(&Heard) -> bool, deed: Deed, trigger: fn(&mut Rig<Line>, &mut [TcpStream]) -> ()) {
    let (mut builders, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let (ours, peer) = narrow_pair();
        let builder = ReadWrite::builder(ours).filter(Line::new()).linger(Duration::ZERO);
        let builder = builder.high_mark(100_000, &HIGH).low_mark(20_000, &LOW);
        builders.push(builder.flushed_event(&FLUSHED));
        peers.push(peer);
    }
    let mut done = false;
    let mut rig = Rig::start(Clock::system(), builders).react(move |host, cx, heard| {
        let known = host.wheel.is_none() || host.holds();
        // What was shut down goes on telling of its output.
        let of_output = !matches!(heard, Heard::Item(_) | Heard::Failed(Operation::Read, ..));
        assert!(known || deed == Deed::ShutsItselfDown && of_output, "{heard:?} after {deed:?}");
        if !done && kind(heard) {
            done = true;
            act(deed, host, cx);
        }
    });
    trigger(&mut rig, &mut peers);
    rig.until("the event", |heard| heard.iter().any(kind));
    rig.turns(5);
    if rig.is_alive() {
        rig.act(|host, _| host.wheels.clear());
    }
    rig.end();
    // Everything was closed, so the peers come to an end too.
    for mut peer in peers {
        let (Ending::Closed(_) | Ending::Reset(_)) = net::read_to_end(&mut peer);
    }
    faults::clear();
}

#[test]
fn p21_in_the_handler_of_an_item() {
    for deed in DEEDS {
        play(
            |heard| matches!(heard, Heard::Item(_)),
            deed,
            |_, peers| {
                for peer in peers {
                    peer.write_all(b"one\ntwo\nthree").expect("write");
                    half_close(peer);
                }
            },
        );
    }
}

#[test]
fn p21_in_the_handler_of_the_end() {
    for deed in DEEDS {
        play(
            |heard| *heard == crate::support::END,
            deed,
            |_, peers| {
                for peer in peers {
                    peer.write_all(b"one\n").expect("write");
                    half_close(peer);
                }
            },
        );
    }
}

#[test]
fn p21_in_the_handler_of_a_read_failure() {
    for deed in DEEDS {
        play(
            |heard| matches!(heard, Heard::Failed(Operation::Read, 104, _)),
            deed,
            |_, peers| {
                faults::fail_next(Call::Recv, 104);
                faults::fail_next(Call::Recv, 104);
                peers.iter_mut().for_each(|peer| peer.write_all(b"one\n").expect("write"));
            },
        );
    }
}

#[test]
fn p21_in_the_handler_of_a_write_failure() {
    for deed in DEEDS {
        play(
            |heard| matches!(heard, Heard::Failed(Operation::Write, ..)),
            deed,
            |rig, peers| {
                faults::fail_next(Call::Send, 32);
                faults::fail_next(Call::Send, 32);
                rig.act(|host, cx| host.wheels.values().for_each(|wheel| drop(wheel.put(cx, "x"))));
                peers.iter_mut().for_each(|peer| peer.write_all(b"one\ntwo").expect("write"));
            },
        );
    }
}

#[test]
fn p21_in_the_handler_of_a_refusing_filter() {
    for deed in DEEDS {
        play(
            |heard| matches!(heard, Heard::Failed(Operation::Decode, ..)),
            deed,
            |_, peers| {
                for peer in peers {
                    peer.write_all(b"one\n").expect("write");
                    peer.write_all(&[b'x'; 20_000]).expect("write");
                }
            },
        );
    }
}

#[test]
fn p21_in_the_handler_of_flushed() {
    for deed in DEEDS {
        play(
            |heard| *heard == Heard::Flushed,
            deed,
            |rig, peers| {
                rig.act(|host, cx| host.wheels.values().for_each(|wheel| drop(wheel.put(cx, "x"))));
                peers.iter_mut().for_each(|peer| peer.write_all(b"one\ntwo").expect("write"));
            },
        );
    }
}

#[test]
fn p21_in_the_handler_of_high() {
    for deed in DEEDS {
        play(
            |heard| *heard == Heard::High,
            deed,
            |rig, peers| {
                rig.act(|host, cx| {
                    host.wheels.values().for_each(|wheel| drop(wheel.put(cx, noise(300_000))));
                });
                peers.iter_mut().for_each(|peer| peer.write_all(b"one\ntwo").expect("write"));
            },
        );
    }
}

#[test]
fn p21_in_the_handler_of_low() {
    for deed in DEEDS {
        play(
            |heard| *heard == Heard::Low,
            deed,
            |rig, peers| {
                rig.act(|host, cx| {
                    host.wheels.values().for_each(|wheel| drop(wheel.put(cx, noise(300_000))));
                });
                // Either may be the first to fall below: so much of both is read.
                peers.iter_mut().for_each(|peer| read_until_low(rig, peer));
            },
        );
    }
}

fn read_until_low(rig: &mut Rig<Line>, peer: &mut TcpStream) {
    peer.write_all(b"one\ntwo").expect("write");
    let mut left = 290_000;
    while left > 0 && !rig.heard().contains(&Heard::Low) {
        left -= rig.read_meanwhile(peer, 1000).len();
    }
}

#[test]
fn p21_in_the_handler_of_a_posted_event() {
    DEEDS.into_iter().for_each(|deed| act_on_a_word(deed, |cx| cx.yield_("word", "now")));
}

#[test]
fn p21_in_the_handler_of_a_timer() {
    for deed in DEEDS {
        act_on_a_word(deed, |cx| cx.delay("word", Duration::ZERO, "now"));
    }
}

fn act_on_a_word(deed: Deed, say: fn(&mut Context<'_>)) {
    let (ours, mut peer) = pair();
    peer.write_all(b"one\ntwo\n").expect("write");
    let mut done = false;
    let builder = ReadWrite::builder(ours).filter(Line::new());
    let mut rig = Rig::new(builder).react(move |host, cx, heard| {
        assert!(!done || *heard == Heard::Stopped, "{heard:?} after {deed:?}");
        if matches!(heard, Heard::Word(_)) {
            done = !matches!(deed, Deed::DropsItsSibling | Deed::DropsItselfAndBuildsAnother);
            act(deed, host, cx);
        }
    });
    rig.act(move |_, cx| say(cx));
    rig.until("the word", |heard| heard.contains(&Heard::Word("now")));
    rig.turns(3);
    drop(peer);
    if rig.is_alive() {
        rig.act(|host, _| host.wheels.clear());
    }
    rig.end();
}

#[test]
fn records_that_were_read_go_with_the_stream() {
    let (ours, mut peer) = pair();
    peer.write_all(b"one\ntwo\nthree\n").expect("write");
    let rig = Rig::new(ReadWrite::builder(ours).filter(Line::new())).react(|host, _, heard| {
        if *heard == crate::support::item("one") {
            drop(host.take());
        }
    });
    assert_eq!(rig.end(), [crate::support::item("one"), Heard::Stopped]);
}

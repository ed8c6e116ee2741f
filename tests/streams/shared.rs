//! All streams read into one buffer, and none sees what another left there.

use std::collections::HashMap;
use std::io::Write;
use std::net::TcpStream;

use bytes::Bytes;
use reactor::{Clock, WheelId};
use testkit::net::Peer;
use wheels::ReadWrite;
use wheels::filter::Line;

use crate::data::Dice;
use crate::support::{END, Heard, Rig, pair};

const STREAMS: u32 = 8;

/// The lines of one peer: its name, a number, and a tail of random length.
fn lines(name: u32, seed: u64) -> Vec<String> {
    let mut dice = Dice(seed);
    let lines = (0..4000).map(|number| {
        let most = [1, 10, 300, 9000][usize::from(number % 40 == 0) + dice.roll(3) - 1];
        format!("{name} {number} {}", "x".repeat(dice.roll(most)))
    });
    lines.collect()
}

/// Cut anywhere, paused anywhere, in bursts larger than a share of the turn.
#[test]
fn streams_that_are_cut_and_paused_at_random_keep_their_bytes_apart() {
    (1..=3).for_each(cut_and_pause);
}

fn cut_and_pause(seed: u64) {
    let mut clients = Vec::new();
    let mut builders = Vec::new();
    for name in 0..STREAMS {
        let (ours, peer) = pair();
        builders.push(ReadWrite::builder(ours).filter(Line::literal(b"\n")));
        clients.push(Peer::play(move || send(peer, name, seed)));
    }
    let mut dice = Dice(seed);
    let mut rig = Rig::start(Clock::system(), builders).react(move |host, cx, heard| match heard {
        Heard::Item(_) if dice.roll(20) == 1 => {
            // This stream, or another one.
            let other = host.wheels.values().nth(dice.roll(host.wheels.len()) - 1);
            let victim = other.filter(|_| dice.roll(2) == 1).unwrap_or_else(|| host.stream());
            victim.pause_input(cx);
            cx.yield_("word", "resume");
        }
        Heard::Word(_) => host.wheels.values().for_each(|wheel| wheel.resume_input(cx)),
        _ => {}
    });
    rig.until("the end of all", |heard| {
        heard.iter().filter(|heard| **heard == END).count() == STREAMS as usize
    });
    clients.into_iter().for_each(Peer::join);
    let mut got: HashMap<WheelId, Vec<Bytes>> = HashMap::new();
    for (wheel, heard) in rig.heard_of() {
        if let (Some(wheel), Heard::Item(line)) = (wheel, heard) {
            got.entry(wheel).or_default().push(line);
        }
    }
    let mut names = Vec::new();
    for got in got.values() {
        let name = u32::from(got[0][0] - b'0');
        assert!(*got == lines(name, seed), "not the lines of peer {name}");
        names.push(name);
    }
    names.sort_unstable();
    assert_eq!(names, (0..STREAMS).collect::<Vec<_>>());
}

fn send(mut peer: TcpStream, name: u32, seed: u64) {
    let text = lines(name, seed).join("\n");
    let (mut dice, mut rest) = (Dice(seed * 100 + u64::from(name) + 1), text.as_bytes());
    while !rest.is_empty() {
        let most = [20, 1500, 200_000][dice.roll(3) - 1];
        let (piece, more) = rest.split_at(dice.roll(most).min(rest.len()));
        peer.write_all(piece).expect("write");
        rest = more;
    }
}

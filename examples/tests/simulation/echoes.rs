//! Who is echoed gets back what they said.

use std::time::Duration;

use bytes::Bytes;
use reactor::Kernel;
use wheels::filter::{Line, Stream};

use crate::client::{Act, Script};
use crate::journal::Deed;
use crate::stage::{Fate, Outcome, Stage, anywhere};
use crate::{echo_server, multi_listen, port_proxy, port_tcp_server, rot13_server, tcp_proxy};

const PORT: u16 = 7;

pub(crate) fn bytes(seed: u64) -> Outcome {
    let start = |kernel: &mut Kernel| echo_server::start(kernel, anywhere(PORT), || Stream);
    echoed(Stage::new(seed, start), <[u8]>::to_vec)
}

pub(crate) fn lines(seed: u64) -> Outcome {
    let start = |kernel: &mut Kernel| {
        echo_server::start(kernel, anywhere(PORT), || Line::literal(b"\n"));
    };
    echoed(Stage::new(seed, start), whole_lines)
}

pub(crate) fn rot13(seed: u64) -> Outcome {
    let answer = |said: &[u8]| {
        let rotated = |byte: &u8| match byte {
            b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
            other => *other,
        };
        String::from_utf8(said.iter().map(rotated).collect())
            .expect("letters")
            .replace('\n', "\r\n")
            .into_bytes()
    };
    let mut stage = Stage::new(seed, |kernel| rot13_server::start(kernel, PORT));
    stage.without_limits();
    echoed(stage, |said| answer(&whole_lines(said)))
}

/// Through a proxy, to another host.
pub(crate) fn proxied(seed: u64) -> Outcome {
    let mut stage = Stage::new(seed, |kernel| tcp_proxy::start(kernel, proxy(PORT, "behind:8")));
    stage.behind("behind", |kernel| echo_server::start(kernel, anywhere(8), || Stream));
    stage.set_patience(PATIENCE);
    stage.set_hurry(IDLE);
    echoed(stage, <[u8]>::to_vec)
}

/// Through two proxies on the server's host, the second of which ends when either side does.
pub(crate) fn proxied_twice(seed: u64) -> Outcome {
    let mut stage = Stage::new(seed, |kernel| {
        tcp_proxy::start(kernel, proxy(PORT, "127.0.0.1:12345"));
        port_proxy::start(kernel, (12_345, 8));
        echo_server::start(kernel, anywhere(8), || Stream);
    });
    stage.without_limits();
    stage.ends_with_two_signals();
    stage.set_patience(PATIENCE);
    stage.set_hurry(IDLE);
    talk(stage, Manners::WaitsForAll, <[u8]>::to_vec)
}

/// Two at a time, behind a proxy; the others wait.
pub(crate) fn two_at_a_time(seed: u64) -> Outcome {
    let mut stage = Stage::new(seed, |kernel| {
        tcp_proxy::start(kernel, proxy(PORT, "127.0.0.1:12345"));
        port_tcp_server::start(kernel, 12_345);
    });
    // Whoever waits must not wait for one that will never come back.
    stage.without_troubles();
    stage.ends_with_two_signals();
    stage.set_hurry(IDLE);
    for _ in 0..stage.random.usize(1..8) {
        let lines = (0..stage.random.usize(..8)).map(|at| format!("line {at}\n"));
        let said: String = lines.collect();
        let mut acts = vec![(stage.pause(), Act::Say(said.clone().into()))];
        acts.push((stage.pause(), Act::Say("quit\n".into())));
        let rest = stage.rest();
        stage.invite(Script { server: ("server", PORT), rest, acts });
    }
    stage.live();
    stage.end(|fates, _| {
        let mut numbers: Vec<u32> = fates.iter().map(welcomed).collect();
        numbers.sort_unstable();
        assert!(numbers.iter().zip(1..).all(|(number, count)| *number == count), "{numbers:?}");
    })
}

/// The number that it was given. What follows is what it said.
fn welcomed(fate: &Fate) -> u32 {
    let got = str::from_utf8(&fate.story.got).expect("text");
    let (welcome, rest) = got.split_once("\r\n").unwrap_or_else(|| panic!("no welcome: {fate}"));
    let said = str::from_utf8(&fate.story.said).expect("text");
    assert_eq!(rest, said.replace("quit", "bye").replace('\n', "\r\n"), "{fate}");
    assert_eq!(fate.story.end, Some(Deed::Heard), "{fate}");
    let number = welcome.strip_prefix("welcome, client ").expect("a welcome");
    number.parse().expect("a number")
}

/// Everybody is told who they are and where they came in, by either address.
pub(crate) fn doors(seed: u64) -> Outcome {
    let also = vec![String::from("0.0.0.0:8")];
    let mut stage =
        Stage::new(seed, move |kernel| multi_listen::start(kernel, (PORT, also.clone())));
    let mut ports = Vec::new();
    for _ in 0..stage.random.usize(1..12) {
        let port = if stage.random.bool() { PORT } else { 8 };
        let rest = stage.rest();
        stage.invite(Script { server: ("server", port), rest, acts: Vec::new() });
        ports.push(port);
    }
    stage.live();
    stage.end(|fates, _| fates.iter().zip(&ports).for_each(|(fate, port)| came_in(fate, *port)))
}

fn came_in(fate: &Fate, port: u16) {
    let Fate { story, in_peace, .. } = fate;
    if *in_peace {
        let got = str::from_utf8(&story.got).expect("text");
        assert!(got.starts_with("you are ") && got.ends_with(&format!(":{port}\r\n")), "{got:?}");
        assert_eq!((got.lines().count(), &story.end), (1, &Some(Deed::Heard)), "{fate}");
    }
}

/// From a port of the server's to a place.
pub(crate) fn proxy(port: u16, upstream: &str) -> tcp_proxy::Settings {
    let (listen, upstream) = (format!("0.0.0.0:{port}"), upstream.to_owned());
    tcp_proxy::Settings { listen, upstream, patience: Duration::from_secs(10) }
}

/// A longer cut is for the proxy as if nobody read.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The proxy hangs up on a side that says nothing for so long, however long the other takes to read.
pub(crate) const IDLE: Duration = Duration::from_secs(600);

fn whole_lines(said: &[u8]) -> Vec<u8> {
    let mut lines = said.to_vec();
    if lines.last().is_some_and(|last| *last != b'\n') {
        lines.push(b'\n');
    }
    lines
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Manners {
    /// Says that it says no more, and reads what is still to come.
    HalfCloses,
    /// Has got all before it says so.
    WaitsForAll,
}

fn echoed(stage: Stage, answer: impl Fn(&[u8]) -> Vec<u8>) -> Outcome {
    talk(stage, Manners::HalfCloses, answer)
}

fn talk(mut stage: Stage, manners: Manners, answer: impl Fn(&[u8]) -> Vec<u8>) -> Outcome {
    for _ in 0..stage.random.usize(1..12) {
        let script = script(&mut stage, manners);
        stage.invite(script);
    }
    stage.live();
    stage.end(|fates, _| fates.iter().for_each(|fate| check(fate, &answer)))
}

/// Says things, and sooner or later nothing more.
fn script(stage: &mut Stage, manners: Manners) -> Script {
    let rest = stage.rest();
    let mut acts = Vec::new();
    let mut said = 0;
    for _ in 0..stage.random.usize(..12) {
        let piece = letters(stage);
        said += piece.len();
        acts.push((stage.pause(), Act::Say(piece)));
        if stage.random.u8(..4) == 0 {
            let some = stage.random.usize(..=said);
            // What a server that goes by lines may keep is less than one.
            acts.push((stage.pause(), Act::Await(some.saturating_sub(LONGEST_LINE))));
        }
    }
    let end = if stage.random.u8(..4) == 0 { Act::Leave } else { Act::HalfClose };
    if manners == Manners::WaitsForAll {
        acts.push((stage.pause(), Act::Await(said)));
    }
    acts.push((stage.pause(), end));
    Script { server: ("server", PORT), rest, acts }
}

const LONGEST_LINE: usize = 200;

/// Letters, in lines.
fn letters(stage: &mut Stage) -> Bytes {
    let most = match (stage.random.u8(..16), stage.is_rough) {
        (0, false) => 1_500_000,
        (0, true) => 5_000,
        (1..4, _) => 2_000,
        (_, _) => 100,
    };
    let mut left = 0;
    let mut letter = |random: &mut fastrand::Rng| {
        if left == 0 {
            left = random.usize(1..LONGEST_LINE / 2);
            return b'\n';
        }
        left -= 1;
        random.u8(b'a'..=b'z')
    };
    let length = stage.random.usize(1..=most);
    (0..length).map(|_| letter(&mut stage.random)).collect()
}

/// Whoever is left in peace gets the answer, and nobody anything else.
fn check(fate: &Fate, answer: &impl Fn(&[u8]) -> Vec<u8>) {
    let Fate { number, story, in_peace, .. } = fate;
    let answer = answer(&story.said);
    let left = story.end == Some(Deed::Left);
    let got = &story.got;
    assert!(answer.starts_with(got), "client {number} got something else: {fate}");
    if *in_peace && !left {
        assert_eq!(got.len(), answer.len(), "client {number} did not get all: {fate}");
        assert_eq!(story.end, Some(Deed::Heard), "client {number} did not end well: {fate}");
    }
}

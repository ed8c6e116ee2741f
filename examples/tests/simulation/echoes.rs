//! Who is echoed gets back what they said.

use bytes::Bytes;
use reactor::Kernel;
use wheels::filter::{Line, Stream};

use crate::client::{Act, Script};
use crate::journal::Deed;
use crate::stage::{Fate, Outcome, Stage, anywhere};
use crate::{echo_server, rot13_server};

const PORT: u16 = 7;

pub(crate) fn bytes(seed: u64) -> Outcome {
    echoed(seed, |kernel| echo_server::start(kernel, anywhere(PORT), || Stream), <[u8]>::to_vec)
}

pub(crate) fn lines(seed: u64) -> Outcome {
    let start = |kernel: &mut Kernel| {
        echo_server::start(kernel, anywhere(PORT), || Line::literal(b"\n"));
    };
    echoed(seed, start, whole_lines)
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
    echoed(seed, |kernel| rot13_server::start(kernel, PORT), move |said| answer(&whole_lines(said)))
}

fn whole_lines(said: &[u8]) -> Vec<u8> {
    let mut lines = said.to_vec();
    if lines.last().is_some_and(|last| *last != b'\n') {
        lines.push(b'\n');
    }
    lines
}

fn echoed(
    seed: u64,
    start: impl Fn(&mut Kernel) + 'static,
    answer: impl Fn(&[u8]) -> Vec<u8>,
) -> Outcome {
    let mut stage = Stage::new(seed, start);
    for _ in 0..stage.random.usize(1..12) {
        let script = script(&mut stage, ("server", PORT));
        stage.invite(script);
    }
    stage.live();
    stage.end(|fates, _| fates.iter().for_each(|fate| check(fate, &answer)))
}

/// Says things, and sooner or later nothing more.
pub(crate) fn script(stage: &mut Stage, server: (&'static str, u16)) -> Script {
    let rest = (stage.random.u8(..4) == 0).then(|| stage.pause());
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
    acts.push((stage.pause(), end));
    Script { server, rest, acts }
}

const LONGEST_LINE: usize = 200;

/// Letters, in lines.
pub(crate) fn letters(stage: &mut Stage) -> Bytes {
    let most = match (stage.random.u8(..16), stage.is_rough) {
        (0, false) => 300_000,
        (0, true) => 20_000,
        (1..4, _) => 4_000,
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
pub(crate) fn check(fate: &Fate, answer: &impl Fn(&[u8]) -> Vec<u8>) {
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

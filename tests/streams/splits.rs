//! However the peer's writes are cut, the lines are the same: over a real connection.

use std::io::Write;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::Config;
use testkit::net::{self, Ending, Peer};
use wheels::ReadWrite;
use wheels::filter::Line;

use crate::data::Dice;
use crate::support::{END, Heard, Rig, echo, half_close, items, pair};

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(300) })]

    #[test]
    fn p16_lines_are_echoed_whole_however_they_are_cut_and_whatever_the_loop_does_meanwhile(
        lines in prop::collection::vec("[a-z]{0,40}", 0..20),
        ending in select(vec!["\n", "\r\n", "\r", "\n\r"]),
        cuts in prop::collection::vec((any::<Index>(), 0..3_u32), 0..12),
    ) {
        let sent: String = lines.iter().flat_map(|line| [line, ending]).collect();
        let mut places: Vec<_> =
            cuts.iter().map(|(cut, turns)| (cut.index(sent.len() + 1), *turns)).collect();
        places.sort_unstable();
        places.push((sent.len(), 0));

        let (ours, mut peer) = pair();
        let mut rig = Rig::new(ReadWrite::builder(ours).filter(Line::new())).react(echo);
        let mut at = 0;
        for (place, turns) in places {
            peer.write_all(&sent.as_bytes()[at..place]).expect("there is room");
            rig.turns(turns);
            at = place;
        }
        half_close(&peer);
        let told = rig.end();
        prop_assert_eq!(items(&told), &lines[..]);
        prop_assert_eq!(&told[lines.len()..], &[END, Heard::Stopped]);
        let echoed: String = lines.iter().flat_map(|line| [line, "\r\n"]).collect();
        prop_assert_eq!(net::read_to_end(&mut peer), Ending::Closed(echoed.into()));
    }
}

/// The peer writes when it likes, while the loop runs: more than fits anywhere at once.
#[test]
fn p16_many_lines_written_in_pieces_of_random_size_are_echoed_whole() {
    for seed in 1..=6 {
        let mut dice = Dice(seed);
        let mut line =
            || "x".repeat([1, 100, 5000].map(|most| dice.roll(most) - 1)[dice.roll(3) - 1]);
        let lines: Vec<_> = (0..1000).map(|number| format!("{number}{}", line())).collect();
        let (ours, mut peer) = pair();
        let rig = Rig::new(ReadWrite::builder(ours).filter(Line::new()));
        let mut rig = rig.react(echo);
        let mut writer = peer.try_clone().expect("a second handle");
        let sent = lines.join("\n") + "\n";
        let writing = Peer::play(move || {
            let mut rest = sent.as_bytes();
            while !rest.is_empty() {
                let most = [1, 3, 500, 100_000][dice.roll(4) - 1];
                let (piece, others) = rest.split_at(dice.roll(most).min(rest.len()));
                writer.write_all(piece).expect("write");
                rest = others;
            }
            half_close(&writer);
        });
        let reading = Peer::play(move || net::read_to_end(&mut peer));
        let echoed = reading.run(&mut rig.kernel);
        writing.join();
        let told = rig.end();
        assert!(items(&told) == lines, "seed {seed}: other lines than were sent");
        assert_eq!(told[lines.len()..], [END, Heard::Stopped]);
        let expected = lines.join("\r\n") + "\r\n";
        assert!(echoed == Ending::Closed(expected.into()), "seed {seed}: other lines came back");
    }
}

//! A chat of a hundred who say a line a minute each, for an hour: to measure how fast time passes.

use std::time::Duration;

use fastrand::Rng;
use reactor::SessionId;
use simulation::Simulation;

use crate::chat_server;
use crate::client::{self, Act, Script};
use crate::journal::{Diary, Journal, Story};
use crate::stage::{Outcome, anywhere};
use crate::trouble::random_time;

const GUESTS: usize = 100;
const LINES: usize = 60;
const MINUTE: Duration = Duration::from_secs(60);
const SERVER: (&str, u16) = ("server", 7777);

pub(crate) fn chat(seed: u64) -> Outcome {
    let mut random = Rng::with_seed(seed);
    let mut simulation = Simulation::new(seed).expect("descriptors");
    let (began, journal) = (simulation.clock().now(), Journal::default());
    let server = simulation.host(SERVER.0).expect("descriptors");
    simulation.on(server, |kernel| {
        chat_server::start(kernel, (anywhere(SERVER.1), usize::MAX));
    });
    for number in 0..GUESTS {
        let home = simulation.host(&format!("home{number}")).expect("descriptors");
        let diary = Diary { number, began, journal: journal.clone() };
        let script = script(&mut random, number);
        simulation.on(home, |kernel| client::start(kernel, script, diary));
    }
    // All have come before the first says anything, and hear the last.
    simulation.run_for(MINUTE * (u32::try_from(LINES).expect("few") + 2)).expect("they run");
    let turns = simulation.on(server, |kernel| kernel.stats().turns);
    simulation
        .on(server, |kernel| kernel.signal(SessionId::KERNEL, "TERM", ()))
        .expect("the kernel is there");
    simulation.run_for(MINUTE).expect("they run");
    assert_eq!(simulation.connections(), 0);
    for story in Story::all(&journal.take(), GUESTS) {
        let said = story.got.windows(4).filter(|four| four == b"said").count();
        assert_eq!(said, (GUESTS - 1) * LINES, "of what all others have said");
    }
    Outcome { digest: simulation.digest(), transcript: 0, time: simulation.elapsed(), turns }
}

/// Once in each minute.
fn script(random: &mut Rng, number: usize) -> Script {
    let name = format!("guest{number}\n");
    let (mut now, mut acts) = (Duration::ZERO, vec![(Duration::ZERO, Act::Say(name.into()))]);
    for line in 1..=LINES {
        let minute = MINUTE * u32::try_from(line).expect("few");
        let at = minute + random_time(random, Duration::ZERO..MINUTE);
        acts.push((at - now, Act::Say(format!("said by {number}, line {line}\n").into())));
        now = at;
    }
    Script { server: SERVER, rest: None, acts }
}

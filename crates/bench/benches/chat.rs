//! What a chat server delivers: lines per second of its CPU, to a room of 1,000, against tokio's `broadcast`.
//!
//! One client speaks, the others hear it: 100 lines a second, or as fast as they hear, one line at a time or
//! 64. The servers take turns in short rounds: see `bench::contest`, and `bench::chat_load` for the load.
//! `cargo bench -p bench --bench chat -- [--rounds N] [SCENARIO ...]`, where a scenario is any part of its
//! name.
//!
//! Columns: deliveries per second of the server's CPU, the system's part included (best and median round),
//! deliveries per second (median), and the first as a ratio to tokio's, once best to best, once as the
//! median of the ratios within each round: more than 1 is better.

use std::io;
use std::time::Instant;

use bench::args::Options;
use bench::chat_load::{ChatShape, Pace};
use bench::contest::{Scenario, Shape};
use bench::machine::{Cores, raise_descriptor_limit};
use bench::process::Server;
use bench::table::rate_table;

const ROUNDS: usize = 11;

/// The first is what the others are compared with.
const SERVERS: &[Server] = &[
    Server { name: "tokio, broadcast", path: env!("CARGO_BIN_EXE_chat_tokio"), args: &[] },
    Server { name: "chat_server", path: env!("CARGO_BIN_EXE_chat_server"), args: &[] },
    Server { name: "by hand", path: env!("CARGO_BIN_EXE_chat_wheels"), args: &[] },
];

const SCENARIOS: &[Scenario] = &[
    room("a room of 1,000, 100 lines a second", Pace::PerSecond(100), 100),
    room("a room of 1,000, full speed, one line at a time", Pace::AtOnce(1), 100),
    room("a room of 1,000, full speed, 64 lines at a time", Pace::AtOnce(64), 640),
];

const fn room(name: &'static str, pace: Pace, lines: u64) -> Scenario {
    let shape = Shape::Chat(ChatShape { clients: 1_000, pace });
    Scenario { name, servers: SERVERS, shape, requests: 999 * lines }
}

fn main() -> io::Result<()> {
    let options = Options::from_env();
    let rounds = options.rounds.unwrap_or(ROUNDS);
    let cores = Cores::detect();
    raise_descriptor_limit();
    let begin = Instant::now();
    println!("{rounds} interleaved rounds; deliveries per second of the server's CPU");
    for scenario in SCENARIOS.iter().filter(|scenario| options.wants(scenario.name)) {
        print!("{}", rate_table(scenario.name, &scenario.run(rounds, cores)?));
    }
    println!("\n{:.0} s", begin.elapsed().as_secs_f64());
    Ok(())
}

//! CPU per connection that is made, heard of, and dropped, of every client in the table.
//!
//! The clients run on one core, the listener they call on another. Each round is a process; rounds
//! are short and the clients take turns in them, in an order that rotates, so that what the machine
//! does meanwhile hits all alike. `cargo bench -p bench --bench connect -- [--rounds N] [SCENARIO ...]`.
//!
//! Columns as in `benches/echo.rs`; the CPU is the client's.

mod clients;

use std::io;

use bench::args::Options;
use bench::connect_load::{Errand, listen};
use bench::machine::{Cores, raise_descriptor_limit};
use bench::table::{Samples, echo_table};
use clients::CLIENTS;

const ROUNDS: usize = 21;

/// Connections in a round: about a tenth of a second's worth.
const CONNECTIONS: u64 = 4_000;

const SCENARIOS: &[(&str, u64)] = &[
    ("connect + established + drop, one at a time", 1),
    ("connect + established + drop, 64 at a time", 64),
];

fn main() -> io::Result<()> {
    let options = Options::from_env();
    let rounds = options.rounds.unwrap_or(ROUNDS);
    let cores = Cores::detect();
    raise_descriptor_limit();
    let address = listen(cores)?;
    println!("{rounds} interleaved rounds; us: microseconds of the client's CPU per connection");
    for (name, at_once) in SCENARIOS.iter().filter(|(name, _)| options.wants(name)) {
        let errand = Errand { address, connections: CONNECTIONS, at_once: *at_once };
        let mut rows: Vec<_> =
            CLIENTS.iter().map(|client| (client.name, Samples::default())).collect();
        for round in 0..rounds {
            for turn in 0..CLIENTS.len() {
                let next = (round + turn) % CLIENTS.len();
                let cost = CLIENTS[next].start(errand, cores)?.run()?;
                rows[next].1.add(cost.cpu_nanos, errand.connections, cost.elapsed);
            }
        }
        print!("{}", echo_table(name, &rows));
    }
    Ok(())
}

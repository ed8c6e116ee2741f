//! CPU per echo, and per accepted, echoed and closed connection, of every server in the table.
//!
//! The servers take turns in short rounds: see `bench::contest`.
//! `cargo bench -p bench --bench echo -- [--rounds N] [SCENARIO ...]`, where a scenario is any
//! part of its name.
//!
//! Columns: microseconds of the server's CPU per request (best and median round, the system's
//! part included), requests per second (median), and the CPU as a ratio to the first server's,
//! once best to best, once as the median of the ratios within each round.
//!
//! Mind that tokio's tasks have 4 KiB to read into, as is usual, so that messages of 16 KiB cost
//! them four reads and four writes where a server with one large buffer needs one of each.

mod servers;

use std::io;
use std::time::Instant;

use bench::args::Options;
use bench::burst_load::Farewell;
use bench::contest::{Scenario, Shape};
use bench::echo_load::EchoShape;
use bench::machine::{Cores, raise_descriptor_limit};
use bench::process::Server;
use bench::table::echo_table;
use servers::SERVERS;

const ROUNDS: usize = 11;

const SCENARIOS: &[Scenario] = &[
    echo("50 connections x 64 B, 1 deep", 50, 64, 1, 20_000),
    echo("500 connections x 64 B, 1 deep", 500, 64, 1, 20_000),
    echo("50 connections x 64 B, 16 deep", 50, 64, 16, 240_000),
    echo("50 connections x 16 KiB", 50, 16 * 1024, 1, 12_000),
    lines("50 connections x lines of 64 B, 16 deep", 50, 64, 16, 240_000),
    bursts("accept + echo + close, bursts of 100", 100, Farewell::Orderly),
    bursts("accept + echo + close, bursts of 1,000", 1_000, Farewell::Orderly),
    bursts("accept + echo + reset, bursts of 100", 100, Farewell::Reset),
];

/// As they are for lines: bare mio looks at none, and gives the same bytes back.
const LINE_SERVERS: &[Server] = &[
    Server { name: "bare mio, plain echo", path: env!("CARGO_BIN_EXE_echo_mio"), args: &[] },
    Server { name: "wheelhouse", path: env!("CARGO_BIN_EXE_echo_wheels"), args: &["--lines"] },
    Server { name: "tokio, LinesCodec", path: env!("CARGO_BIN_EXE_lines_tokio"), args: &[] },
];

const fn echo(
    name: &'static str,
    connections: usize,
    size: usize,
    depth: usize,
    requests: u64,
) -> Scenario {
    let shape = Shape::Echo(EchoShape { connections, size, depth });
    Scenario { name, servers: SERVERS, shape, requests }
}

const fn lines(
    name: &'static str,
    connections: usize,
    size: usize,
    depth: usize,
    requests: u64,
) -> Scenario {
    let plain = echo(name, connections, size, depth, requests);
    Scenario { servers: LINE_SERVERS, ..plain }
}

const fn bursts(name: &'static str, connections: usize, farewell: Farewell) -> Scenario {
    let shape = Shape::Bursts(connections, farewell);
    Scenario { name, servers: SERVERS, shape, requests: 4_000 }
}

fn main() -> io::Result<()> {
    let options = Options::from_env();
    let rounds = options.rounds.unwrap_or(ROUNDS);
    let cores = Cores::detect();
    raise_descriptor_limit();
    let begin = Instant::now();
    println!("{rounds} interleaved rounds; us: microseconds of the server's CPU per request");
    for scenario in SCENARIOS.iter().filter(|scenario| options.wants(scenario.name)) {
        print!("{}", echo_table(scenario.name, &scenario.run(rounds, cores)?));
    }
    println!("\n{:.0} s", begin.elapsed().as_secs_f64());
    Ok(())
}
